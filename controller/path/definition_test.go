package path_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// define returns what a search has to find, by Dijkstra's algorithm, which asks
// what every edge has free. A switch that is reached equally well twice keeps
// the way found first.
func define(s *topology.Snapshot, q path.Query, wide bool) (path.Path, bitrate.Rate, bool) {
	type label struct {
		cost  uint64
		width bitrate.Rate
		node  openflow.DPID
		path  path.Path // all but the last Out
	}
	better := func(a, b label) bool {
		if wide {
			return a.width > b.width || a.width == b.width && a.cost < b.cost
		}
		return a.cost < b.cost || a.cost == b.cost && a.width > b.width
	}
	width, ok := room(s, q, topology.LinkID{To: q.From})
	width2, ok2 := room(s, q, topology.LinkID{From: q.To})
	if width = min(width, width2); !ok || !ok2 || q.From == q.To {
		return nil, 0, false
	}
	reached := map[openflow.DPID]label{q.From.DPID: {width: width, node: q.From.DPID, path: path.Path{{DPID: q.From.DPID, In: q.From.Port}}}}
	done := map[openflow.DPID]bool{}
	for {
		var at label
		for d, l := range reached {
			if !done[d] && (at.path == nil || better(l, at) || !better(at, l) && l.node < at.node) {
				at = l
			}
		}
		switch {
		case at.path == nil:
			return nil, 0, false
		case at.node == q.To.DPID:
			at.path[len(at.path)-1].Out = q.To.Port
			return at.path, at.width, true
		}
		done[at.node] = true
		for _, l := range cables(s, at.node) {
			to := l.ID.To.DPID
			free, ok := room(s, q, l.ID)
			next := label{cost: at.cost + uint64(max(1, l.Metric)), width: min(at.width, free), node: to}
			if old, has := reached[to]; !ok || done[to] || has && !better(next, old) {
				continue
			}
			next.path = append(slices.Clone(at.path), path.Hop{DPID: to, In: l.ID.To.Port})
			next.path[len(next.path)-2].Out = l.ID.From.Port
			reached[to] = next
		}
	}
}

// room returns what a link and its reverse have free; ok is false if one is
// absent or has less than the query's rate.
func room(s *topology.Snapshot, q path.Query, id topology.LinkID) (width bitrate.Rate, ok bool) {
	for i, id := range [...]topology.LinkID{id, id.Reverse()} {
		l, ok := s.Link(id)
		if !ok {
			return 0, false
		}
		free, rate := l.Capacity, q.Rate
		if q.Free != nil {
			free = q.Free(l)
		}
		if i == 1 {
			rate = q.Reverse.Of(rate)
		}
		if free < rate {
			return 0, false
		}
		if i == 0 || free < width && !q.Reverse.Apart {
			width = free
		}
	}
	return width, true
}

// cables returns the links that leave a switch and can carry traffic both ways,
// by port.
func cables(s *topology.Snapshot, from openflow.DPID) (out []topology.Link) {
	for _, l := range slices.SortedFunc(maps.Values(s.Links), func(a, b topology.Link) int { return topology.CompareLinks(a.ID, b.ID) }) {
		x, _ := s.Port(l.ID.From)
		y, _ := s.Port(l.ID.To)
		_, back := s.Link(l.ID.Reverse())
		a, z := s.Switches[l.ID.From.DPID], s.Switches[l.ID.To.DPID]
		if a.DPID == from && a.Connected && z.Connected && a.DPID != z.DPID && x.Up && y.Up && back {
			out = append(out, l)
		}
	}
	return out
}

// scarce draws what links have free; the same link always has the same.
func scarce(t *rapid.T) func(topology.Link) bitrate.Rate {
	salt := rapid.Uint64().Draw(t, "salt")
	return func(l topology.Link) bitrate.Rate {
		h := salt
		for _, n := range []uint64{uint64(l.ID.From.DPID), uint64(l.ID.From.Port), uint64(l.ID.To.DPID), uint64(l.ID.To.Port)} {
			h = (h ^ n) * 0x9e3779b97f4a7c15
			h ^= h >> 29
		}
		return bitrate.Rate(h % 4)
	}
}

// check compares all that a graph finds with the definition.
func check(t *rapid.T, g *path.Graph, ports int) {
	s := g.Snapshot()
	end := func(name string) topology.PortID {
		return edgeOf(openflow.DPID(rapid.IntRange(1, len(s.Switches)+1).Draw(t, name)), openflow.PortNo(rapid.IntRange(1, ports).Draw(t, "port")))
	}
	for range 5 {
		q := path.Query{From: end("from"), To: end("to"), Free: scarce(t), Rate: bitrate.Rate(rapid.IntRange(0, 3).Draw(t, "rate")), Reverse: drawReverse(t)}
		want, _, found := define(s, q, false)
		got, ok := g.Find(q)
		if ok != found || !got.Equal(want) {
			t.Fatalf("found %v, %v; by definition %v, %v", got, ok, want, found)
		}
		numbered := q
		numbered.FreeAt = func(n int32, l topology.Link) bitrate.Rate {
			if access := l.ID.From == topology.External || l.ID.To == topology.External; access != (n == -1) || !access && g.Number(l.ID) != n {
				t.Fatalf("link %v has number %d", l.ID, n)
			}
			return q.Free(l)
		}
		if again, _ := g.Find(numbered); !again.Equal(got) {
			t.Fatalf("found %v by name, %v by number", got, again)
		}
		q.Rate = 0
		want, width, found := define(s, q, true)
		got, w, ok := g.Widest(q)
		if ok != found || w != width || !got.Equal(want) {
			t.Fatalf("widest %v of %v, %v; by definition %v of %v, %v", got, w, ok, want, width, found)
		}
	}
}

