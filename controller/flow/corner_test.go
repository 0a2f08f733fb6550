package flow

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// drawSide draws a host or, if wide, one of the prefixes that it is in.
func drawSide(t *rapid.T, host netip.Addr, wide bool, name string) path.Prefix {
	if !wide {
		return path.Host(host)
	}
	return path.PrefixOf(netip.PrefixFrom(host, rapid.SampledFrom([]int{32, 32, 31, 30}).Draw(t, name)))
}

// lowHosts and highHosts are between whom the circuits of drawCircuits are.
var (
	lowHosts  = []netip.Addr{netip.MustParseAddr("10.0.0.4"), netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("10.0.0.6")}
	highHosts = []netip.Addr{netip.MustParseAddr("10.0.0.8"), netip.MustParseAddr("10.0.0.10")}
)

// drawCircuits draws circuits between a few hosts on one switch, of which no
// two have the same traffic and the same rate or none.
func drawCircuits(t *rapid.T) (circuits []path.Circuit) {
	wide := rapid.IntRange(0, 2).Draw(t, "prefixes") == 0
	for handle := range uint32(rapid.IntRange(1, 7).Draw(t, "circuits")) {
		c := path.Circuit{ID: string(rune('a' + handle)), Handle: handle + 1, Path: path.Path{{DPID: 1, In: 1, Out: 2}}}
		c.Key = path.FlowKey{Src: drawSide(t, lowHosts[0], wide, "low"), Dst: drawSide(t, highHosts[0], wide, "high"), Proto: rapid.SampledFrom([]uint8{0, path.ProtoTCP, path.ProtoUDP}).Draw(t, "protocol"),
			SrcPort: drawPorts(t, "src"), DstPort: drawPorts(t, "dst")}
		if rapid.Bool().Draw(t, "the other way") {
			c.Key, c.Path[0] = c.Key.Reverse(), path.Hop{DPID: 1, In: 2, Out: 1}
		}
		if rapid.IntRange(0, 2).Draw(t, "rated") > 0 {
			c.Rate = bitrate.Mbps
		}
		again := false
		for _, o := range circuits {
			again = again || o.Key.Conflicts(c.Key) && (o.Rate > 0) == (c.Rate > 0)
		}
		if !again {
			circuits = append(circuits, c)
		}
	}
	return circuits
}

// drawPorts draws any ports, one or several.
func drawPorts(t *rapid.T, side string) path.Ports {
	if n := uint16(rapid.IntRange(0, 4).Draw(t, side)); n < 3 {
		return path.Port(n)
	}
	n := uint16(rapid.IntRange(1, 3).Draw(t, side+" from"))
	return path.PortsOf(path.PortRange{First: n, Last: n + 1}, path.PortRange{First: 5, Last: uint16(rapid.IntRange(5, 6).Draw(t, side+" to"))})
}

// first returns the handle of the circuit that a packet belongs to, by what is
// said of it; 0 if it is none's.
func first(circuits []path.Circuit, packet path.FlowKey) (handle uint32) {
	var best path.Circuit
	for _, c := range circuits {
		rank := func(c path.Circuit) int { return 2*c.Key.Precedence() + int(min(c.Rate, 1)) }
		if c.Key.Meets(packet) && (best.Handle == 0 || rank(c) > rank(best) || rank(c) == rank(best) && c.Handle < best.Handle) {
			best = c
		}
	}
	return best.Handle
}

// owners returns the handles of the circuits whose entries have the highest
// priority among those that a packet matches.
func owners(st *State, packet path.FlowKey, in openflow.PortNo) map[uint64]bool {
	src, dst, other := openflow.FieldTCPSrc, openflow.FieldTCPDst, openflow.FieldUDPSrc
	if packet.Proto == path.ProtoUDP {
		src, dst, other = openflow.FieldUDPSrc, openflow.FieldUDPDst, openflow.FieldTCPSrc
	}
	has := map[openflow.Field]uint64{
		openflow.FieldInPort: uint64(in), openflow.FieldEthType: etherTypeIPv4, openflow.FieldIPProto: uint64(packet.Proto),
		src: portOf(packet.SrcPort), dst: portOf(packet.DstPort),
	}
	var most uint16
	found := map[uint64]bool{}
rules:
	for _, r := range st.Rules {
		kind, of := purpose.ReadCookie(r.Cookie)
		if kind != purpose.Allocation || r.Priority < most {
			continue
		}
		if _, wrong := r.Match.Get(other); wrong {
			continue
		}
		for field, want := range has {
			if x, given := r.Match.Get(field); given && x.Uint64() != want&x.Mask64() {
				continue rules
			}
		}
		for field, side := range map[openflow.Field]path.Prefix{openflow.FieldIPv4Src: packet.Src, openflow.FieldIPv4Dst: packet.Dst} {
			x, _ := r.Match.Get(field)
			if p, ok := x.Prefix(); !ok || !p.Contains(side.Addr()) {
				continue rules
			}
		}
		if r.Priority > most {
			most = r.Priority
			clear(found)
		}
		found[of] = true
	}
	return found
}

