package allocator

import "slices"

// reserveLocked brings the calendars in line with what the item keeps from
// others now.
func (a *Allocator) reserveLocked(it *item) {
	old := it.reservations()
	h, plain := it.required()
	changed := !same(old, h)
	switch {
	case plain && it.busy == nil:
		if it.reserved != nil {
			it.own().reserved = nil
		}
	case it.reserved == nil || changed:
		it.own().reserved = &h
	}
	if changed {
		a.calendars.replace(old, h)
		a.spareReservedLocked(h)
		if old.spare || h.spare {
			a.wakeSqueezedLocked()
			return
		}
		a.releasedLocked(old, h)
	}
}

func same(a, b reservations) bool {
	return slices.Equal(a.links, b.links) && slices.Equal(a.key, b.key) &&
		slices.Equal(a.project, b.project) && slices.Equal(a.projects, b.projects)
}

// withoutLocked runs f while the item's own reservations are out of the
// calendars, as they are when its path and window are decided anew.
func (a *Allocator) withoutLocked(it *item, f func()) {
	held := it.reservations()
	a.calendars.remove(held)
	f()
	a.calendars.add(held)
}
