package path_test

import (
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// randomNet returns a network in which some cables are parallel and a few
// things are broken. It is the same for the same generator.
func randomNet(r *rand.Rand, switches, cables int, metrics uint32) *net {
	n := newNet(switches)
	for range cables {
		a, b := openflow.DPID(r.IntN(switches)+1), openflow.DPID(r.IntN(switches)+1)
		id := n.cable(a, b, bitrate.Rate(r.IntN(9)), bitrate.Rate(r.IntN(9)), r.Uint32N(metrics))
		switch r.IntN(40) {
		case 0:
			n.setUp(id.From, false)
		case 1:
			n.setUp(id.To, false)
		case 2:
			delete(n.Links, id.To)
		}
	}
	if r.IntN(4) == 0 {
		n.disconnect(openflow.DPID(r.IntN(switches) + 1))
	}
	return n
}

// compare compares what a graph finds between ends with the definition.
func compare(t *testing.T, r *rand.Rand, g *path.Graph, from, to topology.PortID) {
	t.Helper()
	salt := r.Uint64()
	q := path.Query{From: from, To: to, Rate: bitrate.Rate(r.IntN(3)), Free: func(l topology.Link) bitrate.Rate {
		h := salt ^ uint64(l.ID.From.DPID)<<40 ^ uint64(l.ID.From.Port)<<20 ^ uint64(l.ID.To.DPID)<<8 ^ uint64(l.ID.To.Port)
		h *= 0x9e3779b97f4a7c15
		return bitrate.Rate((h ^ h>>31) % 8)
	}}
	want, _, found := define(g.Snapshot(), q, false)
	if got, ok := g.Find(q); ok != found || !got.Equal(want) {
		t.Fatalf("found %v, %v; by definition %v, %v", got, ok, want, found)
	}
	free := q
	free.Rate = 0
	want, width, found := define(g.Snapshot(), free, true)
	// The rate and what was refused are not asked for.
	q.Rate, q.Refused = 100, func(l topology.Link) { t.Fatalf("%v is refused by a search for the widest path", l.ID) }
	if got, w, ok := g.Widest(q); ok != found || w != width || !got.Equal(want) {
		t.Fatalf("widest %v of %v, %v; by definition %v of %v, %v", got, w, ok, want, width, found)
	}
}

func TestLargeSearches(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		switches := 8 + r.IntN(30)
		metrics := 1 + r.Uint32N(9) // few: many ways are equally short
		if seed%2 == 1 {
			metrics = 60
		}
		n := randomNet(r, switches, switches*(1+r.IntN(3)), metrics)
		g := path.NewGraph(&n.Snapshot)
		for range 12 {
			compare(t, r, g, edgeOf(openflow.DPID(r.IntN(switches)+1), 1), edgeOf(openflow.DPID(r.IntN(switches)+1), 2))
		}
	}
}

// A graph that is kept over changes finds what a new one does, and what it knew
// of distances does not mislead it.
func TestLongHistory(t *testing.T) {
	t0 := time.Unix(1_800_000_000, 0)
	const ports = 6
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 2))
		switches := 4 + r.IntN(8)
		cfg := topology.Config{DefaultCapacity: 3}
		for d := range switches {
			cfg.Links = append(cfg.Links, topology.LinkOverride{
				A: edgeOf(openflow.DPID(d+1), 1), B: edgeOf(openflow.DPID((d+1)%switches+1), 2), Metric: 1 + r.Uint32N(5),
			})
		}
		b := topology.NewBuilder(cfg, t0)
		up := func(d int) {
			var of []openflow.Port
			for no := range openflow.PortNo(ports) {
				of = append(of, openflow.Port{No: no + 1})
			}
			b.SwitchUp(topology.Switch{DPID: openflow.DPID(d + 1)}, of, t0)
		}
		join := func(x, y topology.PortID) {
			b.LinkSeen(x, y, t0)
			b.LinkSeen(y, x, t0)
		}
		for d := range switches {
			up(d)
		}
		ring := func(d int) { join(edgeOf(openflow.DPID(d+1), 1), edgeOf(openflow.DPID((d+1)%switches+1), 2)) }
		for d := range switches {
			ring(d)
		}
		g := (*path.Graph)(nil).For(b.Snapshot(t0))
		var half [][2]topology.PortID // seen in one direction
		for range 25 {
			d := r.IntN(switches)
			at := edgeOf(openflow.DPID(d+1), openflow.PortNo(1+r.IntN(ports-2)))
			switch r.IntN(9) {
			case 0:
				b.SwitchDown(at.DPID, t0)
			case 1:
				up(d)
			case 2:
				b.PortChanged(at.DPID, openflow.PortModified, openflow.Port{No: at.Port, State: openflow.PortStateLinkDown}, t0)
			case 3:
				b.PortChanged(at.DPID, openflow.PortModified, openflow.Port{No: at.Port}, t0)
			case 4:
				join(at, edgeOf(openflow.DPID(r.IntN(switches)+1), openflow.PortNo(1+r.IntN(ports-2))))
			case 5:
				half = append(half, [2]topology.PortID{at, edgeOf(openflow.DPID(r.IntN(switches)+1), openflow.PortNo(1+r.IntN(ports-2)))})
				b.LinkSeen(half[len(half)-1][0], half[len(half)-1][1], t0)
			case 6:
				for _, h := range half {
					b.LinkSeen(h[1], h[0], t0)
				}
				half = nil
			default:
				ring(d)
			}
			g = g.For(b.Snapshot(t0))
			for range 4 { // to few switches, so that distances are used again
				compare(t, r, g, edgeOf(openflow.DPID(r.IntN(switches)+1), ports), edgeOf(openflow.DPID(r.IntN(2)+1), ports-1))
			}
		}
	}
}

