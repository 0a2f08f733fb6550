package path_test

import (
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// TestOpeningAgainstFind: Find finds a way over what is open if the answer is
// the start, and none over what opens before the answer, even if every cable
// that was not reported as shut is open.
func TestOpeningAgainstFind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, hash := drawNet(t), scarce(t)
		g := path.NewGraph(&n.Snapshot)
		start := path.Seconds(rapid.Int64Range(-5, 5).Draw(t, "start"))
		apart := rapid.Bool().Draw(t, "apart")
		opens := func(l topology.Link) path.Seconds {
			if h := hash(l); h < 3 {
				return start + path.Seconds(h)
			}
			return path.Never
		}
		end := func(name string) topology.PortID {
			return edgeOf(openflow.DPID(rapid.IntRange(1, len(n.Switches)+1).Draw(t, name)), openflow.PortNo(rapid.IntRange(1, 2).Draw(t, "port")))
		}
		shut := map[topology.LinkID]bool{}
		c := path.Crossing{From: end("from"), To: end("to"), Start: start, Apart: apart}
		c.Opens = func(number int32, a, b *topology.Link, enough path.Seconds) path.Seconds {
			want, at := min(g.Number(a.ID), g.Number(b.ID)), max(opens(*a), opens(*b))
			if apart {
				want, at = g.Number(a.ID), opens(*a) // b alone would open at another time
			}
			if number != want || a.ID != b.ID.Reverse() {
				t.Fatalf("links %v and %v as number %d", a.ID, b.ID, number)
			}
			if at < enough || rapid.Bool().Draw(t, "exact") {
				return at
			}
			return max(start, enough)
		}
		c.Shut = func(l topology.Link) { shut[l.ID], shut[l.ID.Reverse()] = true, true }
		at := g.Opening(c)
		over := func(open func(topology.Link) bool) bool {
			_, ok := g.Find(path.Query{From: c.From, To: c.To, Rate: 1, Reverse: path.Reverse{Apart: apart}, Free: func(l topology.Link) bitrate.Rate {
				if l.ID.From == topology.External || l.ID.To == topology.External || open(l) {
					return 1
				}
				return 0
			}})
			return ok
		}
		way, again := g.Way(c)
		if at == start != (again == start) || at == start != (len(way) > 0) {
			t.Fatalf("it opens at %d, and at %d by %v", at, again, way)
		}
		if len(way) > 0 {
			links := way.Links()
			if first, last := way[0], way[len(way)-1]; first.In != c.From.Port || first.DPID != c.From.DPID || last.Out != c.To.Port || last.DPID != c.To.DPID {
				t.Fatalf("%v does not lead from %v to %v", way, c.From, c.To)
			}
			for _, id := range links {
				if l, ok := n.Snapshot.Link(id); !ok || id.From != topology.External && id.To != topology.External && opens(l) != start {
					t.Fatalf("%v crosses %v, which is shut", way, id)
				}
			}
		}
		if at == start && !over(func(l topology.Link) bool { return opens(l) == start }) {
			t.Fatalf("there is no way at the start")
		}
		if at > start && over(func(l topology.Link) bool { return opens(l) < at || !shut[l.ID] }) {
			t.Fatalf("there is a way before %d, with only %v shut", at, shut)
		}
	})
}

// TestWayOverManySwitches: a way that both ends have spread along is returned
// whole, in the order of its switches.
func TestWayOverManySwitches(t *testing.T) {
	for many := openflow.DPID(1); many <= 7; many++ {
		n := newNet(int(many))
		for d := openflow.DPID(1); d < many; d++ {
			n.cable(d, d+1, gig, gig, 1)
		}
		for _, c := range []path.Crossing{{From: edgeOf(1, 1), To: edgeOf(many, 2)}, {From: edgeOf(many, 2), To: edgeOf(1, 1)}} {
			c.Opens = func(int32, *topology.Link, *topology.Link, path.Seconds) path.Seconds { return 0 }
			want, _ := path.Find(&n.Snapshot, path.Query{From: c.From, To: c.To})
			if p, at := path.NewGraph(&n.Snapshot).Way(c); !p.Equal(want) || at != 0 || len(p) != int(many) {
				t.Errorf("over %d switches it is %v, want %v", many, p, want)
			}
		}
	}
}

// TestCablesHaveANumber: with constraints, too, both directions of a cable are
// asked about by one number, unless it matters which is used.
func TestCablesHaveANumber(t *testing.T) {
	n := newNet(3)
	n.cable(1, 2, gig, gig, 1)
	n.cable(3, 2, gig, gig, 1)
	g := path.NewGraph(&n.Snapshot)
	for _, apart := range []bool{false, true} {
		for _, c := range []path.Crossing{{From: edgeOf(1, 1), To: edgeOf(3, 1)}, {From: edgeOf(3, 1), To: edgeOf(1, 1)}} {
			asked := 0
			c.Apart, c.Constraints = apart, &path.Constraints{MaxHops: 3}
			c.Opens = func(number int32, a, b *topology.Link, _ path.Seconds) path.Seconds {
				want := g.Number(a.ID)
				if !apart {
					want = min(want, g.Number(b.ID))
				}
				if asked++; number != want || a.ID != b.ID.Reverse() {
					t.Errorf("apart %v: links %v and %v as number %d, want %d", apart, a.ID, b.ID, number, want)
				}
				return 0
			}
			if p, _ := g.Way(c); len(p) != 3 || asked != 2 {
				t.Errorf("%v, after %d questions", p, asked)
			}
		}
	}
}
