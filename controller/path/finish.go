package path

import "conga/controller/topology"

// A finish finds out whether ways of a search can still lead to what is asked
// for. What it finds is necessary, and mostly sufficient, so that few ways are
// looked at in vain where without it there would be too many to look at all.
type finish struct {
	*confined
	first   int32
	arcs    []arcEnd // of all switches, one switch after the other
	begin   []int32  // by switch, and one more: the index of its first arc
	visited []bool   // by switch: the way has been there
	crossed []int32  // arcs that the way has crossed, both ways

	// What explore has found, by switch.
	seen    []int32 // in which order it was reached; 0: it was not
	low     []int32 // the first switch to which an arc leads from there or beyond
	up      []int32 // the switch from which it was reached
	inBlock []bool
	order   []int32 // switches as they were reached
	stack   []arc   // switches whose arcs are looked at, with the next arc

	// Of two ways at once.
	flow  []int8  // by arc: 1 is used, -1 may be given back, -2 is not there
	via   []int32 // by switch: the arc by which it was reached; -1: none
	queue []int32
}

// An arcEnd is an edge in one direction.
type arcEnd struct {
	to, reverse int32 // reverse: the index of the other direction
	there       bool  // a way within the limits may cross it
}

// newFinish looks at all edges over which a way within the limits may lead.
func (s *confined) newFinish(first int32) *finish {
	n := len(s.graph.nodes)
	f := &finish{
		confined: s, first: first, begin: make([]int32, n+1), visited: make([]bool, n),
		seen: make([]int32, n), low: make([]int32, n), up: make([]int32, n), inBlock: make([]bool, n), via: make([]int32, n),
	}
	byNumber := map[int32]int32{}
	for at := range s.graph.nodes {
		node := &s.graph.nodes[at]
		f.begin[at] = int32(len(f.arcs))
		for i := range node.edges {
			byNumber[node.edges[i].forthNo] = int32(len(f.arcs))
			f.arcs = append(f.arcs, arcEnd{to: node.hops[i].to})
		}
	}
	f.begin[n] = int32(len(f.arcs))
	hops, latency := s.fromFirst(first)
	for at := range s.graph.nodes {
		node := &s.graph.nodes[at]
		for i := range node.edges {
			a, e := &f.arcs[f.begin[at]+int32(i)], &node.edges[i]
			a.reverse = byNumber[e.backNo]
			a.there = s.leads(e, a.to) &&
				(s.limits.MaxHops == 0 || 2+hops[at]+s.hops.direct[a.to] <= uint64(s.limits.MaxHops)) &&
				(s.limits.MaxLatency == 0 || latency[at]+uint64(e.forth.Latency)+s.latency.direct[a.to] <= uint64(s.limits.MaxLatency))
		}
	}
	f.flow = make([]int8, len(f.arcs))
	return f
}

// fromFirst returns how many cables, and how much latency, ways from the first
// switch to each take at least, as far as that is limited.
func (s *confined) fromFirst(first int32) (hops, latency []uint64) {
	if s.limits.MaxHops != 0 {
		hops = s.least(first, true, func(*topology.Link) uint64 { return 1 })
	}
	if s.limits.MaxLatency != 0 {
		latency = s.least(first, true, func(l *topology.Link) uint64 { return uint64(l.Latency) })
	}
	return hops, latency
}

// may reports whether a way may lead on to the last switch over all that it has
// still to cross and, if a backup is asked for, beside another way from the
// first switch.
func (f *finish) may(at int32) bool {
	w := &f.ways[at]
	if w.node == f.last {
		return w.met == f.all // hasBackup tells exactly
	}
	clear(f.visited)
	f.crossed = f.crossed[:0]
	for i := at; f.ways[i].from >= 0; i = f.ways[i].from {
		from := f.ways[f.ways[i].from].node
		a := f.begin[from] + f.ways[i].via
		f.visited[from], f.crossed = true, append(f.crossed, a, f.arcs[a].reverse)
	}
	return (w.met == f.all || f.spans(w)) && (!f.pairs || f.pairUp(w.node))
}

