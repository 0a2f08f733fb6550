package path

import (
	"sync"

	"conga/bitrate"
)

// A label says how well a switch can be reached.
type label struct {
	cost  uint64
	width bitrate.Rate
	node  int32
}

// A visit is what a search knows of one switch that it has reached.
type visit struct {
	label
	epoch uint32 // the search that this is of
	from  int32  // the switch before; -1: none
	via   int32  // the edge from there
}

// A candidate is a way to reach a switch. Until it is confirmed, its width
// leaves out the last edge, and so may be too great.
type candidate struct {
	label
	from, via int32
	sure      bool
}

// A search finds the best path by A* with exact lower bounds, or by Dijkstra's
// algorithm where there are none. A candidate's total is the least cost of a
// path over it; those of the least total come first. What an edge has free is
// asked only when its candidate is the best one left, since asking is what
// costs most.
//
// Equally good ways to a switch are ranked by the label of the switch before,
// then by its number, then by port, so that the result depends on neither the
// bounds nor the order of the search.
type search struct {
	graph  *Graph
	wide   bool // width goes before cost
	epoch  uint32
	visits []visit
	total  uint64      // of all candidates in the heap
	heap   []candidate // the best on top
	parked []candidate // with greater totals
	later  costs       // the least total on top; each with its index in parked
}

// searches are reused: a search allocates nothing but its result.
var searches = sync.Pool{New: func() any { return new(search) }}

func newSearch(g *Graph, wide bool) *search {
	s := searches.Get().(*search)
	s.graph, s.wide = g, wide
	s.epoch++
	if len(s.visits) < len(g.nodes) || s.epoch == 0 {
		s.visits, s.epoch = make([]visit, len(g.nodes)), 1
	}
	s.total, s.heap, s.parked, s.later = 0, s.heap[:0], s.parked[:0], s.later[:0]
	return s
}

func (s *search) release() {
	s.graph = nil
	searches.Put(s)
}

// run searches and reports whether it found a path. bounds are lower bounds of
// the cost of reaching last; nil: none.
func (s *search) run(q Query, first, last int32, width bitrate.Rate, bounds []uint32) bool {
	s.push(candidate{label: label{width: width, node: first}, from: -1, sure: true})
	for len(s.heap) > 0 || s.fetch() {
		c := s.pop()
		if s.visits[c.node].epoch == s.epoch {
			continue
		}
		if !c.sure {
			room, ok := q.offersEdge(&s.graph.nodes[c.from].edges[c.via])
			if !ok {
				continue
			}
			if room < c.width {
				c.width, c.sure = room, true
				s.push(c)
				continue
			}
		}
		s.visits[c.node] = visit{label: c.label, epoch: s.epoch, from: c.from, via: c.via}
		if c.node == last {
			return true
		}
		s.expand(c.label, bounds)
	}
	return false
}

func (s *search) expand(at label, bounds []uint32) {
	for i, h := range s.graph.nodes[at.node].hops {
		if s.visits[h.to].epoch == s.epoch {
			continue
		}
		c := candidate{label: label{cost: at.cost + uint64(h.cost), width: at.width, node: h.to}, from: at.node, via: int32(i)}
		if bounds != nil {
			if bounds[h.to] == unreachable {
				continue
			}
			if total := c.cost + uint64(bounds[h.to]); total > s.total {
				s.park(c, total)
				continue
			}
		}
		s.push(c)
	}
}

// park sets a candidate aside whose path costs more than others.
func (s *search) park(c candidate, total uint64) {
	s.later.push(cost{total, int32(len(s.parked))})
	s.parked = append(s.parked, c)
}

// fetch takes up the parked candidates of the least total. It reports whether
// there are any.
func (s *search) fetch() bool {
	if len(s.later) == 0 {
		return false
	}
	s.total = s.later[0].sum
	for len(s.later) > 0 && s.later[0].sum == s.total {
		s.push(s.parked[s.later.pop().at])
	}
	return true
}

// before reports whether a is to be looked at before b, at the same total.
func (s *search) before(a, b *candidate) bool {
	if c := s.compare(&a.label, &b.label); c != 0 || a.from < 0 || b.from < 0 {
		return c < 0
	}
	if c := s.compare(&s.visits[a.from].label, &s.visits[b.from].label); c != 0 {
		return c < 0
	}
	return a.via < b.via
}

// compare orders labels, the better first. Both orders keep what they minimise
// when two labels are extended by the same edge, so that the search is exact;
// when width goes first the cost only breaks ties.
func (s *search) compare(a, b *label) int {
	if a.cost == b.cost && a.width == b.width {
		return int(a.node) - int(b.node)
	}
	better := a.cost < b.cost || a.cost == b.cost && a.width > b.width
	if s.wide {
		better = a.width > b.width || a.width == b.width && a.cost < b.cost
	}
	if better {
		return -1
	}
	return 1
}

func (s *search) push(c candidate) {
	s.heap = append(s.heap, c)
	i := len(s.heap) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !s.before(&c, &s.heap[parent]) {
			break
		}
		s.heap[i] = s.heap[parent]
		i = parent
	}
	s.heap[i] = c
}

func (s *search) pop() candidate {
	top, n := s.heap[0], len(s.heap)-1
	moved := s.heap[n]
	s.heap = s.heap[:n]
	if n == 0 {
		return top
	}
	i := 0
	for {
		child := 2*i + 1
		if child >= n {
			break
		}
		if child+1 < n && s.before(&s.heap[child+1], &s.heap[child]) {
			child++
		}
		if !s.before(&s.heap[child], &moved) {
			break
		}
		s.heap[i] = s.heap[child]
		i = child
	}
	s.heap[i] = moved
	return top
}

// walk returns the path, which it reads backwards out of the visits.
func (s *search) walk(q Query, last int32) Path {
	n := 1
	for at := last; s.visits[at].from >= 0; at = s.visits[at].from {
		n++
	}
	p := make(Path, n)
	out := q.To.Port
	for at := last; ; at = s.visits[at].from {
		n--
		v := &s.visits[at]
		p[n] = Hop{DPID: s.graph.nodes[at].dpid, Out: out}
		if v.from < 0 {
			p[n].In = q.From.Port
			return p
		}
		link := s.graph.nodes[v.from].edges[v.via].forth.ID
		p[n].In, out = link.To.Port, link.From.Port
	}
}
