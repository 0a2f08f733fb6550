package path

import (
	"cmp"
	"maps"
	"slices"

	"conga/controller/topology"
	"conga/openflow"
)

// Graph is a snapshot laid out for searching. It is immutable like the
// snapshot; making one costs about as much as a few searches, so whoever
// searches often keeps it for as long as the snapshot lasts.
type Graph struct {
	snapshot *topology.Snapshot
	index    map[openflow.DPID]int32
	nodes    []node // connected switches, ascending by DPID
}

type node struct {
	dpid  openflow.DPID
	edges []edge // ascending by port
}

// edge is a cable that can carry traffic both ways, seen from one end.
type edge struct {
	to          int32
	cost        uint64
	forth, back topology.Link
}

// NewGraph lays out what can carry traffic: connected switches, and cables
// whose both ends are up and whose both directions are known.
func NewGraph(s *topology.Snapshot) *Graph {
	g := &Graph{snapshot: s, index: make(map[openflow.DPID]int32, len(s.Switches))}
	for dpid, sw := range s.Switches {
		if sw.Connected {
			g.nodes = append(g.nodes, node{dpid: dpid})
		}
	}
	slices.SortFunc(g.nodes, func(a, b node) int { return cmp.Compare(a.dpid, b.dpid) })
	for i, n := range g.nodes {
		g.index[n.dpid] = int32(i)
	}
	for from, l := range s.Links {
		i, ok := g.index[from.DPID]
		j, far := g.index[l.ID.To.DPID]
		if !ok || !far || i == j || l.ID.From != from || !cableUp(s, l.ID) {
			continue
		}
		back, _ := s.Link(l.ID.Reverse())
		// A metric of 0 counts as 1: a free hop would let paths wander.
		g.nodes[i].edges = append(g.nodes[i].edges, edge{to: j, cost: uint64(max(1, l.Metric)), forth: l, back: back})
	}
	for _, n := range g.nodes {
		slices.SortFunc(n.edges, func(a, b edge) int { return topology.CompareLinks(a.forth.ID, b.forth.ID) })
	}
	return g
}

// Snapshot is what the graph was made of.
func (g *Graph) Snapshot() *topology.Snapshot { return g.snapshot }

// cableUp reports whether both directions of a trunk link are known and both
// its ports are up.
func cableUp(s *topology.Snapshot, id topology.LinkID) bool {
	_, forth := s.Link(id)
	_, back := s.Link(id.Reverse())
	a, okA := s.Port(id.From)
	b, okB := s.Port(id.To)
	return forth && back && okA && okB && a.Up && b.Up
}

// SameGraph reports whether paths that are found in, or alive in, one snapshot
// are so in the other: hosts and attachments aside, nothing has changed.
func SameGraph(a, b *topology.Snapshot) bool {
	if a == b {
		return true
	}
	return maps.Equal(a.Links, b.Links) && maps.EqualFunc(a.Switches, b.Switches, func(x, y topology.Switch) bool {
		return x.Connected == y.Connected && maps.EqualFunc(x.Ports, y.Ports, func(p, q topology.Port) bool {
			return p.Up == q.Up && p.Role == q.Role && p.Capacity == q.Capacity
		})
	})
}
