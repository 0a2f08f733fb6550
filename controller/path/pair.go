package path

import "slices"

// An arc is an edge of a switch, by its index there.
type arc struct{ node, edge int32 }

// findPair reports whether there are two ways without an edge in common from a
// switch to the last one, over edges that the constraints allow and that are
// offered. Of the two that cost least together pair is the better one. It is
// used where the best path has no backup; the
// constraints must not limit how long a path is, nor include anything.
//
// It is the algorithm of Suurballe as Bhandari has it: the second search may go
// back over edges of the first way, which are then on neither.
func (s *confined) findPair(first int32) bool {
	var used []arc
	for range 2 {
		way, ok := s.augment(first, used)
		if !ok {
			return false
		}
		for _, a := range way {
			if i := slices.Index(used, s.reverse(a)); i >= 0 {
				used = slices.Delete(used, i, i+1)
			} else {
				used = append(used, a)
			}
		}
	}
	s.pair = s.follow(first, used)
	return true
}

// augment returns the cheapest way over edges that are not used, or back over
// those that are, which gives back what they cost.
func (s *confined) augment(first int32, used []arc) (way []arc, ok bool) {
	n := len(s.graph.nodes)
	sums, by := make([]int64, n), make([]arc, n)
	for i := range sums {
		sums[i] = nowhere
	}
	sums[first] = 0
	for again := true; again; { // Bellman and Ford: costs may be negative
		again = false
		for at := range s.graph.nodes {
			if sums[at] == nowhere {
				continue
			}
			node := &s.graph.nodes[at]
			for i := range node.edges {
				a, to := arc{int32(at), int32(i)}, node.hops[i].to
				cost := int64(node.hops[i].cost)
				switch {
				case slices.Contains(used, a):
					continue
				case slices.Contains(used, s.reverse(a)):
					cost = -int64(node.hops[i].back)
				case !s.allows(&node.edges[i], to) || !s.offered(&node.edges[i]).ok:
					continue
				}
				if sums[at]+cost < sums[to] {
					sums[to], by[to], again = sums[at]+cost, a, true
				}
			}
		}
	}
	if sums[s.last] == nowhere {
		return nil, false
	}
	for at := s.last; at != first; at = by[at].node {
		way = append(way, by[at])
	}
	slices.Reverse(way)
	return way, true
}

// reverse returns the arc over the same cable in the other direction.
func (s *confined) reverse(a arc) arc {
	h, id := s.graph.nodes[a.node].hops[a.edge], s.graph.nodes[a.node].edges[a.edge].forth.ID.Reverse()
	for i := range s.graph.nodes[h.to].edges {
		if s.graph.nodes[h.to].edges[i].forth.ID == id {
			return arc{h.to, int32(i)}
		}
	}
	return arc{-1, -1}
}

// follow returns the way that costs less of the two that some arcs make up.
func (s *confined) follow(first int32, used []arc) (best []arc) {
	least := int64(nowhere)
	for range 2 {
		var way []arc
		sum := int64(0)
		for at := first; at != s.last; {
			i := slices.IndexFunc(used, func(a arc) bool { return a.node == at })
			a := used[i]
			used = slices.Delete(used, i, i+1)
			way, sum = append(way, a), sum+int64(s.graph.nodes[a.node].hops[a.edge].cost)
			at = s.graph.nodes[a.node].hops[a.edge].to
		}
		if sum < least {
			best, least = way, sum
		}
	}
	return best
}
