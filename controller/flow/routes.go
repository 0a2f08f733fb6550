package flow

import (
	"slices"

	"conga/controller/topology"
	"conga/openflow"
)

// Routes are the next hops of best-effort traffic along shortest paths. For
// each destination that was asked for there is a tree: how far every switch is
// from it, and by which port it goes there.
//
// Routes are kept while links come and go: a change costs what it changes, and
// a next hop that still lies on a shortest path stays, so that entries are not
// rewritten for nothing. Among equals the lower port is chosen first. Routes
// are not safe for concurrent use.
type Routes struct {
	index    map[openflow.DPID]int32
	vertices []vertex
	free     []int32                 // vertices that are no switch now
	trees    map[openflow.DPID]*tree // by destination
	work     frontier
}

// tree leads to one destination. Both slices are as long as vertices when it
// was touched last; what is beyond is unreached.
type tree struct {
	root int32
	dist []uint64
	next []openflow.PortNo // 0: none
}

const unreached = ^uint64(0)

// lateMetric is what a link that is late or drained costs besides: more than
// any way of others.
const lateMetric = 1 << 44

// NewRoutes returns the routes of a snapshot. They depend on nothing but its
// links.
func NewRoutes(s *topology.Snapshot) *Routes {
	r := &Routes{index: map[openflow.DPID]int32{}, trees: map[openflow.DPID]*tree{}}
	for _, l := range s.Links {
		r.put(l)
	}
	return r
}

// Next returns the port of from through which the switch to is reached.
func (r *Routes) Next(from, to openflow.DPID) (openflow.PortNo, bool) {
	t := r.tree(to) // made even if from has no links, so that it is told of when it has
	i, ok := r.index[from]
	if !ok || int(i) >= len(t.next) {
		return 0, false
	}
	return t.next[i], t.next[i] != 0
}

// Forget drops the tree of a destination that nothing leads to any more.
func (r *Routes) Forget(to openflow.DPID) {
	if t := r.trees[to]; t != nil {
		delete(r.trees, to)
		r.leave(t.root)
	}
}

// Prefer has from go to to by a port if that is as short as the way it goes
// now. It reports whether that is a change.
func (r *Routes) Prefer(from, to openflow.DPID, port openflow.PortNo) bool {
	i, ok := r.index[from]
	t := r.tree(to)
	if !ok || from == to || int(i) >= len(t.next) || t.next[i] == port {
		return false
	}
	for _, a := range r.vertices[i].out {
		if a.port == port && t.leads(i, a) {
			t.next[i] = port
			return true
		}
	}
	return false
}

// Update takes in what a snapshot says of links, named by the port that sends,
// and calls moved for each next hop that is another one or none now.
func (r *Routes) Update(s *topology.Snapshot, links []topology.PortID, moved func(from, to openflow.DPID)) {
	var lost, gained []change
	for _, id := range links {
		was, had := r.take(id)
		l, has := s.Links[id]
		if has {
			r.put(l)
		}
		if !had && !has {
			continue
		}
		i := r.index[id.DPID]
		is, _ := r.find(i, id.Port)
		if had && has && was == is {
			continue
		}
		if had {
			lost = append(lost, change{i, was})
		}
		if has {
			gained = append(gained, change{i, is})
		}
	}
	if len(lost)+len(gained) == 0 {
		return
	}
	for to, t := range r.trees {
		r.mend(t, lost, gained, func(i int32) { moved(r.vertices[i].dpid, to) })
	}
	for _, c := range lost {
		r.leave(c.at)
		r.leave(c.other)
	}
}

// change is an arc that a vertex has lost or gained.
type change struct {
	at int32
	arc
}

// tree returns the tree of a destination, made now if it was not asked for
// before.
func (r *Routes) tree(to openflow.DPID) *tree {
	if t := r.trees[to]; t != nil {
		return t
	}
	root := r.vertex(to)
	t := &tree{root: root}
	r.trees[to] = t
	t.grow(len(r.vertices))
	t.dist[root] = 0
	r.work.reset(len(r.vertices))
	r.relax(t, root)
	r.spread(t)
	for _, x := range r.work.touched {
		r.direct(t, x.at, 0)
	}
	return t
}

func (t *tree) grow(n int) {
	for len(t.dist) < n {
		t.dist, t.next = append(t.dist, unreached), append(t.next, 0)
	}
}

// leads reports whether an arc of a vertex lies on a shortest path.
func (t *tree) leads(from int32, a arc) bool {
	d := t.dist[a.other]
	return d != unreached && d+a.metric == t.dist[from]
}

