package allocator

import (
	"fmt"

	"conga/bitrate"
)

// Limits are what one project may hold at most; nil is no limit, 0 is nothing
// at all.
//
// They refuse what grows, and nothing else: a limit that is lowered below what
// a project has leaves that as it is, and lets it be made smaller, and go on.
// What is above the limit by itself may still begin earlier, beside nothing
// else.
type Limits struct {
	Bandwidth *bitrate.Rate // at any one moment, all its allocations together, bit/s
	Active    *int          // allocations that are not complete
	Pending   *int          // allocations that wait for their start, or for a path
	Duration  *Seconds      // of one allocation
	Horizon   *Seconds      // from now to the start of one

	// Weight is what the project's scavengers together get of what is spare,
	// against those of others; 0: 1.
	Weight int
}

// weight returns the weight.
func (l Limits) weight() float64 { return float64(max(1, l.Weight)) }

// checkOneLocked holds a request against the limits that are not about a
// window. was is what it changes, nil if it is new.
func (a *Allocator) checkOneLocked(r Request, limits Limits, was *record) *Error {
	stays := was != nil && was.ProjectID == r.ProjectID
	if most := limits.Active; most != nil && !stays {
		switch n := a.countLocked(&r); {
		case *most == 0:
			return &Error{Kind: Denied, Field: "project_id", Err: fmt.Errorf("project %s may have no allocations", r.ProjectID)}
		case n >= *most:
			return &Error{Kind: Denied, Field: "project_id", Err: fmt.Errorf(
				"project %s may have %d allocations that are not complete and has %d; release one first", r.ProjectID, *most, n)}
		}
	}
	if err := checkDurationLimit(r, r.Duration, limits, was); err != nil {
		return err
	}
	most := limits.Bandwidth
	switch {
	case most == nil || r.held() <= *most || stays && r.held() <= was.held():
		return nil
	case *most == 0:
		return &Error{Kind: Denied, Field: "bandwidth", Err: fmt.Errorf(
			"project %s may hold no bandwidth; leave it out for priority without a guarantee", r.ProjectID)}
	}
	err := &Error{Kind: Denied, Field: "bandwidth", Offer: Offer{Slower: *most}, Err: fmt.Errorf(
		"%s is more than the %s that project %s may hold", r.held(), *most, r.ProjectID)}
	if r.Reverse.Apart && r.Reverse.Rate > *most {
		err.Field, err.Offer = "reverse_bandwidth", Offer{}
	}
	return err
}

// countLocked returns how many allocations of a request's project are not
// complete. Scavengers do not count for what is none.
func (a *Allocator) countLocked(r *Request) int {
	n := a.calendars.active[r.ProjectID]
	if r.scavenges() {
		n += a.calendars.spare.active[r.ProjectID]
	}
	return n
}

// checkStepsLocked holds the rates of a request, each in its time, against the
// limit on what a project's allocations hold together.
func (a *Allocator) checkStepsLocked(r Request, steps []Step, limits Limits, was *record) *Error {
	for _, s := range steps {
		r.Bandwidth = s.Rate
		if err := a.checkTotalLocked(r, s.Window, limits, was); err != nil {
			return err
		}
	}
	return nil
}

// checkTotalLocked holds a window against the limit on what a project's
// allocations hold together, see allowanceLocked.
func (a *Allocator) checkTotalLocked(r Request, w Window, limits Limits, was *record) *Error {
	rate := r.held()
	allowed := a.allowanceLocked(r.ProjectID, limits, was)
	if allowed == nil || rate == 0 || w == (Window{}) {
		return nil
	}
	most, others := *allowed, "already holds"
	if was != nil && was.ProjectID == r.ProjectID {
		others = "holds, besides this one,"
	}
	held := a.calendars.projects.peak(r.ProjectID, w)
	if held+rate <= most {
		return nil
	}
	err := &Error{Kind: Denied, Field: "bandwidth"}
	if left := most - min(held, most); !r.Reverse.Apart || r.Reverse.Rate <= left {
		err.Offer.Slower = left
	}
	if most >= rate {
		err.Offer.Later = a.calendars.projects.fit(r.ProjectID, w, most-rate)
	}
	err.Err = fmt.Errorf("project %s may hold %s at a time and %s %s between %s and %s",
		r.ProjectID, *limits.Bandwidth, others, held, clock(w.Start), clock(w.End))
	return err
}
