package stats

import (
	"context"
	"time"
)

const (
	saveMost   = 1000        // accounts saved, and receipts deleted, in one go
	sweepEvery = time.Minute // some receipts are looked at whether their allocations are still there
	sweepMost  = 1000        // as many as that
)

// keeping belongs to the goroutine that keeps.
type keeping struct {
	lost  []string  // IDs of allocations that were deleted and may have left a receipt
	swept string    // up to this ID receipts were looked at
	at    time.Time // when that was

	restored []*account // while they are loaded
}

// keep closes what has ended and saves what is due to be saved, until ctx ends.
func (p *Poller) keep(ctx context.Context) {
	tick := time.NewTicker(min(p.cfg.Interval, DefaultInterval))
	defer tick.Stop()
	p.keeping.at = time.Now()
	for {
		select {
		case now := <-tick.C:
			p.keepOnce(ctx, now, now.Add(-saveEvery))
			if now.Sub(p.keeping.at) >= sweepEvery {
				p.keeping.at = now
				p.sweep(ctx)
			}
		case <-ctx.Done():
			return
		}
	}
}

// keepAll saves everything, at the end.
func (p *Poller) keepAll(ctx context.Context) {
	now := time.Now()
	p.keepOnce(ctx, now, now.Add(time.Second))
}

// keepOnce saves what is urgent, and what has changed before a moment.
func (p *Poller) keepOnce(ctx context.Context, now, changed time.Time) {
	p.absorb()
	p.mu.Lock()
	p.ledger.settle(now.Add(-farewell), now)
	p.expire(now)
	p.mu.Unlock()
	if p.cfg.Archive == nil {
		return
	}
	if err := p.flush(ctx, changed); err != nil {
		p.log.Warn("what allocations have carried could not be saved", "err", err)
		return
	}
	if err := p.discard(ctx); err != nil {
		p.log.Warn("receipts of deleted allocations could not be dropped", "count", len(p.keeping.lost), "err", err)
	}
}

// flush saves what is urgent, and what has changed before a moment. A failure
// leaves it for the next time.
func (p *Poller) flush(ctx context.Context, changed time.Time) error {
	for {
		p.mu.Lock()
		s := p.ledger.pick(changed, saveMost)
		p.mu.Unlock()
		if s.empty() {
			return nil
		}
		err := p.cfg.Archive.Save(ctx, s.records())
		p.mu.Lock()
		if err != nil {
			p.ledger.putBack(s, time.Now())
		} else {
			p.ledger.filed(s)
		}
		p.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// discard deletes the receipts of deleted allocations, and takes them out of the
// sums.
func (p *Poller) discard(ctx context.Context) error {
	for len(p.keeping.lost) > 0 {
		some := p.keeping.lost[:min(len(p.keeping.lost), saveMost)]
		if err := p.discardSome(ctx, some); err != nil {
			return err
		}
		p.keeping.lost = p.keeping.lost[len(some):]
	}
	p.keeping.lost = nil
	return nil
}

func (p *Poller) discardSome(ctx context.Context, ids []string) error {
	var records []Record
	less := map[string]Direction{}
	met := map[string]bool{}
	for _, id := range ids {
		text, err := p.cfg.Archive.Get(ctx, Receipts, id)
		if err != nil {
			return err
		}
		if text == nil || met[id] {
			continue
		}
		met[id] = true
		records = append(records, Record{Room: Receipts, Key: id})
		if r, err := parse(id, text); err == nil {
			less[r.Project] = less[r.Project].plus(both([2]way{r.Forward, r.Reverse}))
		}
	}
	if len(records) == 0 {
		return nil
	}
	p.mu.Lock()
	for project, d := range less {
		records = append(records, sumRecord(project, p.ledger.bookOf(project).filed.less(d)))
	}
	p.mu.Unlock()
	if err := p.cfg.Archive.Save(ctx, records); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for project, d := range less {
		b := p.ledger.bookOf(project)
		b.filed = b.filed.less(d)
		p.ledger.tidyBook(project)
	}
	return nil
}

// sweep finds receipts whose allocations were deleted without a word, some at a
// time: the daemon may have ended in between.
func (p *Poller) sweep(ctx context.Context) {
	if p.cfg.Archive == nil {
		return
	}
	var ids []string
	err := p.cfg.Archive.Range(ctx, Receipts, p.keeping.swept, func(id string, _ []byte) bool {
		ids = append(ids, id)
		return len(ids) < sweepMost
	})
	if err != nil {
		p.log.Warn("receipts could not be looked through", "err", err)
		return
	}
	p.keeping.swept = ""
	if len(ids) == sweepMost {
		p.keeping.swept = ids[len(ids)-1]
	}
	for _, id := range ids {
		if _, ok := p.cfg.Owner(id); !ok {
			p.keeping.lost = append(p.keeping.lost, id)
		}
	}
}
