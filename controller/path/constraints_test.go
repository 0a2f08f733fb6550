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

// drawConstraints returns constraints over the elements of a network.
func drawConstraints(t *rapid.T, n *net) *path.Constraints {
	var all []path.Element
	for d := openflow.DPID(1); d <= openflow.DPID(len(n.Switches)); d++ {
		all = append(all, path.Element{Switch: d})
	}
	for no := openflow.PortNo(10); no < n.next; no++ {
		for d := range n.Switches {
			if l, ok := n.Links[topology.PortID{DPID: d, Port: no}]; ok && l.ID.Cable() == l.ID {
				all = append(all, path.Element{Cable: l.ID})
			}
		}
	}
	some := func(label string, most int) []path.Element {
		return rapid.SliceOfN(rapid.SampledFrom(all), 0, most).Draw(t, label)
	}
	c := &path.Constraints{}
	if rapid.Bool().Draw(t, "includes") {
		c.Include = some("include", 3)
	}
	if rapid.Bool().Draw(t, "avoids") {
		c.Avoid = some("avoid", 2)
	}
	if rapid.Bool().Draw(t, "is short") {
		c.MaxHops = rapid.IntRange(1, 5).Draw(t, "hops")
	}
	if rapid.Bool().Draw(t, "is quick") {
		c.MaxLatency = time.Duration(rapid.IntRange(1, 12).Draw(t, "latency"))
	}
	return c
}

// drawLatencies gives the links of a network latencies, most of them.
func drawLatencies(t *rapid.T, n *net) {
	for no := openflow.PortNo(10); no < n.next; no += 2 {
		d := time.Duration(rapid.IntRange(0, 4).Draw(t, "latency of a link"))
		for id, l := range n.Links {
			if id.Port == no || id.Port == no+1 {
				l.Latency = d
				n.Links[id] = l
			}
		}
	}
}

// TestConfinedAgainstBruteForce: a path is found exactly if one meets the
// constraints and has the rate. It costs the least of these; where nothing is
// to be included it has most room at that cost; the widest one has most.
func TestConfinedAgainstBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := drawNet(t)
		drawLatencies(t, n)
		c := drawConstraints(t, n)
		q := path.Query{
			From: edgeOf(openflow.DPID(rapid.IntRange(1, len(n.Switches)).Draw(t, "from")), 1),
			To:   edgeOf(openflow.DPID(rapid.IntRange(1, len(n.Switches)).Draw(t, "to")), 2),
			Rate: rapid.SampledFrom([]bitrate.Rate{0, 1, 2, 3, 4}).Draw(t, "rate"),
		}
		if free := q; rapid.Bool().Draw(t, "is apart") {
			if p, _, _ := best(&n.Snapshot, free); p != nil {
				c.Apart = []path.Path{p}
			}
		}
		want, cost, width := bestOf(&n.Snapshot, q, func(p path.Path) bool { return meets(&n.Snapshot, c, p) })
		q.Constraints = c
		got, ok := path.Find(&n.Snapshot, q)
		if ok != (want != nil) {
			t.Fatalf("%+v %+v: found %v, by hand %v", q, c, got, want)
		}
		if ok {
			gotCost, gotWidth := measure(&n.Snapshot, got)
			if _, alive := path.Alive(&n.Snapshot, got); !alive || !meets(&n.Snapshot, c, got) || !c.Met(&n.Snapshot, got) {
				t.Fatalf("%+v: %v does not meet them", c, got)
			}
			if gotCost != cost || gotWidth < q.Rate || len(c.Include) == 0 && gotWidth != width {
				t.Fatalf("%v: cost %d, width %d, by hand %d, %d", got, gotCost, gotWidth, cost, width)
			}
		}
		least := bitrate.Rate(0)
		for rate := bitrate.Rate(0); rate < 12; rate++ {
			each := q
			each.Rate = rate
			if p, _, _ := bestOf(&n.Snapshot, each, func(p path.Path) bool { return meets(&n.Snapshot, c, p) }); p != nil {
				least = rate
			}
		}
		if p, wide, ok := path.NewGraph(&n.Snapshot).Widest(q); ok && least < 11 && (wide != least || !meets(&n.Snapshot, c, p)) {
			t.Fatalf("widest is %v with %d, by hand %d", p, wide, least)
		}
	})
}

