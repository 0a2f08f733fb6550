package allocator

import (
	"math"
	"math/bits"
	"net/netip"
	"slices"
	"unique"

	"conga/bitrate"
	"conga/controller/path"
)

// share is the part of a link's capacity that allocations may hold, in
// millionths: a fraction such as 0.29 is not exact in binary, this is.
type share uint64

const wholeShare share = 1e6

func shareOf(reservable float64) share { return share(math.Round(reservable * float64(wholeShare))) }

// of returns the most that allocations may hold of a capacity, in bit/s,
// rounded down. It is less than 2^62, so that sums of admitted rates stay far
// from overflowing.
func (s share) of(capacity bitrate.Rate) bitrate.Rate {
	hi, lo := bits.Mul64(uint64(capacity), uint64(s))
	q, _ := bits.Div64(hi, lo, uint64(wholeShare))
	return bitrate.Rate(min(q, 1<<62-1))
}

// reservations is all that one allocation keeps from others: capacity of links,
// its part of the project's limit, its traffic, and its part of the number of
// allocations that the project may have.
type reservations struct {
	links    []reservation[lane]
	project  []reservation[string]
	key      []reservation[ownedKey]
	projects []string // in each of which it counts as one allocation
	spare    bool     // a scavenger's, which keeps none of this from others than its like
}

// installed is a circuit that the network may hold, and the window for which it
// was handed out.
type installed struct {
	circuit path.Circuit
	window  Window
}

// reservations returns what a record keeps from others.
func (r *record) reservations() (h reservations) {
	if h.spare = r.scavenges(); r.State == Complete {
		return h
	}
	h.projects = []string{r.ProjectID}
	if r.Window == (Window{}) || h.spare && len(r.Path) == 0 {
		return h
	}
	steps := r.Steps()
	h.links = linkReservations(path.LinksOf(r.Path, r.Backup), steps, r.Reverse)
	h.key = []reservation[ownedKey]{{ownedKeyOf(&r.Request), r.Window, 1}}
	if h.spare {
		return h
	}
	for _, s := range steps {
		h.project = appendPiece(h.project, reservation[string]{r.ProjectID, s.Window, max(s.Rate, r.Reverse.Of(s.Rate))})
	}
	return h
}

// reservations returns what the calendars have of the item.
func (it *item) reservations() reservations {
	if it.reserved != nil {
		return *it.reserved
	}
	if !it.exists || it.deleted {
		return reservations{}
	}
	return it.record().reservations()
}

// pin keeps what the calendars have of an item whose state is about to change.
func (it *item) pin() {
	if it.reserved == nil {
		h := it.reservations()
		it.own().reserved = &h
	}
}

// required returns what an allocation keeps from others: what its committed
// state, its next state and its circuits in the network take, at each moment
// the most of them, since each of them may come true. plain is true if that is
// what the committed state takes.
func (it *item) required() (h reservations, plain bool) {
	c := it.record()
	stands := it.exists && !it.deleted
	var alone reservations
	if stands {
		alone = c.reservations()
		h = alone
		if it.early != 0 {
			begun := *c
			begun.Window.Start = min(it.early, c.Window.Start)
			h = h.hull(begun.reservations())
		}
		h = c.withStages(h, it.stages)
	}
	if next := it.next; next != nil && !(stands && holdsSame(c, next)) {
		h = h.hull(next.reservations())
	}
	current := c.Circuit()
	for _, n := range it.network {
		if stands && c.State != Complete && c.covers(n) {
			continue // it is counted already
		}
		if len(c.Profile) == 0 && sameCircuit(n.circuit, current) && c.Window != (Window{}) {
			if stands && c.State != Complete {
				continue // it is counted already
			}
			n.window = c.Window // it may have moved since the circuit was handed out
		}
		left := reservations{links: linkReservations(n.circuit.Links(), []Step{{n.window, n.circuit.Rate}}, n.circuit.Reverse), spare: c.scavenges()}
		if !it.deleted {
			held := Request{ProjectID: c.ProjectID, Key: n.circuit.Key, Bandwidth: n.circuit.Rate, Class: c.Class}
			left.key = []reservation[ownedKey]{{ownedKeyOf(&held), n.window, 1}}
		}
		h = h.hull(left)
	}
	return h, stands && same(h, alone)
}

// keeps reports whether a change from one state to the next leaves what
// required returns as it is.
func (it *item) keeps(old, next *record) bool {
	return it.exists && !it.deleted && it.early == 0 && next != nil && holdsSame(old, next)
}

// holdsSame reports whether two states keep the same from others.
func holdsSame(a, b *record) bool {
	return a.State != Complete && b.State != Complete && a.ProjectID == b.ProjectID && a.Window == b.Window &&
		(len(a.Profile) > 0 || a.Bandwidth == b.Bandwidth) && slices.Equal(a.Profile, b.Profile) && a.Reverse == b.Reverse && a.Key == b.Key && a.Path.Equal(b.Path) && a.Backup.Equal(b.Backup)
}

// hull returns the least reservations that take as much as both at every
// moment.
func (h reservations) hull(o reservations) reservations {
	h.spare = h.spare || o.spare
	h.links, h.project, h.key = hullOfLanes(h.links, o.links), hull(h.project, o.project), hull(h.key, o.key)
	for _, p := range o.projects {
		if !slices.Contains(h.projects, p) {
			h.projects = append(slices.Clip(h.projects), p)
		}
	}
	return h
}

