package allocator

import (
	"context"
	"errors"
	"fmt"

	"conga/bitrate"
	"conga/controller/path"
)

// Update changes an allocation, active ones included, and returns the result.
// The change is admitted with the allocation's own reservations counted as
// free. A refused change changes nothing, and one that changes nothing saves
// nothing, not even what along makes. ifRevision is the Revision that the
// caller has read; 0 is any.
//
// A pending allocation is planned anew. An active one keeps its start: its end
// becomes start + duration, its path stays if the change fits there, and what
// must change in the switches follows, with a Reason until they have confirmed.
//
// Errors are those of [Allocator.Create], NotFound, Stale if the revision is
// another by now, and Conflict if the allocation is complete.
func (a *Allocator) Update(ctx context.Context, id string, ifRevision uint64, c Change, along ...Along) (Allocation, error) {
	const op = "update"
	var it *item // nil: nothing changes
	var result Allocation
	err := a.whenIdle(ctx, id, func(found *item) *Error {
		next, block, err := a.changedLocked(found, ifRevision, c)
		if err != nil || next == nil {
			result = a.viewLocked(found)
			return err
		}
		it = found
		if !renews(found.record(), next) {
			next.ChangedBy = actor(ctx, next.UserID)
		}
		it.own().along = along
		a.beginLocked(it, next)
		a.awaitBetterLocked(it, next, block)
		if len(next.Path) == 0 || it.displaced || next.scavenges() || a.strayLocked(a.seen, &next.Allocation) != "" {
			a.lookLocked(it)
		}
		result = a.viewAsLocked(it, next)
		return nil
	})
	if err == nil && it != nil {
		err = a.commit(it)
	}
	if err != nil {
		return Allocation{}, err.in(op)
	}
	return result, nil
}

// checkRevision returns an error if the caller has read another revision than
// the latest.
func (it *item) checkRevision(ifRevision uint64) *Error {
	if ifRevision == 0 || ifRevision == it.revision {
		return nil
	}
	return &Error{Kind: Stale, Err: fmt.Errorf("the allocation is at revision %d, not %d; read it again", it.revision, ifRevision)}
}

// changedRequest returns what an item asks for after a change; an error if it
// can no longer change, or the request is none that may be made.
func (it *item) changedRequest(c Change, now Seconds, least bitrate.Rate) (Request, *Error) {
	was := it.record()
	switch {
	case was.State == Complete:
		return Request{}, &Error{Kind: Conflict, Err: fmt.Errorf("the allocation is complete; create a new one")}
	case (was.Started || was.Hold != 0) && was.lapsed(now):
		return Request{}, &Error{Kind: Conflict, Err: fmt.Errorf("the allocation's lease has ended at %s; create a new one", clock(was.LeaseEnd))}
	case was.over(now):
		return Request{}, &Error{Kind: Conflict, Err: fmt.Errorf("the allocation's window has ended at %s; create a new one", clock(was.limit()))}
	}
	r, err := was.Request.with(c, now)
	if err == nil && !was.Started && (r.Leeway != was.Leeway || r.Duration != was.Duration) {
		err = r.checkSpan(now)
	}
	if err == nil && (r.Bandwidth != was.Bandwidth || r.Reverse != was.Reverse || r.Leeway != was.Leeway) {
		err = r.checkRates(least)
	}
	return r, err
}