// drawReverse draws what a query says of the way back.
func drawReverse(t *rapid.T) path.Reverse {
	if rapid.Bool().Draw(t, "apart") {
		return path.Reverse{Apart: true, Rate: bitrate.Rate(rapid.IntRange(0, 3).Draw(t, "rate back"))}
	}
	return path.Reverse{}
}

func TestFindIsDijkstra(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := drawNet(t)
		check(t, path.NewGraph(&n.Snapshot), 2)
	})
}

// TestRefusedLinksAreWhatStandsInTheWay: when nothing is found, there is a path
// if and only if the links refused had more free.
func TestRefusedLinksAreWhatStandsInTheWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, free := drawNet(t), scarce(t)
		q := path.Query{From: edgeOf(1, 1), To: edgeOf(openflow.DPID(len(n.Switches)), 2), Free: free, Rate: 2}
		g := path.NewGraph(&n.Snapshot)
		refused := map[topology.LinkID]bool{}
		q.Refused = func(l topology.Link) {
			refused[l.ID] = true
			if free(l) >= q.Rate {
				t.Fatalf("link %v was refused though it has room", l.ID)
			}
		}
		if _, ok := g.Find(q); ok {
			return
		}
		q.Refused = nil
		q.Free = func(l topology.Link) bitrate.Rate { // all that was not refused gets room
			if refused[l.ID] {
				return free(l)
			}
			return q.Rate
		}
		if p, ok := g.Find(q); ok {
			t.Fatalf("%v is a path though every refused link is still full", p)
		}
	})
}

// TestForIsNewGraph: the graph kept over a history of changes finds what one
// made for the snapshot does.
func TestForIsNewGraph(t *testing.T) {
	const switches, ports = 6, 4
	t0 := time.Unix(1_800_000_000, 0)
	rapid.Check(t, func(t *rapid.T) {
		b := topology.NewBuilder(topology.Config{DefaultCapacity: 3, Links: []topology.LinkOverride{{A: edgeOf(1, 1), B: edgeOf(2, 1), Metric: 3}}}, t0)
		port := func(name string) topology.PortID {
			return edgeOf(openflow.DPID(rapid.IntRange(1, switches).Draw(t, name)), openflow.PortNo(rapid.IntRange(1, ports).Draw(t, "port")))
		}
		up := func(d openflow.DPID) {
			b.SwitchUp(topology.Switch{DPID: d}, []openflow.Port{{No: 1}, {No: 2}, {No: 3}, {No: 4}}, t0)
		}
		for d := openflow.DPID(1); d <= switches && rapid.IntRange(0, 9).Draw(t, "up") > 0; d++ {
			up(d)
		}
		var g *path.Graph
		for range rapid.IntRange(1, 20).Draw(t, "snapshots") {
			for range rapid.IntRange(0, 4).Draw(t, "events") {
				x, y := port("x"), port("y")
				switch rapid.IntRange(0, 9).Draw(t, "event") {
				case 0:
					up(x.DPID)
				case 1:
					b.SwitchDown(x.DPID, t0)
				case 2:
					b.PortChanged(x.DPID, openflow.PortModified, openflow.Port{No: x.Port, State: openflow.PortStateLinkDown}, t0)
				case 3:
					b.PortChanged(x.DPID, openflow.PortModified, openflow.Port{No: x.Port}, t0)
				default:
					b.LinkSeen(x, y, t0)
					b.LinkSeen(y, x, t0)
				}
			}
			s := b.Snapshot(t0)
			if rapid.IntRange(0, 2).Draw(t, "skip") > 0 {
				g = g.For(s)
				check(t, g, ports)
			}
		}
	})
}

// TestLivingPathsCostNoMemory: every path is looked at whenever the network
// changes.
func TestLivingPathsCostNoMemory(t *testing.T) {
	n := mesh(4)
	p, _ := path.Find(&n.Snapshot, path.Query{From: edgeOf(1, 1), To: edgeOf(16, 1)})
	if allocs := testing.AllocsPerRun(100, func() {
		if _, ok := path.Alive(&n.Snapshot, p); !ok || path.Severed(&n.Snapshot, p) {
			t.Error("the path is not alive")
		}
	}); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// TestForKeepsWhatIsTheSame: hosts make no new graph.
func TestForKeepsWhatIsTheSame(t *testing.T) {
	n := mesh(3)
	g := path.NewGraph(&n.Snapshot)
	later := n.Snapshot
	later.Revision++
	if got := g.For(&later); got.Snapshot() != &later || g.Snapshot() != &n.Snapshot {
		t.Error("a graph does not know its snapshot")
	}
	if allocs := testing.AllocsPerRun(100, func() { g.For(&later) }); allocs > 1 {
		t.Errorf("%v allocations for a snapshot with the same wiring", allocs)
	}
	numbers := map[int32]bool{}
	for _, l := range n.Links {
		numbers[g.Number(l.ID)] = true
	}
	if len(numbers) != len(n.Links) || slices.Max(slices.Collect(maps.Keys(numbers))) != int32(len(n.Links)-1) {
		t.Errorf("%d links have %d numbers", len(n.Links), len(numbers))
	}
}
