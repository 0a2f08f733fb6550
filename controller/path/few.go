package path

import "conga/controller/topology"

// fewLooks is how many cables [Graph.Few] looks at.
const fewLooks = 1 << 12

// Few returns all paths without a loop between two edge ports that meet
// constraints, nil being none, if they are at most so many and quickly found;
// else ok is false.
func (g *Graph) Few(from, to topology.PortID, c *Constraints, most int) (paths []Path, ok bool) {
	first, last, _, ok := g.accesses(from, to)
	if !ok {
		return nil, true
	}
	f := few{Graph: g, last: last, most: most, looks: fewLooks, on: map[int32]bool{first: true}}
	f.way = Path{{DPID: from.DPID, In: from.Port}}
	if !f.walk(first, to) {
		return nil, false
	}
	for _, p := range f.found {
		if c == nil || c.Met(g.snapshot, p) {
			paths = append(paths, p)
		}
	}
	return paths, true
}

// A few is the search for all paths.
type few struct {
	*Graph
	last        int32
	most, looks int
	way         Path           // so far
	on          map[int32]bool // the switches on it
	found       []Path
}

// walk finds the paths that go on from a switch. It reports whether it was
// quick enough.
func (f *few) walk(at int32, to topology.PortID) bool {
	end := len(f.way) - 1
	if at == f.last {
		p := append(Path(nil), f.way...)
		p[end].Out = to.Port
		f.found = append(f.found, p)
		return len(f.found) <= f.most
	}
	n := &f.nodes[at]
	for i, h := range n.hops {
		if f.looks--; f.looks < 0 {
			return false
		}
		if f.on[h.to] {
			continue
		}
		id := n.edges[i].forth.ID
		f.way[end].Out, f.on[h.to] = id.From.Port, true
		f.way = append(f.way, Hop{DPID: id.To.DPID, In: id.To.Port})
		whole := f.walk(h.to, to)
		f.way, f.on[h.to] = f.way[:end+1], false
		if !whole {
			return false
		}
	}
	return true
}