// changedLocked returns the item's state after a change, nil if that changes
// nothing, and what keeps it from a better window.
func (a *Allocator) changedLocked(it *item, ifRevision uint64, c Change) (*record, *obstacles, *Error) {
	if err := it.checkRevision(ifRevision); err != nil {
		return nil, nil, err
	}
	now := a.now()
	r, err := it.changedRequest(c, now, a.cfg.Least)
	if err != nil {
		return nil, nil, err
	}
	next := *it.record()
	next.Request = r
	if err := it.checkHold(c); err != nil {
		return nil, nil, err
	}
	next.extend(c, it.rare.hold != 0, now)
	if r == it.record().Request && next.LeaseEnd == it.record().LeaseEnd {
		return nil, nil, nil
	}
	if r.withLeases(it.record().Request) == it.record().Request {
		return &next, nil, nil // extending a lease loses neither window nor path
	}
	if field := movedStart(it.record().Request, r); it.started && field != "" {
		return nil, nil, &Error{Kind: Conflict, Field: field, Err: fmt.Errorf("the allocation has started at %s already", clock(it.window().Start))}
	}
	var block *obstacles
	if r.scavenges() {
		err = a.changeScavengerLocked(it, &next, now)
	} else {
		block, err = a.admitChangeLocked(it, &next, now)
	}
	if err != nil {
		return nil, nil, err
	}
	if grows(it.record(), &next) {
		a.seq++
		next.Asked = a.seq
	}
	if it.started && next.State == Active && !r.scavenges() && !sameCircuit(next.Circuit(), it.record().Circuit()) {
		next.Reason = a.movingStillLocked(it, now)
	}
	return &next, block, nil
}

// admitChangeLocked places a changed request, that of next, which it completes.
// What asks for less than before is never refused, and may stay where it is.
func (a *Allocator) admitChangeLocked(it *item, next *record, now Seconds) (block *obstacles, err *Error) {
	was, r := it.record(), next.Request
	a.withoutLocked(it, func() {
		asked := *next
		for _, pl := range a.sparingLocked(a.plannerLocked(), it) {
			*next, pl.obstacles = asked, &obstacles{}
			err = a.assignChangeLocked(pl, was, next, now)
			if block = pl.obstacles; err == nil && len(next.Path) > 0 {
				break
			}
		}
		if it.started {
			block = nil
		}
	})
	if err == nil || err.Kind != Conflict && err.Kind != Denied {
		return block, err
	}
	if shrinks(was.Request, r) {
		if less := was.shrunk(r); !less.over(now) {
			*next = less
			return nil, nil
		}
	}
	a.withoutLocked(it, func() { err.Alternatives = a.alternativesLocked(r, now, was, err) })
	return nil, err
}

// assignChangeLocked finds the window and the path of a changed request, that
// of next, and puts them into next. The caller has taken the allocation's
// reservations out of the calendars.
func (a *Allocator) assignChangeLocked(pl planner, was, next *record, now Seconds) *Error {
	if was.Started {
		if err := a.readmitLocked(pl, was, next, now); err != nil {
			return err
		}
	} else {
		got, err := a.assignLocked(pl, next.Request, now, was)
		if err != nil {
			return err
		}
		if next.put(got); len(next.Path) == 0 && sidesOf(next.Key) != sidesOf(was.Key) {
			next.Lost = nil // it ended where others are
		}
	}
	return a.checkFragmentsLocked(was, next.Request)
}

// checkHold refuses to hold what the switches have, or may have.
func (it *item) checkHold(c Change) *Error {
	if c.Hold == nil || *c.Hold == 0 || !it.started && !it.task && len(it.network) == 0 {
		return nil
	}
	return &Error{Kind: Conflict, Field: "hold", Err: errors.New("the allocation's path is in the switches already, or about to be; release it to give it up")}
}

// movedStart returns the attribute by which a change asks for another start, ""
// if it does not.
func movedStart(before, after Request) (field string) {
	switch {
	case after.StartTime != before.StartTime:
		return "start_time"
	case after.Earliest != before.Earliest:
		return "earliest"
	}
	return ""
}

// checkFragmentsLocked refuses a change to other traffic whose fragments
// another project may have: the allocation keeps its handle, and with a lower
// one it would take them.
func (a *Allocator) checkFragmentsLocked(was *record, r Request) *Error {
	if r.Key == was.Key || !a.calendars.keys.fragmentsOwned(ownedKeyOf(&r), ownedKeyOf(&was.Request)) {
		return nil
	}
	return &Error{Kind: Conflict, Field: "dst_port", Err: fmt.Errorf(
		"another project has an allocation between these addresses, whose fragments name no port and could be taken for this one's; " +
			"create a new allocation instead")}
}

