package allocator

import (
	"context"
	"fmt"

	"conga/controller/path"
)

// moving is the Reason of an active allocation whose switches have not all
// confirmed its latest path, rate or key.
const moving = "being moved: not every switch has confirmed the change yet"

// Update changes an allocation, active ones included, and returns the result.
// The change is admitted with the allocation's own reservation counted as free.
// A refused change changes nothing, and one that changes nothing saves nothing,
// also of what along makes. ifRevision is the Revision that the caller
// has read; 0 is any.
//
// A pending allocation is planned anew. An active one keeps its start: its end
// becomes start + duration, its path stays if the change fits there, and what
// must change in the switches follows, with a Reason until they have confirmed.
//
// Errors are those of [Allocator.Create], NotFound, Stale if the revision is
// another by now, and Conflict if the allocation is complete.
func (a *Allocator) Update(ctx context.Context, id string, ifRevision uint64, c Change, along ...Along) (Allocation, error) {
	const op = "update"
	e, err := a.hold(ctx, id)
	if err != nil {
		return Allocation{}, err.in(op)
	}
	next, block, err := a.changed(e, ifRevision, c)
	if err != nil || next == nil {
		view := e.view()
		a.mu.Unlock()
		if err != nil {
			return Allocation{}, err.in(op)
		}
		return view, nil
	}
	e.own().along = along
	a.begin(e, next)
	a.attend(e, next, block)
	result := next.Allocation
	result.Path = append(path.Path(nil), result.Path...)
	a.mu.Unlock()
	if err := a.commit(e); err != nil {
		return Allocation{}, err.in(op)
	}
	return result, nil
}

// checkRevision is the error of who has read another revision than the latest.
func (e *entry) checkRevision(ifRevision uint64) *Error {
	if ifRevision == 0 || ifRevision == e.revision {
		return nil
	}
	return &Error{Kind: Stale, Err: fmt.Errorf("the allocation is at revision %d, not %d; read it again", e.revision, ifRevision)}
}

// changed is the entry's state after a change, nil if that changes nothing, and
// what keeps it from a better place.
func (a *Allocator) changed(e *entry, ifRevision uint64, c Change) (*record, *obstacles, *Error) {
	if err := e.checkRevision(ifRevision); err != nil {
		return nil, nil, err
	}
	now := seconds(a.cfg.Now())
	switch {
	case e.state() == Complete:
		return nil, nil, &Error{Kind: Conflict, Err: fmt.Errorf("the allocation is complete; create a new one")}
	case e.window().End != 0 && e.window().End <= now:
		return nil, nil, &Error{Kind: Conflict, Err: fmt.Errorf("the allocation's window has ended at %s; create a new one", clock(e.window().End))}
	}
	r, err := e.record().Request.with(c, now)
	if err != nil {
		return nil, nil, err
	}
	next := *e.record()
	next.Request = r
	if c.Lease != nil && !e.started {
		next.LeaseEnd = leaseEnd(r.Lease, now)
	}
	if r == e.record().Request && next.LeaseEnd == e.record().LeaseEnd {
		return nil, nil, nil
	}
	if rest := r.leased(e.record().Lease); rest == e.record().Request {
		return &next, nil, nil // its place is not lost by asking for it again
	}
	if e.started && r.StartTime != e.record().StartTime {
		return nil, nil, &Error{Kind: Conflict, Field: "start_time", Err: fmt.Errorf("the allocation has started at %s already", clock(e.window().Start))}
	}
	var block *obstacles
	a.without(e, func() {
		if e.started {
			if err = a.readmit(&next, now); next.State == Active && !sameCircuit(next.Circuit(), e.record().Circuit()) {
				next.Reason = moving
			}
			return
		}
		var s spot
		if s, err = a.admit(r, now); err == nil {
			next.Window, next.Path, next.Reason = s.window, s.path, s.reason
			block = s.block
		}
	})
	if err != nil {
		return nil, nil, err
	}
	return &next, block, nil
}

// readmit admits the changed request of an allocation that has started, from
// now to its new end.
func (a *Allocator) readmit(next *record, now int64) *Error {
	limits := a.cfg.Limits(next.ProjectID)
	if n := a.books.places[next.ProjectID]; limits.Active > 0 && n >= limits.Active {
		return &Error{Kind: Denied, Field: "project_id", Err: fmt.Errorf(
			"project %s may have %d allocations that are not complete and has %d", next.ProjectID, limits.Active, n)}
	}
	if err := checkBandwidth(next.Request, limits); err != nil {
		return err
	}
	next.Window.End = next.Window.Start + next.Duration
	rest := Window{now, next.Window.End}
	if rest.End <= now {
		return invalid("duration", "the allocation has run for %d s already; ask for more than that, or delete it", now-next.Window.Start)
	}
	if err := a.checkTotal(next.Request, rest, limits); err != nil {
		return err
	}
	p, err := a.desk().moved(next.Request, next.Path, rest)
	if err != nil {
		return err
	}
	next.Path = p
	return nil
}

// moved is the path of a running allocation after a change of its request: the
// one it has if the change fits there, else another one.
func (d desk) moved(r Request, has path.Path, rest Window) (path.Path, *Error) {
	from, to, field, reason := locate(d.snapshot, r.Key)
	if reason != "" {
		return nil, &Error{Kind: Conflict, Field: field, Err: fmt.Errorf(
			"%s; a running allocation can only move to addresses that are known", reason)}
	}
	r.Duration = rest.End - rest.Start
	e := errand{Request: r, from: from, to: to, rivals: d.books.rivals(r.Key)}
	if d.rivalled(e, rest) {
		return nil, d.rivalError(e, rest)
	}
	if _, ok := path.Alive(d.snapshot, has); ok && joins(has, from, to) && d.fits(e, has, rest) {
		return has, nil
	}
	if p, ok := d.find(e, rest); ok {
		return p, nil
	}
	s, err := d.refuse(e, rest)
	if err == nil {
		err = &Error{Kind: Conflict, Err: fmt.Errorf("%s", s.reason)}
	}
	// Later is no offer to who is running now.
	err.Offer.Later = 0
	return nil, err
}
