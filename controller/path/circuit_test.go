package path_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

func TestLinksOfAPath(t *testing.T) {
	p := path.Path{{DPID: 1, In: 3, Out: 10}, {DPID: 2, In: 11, Out: 4}}
	into, trunk, out := topology.LinkID{To: edgeOf(1, 3)}, topology.LinkID{From: edgeOf(1, 10), To: edgeOf(2, 11)}, topology.LinkID{From: edgeOf(2, 4)}
	if diff := cmp.Diff([]topology.LinkID{into, trunk, out}, p.Links()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]topology.LinkID{into, into.Reverse(), trunk, trunk.Reverse(), out, out.Reverse()}, p.BothWays()); diff != "" {
		t.Error(diff)
	}
	before := []topology.LinkID{{From: edgeOf(9, 9)}}
	if diff := cmp.Diff(append(before, into, trunk, out), p.AppendLinks(before)); diff != "" {
		t.Error(diff)
	}
	var none path.Path
	if got := none.Links(); got != nil {
		t.Errorf("no path has the links %v", got)
	}
	if got := none.BothWays(); len(got) != 0 {
		t.Errorf("no path has the links %v", got)
	}
	if diff := cmp.Diff(before, none.AppendLinks(before)); diff != "" {
		t.Error(diff)
	}
	if p.Equal(p[:1]) || p.Equal(path.Path{p[0], {DPID: 2, In: 11, Out: 5}}) || !p.Equal(path.Path{p[0], p[1]}) {
		t.Error("paths are equal if they take the same ports of the same switches")
	}
	if got, want := p.String(), "0000000000000001[3>10] 0000000000000002[11>4]"; got != want {
		t.Errorf("printed as %s, want %s", got, want)
	}
}

var a, b = netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")

// keys returns the flow keys of few hosts, protocols and ports.
func keys() (all []path.FlowKey) {
	hosts := [][2]netip.Addr{{a, b}, {b, a}, {a, netip.MustParseAddr("10.0.0.3")}, {netip.MustParseAddr("10.0.0.3"), b}}
	for _, h := range hosts {
		for _, proto := range []uint8{path.ProtoAny, path.ProtoTCP, path.ProtoUDP} {
			for _, src := range []uint16{0, 1, 2} {
				for _, dst := range []uint16{0, 1, 2} {
					all = append(all, path.FlowKey{Src: h[0], Dst: h[1], Proto: proto, SrcPort: src, DstPort: dst})
				}
			}
		}
	}
	return all
}

// matches reports whether a packet, which has a protocol and ports, is one of
// those that a key is about.
func matches(k, packet path.FlowKey) bool {
	return k.Src == packet.Src && k.Dst == packet.Dst && (k.Proto == path.ProtoAny || k.Proto == packet.Proto) &&
		(k.SrcPort == 0 || k.SrcPort == packet.SrcPort) && (k.DstPort == 0 || k.DstPort == packet.DstPort)
}

func TestReverse(t *testing.T) {
	k := path.FlowKey{Src: a, Dst: b, Proto: path.ProtoTCP, SrcPort: 1, DstPort: 2}
	if got, want := k.Reverse(), (path.FlowKey{Src: b, Dst: a, Proto: path.ProtoTCP, SrcPort: 2, DstPort: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Two keys conflict if the same packets match them. They share a corner if some
// packets match both, others each, and none is more specific; then the corner's
// are these packets.
func TestConflictsAndCorners(t *testing.T) {
	all := keys()
	var packets []path.FlowKey
	for _, k := range all {
		if k.Specificity() == 3 {
			packets = append(packets, k)
		}
	}
	if len(packets) != 4*2*2*2 {
		t.Fatalf("%d packets", len(packets))
	}
	in := func(k, p path.FlowKey) bool { return matches(k, p) || matches(k.Reverse(), p) }
	corners := 0
	for _, k := range all {
		for _, o := range all {
			corner, ok := k.Corner(o)
			shared, same := false, true
			for _, p := range packets {
				both := in(k, p) && in(o, p)
				shared, same = shared || both, same && in(k, p) == in(o, p)
				if ok && in(corner, p) != both {
					t.Fatalf("%+v is not in the corner of %+v and %+v, %+v", p, k, o, corner)
				}
			}
			if got, want := k.Conflicts(o), same && k.Specificity() == o.Specificity(); got != want {
				t.Fatalf("%+v and %+v conflict: %t, want %t", k, o, got, want)
			}
			if want := shared && !same && k.Specificity() == o.Specificity(); ok != want || ok && corner.Src != k.Src {
				t.Fatalf("%+v and %+v share %+v: %t, want %t", k, o, corner, ok, want)
			}
			if ok {
				corners++
			}
		}
	}
	if corners == 0 {
		t.Error("there are no corners")
	}
}

func TestSpecificity(t *testing.T) {
	for want, k := range []path.FlowKey{{Src: a, Dst: b}, {Proto: path.ProtoUDP}, {SrcPort: 1, DstPort: 2}, {Proto: path.ProtoTCP, SrcPort: 1, DstPort: 1}} {
		if got := k.Specificity(); got != want {
			t.Errorf("%+v: %d, want %d", k, got, want)
		}
	}
	for _, k := range []path.FlowKey{{SrcPort: 1}, {DstPort: 1}} {
		if got := k.Specificity(); got != 1 {
			t.Errorf("%+v: %d, want 1", k, got)
		}
	}
}

// Switches that CONGA has not met since the start may be lost or not.
func TestMet(t *testing.T) {
	n := newNet(2)
	p := path.Path{{DPID: 1, In: 1, Out: 10}, {DPID: 2, In: 11, Out: 1}}
	n.disconnect(2)
	if !path.Met(&n.Snapshot, p) {
		t.Error("a switch that was there and is away has been met")
	}
	delete(n.Switches, openflow.DPID(2))
	if path.Met(&n.Snapshot, p) {
		t.Error("a switch that was not there has been met")
	}
}

func TestAliveWithoutAPath(t *testing.T) {
	n := newNet(1)
	if reason, ok := path.Alive(&n.Snapshot, nil); ok || reason != "there is no path" {
		t.Errorf("no path is alive: %q, %t", reason, ok)
	}
	if !path.Severed(&n.Snapshot, nil) {
		t.Error("no path is whole")
	}
}

// What only a switch without a channel could tell does not cut a path; what its
// neighbour tells does.
func TestSeveredBesideASwitchThatIsAway(t *testing.T) {
	n := newNet(2)
	id := n.cable(1, 2, gig, gig, 1)
	p, ok := path.Find(&n.Snapshot, path.Query{From: edgeOf(1, 1), To: edgeOf(2, 1)})
	if !ok {
		t.Fatal("no path")
	}
	n.disconnect(2)
	n.setUp(edgeOf(2, 1), false)
	n.setUp(id.To, false)
	delete(n.Links, id.From)
	delete(n.Links, id.To)
	if path.Severed(&n.Snapshot, p) {
		t.Error("cut by what a switch said before it went away")
	}
	n.setUp(id.From, false)
	if !path.Severed(&n.Snapshot, p) {
		t.Error("not cut though the port to the switch is down")
	}
}