// A new link may bring near what was far away: what is known of distances does
// not outlive it.
func TestNewLinkBringsNearer(t *testing.T) {
	t0 := time.Unix(1_800_000_000, 0)
	const switches = 12
	for _, metric := range []uint32{1, 2, 5} {
		shortcut := [2]topology.PortID{edgeOf(switches, 4), edgeOf(4, 4)}
		b := topology.NewBuilder(topology.Config{DefaultCapacity: 3, Links: []topology.LinkOverride{{A: shortcut[0], B: shortcut[1], Metric: metric}}}, t0)
		for d := openflow.DPID(1); d <= switches; d++ {
			b.SwitchUp(topology.Switch{DPID: d}, []openflow.Port{{No: 1}, {No: 2}, {No: 3}, {No: 4}}, t0)
		}
		join := func(x, y topology.PortID) {
			b.LinkSeen(x, y, t0)
			b.LinkSeen(y, x, t0)
		}
		for d := openflow.DPID(1); d <= switches; d++ {
			join(edgeOf(d, 3), edgeOf(d%switches+1, 2))
		}
		g := path.NewGraph(b.Snapshot(t0))
		for round, want := range []uint64{3, min(3, 1+uint64(metric))} {
			if round == 1 {
				join(shortcut[0], shortcut[1])
				g = g.For(b.Snapshot(t0))
			}
			p, ok := g.Find(path.Query{From: edgeOf(1, 1), To: edgeOf(4, 1)})
			if cost, _ := measure(g.Snapshot(), p); !ok || cost != want {
				t.Errorf("metric %d: a path of cost %d, want %d: %v", metric, cost, want, p)
			}
		}
	}
}

// A snapshot that is older, or whose difference is not known, is laid out anew.
func TestForGoesBack(t *testing.T) {
	t0 := time.Unix(1_800_000_000, 0)
	b := topology.NewBuilder(topology.Config{DefaultCapacity: 3}, t0)
	for d := openflow.DPID(1); d <= 3; d++ {
		b.SwitchUp(topology.Switch{DPID: d}, []openflow.Port{{No: 1}, {No: 2}, {No: 3}}, t0)
	}
	join := func(x, y topology.PortID) {
		b.LinkSeen(x, y, t0)
		b.LinkSeen(y, x, t0)
	}
	join(edgeOf(1, 2), edgeOf(2, 2))
	before := b.Snapshot(t0)
	join(edgeOf(2, 3), edgeOf(3, 3))
	after := b.Snapshot(t0)
	old := path.NewGraph(before)
	now := old.For(after)
	far := path.Query{From: edgeOf(1, 1), To: edgeOf(3, 1)}
	for _, tc := range []struct {
		name  string
		graph *path.Graph
		of    *topology.Snapshot
		found bool
	}{{"before", old, before, false}, {"after", now, after, true}, {"back", now.For(before), before, false}, {"and on", now.For(before).For(after), after, true}} {
		if _, ok := tc.graph.Find(far); ok != tc.found || tc.graph.Snapshot() != tc.of {
			t.Errorf("%s: a path is found: %t", tc.name, ok)
		}
	}
	if now.For(after) != now {
		t.Error("the graph of a snapshot is not its graph")
	}
	link := topology.LinkID{From: edgeOf(2, 3), To: edgeOf(3, 3)}
	if number := now.Number(link); old.Number(link) != number || now.For(before).For(after).Number(link) != number {
		t.Error("a link has another number in a later graph")
	}
}

