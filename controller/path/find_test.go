package path_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// net builds snapshots for tests. Switches 1..n each have edge ports 1 and 2;
// cables use ports from 10 up.
type net struct {
	topology.Snapshot
	next openflow.PortNo
}

func newNet(switches int) *net {
	n := &net{next: 10}
	n.Switches = map[openflow.DPID]topology.Switch{}
	n.Links = map[topology.PortID]topology.Link{}
	for d := openflow.DPID(1); d <= openflow.DPID(switches); d++ {
		n.Switches[d] = topology.Switch{DPID: d, Connected: true, Ports: map[openflow.PortNo]topology.Port{}}
		n.port(d, 1, topology.Edge, 10*bitrate.Gbps)
		n.port(d, 2, topology.Edge, 10*bitrate.Gbps)
	}
	return n
}

func (n *net) port(d openflow.DPID, no openflow.PortNo, role topology.PortRole, c bitrate.Rate) topology.PortID {
	id := topology.PortID{DPID: d, Port: no}
	n.Switches[d].Ports[no] = topology.Port{ID: id, Up: true, Role: role, Capacity: c}
	return id
}

// cable joins two switches; capacities forth and back, one metric.
func (n *net) cable(a, b openflow.DPID, forth, back bitrate.Rate, metric uint32) topology.LinkID {
	x := n.port(a, n.next, topology.Trunk, forth)
	y := n.port(b, n.next+1, topology.Trunk, back)
	n.next += 2
	id := topology.LinkID{From: x, To: y}
	n.Links[x] = topology.Link{ID: id, Capacity: forth, Metric: metric}
	n.Links[y] = topology.Link{ID: id.Reverse(), Capacity: back, Metric: metric}
	return id
}

func (n *net) setUp(id topology.PortID, up bool) {
	p := n.Switches[id.DPID].Ports[id.Port]
	p.Up = up
	n.Switches[id.DPID].Ports[id.Port] = p
}

func (n *net) disconnect(d openflow.DPID) {
	sw := n.Switches[d]
	sw.Connected = false
	n.Switches[d] = sw
}

func edgeOf(d openflow.DPID, no openflow.PortNo) topology.PortID {
	return topology.PortID{DPID: d, Port: no}
}

const gig = bitrate.Gbps

func TestFindPrefersFeasibleThenShortThenWide(t *testing.T) {
	n := newNet(4)
	direct := n.cable(1, 4, gig, gig, 1)
	n.cable(1, 2, 2*gig, 2*gig, 1)
	n.cable(2, 4, 2*gig, 2*gig, 1)
	n.cable(1, 3, 5*gig, 5*gig, 1)
	n.cable(3, 4, 3*gig, 3*gig, 1)
	for _, tc := range []struct {
		rate bitrate.Rate
		via  []openflow.DPID
	}{
		{0, []openflow.DPID{1, 4}},
		{gig, []openflow.DPID{1, 4}},
		{gig + 1, []openflow.DPID{1, 3, 4}}, // 2 and 3 cost the same, 3 has more room
		{3 * gig, []openflow.DPID{1, 3, 4}},
		{3*gig + 1, nil},
	} {
		p, ok := path.Find(&n.Snapshot, path.Query{From: edgeOf(1, 1), To: edgeOf(4, 1), Rate: tc.rate})
		if via := switches(p); ok != (tc.via != nil) || !slices.Equal(via, tc.via) {
			t.Errorf("rate %v: went over %v, want %v", tc.rate, via, tc.via)
		}
	}
	q := path.Query{From: edgeOf(1, 1), To: edgeOf(4, 1), Rate: 4 * gig}
	b, ok := path.NewGraph(&n.Snapshot).Bottleneck(q)
	if !ok || b.Link.ID != direct || b.Free != gig || b.Back {
		t.Errorf("bottleneck %+v, want %v with 1G", b, direct)
	}
	q.Reverse = path.Reverse{Apart: true, Rate: 5 * gig}
	if b, ok = path.NewGraph(&n.Snapshot).Bottleneck(q); !ok || b.Link.ID != direct.Reverse() || b.Free != gig || !b.Back {
		t.Errorf("bottleneck %+v, want %v with 1G", b, direct.Reverse())
	}
	if _, w, _ := path.NewGraph(&n.Snapshot).Widest(path.Query{From: edgeOf(1, 1), To: edgeOf(4, 1)}); w != 3*gig {
		t.Errorf("widest %v, want 3G", w)
	}
}

