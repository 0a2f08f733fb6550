package flow

import (
	"cmp"
	"slices"

	"conga/controller/topology"
	"conga/openflow"
)

// vertex is a switch. Its number is its own as long as it has links, or is a
// destination.
type vertex struct {
	dpid openflow.DPID
	out  []arc // ascending by port
	in   []arc
}

// arc is a directed link, seen from one of its ends.
type arc struct {
	port   openflow.PortNo // that sends
	other  int32           // vertex at the other end
	metric uint64
}

func (r *Routes) vertex(d openflow.DPID) int32 {
	i, ok := r.index[d]
	if ok {
		return i
	}
	if n := len(r.free); n > 0 {
		i, r.free = r.free[n-1], r.free[:n-1]
	} else {
		i, r.vertices = int32(len(r.vertices)), append(r.vertices, vertex{})
	}
	r.index[d], r.vertices[i].dpid = i, d
	return i
}

func byPort(a arc, p openflow.PortNo) int { return cmp.Compare(a.port, p) }

func (r *Routes) find(i int32, p openflow.PortNo) (arc, bool) {
	out := r.vertices[i].out
	if n, ok := slices.BinarySearchFunc(out, p, byPort); ok {
		return out[n], true
	}
	return arc{}, false
}

// put adds a link.
func (r *Routes) put(l topology.Link) {
	i, j := r.vertex(l.ID.From.DPID), r.vertex(l.ID.To.DPID)
	a := arc{port: l.ID.From.Port, other: j, metric: metricOf(l)}
	v := &r.vertices[i]
	n, _ := slices.BinarySearchFunc(v.out, a.port, byPort)
	v.out = slices.Insert(v.out, n, a)
	a.other = i
	r.vertices[j].in = append(r.vertices[j].in, a)
}

func metricOf(l topology.Link) uint64 {
	m := max(1, uint64(l.Metric))
	if l.Late || l.Drained {
		m += lateMetric
	}
	return m
}

// take removes the link of a sending port.
func (r *Routes) take(id topology.PortID) (arc, bool) {
	i, ok := r.index[id.DPID]
	if !ok {
		return arc{}, false
	}
	v := &r.vertices[i]
	n, ok := slices.BinarySearchFunc(v.out, id.Port, byPort)
	if !ok {
		return arc{}, false
	}
	a := v.out[n]
	v.out = slices.Delete(v.out, n, n+1)
	far := &r.vertices[a.other]
	far.in = slices.DeleteFunc(far.in, func(b arc) bool { return b.other == i && b.port == id.Port })
	return a, true
}

// leave lets another switch have the number of one that has neither links nor a
// tree. No tree reaches it.
func (r *Routes) leave(i int32) {
	v := &r.vertices[i]
	if len(v.out)+len(v.in) > 0 || r.trees[v.dpid] != nil {
		return
	}
	if at, has := r.index[v.dpid]; !has || at != i {
		return // it has left already
	}
	delete(r.index, v.dpid)
	*v = vertex{}
	r.free = append(r.free, i)
}
