package allocator

import (
	"fmt"
	"slices"
	"strings"

	"conga/controller/path"
	"conga/controller/topology"
)

// parked is the reason of what would be installed if its path were free.
const parked = "waits until the entries of what was on its path before are out of the switches"

// viewLocked returns the committed state as users see it. What waits says for
// what, as that is now.
func (a *Allocator) viewLocked(it *item) Allocation {
	v := it.view()
	v.Reason = a.reasonLocked(it, &v)
	v.Shortfall = a.shortfallLocked(&v)
	return v
}

// viewAsLocked returns what viewLocked does, as it is once next is committed.
func (a *Allocator) viewAsLocked(it *item, next *record) Allocation {
	v := next.Allocation
	v.Path, v.Backup = slices.Clone(v.Path), slices.Clone(v.Backup)
	v.Reason = a.reasonLocked(it, &v)
	v.Shortfall = a.shortfallLocked(&v)
	return v
}

// reasonLocked returns why an allocation is not further. Where its record says
// nothing, because nothing is wrong, a pending one waits for its start or for
// what is in the way of an earlier one, and an active one may have begun late.
func (a *Allocator) reasonLocked(it *item, v *Allocation) string {
	now, start := a.now(), clock(v.Window.Start)
	again := v.Window.Start > now && strings.HasPrefix(v.Reason, notInstalled) // the clock was set back
	switch {
	case it.parked && moves(v.Reason):
		return "being moved: " + parked + strings.TrimPrefix(v.Reason, moving)
	case v.State == Active && v.Reason == "":
		return joined(a.remarkLocked(v), a.repairRemarkLocked(it, v))
	case v.State == Pending && v.Window == (Window{}) && !v.Key.Hosts() && len(it.lost) == 0:
		if text := waitsTogether(a.seen, v); text != "" {
			return text // which hosts these are changes
		}
		return v.Reason
	case v.State != Pending || v.Reason != "" && !again || v.Window == (Window{}):
		return v.Reason
	case v.Hold != 0:
		return fmt.Sprintf("held until %s, planned for %s: its path is reserved, and is installed once hold is changed to null", clock(v.LeaseEnd), start)
	case v.Window.Start <= now:
		return joined(a.delayLocked(it, v), a.repairRemarkLocked(it, v))
	}
	text := a.plannedLocked(it, v, now)
	return joined(text, a.doubtLocked(v), a.repairRemarkLocked(it, v))
}

// foretoldLocked returns what the reason of an allocation would be that was
// planned and is not made; what stood in the way of an earlier start is given.
func (a *Allocator) foretoldLocked(v *Allocation, o *obstacles) string {
	if v.Window != (Window{}) && v.Window.Start <= a.now() {
		return v.Reason // nothing is being installed
	}
	it := a.none.newItem()
	it.pack(&record{Allocation: *v})
	it.own().waitsFor = o.lists()
	return a.reasonLocked(it, v)
}

// plannedLocked returns what an allocation waits for whose start is to come.
func (a *Allocator) plannedLocked(it *item, v *Allocation, now Seconds) string {
	start := clock(v.Window.Start)
	if v.StartTime != 0 || v.Window.Start == v.Earliest {
		return fmt.Sprintf("waits for its start at %s", start)
	}
	for _, c := range it.waitsFor {
		if text := a.obstructsLocked(c, v, now); text != "" {
			return fmt.Sprintf("planned for %s: until then %s", start, text)
		}
	}
	return fmt.Sprintf("planned for %s, the earliest start that there was", start)
}

// doubtLocked returns what is wrong now with the path of an allocation whose
// start is to come; "" if nothing is known to be.
func (a *Allocator) doubtLocked(v *Allocation) string {
	if !a.settled && !path.Met(a.seen, v.Path) {
		return ""
	}
	fault, alive := path.Alive(a.seen, v.Path)
	if alive {
		if fault = path.Elsewhere(a.seen, v.Key, v.Path); fault == "" {
			return a.strayLocked(a.seen, v)
		}
	}
	return fmt.Sprintf("%s, so it gets another path if that lasts until %d s before", fault, planNear)
}

// remarkLocked returns what there is to be said of an active allocation with
// which nothing is wrong; "" if nothing is.
func (a *Allocator) remarkLocked(v *Allocation) string {
	var remarks []string
	for _, text := range [...]string{remarkScavenger(v), lateStart(v), unenforced(a.seen, v), unqueued(a.seen, v), path.Apart(a.seen, v.Key, v.Path), a.strayLocked(a.seen, v), a.unprotectedLocked(v)} {
		if text != "" {
			remarks = append(remarks, text)
		}
	}
	return joined(remarks...)
}

// lateStart returns how long after the start that was asked for an allocation
// has begun, in words for the user; "" if it was in time.
func lateStart(v *Allocation) string {
	if v.StartTime == 0 || v.Window.Start <= v.StartTime+startSlack {
		return ""
	}
	return fmt.Sprintf("began %d s after the start that was asked for, %s", v.Window.Start-v.StartTime, clock(v.StartTime))
}

// obstructsLocked returns what it is about an obstacle that is in the way of an
// earlier start, "" if it is none that time removes.
func (a *Allocator) obstructsLocked(c *waitList, v *Allocation, now Seconds) string {
	switch on := c.on.(type) {
	case topology.LinkID:
		return a.crowdedLocked(on, v, Window{now, v.Window.Start})
	case path.FlowKey:
		if !on.Covers(v.Key) {
			return "another allocation has part of this traffic"
		}
		return "another allocation has this traffic"
	case string:
		return fmt.Sprintf("project %s holds all that it may", on)
	}
	return ""
}

// repairRemarkLocked returns what maintenance means for an allocation that has
// a path, in words for the user; "" if nothing.
func (a *Allocator) repairRemarkLocked(it *item, v *Allocation) string {
	if !a.calendars.room.some() || v.Window == (Window{}) || v.scavenges() {
		return ""
	}
	why := a.calendars.room.why(path.LinksOf(v.Path, v.Backup), Window{max(a.now(), v.Window.Start), v.Window.End})
	switch {
	case why == "":
		return ""
	case len(it.stages) > 0:
		return fmt.Sprintf("moves to another path at %s, since %s", clock(it.stages[0].window.Start), why)
	}
	return "stays on its path although " + why + ", since no other has room"
}

// crowdedLocked returns which direction of a cable does not have an
// allocation's rate in a window, in words for the user, "" if both have it: it
// is only watched then, for a way that is new.
func (a *Allocator) crowdedLocked(cable topology.LinkID, v *Allocation, w Window) string {
	back := cable.Reverse()
	if text := a.calendars.room.why([]topology.LinkID{cable}, w); text != "" {
		return text
	}
	for _, x := range [...]need{{cable, v.Bandwidth}, {back, v.back()}, {back, v.Bandwidth}, {cable, v.back()}} {
		if l, there := a.seen.Link(x.id); there && x.rate > 0 && a.calendars.links.peak(x.id, w)+x.rate > a.limitOfLocked(l) {
			return fmt.Sprintf("link %s does not have %s left", x.id, x.rate)
		}
	}
	return ""
}

// delayLocked returns what an allocation waits for whose start has come.
func (a *Allocator) delayLocked(it *item, v *Allocation) string {
	if fault, alive := path.Alive(a.seen, v.Path); !alive {
		return fault
	}
	if moved := path.Elsewhere(a.seen, v.Key, v.Path); moved != "" {
		return moved
	}
	if it.parked {
		return parked
	}
	return "its path is being installed: not every switch has confirmed it yet"
}