// hull returns the least reservations that hold, at every moment, as much as a
// and as much as b. Neither of them has two for the same thing and moment.
func hull[K comparable](a, b []reservation[K]) []reservation[K] {
	if len(a) == 0 || slices.Equal(a, b) {
		return b
	}
	if len(b) == 0 {
		return a
	}
	var order []K
	for _, x := range a {
		if !slices.Contains(order, x.on) {
			order = append(order, x.on)
		}
	}
	for _, x := range b {
		if !slices.Contains(order, x.on) {
			order = append(order, x.on)
		}
	}
	out := make([]reservation[K], 0, len(order))
	var list []reservation[K]
	for _, on := range order {
		list = appendOn(appendOn(list[:0], a, on), b, on)
		if len(list) == 1 || len(list) == 2 && list[0] == list[1] {
			out = append(out, list[0])
		} else {
			out = appendOutline(out, list)
		}
	}
	return out
}

// appendOn appends those of the reservations that are on one thing.
func appendOn[K comparable](out, list []reservation[K], on K) []reservation[K] {
	for _, x := range list {
		if x.on == on {
			out = append(out, x)
		}
	}
	return out
}

// appendOutline appends the pointwise greatest of reservations on one thing.
func appendOutline[K comparable](out, list []reservation[K]) []reservation[K] {
	var cuts []Seconds
	for _, x := range list {
		cuts = append(cuts, x.window.Start, x.window.End)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	first := len(out)
	for i := 1; i < len(cuts); i++ {
		piece := reservation[K]{list[0].on, Window{cuts[i-1], cuts[i]}, 0}
		for _, x := range list {
			if x.window.Contains(piece.window.Start) {
				piece.rate = max(piece.rate, x.rate)
			}
		}
		out = append(out[:first], appendPiece(out[first:], piece)...)
	}
	return out
}

// appendPiece appends what is held on one thing after the rest of the list, or
// makes the last one longer by it.
func appendPiece[K comparable](list []reservation[K], x reservation[K]) []reservation[K] {
	last := len(list) - 1
	if last >= 0 && list[last].on == x.on && list[last].rate == x.rate && list[last].window.End == x.window.Start {
		list[last].window.End = x.window.End
		return list
	}
	if x.rate == 0 || x.window.empty() {
		return list
	}
	return append(list, x)
}

// canonical returns a key or its reverse, the same for both, since they match
// the same packets.
func canonical(k path.FlowKey) path.FlowKey {
	if k.Dst.Less(k.Src) {
		return k.Reverse()
	}
	return k
}

// calendars are the calendars of everything that is reserved. The allocator's
// lock guards them.
type calendars struct {
	links    linkCalendar // of what allocations hold
	room     closures     // the same, and what is closed
	projects calendar[string]
	keys     keyCalendar
	active   map[string]int // per project: allocations that are not complete
	owns     func(project string, addrs netip.Prefix) bool
	spare    spareCalendars
}

// spareCalendars are the calendars of what scavengers have. Nothing is admitted
// by them, but what is installed waits for them.
type spareCalendars struct {
	links  linkCalendar
	keys   keyCalendar
	active map[string]int
}

// hosts are two hosts or prefixes, the lower one first.
type hosts [2]path.Prefix

func newCalendars() calendars {
	links := linkCalendar{}
	return calendars{
		links: links, room: newClosures(links), projects: calendar[string]{}, keys: newKeyCalendar(),
		active: map[string]int{},
		spare:  spareCalendars{linkCalendar{}, newKeyCalendar(), map[string]int{}},
	}
}

func (b *calendars) add(h reservations) { b.replace(reservations{}, h) }

// remove undoes add.
func (b *calendars) remove(h reservations) { b.replace(h, reservations{}) }

// replace takes out some reservations and enters others; only the difference
// costs time.
func (b *calendars) replace(old, now reservations) {
	keys, active := &b.keys, b.active
	if old.spare || now.spare {
		keys, active = &b.spare.keys, b.spare.active
		replace(old.links, now.links, b.spare.links.remove, b.spare.links.add)
	} else {
		replace(old.links, now.links, b.room.remove, b.room.add)
	}
	replace(old.project, now.project, b.projects.remove, b.projects.add)
	replace(old.key, now.key, keys.remove, keys.add)
	if slices.Equal(old.projects, now.projects) {
		return
	}
	for _, p := range old.projects {
		if active[p]--; active[p] == 0 {
			delete(active, p)
		}
	}
	for _, p := range now.projects {
		active[p]++
	}
}

func replace[K comparable](old, now []reservation[K], remove, add func(reservation[K])) {
	if slices.Equal(old, now) {
		return
	}
	for _, x := range old {
		if !slices.Contains(now, x) {
			remove(x)
		}
	}
	for _, x := range now {
		if !slices.Contains(old, x) {
			add(x)
		}
	}
}

// conflicting returns the traffic of others that blocks a request.
func (b *calendars) conflicting(r Request) []ownedKey {
	type question struct {
		project unique.Handle[string]
		between hosts
	}
	known := map[question]bool{}
	return b.keys.conflicting(ownedKeyOf(&r), func(project unique.Handle[string], between hosts) bool {
		q := question{project, between}
		owns, asked := known[q]
		if !asked && b.owns != nil {
			owns = b.owns(project.Value(), between[0].Net()) || b.owns(project.Value(), between[1].Net())
			known[q] = owns
		}
		return owns
	})
}

func hostsOf(canonical path.FlowKey) hosts { return hosts{canonical.Src, canonical.Dst} }
