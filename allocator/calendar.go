package allocator

import (
	"math"

	"conga/bitrate"
	"conga/controller/topology"
)

// reservation is a rate held on something over a window.
type reservation[K comparable] struct {
	on     K
	window Window
	rate   bitrate.Rate
}

// calendar holds, for every K, how much is claimed at every moment. Links have one,
// and projects with a limit on their total.
//
// Rates that were admitted sum up to less than 2^63; see [share.of].
type calendar[K comparable] map[K]*timeline

// add claims the rate. The window must not be empty.
func (c calendar[K]) add(x reservation[K]) { c.change(x, int64(x.rate)) }

// remove takes back what add claimed.
func (c calendar[K]) remove(x reservation[K]) { c.change(x, -int64(x.rate)) }

func (c calendar[K]) change(x reservation[K], by int64) {
	l := c[x.on]
	if l == nil {
		l = &timeline{}
		c[x.on] = l
	}
	if l.add(x.window, by); len(l.blocks) == 0 {
		delete(c, x.on)
	}
}

// peak is the most that is claimed at any moment of the window.
func (c calendar[K]) peak(on K, w Window) bitrate.Rate {
	l := c[on]
	if l == nil {
		return 0
	}
	return bitrate.Rate(l.peak(w))
}

// fit is the earliest start, not before w's, at which a window of w's length
// finds no more than room claimed throughout. Since claims end, there is one.
func (c calendar[K]) fit(on K, w Window, room bitrate.Rate) Seconds {
	l := c[on]
	if l == nil || room > math.MaxInt64 {
		return w.Start
	}
	return l.fit(w, int64(room))
}

// linkCalendar is the calendar of the links. What is claimed of a link is claimed in both
// its directions, see [path.Path.BothWays], so there is one timeline for a cable.
type linkCalendar struct{ calendar[topology.LinkID] }

// peak is that of calendar, for a link in either direction.
func (b linkCalendar) peak(id topology.LinkID, w Window) bitrate.Rate {
	return b.calendar.peak(cableOf(id), w)
}

// fit is that of calendar, for a link in either direction.
func (b linkCalendar) fit(id topology.LinkID, w Window, room bitrate.Rate) Seconds {
	return b.calendar.fit(cableOf(id), w, room)
}
