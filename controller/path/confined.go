package path

import (
	"math"
	"slices"

	"conga/bitrate"
	"conga/controller/topology"
)

const (
	// maxTries is how many ways a search looks at: a network has more of them
	// than can be looked at if what is cheap takes long nearly everywhere.
	maxTries = 100_000
	// maxEffort is how many edges a search looks at in all if it has something
	// to include, or a backup and a limit: some tens of milliseconds. Which
	// ways go on then depends on all the switches before. Where the best path
	// is not found after a quarter of it, any path will do.
	maxEffort  = 1 << 22
	hasteAfter = maxEffort / 4
	// maxRivals is how many ways to a switch a new one is held against where
	// something is to be included.
	maxRivals = 16
	// unled is how many ways a search looks at before it is led by edges that
	// offer admits, and unledOver that of one whose effort is limited.
	unled     = 256
	unledOver = 32
	nowhere   = math.MaxInt64 / 1024 // sums of these are in range
)

// A way is how a confined search has come to a switch.
type way struct {
	node, from, via     int32 // from: the way before; -1: none
	cost, hops, latency uint64
	width               bitrate.Rate
	met                 uint32 // which elements to include it has crossed
}

// A confined search finds the best path that meets constraints. It keeps
// several ways to a switch, since one that costs less may be too long.
type confined struct {
	graph  *Graph
	limits *Constraints
	offer  func(e *edge) (width bitrate.Rate, ok bool)
	last   int32
	wide   bool // width goes before cost

	barred map[Element]bool
	needs  map[Element]uint32 // the bit of each element to include
	all    uint32             // of them

	pair  []arc // the way of a pair that costs least
	pairs bool  // a way will do only with a backup: any may, however many are better

	cost, hops, latency yardstick
	led                 bool // these are of edges that offer admits

	finish *finish // nil: all ways are looked at
	effort int     // that is left, in edges
	hasty  bool    // any path will do

	ways  []way
	heap  []int32 // ways to be looked at, the best on top
	done  map[int64][]int32
	rooms map[int32]room // by the number of the link forth
}

type room struct {
	width bitrate.Rate
	ok    bool
}

// findConfined returns the best path from one switch to another over edges that
// offer admits. It does not look at access links, whose least width is given.
func (g *Graph) findConfined(c *Constraints, first, last int32, wide bool, width bitrate.Rate, offer func(*edge) (bitrate.Rate, bool)) (*confined, int32) {
	if wide && len(c.Include) > 0 && !c.Protected {
		return g.widestOver(c, first, last, width, offer)
	}
	s := g.newConfined(c, last, wide, offer)
	return s, s.find(first, width)
}

func (g *Graph) newConfined(c *Constraints, last int32, wide bool, offer func(*edge) (bitrate.Rate, bool)) *confined {
	s := &confined{
		graph: g, limits: c, offer: offer, last: last, wide: wide, barred: map[Element]bool{}, needs: map[Element]uint32{},
		done: map[int64][]int32{}, rooms: map[int32]room{}, pairs: c.Protected, effort: maxEffort,
	}
	for _, e := range c.Avoid {
		s.barred[e] = true
	}
	for _, p := range c.Apart {
		for i := 1; i < len(p); i++ {
			s.barred[Element{Cable: p.cable(i)}] = true
		}
	}
	for _, e := range c.Include {
		if s.needs[e] == 0 {
			s.needs[e] = s.all + 1
			s.all = s.all<<1 | 1
		}
	}
	return s
}

// find returns the best way from a switch, whose access link has a width; -1 if
// there is none.
func (s *confined) find(first int32, width bitrate.Rate) int32 {
	dpid := s.graph.nodes[first].dpid
	if s.barred[Element{Switch: dpid}] || s.pairs && first == s.last {
		return -1
	}
	s.measure()
	s.try(way{node: first, from: -1, hops: 1, width: width, met: s.needs[Element{Switch: dpid}]})
	if s.pairs && s.all == 0 && s.limits.MaxHops == 0 && s.limits.MaxLatency == 0 {
		return s.runPair(first)
	}
	return s.run()
}

// runPair does what run does where ways are limited by their edges alone: it
// returns the best way if that has a backup, or else the better one of the best
// pair.
func (s *confined) runPair(first int32) int32 {
	s.pairs = false
	at := s.run()
	if at < 0 || s.hasBackup(at) {
		return at
	}
	if !s.findPair(first) {
		return -1
	}
	at = 0 // where ways begin
	for _, a := range s.pair {
		e := &s.graph.nodes[a.node].edges[a.edge]
		s.ways = append(s.ways, way{node: s.graph.nodes[a.node].hops[a.edge].to, from: at, via: a.edge, width: min(s.ways[at].width, s.offered(e).width)})
		at = int32(len(s.ways) - 1)
	}
	return at
}

// run returns the first way to the last switch that comes up; -1 if there is
// none.
func (s *confined) run() int32 {
	over, most := s.all != 0 || s.pairs, unled
	if over {
		most = unledOver
	}
	for tries := 0; len(s.heap) > 0 && s.effort > 0 && (over || tries < maxTries); tries++ {
		if tries == most {
			if s.lead(over); len(s.heap) == 0 {
				break
			}
		}
		if over && !s.hasty && s.effort < maxEffort-hasteAfter {
			s.hasten()
		}
		if at := s.pop(); s.goesOn(at) {
			if s.ways[at].node == s.last {
				return at
			}
			s.expand(at)
		}
	}
	return -1
}

