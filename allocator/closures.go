package allocator

import (
	"fmt"
	"slices"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// shut is what a closure takes of a link, in bit/s: with it no rate fits, and
// the sum of all that is held stays below 2^63, see [share.of].
const shut = 1 << 62

// closures are the windows in which nothing is to be planned over switches and
// cables, with the calendars of the cables that both a closure and allocations
// have part of.
//
// To plan is to read calendars, so a closure is entered there, as what leaves
// no room; what allocations hold is in [calendars.links], without closures.
type closures struct {
	bySwitch map[openflow.DPID][]Window   // in no order
	byCable  map[topology.LinkID][]Window // by cable
	shared   linkCalendar                 // what allocations hold of cables that are closed at some time, and the closures
	open     linkCalendar                 // what allocations hold of all cables
}

func newClosures(open linkCalendar) closures {
	return closures{
		bySwitch: map[openflow.DPID][]Window{}, byCable: map[topology.LinkID][]Window{}, shared: linkCalendar{}, open: open,
	}
}

// some reports whether there is any closure.
func (c *closures) some() bool { return len(c.bySwitch)+len(c.byCable) > 0 }

// set makes these the closures: of elements, the windows in which they are
// closed.
func (c *closures) set(windows map[path.Element][]Window) {
	clear(c.bySwitch)
	clear(c.byCable)
	clear(c.shared)
	for e, list := range windows {
		if e.Cable == (topology.LinkID{}) {
			c.bySwitch[e.Switch] = list
		} else {
			c.byCable[cableOf(e.Cable)] = list
		}
	}
	if !c.some() {
		return
	}
	for cable := range c.open {
		c.enter(cable)
	}
}

// enter makes the calendar of a cable that allocations hold part of, if it is
// closed at some time.
func (c *closures) enter(cable topology.LinkID) {
	windows := c.of(cable)
	if len(windows) == 0 {
		return
	}
	r := &road{}
	if held := c.open[cable]; held != nil {
		r.forth, r.oneWay = *held.forth.clone(), held.oneWay
		if held.back != nil {
			r.back = held.back.clone()
		}
	}
	for _, w := range windows {
		r.forth.add(w, shut)
		if r.back != nil {
			r.back.add(w, shut)
		}
	}
	c.shared[cable] = r
}

// add enters a reservation of an allocation. Its window must not be empty.
func (c *closures) add(x reservation[lane]) { c.change(x, 1) }

// remove takes out a reservation that add has entered.
func (c *closures) remove(x reservation[lane]) { c.change(x, -1) }

func (c *closures) change(x reservation[lane], sign int) {
	c.open.change(x, sign)
	if !c.some() {
		return
	}
	cable := cableOf(x.on.id)
	if _, known := c.shared[cable]; known {
		c.shared.change(x, sign)
	} else {
		c.enter(cable)
	}
}

// of returns when a cable is closed: windows in order that do not touch.
func (c *closures) of(cable topology.LinkID) []Window {
	if !c.some() {
		return nil
	}
	all := slices.Clone(c.byCable[cable])
	for _, end := range ends(cable) {
		all = append(all, c.bySwitch[end.DPID]...)
	}
	return united(all)
}

// united returns the windows in order, those that overlap or touch as one.
func united(all []Window) (list []Window) {
	slices.SortFunc(all, func(a, b Window) int { return int(max(-1, min(1, a.Start-b.Start))) })
	for _, w := range all {
		if n := len(list); n > 0 && w.Start <= list[n-1].End {
			list[n-1].End = max(list[n-1].End, w.End)
			continue
		}
		list = append(list, w)
	}
	return list
}

// first returns the first closure of some links that has part of a window; ok
// is false if there is none.
func (c *closures) first(links []topology.LinkID, w Window) (first Window, ok bool) {
	if !c.some() {
		return Window{}, false
	}
	for _, id := range links {
		for _, x := range c.of(cableOf(id)) {
			if x.Overlaps(w) && (!ok || x.Start < first.Start) {
				first, ok = x, true
			}
		}
	}
	return first, ok
}

// closed reports whether a link is closed in part of a window.
func (c *closures) closed(id topology.LinkID, w Window) bool {
	return c.some() && slices.ContainsFunc(c.of(cableOf(id)), w.Overlaps)
}

// starts returns the moments in a window at which something closes, in order.
func (c *closures) starts(w Window) (list []Seconds) {
	note := func(windows []Window) {
		for _, x := range windows {
			if w.Contains(x.Start) {
				list = append(list, x.Start)
			}
		}
	}
	for _, windows := range c.bySwitch {
		note(windows)
	}
	for _, windows := range c.byCable {
		note(windows)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// line returns what is taken of a link over time, by allocations and closures;
// nil is nothing.
func (c *closures) line(id topology.LinkID) *timeline {
	if c.some() {
		if _, known := c.shared[cableOf(id)]; known {
			return c.shared.line(id)
		}
		if l := c.closing(id); l != nil {
			return l
		}
	}
	return c.open.line(id)
}

// closing returns what closures take of a link over time; nil is nothing.
func (c *closures) closing(id topology.LinkID) *timeline {
	windows := c.of(cableOf(id))
	if len(windows) == 0 {
		return nil
	}
	l := &timeline{}
	for _, w := range windows {
		l.add(w, shut)
	}
	return l
}

// differs reports whether the directions of a cable have timelines of their
// own.
func (c *closures) differs(id topology.LinkID) bool { return c.open.differs(id) }

// peak returns the most that is taken of a link at any moment of the window, in
// bit/s: by reservations and closures, as with all that follow.
func (c *closures) peak(id topology.LinkID, w Window) bitrate.Rate {
	l := c.line(id)
	if l == nil {
		return 0
	}
	return bitrate.Rate(l.peak(w))
}

// fit returns the earliest start, not before w's, at which a window of w's
// length finds no more than room taken of a link throughout.
func (c *closures) fit(id topology.LinkID, w Window, room bitrate.Rate) Seconds {
	l := c.line(id)
	if l == nil {
		return w.Start
	}
	return l.fit(w, int64(room))
}

// fitBefore returns the latest start, not after w's, at which a window of w's
// length finds no more than room taken of a link throughout.
func (c *closures) fitBefore(id topology.LinkID, w Window, room bitrate.Rate) Seconds {
	l := c.line(id)
	if l == nil {
		return w.Start
	}
	return l.fitBefore(w, int64(room))
}

// above returns the first time, within a window, throughout which more than
// room is taken of a link; it may go on beyond the window. The zero window is
// none.
func (c *closures) above(id topology.LinkID, w Window, room bitrate.Rate) Window {
	l := c.line(id)
	if l == nil {
		return Window{}
	}
	return l.above(w, int64(room))
}

// aboveUntil returns the end of the last time within a window throughout which
// more than room is taken of a link; the start of the window if there is none.
func (c *closures) aboveUntil(id topology.LinkID, w Window, room bitrate.Rate) Seconds {
	l := c.line(id)
	if l == nil {
		return w.Start
	}
	return max(w.Start, l.aboveUntil(w, int64(room)))
}

// clearBefore returns the latest start, not after w's, at which a window of w's
// length finds a link not closed.
func (c *closures) clearBefore(id topology.LinkID, w Window) Seconds {
	if l := c.closing(id); l != nil {
		return l.fitBefore(w, 0)
	}
	return w.Start
}

// why returns, in words for the user, which closure of some links has part of a
// window; "" if none has.
func (c *closures) why(links []topology.LinkID, w Window) string {
	first, ok := c.first(links, w)
	if !ok {
		return ""
	}
	under := func(what string, windows []Window) string {
		if !slices.ContainsFunc(windows, first.Overlaps) {
			return ""
		}
		return fmt.Sprintf("%s is under maintenance from %s to %s", what, clock(first.Start), clock(first.End))
	}
	for _, id := range links {
		if text := under("link "+id.String(), c.byCable[cableOf(id)]); text != "" {
			return text
		}
		for _, end := range ends(cableOf(id)) {
			if text := under("switch "+end.DPID.String(), c.bySwitch[end.DPID]); text != "" {
				return text
			}
		}
	}
	return ""
}