// spans reports whether each element that a way has still to cross is on some
// way from its end to the last switch by switches where it has not been.
//
// Such an element is in the block of the graph, without those switches, that an
// edge between the two would be in. A block, or biconnected component, is what
// stays connected without any one of its switches: of two ways between two of
// them one leads over a third.
func (f *finish) spans(w *way) bool {
	if !f.explore(w.node) {
		return false
	}
	for e, bit := range f.needs {
		if w.met&bit == 0 && !f.blockHas(e) {
			return false
		}
	}
	return true
}

func (f *finish) blockHas(e Element) bool {
	in := func(at int32, ok bool) bool { return ok && f.inBlock[at] }
	if e.Cable == (topology.LinkID{}) {
		at, ok := f.graph.index[e.Switch]
		return in(at, ok)
	}
	from, okFrom := f.graph.index[e.Cable.From.DPID]
	to, okTo := f.graph.index[e.Cable.To.DPID]
	return in(from, okFrom) && in(to, okTo)
}

// explore finds the block, by the algorithm of Hopcroft and Tarjan from the
// last switch on, which counts as reached from the other end. It reports
// whether the two are connected.
func (f *finish) explore(from int32) (connected bool) {
	clear(f.seen)
	clear(f.inBlock)
	f.order, f.stack = f.order[:0], f.stack[:0]
	f.reach(from, from)
	f.stack = f.stack[:0]
	for f.reach(f.last, from); len(f.stack) > 0; {
		top := &f.stack[len(f.stack)-1]
		at, i := top.node, top.edge
		if i == f.begin[at+1] {
			f.stack = f.stack[:len(f.stack)-1]
			f.low[f.up[at]] = min(f.low[f.up[at]], f.low[at])
			continue
		}
		top.edge++
		switch a := &f.arcs[i]; {
		case f.visited[a.to] || !a.there && !f.arcs[a.reverse].there:
		case f.seen[a.to] == 0:
			f.reach(a.to, at)
		default:
			f.low[at] = min(f.low[at], f.seen[a.to])
			connected = connected || a.to == from
		}
	}
	f.inBlock[from], f.inBlock[f.last] = connected, connected
	for _, at := range f.order[2:] {
		f.inBlock[at] = f.inBlock[f.up[at]] && f.low[at] < f.seen[f.up[at]]
	}
	return connected
}

func (f *finish) reach(at, from int32) {
	f.order = append(f.order, at)
	f.seen[at], f.up[at] = int32(len(f.order)), from
	f.low[at] = f.seen[at]
	f.stack = append(f.stack, arc{at, f.begin[at]})
	f.effort -= int(f.begin[at+1] - f.begin[at])
}

// pairUp reports whether there are ways to the last switch from a switch and
// from the first one that have no edge in common, with each other or with the
// way that leads to the switch.
func (f *finish) pairUp(at int32) bool {
	clear(f.flow)
	for _, a := range f.crossed {
		f.flow[a] = -2
	}
	return f.augmentFrom(f.first) && f.augmentFrom(at)
}

// augmentFrom reports whether there is one more way from a switch to the last
// one, which may go back over arcs of the one before, and takes it.
func (f *finish) augmentFrom(from int32) bool {
	for i := range f.via {
		f.via[i] = -1
	}
	f.queue = append(f.queue[:0], from)
	for n := 0; n < len(f.queue) && f.via[f.last] < 0; n++ {
		at := f.queue[n]
		f.effort -= int(f.begin[at+1] - f.begin[at])
		for i := f.begin[at]; i < f.begin[at+1]; i++ {
			a := &f.arcs[i]
			if open := a.there && f.flow[i] == 0 || f.flow[i] == -1; !open || a.to == from || f.via[a.to] >= 0 {
				continue
			}
			f.via[a.to] = i
			f.queue = append(f.queue, a.to)
		}
	}
	if f.via[f.last] < 0 {
		return false
	}
	for at := f.last; at != from; {
		i := f.via[at]
		back := f.arcs[i].reverse
		if f.flow[i] == -1 {
			f.flow[i], f.flow[back] = 0, 0
		} else {
			f.flow[i], f.flow[back] = 1, -1
		}
		at = f.arcs[back].to
	}
	return true
}
