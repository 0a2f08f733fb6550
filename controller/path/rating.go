package path

import (
	"cmp"
	"math/bits"
	"time"

	"conga/controller/topology"
)

// A Rating tells good ways from others where neither a sum nor a width says how
// good they are. R is what is known of a way.
type Rating[R any] interface {
	// Onward returns what is known of a way that goes on over a cable, by link
	// a towards the destination and by b back; last says that it leads to the
	// last switch. ok is false if no path is wanted that begins so. number is
	// that of [Crossing.Opens], and the links must not be changed.
	Onward(way R, number int32, a, b *topology.Link, last bool) (next R, ok bool)
	// Compare orders ways, the better first. No way is better than one from
	// which it goes on.
	Compare(a, b R) int
	// Covers reports whether a way of which a is known is not worse than one of
	// which b is known, and stays so where both go on in the same way.
	Covers(a, b R) bool
	// Hurry reports whether a path is to be found soon, at the cost of its
	// being the best one. Once it does it goes on to.
	Hurry() bool
}

// A Contest asks for the path that a rating prefers.
type Contest[R any] struct {
	From, To    topology.PortID // edge ports
	Apart       bool            // it matters which way a cable is used
	Constraints *Constraints    // that it meets, but for Protected; nil: none
	First       R               // what is known of a way that is at the first switch
	Rating[R]
}

// Best returns the path that a rating prefers, and what is known of it; ok is
// false if there is none. Access links are not looked at. Of ways that are
// equally good those go on first that have least left to go.
func Best[R any](g *Graph, c Contest[R]) (p Path, r R, ok bool) {
	first, last, _, ok := g.accesses(c.From, c.To)
	if !ok {
		return nil, r, false
	}
	limits := c.Constraints
	if limits == nil {
		limits = &Constraints{}
	}
	s := contest[R]{Contest: c, bars: g.newConfined(limits, last, false, nil), left: g.towards(last), at: map[int32][]int32{}}
	if first == last {
		p = Path{{DPID: c.From.DPID, In: c.From.Port, Out: c.To.Port}}
		return p, c.First, limits.Met(g.snapshot, p)
	}
	begin := track[R]{known: c.First, node: first, from: -1, hops: 1, met: s.bars.needs[Element{Switch: c.From.DPID}]}
	if s.left[first] == unreachable || s.bars.barred[Element{Switch: c.From.DPID}] {
		return nil, r, false
	}
	s.enter(begin)
	s.run()
	if s.best < 0 {
		return nil, r, false
	}
	return s.path(s.best), s.tracks[s.best].known, true
}

// A track is how a contest has come to a switch.
type track[R any] struct {
	known           R
	node, from, via int32 // from: the track before; -1: none
	hops            int
	latency         time.Duration
	met             uint32 // which elements to include it has crossed
}

// A contest is the search for the best path by a rating. It keeps all tracks to
// a switch that no other one covers.
type contest[R any] struct {
	Contest[R]
	bars   *confined // what constraints say of edges
	left   []uint32  // the least cost that is left, by switch
	tracks []track[R]
	heap   []int32           // tracks that are to go on, the best on top
	at     map[int32][]int32 // tracks that have come to a switch
	best   int32             // the track of the best path
	hasty  bool
}

// run looks at tracks until none can become better than the best path.
func (s *contest[R]) run() {
	s.best = -1
	for len(s.heap) > 0 {
		if !s.hasty && s.Hurry() {
			s.hasty = true
			list := s.heap
			s.heap = nil
			for _, at := range list {
				s.queue(at)
			}
		}
		at := s.pop()
		if s.best >= 0 && s.Compare(s.tracks[at].known, s.tracks[s.best].known) >= 0 {
			if s.hasty {
				continue
			}
			return
		}
		n := &s.bars.graph.nodes[s.tracks[at].node]
		for i := range n.edges {
			s.extend(at, int32(i), &n.edges[i], n.hops[i].to)
		}
	}
}

