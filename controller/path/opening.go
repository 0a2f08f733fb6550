package path

import (
	"math"
	"sync"

	"conga/controller/topology"
)

// Crossing asks from when on there may be a way between two edge ports whose cables
// open at different moments.
type Crossing struct {
	From, To topology.PortID
	// Start is the moment from which on a way is sought.
	Start int64
	// Opens returns from when on, at Start or later, a cable can be used in both
	// directions; math.MaxInt64 is never. number is the lower one of the numbers
	// of its links, see [Graph.Number]. The links must not be changed.
	Opens func(number int32, a, b *topology.Link) int64
	// Shut, if not nil, is told of one link of every cable that would have to open
	// earlier, or one of them at least, for the answer to be an earlier one.
	Shut func(topology.Link)
}

// Opening returns the least moment by which all cables of some way have opened:
// before it there is no way. If it is Start, there is one then; if it is later, a
// cable that opened may have closed again by then. It is math.MaxInt64 if there will
// be no way, or if the ends are not two edge ports that are there. Access links are not
// asked for.
func (g *Graph) Opening(c Crossing) int64 {
	first, last, _, ok := g.accesses(c.From, c.To)
	if !ok {
		return math.MaxInt64
	}
	s := newSpread(g)
	defer spreads.Put(s)
	at := s.run(g, &c, first, last)
	if c.Shut != nil && at > c.Start {
		s.shut(g, &c)
	}
	return at
}

// spread is the set of switches that are reached, the cable that opens first taken
// first.
type spread struct {
	epoch   uint32
	seen    []reached // by switch
	order   []int32   // the switches in the order in which they were reached
	before  int       // how many were reached before the moment that it has come to
	waiting costs     // switches behind cables that open later, by how much later
}

// reached is whether a switch was, by the search of an epoch, and as which one.
type reached struct {
	epoch uint32
	place int32
}

var spreads = sync.Pool{New: func() any { return new(spread) }}

func newSpread(g *Graph) *spread {
	s := spreads.Get().(*spread)
	s.epoch++
	if len(s.seen) < len(g.nodes) || s.epoch == 0 {
		s.seen, s.epoch = make([]reached, len(g.nodes)), 1
	}
	s.order, s.before, s.waiting = s.order[:0], 0, s.waiting[:0]
	return s
}

func (s *spread) reach(node int32) {
	s.seen[node] = reached{s.epoch, int32(len(s.order))}
	s.order = append(s.order, node)
}

// run spreads from first until it has come to last.
func (s *spread) run(g *Graph, c *Crossing, first, last int32) int64 {
	now := c.Start
	s.reach(first)
	for next := 0; s.seen[last].epoch != s.epoch; {
		if next < len(s.order) {
			s.spread(g, c, s.order[next], now)
			next++
			continue
		}
		if len(s.waiting) == 0 {
			s.before = len(s.order)
			return math.MaxInt64
		}
		w := s.waiting.pop()
		if s.seen[w.at].epoch == s.epoch {
			continue
		}
		if t := c.Start + int64(w.sum); t > now {
			now, s.before = t, len(s.order)
		}
		s.reach(w.at)
	}
	return now
}

// spread goes from one switch to those behind its cables.
func (s *spread) spread(g *Graph, c *Crossing, node int32, now int64) {
	n := &g.nodes[node]
	for i, h := range n.hops {
		if s.seen[h.to].epoch == s.epoch {
			continue
		}
		e := &n.edges[i]
		switch t := c.Opens(min(e.forthNo, e.backNo), &e.forth, &e.back); {
		case t <= now:
			s.reach(h.to)
		case t < math.MaxInt64:
			s.waiting.push(cost{uint64(t - c.Start), h.to})
		}
	}
}

// shut tells of the cables between what was reached before the last moment and the rest.
func (s *spread) shut(g *Graph, c *Crossing) {
	for _, node := range s.order[:s.before] {
		n := &g.nodes[node]
		for i, h := range n.hops {
			if r := s.seen[h.to]; r.epoch != s.epoch || int(r.place) >= s.before {
				c.Shut(n.edges[i].forth)
			}
		}
	}
}
