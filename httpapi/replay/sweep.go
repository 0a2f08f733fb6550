package replay

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Run removes expired answers from time to time until ctx ends. log has what
// cannot be removed.
func (b *Book) Run(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if _, err := b.Sweep(ctx); err != nil && ctx.Err() == nil {
				log.Error("expired answers could not be removed", "err", err)
			}
		}
	}
}

// Sweep removes the answers that have expired, or that are more than are kept,
// and returns how many. It does so in batches, so that no other commit waits
// for long.
func (b *Book) Sweep(ctx context.Context) (n int, err error) {
	for ctx.Err() == nil {
		b.mu.Lock()
		old := b.surplusLocked(sweepBatch)
		if len(old) == 0 {
			old = b.expiredLocked(sweepBatch)
		}
		b.mu.Unlock()
		if len(old) == 0 {
			return n, nil
		}
		err := b.store.Commit(context.WithoutCancel(ctx), removals(old)...)
		b.mu.Lock()
		b.settleLocked(old, err == nil)
		b.mu.Unlock()
		if err != nil {
			return n, fmt.Errorf("replay: sweep: %w", err)
		}
		n += len(old)
	}
	return n, ctx.Err()
}

// expiredLocked marks answers that have expired as on their way out, at most so
// many, and returns them.
func (b *Book) expiredLocked(most int) (out []*kept) {
	for _, k := range b.byName {
		if len(out) == most {
			break
		}
		if !k.leaving && b.expired(k) {
			b.leaveLocked(k, true)
			out = append(out, k)
		}
	}
	return out
}

// settleLocked forgets answers that were on their way out, or keeps them after
// all.
func (b *Book) settleLocked(old []*kept, gone bool) {
	for _, k := range old {
		if gone {
			b.dropLocked(k)
		} else {
			b.leaveLocked(k, false)
		}
	}
}
