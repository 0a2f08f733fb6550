package allocator

import (
	"cmp"

	"conga/controller/topology"
)

// Availability is what a request would be given, and what there is besides.
type Availability struct {
	From, To topology.PortID // where source and destination are; zero: not known
	Planned  Allocation      // as it would be, without an ID; what it asks for if it is refused
	Refused  *Error          // nil: it would be admitted
	// Alternatives are what would be admitted instead or, where it would start
	// later, what would start now.
	Alternatives []Request
	Horizon      Window // what was looked at
	Free         []Step // what the path with most room has, from the start of Horizon on; empty: there is no path
	Until        Seconds
}

// Horizon is how far Availability looks ahead if it is not said otherwise, in
// seconds.
const Horizon = 30 * 24 * 3600

// Availability returns what [Allocator.Create] would answer now, and what is
// free between the two hosts from the start that is asked for on, for so many
// seconds; 0 is [Horizon]. Nothing is created. The duration may be left out:
// then it is told whether and when there is the rate at all. So may be the
// project, whose limits do not count then.
//
// What is free is that of the path with most room at each moment, which need
// not be the same one. Where it changes too often it is told up to Until.
//
// The error is an *[Error] of kind Invalid.
func (a *Allocator) Availability(r Request, horizon Seconds) (Availability, error) {
	const op = "availability"
	now := a.now()
	open := r.Duration == 0 && r.Volume == 0
	if open {
		r.Duration = 1
	}
	horizon = cmp.Or(horizon, Horizon)
	if err := a.checkQuestion(&r, now, horizon); err != nil {
		return Availability{}, err.in(op)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	start := max(now, r.StartTime)
	out := Availability{Horizon: Window{start, start + horizon}}
	out.Until = out.Horizon.End
	var at placement
	if at, out.Refused = a.admitLocked(r, now); out.Refused != nil {
		out.Refused.Op = op
	}
	planned := record{Allocation: Allocation{Request: r, State: Pending}}
	planned.put(at)
	if out.Planned = planned.Allocation; out.Planned.Window.Start > max(start, r.Earliest) {
		out.Planned.Reason = a.foretoldLocked(&out.Planned, at.obstacles)
	}
	if open {
		out.Planned.Duration = 0
	} else {
		out.Alternatives = a.insteadLocked(r, now, at, out.Refused)
	}
	pl := a.plannerLocked()
	from, to, _, unknown := locate(pl.snapshot, r.Key)
	if out.From, out.To = from, to; unknown == "" && from != to {
		out.Free, out.Until = pl.steps(demand{Request: r, from: from, to: to}, out.Horizon)
	}
	return out, nil
}

// checkQuestion checks what is asked about, and normalises it. The project may
// be missing.
func (a *Allocator) checkQuestion(r *Request, now, horizon Seconds) *Error {
	if horizon < 0 || horizon > MaxAhead {
		return invalid("horizon", "must be from 1 to %d seconds", int64(MaxAhead))
	}
	if err := r.normaliseRest(now); err != nil {
		return err
	}
	return cmp.Or(r.checkSpan(now), r.checkRates(a.cfg.Least))
}

// insteadLocked returns the alternatives of a request that was refused, and of
// one that would not start as early as it could with less.
func (a *Allocator) insteadLocked(r Request, now Seconds, at placement, refused *Error) []Request {
	switch {
	case refused != nil:
		return a.alternativesLocked(r, now, nil, refused)
	case at.window.Start <= max(now, r.StartTime), r.picksRate():
		return nil
	}
	c := a.counselLocked(r, now, nil)
	if !c.taken(c.demand, Window{now, now + r.Duration}) {
		c.offer(c.slowerUntil(now + r.Duration)...)
	}
	return c.list
}

// Validate returns what Create would, without creating it: the allocation as it
// would be, without an ID.
func (a *Allocator) Validate(r Request) (Allocation, error) {
	const op = "validate"
	now := a.now()
	if err := a.check(&r, now); err != nil {
		return Allocation{}, err.in(op)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	at, err := a.admitLocked(r, now)
	if err != nil {
		err.Alternatives = a.alternativesLocked(r, now, nil, err)
		return Allocation{}, err.in(op)
	}
	planned := record{Allocation: Allocation{Created: now, Request: r, State: Pending, LeaseEnd: leaseEnd(r.firstLease(), now)}}
	planned.put(at)
	v := planned.Allocation
	v.Reason = a.foretoldLocked(&v, at.obstacles)
	return v, nil
}
