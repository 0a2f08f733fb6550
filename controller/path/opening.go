package path

import (
	"math"
	"sync"

	"conga/controller/topology"
)

// Crossing asks whether there is a way between two edge ports whose cables are open,
// and from when on there may be one.
type Crossing struct {
	From, To topology.PortID
	Start    int64 // the moment that is asked about
	// Opens returns from when on, at Start or later, a cable can be used in both
	// directions; math.MaxInt64 is never. If that is not before enough, it may
	// return any moment from enough on at which the cable has not opened yet.
	// number is the lower one of the numbers of its links, see [Graph.Number]. The
	// links must not be changed.
	Opens func(number int32, a, b *topology.Link, enough int64) int64
	// Shut, if not nil, is told of one link of every cable of those of which one at
	// least would have to open earlier for the answer to be an earlier one.
	Shut func(topology.Link)
}

// Opening returns Start if there is a way then. If not, it returns a later moment
// before which there is none; math.MaxInt64 if there will be none, or if the ends are
// not two edge ports that are there. Access links are not asked for.
//
// It spreads from both ends over open cables, in turn, until they meet or one side
// cannot go on: so few cables are asked where there is no way, as those of an end are
// all shut mostly.
func (g *Graph) Opening(c Crossing) int64 {
	first, last, _, ok := g.accesses(c.From, c.To)
	switch {
	case !ok:
		return math.MaxInt64
	case first == last:
		return c.Start
	}
	s := newSpread(g, &c, first, last)
	defer s.release()
	for side := 0; ; side = 1 - side {
		switch met, more := s.step(side); {
		case met:
			return c.Start
		case !more:
			if c.Shut != nil {
				s.shut(side)
			}
			return s.sides[side].next
		}
	}
}

// spread is what is reached from both ends of a crossing.
type spread struct {
	graph *Graph
	*Crossing
	epoch uint32
	seen  []reached // by switch
	sides [2]shore
}

// reached is whether a switch was, by the search of an epoch, and from which side.
type reached struct {
	epoch uint32
	side  int32
}

// shore is what is reached from one end.
type shore struct {
	nodes []int32 // in the order in which they were reached
	done  int     // how many of them have been gone on from
	next  int64   // when the first of the cables opens that lead on
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
		s.sides[side] = shore{nodes: append(s.sides[side].nodes[:0], node), next: math.MaxInt64}
		s.seen[node] = reached{s.epoch, int32(side)}
	}
	return s
}

func (s *spread) release() {
	s.graph, s.Crossing = nil, nil
	spreads.Put(s)
}

// step goes on from one more switch of a side. met is true if that has come to the
// other side; more is false if there was no such switch.
func (s *spread) step(side int) (met, more bool) {
	here := &s.sides[side]
	if here.done == len(here.nodes) {
		return false, false
	}
	n := &s.graph.nodes[here.nodes[here.done]]
	here.done++
	for i, h := range n.hops {
		there := s.seen[h.to]
		if there.epoch == s.epoch && int(there.side) == side {
			continue
		}
		e := &n.edges[i]
		if t := s.Opens(min(e.forthNo, e.backNo), &e.forth, &e.back, here.next); t > s.Start {
			here.next = min(here.next, t)
			continue
		}
		if there.epoch == s.epoch {
			return true, true
		}
		s.seen[h.to] = reached{s.epoch, int32(side)}
		here.nodes = append(here.nodes, h.to)
	}
	return false, true
}

// shut tells of the cables that lead out of what is reached from a side.
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
