package path

import (
	"slices"

	"conga/controller/topology"
	"conga/openflow"
)

// For returns the graph of a snapshot of the same network: g itself if it was
// made of that snapshot. If links and switches are the same, or the snapshot's
// delta says what differs, the graph is derived from g at little cost. g may be
// nil.
func (g *Graph) For(s *topology.Snapshot) *Graph {
	switch {
	case g == nil:
		return NewGraph(s)
	case g.snapshot == s:
		return g
	case SameGraph(g.snapshot, s):
		same := *g
		same.snapshot = s
		return &same
	}
	if d, ok := s.Since(g.snapshot.Revision); ok && s.Revision > g.snapshot.Revision {
		if now, ok := g.renew(s, d); ok {
			return now
		}
	}
	return layOut(s, g.numbers)
}

// renew lays out again only the switches that a change concerns. ok is false
// if there are other switches than before.
func (g *Graph) renew(s *topology.Snapshot, d topology.Delta) (now *Graph, ok bool) {
	touched := map[int32]bool{}
	touch := func(dpid openflow.DPID) {
		if i, ok := g.index[dpid]; ok {
			touched[i] = true
		}
	}
	for _, dpid := range d.Switches {
		i, had := g.index[dpid]
		sw, has := s.Switches[dpid]
		if !had || !has {
			return nil, false
		}
		touched[i] = true
		for _, h := range g.nodes[i].hops {
			touched[h.to] = true
		}
		for no := range sw.Ports {
			if l, ok := s.Links[topology.PortID{DPID: dpid, Port: no}]; ok {
				touch(l.ID.To.DPID)
			}
		}
	}
	for _, from := range d.Links {
		touch(from.DPID)
		touch(g.snapshot.Links[from].ID.To.DPID)
		touch(s.Links[from].ID.To.DPID)
	}
	now = &Graph{snapshot: s, index: g.index, nodes: slices.Clone(g.nodes), numbers: g.numbers}
	nearer := false
	for i := range touched {
		n := &now.nodes[i]
		old := n.hops
		now.fill(n)
		nearer = nearer || bringsNearer(old, n.hops)
	}
	if nearer {
		now.bounds = newBounds(nil)
	} else {
		now.bounds = newBounds(g.bounds)
	}
	return now, true
}

// bringsNearer reports whether the new cables of a switch may lead anywhere at
// less cost than the old ones.
func bringsNearer(old, now []hop) bool {
	return slices.ContainsFunc(now, func(h hop) bool {
		return !slices.ContainsFunc(old, func(o hop) bool { return o.to == h.to && o.cost <= h.cost && o.back <= h.back })
	})
}