// extend looks at the track that goes on over an edge.
func (s *contest[R]) extend(at, via int32, e *edge, to int32) {
	if s.left[to] == unreachable || !s.bars.allows(e, to) || s.visited(at, to) {
		return
	}
	w := &s.tracks[at]
	next := track[R]{node: to, from: at, via: via, hops: w.hops + 1, latency: w.latency + e.forth.Latency}
	next.met = w.met | s.bars.needs[Element{Cable: e.forth.ID.Cable()}] | s.bars.needs[Element{Switch: s.bars.graph.nodes[to].dpid}]
	last := to == s.bars.last
	hops := next.hops
	if !last {
		hops++ // one more at least
	}
	if s.bars.limits.MaxHops != 0 && hops > s.bars.limits.MaxHops || s.bars.limits.MaxLatency != 0 && next.latency > s.bars.limits.MaxLatency || last && next.met != s.bars.all {
		return
	}
	number := e.forthNo
	if !s.Apart {
		number = min(e.forthNo, e.backNo)
	}
	var ok bool
	if next.known, ok = s.Onward(w.known, number, &e.forth, &e.back, last); !ok {
		return
	}
	if s.best >= 0 && s.Compare(next.known, s.tracks[s.best].known) >= 0 {
		return
	}
	if last {
		s.tracks = append(s.tracks, next)
		s.best = int32(len(s.tracks) - 1)
		return
	}
	if !s.covered(&next) {
		s.enter(next)
	}
}

// covered reports whether another track to the same switch may go on wherever
// this one may, and is no worse. Where something has to be included that
// depends on all the switches before, so that none is.
func (s *contest[R]) covered(next *track[R]) bool {
	if s.bars.all != 0 {
		return false
	}
	for _, o := range s.at[next.node] {
		r := &s.tracks[o]
		if (s.bars.limits.MaxHops == 0 || r.hops <= next.hops) && (s.bars.limits.MaxLatency == 0 || r.latency <= next.latency) && s.Covers(r.known, next.known) {
			return true
		}
	}
	return false
}

func (s *contest[R]) visited(at, node int32) bool {
	for ; at >= 0; at = s.tracks[at].from {
		if s.tracks[at].node == node {
			return true
		}
	}
	return false
}

func (s *contest[R]) enter(t track[R]) {
	s.tracks = append(s.tracks, t)
	at := int32(len(s.tracks) - 1)
	s.at[t.node] = append(s.at[t.node], at)
	s.queue(at)
}

// before reports whether a track is to go on before another one.
func (s *contest[R]) before(a, b int32) bool {
	x, y := &s.tracks[a], &s.tracks[b]
	leftX, leftY := s.left[x.node], s.left[y.node]
	if s.hasty {
		if c := cmp.Or(bits.OnesCount32(y.met)-bits.OnesCount32(x.met), cmp.Compare(leftX, leftY)); c != 0 {
			return c < 0
		}
	}
	if c := s.Compare(x.known, y.known); c != 0 {
		return c < 0
	}
	if leftX != leftY {
		return leftX < leftY
	}
	return a < b
}

func (s *contest[R]) queue(at int32) { s.heap = pushed(s.heap, at, s.before) }

func (s *contest[R]) pop() (top int32) {
	s.heap, top = popped(s.heap, s.before)
	return top
}

// path returns a track as a path between the two edge ports.
func (s *contest[R]) path(at int32) Path {
	p := make(Path, s.tracks[at].hops)
	for i, out := len(p)-1, s.To.Port; i >= 0; i-- {
		t := &s.tracks[at]
		p[i] = Hop{DPID: s.bars.graph.nodes[t.node].dpid, In: s.From.Port, Out: out}
		if at = t.from; at >= 0 {
			link := s.bars.graph.nodes[s.tracks[at].node].edges[t.via].forth.ID
			p[i].In, out = link.To.Port, link.From.Port
		}
	}
	return p
}

// Reaching calls each with the cables that lead to the switch of an edge port:
// link a of a cable towards it, and b back. number is as with [Crossing.Opens].
func (g *Graph) Reaching(to topology.PortID, apart bool, each func(number int32, a, b *topology.Link)) {
	at, ok := g.index[to.DPID]
	if !ok {
		return
	}
	for i := range g.nodes[at].edges {
		e := &g.nodes[at].edges[i]
		number := e.backNo
		if !apart {
			number = min(e.forthNo, e.backNo)
		}
		each(number, &e.back, &e.forth)
	}
}
