package path

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/topology"
	"conga/openflow"
)

// drawGraph returns a network of a few switches, with an edge port 1 each.
func drawGraph(t *rapid.T) *Graph {
	s := &topology.Snapshot{Switches: map[openflow.DPID]topology.Switch{}, Links: map[topology.PortID]topology.Link{}}
	n := openflow.DPID(rapid.IntRange(2, 7).Draw(t, "switches"))
	for d := openflow.DPID(1); d <= n; d++ {
		s.Switches[d] = topology.Switch{DPID: d, Connected: true, Ports: map[openflow.PortNo]topology.Port{}}
	}
	for i := range rapid.IntRange(1, 12).Draw(t, "cables") {
		a := topology.PortID{DPID: openflow.DPID(rapid.Uint64Range(1, uint64(n)).Draw(t, "a")), Port: openflow.PortNo(2*i + 10)}
		b := topology.PortID{DPID: openflow.DPID(rapid.Uint64Range(1, uint64(n)).Draw(t, "b")), Port: openflow.PortNo(2*i + 11)}
		if a.DPID == b.DPID {
			continue
		}
		forth := topology.LinkID{From: a, To: b}
		for _, id := range []topology.LinkID{forth, forth.Reverse()} {
			s.Switches[id.From.DPID].Ports[id.From.Port] = topology.Port{ID: id.From, Up: true, Role: topology.Trunk}
			s.Links[id.From] = topology.Link{
				ID: id, Metric: rapid.Uint32Range(1, 3).Draw(t, "metric"), Latency: time.Duration(rapid.IntRange(1, 3).Draw(t, "latency")),
			}
		}
	}
	return NewGraph(s)
}

// byHand returns the least cost of a way that meets all of a search's
// constraints; found is false if none does.
func (s *confined) byHand(first int32) (least uint64, found bool) {
	var walk func(at int32)
	s.ways = s.ways[:0]
	walk = func(at int32) {
		w := s.ways[at]
		if w.node == s.last {
			in := (s.limits.MaxHops == 0 || w.hops <= uint64(s.limits.MaxHops)) && (s.limits.MaxLatency == 0 || w.latency <= uint64(s.limits.MaxLatency))
			if in && w.met == s.all && (!found || w.cost < least) && (!s.pairs || s.backupByHand(at, first)) {
				least, found = w.cost, true
			}
			return
		}
		n := &s.graph.nodes[w.node]
		for i := range n.edges {
			e, to := &n.edges[i], n.hops[i].to
			if !s.allows(e, to) || !s.offered(e).ok || s.visited(at, to) {
				continue
			}
			next := way{node: to, from: at, via: int32(i), hops: w.hops + 1, cost: w.cost + uint64(costOf(e.forth)), latency: w.latency + uint64(e.forth.Latency)}
			next.met = w.met | s.needs[Element{Cable: e.forth.ID.Cable()}] | s.needs[Element{Switch: s.graph.nodes[to].dpid}]
			s.ways = append(s.ways, next)
			walk(int32(len(s.ways) - 1))
		}
	}
	s.ways = append(s.ways, way{node: first, from: -1, hops: 1, met: s.needs[Element{Switch: s.graph.nodes[first].dpid}]})
	walk(0)
	return least, found
}

func (s *confined) backupByHand(at, first int32) bool {
	p := s.path(at, topology.External, topology.External)
	_, found := s.graph.newConfined(s.limits.ofBackup(p), s.last, false, s.offer).byHand(first)
	return found
}

// TestFinishLeavesOutNoWay has searches leave out from the beginning what
// cannot lead to what is asked for: they find the same as a look at all ways.
func TestFinishLeavesOutNoWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t)
		n := len(g.nodes)
		var all []Element
		for i := range g.nodes {
			all = append(all, Element{Switch: g.nodes[i].dpid})
			for _, e := range g.nodes[i].edges {
				all = append(all, Element{Cable: e.forth.ID.Cable()})
			}
		}
		c := &Constraints{
			Include: rapid.SliceOfN(rapid.SampledFrom(all), 0, 4).Draw(t, "include"), Avoid: rapid.SliceOfN(rapid.SampledFrom(all), 0, 1).Draw(t, "avoid"),
			Protected: rapid.Bool().Draw(t, "protected"),
		}
		if rapid.Bool().Draw(t, "is short") {
			c.MaxHops = rapid.IntRange(1, n).Draw(t, "hops")
		}
		if rapid.Bool().Draw(t, "is quick") {
			c.MaxLatency = time.Duration(rapid.IntRange(1, 2*n).Draw(t, "latency"))
		}
		shut := map[int32]bool{}
		for _, e := range rapid.SliceOfN(rapid.Int32Range(0, 24), 0, 6).Draw(t, "shut") {
			shut[e] = true
		}
		offer := func(e *edge) (bitrate.Rate, bool) { return 1, !shut[e.forthNo] }
		first, last := int32(rapid.IntRange(0, n-1).Draw(t, "first")), int32(rapid.IntRange(0, n-1).Draw(t, "last"))
		s := g.newConfined(c, last, false, offer)
		if s.barred[Element{Switch: g.nodes[first].dpid}] || first == last {
			return
		}
		cost, want := g.newConfined(c, last, false, offer).byHand(first)
		s.measure()
		s.try(way{node: first, from: -1, hops: 1, met: s.needs[Element{Switch: g.nodes[first].dpid}]})
		if len(s.heap) == 0 {
			if want {
				t.Fatal("there is a way, and the search does not begin")
			}
			return
		}
		s.lead(true)
		at := s.run()
		if (at >= 0) != want || want && s.ways[at].cost != cost {
			t.Fatalf("%+v from %d to %d: found %d; by hand %v at cost %d", c, first, last, at, want, cost)
		}
	})
}