func TestFindEnds(t *testing.T) {
	n := newNet(2)
	n.cable(1, 2, gig, gig, 1)
	n.port(1, 3, topology.Trunk, gig)
	n.setUp(edgeOf(2, 2), false)
	for _, tc := range []struct {
		name     string
		from, to topology.PortID
		want     string
	}{
		{"same switch", edgeOf(1, 1), edgeOf(1, 2), "0000000000000001[1>2]"},
		{"same port", edgeOf(1, 1), edgeOf(1, 1), ""},
		{"two switches", edgeOf(1, 1), edgeOf(2, 1), "0000000000000001[1>10] 0000000000000002[11>1]"},
		{"down", edgeOf(1, 1), edgeOf(2, 2), ""},
		{"trunk as end", edgeOf(1, 3), edgeOf(2, 1), ""},
		{"unknown switch", edgeOf(1, 1), edgeOf(9, 1), ""},
		{"unknown port", edgeOf(1, 1), edgeOf(2, 9), ""},
		{"outside", topology.External, edgeOf(2, 1), ""},
	} {
		if p, ok := path.Find(&n.Snapshot, path.Query{From: tc.from, To: tc.to}); p.String() != tc.want || ok != (tc.want != "") {
			t.Errorf("%s: %v %v, want %q", tc.name, p, ok, tc.want)
		}
	}
}

func TestOneWayTrouble(t *testing.T) {
	q := path.Query{From: edgeOf(1, 1), To: edgeOf(2, 1), Rate: gig}
	for _, tc := range []struct {
		name    string
		spoil   func(n *net, id topology.LinkID)
		found   bool
		reason  string
		severed bool
	}{
		{"nothing", func(*net, topology.LinkID) {}, true, "", false},
		{"way back missing", func(n *net, id topology.LinkID) { delete(n.Links, id.To) }, false,
			"link 0000000000000002:11->0000000000000001:10 is down", true},
		{"far port down", func(n *net, id topology.LinkID) { n.setUp(id.To, false) }, false,
			"port 0000000000000002:11 is down", true},
		{"switch away", func(n *net, _ topology.LinkID) { n.disconnect(2) }, false,
			"switch 0000000000000002 is not connected", false},
		{"port gone", func(n *net, id topology.LinkID) { delete(n.Switches[1].Ports, 1) }, false,
			"port 0000000000000001:1 is not there", true},
		{"end became a trunk", func(n *net, id topology.LinkID) { n.port(1, 1, topology.Trunk, gig) }, false,
			"port 0000000000000001:1 now leads to another switch", true},
	} {
		n := newNet(2)
		id := n.cable(1, 2, gig, gig, 1)
		p, _ := path.Find(&n.Snapshot, q)
		tc.spoil(n, id)
		if _, ok := path.Find(&n.Snapshot, q); ok != tc.found {
			t.Errorf("%s: found %v, want %v", tc.name, ok, tc.found)
		}
		reason, ok := path.Alive(&n.Snapshot, p)
		if reason != tc.reason || ok != (tc.reason == "") || path.Severed(&n.Snapshot, p) != tc.severed {
			t.Errorf("%s: alive says %q %v, severed %v", tc.name, reason, ok, path.Severed(&n.Snapshot, p))
		}
	}
}

