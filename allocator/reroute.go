package allocator

import (
	"fmt"

	"conga/controller/path"
)

// rerouteLocked returns the state of an allocation that has started, with
// another path for what is left of its window; nil if nothing changes. If there
// is no path the allocation waits, pending, and its window keeps running. It
// then keeps its path as long as that may still carry traffic out of CONGA's
// sight; else its flow entries are removed, so that its traffic gets through as
// best effort.
func (a *Allocator) rerouteLocked(it *item, c *record, now Seconds, block *obstacles) *record {
	if next, settled := a.evadeInTimeLocked(it, c, now, block); settled {
		return next
	}
	pl := a.plannerLocked()
	pl.obstacles = block
	next := *c
	fault := a.faultLocked(it, c, now)
	rest := Window{now, c.limit()}
	r := c.Request
	r.Duration = rest.End - rest.Start
	from, to, _, why := c.locate(pl.snapshot)
	if why == "" {
		d := demand{Request: r, from: from, to: to}
		pl.own = it.reservations().links
		with := d
		if len(c.Profile) > 0 {
			with = d.inSteps(clipped(c.Steps(), rest))
		}
		if swapped, settled := a.protectLocked(it, c, pl, rest); settled {
			return swapped
		}
		if p, ok := a.findSparingLocked(it, pl, &with, rest); ok && (c.Volume == 0 || c.State == Active) {
			next.Path, next.Reason = p, movingFor(a.causeLocked(c, fault))
			next.Backup, next.Swapped = pl.backup(with.Request, p, rest), false
			return &next
		}
		if open := a.whileOpenLocked(it, c, rest, block); open != nil {
			open.Reason = movingFor(a.causeLocked(c, fault))
			return open
		}
		d.Protected, pl.own = with.Protected, nil
		if c.State == Active && !it.displaced && a.onlyStrayLocked(c) {
			return nil // it is better than none
		}
		if on := a.carryOnLocked(it, c, pl, d, fault, now); on != nil {
			return on
		}
		pl.obstacles, d.Bandwidth = nil, with.Bandwidth
		a.withoutLocked(it, func() { why = pl.refusal(d, rest) })
	}
	next.pause(now)
	next.State, next.Reason = Pending, fmt.Sprintf("%s; %s", fault, why)
	if len(c.Path) > 0 && (it.displaced || path.Severed(pl.snapshot, c.Path) || path.Elsewhere(pl.snapshot, c.Key, c.Path) != "") {
		next.Lost, next.Path, next.Backup, next.Swapped = c.Path, nil, nil, false
	}
	return unlessSame(c, &next)
}

// findSparingLocked returns what [planner.findAnyhow] does, a path that spares
// what is to be disjoint from the item if there is one.
func (a *Allocator) findSparingLocked(it *item, pl planner, d *demand, w Window) (path.Path, bool) {
	asked := *d
	for _, pl := range a.sparingLocked(pl, it) {
		*d = asked
		if p, ok := pl.findAnyhow(d, w); ok {
			return p, true
		}
	}
	return nil, false
}

// carryOnLocked returns what [planner.carryOn] does; nil also if the allocation
// has no volume.
func (a *Allocator) carryOnLocked(it *item, c *record, pl planner, d demand, fault string, now Seconds) (on *record) {
	if c.Volume == 0 {
		return nil
	}
	a.withoutLocked(it, func() {
		d.limit = a.allowanceLocked(c.ProjectID, a.cfg.Limits(c.ProjectID), c)
		d.conflicting = pl.calendars.conflicting(d.Request)
		on = pl.carryOn(d, c, now)
	})
	if on != nil {
		on.Reason = movingFor(a.causeLocked(c, fault))
	}
	return on
}

// had returns the state with the path that it had, if it has none now.
func (r *record) had() *record {
	had := *r
	if len(had.Path) == 0 {
		had.Path = r.Lost
	}
	return &had
}

// faultLocked returns what is wrong with the path that an item has, or had.
func (a *Allocator) faultLocked(it *item, c *record, now Seconds) string {
	had := c.had()
	if len(had.Path) > 0 {
		if fault, alive := path.Alive(a.seen, had.Path); !alive {
			return fault
		}
		if fault := path.Elsewhere(a.seen, had.Key, had.Path); fault != "" {
			return fault
		}
	}
	if fault := a.excessLocked(it, c, now); fault != "" {
		return fault
	}
	return lost
}

// lost is what is wrong with a path that has no fault any more.
const lost = "its path was lost"

// causeLocked returns why an allocation gets another path, if it has a fault or
// does not meet its constraints any more, in words for the user.
func (a *Allocator) causeLocked(c *record, fault string) string {
	if stray := a.strayLocked(a.seen, &c.Allocation); fault == lost && stray != "" {
		return stray
	}
	return fault
}

// refusal returns what refuse does, in words and without offers.
func (pl planner) refusal(d demand, w Window) string {
	got, err := pl.refuse(d, w)
	if err != nil {
		return err.Err.Error()
	}
	return got.reason
}
