package allocator

import "fmt"

// longest returns how long, in seconds, an allocation may be for which a rate
// is picked. was is what a request changes, nil if it is new; it may stay as
// long as it is.
func (l Limits) longest(project string, was *record) Seconds {
	if l.Duration == nil {
		return MaxDuration
	}
	most := *l.Duration
	if was != nil && was.ProjectID == project {
		most = max(most, was.Window.End-was.Window.Start)
	}
	return max(1, min(most, MaxDuration))
}

// checkDurationLimit holds a duration in seconds against the project's limit;
// was is what the request changes, nil if it is new.
func checkDurationLimit(r Request, d Seconds, limits Limits, was *record) *Error {
	most := limits.Duration
	stays := was != nil && was.ProjectID == r.ProjectID
	switch {
	case most != nil && *most == 0 && r.picksRate() && !stays:
		return noTime(r)
	case most != nil && r.picksRate() && r.MaxBandwidth != 0 && secondsFor(r.Volume, r.MaxBandwidth) > limits.longest(r.ProjectID, was):
		return &Error{Kind: Denied, Field: "max_bandwidth", Err: fmt.Errorf(
			"%s carries %d bytes in %d s, and an allocation of project %s may last %d s; ask for more, or leave it out",
			r.MaxBandwidth, r.Volume, secondsFor(r.Volume, r.MaxBandwidth), r.ProjectID, *most)}
	case most == nil || r.picksRate() || d <= *most || stays && d <= was.Duration:
		return nil
	case *most == 0:
		return noTime(r)
	}
	err := &Error{Kind: Denied, Field: "duration", Err: fmt.Errorf("%d s is longer than the %d s that an allocation of project %s may last", d, *most, r.ProjectID)}
	if r.Volume != 0 {
		err.Field = "volume"
	}
	return err
}

func noTime(r Request) *Error {
	return &Error{Kind: Denied, Field: "duration", Err: fmt.Errorf("project %s may reserve for no time at all", r.ProjectID)}
}

// checkCarriedLimit holds how long a volume now takes in all that runs against
// the project's limit on durations. It may take as long as before, and longer
// if no more is asked for than before, since less may be there now.
func checkCarriedLimit(on *record, limits Limits, was *record) *Error {
	less := was.Request // but for how it is planned, and what is shorter
	less.Bandwidth, less.Duration, less.Deadline = on.Bandwidth, on.Duration, on.Deadline
	less.Volume = min(on.Volume, was.Volume)
	if limits.Duration == nil || on.FixedRate || on.Duration <= limits.longest(on.ProjectID, was) || on.withLeases(less) == less {
		return nil
	}
	return &Error{Kind: Denied, Field: "volume", Err: fmt.Errorf(
		"it takes until %s, %d s in all, and an allocation of project %s may last %d s", clock(on.Window.End), on.Duration, on.ProjectID, *limits.Duration)}
}

// checkPlacedLocked holds a window that was found against the limits of the
// project that are about when: how far ahead it is, and how many allocations
// wait, as what is held does. A zero window is that of what waits for a path.
func (a *Allocator) checkPlacedLocked(r Request, w Window, limits Limits, was *record, now Seconds) *Error {
	if was != nil && was.ProjectID != r.ProjectID {
		was = nil
	}
	waits := w == Window{} || w.Start > now+startSlack || r.Hold != 0
	if !waits {
		return nil
	}
	if most := limits.Horizon; most != nil && w.Start > now+*most && (was == nil || w.Start > was.Window.Start) {
		if r.StartTime == 0 {
			return &Error{Kind: Denied, Field: "project_id", Err: fmt.Errorf(
				"it fits at %s at the earliest, and project %s may reserve for starts up to %s; ask for less", clock(w.Start), r.ProjectID, clock(now+*most))}
		}
		return &Error{Kind: Denied, Field: "start_time", Err: fmt.Errorf(
			"project %s may reserve for starts up to %s, which is %d s ahead", r.ProjectID, clock(now+*most), *most)}
	}
	most := limits.Pending
	if most == nil || was != nil && was.State == Pending {
		return nil
	}
	if n := a.pendingLocked(&r); n >= *most {
		return &Error{Kind: Denied, Field: "project_id", Err: fmt.Errorf(
			"it would have to wait, and project %s may have %d allocations that wait and has %d; release one, or ask for what can start at once", r.ProjectID, *most, n)}
	}
	return nil
}

// pendingLocked returns how many of the allocations that count for a request of
// a project wait. Those that are being created count.
func (a *Allocator) pendingLocked(r *Request) int {
	n := a.countLocked(r)
	if list := a.projects[r.ProjectID]; list != nil {
		n -= list.active
	}
	if r.scavenges() {
		return n
	}
	for it := range a.spare.items {
		if it.project() == r.ProjectID && it.state() == Active {
			n++ // it was not counted
		}
	}
	return n
}
