package path

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"conga/controller/topology"
	"conga/openflow"
)

// A Graph is a snapshot laid out for searching. It is immutable like the
// snapshot, and safe for concurrent use. [Graph.For] derives the graph of a
// later snapshot at a cost that follows what has changed.
type Graph struct {
	snapshot *topology.Snapshot
	index    map[openflow.DPID]int32
	nodes    []node // all switches, ascending by DPID
	numbers  *numbers
	bounds   *bounds
}

// A node is a switch and its cables that can carry traffic both ways, by port.
// hops is what every search reads; edges is read only for the cables taken.
type node struct {
	dpid  openflow.DPID
	hops  []hop
	edges []edge
}

// A hop says where a cable leads and what it costs, there and back.
type hop struct {
	to         int32
	cost, back uint32
}

// An edge holds the two links of a cable, and their numbers.
type edge struct {
	forth, back     topology.Link
	forthNo, backNo int32
}

// costOf returns the cost of a link. A metric of 0 counts as 1: free hops would
// allow detours.
func costOf(l topology.Link) uint32 { return max(1, l.Metric) }

// NewGraph returns a graph of what can carry traffic: connected switches, and
// cables whose both ends are up and whose both directions are known.
func NewGraph(s *topology.Snapshot) *Graph {
	return layOut(s, &numbers{of: map[topology.LinkID]int32{}})
}

func layOut(s *topology.Snapshot, n *numbers) *Graph {
	g := &Graph{
		snapshot: s,
		index:    make(map[openflow.DPID]int32, len(s.Switches)),
		nodes:    make([]node, len(s.Switches)),
		numbers:  n,
		bounds:   newBounds(nil),
	}
	for i, dpid := range slices.Sorted(maps.Keys(s.Switches)) {
		g.nodes[i].dpid, g.index[dpid] = dpid, int32(i)
	}
	for i := range g.nodes {
		g.fill(&g.nodes[i])
	}
	return g
}

// fill finds the cables of a switch.
func (g *Graph) fill(n *node) {
	n.hops, n.edges = nil, nil
	s, dpid := g.snapshot, n.dpid
	sw := s.Switches[dpid]
	if !sw.Connected {
		return
	}
	for no, port := range sw.Ports {
		l, ok := s.Links[topology.PortID{DPID: dpid, Port: no}]
		far := s.Switches[l.ID.To.DPID]
		if !ok || !port.Up || !far.Connected || l.ID.To.DPID == dpid || l.ID.From.Port != no || !far.Ports[l.ID.To.Port].Up {
			continue
		}
		back, ok := s.Link(l.ID.Reverse())
		if !ok {
			continue
		}
		n.edges = append(n.edges, edge{forth: l, back: back, forthNo: g.numbers.number(l.ID), backNo: g.numbers.number(back.ID)})
	}
	slices.SortFunc(n.edges, func(a, b edge) int { return cmp.Compare(a.forth.ID.From.Port, b.forth.ID.From.Port) })
	for _, e := range n.edges {
		n.hops = append(n.hops, hop{to: g.index[e.forth.ID.To.DPID], cost: costOf(e.forth), back: costOf(e.back)})
	}
}

// Snapshot returns what the graph was made of.
func (g *Graph) Snapshot() *topology.Snapshot { return g.snapshot }

// SameGraph reports whether two snapshots of a network differ at most in hosts
// and attachments, so that the same paths are found and alive in both.
func SameGraph(a, b *topology.Snapshot) bool { return a == b || a.Wiring == b.Wiring }

// A numbers gives every directed link that is ever seen a number of its own.
type numbers struct {
	mu sync.Mutex
	of map[topology.LinkID]int32
}

func (n *numbers) number(id topology.LinkID) int32 {
	n.mu.Lock()
	defer n.mu.Unlock()
	no, ok := n.of[id]
	if !ok {
		no = int32(len(n.of))
		n.of[id] = no
	}
	return no
}

// Number returns the number of a directed trunk link that [Query.FreeAt] gets:
// small, dense, and the same in every graph that [Graph.For] derived from this
// one. A link that was never seen is given one. It serves as the index of a
// table of what links have free.
func (g *Graph) Number(id topology.LinkID) int32 { return g.numbers.number(id) }