// readmitLocked admits the changed request of an allocation that has started,
// from now to its new end.
func (a *Allocator) readmitLocked(pl planner, was, next *record, now Seconds) *Error {
	limits := a.cfg.Limits(next.ProjectID)
	if err := a.checkApartLocked(&next.Request, was); err != nil {
		return err
	}
	if err := a.checkOneLocked(next.Request, limits, was); err != nil {
		return err
	}
	if err := checkSplit(pl.snapshot, next.Key, was); err != nil {
		return err
	}
	if next.Volume != 0 {
		return a.readmitVolumeLocked(pl, was, next, now, limits)
	}
	next.Window.End, next.Profile = next.Window.Start+next.Duration, nil
	rest := Window{now, next.Window.End}
	if rest.End <= now {
		return invalid("duration", "the allocation has run for %d s already; ask for more than that, or delete it", now-next.Window.Start)
	}
	if next.Deadline != 0 && rest.End > next.Deadline {
		return &Error{Kind: Conflict, Field: "deadline", Err: fmt.Errorf(
			"the allocation runs until %s; ask for a deadline of then or later, or for a shorter duration", clock(rest.End))}
	}
	if err := a.checkTotalLocked(next.Request, rest, limits, was); err != nil {
		return err
	}
	return pl.move(next, rest)
}

// move gives a running allocation its path after a change of its request: the
// one it has if the change fits there, else another one; and so with its
// backup.
func (pl planner) move(next *record, rest Window) *Error {
	r, has := next.Request, next.Path
	from, to, field, reason := next.locate(pl.snapshot)
	if reason != "" {
		return &Error{Kind: Conflict, Field: field, Err: fmt.Errorf(
			"%s; a running allocation can only move to addresses that are known", reason)}
	}
	r.Duration = rest.End - rest.Start
	d := demand{Request: r, from: from, to: to, conflicting: pl.calendars.conflicting(r)}
	if pl.taken(d, rest) {
		return pl.takenError(d, rest)
	}
	if _, ok := path.Alive(pl.snapshot, has); ok && joins(has, from, to) {
		switch {
		case r.Protected && pl.fitsPair(d, next, rest):
			return nil
		case !r.Protected && pl.fits(d.onPath(next), has, rest):
			next.Backup, next.Swapped = nil, false
			return nil
		case r.Protected && pl.fits(d, has, rest):
			if b := pl.backup(r, has, rest); b != nil {
				next.Backup, next.Swapped = b, false
				return nil
			}
		}
	}
	if p, ok := pl.find(d, rest); ok {
		next.Path, next.Backup, next.Swapped = p, pl.backup(r, p, rest), false
		return nil
	}
	got, err := pl.refuse(d, rest)
	if err == nil {
		err = &Error{Kind: Conflict, Err: fmt.Errorf("%s", got.reason)}
	}
	// A running allocation cannot start later.
	err.Offer.Later = 0
	return err
}

// fitsPair reports whether the demand fits on both paths that an allocation
// has, whichever of them it uses, in exactly this window. The one that it does
// not use need not be alive.
func (pl planner) fitsPair(d demand, has *record, w Window) bool {
	if len(has.Backup) == 0 || !joins(has.Backup, d.from, d.to) {
		return false
	}
	other := d
	if !has.Swapped {
		other.Include = ""
	}
	return pl.fits(d.onPath(has), has.Path, w) && pl.fitsUnused(other, has.Backup, w)
}

// onPath returns the demand as it holds for the path that an allocation uses: a
// backup need not include anything.
func (d demand) onPath(has *record) demand {
	if has.Swapped {
		d.Include = ""
	}
	return d
}

// fitsUnused reports whether the demand fits on a path that is not used, alive
// or not, in exactly this window.
func (pl planner) fitsUnused(d demand, p path.Path, w Window) bool {
	for _, id := range p.Links() {
		for _, x := range [...]need{{id, d.Bandwidth}, {id.Reverse(), d.back()}} {
			if l, ok := pl.snapshot.Link(x.id); ok && !pl.has(l, w, x.rate) {
				return false
			}
		}
	}
	c := pl.confines(&d.Request)
	_, alive := path.Alive(pl.snapshot, p)
	return !alive || c == nil || c.Met(pl.snapshot, p)
}
