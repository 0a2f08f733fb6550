package allocator

import (
	"context"

	"conga/allocator/store"
)

// actorKey is the key of the user in a context that [By] has made.
type actorKey struct{}

// By returns a context for changes that a user makes, as [Allocation.ChangedBy]
// tells.
func By(ctx context.Context, user string) context.Context {
	return context.WithValue(ctx, actorKey{}, user)
}

// actor returns the user that a change is made by; "" is the owner, or a user
// that ctx does not name.
func actor(ctx context.Context, owner string) string {
	if user, _ := ctx.Value(actorKey{}).(string); user != owner {
		return user
	}
	return ""
}

// Along makes records that are saved in the same transaction as a change: all
// of it survives, or nothing. before is nil for a creation, after for a
// deletion; neither may be changed or kept. An error refuses the change.
//
// It runs without the allocator's lock, once for each change that is about to
// be saved, several at a time for different allocations.
type Along func(before, after *Allocation) ([]store.Op, error)

// alongside returns the records that go with a begun change: those that its
// caller wants, or else the configured ones. A begun item is changed by its own
// change alone, so this needs no lock.
func (a *Allocator) alongside(it *item) (ops []store.Op, err error) {
	if it.quiet {
		return nil, nil
	}
	wanted := it.along
	if len(wanted) == 0 && a.cfg.Along != nil {
		wanted = []Along{a.cfg.Along}
	}
	var before, after *Allocation
	if it.exists {
		before = &it.record().Allocation
	}
	if it.next != nil {
		after = &it.next.Allocation
	}
	for _, f := range wanted {
		more, err := f(before, after)
		if err != nil {
			return nil, err
		}
		ops = append(ops, more...)
	}
	return ops, nil
}
