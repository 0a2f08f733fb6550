package path_test

import (
	"math/big"
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
	for dpid, want := range map[openflow.DPID]path.Hop{1: p[0], 2: p[1], 3: {}} {
		if got := p.At(dpid); got != want {
			t.Errorf("crosses switch %d as %v, want %v", dpid, got, want)
		}
	}
	if got, want := p.String(), "0000000000000001[3>10] 0000000000000002[11>4]"; got != want {
		t.Errorf("printed as %s, want %s", got, want)
	}
}

var a, b = netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")

// somePorts are none, single ones and several.
var somePorts = []path.Ports{{}, path.Port(1), path.Port(2), path.PortsOf(path.PortRange{First: 1, Last: 2}), path.PortsOf(path.PortRange{First: 2, Last: 2}, path.PortRange{First: 4, Last: 4})}

// keys returns the flow keys of few hosts, protocols and ports.
func keys() (all []path.FlowKey) {
	hosts := [][2]netip.Addr{{a, b}, {b, a}, {a, netip.MustParseAddr("10.0.0.3")}, {netip.MustParseAddr("10.0.0.3"), b}}
	for _, h := range hosts {
		for _, proto := range []uint8{path.ProtoAny, path.ProtoTCP, path.ProtoUDP} {
			for _, src := range somePorts {
				for _, dst := range somePorts {
					all = append(all, path.FlowKey{Src: path.Host(h[0]), Dst: path.Host(h[1]), Proto: proto, SrcPort: src, DstPort: dst})
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
		has(k.SrcPort, packet.SrcPort) && has(k.DstPort, packet.DstPort)
}

// has reports whether a packet's port is one of some.
func has(p, packet path.Ports) bool {
	n, _ := packet.One()
	for r := range p.Ranges() {
		if r.First <= n && n <= r.Last {
			return true
		}
	}
	return p == path.Ports{}
}

func TestReverse(t *testing.T) {
	k := path.FlowKey{Src: path.Host(a), Dst: path.Host(b), Proto: path.ProtoTCP, SrcPort: path.Port(1), DstPort: path.Port(2)}
	if got, want := k.Reverse(), (path.FlowKey{Src: path.Host(b), Dst: path.Host(a), Proto: path.ProtoTCP, SrcPort: path.Port(2), DstPort: path.Port(1)}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Two keys conflict if they give the same of their fields and some packets
// match both. They share a corner if some packets match both, they do not
// conflict, and none is more specific; then the corner's are these packets.
func TestConflictsAndCorners(t *testing.T) {
	all := keys()
	var packets []path.FlowKey
	for _, h := range [][2]netip.Addr{{a, b}, {b, a}, {a, netip.MustParseAddr("10.0.0.3")}, {netip.MustParseAddr("10.0.0.3"), b}} {
		for _, proto := range []uint8{path.ProtoTCP, path.ProtoUDP} {
			for ports := range uint16(16) {
				packets = append(packets, path.FlowKey{Src: path.Host(h[0]), Dst: path.Host(h[1]), Proto: proto, SrcPort: path.Port(1 + ports%4), DstPort: path.Port(1 + ports/4)})
			}
		}
	}
	matched := map[path.FlowKey]*big.Int{}
	of := func(k path.FlowKey) *big.Int {
		in := matched[k]
		if in == nil {
			in = new(big.Int)
			for i, p := range packets {
				if matches(k, p) || matches(k.Reverse(), p) {
					in.SetBit(in, i, 1)
				}
			}
			matched[k] = in
		}
		return in
	}
	gives := func(k path.FlowKey) [3]bool {
		return [3]bool{k.Proto != 0, k.SrcPort != path.Ports{}, k.DstPort != path.Ports{}}
	}
	corners := 0
	for _, k := range all {
		for _, o := range all {
			both := new(big.Int).And(of(k), of(o))
			shared, level := both.Sign() > 0, k.Specificity() == o.Specificity()
			like := gives(k) == gives(o) && k.Src == o.Src || gives(k) == gives(o.Reverse()) && k.Src == o.Dst
			if got, want := k.Conflicts(o), shared && like; got != want {
				t.Fatalf("%+v and %+v conflict: %t, want %t", k, o, got, want)
			}
			if got := k.Meets(o); got != shared {
				t.Fatalf("%+v and %+v meet: %t, want %t", k, o, got, shared)
			}
			corner, ok := k.Corner(o)
			if want := shared && level && !like; ok != want || ok && corner.Src != k.Src {
				t.Fatalf("%+v and %+v share %+v: %t, want %t", k, o, corner, ok, want)
			}
			if ok {
				corners++
				if of(corner).Cmp(both) != 0 {
					t.Fatalf("%+v and %+v do not share the corner %+v", k, o, corner)
				}
			}
			inside := both.Cmp(of(o)) == 0
			if k.Covers(o) && !inside || inside && shared && o.Specificity() >= 3 && !k.Covers(o) {
				t.Fatalf("%+v covers %+v: %t", k, o, k.Covers(o))
			}
		}
	}
	if corners == 0 {
		t.Error("there are no corners")
	}
}

func TestSpecificity(t *testing.T) {
	for want, k := range []path.FlowKey{{Src: path.Host(a), Dst: path.Host(b)}, {Proto: path.ProtoUDP}, {SrcPort: path.Port(1), DstPort: path.Port(2)}, {Proto: path.ProtoTCP, SrcPort: path.Port(1), DstPort: path.Port(1)}} {
		if got := k.Specificity(); got != want {
			t.Errorf("%+v: %d, want %d", k, got, want)
		}
	}
	for _, k := range []path.FlowKey{{SrcPort: path.Port(1)}, {DstPort: path.Port(1)}} {
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
