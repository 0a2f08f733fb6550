package allocator

import (
	"cmp"
	"context"
	"fmt"
)

// Release takes an allocation out of use. One that is not complete is complete
// from then on, also after a crash, with a Reason that names the user of ctx,
// and is kept in the history; its flow entries are removed next, and only then
// can others have its capacity. One that is complete is removed: it is NotFound
// from then on. ifRevision is the Revision that the caller has read; 0 is any.
//
// Errors are of type *[Error]: NotFound, Stale if the revision is another by
// now, or Internal if the store failed.
func (a *Allocator) Release(ctx context.Context, id string, ifRevision uint64, along ...Along) error {
	const op = "release"
	var it *item
	err := a.whenIdle(ctx, id, func(found *item) *Error {
		if err := found.checkRevision(ifRevision); err != nil {
			return err
		}
		it = found
		by := actor(ctx, found.who.Value().user)
		it.own().along = along
		var kept *record
		if !it.historic {
			kept = it.record().release(by, a.now())
		}
		a.beginReleaseLocked(it, kept, by)
		return nil
	})
	if err != nil {
		return err.in(op)
	}
	if err := a.commit(it); err != nil {
		return err.in(op)
	}
	return nil
}

// beginReleaseLocked takes an item out of use, for the user by; "" is its own.
// kept is what is kept of it; nil is nothing.
func (a *Allocator) beginReleaseLocked(it *item, kept *record, by string) {
	it.own().deletedBy, it.released = by, kept != nil
	a.beginLocked(it, kept)
}

// release returns the record of an allocation that a user releases; "" is its
// own.
func (r *record) release(by string, now Seconds) *record {
	next := *r
	next.State, next.ChangedBy = Complete, by
	next.Reason = "released by " + cmp.Or(by, r.UserID)
	if r.Started {
		next.Window.End = max(r.Window.Start, min(r.Window.End, now))
	}
	return &next
}

// Reclaim takes an active allocation out of use that is not used, as
// [Allocator.Release] does, with a reason of its own. What is pending, being
// moved, or gets less than was promised stays, as it may not be its own fault
// that it is not used.
//
// Errors are of type *[Error]: NotFound, Stale if it stays, or Internal if the
// store failed.
func (a *Allocator) Reclaim(ctx context.Context, id, reason string) error {
	const op = "reclaim"
	var it *item
	err := a.whenIdle(ctx, id, func(found *item) *Error {
		// A remark, as that it began late, is no reason to keep it.
		if v := a.viewLocked(found); v.State != Active || found.record().Reason != "" || v.Shortfall != (Shortfall{}) {
			return &Error{Kind: Stale, Err: fmt.Errorf("the allocation is %s: %s", v.State, v.Reason)}
		}
		it = found
		kept := it.record().release("", a.now())
		kept.Reason = reason
		a.beginReleaseLocked(it, kept, "")
		return nil
	})
	if err == nil {
		err = a.commit(it)
	}
	if err != nil {
		return err.in(op)
	}
	return nil
}
