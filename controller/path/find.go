package path

import (
	"conga/controller/topology"
)

// Query asks for one path.
type Query struct {
	From, To topology.PortID  // edge ports of source and destination
	Rate     topology.BitRate // needed on every link in both directions; 0: any link will do
	// Free is what a directed link has left for the whole window, in bit/s; it
	// is asked for trunk and access links alike. nil: the link's whole capacity.
	Free func(topology.Link) topology.BitRate
	// Refused, if not nil, is told of every directed link that a search turns
	// away for lack of rate. When the search finds nothing, a path can exist
	// only once one of these has more free.
	Refused func(topology.Link)
}

func (q Query) free(l topology.Link) topology.BitRate {
	if q.Free == nil {
		return l.Capacity
	}
	return q.Free(l)
}

// offers is the least that the links have free; ok is false if that is less
// than the query's rate.
func (q Query) offers(links ...topology.Link) (width topology.BitRate, ok bool) {
	ok = true
	for i, l := range links {
		free := q.free(l)
		if i == 0 || free < width {
			width = free
		}
		if free < q.Rate {
			ok = false
			if q.Refused != nil {
				q.Refused(l)
			}
		}
	}
	return width, ok
}

// Find is [Graph.Find] over a graph made for this one search.
func Find(s *topology.Snapshot, q Query) (Path, bool) { return NewGraph(s).Find(q) }

// Find returns the best path between two edge ports: among those on which every
// link, access links included, has Rate free in both directions, the one with
// the least sum of metrics; among those, one whose narrowest link has most free.
// The same snapshot and query always give the same path. ok is false if no path
// has the rate, if the ends are not edge ports that are up, or if both ends are
// the same port, since no switch then carries the traffic.
func (g *Graph) Find(q Query) (p Path, ok bool) {
	p, _, ok = g.search(q, cheapest)
	return p, ok
}

// Widest returns the path whose narrowest link has most free, whatever that
// costs in hops, and how much that is in bit/s.
func (g *Graph) Widest(q Query) (p Path, width topology.BitRate, ok bool) {
	q.Rate, q.Refused = 0, nil
	return g.search(q, widest)
}

// Bottleneck explains why there is no path with the query's rate: on the path
// that would be taken if rates did not matter it names the directed link that
// has least free, and how much that is in bit/s. ok is false if even then there
// is no path.
func (g *Graph) Bottleneck(q Query) (link topology.Link, free topology.BitRate, ok bool) {
	q.Rate, q.Refused = 0, nil
	p, ok := g.Find(q)
	if !ok {
		return topology.Link{}, 0, false
	}
	for i, id := range p.BothWays() {
		l, _ := g.snapshot.Link(id)
		if f := q.free(l); i == 0 || f < free {
			link, free = l, f
		}
	}
	return link, free, true
}

// label is how a switch is best reached.
type label struct {
	cost  uint64
	width topology.BitRate
	node  int32
}

// An order says which of two labels is the better one. Both orders below keep
// what they minimise when two labels are extended by the same edge, so that
// Dijkstra's algorithm is exact for them.
type order func(a, b label) bool

func cheapest(a, b label) bool {
	return a.cost < b.cost || a.cost == b.cost && a.width > b.width
}

// widest is exact for the width; the cost only breaks ties.
func widest(a, b label) bool {
	return a.width > b.width || a.width == b.width && a.cost < b.cost
}

// visit is what a search knows of one switch.
type visit struct {
	label
	reached, done bool
	from          int32 // the switch before
	via           *edge // the edge from there
}

// search is Dijkstra's algorithm from the source's switch to the destination's.
func (g *Graph) search(q Query, better order) (Path, topology.BitRate, bool) {
	first, last, width, ok := g.ends(q)
	if !ok {
		return nil, 0, false
	}
	visits := make([]visit, len(g.nodes))
	visits[first] = visit{label: label{width: width, node: first}, reached: true}
	frontier := heap{better: better}
	frontier.push(visits[first].label)
	for len(frontier.labels) > 0 {
		at := &visits[frontier.pop().node]
		if at.done {
			continue
		}
		if at.done = true; at.node == last {
			return g.walk(q, visits, first, last), at.width, true
		}
		for i := range g.nodes[at.node].edges {
			e := &g.nodes[at.node].edges[i]
			to := &visits[e.to]
			next := label{cost: at.cost + e.cost, width: at.width, node: e.to}
			if to.done || to.reached && !better(next, to.label) {
				continue // not even with all the room in the world; asking what is free costs most here
			}
			room, ok := q.offers(e.forth, e.back)
			next.width = min(next.width, room)
			if ok && (!to.reached || better(next, to.label)) {
				*to = visit{label: next, reached: true, from: at.node, via: e}
				frontier.push(next)
			}
		}
	}
	return nil, 0, false
}

// ends finds the switches of both ends and what their access links have free.
func (g *Graph) ends(q Query) (first, last int32, width topology.BitRate, ok bool) {
	first, okFirst := g.index[q.From.DPID]
	last, okLast := g.index[q.To.DPID]
	if !okFirst || !okLast || q.From == q.To {
		return 0, 0, 0, false
	}
	links := make([]topology.Link, 0, 4)
	for _, id := range []topology.LinkID{{To: q.From}, {From: q.From}, {To: q.To}, {From: q.To}} {
		l, ok := g.snapshot.Link(id)
		if !ok {
			return 0, 0, 0, false
		}
		links = append(links, l)
	}
	width, ok = q.offers(links...)
	return first, last, width, ok
}

// walk reads the path backwards out of the visits.
func (g *Graph) walk(q Query, visits []visit, first, last int32) Path {
	n := 1
	for at := last; at != first; at = visits[at].from {
		n++
	}
	p := make(Path, n)
	out := q.To.Port
	for at := last; ; at = visits[at].from {
		n--
		p[n] = Hop{DPID: g.nodes[at].dpid, Out: out}
		if at == first {
			p[n].In = q.From.Port
			return p
		}
		p[n].In = visits[at].via.forth.ID.To.Port
		out = visits[at].via.forth.ID.From.Port
	}
}

// heap is a binary heap of labels, the best on top; ties go to the lower switch.
type heap struct {
	labels []label
	better order
}

func (h *heap) before(i, j int) bool {
	a, b := h.labels[i], h.labels[j]
	if h.better(a, b) {
		return true
	}
	return !h.better(b, a) && a.node < b.node
}

func (h *heap) push(l label) {
	h.labels = append(h.labels, l)
	for i := len(h.labels) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h.before(i, parent) {
			return
		}
		h.labels[i], h.labels[parent] = h.labels[parent], h.labels[i]
		i = parent
	}
}

func (h *heap) pop() label {
	top, n := h.labels[0], len(h.labels)-1
	h.labels[0] = h.labels[n]
	h.labels = h.labels[:n]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < n; child++ {
			if h.before(child, least) {
				least = child
			}
		}
		if least == i {
			return top
		}
		h.labels[i], h.labels[least] = h.labels[least], h.labels[i]
		i = least
	}
}
