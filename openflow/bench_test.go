package openflow

import (
	"net/netip"
	"testing"
)

// benchFlowMod installs one direction of a path: 152 bytes on the wire.
func benchFlowMod() *FlowMod {
	return &FlowMod{
		Cookie: 0xc06a000000000001, Priority: 1000, BufferID: NoBuffer, OutPort: PortAny, OutGroup: GroupAny,
		Match: Match{
			InPort(1), EthType(0x0800), IPProto(6),
			IPv4Src(netip.MustParseAddr("10.0.0.1")), IPv4Dst(netip.MustParseAddr("10.0.0.2")),
			TCPSrc(40000), TCPDst(5001),
		},
		Instructions: []Instruction{ApplyActions(SetField(IPDSCP(46)), SetQueue(1), Output(2, 0))},
	}
}

func BenchmarkFlowModAppend(b *testing.B) {
	m := benchFlowMod()
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		out, err := Append(buf, 1, m)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(out)))
	}
}

func BenchmarkFlowModParse(b *testing.B) {
	wire, err := Append(nil, 1, benchFlowMod())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(wire)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Parse(wire); err != nil {
			b.Fatal(err)
		}
	}
}

// benchPacketIn brings a minimal Ethernet frame.
func benchPacketIn() *PacketIn {
	return &PacketIn{
		BufferID: NoBuffer, TotalLen: 60, Reason: PacketInAction, Cookie: 1,
		Match: Match{InPort(7)}, Data: make([]byte, 60),
	}
}

func BenchmarkPacketInAppend(b *testing.B) {
	m := benchPacketIn()
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Append(buf, 1, m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPacketInParse(b *testing.B) {
	wire, err := Append(nil, 1, benchPacketIn())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(wire)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Parse(wire); err != nil {
			b.Fatal(err)
		}
	}
}

// benchFlowStats returns one full part of a reply, such as a dump of a large
// table has.
func benchFlowStats(b *testing.B) (wire []byte, entries int) {
	f := benchFlowMod()
	reply := make(FlowStatsReply, 300)
	for i := range reply {
		reply[i] = FlowStats{Cookie: f.Cookie, Priority: f.Priority, Match: f.Match, Instructions: f.Instructions}
	}
	wire, err := Append(nil, 1, NewMultipartReply(reply))
	if err != nil {
		b.Fatal(err)
	}
	return wire, len(reply)
}

func BenchmarkFlowStatsParse(b *testing.B) {
	wire, entries := benchFlowStats(b)
	b.SetBytes(int64(len(wire)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Parse(wire); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*entries), "ns/entry")
}

// BenchmarkParserFlowStats does as BenchmarkFlowStatsParse, with a [Parser].
func BenchmarkParserFlowStats(b *testing.B) {
	wire, entries := benchFlowStats(b)
	var p Parser
	b.SetBytes(int64(len(wire)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := p.Parse(wire); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*entries), "ns/entry")
}

func BenchmarkMatchKey(b *testing.B) {
	m := benchFlowMod().Match
	b.ReportAllocs()
	for b.Loop() {
		if m.Key() == "" {
			b.Fatal("empty key")
		}
	}
}

// BenchmarkMatchAppendKey looks a match up in a map, for a match in order and
// for one out of order with masks.
func BenchmarkMatchAppendKey(b *testing.B) {
	for name, m := range map[string]Match{
		"plain":  benchFlowMod().Match,
		"masked": {Metadata(1, 3), EthDstMasked(macA, macA), InPort(1), EthType(0x800), IPv4DstPrefix(netip.MustParsePrefix("10.0.0.0/8"))},
	} {
		b.Run(name, func(b *testing.B) {
			var buf [256]byte
			entries := map[string]int{m.Key(): 1}
			b.ReportAllocs()
			for b.Loop() {
				if entries[string(m.AppendKey(buf[:0]))] != 1 {
					b.Fatal("not found")
				}
			}
		})
	}
}

// TestAllocations holds the figures that do not depend on the machine.
func TestAllocations(t *testing.T) {
	flow, packet := mustAppend(t, 1, benchFlowMod()), mustAppend(t, 1, benchPacketIn())
	if len(flow) != 152 {
		t.Errorf("the flow mod of the benchmarks has %d bytes, want 152", len(flow))
	}
	m, buf := benchFlowMod(), make([]byte, 0, 256)
	var p Parser
	var key [256]byte
	stats := mustAppend(t, 1, NewMultipartReply(FlowStatsReply{{Match: m.Match, Instructions: m.Instructions}}))
	entries, masked := map[string]bool{}, Match{VLANAny(), EthDstMasked(macA, macA), InPort(1)}
	out := &PacketOut{BufferID: NoBuffer, InPort: PortController, Actions: []Action{Output(1, 0)}, Data: make([]byte, 60)}
	for _, test := range []struct {
		name string
		most float64
		f    func()
	}{
		{"append a flow mod", 0, func() { Append(buf, 1, m) }},
		{"append a packet-out", 0, func() { Append(buf, 1, out) }},
		{"parse a flow mod", 1, func() { Parse(flow) }},
		{"parse a packet-in", 1, func() { Parse(packet) }},
		{"look a match up", 0, func() { _ = entries[string(m.Match.AppendKey(key[:0]))] }},
		{"look a masked match up", 0, func() { _ = entries[string(masked.AppendKey(key[:0]))] }},
		{"parse a flow entry again", 2, func() { p.Parse(stats) }},
		{"make a match", 1, func() { _ = Match{InPort(1), IPv4Src(v4), IPv6Dst(v6), EthDst(macA)}.has(FieldInPort) }},
	} {
		if got := testing.AllocsPerRun(100, test.f); got > test.most {
			t.Errorf("%s: %v allocations, want at most %v", test.name, got, test.most)
		}
	}
}
