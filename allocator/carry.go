package allocator

import "fmt"

// put puts a placement into the state. Where that has no path, it is kept where
// the one before ended: hosts of a prefix may be behind several ports by now.
func (r *record) put(got placement) {
	if len(r.Path) > 0 && len(got.path) == 0 && !r.Key.Hosts() {
		r.Lost = r.Path
	}
	r.Window, r.Path, r.Reason = got.window, got.path, got.reason
	r.Backup, r.Swapped, r.Profile = got.backup, false, got.profile
	if r.picksRate() {
		r.Bandwidth, r.Duration = got.rate, got.window.End-got.window.Start
	}
}

// carried returns how much of its volume the allocation has had the time to
// carry by a moment, in bytes.
func (r *record) carried(now Seconds) uint64 {
	done := r.Carried
	if r.Started && r.State != Pending && now > r.Since {
		done += r.carries(Window{r.Since, now}) / 8
	}
	return min(done, r.Volume)
}

// pause notes what has been carried by now, since from now on nothing is or
// another rate counts.
func (r *record) pause(now Seconds) { r.Carried, r.Since = r.carried(now), now }

// overrun returns, in words for the user, how much of its volume the allocation
// has had no time for; "" if it had time for all.
func (r *record) overrun() string {
	left := r.Volume - r.carried(r.Window.End)
	if left == 0 {
		return ""
	}
	return fmt.Sprintf("it had no time for %d of its %d bytes", left, r.Volume)
}

// carryOn returns the state of an allocation with a volume that has started, on
// the way on which what is left passes first, at a rate of its own or the one
// that was asked for; nil if it does not pass in time. Its reservations are not
// in the calendars.
func (pl planner) carryOn(d demand, c *record, now Seconds) *record {
	next := *c
	next.pause(now)
	left := next.Volume - next.Carried
	if left == 0 {
		return nil
	}
	end := Seconds(never)
	if c.Deadline != 0 {
		end = c.Deadline
	}
	d.Volume = left
	if c.FixedRate {
		d.MinBandwidth, d.MaxBandwidth = c.Bandwidth, c.Bandwidth
	}
	got, ok := pl.quickest(d, now, now+1, end)
	if !ok {
		got, ok = pl.stepped(d, now, end, true)
	}
	if !ok {
		return nil
	}
	next.Bandwidth, next.Path, next.Window.End, next.Profile = got.rate, got.path, got.window.End, got.profile
	next.Duration = next.Window.End - next.Window.Start
	next.Backup, next.Swapped = pl.backup(next.Request, next.Path, Window{now, next.Window.End}), false
	return &next
}

// beginVolumeLocked has the allocation's volume count from now on. Where it has
// started too late for all of it and cannot run longer, its rate is raised.
func (a *Allocator) beginVolumeLocked(it *item, next *record, now Seconds) {
	if next.Volume == 0 {
		return
	}
	next.Since = now
	left := next.Volume - next.Carried
	if left == 0 || next.carries(Window{now, next.Window.End}) >= 8*left || !next.picksRate() {
		return
	}
	if len(next.Profile) > 0 {
		a.reshapeLocked(it, next, now, left)
		return
	}
	faster := next.Request
	faster.Bandwidth = rateFor(left, next.Window.End-now)
	if faster.MaxBandwidth != 0 && faster.Bandwidth > faster.MaxBandwidth {
		return
	}
	if a.roomForLocked(it, faster, Window{now, next.Window.End}) {
		next.Request, next.Reason = faster, stillMoving(next.Reason)
	}
}

// reshapeLocked gives what has a profile, and has started too late for it,
// another one on its path, if there is one that carries what is left.
func (a *Allocator) reshapeLocked(it *item, next *record, now Seconds, left uint64) {
	limits := a.cfg.Limits(next.ProjectID)
	d := demand{Request: next.Request, limit: limits.Bandwidth}
	d.from, d.to = next.Path.Ends()
	d.Volume = left
	a.withoutLocked(it, func() {
		pl := a.plannerLocked()
		pl.longest = max(1, limits.longest(next.ProjectID, next)-(now-next.Window.Start))
		d.conflicting = pl.calendars.conflicting(d.Request)
		w := Window{now, d.Deadline}
		steps := pl.newStepping(d, w, true).profile(pl.levels(d, next.Path, w))
		if len(steps) == 0 {
			return
		}
		next.Window.End = steps[len(steps)-1].End
		next.Duration = next.Window.End - next.Window.Start
		if next.Profile = steps; steps[0].Rate != next.Bandwidth {
			next.Bandwidth, next.Reason = steps[0].Rate, stillMoving(next.Reason)
		}
	})
}

// readmitVolumeLocked admits the changed request of an allocation with a volume
// that has started, from now on.
func (a *Allocator) readmitVolumeLocked(pl planner, was, next *record, now Seconds, limits Limits) *Error {
	next.Carried, next.Since = 0, now
	if was.Volume != 0 {
		next.Carried = was.carried(now)
	}
	if next.Carried >= next.Volume {
		return invalid("volume", "%d bytes have been carried already; ask for more than that, or delete it", next.Carried)
	}
	from, to, field, reason := next.locate(pl.snapshot)
	if reason != "" {
		return &Error{Kind: Conflict, Field: field, Err: fmt.Errorf("%s; a running allocation can only move to addresses that are known", reason)}
	}
	if next.Leeway == was.Leeway && next.Bandwidth == was.Bandwidth && next.Reverse == was.Reverse && was.State == Active && len(was.Profile) == 0 {
		if pl.move(next, Window{now, next.Window.End}) == nil {
			return nil
		}
	}
	d := demand{Request: next.Request, from: from, to: to, conflicting: pl.calendars.conflicting(next.Request), limit: a.allowanceLocked(next.ProjectID, limits, was)}
	on := pl.carryOn(d, next, now)
	if on == nil {
		d.Volume -= next.Carried
		return pl.lateError(d, now)
	}
	if err := checkCarriedLimit(on, limits, was); err != nil {
		return err
	}
	own := *on
	if own.Path, own.Backup, own.Swapped = next.Path, next.Backup, next.Swapped; len(on.Profile) == 0 && pl.move(&own, Window{now, on.Window.End}) == nil {
		on = &own // on its own path, if it can
	}
	*next = *on
	return nil
}

// lateError returns the refusal of a volume that does not pass from now on.
func (pl planner) lateError(d demand, now Seconds) *Error {
	end := Seconds(never)
	if d.Deadline != 0 {
		end = d.Deadline
	}
	got, err := pl.refuseVolume(d, now, end)
	if err == nil {
		err = &Error{Kind: Conflict, Err: fmt.Errorf("%s", got.reason)}
	}
	return err
}
