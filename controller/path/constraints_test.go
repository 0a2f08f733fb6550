package path_test

import (
	"strings"
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
		free := q
		free.Rate = 0
		some, _, _ := bestOf(&n.Snapshot, free, func(p path.Path) bool { return meets(&n.Snapshot, c, p) })
		p, wide, ok := path.NewGraph(&n.Snapshot).Widest(q)
		if ok != (some != nil) || ok && least < 11 && (wide != least || !meets(&n.Snapshot, c, p)) {
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
		if p, width, ok := g.Widest(q); ok != pair(0) || ok && width != wide {
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
	for text, want := range map[string]string{"1:3->": "write DPID:port", "1:3->outside": "no link between two switches"} {
		if _, err := path.ParseElement(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestBestWithinALatency: of two ways to a switch the one that costs more goes
// on if it leaves more time for the rest of the path.
func TestBestWithinALatency(t *testing.T) {
	n := newNet(3)
	for _, x := range []struct {
		a, b    openflow.DPID
		metric  uint32
		latency time.Duration
	}{{1, 2, 1, 5}, {1, 2, 3, 1}, {2, 3, 1, 5}, {2, 3, 10, 1}} {
		id := n.cable(x.a, x.b, gig, gig, x.metric)
		for _, from := range [...]topology.PortID{id.From, id.To} {
			l := n.Links[from]
			l.Latency = x.latency
			n.Links[from] = l
		}
	}
	for most, want := range map[time.Duration]uint64{10: 2, 6: 4, 5: 13, 2: 13, 1: 0} {
		q := path.Query{From: edgeOf(1, 1), To: edgeOf(3, 1), Constraints: &path.Constraints{MaxLatency: most}}
		p, ok := path.Find(&n.Snapshot, q)
		cost, _ := measure(&n.Snapshot, p)
		if ok != (want != 0) || ok && cost != want {
			t.Errorf("within %d: %v costs %d, want %d", most, p, cost, want)
		}
	}
}

// TestMetLooksAtAll: a path meets constraints only if each of them is met.
func TestMetLooksAtAll(t *testing.T) {
	n, p, cables := line()
	other := path.Path{{DPID: 2, In: 1, Out: cables[1].From.Port}, {DPID: 3, In: cables[1].To.Port, Out: 1}}
	for _, x := range []struct {
		name string
		c    path.Constraints
		met  bool
	}{
		{"none", path.Constraints{}, true},
		{"its length", path.Constraints{MaxHops: 3}, true},
		{"less than its length", path.Constraints{MaxHops: 2}, false},
		{"what it crosses", path.Constraints{Include: []path.Element{{Switch: 2}, {Cable: cables[1]}}}, true},
		{"what it does not cross", path.Constraints{Include: []path.Element{{Switch: 2}, {Switch: 4}}}, false},
		{"avoiding what it does not cross", path.Constraints{Avoid: []path.Element{{Switch: 4}}}, true},
		{"avoiding a switch of it", path.Constraints{Avoid: []path.Element{{Switch: 4}, {Switch: 1}}}, false},
		{"avoiding a cable of it", path.Constraints{Avoid: []path.Element{{Cable: cables[0]}}}, false},
		{"apart from one of the same switches", path.Constraints{Apart: []path.Path{p[:1], p[1:2]}}, true},
		{"apart from one with a cable of it", path.Constraints{Apart: []path.Path{nil, other}}, false},
	} {
		if got := x.c.Met(&n.Snapshot, p); got != x.met {
			t.Errorf("%s: %v", x.name, got)
		}
	}
	if cable, shared := p.Shares(other); !shared || cable != cables[1] {
		t.Errorf("shares %v: %v", cable, shared)
	}
	if cable, shared := p.Shares(p[:2]); !shared || cable != cables[0] {
		t.Errorf("shares %v: %v", cable, shared)
	}
	if cable, shared := p[:2].Shares(other); shared || cable != (topology.LinkID{}) {
		t.Errorf("shares %v: %v", cable, shared)
	}
}
