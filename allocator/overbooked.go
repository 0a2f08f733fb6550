package allocator

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// unmeasured are the limits of a cable whose capacity has not been looked at.
var unmeasured = [2]bitrate.Rate{math.MaxUint64, math.MaxUint64}

// limitsLocked returns what allocations may hold of a cable's directions: of
// the one that names it, and of the other. Where only one is there the other
// has as much. ok is false if the capacity is not known now.
func (a *Allocator) limitsLocked(id topology.LinkID) (limits [2]bitrate.Rate, ok bool) {
	forth, there := a.seen.Link(id)
	back, thereBack := a.seen.Link(id.Reverse())
	switch {
	case !there && !thereBack:
		return unmeasured, false
	case !there:
		forth = back
	case !thereBack:
		back = forth
	}
	return [2]bitrate.Rate{a.limitOfLocked(forth), a.limitOfLocked(back)}, true
}

// measureLocked looks whether a cable carries less than when it was last looked
// at, and less than is reserved of it.
func (a *Allocator) measureLocked(c *cable) {
	limits, ok := a.limitsLocked(c.id)
	if !ok || limits == c.limits {
		return
	}
	less := limits[0] < c.limits[0] || limits[1] < c.limits[1]
	c.limits = limits
	w := Window{a.now(), never}
	if less && (a.calendars.links.peak(c.id, w) > limits[0] || a.calendars.links.peak(c.id.Reverse(), w) > limits[1]) {
		a.displaceLocked(c, w)
	}
}

// remeasureLocked looks again at the cables of an item's path, which may have
// come to carry less while the path or the rate was being saved.
func (a *Allocator) remeasureLocked(it *item) {
	if !it.indexed {
		return
	}
	for _, id := range it.appendLinks(nil) {
		c := a.cables.byID[cableOf(id)]
		c.limits = unmeasured
		a.measureLocked(c)
	}
}

// displaceLocked has those allocations looked at that no longer fit on a cable:
// what was asked for first keeps what it has, and what came later does where
// the ones before leave room for it.
func (a *Allocator) displaceLocked(c *cable, w Window) {
	users := slices.Clone(c.list)
	slices.SortFunc(users, func(a, b *item) int { return cmp.Compare(a.asked(), b.asked()) })
	kept := linkCalendar{}
	for _, it := range slices.Compact(users) {
		if !it.live() || it.bandwidth == 0 || it.scavenges() || !c.uses(it) || !it.window().Overlaps(w) {
			continue
		}
		if steps := it.steps(); kept.leavesAll(c, it, steps) {
			for _, s := range steps {
				kept.hold(c.id, s.Window, it.ratesOn(c.id, s.Rate))
			}
			continue
		}
		it.displaced = true
		a.lookLocked(it)
	}
}

// leavesAll reports whether a cable's directions have the steps of an item
// left.
func (c linkCalendar) leavesAll(of *cable, it *item, steps []Step) bool {
	for _, s := range steps {
		if !c.leaves(of, s.Window, it.ratesOn(of.id, s.Rate)) {
			return false
		}
	}
	return true
}

// displacedLocked reports whether an allocation is to leave its path because a
// link carries less than is reserved.
func (a *Allocator) displacedLocked(it *item, c *record, now Seconds) bool {
	if it.displaced && a.excessLocked(it, c, now) == "" {
		it.displaced = false // others have left
		a.unparkLocked(it)
	}
	return it.displaced
}

// excessLocked returns which link of the path that an allocation has, or had,
// does not have its rate beside what others hold, in words for the user; "" if
// there is none.
func (a *Allocator) excessLocked(it *item, c *record, now Seconds) (text string) {
	c = c.had()
	w := Window{max(now, c.Window.Start, c.StartTime), c.limit()}
	if c.Bandwidth == 0 || len(c.Path) == 0 || w.Start >= w.End {
		return ""
	}
	steps := []Step{{w, c.Bandwidth}}
	if len(c.Profile) > 0 {
		steps = clipped(c.Steps(), w)
	}
	a.withoutLocked(it, func() {
		pl := a.plannerLocked()
		for _, id := range path.LinksOf(c.Path, c.Backup) {
			for _, s := range steps {
				if text = pl.excessOn(id, c.Request.withRate(s.Rate), s.Window); text != "" {
					return
				}
			}
		}
	})
	return text
}

