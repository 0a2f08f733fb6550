package allocator

import (
	"context"
	"log/slog"
	"time"

	"conga/allocator/store"
	"conga/controller/path"
)

const (
	// DefaultHistory is how long complete allocations are kept unless it is
	// configured.
	DefaultHistory = 90 * 24 * time.Hour
	// pruneEvery is how often the history is looked at for what is too old.
	pruneEvery = 10 * time.Minute
	// pruneBatch is how many records one transaction removes or moves.
	pruneBatch = 500
	// restAfterStep is how long at most nothing is removed after the clock was
	// set forward: if that was a mistake, it may be set back before anything is
	// lost. It is no longer than the clock was set forward, since clocks that
	// are set by a second each day, and machines that sleep each night, have
	// their old allocations removed all the same.
	restAfterStep = 24 * time.Hour
)

// rest has nothing removed for a while, since the clock was set forward.
func (a *Allocator) rest(by time.Duration) {
	passes := int64(min(by, restAfterStep) / pruneEvery)
	a.resting.Store(max(a.resting.Load(), passes))
}

// Run removes complete allocations that are older than [Config.History], every
// ten minutes until ctx ends.
func (a *Allocator) Run(ctx context.Context) {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if a.resting.Load() > 0 {
				a.resting.Add(-1)
				continue
			}
			n, err := a.Prune(ctx)
			switch {
			case err != nil && ctx.Err() == nil:
				a.cfg.Log.Error("old allocations could not be removed", slog.Any("err", err))
			case n > 0:
				a.cfg.Log.Info("old allocations removed", slog.Int("count", n))
			}
		}
	}
}

// Prune removes the complete allocations, and the maintenances, that ended
// longer ago than [Config.History] and returns how many allocations those were.
// It works in batches, between which other calls can proceed; no event is
// published and no record goes along. The error is an *[Error] of kind Internal
// if the store failed.
func (a *Allocator) Prune(ctx context.Context) (n int, err error) {
	before := path.SecondsOf(a.cfg.Now().Add(-a.cfg.History)) + 1
	if err := a.pruneMaintenances(ctx, before); err != nil {
		return 0, err.in("prune")
	}
	for {
		if err := ctx.Err(); err != nil {
			return n, &Error{Op: "prune", Kind: Internal, Err: err}
		}
		old, more, err := a.oldest(ctx, before)
		if err != nil {
			return n, err.in("prune")
		}
		gone := a.discard(old)
		if err := a.commit(gone...); err != nil {
			return n, err.in("prune")
		}
		n += len(gone)
		if !more || len(gone) == 0 {
			return n, nil // what is being deleted by others is left to them
		}
	}
}

// oldest reads and returns a batch of what was complete before a moment. more
// is true if the batch is full.
func (a *Allocator) oldest(ctx context.Context, before Seconds) (old aged, more bool, _ *Error) {
	a.mu.RLock()
	old.lost = a.lost
	a.mu.RUnlock()
	var seqs []uint64
	span := store.Span{From: doneKey(0, 0), To: doneKey(before, 0)}
	err := a.cfg.Store.Range(ctx, store.History, span, func(key string, _ []byte) error {
		if seqs = append(seqs, numberOf(key)); len(seqs) == pruneBatch {
			return store.ErrStop
		}
		return nil
	})
	if err != nil {
		return old, false, a.unread(err)
	}
	for _, seq := range seqs {
		value, err := a.cfg.Store.Get(ctx, store.History, recordKey(seq))
		if err != nil {
			return old, false, a.unread(err)
		}
		if value == nil {
			continue // it has been deleted since
		}
		if r, err := decodeHistoric(seq, value); err == nil {
			old.records = append(old.records, r)
		} else {
			a.unread(err) // it stays, and keeps none of the others
		}
	}
	return old, len(seqs) == pruneBatch, nil
}

// aged are records of the history as they were when it had lost so many.
type aged struct {
	records []*record
	lost    uint64
}

// discard begins the removal of old records and returns the items to commit.
func (a *Allocator) discard(old aged) (gone []*item) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range old.records {
		if a.lost != old.lost || !a.findLocked(r.ID).past() {
			continue // it may have been deleted since it was read; the next pass sees
		}
		it := a.historicItem(r)
		it.quiet = true
		a.beginLocked(it, nil)
		gone = append(gone, it)
	}
	return gone
}
