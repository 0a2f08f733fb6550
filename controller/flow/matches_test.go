package flow

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// TestMatchesAreTheirPorts: of the matches of a key, by masks and by each port,
// one takes each packet that the key is about, and none takes another.
func TestMatchesAreTheirPorts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := path.FlowKey{Src: path.Host(addr(1)), Dst: path.Host(addr(2)), Proto: rapid.SampledFrom([]uint8{0, path.ProtoTCP, path.ProtoUDP}).Draw(t, "protocol"),
			SrcPort: drawPorts(t, "src"), DstPort: drawPorts(t, "dst")}
		for _, exact := range []bool{false, true} {
			list := matches(k, 3, exact)
			for _, m := range list {
				if !slices.Equal(m, m.Canonical()) {
					t.Fatalf("%v is not canonical", m)
				}
				if err := m.Check(); err != nil && (exact || !errors.Is(err, openflow.ErrMask)) {
					t.Fatalf("%v: %v", m, err)
				}
			}
			masked, each := k.Entries()
			if want := map[bool]int{false: masked, true: each}[exact]; len(list) != want {
				t.Fatalf("%+v has %d matches, and is said to have %d", k, len(list), want)
			}
			for _, proto := range []uint8{path.ProtoTCP, path.ProtoUDP} {
				for ports := range uint16(64) {
					packet := path.FlowKey{Src: path.Host(addr(1)), Dst: path.Host(addr(2)), Proto: proto, SrcPort: path.Port(1 + ports%8), DstPort: path.Port(1 + ports/8)}
					n := 0
					for _, m := range list {
						if takes(m, packet) {
							n++
						}
					}
					if want := map[bool]int{true: 1}[k.Covers(packet)]; n != want {
						t.Fatalf("%d matches of %+v take %+v, want %d", n, k, packet, want)
					}
				}
			}
		}
	})
}

// takes reports whether a match is of a packet's protocol and ports.
func takes(m openflow.Match, packet path.FlowKey) bool {
	if proto, ok := m.Get(openflow.FieldIPProto); ok && uint8(proto.Uint64()) != packet.Proto {
		return false
	}
	for _, f := range []struct {
		field openflow.Field
		port  path.Ports
	}{
		{openflow.FieldTCPSrc, packet.SrcPort}, {openflow.FieldUDPSrc, packet.SrcPort},
		{openflow.FieldTCPDst, packet.DstPort}, {openflow.FieldUDPDst, packet.DstPort},
	} {
		if x, ok := m.Get(f.field); ok && portOf(f.port)&x.Mask64() != x.Uint64() {
			return false
		}
	}
	return true
}

// A switch that refuses masks of ports has an entry for each, unless these were
// too many: of those it is asked for masks, so that it refuses them.
func TestWithoutPortMasks(t *testing.T) {
	c := path.Circuit{ID: "a", Handle: 7, Path: path.Path{{DPID: 1, In: 1, Out: 2}}}
	for text, want := range map[string]struct{ masked, exact int }{"5000-5099": {2 * 6, 2 * 100}, "5000-5255": {2 * 6, 2 * 256}, "5000-5256": {2 * 7, 2 * 7}} {
		p, err := path.ParsePorts(text)
		if err != nil {
			t.Fatal(err)
		}
		c.Key = path.FlowKey{Src: path.Host(addr(1)), Dst: path.Host(addr(2)), Proto: path.ProtoTCP, DstPort: p}
		for lacks, want := range map[topology.Lacks]int{0: want.masked, topology.LacksPortMasks: want.exact} {
			s := &topology.Snapshot{Switches: map[openflow.DPID]topology.Switch{1: {DPID: 1, Lacks: lacks, Connected: true, Tables: 254, Ports: map[openflow.PortNo]topology.Port{}}}}
			st := Compile(&Network{Snapshot: s, Routes: NewRoutes(s), Policy: Policy{Forwarding: ForwardL2}, Circuits: []path.Circuit{c}}, 1)
			var rules, masked []*Rule
			for _, r := range st.Rules {
				if r.Table != tableAllocations || r.Priority < prioAllocation || r.Priority > prioFragment {
					continue
				}
				if rules = append(rules, r); len(matchNeeds(r.Match)) > 0 {
					masked = append(masked, r)
				}
			}
			if len(rules) != want {
				t.Errorf("%s, lacking %b: %d entries, want %d", text, lacks, len(rules), want)
			}
			if few := want == 2*100 || want == 2*256; (len(masked) > 0) == few {
				t.Errorf("%s, lacking %b: %d entries with masks", text, lacks, len(masked))
			}
			for _, r := range masked {
				refusal := &openflow.Error{ErrType: openflow.ErrorTypeBadMatch, Code: uint16(openflow.BadMatchBadMask)}
				if got, _ := Blame([]Step{{Rule: r}}, map[int]error{0: refusal}, 0, nil); got != topology.LacksPortMasks {
					t.Fatalf("a switch that refuses %v lacks %b", r.Match, got)
				}
			}
		}
	}
}