func TestBothDirectionsCount(t *testing.T) {
	n := newNet(2)
	n.cable(1, 2, gig, gig/2, 1)
	var refused []topology.LinkID
	q := path.Query{From: edgeOf(1, 1), To: edgeOf(2, 1), Rate: gig, Refused: func(l topology.Link) { refused = append(refused, l.ID) }}
	if _, ok := path.Find(&n.Snapshot, q); ok {
		t.Error("found a path though the way back is too narrow")
	}
	if len(refused) != 1 || refused[0].From.DPID != 2 {
		t.Errorf("refused %v, want the way back", refused)
	}
}

func switches(p path.Path) (via []openflow.DPID) {
	for _, h := range p {
		via = append(via, h.DPID)
	}
	return via
}

// drawNet draws a small network in which some things are broken.
func drawNet(t *rapid.T) *net {
	n := newNet(rapid.IntRange(1, 5).Draw(t, "switches"))
	for range rapid.IntRange(0, 8).Draw(t, "cables") {
		a := openflow.DPID(rapid.IntRange(1, len(n.Switches)).Draw(t, "a"))
		b := openflow.DPID(rapid.IntRange(1, len(n.Switches)).Draw(t, "b"))
		rate := rapid.SampledFrom([]bitrate.Rate{1, 2, 3, 4})
		id := n.cable(a, b, rate.Draw(t, "forth"), rate.Draw(t, "back"), uint32(rapid.IntRange(0, 3).Draw(t, "metric")))
		switch rapid.IntRange(0, 9).Draw(t, "spoil") {
		case 0:
			n.setUp(id.From, false)
		case 1:
			delete(n.Links, id.To)
		}
	}
	if rapid.IntRange(0, 9).Draw(t, "away") == 0 {
		n.disconnect(1)
	}
	return n
}

// best tries every loop-free walk: the least cost, and the greatest width at
// it.
func best(s *topology.Snapshot, q path.Query) (p path.Path, cost uint64, width bitrate.Rate) {
	return bestOf(s, q, func(path.Path) bool { return true })
}

// bestOf does what best does for those walks that will do.
func bestOf(s *topology.Snapshot, q path.Query, will func(path.Path) bool) (p path.Path, cost uint64, width bitrate.Rate) {
	var walk func(at path.Path, seen map[openflow.DPID]bool)
	walk = func(at path.Path, seen map[openflow.DPID]bool) {
		here := at[len(at)-1].DPID
		if here == q.To.DPID {
			full := slices.Clone(at)
			full[len(full)-1].Out = q.To.Port
			if _, ok := path.Alive(s, full); ok && will(full) {
				c, w := measure(s, full)
				if w >= q.Rate && (p == nil || c < cost || c == cost && w > width) {
					p, cost, width = full, c, w
				}
			}
			return
		}
		for from, l := range s.Links {
			if from.DPID != here || seen[l.ID.To.DPID] {
				continue
			}
			next := slices.Clone(at)
			next[len(next)-1].Out = from.Port
			seen[l.ID.To.DPID] = true
			walk(append(next, path.Hop{DPID: l.ID.To.DPID, In: l.ID.To.Port}), seen)
			delete(seen, l.ID.To.DPID)
		}
	}
	walk(path.Path{{DPID: q.From.DPID, In: q.From.Port}}, map[openflow.DPID]bool{q.From.DPID: true})
	return p, cost, width
}

func measure(s *topology.Snapshot, p path.Path) (cost uint64, width bitrate.Rate) {
	for i, id := range p.BothWays() {
		l, _ := s.Link(id)
		if i == 0 || l.Capacity < width {
			width = l.Capacity
		}
	}
	for _, id := range p.Links() {
		if l := s.Links[id.From]; id.From != topology.External && id.To != topology.External {
			cost += uint64(max(1, l.Metric))
		}
	}
	return cost, width
}

func TestFindAgainstBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := drawNet(t)
		q := path.Query{
			From: edgeOf(openflow.DPID(rapid.IntRange(1, len(n.Switches)).Draw(t, "from")), 1),
			To:   edgeOf(openflow.DPID(rapid.IntRange(1, len(n.Switches)).Draw(t, "to")), 2),
			Rate: rapid.SampledFrom([]bitrate.Rate{0, 1, 2, 3, 4}).Draw(t, "rate"),
		}
		want, cost, width := best(&n.Snapshot, q)
		got, ok := path.Find(&n.Snapshot, q)
		if ok != (want != nil) {
			t.Fatalf("found %v (%v), want %v", got, ok, want)
		}
		if !ok {
			return
		}
		if reason, alive := path.Alive(&n.Snapshot, got); !alive {
			t.Fatalf("found %v, which is not alive: %s", got, reason)
		}
		if c, w := measure(&n.Snapshot, got); c != cost || w != width {
			t.Fatalf("found %v at cost %d width %d, want %v at %d, %d", got, c, w, want, cost, width)
		}
		if again, _ := path.Find(&n.Snapshot, q); !again.Equal(got) {
			t.Fatalf("the same search gave %v, then %v", got, again)
		}
	})
}

// FreeAt is asked in place of Free, trunks by their numbers, and the bottleneck
// is what it says has least.
func TestBottleneckByNumber(t *testing.T) {
	n := newNet(3)
	first, second := n.cable(1, 2, gig, gig, 1), n.cable(2, 3, gig, gig, 1)
	g := path.NewGraph(&n.Snapshot)
	narrow := second.Reverse()
	q := path.Query{
		From: edgeOf(1, 1), To: edgeOf(3, 1), Rate: 10 * gig,
		Free: func(topology.Link) bitrate.Rate { t.Error("Free is asked beside FreeAt"); return 0 },
		FreeAt: func(number int32, l topology.Link) bitrate.Rate {
			switch {
			case l.ID.From == topology.External || l.ID.To == topology.External:
				if number != -1 {
					t.Errorf("access link %v has number %d", l.ID, number)
				}
				return 9
			case number != g.Number(l.ID):
				t.Errorf("link %v has number %d, not %d", l.ID, number, g.Number(l.ID))
			case l.ID == narrow:
				return 3
			case l.ID == first:
				return 4
			}
			return 5
		},
		Refused: func(l topology.Link) { t.Errorf("%v is refused by a search that needs no rate", l.ID) },
	}
	if b, ok := g.Bottleneck(q); !ok || b.Link.ID != narrow || b.Free != 3 {
		t.Errorf("bottleneck %+v, %t; want %v with 3", b, ok, narrow)
	}
	q.FreeAt = func(number int32, l topology.Link) bitrate.Rate {
		if l.ID == (topology.LinkID{To: q.From}) {
			return 1
		}
		return 2
	}
	if b, ok := g.Bottleneck(q); !ok || b.Link.ID.To != q.From || b.Free != 1 {
		t.Errorf("bottleneck %+v, %t; want the first access link with 1", b, ok)
	}
	n.disconnect(2)
	if b, ok := path.NewGraph(&n.Snapshot).Bottleneck(path.Query{From: q.From, To: q.To}); ok || b != (path.Bottleneck{}) {
		t.Errorf("bottleneck %+v where there is no path", b)
	}
}

// Where no rate would help, nothing is asked and nothing refused.
func TestApart(t *testing.T) {
	n := newNet(4)
	n.cable(1, 2, gig, gig, 1)
	n.cable(3, 4, gig, gig, 1)
	q := path.Query{From: edgeOf(1, 1), To: edgeOf(4, 1), Rate: 2 * gig, Refused: func(l topology.Link) { t.Errorf("%v is refused", l.ID) }}
	if p, ok := path.Find(&n.Snapshot, q); ok || p != nil {
		t.Errorf("found %v between islands", p)
	}
}