// A change costs what it touches, not what there is.
func TestForFollowsTheChange(t *testing.T) {
	t0 := time.Unix(1_800_000_000, 0)
	const switches = 300
	b := topology.NewBuilder(topology.Config{DefaultCapacity: 3}, t0)
	for d := openflow.DPID(1); d <= switches; d++ {
		b.SwitchUp(topology.Switch{DPID: d}, []openflow.Port{{No: 1}, {No: 2}, {No: 3}}, t0)
	}
	for d := openflow.DPID(1); d < switches; d++ {
		b.LinkSeen(edgeOf(d, 3), edgeOf(d+1, 2), t0)
		b.LinkSeen(edgeOf(d+1, 2), edgeOf(d, 3), t0)
	}
	g := path.NewGraph(b.Snapshot(t0))
	b.PortChanged(7, openflow.PortModified, openflow.Port{No: 3, State: openflow.PortStateLinkDown}, t0)
	s := b.Snapshot(t0)
	if _, ok := g.For(s).Find(path.Query{From: edgeOf(1, 1), To: edgeOf(9, 1)}); ok {
		t.Error("a path over a port that is down")
	}
	if allocs := testing.AllocsPerRun(10, func() { g.For(s) }); allocs > switches/2 {
		t.Errorf("%v allocations for one of %d switches", allocs, switches)
	}
}

// A search asks what a link has free only where the path may lead.
func TestSearchGoesStraight(t *testing.T) {
	const switches, from, to = 21, 11, 21
	n := newNet(switches)
	for d := openflow.DPID(1); d < switches; d++ {
		n.cable(d, d+1, gig, gig, 1)
	}
	asked := map[topology.LinkID]bool{}
	q := path.Query{From: edgeOf(from, 1), To: edgeOf(to, 1), Free: func(l topology.Link) bitrate.Rate {
		asked[l.ID] = true
		return l.Capacity
	}}
	p, ok := path.Find(&n.Snapshot, q)
	if !ok {
		t.Fatal("no path")
	}
	for _, id := range p.BothWays() {
		delete(asked, id)
	}
	if len(asked) > 0 {
		t.Errorf("%v were asked, away from the path", asked)
	}
}

func linkIDs(n *net) iter.Seq[topology.LinkID] {
	return func(yield func(topology.LinkID) bool) {
		for _, l := range n.Links {
			if !yield(l.ID) {
				return
			}
		}
	}
}

// earliest returns the first moment at which the cables that are open then join
// two switches.
func earliest(s *topology.Snapshot, from, to openflow.DPID, start path.Seconds, opens func(topology.Link) path.Seconds) path.Seconds {
	if !s.Switches[from].Connected || !s.Switches[to].Connected {
		return math.MaxInt64
	}
	reached := map[openflow.DPID]path.Seconds{from: start}
	for changed := true; changed; {
		changed = false
		for d := range s.Switches {
			at, ok := reached[d]
			if !ok {
				continue
			}
			for _, l := range cables(s, d) {
				back, _ := s.Link(l.ID.Reverse())
				then := max(at, opens(l), opens(back))
				if old, ok := reached[l.ID.To.DPID]; then < math.MaxInt64 && (!ok || then < old) {
					reached[l.ID.To.DPID], changed = then, true
				}
			}
		}
	}
	if at, ok := reached[to]; ok {
		return at
	}
	return math.MaxInt64
}

// Opening never returns a moment after the first at which there is a way, is
// later than the start if there is none yet, and comes to it when it is asked
// again with its answer.
func TestOpeningComesToTheEarliest(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 3))
		switches := 2 + r.IntN(20)
		n := randomNet(r, switches, switches*(1+r.IntN(3)), 4)
		g := path.NewGraph(&n.Snapshot)
		times := map[topology.LinkID]path.Seconds{}
		for _, id := range slices.SortedFunc(linkIDs(n), topology.CompareLinks) {
			if times[id] = path.Seconds(r.IntN(60)); r.IntN(20) == 0 {
				times[id] = path.Never
			}
		}
		opens := func(l topology.Link) path.Seconds { return times[l.ID] }
		from, to := openflow.DPID(r.IntN(switches)+1), openflow.DPID(r.IntN(switches)+1)
		want := earliest(&n.Snapshot, from, to, 0, opens)
		at := path.Seconds(0)
		for rounds := 0; ; rounds++ {
			c := path.Crossing{From: edgeOf(from, 1), To: edgeOf(to, 2), Start: at}
			c.Opens = func(_ int32, a, b *topology.Link, enough path.Seconds) path.Seconds {
				return max(at, opens(*a), opens(*b))
			}
			c.Shut = func(l topology.Link) {
				if back, _ := n.Link(l.ID.Reverse()); max(opens(l), opens(back)) <= at {
					t.Fatalf("seed %d: %v is open, and is said to be shut", seed, l.ID)
				}
			}
			next := g.Opening(c)
			if next == at {
				break
			}
			if next < at || next > want || rounds > 200 {
				t.Fatalf("seed %d: from %d on there is a way at %d, and the answer is %d", seed, at, want, next)
			}
			if at = next; at == path.Never {
				break
			}
		}
		if at != want {
			t.Fatalf("seed %d: came to %d, want %d", seed, at, want)
		}
	}
}