// goesOn reports whether a way that has come up is what is asked for, or is to
// go on.
func (s *confined) goesOn(at int32) bool {
	w := s.ways[at]
	if s.outdone(&w) || s.finish != nil && !s.finish.may(at) {
		return false
	}
	if !s.pairs {
		s.done[positionOf(&w)] = append(s.done[positionOf(&w)], at) // it stands for others from now on
	}
	return w.node != s.last || w.met == s.all && (!s.pairs || s.hasBackup(at)) // no path comes to the last one twice
}

func (s *confined) expand(at int32) {
	here := s.ways[at].node
	n := &s.graph.nodes[here]
	s.effort -= len(n.edges)
	for i := range n.edges {
		s.extend(at, int32(i), &n.edges[i], n.hops[i].to)
	}
}

// lead begins the search anew, led by what is left over edges that offer
// admits, which are few to ask about where so many ways were looked at. So it
// ends at once where these do not lead to the last switch. Ways that cannot
// lead to what is asked for are left out from then on if that is worth finding
// out.
func (s *confined) lead(over bool) {
	first := s.ways[0]
	s.ways, s.heap, s.led = s.ways[:0], s.heap[:0], true
	clear(s.done)
	s.measure()
	if s.try(first); over {
		s.finish = s.newFinish(first.node)
	}
}

// hasBackup reports whether a way to the last switch has a backup.
func (s *confined) hasBackup(at int32) bool {
	p := s.path(at, topology.External, topology.External)
	first := s.graph.index[p[0].DPID]
	backup := s.graph.newConfined(s.limits.ofBackup(p), s.last, false, s.offer)
	backup.rooms, backup.effort = s.rooms, s.effort
	found := backup.find(first, 0)
	s.effort = backup.effort
	return found >= 0
}

// extend looks at the way that goes on over an edge.
func (s *confined) extend(at, via int32, e *edge, to int32) {
	if !s.allows(e, to) || s.visited(at, to) {
		return
	}
	w := s.ways[at]
	next := way{
		node: to, from: at, via: via, width: w.width, hops: w.hops + 1,
		cost: w.cost + uint64(costOf(e.forth)), latency: w.latency + uint64(e.forth.Latency),
	}
	next.met = w.met | s.needs[Element{Cable: e.forth.ID.Cable()}] | s.needs[Element{Switch: s.graph.nodes[to].dpid}]
	if !s.promising(&next) || s.outdone(&next) {
		return
	}
	if r := s.offered(e); r.ok {
		next.width = min(next.width, r.width)
		s.try(next)
	}
}

// offered returns what an edge has, asked once.
func (s *confined) offered(e *edge) room {
	r, asked := s.rooms[e.forthNo]
	if !asked {
		r.width, r.ok = s.offer(e)
		s.rooms[e.forthNo] = r
	}
	return r
}

// allows reports whether paths may cross an edge to a switch.
func (s *confined) allows(e *edge, to int32) bool {
	if s.limits.MaxLatency != 0 && e.forth.Latency == 0 {
		return false
	}
	return len(s.barred) == 0 || !s.barred[Element{Cable: e.forth.ID.Cable()}] && !s.barred[Element{Switch: s.graph.nodes[to].dpid}]
}

func (s *confined) visited(at, node int32) bool {
	for ; at >= 0; at = s.ways[at].from {
		if s.ways[at].node == node {
			return true
		}
	}
	return false
}

// promising reports whether a way may lead to the last switch within the
// limits.
func (s *confined) promising(w *way) bool {
	if s.cost.left(w.node, w.met) >= nowhere {
		return false
	}
	if most := s.limits.MaxHops; most != 0 && w.hops+s.hops.left(w.node, w.met) > uint64(most) {
		return false
	}
	most := s.limits.MaxLatency
	return most == 0 || w.latency+s.latency.left(w.node, w.met) <= uint64(most)
}

// outdone reports whether another way that has come to the same switch before
// may go on wherever this one may.
func (s *confined) outdone(w *way) bool {
	rivals := s.done[positionOf(w)]
	switch {
	case s.all != 0:
		rivals = rivals[:min(len(rivals), maxRivals)]
	case len(rivals) > 0 && (s.limits.MaxHops == 0 || s.limits.MaxLatency == 0):
		rivals = rivals[len(rivals)-1:] // each took less of the one limit than those before
	}
	for _, o := range rivals {
		r := &s.ways[o]
		if (s.limits.MaxHops == 0 || r.hops <= w.hops) && (s.limits.MaxLatency == 0 || r.latency <= w.latency) && (s.all == 0 || s.within(o, w)) {
			return true
		}
	}
	return false
}

// positionOf returns where a way has come to: the switch, and what it has
// crossed of what is to be included.
func positionOf(w *way) int64 { return int64(w.node)<<32 | int64(w.met) }

// within reports whether a way has been at no switch at which another has not
// been.
func (s *confined) within(at int32, other *way) bool {
	for ; at >= 0; at = s.ways[at].from {
		if node := s.ways[at].node; node != other.node && !s.visited(other.from, node) {
			return false
		}
	}
	return true
}

// path returns a way as a path between two edge ports.
func (s *confined) path(at int32, from, to topology.PortID) Path {
	var p Path
	out := to.Port
	for ; at >= 0; at = s.ways[at].from {
		w := &s.ways[at]
		h := Hop{DPID: s.graph.nodes[w.node].dpid, In: from.Port, Out: out}
		if w.from >= 0 {
			link := s.graph.nodes[s.ways[w.from].node].edges[w.via].forth.ID
			h.In, out = link.To.Port, link.From.Port
		}
		p = append(p, h)
	}
	slices.Reverse(p)
	return p
}
