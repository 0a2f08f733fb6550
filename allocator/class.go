package allocator

import (
	"errors"
	"fmt"
)

// Class says what an allocation may take of the network.
type Class uint8

// The classes.
const (
	Normal    Class = iota // what is reserved for it
	Scavenger              // what is spare, for as long as it is
)

// String returns the class as the API has it.
func (c Class) String() string {
	if c == Scavenger {
		return "scavenger"
	}
	return "normal"
}

// scavenges reports whether the request is for what is spare.
func (r *Request) scavenges() bool { return r.Class == Scavenger }

// scavenges reports what [Request.scavenges] does of the committed state.
func (it *item) scavenges() bool { return it.rare.class == Scavenger }

// checkClass refuses what a scavenger cannot have: a rate or a time of its own.
func (r *Request) checkClass() *Error {
	if !r.scavenges() {
		return nil
	}
	const spare = "a scavenger takes what is spare for as long as it is"
	switch {
	case r.Volume != 0:
		return invalid("volume", "%s, so no volume passes for certain; leave it out, or ask for class normal", spare)
	case r.Bandwidth != 0:
		return invalid("bandwidth", "%s; say max_bandwidth for the most that it is to take, and min_bandwidth for the least", spare)
	case r.Reverse.Apart:
		return invalid("reverse_bandwidth", "%s, both ways; leave it out, or ask for class normal", spare)
	case r.StartTime != 0:
		return invalid("start_time", "%s; leave it out, or ask for class normal", spare)
	case r.Earliest != 0:
		return invalid("earliest", "%s; leave it out, or ask for class normal", spare)
	case r.Deadline != 0:
		return invalid("deadline", "%s; leave it out, or ask for class normal", spare)
	case r.Hold != 0:
		return invalid("hold", "%s, which cannot be held; leave it out, or ask for class normal", spare)
	case r.Protected:
		return invalid("protection", "%s, on one path; leave it out, or ask for class normal", spare)
	case r.Recurrence != Recurrence{}:
		return invalid("recurrence", "%s, whatever the time; leave it out, or ask for class normal", spare)
	case r.MaxBandwidth != 0 && r.MinBandwidth > r.MaxBandwidth:
		return invalid("min_bandwidth", "%s is more than max_bandwidth, %s", r.MinBandwidth, r.MaxBandwidth)
	}
	return nil
}

// How many scavengers there may be. What is spare is divided among all of them
// at once, which takes some 20 ms for so many; and no project takes the places
// of all others.
const (
	mostScavengers = 1000
	mostOfAProject = mostScavengers / 4
)

// checkManyLocked refuses a project a scavenger where there are as many as may
// be.
func (a *Allocator) checkManyLocked(project string) *Error {
	own, all := a.calendars.spare.active[project], 0
	for _, n := range a.calendars.spare.active {
		all += n
	}
	switch {
	case own >= mostOfAProject:
		return &Error{Kind: Conflict, Field: "class", Err: fmt.Errorf(
			"project %s has %d scavengers, as many as it may; release one, or ask for class normal", project, own)}
	case all >= mostScavengers:
		return &Error{Kind: Conflict, Field: "class", Err: fmt.Errorf(
			"there are %d scavengers, as many as the network may have; ask again when some are over, or for class normal", mostScavengers)}
	}
	return nil
}

// waitsForSpare is the reason of a scavenger for which nothing has been looked
// for yet.
const waitsForSpare = "waits until what is spare has been looked at"

