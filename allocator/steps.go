package allocator

import (
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
	best     path.Path // the one with most room
	dials    []*dial   // of its links
	sealed   int64     // no path over trunks has this rate
	sealedTo Seconds   // before this moment
	trunks   []*dial   // by the number of their links, the same for both of a cable
	access   [4]dial
	now      Seconds
}

// dial is what is known of one link or cable, up to the moment that was asked
// about last.
type dial struct {
	line  *timeline // nil: nothing is reserved
	limit int64     // of the direction that has less
	mark  mark
	left  int64   // free from the mark on
	next  Seconds // when that may change
}

func (pl planner) dialOf(l *topology.Link) dial {
	return dial{next: beforeAll, line: pl.calendars.links.calendar[cableOf(l.ID)], limit: int64(pl.limitOf(*l))}
}

// free returns what is free at a moment, not before those that were asked about
// earlier.
func (m *dial) free(at Seconds) int64 {
	if m.line == nil {
		m.left = m.limit
		return m.limit
	}
	if at >= m.next {
		m.mark = m.line.seek(m.mark, at)
		m.left, m.next = max(0, m.limit-m.mark.level), m.line.after(m.mark)
	}
	return m.left
}

// until returns the first moment after the last one, at far at the latest, from
// which on less than a rate is free or, with more, as much.
func (m *dial) until(rate int64, more bool, far Seconds) Seconds {
	if m.line == nil || more && m.limit < rate {
		return far
	}
	at, _ := m.line.cross(m.mark, m.limit-rate, far)
	return min(at, far)
}

// steps returns what the path with most room that meets the demand's
// constraints has free at each moment of a window, and until when it tells:
// less than the window where there are more than MaxSteps.
//
// The rate can only change when a link of the path gets less free than that, or
// when every way around it may have more: that is what is looked at.
func (pl planner) steps(d demand, w Window) (steps []Step, until Seconds) {
	from, to := d.from, d.to
	g := gauge{planner: pl, from: from, to: to, limits: pl.confines(d.Constraints)}
	for i, id := range [4]topology.LinkID{{To: from}, {From: from}, {To: to}, {From: to}} {
		l, ok := pl.snapshot.Link(id)
		if !ok {
			return nil, w.End
		}
		g.access[i] = pl.dialOf(&l)
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
		if m := &g.access[i]; m.left <= has {
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

// trunk returns the dial of the cable that a trunk link is of.
func (g *gauge) trunk(number int32, l *topology.Link) *dial {
	if int(number) < len(g.trunks) && g.trunks[number] != nil {
		return g.trunks[number]
	}
	other := g.graph.Number(l.ID.Reverse())
	if n := int(max(number, other)); n >= len(g.trunks) {
		g.trunks = append(g.trunks, make([]*dial, n+1-len(g.trunks))...)
	}
	m := g.dialOf(l)
	if back, ok := g.snapshot.Link(l.ID.Reverse()); ok {
		m.limit = min(m.limit, int64(g.limitOf(back)))
	}
	g.trunks[number], g.trunks[other] = &m, &m
	return &m
}

// way returns a path over trunks that have a rate now; if there is none, a
// moment before which there is none, far at the latest.
func (g *gauge) way(rate int64, far Seconds) (path.Path, Seconds) {
	c := path.Crossing{From: g.from, To: g.to, Start: g.now, Constraints: g.limits}
	c.Opens = func(number int32, a, _ *topology.Link, enough Seconds) Seconds {
		m := g.trunk(number, a)
		switch free := m.free(g.now); {
		case free >= rate:
			return g.now
		case m.limit < rate:
			return never
		}
		return m.until(rate, true, min(enough, far))
	}
	p, at := g.graph.Way(c)
	return p, min(at, far)
}
