package flow

import (
	"iter"

	"conga/openflow"
)

// toward returns the port of a switch through which another one is reached,
// and the switch that it leads to.
func (r *Routes) toward(from, to openflow.DPID) (port openflow.PortNo, far openflow.DPID, ok bool) {
	if port, ok = r.Next(from, to); !ok {
		return 0, 0, false
	}
	a, ok := r.find(r.index[from], port)
	return port, r.vertices[a.other].dpid, ok
}

// before returns the switches from which links lead to a switch, and by which
// ports.
func (r *Routes) before(to openflow.DPID) iter.Seq2[openflow.DPID, openflow.PortNo] {
	return func(yield func(openflow.DPID, openflow.PortNo) bool) {
		i, ok := r.index[to]
		if !ok {
			return
		}
		for _, a := range r.vertices[i].in {
			if !yield(r.vertices[a.other].dpid, a.port) {
				return
			}
		}
	}
}

// behind returns the switches whose next hop on the way to a destination is a
// switch.
func (r *Routes) behind(via, to openflow.DPID) iter.Seq[openflow.DPID] {
	return func(yield func(openflow.DPID) bool) {
		t := r.tree(to)
		i, ok := r.index[via]
		if !ok {
			return
		}
		for _, a := range r.vertices[i].in {
			if int(a.other) < len(t.next) && t.next[a.other] == a.port && !yield(r.vertices[a.other].dpid) {
				return
			}
		}
	}
}

// after returns the switches to which links lead from a switch.
func (r *Routes) after(from openflow.DPID) iter.Seq[openflow.DPID] {
	return func(yield func(openflow.DPID) bool) {
		i, ok := r.index[from]
		if !ok {
			return
		}
		for _, a := range r.vertices[i].out {
			if !yield(r.vertices[a.other].dpid) {
				return
			}
		}
	}
}