// gridGraph returns a mesh of switches with as many rows as columns.
func gridGraph(side int) *Graph {
	s := &topology.Snapshot{Switches: map[openflow.DPID]topology.Switch{}, Links: map[topology.PortID]topology.Link{}}
	for d := openflow.DPID(1); d <= openflow.DPID(side*side); d++ {
		s.Switches[d] = topology.Switch{DPID: d, Connected: true, Ports: map[openflow.PortNo]topology.Port{}}
	}
	join := func(a, b topology.PortID) {
		for _, id := range []topology.LinkID{{From: a, To: b}, {From: b, To: a}} {
			s.Switches[id.From.DPID].Ports[id.From.Port] = topology.Port{ID: id.From, Up: true, Role: topology.Trunk}
			s.Links[id.From] = topology.Link{ID: id, Latency: 1}
		}
	}
	for d := openflow.DPID(1); d <= openflow.DPID(side*side); d++ {
		if int(d)%side != 0 {
			join(topology.PortID{DPID: d, Port: 1}, topology.PortID{DPID: d + 1, Port: 2})
		}
		if below := d + openflow.DPID(side); int(below) <= side*side {
			join(topology.PortID{DPID: d, Port: 3}, topology.PortID{DPID: below, Port: 4})
		}
	}
	return NewGraph(s)
}

// TestEffortIsBounded has searches for what is not there in a large network,
// which has more ways than can be looked at: that is found out soon.
func TestEffortIsBounded(t *testing.T) {
	g := gridGraph(10)
	at := func(x, y int) int32 { return int32(10*y + x) }
	over := func(x, y int) Element { return Element{Switch: g.nodes[at(x, y)].dpid} }
	// but returns an offer of all cables except those to the right of a column,
	// of which these rows are left.
	but := func(x int, rows ...int) func(*edge) (bitrate.Rate, bool) {
		return func(e *edge) (bitrate.Rate, bool) {
			a, b := g.index[e.forth.ID.From.DPID], g.index[e.forth.ID.To.DPID]
			from := min(a, b)
			across := max(a, b) == from+1 && int(from%10) == x
			return 1, !across || slices.Contains(rows, int(from/10))
		}
	}
	for name, tc := range map[string]struct {
		c     Constraints
		last  int32
		offer func(*edge) (bitrate.Rate, bool)
	}{
		"one cable across, short":    {Constraints{Protected: true, MaxHops: 25}, at(9, 9), but(4, 5)},
		"one cable across, quick":    {Constraints{Protected: true, MaxLatency: 25}, at(9, 9), but(4, 5)},
		"one cable across, included": {Constraints{Protected: true, Include: []Element{over(2, 2)}}, at(9, 9), but(4, 5)},
		"there, back, and there":     {Constraints{Include: []Element{over(7, 7), over(2, 2)}}, at(0, 9), but(4, 5)},
		"backup takes a way around":  {Constraints{Protected: true, MaxHops: 19, Avoid: []Element{over(0, 1)}}, at(9, 9), but(4, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)},
		"one element in a corner":    {Constraints{Include: []Element{over(9, 0)}}, at(9, 1), but(8, 1, 2, 3, 4, 5, 6, 7, 8, 9)},
		"element in a corner":        {Constraints{Include: []Element{over(9, 0), over(3, 3)}}, at(9, 1), but(8, 1, 2, 3, 4, 5, 6, 7, 8, 9)},
	} {
		s := g.newConfined(&tc.c, tc.last, false, tc.offer)
		if found := s.find(at(0, 0), 1); found >= 0 {
			t.Errorf("%s: found %v", name, s.path(found, topology.External, topology.External))
		}
		if took := maxEffort - s.effort; took > 50_000 {
			t.Errorf("%s: %d edges were looked at", name, took)
		}
	}
}

// TestSearchGivesUp: a search that has looked at as many edges as it may ends
// without a path, though there is one.
func TestSearchGivesUp(t *testing.T) {
	g := gridGraph(10)
	for _, protected := range []bool{false, true} {
		c := &Constraints{Include: []Element{{Switch: 55}}, Protected: protected}
		for effort, want := range map[int]bool{1: false, maxEffort: true} {
			s := g.newConfined(c, 99, false, func(*edge) (bitrate.Rate, bool) { return 1, true })
			s.effort = effort
			if at := s.find(0, 1); (at >= 0) != want {
				t.Errorf("with an effort of %d, with a backup %v: found %d", effort, protected, at)
			}
		}
	}
}

// TestWaysAreOrdered: the ways of a search come up in their order, however they
// came in.
func TestWaysAreOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := gridGraph(2).newConfined(&Constraints{}, 3, rapid.Bool().Draw(t, "wide"), nil)
		s.measure()
		looked := map[int32]bool{}
		come := func() {
			at := s.pop()
			for _, other := range s.heap {
				if s.before(other, at) {
					t.Fatalf("%d comes up, and %d is before it", at, other)
				}
			}
			if looked[at] {
				t.Fatalf("%d comes up twice", at)
			}
			looked[at] = true
		}
		for range rapid.IntRange(1, 40).Draw(t, "ways") {
			if len(s.heap) > 0 && rapid.IntRange(0, 3).Draw(t, "pop") == 0 {
				come()
				continue
			}
			s.try(way{from: -1, cost: uint64(rapid.IntRange(0, 9).Draw(t, "cost")), width: bitrate.Rate(rapid.IntRange(0, 3).Draw(t, "width"))})
		}
		for len(s.heap) > 0 {
			come()
		}
		if len(looked) != len(s.ways) {
			t.Fatalf("%d of %d come up", len(looked), len(s.ways))
		}
	})
}
