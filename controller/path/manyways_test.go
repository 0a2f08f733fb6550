package path_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// TestManyWays: in a large network a path over an element is found, and where
// there is none the search ends.
func TestManyWays(t *testing.T) {
	n := mesh(20)
	q := path.Query{From: edgeOf(1, 1), To: edgeOf(400, 2), Constraints: &path.Constraints{
		Include: []path.Element{{Switch: 210}, {Switch: 20}}, Avoid: []path.Element{{Switch: 200}},
	}}
	g := path.NewGraph(&n.Snapshot)
	p, ok := g.Find(q)
	if !ok || !q.Constraints.Met(&n.Snapshot, p) {
		t.Fatalf("%v", p)
	}
	q.Constraints.Include = append(q.Constraints.Include, path.Element{Switch: 401})
	if p, ok := g.Find(q); ok {
		t.Errorf("%v", p)
	}
}

// TestManyWaysWithinALatency: where what is cheap takes long there are many
// ways to a switch none of which is better than another, and the search ends
// though no cable to the last switch has the rate.
func TestManyWaysWithinALatency(t *testing.T) {
	const side = 14
	n := mesh(side)
	for _, l := range n.Links {
		l.Metric = (uint32(l.ID.Cable().From.DPID)*37+uint32(l.ID.Cable().To.DPID)*101)%20 + 1
		l.Latency = time.Duration(21-l.Metric)*500*time.Microsecond + time.Duration(l.ID.Cable().From.DPID)*time.Microsecond
		n.Links[l.ID.From] = l
	}
	full := false
	q := path.Query{From: edgeOf(1, 1), To: edgeOf(side*side, 2), Rate: 1, Constraints: &path.Constraints{MaxLatency: 150 * time.Millisecond}}
	q.Free = func(l topology.Link) bitrate.Rate {
		if full && l.ID.To.DPID == side*side && l.ID.From != topology.External {
			return 0
		}
		return 1
	}
	g := path.NewGraph(&n.Snapshot)
	if p, ok := g.Find(q); !ok || !q.Constraints.Met(&n.Snapshot, p) {
		t.Errorf("%v", p)
	}
	full = true
	if p, ok := g.Find(q); ok {
		t.Errorf("%v", p)
	}
}

// TestManyWaysWhereMuchIsHeld: a path over elements is found where every fifth
// cable has no room, so that most ways that look short lead nowhere; and so is
// one that has a backup.
func TestManyWaysWhereMuchIsHeld(t *testing.T) {
	for _, tc := range []struct {
		seed      uint64
		protected bool
		over      [3]openflow.DPID
	}{
		{31, false, [3]openflow.DPID{28, 73, 45}}, {145, false, [3]openflow.DPID{28, 73, 45}},
		{42, true, [3]openflow.DPID{58, 85, 100}}, {144, true, [3]openflow.DPID{8, 49, 52}},
	} {
		seed := tc.seed
		held := func(l topology.Link) bool {
			c := l.ID.Cable()
			return l.ID.From != topology.External && l.ID.To != topology.External &&
				(uint64(c.From.DPID)*seed*0x9e3779b97f4a7c15+uint64(c.To.DPID)*0xbf58476d1ce4e5b9)>>40%5 == 0
		}
		n := mesh(10)
		q := path.Query{From: edgeOf(1, 1), To: edgeOf(100, 2), Rate: 1, Constraints: &path.Constraints{
			Include: []path.Element{{Switch: tc.over[0]}, {Switch: tc.over[1]}, {Switch: tc.over[2]}}, Protected: tc.protected,
		}}
		q.Free = func(l topology.Link) bitrate.Rate {
			if held(l) {
				return 0
			}
			return 1
		}
		p, ok := path.Find(&n.Snapshot, q)
		if !ok || !q.Constraints.Met(&n.Snapshot, p) {
			t.Errorf("of %d: %v", seed, p)
		}
		for _, id := range p.BothWays() {
			if l, ok := n.Snapshot.Link(id); !ok || held(l) {
				t.Errorf("of %d: %v has no room", seed, id)
			}
		}
	}
}

// TestManyElements: where a path is known that crosses elements, one is found,
// however many other ways there are in a large network; and so with a backup.
func TestManyElements(t *testing.T) {
	const side = 10
	n := mesh(side)
	g := path.NewGraph(&n.Snapshot)
	rapid.Check(t, func(t *rapid.T) {
		salt := rapid.Uint64().Draw(t, "salt")
		chance := func(id topology.LinkID, of uint64) bool {
			h := (salt ^ uint64(id.From.DPID)) * 0x9e3779b97f4a7c15
			h = (h ^ h>>29 ^ uint64(id.To.DPID)) * 0xbf58476d1ce4e5b9
			return (h>>40)%of == 0
		}
		keep := map[topology.LinkID]bool{}
		take := func(p path.Path) {
			for _, id := range p.Links() {
				keep[id.Cable()] = true
			}
		}
		q := path.Query{Rate: 1, Constraints: &path.Constraints{Protected: rapid.Bool().Draw(t, "protected")}}
		known := meander(t, n, side)
		q.From, q.To = known.Ends()
		take(known)
		if q.Constraints.Protected {
			other, ok := g.Backup(path.Query{From: q.From, To: q.To}, known)
			if !ok {
				return
			}
			take(other)
		}
		for range rapid.IntRange(1, 6).Draw(t, "elements") {
			q.Constraints.Include = append(q.Constraints.Include, path.Element{Switch: rapid.SampledFrom(known).Draw(t, "element").DPID})
		}
		q.Free = func(l topology.Link) bitrate.Rate {
			if c := l.ID.Cable(); !keep[c] && chance(c, 5) {
				return 0
			}
			return 1
		}
		if p, ok := g.Find(q); !ok || !q.Constraints.Met(&n.Snapshot, p) {
			t.Fatalf("over %v: %v, though there is %v", q.Constraints.Include, p, known)
		}
	})
}