// TestPairsAgainstBruteForce: a path with a backup is found exactly if there
// are two paths without a cable in common; neither is ever on a cable of the
// other.
func TestPairsAgainstBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := drawNet(t)
		drawLatencies(t, n)
		c := drawConstraints(t, n)
		if rapid.Bool().Draw(t, "is free") {
			c = &path.Constraints{}
		}
		q := path.Query{
			From: edgeOf(openflow.DPID(rapid.IntRange(1, len(n.Switches)).Draw(t, "from")), 1),
			To:   edgeOf(openflow.DPID(rapid.IntRange(1, len(n.Switches)).Draw(t, "to")), 2),
			Rate: rapid.SampledFrom([]bitrate.Rate{0, 1, 2, 3}).Draw(t, "rate"),
		}
		pair := func(rate bitrate.Rate) bool {
			q := q
			q.Rate = rate
			found := false
			bestOf(&n.Snapshot, q, func(p path.Path) bool {
				if _, width := measure(&n.Snapshot, p); found || len(p) < 2 || width < rate || !meets(&n.Snapshot, c, p) {
					return false
				}
				apart := *c
				apart.Include, apart.Apart = nil, []path.Path{p}
				b, _, _ := bestOf(&n.Snapshot, q, func(b path.Path) bool { return meets(&n.Snapshot, &apart, b) })
				found = b != nil
				return false
			})
			return found
		}
		q.Constraints = c
		c.Protected = true
		p, ok := path.Find(&n.Snapshot, q)
		if want := pair(q.Rate); ok != want {
			t.Fatalf("%+v %+v: found %v, by hand %v", q, c, p, want)
		}
		g := path.NewGraph(&n.Snapshot)
		if ok {
			b, has := g.Backup(q, p)
			apart := path.Constraints{Avoid: c.Avoid, MaxHops: c.MaxHops, MaxLatency: c.MaxLatency, Apart: []path.Path{p}}
			_, width := measure(&n.Snapshot, b)
			if _, shared := p.Shares(b); shared || !has || !meets(&n.Snapshot, c, p) || !meets(&n.Snapshot, &apart, b) || width < q.Rate {
				t.Fatalf("%+v: %v and %v", c, p, b)
			}
		}
		wide := bitrate.Rate(0)
		for rate := bitrate.Rate(0); rate < 11; rate++ {
			if pair(rate) {
				wide = rate
			}
		}
		if p, width, ok := g.Widest(q); ok && width != wide {
			t.Fatalf("widest is %v with %d, by hand %d", p, width, wide)
		}
	})
}

// meets reports whether a path meets constraints, in another way than they do.
func meets(s *topology.Snapshot, c *path.Constraints, p path.Path) bool {
	crosses := func(e path.Element) bool {
		for i, h := range p {
			if e.Cable == (topology.LinkID{}) && h.DPID == e.Switch {
				return true
			}
			in := topology.PortID{DPID: h.DPID, Port: h.In}
			if i > 0 && (e.Cable.From == in || e.Cable.To == in) {
				return true
			}
		}
		return false
	}
	for _, e := range c.Include {
		if !crosses(e) {
			return false
		}
	}
	for _, e := range c.Avoid {
		if crosses(e) {
			return false
		}
	}
	var latency time.Duration
	for i := 1; i < len(p); i++ {
		l := s.Links[topology.PortID{DPID: p[i-1].DPID, Port: p[i-1].Out}]
		for _, other := range c.Apart {
			for j := 1; j < len(other); j++ {
				out := topology.PortID{DPID: other[j-1].DPID, Port: other[j-1].Out}
				if out == l.ID.From || out == l.ID.To {
					return false
				}
			}
		}
		if latency += l.Latency; c.MaxLatency != 0 && l.Latency == 0 {
			return false
		}
	}
	return (c.MaxHops == 0 || len(p) <= c.MaxHops) && (c.MaxLatency == 0 || latency <= c.MaxLatency)
}

// TestOpeningWithConstraints: there is a way exactly if one meets them, and
// before the moment that is returned there is none.
func TestOpeningWithConstraints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := drawNet(t)
		drawLatencies(t, n)
		c := drawConstraints(t, n)
		opens := map[topology.LinkID]path.Seconds{}
		for _, l := range n.Links {
			if l.ID.Cable() == l.ID {
				opens[l.ID] = path.Seconds(l.ID.From.Port*7%4) * 10
			}
		}
		x := path.Crossing{
			From: edgeOf(openflow.DPID(rapid.IntRange(1, len(n.Switches)).Draw(t, "from")), 1),
			To:   edgeOf(openflow.DPID(rapid.IntRange(1, len(n.Switches)).Draw(t, "to")), 2), Constraints: c,
		}
		x.Opens = func(_ int32, a, _ *topology.Link, _ path.Seconds) path.Seconds {
			return max(x.Start, opens[a.ID.Cable()])
		}
		g := path.NewGraph(&n.Snapshot)
		q := path.Query{From: x.From, To: x.To, Rate: 1, Constraints: c}
		q.Free = func(l topology.Link) bitrate.Rate {
			if l.ID.From == topology.External || l.ID.To == topology.External || opens[l.ID.Cable()] <= x.Start {
				return 1
			}
			return 0
		}
		first := path.Never
		for x.Start = 30; x.Start >= 0; x.Start -= 10 {
			if _, ok := g.Find(q); ok {
				first = x.Start
			}
		}
		x.Start = 0
		for x.Start < 1000 {
			p, at := g.Way(x)
			if at == x.Start {
				if !meets(&n.Snapshot, c, p) {
					t.Fatalf("%v does not meet %+v", p, c)
				}
				break
			}
			x.Start = at
		}
		if x.Start != first {
			t.Fatalf("opens at %d, by hand at %d", x.Start, first)
		}
	})
}

func TestElements(t *testing.T) {
	for text, want := range map[string]string{
		"1": "0000000000000001", "of:000000000000000a": "000000000000000a", "00:00:00:00:00:00:00:02": "0000000000000002",
		"2:1->1:3": "0000000000000001:3->0000000000000002:1", "1:3-2:1": "0000000000000001:3->0000000000000002:1",
		"": "", "1:3": "", "1:3->": "", "1:3->1:3": "", "1:3->outside": "", "outside->1:3": "", "1->2": "", "1:3->2:1->3:1": "",
	} {
		got := ""
		if e, err := path.ParseElement(text); err == nil {
			got = e.String()
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

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
