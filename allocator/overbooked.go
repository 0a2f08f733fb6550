package allocator

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"conga/bitrate"
	"conga/controller/topology"
)

// unmeasured is the limit of a cable whose capacity has not been looked at.
const unmeasured bitrate.Rate = math.MaxUint64

// limitLocked returns what allocations may hold of a cable: the share of the
// narrower direction. ok is false if the capacity is not known now.
func (a *Allocator) limitLocked(id topology.LinkID) (limit bitrate.Rate, ok bool) {
	limit = unmeasured
	for _, dir := range []topology.LinkID{id, id.Reverse()} {
		if l, there := a.seen.Link(dir); there {
			limit, ok = min(limit, a.limitOfLocked(l)), true
		}
	}
	return limit, ok
}

// measureLocked looks whether a cable carries less than when it was last looked
// at, and less than is reserved of it.
func (a *Allocator) measureLocked(c *cable) {
	limit, ok := a.limitLocked(c.id)
	if !ok || limit == c.limit {
		return
	}
	less := limit < c.limit
	c.limit = limit
	if w := (Window{a.now(), never}); less && a.calendars.links.peak(c.id, w) > limit {
		a.displaceLocked(c, w)
	}
}

// remeasureLocked looks again at the cables of an item's path, which may have
// come to carry less while the path or the rate was being saved.
func (a *Allocator) remeasureLocked(it *item) {
	if !it.indexed {
		return
	}
	for _, id := range it.path().Links() {
		c := a.cables.byID[cableOf(id)]
		c.limit = unmeasured
		a.measureLocked(c)
	}
}

// displaceLocked has those allocations looked at that no longer fit on a cable:
// what was asked for first keeps what it has, and what came later does where
// the ones before leave room for it.
func (a *Allocator) displaceLocked(c *cable, w Window) {
	users := slices.Clone(c.list)
	slices.SortFunc(users, func(a, b *item) int { return cmp.Compare(a.asked(), b.asked()) })
	var kept timeline
	for _, it := range slices.Compact(users) {
		if !it.live() || it.bandwidth == 0 || !c.uses(it) || !it.window().Overlaps(w) {
			continue
		}
		if held := kept.peak(it.window()); bitrate.Rate(held)+it.bandwidth <= c.limit {
			kept.add(it.window(), int64(it.bandwidth))
			continue
		}
		it.displaced = true
		a.lookLocked(it)
	}
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
	a.withoutLocked(it, func() {
		pl := a.plannerLocked()
		for _, id := range c.Path.BothWays() {
			if l, ok := pl.snapshot.Link(id); ok && pl.free(l, w) < c.Bandwidth {
				text = pl.excess(l, c.Bandwidth)
				return
			}
		}
	})
	return text
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
func grows(before, after Request) bool {
	return after.Bandwidth > before.Bandwidth || after.Duration > before.Duration || after.StartTime != before.StartTime ||
		hostsOf(canonical(after.Key)) != hostsOf(canonical(before.Key))
}

// shrinks reports whether a change asks for the same as before or less of it,
// so that there is nothing to be admitted.
func shrinks(before, after Request) bool {
	less := after
	less.Bandwidth, less.Duration = before.Bandwidth, before.Duration
	less.Constraints = after.Constraints.loosening(before.Constraints)
	return less.withLeases(before) == before && after.Bandwidth <= before.Bandwidth && after.Duration <= before.Duration
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