// meander returns a path through a mesh that goes where it likes.
func meander(t *rapid.T, n *net, side int) path.Path {
	at := openflow.DPID(rapid.IntRange(1, side*side).Draw(t, "first"))
	p, been := path.Path{{DPID: at, In: 1}}, map[openflow.DPID]bool{at: true}
	for range rapid.IntRange(5, 40).Draw(t, "length") {
		var ways []topology.Link
		for _, l := range cables(&n.Snapshot, at) {
			if !been[l.ID.To.DPID] {
				ways = append(ways, l)
			}
		}
		if len(ways) == 0 {
			break
		}
		l := rapid.SampledFrom(ways).Draw(t, "way")
		p[len(p)-1].Out, at = l.ID.From.Port, l.ID.To.DPID
		p, been[at] = append(p, path.Hop{DPID: at, In: l.ID.To.Port}), true
	}
	p[len(p)-1].Out = 2
	return p
}

// TestWidestOverElements: the widest path over an element is found though the
// last cables are the narrowest, so that all others are wider for long.
func TestWidestOverElements(t *testing.T) {
	n := mesh(10)
	q := path.Query{From: edgeOf(1, 1), To: edgeOf(100, 2), Constraints: &path.Constraints{Include: []path.Element{{Switch: 50}}}}
	q.Free = func(l topology.Link) bitrate.Rate {
		switch {
		case l.ID.From == topology.External || l.ID.To == topology.External:
			return 20
		case l.ID.Cable().To.DPID == 100 && l.ID.Cable().From.DPID == 99:
			return 2
		case l.ID.Cable().To.DPID == 100:
			return 3
		}
		return 10
	}
	p, width, ok := path.NewGraph(&n.Snapshot).Widest(q)
	if !ok || width != 3 || !q.Constraints.Met(&n.Snapshot, p) {
		t.Errorf("%v has %v", p, width)
	}
}

// TestWidestAtAnyCost: the widest path over an element is found though others
// cost less, and one with a backup only if there is one.
func TestWidestAtAnyCost(t *testing.T) {
	n := newNet(3)
	n.cable(1, 2, 1*gig, 1*gig, 1)
	n.cable(1, 2, 5*gig, 5*gig, 9)
	n.cable(1, 2, 2*gig, 2*gig, 5)
	n.cable(2, 3, 8*gig, 8*gig, 1)
	q := path.Query{From: edgeOf(1, 1), To: edgeOf(3, 1), Constraints: &path.Constraints{Include: []path.Element{{Switch: 2}}}}
	g := path.NewGraph(&n.Snapshot)
	if p, width, ok := g.Widest(q); !ok || width != 5*gig || !q.Constraints.Met(&n.Snapshot, p) {
		t.Errorf("%v has %v", p, width)
	}
	q.Constraints = &path.Constraints{Protected: true}
	if p, width, ok := g.Widest(q); ok || width != 0 || p != nil {
		t.Errorf("with a backup %v has %v, though one cable is on all paths", p, width)
	}
	q.To = edgeOf(2, 1)
	if p, width, ok := g.Widest(q); !ok || width != 2*gig || len(p) != 2 {
		t.Errorf("with a backup %v has %v", p, width)
	}
}

// TestWiderOfEquals: of paths within a limit that cost the same the one with
// most room is taken, in whichever order they were made.
func TestWiderOfEquals(t *testing.T) {
	for wide := openflow.DPID(2); wide <= 4; wide++ {
		n := newNet(5)
		for via := openflow.DPID(2); via <= 4; via++ {
			c := gig
			if via == wide {
				c = 3 * gig
			}
			n.cable(1, via, 3*gig, 3*gig, 1)
			n.cable(via, 5, c, c, 1)
		}
		for _, c := range []*path.Constraints{nil, {MaxHops: 3}, {Avoid: []path.Element{{Switch: 9}}}} {
			p, ok := path.Find(&n.Snapshot, path.Query{From: edgeOf(1, 1), To: edgeOf(5, 1), Constraints: c})
			if !ok || p[1].DPID != wide {
				t.Errorf("%+v: over %v, want over %d", c, switches(p), wide)
			}
		}
	}
}

// TestWidestIsExact: whichever of many cables are there, the widest is found.
func TestWidestIsExact(t *testing.T) {
	for most := bitrate.Rate(1); most <= 12; most++ {
		n := newNet(3)
		n.cable(2, 3, 20, 20, 1)
		n.cable(2, 3, 20, 20, 1)
		for c := range most {
			n.cable(1, 2, c+1, c+1, uint32(c)+1)
		}
		g := path.NewGraph(&n.Snapshot)
		q := path.Query{From: edgeOf(1, 1), To: edgeOf(3, 1), Constraints: &path.Constraints{Include: []path.Element{{Switch: 2}}}}
		if _, width, ok := g.Widest(q); !ok || width != most {
			t.Errorf("the widest is %d, want %d", width, most)
		}
		q.Constraints = &path.Constraints{Protected: true}
		if _, width, ok := g.Widest(q); ok != (most > 1) || width != most-1 {
			t.Errorf("the widest with a backup is %d, want %d", width, most-1)
		}
	}
}
