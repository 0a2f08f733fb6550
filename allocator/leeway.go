package allocator

import (
	"fmt"

	"conga/bitrate"
)

// first returns the first moment at which the request may start.
func (l Leeway) first(now Seconds) Seconds { return max(now, l.Earliest) }

// lastStart returns the last start by which what takes so many seconds has
// ended at the deadline; one second before [never] if there is no deadline.
func (l Leeway) lastStart(duration Seconds) Seconds {
	switch {
	case l.Deadline == 0:
		return never - 1
	case l.picksRate():
		duration = 1
		if l.MaxBandwidth != 0 {
			duration = secondsFor(l.Volume, l.MaxBandwidth)
		}
	}
	return l.Deadline - duration
}

func (r *Request) lastStart() Seconds { return r.Leeway.lastStart(r.Duration) }

// check checks the moments by themselves, and brings them into the form that
// the rest relies on.
func (l *Leeway) check(now Seconds) *Error {
	l.Earliest, l.Deadline = momentOf(l.Earliest, now), momentOf(l.Deadline, now)
	switch {
	case l.Earliest < 0, l.Earliest > now+MaxAhead:
		return invalid("earliest", "%d is more than two years ahead, or no moment; it must be UNIX seconds, %d at the latest", l.Earliest, now+MaxAhead)
	case l.Deadline < 0, l.Deadline > now+MaxDeadline:
		return invalid("deadline", "%d is more than three years ahead, or no moment; it must be UNIX seconds, %d at the latest", l.Deadline, now+MaxDeadline)
	}
	return nil
}

// checkLeeway checks what the request leaves to CONGA against the rest of it.
func (r *Request) checkLeeway(now Seconds) *Error {
	switch {
	case r.Leeway == Leeway{}:
	case r.StartTime != 0:
		return invalid("start_time", "is one start, and earliest, deadline and volume leave the start to CONGA; say either")
	case r.Deadline != 0 && r.Deadline <= now:
		return invalid("deadline", "%s is in the past; it is %s now", clock(r.Deadline), clock(now))
	}
	return nil
}

// checkSpan refuses a deadline that no start meets.
func (r *Request) checkSpan(now Seconds) *Error {
	first := r.first(now)
	switch {
	case r.Leeway == Leeway{} || r.lastStart() >= first:
	case r.Deadline <= first:
		return invalid("deadline", "%s is not after %s, the first start that there may be", clock(r.Deadline), clock(first))
	default:
		takes := "the duration is"
		if r.picksRate() {
			takes = "the volume takes at least"
		}
		return invalid("deadline", "%s is %d s after %s, the first start that there may be, and %s %d s",
			clock(r.Deadline), r.Deadline-first, clock(first), takes, r.Deadline-r.lastStart())
	}
	return nil
}

// withLeeway returns the request after what a change says of its leeway; was is
// the request before the change. What the change leaves as it is is not checked
// again.
func (r Request) withLeeway(was Request, c Change, now Seconds) (Request, *Error) {
	if c.Earliest != nil {
		r.Earliest = *c.Earliest
	}
	if c.Deadline != nil {
		r.Deadline = *c.Deadline
	}
	if err := r.changeVolume(was, c); err != nil {
		return r, err
	}
	if r.Leeway != was.Leeway {
		if err := r.Leeway.check(now); err != nil {
			return r, err
		}
	}
	if r.Leeway == was.Leeway && r.Duration == was.Duration && r.StartTime == was.StartTime {
		return r, nil
	}
	return r, r.checkLeeway(now)
}

// refuseAll returns the error that says why the demand fits in no window that
// begins at start or later and meets its deadline. If there is no path at any
// rate the request has to wait, as with refuse.
func (pl planner) refuseAll(d demand, start Seconds) (placement, *Error) {
	w := Window{start, start + d.Duration}
	if d.Deadline == 0 {
		return pl.refuse(d, w)
	}
	if d.lastStart() < start {
		return placement{}, &Error{Kind: Conflict, Field: "deadline", Err: fmt.Errorf(
			"it cannot last %d s by %s any more; ask for a later deadline", d.Duration, clock(d.Deadline))}
	}
	pl.obstacles = nil // they are known by now
	if err := pl.confinedError(d); err != nil {
		return placement{}, err
	}
	first, before := d, d.lastStart()+1
	d.conflicting = nil
	if _, _, ok := pl.earliest(d, start, before); ok {
		return placement{}, pl.inTime(first, start, pl.takenError(first, w))
	}
	held := d.limit
	d.limit = nil
	if _, _, ok := pl.earliest(d, start, before); ok {
		return placement{}, pl.inTime(first, start, &Error{Kind: Denied, Field: "bandwidth", Err: fmt.Errorf(
			"project %s may hold %s at a time, and others of its allocations leave less than %s of that by %s",
			d.ProjectID, *held, d.Bandwidth, clock(d.Deadline))})
	}
	d.conflicting = first.conflicting // for what is said of the first window
	got, err := pl.refuse(d, w)
	return got, pl.inTime(first, start, err)
}

// inTime adds to a refusal, if it is one, which deadline can be met.
func (pl planner) inTime(d demand, start Seconds, err *Error) *Error {
	if err == nil {
		return err
	}
	d.Leeway.Deadline = 0
	if err.Offer.Later = 0; err.Kind == Denied {
		return err
	}
	if _, w, ok := pl.earliest(d, start, never); ok {
		err.Offer.Deadline = w.End
		err.Err = fmt.Errorf("%w%s", err.Err, err.Offer.deadline())
	}
	return err
}

// allowanceLocked returns the most that the project's allocations may hold
// together; nil: any. was is what a request changes, nil if it is new, and is
// not in the calendars: where it made the project hold more than the limit, as
// much is allowed.
func (a *Allocator) allowanceLocked(project string, limits Limits, was *record) *bitrate.Rate {
	if limits.Bandwidth == nil || was == nil || was.ProjectID != project {
		return limits.Bandwidth
	}
	most := *limits.Bandwidth
	for _, s := range was.Steps() {
		if s.Start = max(s.Start, a.now()); !s.empty() {
			most = max(most, a.calendars.projects.peak(project, s.Window)+max(s.Rate, was.Reverse.Of(s.Rate)))
		}
	}
	return &most
}

// adviseInTime lists what may be asked for in place of what cannot meet its
// deadline: a later one, or the rate that there is, or none.
func (c *counsel) adviseInTime() {
	c.offer(c.later(c.asked.Bandwidth)...)
	c.offer(c.slowerInTime()...)
	c.offer(c.lessBack(c.asked)...)
	if len(c.list) == 0 {
		c.offer(c.bothLess(c.asked)...)
	}
	c.offer(c.at(0, 0))
	if ever := c.ever(); len(c.list) == 0 && ever < c.asked.Bandwidth {
		c.offer(c.later(ever)...)
		c.offer(c.later(0)...)
	}
}

// slowerInTime returns the request with the highest rate with which it meets
// its deadline.
func (c *counsel) slowerInTime() []Request {
	rate := mostOf(0, c.asked.Bandwidth, func(rate bitrate.Rate) bool { return c.admits(c.at(rate, 0), c.now+startSlack) })
	if rate == 0 {
		return nil
	}
	return []Request{c.at(rate, 0)}
}