// admitScavengerLocked checks whether a scavenger can ever have what it asks
// for, and counts against its project's limits as the others do. It has neither
// window nor path then: those are for scavengeLocked to find. was is what a
// change is of, nil if the request is new.
func (a *Allocator) admitScavengerLocked(pl planner, r Request, now Seconds, was *record) (placement, *Error) {
	if was == nil {
		if err := a.checkManyLocked(r.ProjectID); err != nil {
			return placement{}, err
		}
	}
	limits, w := a.cfg.Limits(r.ProjectID), Window{now, now + r.Duration}
	pl.terse, r.Bandwidth = false, a.floorOf(&r)
	waits := placement{reason: waitsForSpare}
	if err := a.checkOneLocked(r, limits, was); err != nil {
		return placement{}, err.ofLeast()
	}
	if err := checkSplit(pl.snapshot, r.Key, was); err != nil {
		return placement{}, err
	}
	d := demand{Request: r}
	var reason string
	if d.from, d.to, _, reason = was.locateAs(pl.snapshot, r.Key); reason != "" {
		waits.reason = reason + "; " + plannedOnceKnown
	} else if err := pl.checkEnforced(d); err != nil {
		return placement{}, err.ofLeast()
	} else if _, ok := pl.graph.Find(pl.over(d, pl.limitOf)); !ok || d.from == d.to {
		got, err := pl.refuse(d, w)
		if err != nil {
			return placement{}, err.ofLeast()
		}
		waits = got
	} else if s := a.surveyLocked(now); was == nil {
		if p, _ := s.look(&taker{record: &record{Allocation: Allocation{Request: d.unrated()}}, floor: r.Bandwidth}); len(p) > 0 {
			return waits, nil // there is room at once
		}
	}
	return waits, a.checkPlacedLocked(r, Window{}, limits, was, now)
}

// ofLeast returns a refusal of a scavenger's least rate, which is all that it
// can ask for less of.
func (e *Error) ofLeast() *Error {
	if e.Offer = (Offer{}); e.Field == "bandwidth" {
		e.Field = "min_bandwidth"
	}
	return e
}

// unrated returns the demand's request without a rate.
func (d *demand) unrated() Request {
	r := d.Request
	r.Bandwidth = 0
	return r
}

// changeScavengerLocked puts a changed request of a scavenger into next. What
// it asks for is given, or not, by the next scavengeLocked.
func (a *Allocator) changeScavengerLocked(it *item, next *record, now Seconds) *Error {
	was := it.record()
	if err := a.checkApartLocked(&next.Request, was); err != nil {
		return err
	}
	asked := next.Request
	asked.Bandwidth = 0
	if err := asked.checkClass(); err != nil {
		return err
	}
	if _, err := a.admitScavengerLocked(a.plannerLocked(), asked, now, was); err != nil {
		return err
	}
	if err := a.checkFragmentsLocked(was, asked); err != nil {
		return err
	}
	if next.Window != (Window{}) {
		if next.Window.End = next.Window.Start + next.Duration; next.Window.End <= now {
			return invalid("duration", "the allocation has run for %d s already; ask for more than that, or delete it", now-next.Window.Start)
		}
	}
	if next.Key != was.Key || next.ProjectID != was.ProjectID {
		next.yield("looks for what is spare for its changed request")
	}
	return nil
}

// yield takes a scavenger's path, which it may get again.
func (r *record) yield(reason string) {
	r.State, r.Path, r.Bandwidth, r.Reason = Pending, nil, 0, reason
	if !r.Started {
		r.Window = Window{}
	}
}

var errClass = errors.New("cannot be changed; release the allocation and ask for a new one")

// changeClass refuses to make one class of the other.
func (r *Request) changeClass(c Change) *Error {
	if c.Class == nil || *c.Class == r.Class {
		return nil
	}
	return &Error{Kind: Invalid, Field: "class", Err: errClass}
}

// remarkScavenger returns what a scavenger has that has less than it may have,
// in words for the user; "" if it has all, or is none.
func remarkScavenger(v *Allocation) string {
	if !v.scavenges() || v.MaxBandwidth == 0 || v.Bandwidth >= v.MaxBandwidth {
		return ""
	}
	return fmt.Sprintf("has %s of at most %s, which is its part of what is spare", v.Bandwidth, v.MaxBandwidth)
}