// portOf returns the port that is one.
func portOf(p path.Ports) uint64 {
	n, _ := p.One()
	return uint64(n)
}

// TestCornersAreTheFirsts: each packet is carried by one circuit, the one that
// came first of those that are as specific and have a rate as well; when that
// one ends, by the next.
func TestCornersAreTheFirsts(t *testing.T) {
	corners := 0
	rapid.Check(t, func(t *rapid.T) {
		circuits := drawCircuits(t)
		lacks := rapid.SampledFrom([]topology.Lacks{0, topology.LacksPortMasks}).Draw(t, "lacks")
		s := &topology.Snapshot{Switches: map[openflow.DPID]topology.Switch{1: {DPID: 1, Lacks: lacks, Connected: true, Tables: 254, Ports: map[openflow.PortNo]topology.Port{}}}}
		for len(circuits) > 0 {
			n := &Network{Snapshot: s, Routes: NewRoutes(s), Policy: Policy{Forwarding: ForwardL2}, Circuits: circuits}
			st := Compile(n, 1)
			for _, proto := range []uint8{path.ProtoTCP, path.ProtoUDP} {
				for ports := range uint16(36) {
					packet := path.FlowKey{Src: path.Host(lowHosts[int(ports)%3]), Dst: path.Host(highHosts[int(ports)/6%2]), Proto: proto, SrcPort: path.Port(1 + ports%6), DstPort: path.Port(1 + ports/6)}
					for _, p := range []struct {
						packet path.FlowKey
						in     openflow.PortNo
					}{{packet, 1}, {packet.Reverse(), 2}} {
						want, got := first(circuits, p.packet), owners(st, p.packet, p.in)
						if want == 0 && len(got) != 0 || want != 0 && (len(got) != 1 || !got[uint64(want)]) {
							t.Fatalf("%+v belongs to %d, and %v have it: %+v", p.packet, want, got, circuits)
						}
					}
				}
			}
			for _, r := range st.Rules {
				const least = prioAllocation - path.MaxNarrowness*prioNarrower
				if step := (r.Priority - least) % prioNarrower; r.Priority >= least && r.Priority < prioReserved && step < 24 && step%3 != 0 {
					corners++
				}
			}
			circuits = circuits[1:] // the first one ends
		}
	})
	if corners == 0 && !testing.Short() {
		t.Error("there were no corners")
	}
}

// Where sets of ports meet, what three circuits share may be all that the first
// shares with one of the others, and less than these two share.
func TestACornerOfThreeWithSets(t *testing.T) {
	set := path.PortsOf(path.PortRange{First: 1, Last: 2}, path.PortRange{First: 5, Last: 5})
	var circuits []path.Circuit
	for i, k := range []path.FlowKey{
		{SrcPort: set, DstPort: path.Port(1)},
		{Proto: path.ProtoUDP, SrcPort: path.Port(1)},
		{Proto: path.ProtoUDP, DstPort: set},
	} {
		k.Src, k.Dst = path.Host(addr(1)), path.Host(addr(2))
		circuits = append(circuits, path.Circuit{ID: string(rune('a' + i)), Handle: uint32(i + 1), Key: k, Rate: bitrate.Mbps, Path: path.Path{{DPID: 1, In: 1, Out: 2}}})
	}
	s := &topology.Snapshot{Switches: map[openflow.DPID]topology.Switch{1: {DPID: 1, Connected: true, Tables: 254, Ports: map[openflow.PortNo]topology.Port{}}}}
	st := Compile(&Network{Snapshot: s, Routes: NewRoutes(s), Policy: Policy{Forwarding: ForwardL2}, Circuits: circuits}, 1)
	packet := path.FlowKey{Src: path.Host(addr(1)), Dst: path.Host(addr(2)), Proto: path.ProtoUDP, SrcPort: path.Port(1), DstPort: path.Port(1)}
	if got := owners(st, packet, 1); len(got) != 1 || !got[1] {
		t.Errorf("%v have what belongs to the first", got)
	}
}
