package flow

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/controller/topology"
	"conga/openflow"
)

// distances computes by Bellman and Ford how far every switch is from one.
func distances(links map[topology.PortID]topology.Link, to openflow.DPID) map[openflow.DPID]uint64 {
	dist := map[openflow.DPID]uint64{to: 0}
	for again := true; again; {
		again = false
		for _, l := range links {
			far, ok := dist[l.ID.To.DPID]
			if d, known := dist[l.ID.From.DPID]; ok && (!known || far+metricOf(l) < d) {
				dist[l.ID.From.DPID] = far + metricOf(l)
				again = true
			}
		}
	}
	return dist
}

// TestRoutesFollowTheLinks has links come, go and change their metric at
// random, destinations be forgotten, and other ways that are as short be
// preferred: every next hop lies on a shortest path, stays if it did before,
// and is told of if it does not; and nothing is kept of a switch that has
// neither links nor a tree.
func TestRoutesFollowTheLinks(t *testing.T) {
	const switches = 7
	rapid.Check(t, func(t *rapid.T) {
		s := &topology.Snapshot{Links: map[topology.PortID]topology.Link{}}
		r := NewRoutes(s)
		port := rapid.Custom(func(t *rapid.T) topology.PortID {
			return at(openflow.DPID(rapid.IntRange(1, switches).Draw(t, "switch")), openflow.PortNo(rapid.IntRange(1, 4).Draw(t, "port")))
		})
		hops := map[[2]openflow.DPID]openflow.PortNo{}
		for range rapid.IntRange(1, 25).Draw(t, "changes") {
			forgotten := map[openflow.DPID]bool{}
			for range rapid.IntRange(0, switches).Draw(t, "forgotten") {
				to := openflow.DPID(rapid.IntRange(1, switches).Draw(t, "forget"))
				forgotten[to] = true
				r.Forget(to)
			}
			for range rapid.IntRange(0, 3).Draw(t, "preferred") {
				from, to := openflow.DPID(rapid.IntRange(1, switches).Draw(t, "from")), openflow.DPID(rapid.IntRange(1, switches).Draw(t, "of"))
				if p := openflow.PortNo(rapid.IntRange(1, 4).Draw(t, "by")); !forgotten[to] && r.Prefer(from, to, p) {
					hops[[2]openflow.DPID{from, to}] = p
				}
			}
			before := maps.Clone(hops)
			s = &topology.Snapshot{Links: maps.Clone(s.Links)}
			changed := rapid.SliceOfN(port, 1, 6).Draw(t, "changed")
			for _, p := range changed {
				if rapid.IntRange(0, 2).Draw(t, "goes") == 0 {
					delete(s.Links, p)
					continue
				}
				to := at(openflow.DPID(rapid.IntRange(1, switches).Draw(t, "to")), 9)
				if to.DPID != p.DPID {
					s.Links[p] = topology.Link{ID: topology.LinkID{From: p, To: to}, Metric: uint32(rapid.IntRange(1, 3).Draw(t, "metric")), Late: rapid.IntRange(0, 3).Draw(t, "late") == 0}
				}
			}
			told := map[[2]openflow.DPID]bool{}
			r.Update(s, changed, func(from, to openflow.DPID) { told[[2]openflow.DPID{from, to}] = true })
			if want := known(s, r); len(r.index) != want || len(r.index)+len(r.free) != len(r.vertices) {
				t.Fatalf("%d switches are kept and %d numbers are free of %d; want %d switches", len(r.index), len(r.free), len(r.vertices), want)
			}
			for to := openflow.DPID(1); to <= switches; to++ {
				dist := distances(s.Links, to)
				for from := openflow.DPID(1); from <= switches; from++ {
					pair := [2]openflow.DPID{from, to}
					p, ok := r.Next(from, to)
					delete(hops, pair)
					if _, reached := dist[from]; ok != (reached && from != to) {
						t.Fatalf("from %d to %d: next hop %d, %v; distance %v", from, to, p, ok, dist)
					}
					on := func(p openflow.PortNo) bool {
						l, there := s.Links[at(from, p)]
						far, reached := dist[l.ID.To.DPID]
						return there && reached && far+metricOf(l) == dist[from]
					}
					if ok {
						hops[pair] = p
						if !on(p) {
							t.Fatalf("from %d to %d by port %d, which is on no shortest path", from, to, p)
						}
					}
					was, had := before[pair]
					if had && !forgotten[to] && from != to && on(was) && was != p {
						t.Fatalf("from %d to %d by port %d instead of %d, which is as short", from, to, p, was)
					}
					if len(before) > 0 && !forgotten[to] && (was != p) != told[pair] {
						t.Fatalf("from %d to %d: %d, then %d; told of it: %v", from, to, was, p, told[pair])
					}
				}
			}
		}
	})
}

// known returns how many switches have links or a tree.
func known(s *topology.Snapshot, r *Routes) int {
	all := map[openflow.DPID]bool{}
	for _, l := range s.Links {
		all[l.ID.From.DPID], all[l.ID.To.DPID] = true, true
	}
	for to := range r.trees {
		all[to] = true
	}
	return len(all)
}

func TestRoutesPreferWhatIsAsShort(t *testing.T) {
	s := &topology.Snapshot{Links: map[topology.PortID]topology.Link{}}
	for _, l := range []topology.LinkID{
		{From: at(1, 1), To: at(2, 1)}, {From: at(2, 2), To: at(4, 1)},
		{From: at(1, 2), To: at(3, 1)}, {From: at(3, 2), To: at(4, 2)},
		{From: at(1, 3), To: at(5, 1)}, {From: at(5, 2), To: at(2, 3)},
	} {
		s.Links[l.From] = topology.Link{ID: l, Metric: 1}
	}
	r := NewRoutes(s)
	if p, _ := r.Next(1, 4); p != 1 {
		t.Fatalf("by port %d; want the lower one", p)
	}
	if !r.Prefer(1, 4, 2) || r.Prefer(1, 4, 2) || r.Prefer(1, 4, 3) || r.Prefer(9, 4, 1) {
		t.Error("only another port on a shortest path is a change")
	}
	if p, _ := r.Next(1, 4); p != 2 {
		t.Errorf("by port %d; want the preferred one", p)
	}
	gone := &topology.Snapshot{Links: maps.Clone(s.Links)}
	delete(gone.Links, at(3, 2))
	var moved []openflow.DPID
	r.Update(gone, []topology.PortID{at(3, 2)}, func(from, _ openflow.DPID) { moved = append(moved, from) })
	slices.Sort(moved)
	if p, _ := r.Next(1, 4); p != 1 || !slices.Equal(moved, []openflow.DPID{1, 3}) {
		t.Errorf("by port %d, moved %v", p, moved)
	}
	moved = nil
	r.Update(s, []topology.PortID{at(3, 2)}, func(from, _ openflow.DPID) { moved = append(moved, from) })
	if p, _ := r.Next(1, 4); p != 1 || !slices.Equal(moved, []openflow.DPID{3}) {
		t.Errorf("a link that returns has moved %v, and 1 goes by port %d", moved, p)
	}
}
