package allocator

import (
	"slices"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// lane is what a rate is reserved on: a cable in both directions, or a link.
type lane struct {
	id     topology.LinkID // with oneWay that of the link, else of the cable, see [cableOf]
	oneWay bool
}

// covers reports whether a link is part of the lane.
func (l lane) covers(id topology.LinkID) bool {
	return l.id == id || !l.oneWay && l.id == cableOf(id)
}

// linkCalendar is the calendar of the links, by cable.
type linkCalendar map[topology.LinkID]*road

// road is what is reserved of a cable. Most reservations are on both its
// directions, which have one timeline as long as all are.
type road struct {
	forth  timeline  // of the direction that names the cable
	back   *timeline // of the other one; nil: it is the same
	oneWay int       // reservations that are on one direction
}

// line returns what is reserved of a link over time; nil is nothing.
func (c linkCalendar) line(id topology.LinkID) *timeline {
	r := c[cableOf(id)]
	switch {
	case r == nil:
		return nil
	case r.back != nil && id != cableOf(id):
		return r.back
	}
	return &r.forth
}

// differs reports whether the directions of a cable have timelines of their
// own.
func (c linkCalendar) differs(id topology.LinkID) bool {
	r := c[cableOf(id)]
	return r != nil && r.back != nil
}

// add enters a reservation. Its window must not be empty.
func (c linkCalendar) add(x reservation[lane]) { c.change(x, 1) }

// remove takes out a reservation that add has entered.
func (c linkCalendar) remove(x reservation[lane]) { c.change(x, -1) }

func (c linkCalendar) change(x reservation[lane], sign int) {
	cable := cableOf(x.on.id)
	r := c[cable]
	if r == nil {
		r = &road{}
		c[cable] = r
	}
	by := int64(x.rate) * int64(sign)
	switch {
	case x.on.oneWay:
		r.part()
		r.oneWay += sign
		c.line(x.on.id).add(x.window, by)
	case r.back != nil:
		r.back.add(x.window, by)
		fallthrough
	default:
		r.forth.add(x.window, by)
	}
	if r.oneWay == 0 {
		r.back = nil
		if len(r.forth.blocks) == 0 {
			delete(c, cable)
		}
	}
}

// part gives the directions timelines of their own.
func (r *road) part() {
	if r.back == nil {
		r.back = r.forth.clone()
	}
}

func (l *timeline) clone() *timeline {
	c := &timeline{blocks: slices.Clone(l.blocks)}
	for i := range c.blocks {
		c.blocks[i].at, c.blocks[i].by = slices.Clone(c.blocks[i].at), slices.Clone(c.blocks[i].by)
	}
	return c
}

// peak returns the most that is reserved of a link at any moment of the window,
// in bit/s.
func (c linkCalendar) peak(id topology.LinkID, w Window) bitrate.Rate {
	l := c.line(id)
	if l == nil {
		return 0
	}
	return bitrate.Rate(l.peak(w))
}

// linkReservations returns what steps over links hold of their cables: as much
// of both directions, or of each its own.
func linkReservations(links []topology.LinkID, steps []Step, reverse path.Reverse) []reservation[lane] {
	if len(links) == 0 {
		return nil
	}
	held := make([]reservation[lane], 0, len(links)*len(steps))
	for _, l := range links {
		for _, s := range steps {
			one := lane{id: cableOf(l)}
			if reverse.Of(s.Rate) != s.Rate {
				one = lane{l, true}
			}
			held = appendPiece(held, reservation[lane]{one, s.Window, s.Rate})
		}
		for _, s := range steps {
			if back := reverse.Of(s.Rate); back != s.Rate {
				held = appendPiece(held, reservation[lane]{lane{l.Reverse(), true}, s.Window, back})
			}
		}
	}
	return held
}

// hullOfLanes returns what hull does. Where one of the two has a link of its
// own, so have both.
func hullOfLanes(a, b []reservation[lane]) []reservation[lane] {
	oneWay := func(x reservation[lane]) bool { return x.on.oneWay }
	if slices.ContainsFunc(a, oneWay) || slices.ContainsFunc(b, oneWay) {
		a, b = parted(a), parted(b)
	}
	return hull(a, b)
}

// parted returns the same reservations, by link.
func parted(list []reservation[lane]) (links []reservation[lane]) {
	for _, x := range list {
		if x.on.oneWay {
			links = append(links, x)
			continue
		}
		for _, id := range [2]topology.LinkID{x.on.id, x.on.id.Reverse()} {
			links = append(links, reservation[lane]{lane{id, true}, x.window, x.rate})
		}
	}
	return links
}

// ratesOn returns what the item's path takes of a cable's directions, of the
// one that names it and of the other, when it has a rate.
func (it *item) ratesOn(cable topology.LinkID, rate bitrate.Rate) (rates [2]bitrate.Rate) {
	if !it.rare.reverse.Apart {
		return [2]bitrate.Rate{rate, rate}
	}
	for _, id := range it.appendLinks(nil) {
		switch cable {
		case id:
			return [2]bitrate.Rate{rate, it.rare.reverse.Rate}
		case id.Reverse():
			return [2]bitrate.Rate{it.rare.reverse.Rate, rate}
		}
	}
	return rates
}

// leaves reports whether a cable's directions have these rates left throughout
// a window.
func (c linkCalendar) leaves(of *cable, w Window, rates [2]bitrate.Rate) bool {
	peak := c.peak(of.id, w)
	peaks := [2]bitrate.Rate{peak, peak}
	if c.differs(of.id) {
		peaks[1] = c.peak(of.id.Reverse(), w)
	}
	for i, rate := range rates {
		if rate != 0 && peaks[i]+rate > of.limits[i] {
			return false
		}
	}
	return true
}

// hold enters rates on the directions of a cable.
func (c linkCalendar) hold(cable topology.LinkID, w Window, rates [2]bitrate.Rate) {
	if rates[0] == rates[1] {
		c.add(reservation[lane]{lane{id: cable}, w, rates[0]})
		return
	}
	for i, id := range [...]topology.LinkID{cable, cable.Reverse()} {
		if rates[i] != 0 {
			c.add(reservation[lane]{lane{id, true}, w, rates[i]})
		}
	}
}

// held returns what [Request.held] does of the committed state, when it has a
// rate.
func (it *item) held(rate bitrate.Rate) bitrate.Rate { return max(rate, it.rare.reverse.Of(rate)) }
