package allocator

import (
	"math"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// MaxSteps is how many steps of what is free are told at most.
const MaxSteps = 100

// maxReads is how many moments are looked at for that.
const maxReads = 3 * MaxSteps

// Step is a time during which the same rate is free.
type Step struct {
	Window
	Rate bitrate.Rate // bit/s; 0: nothing is
}

// gauge reads what links have free as time goes on: each calendar once,
// forward.
type gauge struct {
	planner
	from, to topology.PortID
	limits   *path.Constraints
	reverse  path.Reverse
	best     path.Path // the one with most room
	dials    []*dial   // of its links
	sealed   int64     // no path over trunks has this rate
	sealedTo Seconds   // before this moment
	trunks   []*dial   // by the number of their links, the same for both of a cable unless reverse is apart
	access   [4]dial
	now      Seconds
}

// dial is what is known of a link or a cable: how much it has free.
type dial struct {
	forth flank
	back  *flank // nil: nothing else counts
}

// flank is what is known of one link, up to the moment that was asked about
// last.
type flank struct {
	line  *timeline // nil: nothing is reserved
	limit int64
	need  int64 // not 0: it has all that is asked for if it has this, else nothing
	mark  mark
	left  int64   // free from the mark on
	next  Seconds // when that may change
}

// flankOf returns what is known of a link at first; back says that it is on the
// way back, where a rate apart is all that is needed.
func (g *gauge) flankOf(l *topology.Link, back bool) flank {
	f := flank{next: beforeAll, line: g.calendars.room.line(l.ID), limit: int64(g.limitOf(*l))}
	if back && g.reverse.Apart {
		f.need = max(1, int64(g.reverse.Rate))
		if g.reverse.Rate == 0 {
			f.line, f.limit = nil, math.MaxInt64
		}
	}
	return f
}

// dialOf returns the dial of a cable; a leads towards the destination, b
// back.
func (g *gauge) dialOf(a, b *topology.Link) dial {
	m, back := dial{forth: g.flankOf(a, false)}, g.flankOf(b, true)
	if back.need == 0 && back.line == m.forth.line {
		m.forth.limit = min(m.forth.limit, back.limit)
		return m
	}
	m.back = &back
	return m
}

// left returns what is free now, as far as it was looked at.
func (m *dial) left() int64 {
	if m.back == nil {
		return m.forth.counts()
	}
	return min(m.forth.counts(), m.back.counts())
}

// free returns what is free at a moment, not before those that were asked about
// earlier.
func (m *dial) free(at Seconds) int64 {
	m.forth.read(at)
	if m.back != nil {
		m.back.read(at)
	}
	return m.left()
}

// until returns the first moment after the last one, at far at the latest, from
// which on less than a rate is free or, with more, before which there is not as
// much.
func (m *dial) until(rate int64, more bool, far Seconds) Seconds {
	switch {
	case m.back == nil:
		return m.forth.until(rate, more, far)
	case !more:
		return min(m.forth.until(rate, more, far), m.back.until(rate, more, far))
	}
	at := Seconds(beforeAll)
	for _, f := range [...]*flank{&m.forth, m.back} {
		if f.counts() < rate {
			at = max(at, f.until(rate, more, far))
		}
	}
	return at
}

// never reports whether there cannot be a rate at any time.
func (m *dial) never(rate int64) bool {
	lacks := func(f *flank) bool {
		if f.need != 0 {
			return f.limit < f.need
		}
		return f.limit < rate
	}
	return lacks(&m.forth) || m.back != nil && lacks(m.back)
}

// counts returns what the link has for the rate that is asked about.
func (f *flank) counts() int64 {
	switch {
	case f.need == 0:
		return f.left
	case f.left >= f.need:
		return math.MaxInt64
	}
	return 0
}

// read looks at a moment.
func (f *flank) read(at Seconds) {
	if f.line == nil {
		f.left = f.limit
	} else if at >= f.next {
		f.mark = f.line.seek(f.mark, at)
		f.left, f.next = max(0, f.limit-f.mark.level), f.line.after(f.mark)
	}
}

// until returns what that of dial does.
func (f *flank) until(rate int64, more bool, far Seconds) Seconds {
	if f.need != 0 {
		rate = f.need
	}
	if f.line == nil || more && f.limit < rate {
		return far
	}
	at, _ := f.line.cross(f.mark, f.limit-rate, far)
	return min(at, far)
}

// steps returns what the path with most room that meets the demand's
// constraints has free at each moment of a window, and until when it tells:
// less than the window where there are more than MaxSteps.
//
// The rate can only change when a link of the path gets less free than that, or
// when every way around it may have more: that is what is looked at.
//
// Where the way back has a rate apart, the paths are those that have it, and
// only what they have free from the source counts.
func (pl planner) steps(d demand, w Window) (steps []Step, until Seconds) {
	from, to := d.from, d.to
	d.Protected = false // what one path has
	g := gauge{planner: pl, from: from, to: to, reverse: d.Reverse, limits: pl.confines(&d.Request)}
	for i, id := range [4]topology.LinkID{{To: from}, {From: from}, {To: to}, {From: to}} {
		l, ok := pl.snapshot.Link(id)
		if !ok {
			return nil, w.End
		}
		g.access[i] = dial{forth: g.flankOf(&l, i == 1 || i == 2)}
	}
	g.now = w.Start
	for reads := 0; g.now < w.End; reads++ {
		rate, next := g.read(w.End)
		switch n := len(steps); {
		case g.best == nil:
			return nil, w.End // there is no path at any rate
		case n > 0 && steps[n-1].Rate == rate:
			steps[n-1].End = next
		case n == MaxSteps || reads >= maxReads:
			return steps, g.now
		default:
			steps = append(steps, Step{Window{g.now, next}, rate})
		}
		g.now = next
	}
	return steps, w.End
}

// read finds the path with most room now, which is the best one of before
// unless another one has more. It returns what that has free, and until when it
// is that for certain, far at the latest.
func (g *gauge) read(far Seconds) (rate bitrate.Rate, next Seconds) {
	most := g.width(g.access[:]) // what no path exceeds
	limit := most
	if g.now < g.sealedTo {
		limit = min(most, g.sealed-1)
	}
	has := g.widthOfBest()
	if g.best == nil {
		g.widen(0, far)
	} else if limit < most && has < limit && !g.widen(limit, far) {
		limit-- // another path does not have what the best one had
	}
	for has = g.widthOfBest(); g.best != nil && has < limit && g.widen(has+1, far); {
		has = g.widthOfBest()
	}
	next = far
	for _, m := range g.dials {
		next = min(next, m.until(has, false, next))
	}
	if has < most {
		return bitrate.Rate(has), min(next, g.sealedTo)
	}
	wider := g.now
	for i := range g.access {
		if m := &g.access[i]; m.left() <= has {
			wider = max(wider, m.until(has+1, true, far))
		}
	}
	return bitrate.Rate(has), min(next, wider)
}

// widen looks for a path over trunks that has a rate now, makes it the best one
// and reports whether there is one. If not, it seals the rate.
func (g *gauge) widen(rate int64, far Seconds) bool {
	p, opens := g.way(rate, far)
	if opens <= g.now {
		g.take(p)
		return true
	}
	g.sealed, g.sealedTo = rate, opens
	return false
}

// width returns what all of some links have free now.
func (g *gauge) width(links []dial) int64 {
	least := links[0].free(g.now)
	for i := range links[1:] {
		least = min(least, links[i+1].free(g.now))
	}
	return least
}

// widthOfBest returns what the best path has free now; 0 if there is none.
func (g *gauge) widthOfBest() (least int64) {
	for i, m := range g.dials {
		if free := m.free(g.now); i == 0 || free < least {
			least = free
		}
	}
	return least
}

// take makes a path the best one.
func (g *gauge) take(p path.Path) {
	g.best, g.dials = p, g.dials[:0]
	for i := range g.access {
		g.dials = append(g.dials, &g.access[i])
	}
	for i := 1; i < len(p); i++ {
		id := topology.LinkID{From: topology.PortID{DPID: p[i-1].DPID, Port: p[i-1].Out}, To: topology.PortID{DPID: p[i].DPID, Port: p[i].In}}
		l, _ := g.snapshot.Link(id)
		g.dials = append(g.dials, g.trunk(g.graph.Number(id), &l))
	}
}

// trunk returns the dial of the cable of a trunk link that leads towards the
// destination.
func (g *gauge) trunk(number int32, l *topology.Link) *dial {
	if int(number) < len(g.trunks) && g.trunks[number] != nil {
		return g.trunks[number]
	}
	one, other := g.graph.Number(l.ID), g.graph.Number(l.ID.Reverse())
	if n := int(max(one, other)); n >= len(g.trunks) {
		g.trunks = append(g.trunks, make([]*dial, n+1-len(g.trunks))...)
	}
	back, ok := g.snapshot.Link(l.ID.Reverse())
	if !ok {
		back = *l
		back.ID = l.ID.Reverse()
	}
	m := g.dialOf(l, &back)
	if g.trunks[one] = &m; !g.reverse.Apart {
		g.trunks[other] = &m
	}
	return &m
}

// way returns a path over trunks that have a rate now; if there is none, a
// moment before which there is none, far at the latest.
func (g *gauge) way(rate int64, far Seconds) (path.Path, Seconds) {
	c := path.Crossing{From: g.from, To: g.to, Start: g.now, Apart: g.reverse.Apart, Constraints: g.limits}
	c.Opens = func(number int32, a, _ *topology.Link, enough Seconds) Seconds {
		m := g.trunk(number, a)
		switch free := m.free(g.now); {
		case free >= rate:
			return g.now
		case m.never(rate):
			return never
		}
		return m.until(rate, true, min(enough, far))
	}
	p, at := g.graph.Way(c)
	return p, min(at, far)
}
