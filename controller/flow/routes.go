package flow

import (
	"cmp"
	"container/heap"
	"slices"

	"conga/controller/topology"
	"conga/openflow"
)

// Routes are the next hops of best-effort traffic along shortest paths: for
// every pair of switches, the port of the first that leads towards the second.
type Routes struct {
	next map[openflow.DPID]map[openflow.DPID]openflow.PortNo // by destination, then by switch
}

// NewRoutes computes the routes of a snapshot. They depend on nothing but its
// links.
func NewRoutes(s *topology.Snapshot) *Routes {
	into := map[openflow.DPID][]topology.Link{}
	for _, l := range s.Links {
		into[l.ID.To.DPID] = append(into[l.ID.To.DPID], l)
	}
	for _, links := range into {
		slices.SortFunc(links, func(a, b topology.Link) int { return topology.CompareLinks(a.ID, b.ID) })
	}
	r := &Routes{next: make(map[openflow.DPID]map[openflow.DPID]openflow.PortNo, len(into))}
	for dst := range into {
		r.next[dst] = towards(dst, into)
	}
	return r
}

// Next is the port of from through which the switch to is reached.
func (r *Routes) Next(from, to openflow.DPID) (openflow.PortNo, bool) {
	p, ok := r.next[to][from]
	return p, ok
}

// towards runs Dijkstra's algorithm backwards from dst. Ties fall to the lower
// datapath and port, so that the same links always give the same routes.
func towards(dst openflow.DPID, into map[openflow.DPID][]topology.Link) map[openflow.DPID]openflow.PortNo {
	next := map[openflow.DPID]openflow.PortNo{}
	done := map[openflow.DPID]bool{}
	queue := &frontier{{at: dst}}
	for queue.Len() > 0 {
		n := heap.Pop(queue).(node)
		if done[n.at] {
			continue
		}
		done[n.at] = true
		if n.at != dst {
			next[n.at] = n.via
		}
		for _, l := range into[n.at] {
			if from := l.ID.From; !done[from.DPID] {
				heap.Push(queue, node{cost: n.cost + uint64(l.Metric), at: from.DPID, via: from.Port})
			}
		}
	}
	return next
}

type node struct {
	cost uint64
	at   openflow.DPID
	via  openflow.PortNo
}

type frontier []node

func (f frontier) Len() int      { return len(f) }
func (f frontier) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f frontier) Less(i, j int) bool {
	a, b := f[i], f[j]
	return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(a.at, b.at), cmp.Compare(a.via, b.via)) < 0
}
func (f *frontier) Push(x any) { *f = append(*f, x.(node)) }
func (f *frontier) Pop() any {
	old := *f
	x := old[len(old)-1]
	*f = old[:len(old)-1]
	return x
}
