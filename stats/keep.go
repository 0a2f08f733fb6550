package stats

import (
	"context"
	"time"
)

const (
	saveMost   = 1000        // accounts saved, and receipts deleted, in one go
	sweepEvery = time.Minute // time between two checks of receipts whose allocations may be gone
	sweepMost  = 1000        // receipts in one check
)

// A keeperState belongs to the goroutine that runs keep.
type keeperState struct {
	lost  []string  // IDs of allocations that were deleted and may have left a receipt
	swept string    // receipts were checked up to this ID
	at    time.Time // when that was

	restored []*account // while they are loaded
}

// keep closes the accounts that have ended and saves those that are due, until
// ctx ends.
func (p *Poller) keep(ctx context.Context) {
	tick, look := time.NewTicker(min(p.cfg.Interval, DefaultInterval)), time.NewTicker(lookEvery)
	defer tick.Stop()
	defer look.Stop()
	p.keeper.at = time.Now()
	for {
		select {
		case now := <-look.C:
			p.announce(now)
		case now := <-tick.C:
			p.review(now)
			p.watchIdle(ctx)
			p.keepOnce(ctx, now, now.Add(-saveEvery))
			if now.Sub(p.keeper.at) >= sweepEvery {
				p.keeper.at = now
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
	p.keepOnce(ctx, now, now.Add(time.Second+quietEvery))
}

// keepOnce saves what is urgent, and what has changed before a moment.
func (p *Poller) keepOnce(ctx context.Context, now, changed time.Time) {
	p.absorb()
	p.mu.Lock()
	p.ledger.settle(now.Add(-removalWait), now)
	p.expireLocked(now)
	p.mu.Unlock()
	if p.cfg.Archive == nil {
		return
	}
	if err := p.flush(ctx, changed); err != nil {
		p.cfg.Log.Warn("what allocations have carried could not be saved", "err", err)
		return
	}
	if err := p.discard(ctx); err != nil {
		p.cfg.Log.Warn("receipts of deleted allocations could not be dropped", "count", len(p.keeper.lost), "err", err)
	}
}

// flush saves what is urgent, and what has changed before a moment. A failure
// leaves it for the next time.
func (p *Poller) flush(ctx context.Context, changed time.Time) error {
	for {
		p.mu.Lock()
		s := p.ledger.pick(changed, time.Now(), saveMost)
		p.mu.Unlock()
		if s.empty() {
			return nil
		}
		err := p.cfg.Archive.Save(ctx, s.records())
		p.mu.Lock()
		if err != nil {
			p.ledger.putBack(s, time.Now())
		} else {
			p.ledger.saved(s)
		}
		p.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// discard deletes the receipts of deleted allocations, and takes them out of
// the sums.
func (p *Poller) discard(ctx context.Context) error {
	for len(p.keeper.lost) > 0 {
		some := p.keeper.lost[:min(len(p.keeper.lost), saveMost)]
		if err := p.discardSome(ctx, some); err != nil {
			return err
		}
		p.keeper.lost = p.keeper.lost[len(some):]
	}
	p.keeper.lost = nil
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
		records = append(records, Record{Bucket: Receipts, Key: id})
		if r, err := parse(id, text); err == nil {
			less[r.Project] = less[r.Project].plus(both([2]directionTotals{r.Forward, r.Reverse}))
		}
	}
	if len(records) == 0 {
		return nil
	}
	p.mu.Lock()
	for project, d := range less {
		records = append(records, sumRecord(project, p.ledger.projectOf(project).receipts.less(d)))
	}
	p.mu.Unlock()
	if err := p.cfg.Archive.Save(ctx, records); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for project, d := range less {
		b := p.ledger.projectOf(project)
		b.receipts = b.receipts.less(d)
		p.ledger.tidyProject(project)
	}
	return nil
}

// sweep finds receipts whose allocations were deleted unnoticed, because the
// daemon ended in between; some at a time.
func (p *Poller) sweep(ctx context.Context) {
	if p.cfg.Archive == nil {
		return
	}
	var ids []string
	err := p.cfg.Archive.Range(ctx, Receipts, p.keeper.swept, func(id string, _ []byte) bool {
		ids = append(ids, id)
		return len(ids) < sweepMost
	})
	if err != nil {
		p.cfg.Log.Warn("receipts could not be looked through", "err", err)
		return
	}
	p.keeper.swept = ""
	if len(ids) == sweepMost {
		p.keeper.swept = ids[len(ids)-1]
	}
	for _, id := range ids {
		if _, ok := p.cfg.Owner(id); !ok {
			p.keeper.lost = append(p.keeper.lost, id)
		}
	}
}