// excessOn returns, in words for the user, that a link does not have the rates
// of a request in a window; "" if it has.
func (pl planner) excessOn(id topology.LinkID, r Request, w Window) string {
	for _, x := range [...]need{{id, r.Bandwidth}, {id.Reverse(), r.back()}} {
		if l, ok := pl.snapshot.Link(x.id); ok && pl.freeOfOthers(l, w) < x.rate {
			return pl.excess(l, x.rate)
		}
	}
	return ""
}

// excess returns, in words for the user, that a link does not have a rate.
func (pl planner) excess(l topology.Link, rate bitrate.Rate) string {
	limit := pl.limitOf(l)
	if sw, is := unmetered(pl.snapshot, l.ID); is && pl.strict {
		return fmt.Sprintf(narrowed+"switch %s has no meters that CONGA can use, and network.priority.require_meters asks for them", sw.DPID)
	}
	if limit < rate {
		return fmt.Sprintf(narrowed+"link %s carries %s for allocations now, which is less than the %s asked for; ask for at most that", l.ID, limit, rate)
	}
	return fmt.Sprintf(narrowed+"link %s carries %s for allocations now, and those that were asked for first and fit keep theirs", l.ID, limit)
}

// grows reports whether a change asks for more of the network than before, or
// for another part or time of it, so that what was asked for meanwhile is first
// there.
func grows(was, next *record) bool {
	before, after := was.Request, next.Request
	return after.Bandwidth > before.Bandwidth || after.back() > before.back() || after.Duration > before.Duration || after.Protected && !before.Protected ||
		after.StartTime != before.StartTime || after.Earliest != before.Earliest || hostsOf(canonical(after.Key)) != hostsOf(canonical(before.Key)) ||
		after.Constraints.loosening(before.Constraints) != before.Constraints && !next.Path.Equal(was.Path)
}

// Lessens reports whether a change asks for nothing but less of what the
// request asks for, and for other leases or another path. now is when it is
// made, and a change that is none then lessens nothing.
func (r Request) Lessens(c Change, now Seconds) bool {
	next, err := r.with(c, now)
	rest := next.withLeases(r)
	rest.Constraints, rest.Protected, rest.Bandwidth, rest.Reverse, rest.Duration = r.Constraints, r.Protected, r.Bandwidth, r.Reverse, r.Duration
	rest.Volume, rest.MinBandwidth, rest.MaxBandwidth, rest.FixedRate = r.Volume, r.MinBandwidth, r.MaxBandwidth, r.FixedRate
	bound := func(l Leeway) bitrate.Rate { return cmp.Or(l.MaxBandwidth, math.MaxUint64) }
	switch {
	case err != nil, rest != r, next.Protected && !r.Protected, // with a second path
		next.Bandwidth > r.Bandwidth, next.back() > r.back(), next.Duration > r.Duration, next.Volume > r.Volume, next.MinBandwidth > r.MinBandwidth,
		(next.picksRate() || next.scavenges()) && (!r.picksRate() && !r.scavenges() || bound(next.Leeway) > bound(r.Leeway)):
		return false
	}
	return true
}

// shrinks reports whether a change asks for the same as before or less of it,
// so that there is nothing to be admitted.
func shrinks(before, after Request) bool {
	less := after
	less.Bandwidth, less.Duration, less.Reverse = before.Bandwidth, before.Duration, before.Reverse
	less.Constraints = after.Constraints.loosening(before.Constraints)
	return less.withLeases(before) == before && after.Bandwidth <= before.Bandwidth && after.back() <= before.back() && after.Duration <= before.Duration
}

// shrunk returns the state of an allocation after a change that shrinks it but
// finds no room, because less is there than is reserved: it keeps its path.
func (r *record) shrunk(to Request) record {
	next := *r
	next.Request = to
	if next.Window != (Window{}) {
		next.Window.End = min(next.Window.End, next.Window.Start+to.Duration)
	}
	return next
}