// mend brings a tree in line with arcs that were lost and gained.
func (r *Routes) mend(t *tree, lost, gained []change, moved func(int32)) {
	t.grow(len(r.vertices))
	w := &r.work
	w.reset(len(r.vertices))
	r.uproot(t, lost)
	for _, a := range w.cut {
		for _, out := range r.vertices[a].out {
			if d := t.dist[out.other]; d != unreached {
				w.push(reach{d + out.metric, a})
			}
		}
	}
	for _, c := range gained {
		if d := t.dist[c.other]; d != unreached && d+c.metric < t.dist[c.at] {
			w.push(reach{d + c.metric, c.at})
		}
	}
	r.spread(t)
	for _, x := range w.touched {
		if r.direct(t, x.at, x.next); t.next[x.at] != x.next {
			moved(x.at)
		}
	}
}

// uproot finds the vertices that are farther away than before now that arcs are
// lost, and leaves them unreached in work.cut. One that has another arc on a
// path as short is left where it is. Nearer ones are decided before farther
// ones, which may lean on them.
func (r *Routes) uproot(t *tree, lost []change) {
	w := &r.work
	for _, c := range lost {
		if t.next[c.at] == c.port {
			w.push(reach{t.dist[c.at], c.at})
		}
	}
	for {
		u, ok := w.pop()
		if !ok {
			return
		}
		if !w.touch(u.at, t.next[u.at]) {
			continue
		}
		if slices.ContainsFunc(r.vertices[u.at].out, func(a arc) bool { return t.leads(u.at, a) }) {
			continue
		}
		t.dist[u.at] = unreached
		w.cut = append(w.cut, u.at)
		for _, in := range r.vertices[u.at].in {
			if t.next[in.other] == in.port && t.dist[in.other] != unreached {
				w.push(reach{t.dist[in.other], in.other})
			}
		}
	}
}

// spread runs Dijkstra's algorithm, backwards, from what is in work: each
// vertex that is reached over a shorter way than it has takes that one.
func (r *Routes) spread(t *tree) {
	for {
		u, ok := r.work.pop()
		if !ok {
			return
		}
		if u.dist >= t.dist[u.at] {
			continue
		}
		t.dist[u.at] = u.dist
		r.work.touch(u.at, t.next[u.at])
		r.relax(t, u.at)
	}
}

// direct has a vertex go by the port that it had if that lies on a shortest
// path, else by the lowest port that does; by none if it is unreached.
func (r *Routes) direct(t *tree, at int32, had openflow.PortNo) {
	t.next[at] = 0
	for _, a := range r.vertices[at].out {
		if !t.leads(at, a) {
			continue
		}
		if a.port == had || t.next[at] == 0 {
			t.next[at] = a.port
		}
	}
}

// relax offers the vertices before one the way over it.
func (r *Routes) relax(t *tree, at int32) {
	for _, in := range r.vertices[at].in {
		if d := t.dist[at] + in.metric; d < t.dist[in.other] {
			r.work.push(reach{d, in.other})
		}
	}
}

// reach is a vertex and how far it is.
type reach struct {
	dist uint64
	at   int32
}

// frontier is what an update of a tree works with: a binary heap, the nearest
// on top, and marks that need no clearing.
type frontier struct {
	heap    []reach
	round   uint32
	marks   []uint32 // round in which a vertex was touched last
	touched []turned
	cut     []int32
}

// turned is a vertex and the next hop that it had before.
type turned struct {
	at   int32
	next openflow.PortNo
}

func (f *frontier) reset(n int) {
	f.heap, f.cut, f.touched = f.heap[:0], f.cut[:0], f.touched[:0]
	for len(f.marks) < n {
		f.marks = append(f.marks, 0)
	}
	if f.round++; f.round == 0 {
		clear(f.marks)
		f.round = 1
	}
}

// touch notes a vertex with its next hop. It reports whether that is the first
// time since reset.
func (f *frontier) touch(at int32, next openflow.PortNo) bool {
	if f.marks[at] == f.round {
		return false
	}
	f.marks[at] = f.round
	f.touched = append(f.touched, turned{at, next})
	return true
}

func (r reach) before(o reach) bool { return r.dist < o.dist || r.dist == o.dist && r.at < o.at }

func (f *frontier) push(x reach) {
	f.heap = append(f.heap, x)
	for i := len(f.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !f.heap[i].before(f.heap[parent]) {
			return
		}
		f.heap[i], f.heap[parent] = f.heap[parent], f.heap[i]
		i = parent
	}
}

func (f *frontier) pop() (top reach, ok bool) {
	n := len(f.heap) - 1
	if n < 0 {
		return top, false
	}
	top = f.heap[0]
	f.heap[0] = f.heap[n]
	f.heap = f.heap[:n]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < n; child++ {
			if f.heap[child].before(f.heap[least]) {
				least = child
			}
		}
		if least == i {
			return top, true
		}
		f.heap[i], f.heap[least] = f.heap[least], f.heap[i]
		i = least
	}
}
