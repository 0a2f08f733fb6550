package allocator

import (
	"slices"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// squeezedLocked reports whether a circuit has no room in the switches yet,
// since scavengers have not given up what it is to have, or is a scavenger's
// that has to give it up itself. It is tried again when scavengers have been
// looked at. At each moment what is reserved, and all that switches may hold of
// scavengers, is within what links may carry.
func (a *Allocator) squeezedLocked(it *item, c path.Circuit) bool {
	if len(a.calendars.spare.links) == 0 || !a.overfullLocked(it, c) && !a.scavengedLocked(it, c) && !a.givesWayLocked(it) {
		return false
	}
	a.spare.queue = append(a.spare.queue, it)
	return true
}

// overfullLocked reports whether a link of a circuit would have more than it
// may.
func (a *Allocator) overfullLocked(it *item, c path.Circuit) bool {
	if c.Rate == 0 && c.Back() == 0 || it.hasAsMuch(c) {
		return false
	}
	now := a.now()
	w := Window{now, now + 1}
	for _, id := range c.Links() {
		for _, id := range [...]topology.LinkID{id, id.Reverse()} {
			spare := a.calendars.spare.links.peak(id, w)
			if l, ok := a.seen.Link(id); ok && spare > 0 && a.calendars.links.peak(id, w)+spare > a.limitOfLocked(l) {
				return true
			}
		}
	}
	return false
}

// scavengedLocked reports whether a scavenger has the traffic of a circuit of
// what reserves, or fragments of it, which go with what came first, and has to
// give it up.
func (a *Allocator) scavengedLocked(it *item, c path.Circuit) bool {
	if it.scavenges() {
		return false // see survey.look
	}
	now, r := a.now(), Request{ProjectID: it.project(), Key: c.Key, Bandwidth: c.Rate}
	w, own := Window{now, now + 1}, ownedKeyOf(&r)
	for _, k := range a.calendars.spare.conflicting(&r) {
		if k.blockedBy(own, ownsNothing) && a.calendars.spare.keys.taken(k, w) {
			return true
		}
	}
	return a.calendars.spare.keys.fragmentsTaken(own, w)
}

// givesWayLocked reports whether an item is a scavenger whose traffic is
// reserved by now. What reserved it may have done so just before the daemon was
// restarted.
func (a *Allocator) givesWayLocked(it *item) bool {
	if !it.scavenges() {
		return false
	}
	s, now := survey{Allocator: a}, a.now()
	return s.conflicts(&taker{record: it.record()}, Window{now, now + 1})
}

// hasMore reports whether switches may hold a circuit of the item at a higher
// rate.
func (it *item) hasMore(rate bitrate.Rate) bool {
	return slices.ContainsFunc(it.network, func(n installed) bool { return n.circuit.Rate > rate })
}

// wakeSqueezedLocked has what waits for scavengers tried again.
func (a *Allocator) wakeSqueezedLocked() {
	queue := a.spare.queue
	a.spare.queue = nil
	for _, it := range queue {
		if it.parked {
			it.parked = false
			a.rescheduleLocked(it)
			a.signal()
		}
	}
}

// enrolLocked puts an item on the list of scavengers, if it is one, or takes it
// off.
func (a *Allocator) enrolLocked(it *item, on bool) {
	switch {
	case !it.scavenges():
	case on:
		a.spare.items[it] = true
		a.spareChangedLocked()
	default:
		delete(a.spare.items, it)
		a.spareLaterLocked()
	}
}

// meets reports whether scavengers may have something of the traffic between
// two hosts or prefixes.
func (c *spareCalendars) meets(between hosts) bool {
	t := c.keys.between(between)
	return between.wide() || t.first.used || t.more != nil || len(c.keys.wide.meeting(between)) > 0
}

// pressesLocked reports whether scavengers have something of what is reserved
// soon, or more than their project may hold beside it.
func (a *Allocator) pressesLocked(h reservations) bool {
	now, spare := a.now(), &a.calendars.spare
	soon := Window{now, now + spareLead}
	for _, x := range h.links {
		if !x.window.Overlaps(soon) {
			continue
		}
		for _, id := range [...]topology.LinkID{x.on.id, x.on.id.Reverse()} {
			if has := spare.links.peak(id, soon); has > 0 {
				if l, ok := a.seen.Link(id); !ok || a.calendars.links.peak(id, soon)+has > a.limitOfLocked(l) {
					return true
				}
			}
		}
	}
	if slices.ContainsFunc(h.key, func(x reservation[ownedKey]) bool {
		return x.window.Overlaps(soon) && spare.meets(hostsOf(x.on.FlowKey))
	}) {
		return true
	}
	return slices.ContainsFunc(h.project, func(x reservation[string]) bool {
		return x.window.Overlaps(soon) && spare.active[x.on] > 0 && a.cfg.Limits(x.on).Bandwidth != nil
	})
}
