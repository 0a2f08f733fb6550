package path

import (
	"slices"
	"sync"

	"conga/bitrate"
	"conga/controller/topology"
)

// A Crossing asks whether there is a way between two edge ports over open
// cables, and if not, from when on there may be one.
type Crossing struct {
	From, To topology.PortID
	Start    Seconds // the moment asked about
	// Opens returns from when on, at Start or later, a cable can be used, by
	// link a towards To and by b back. If that is at enough or later, it may
	// return any moment from enough on at which the cable has not opened yet.
	// number is the lower one of its links' numbers, see [Graph.Number], or
	// with Apart that of a. The links must not be changed.
	Opens func(number int32, a, b *topology.Link, enough Seconds) Seconds
	Apart bool // it matters which way a cable is used
	// Shut, if not nil, is called with one link of each cable that stands in
	// the way: the answer can be earlier only if one of these cables opens
	// earlier.
	Shut func(topology.Link)
	// Constraints say which ways will do; nil: all.
	Constraints *Constraints
}

// Opening returns Start if there is a way then. If not, it returns a later
// moment before which there is none, or Never if there will be none or
// if the ends are not two known edge ports. Access links are not considered.
//
// It spreads from both ends over open cables, in turn, until they meet or one
// side cannot go on. Where there is no way, mostly all cables of one end are
// shut, so that few are asked about.
func (g *Graph) Opening(c Crossing) Seconds {
	_, at := g.cross(&c, false)
	return at
}

// Way does as Opening, and returns a way that is open then if there is one,
// with few hops but not the fewest.
func (g *Graph) Way(c Crossing) (p Path, at Seconds) { return g.cross(&c, true) }

func (g *Graph) cross(c *Crossing, whole bool) (p Path, at Seconds) {
	first, last, _, ok := g.accesses(c.From, c.To)
	switch {
	case !ok:
		return nil, Never
	case c.Constraints != nil:
		return g.crossConfined(c, first, last)
	case first == last:
		return Path{{DPID: c.From.DPID, In: c.From.Port, Out: c.To.Port}}, c.Start
	}
	s := newSpread(g, c, first, last)
	defer s.release()
	for side := 0; ; side = 1 - side {
		switch met, more := s.step(side); {
		case met && whole:
			return s.way(), c.Start
		case met:
			return nil, c.Start
		case !more:
			if c.Shut != nil {
				s.shut(side)
			}
			return nil, s.sides[side].next
		}
	}
}

// crossConfined does what cross does where there are constraints.
func (g *Graph) crossConfined(c *Crossing, first, last int32) (p Path, at Seconds) {
	next := Never
	s, found := g.findConfined(c.Constraints, first, last, false, 0, func(e *edge) (bitrate.Rate, bool) {
		number := e.forthNo
		if !c.Apart {
			number = min(e.forthNo, e.backNo)
		}
		t := c.Opens(number, &e.forth, &e.back, next)
		if t <= c.Start {
			return 0, true
		}
		if next = min(next, t); c.Shut != nil {
			c.Shut(e.forth)
		}
		return 0, false
	})
	if found < 0 {
		return nil, next
	}
	return s.path(found, c.From, c.To), c.Start
}

// A spread holds what is reached from both ends of a crossing.
type spread struct {
	graph *Graph
	*Crossing
	epoch uint32
	seen  []reached // by switch
	sides [2]frontier
	met   [2]int32 // the switches of both sides between which they have met
	over  int32    // the edge from the one that was expanded to the other
	by    int      // the side of the one that was expanded
}

// A reached says whether the search of an epoch has reached a switch, and from
// which side.
type reached struct {
	epoch uint32
	side  int32
	from  int32 // the switch before; -1: none
	via   int32 // the edge from there
}

// A frontier is what is reached from one end.
type frontier struct {
	nodes []int32 // in the order in which they were reached
	done  int     // how many of them have been expanded
	next  Seconds // when the first cable that leads on opens
}

var spreads = sync.Pool{New: func() any { return new(spread) }}

func newSpread(g *Graph, c *Crossing, ends ...int32) *spread {
	s := spreads.Get().(*spread)
	s.graph, s.Crossing = g, c
	s.epoch++
	if len(s.seen) < len(g.nodes) || s.epoch == 0 {
		s.seen, s.epoch = make([]reached, len(g.nodes)), 1
	}
	for side, node := range ends {
		s.sides[side] = frontier{nodes: append(s.sides[side].nodes[:0], node), next: Never}
		s.seen[node] = reached{s.epoch, int32(side), -1, 0}
	}
	return s
}

func (s *spread) release() {
	s.graph, s.Crossing = nil, nil
	spreads.Put(s)
}

// step expands one more switch of a side. met is true if that reached the other
// side; more is false if there was no switch to expand.
func (s *spread) step(side int) (met, more bool) {
	here := &s.sides[side]
	if here.done == len(here.nodes) {
		return false, false
	}
	at := here.nodes[here.done]
	n := &s.graph.nodes[at]
	here.done++
	for i, h := range n.hops {
		there := s.seen[h.to]
		if there.epoch == s.epoch && int(there.side) == side {
			continue
		}
		e := &n.edges[i]
		if t := s.opens(e, side, here.next); t > s.Start {
			here.next = min(here.next, t)
			continue
		}
		if there.epoch == s.epoch {
			s.met[side], s.met[1-side], s.over, s.by = at, h.to, int32(i), side
			return true, true
		}
		s.seen[h.to] = reached{s.epoch, int32(side), at, int32(i)}
		here.nodes = append(here.nodes, h.to)
	}
	return false, true
}

// opens asks when a cable opens that leads on from a side.
func (s *spread) opens(e *edge, side int, enough Seconds) Seconds {
	a, b, number := &e.forth, &e.back, e.forthNo
	if side == 1 {
		a, b, number = b, a, e.backNo
	}
	if !s.Apart {
		number = min(e.forthNo, e.backNo)
	}
	return s.Opens(number, a, b, enough)
}

// way returns the path over which both sides have met.
func (s *spread) way() Path {
	cable := s.graph.nodes[s.met[s.by]].edges[s.over].forth.ID
	if s.by == 1 {
		cable = cable.Reverse()
	}
	links := []topology.LinkID{cable}
	for at := s.met[0]; s.seen[at].from >= 0; at = s.seen[at].from {
		links = append(links, s.graph.nodes[s.seen[at].from].edges[s.seen[at].via].forth.ID)
	}
	slices.Reverse(links)
	for at := s.met[1]; s.seen[at].from >= 0; at = s.seen[at].from {
		links = append(links, s.graph.nodes[s.seen[at].from].edges[s.seen[at].via].forth.ID.Reverse())
	}
	p := make(Path, len(links)+1)
	p[0].In, p[len(links)].Out = s.From.Port, s.To.Port
	for i, l := range links {
		p[i].DPID, p[i].Out = l.From.DPID, l.From.Port
		p[i+1].DPID, p[i+1].In = l.To.DPID, l.To.Port
	}
	return p
}

// shut reports the cables that lead out of what is reached from a side to
// Crossing.Shut.
func (s *spread) shut(side int) {
	for _, node := range s.sides[side].nodes {
		n := &s.graph.nodes[node]
		for i, h := range n.hops {
			if r := s.seen[h.to]; r.epoch != s.epoch || int(r.side) != side {
				s.Shut(n.edges[i].forth)
			}
		}
	}
}
