package path

import "conga/controller/topology"

// A yardstick tells how much of something a way takes at least from a switch to
// the last one, over all elements that it has still to cross, in the best order
// and at any switch as often as it takes. The zero value tells of none.
type yardstick struct {
	direct []uint64 // by switch
	passes []pass
	all    uint32
}

// A pass is one way to cross an element to include: from a switch to another,
// which of a switch is the same one.
type pass struct {
	bit    uint32
	from   int32
	to     int32
	weight uint64   // between them
	reach  []uint64 // what it takes to get to from, by switch
	beyond []uint64 // what it takes from to on, by what has been crossed then
}

// left returns the least that is left to a way at a switch, which has crossed
// some elements.
func (y *yardstick) left(node int32, met uint32) uint64 {
	if y.direct == nil {
		return 0
	}
	if met == y.all {
		return y.direct[node]
	}
	return y.over(node, met)
}

// over returns what left does where something has still to be crossed.
func (y *yardstick) over(node int32, met uint32) uint64 {
	least := uint64(nowhere)
	for i := range y.passes {
		if g := &y.passes[i]; g.bit&met == 0 {
			least = min(least, g.reach[node]+g.weight+g.beyond[met|g.bit])
		}
	}
	return least
}

// measure makes the yardsticks that the constraints need.
func (s *confined) measure() {
	s.cost = s.yardstick(func(l *topology.Link) uint64 { return uint64(costOf(*l)) })
	if s.limits.MaxHops != 0 {
		s.hops = s.yardstick(func(*topology.Link) uint64 { return 1 })
	}
	if s.limits.MaxLatency != 0 {
		s.latency = s.yardstick(func(l *topology.Link) uint64 { return uint64(l.Latency) })
	}
}

func (s *confined) yardstick(weight func(*topology.Link) uint64) yardstick {
	y := yardstick{direct: s.least(s.last, false, weight), all: s.all}
	for e, bit := range s.needs {
		y.passes = append(y.passes, s.passes(e, bit, weight)...)
	}
	for i := range y.passes {
		y.passes[i].beyond = make([]uint64, s.all+1)
	}
	for met := s.all; met > 0; met-- { // what is left follows from where more has been crossed
		for i := range y.passes {
			if g := &y.passes[i]; met&g.bit != 0 {
				g.beyond[met] = y.left(g.to, met)
			}
		}
	}
	return y
}

// leads reports whether yardsticks count an edge. end is the end of it that may
// be barred.
func (s *confined) leads(e *edge, end int32) bool {
	return s.allows(e, end) && (!s.led || s.offered(e).ok)
}

// passes returns the ways to cross an element.
func (s *confined) passes(e Element, bit uint32, weight func(*topology.Link) uint64) (list []pass) {
	if e.Cable == (topology.LinkID{}) {
		if at, ok := s.graph.index[e.Switch]; ok {
			list = append(list, pass{bit: bit, from: at, to: at, reach: s.least(at, false, weight)})
		}
		return list
	}
	for _, end := range [...]topology.PortID{e.Cable.From, e.Cable.To} {
		at, ok := s.graph.index[end.DPID]
		if !ok {
			continue
		}
		n := &s.graph.nodes[at]
		for i := range n.edges {
			if to := n.hops[i].to; n.edges[i].forth.ID.Cable() == e.Cable && s.leads(&n.edges[i], to) {
				list = append(list, pass{bit: bit, from: at, to: to, weight: weight(&n.edges[i].forth), reach: s.least(at, false, weight)})
			}
		}
	}
	return list
}

// least returns, by switch, the least sum of weights on the way to one of them,
// or from it, over edges that are allowed; nowhere where there is no such way.
func (s *confined) least(end int32, from bool, weight func(*topology.Link) uint64) []uint64 {
	sums := make([]uint64, len(s.graph.nodes))
	for i := range sums {
		sums[i] = nowhere
	}
	if s.barred[Element{Switch: s.graph.nodes[end].dpid}] {
		return sums
	}
	sums[end] = 0
	var q costs
	for q.push(cost{0, end}); len(q) > 0; {
		c := q.pop()
		if c.sum != sums[c.at] {
			continue
		}
		n := &s.graph.nodes[c.at]
		for i := range n.edges {
			to, e := n.hops[i].to, n.edges[i]
			if !from {
				e = edge{e.back, e.forth, e.backNo, e.forthNo}
			}
			if next := c.sum + weight(&e.forth); next < sums[to] && s.leads(&e, to) {
				sums[to] = next
				q.push(cost{next, to})
			}
		}
	}
	return sums
}
