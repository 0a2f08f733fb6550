package allocator

import (
	"context"

	"conga/allocator/store"
)

// move brings complete records from where the live ones are into the history, all or
// none of them. Stores written before there was a history have them there.
func (a *Allocator) move(ctx context.Context, done []*record) error {
	if len(done) == 0 {
		return nil
	}
	now := seconds(a.cfg.Now())
	ops := make([]store.Op, 0, 9*len(done))
	for _, r := range done {
		if r.Done == 0 {
			r.Done = min(now, max(r.Created, r.Window.End, r.LeaseEnd))
		}
		archive, err := r.archive()
		if err != nil {
			return err
		}
		ops = append(append(ops, store.Op{Bucket: store.Allocations, Key: r.ID}), archive...)
	}
	return a.cfg.Store.Commit(ctx, ops...)
}
