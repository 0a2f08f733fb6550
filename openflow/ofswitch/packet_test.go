package ofswitch

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"conga/openflow"
)

func TestParseFillsFields(t *testing.T) {
	tagged := udp4
	tagged.VLAN = 7
	dscp := udp6
	dscp.DSCP = 46
	tests := []struct {
		name  string
		frame []byte
		match openflow.Match
	}{
		{"udp", udp4.UDP(), openflow.Match{
			openflow.EthSrc(hostMAC(1)), openflow.EthDst(hostMAC(2)), openflow.VLANNone(),
			openflow.EthType(0x800), openflow.IPProto(17), openflow.IPDSCP(0),
			openflow.IPv4Src(netip.MustParseAddr("10.0.0.1")),
			openflow.IPv4DstPrefix(netip.MustParsePrefix("10.0.0.0/8")), openflow.UDPSrc(1000), openflow.UDPDst(2000),
		}},
		{"tcp", udp4.TCP(), openflow.Match{
			openflow.EthType(0x800), openflow.IPProto(6), openflow.TCPSrc(1000), openflow.TCPDst(2000),
		}},
		{"vlan", tagged.UDP(), openflow.Match{
			openflow.VLANVID(7), openflow.VLANPCP(0), openflow.EthType(0x800), openflow.IPProto(17), openflow.UDPDst(2000),
		}},
		{"any vlan", tagged.UDP(), openflow.Match{openflow.VLANAny()}},
		{"ipv6", dscp.UDP(), openflow.Match{
			openflow.EthType(0x86dd), openflow.IPDSCP(46), openflow.IPProto(17),
			openflow.IPv6Src(netip.MustParseAddr("fd00::1")), openflow.IPv6DstPrefix(netip.MustParsePrefix("fd00::/64")),
			openflow.IPv6FLabel(0), openflow.UDPSrc(1000),
		}},
		{"arp", ARPRequest(hostMAC(1), netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")), openflow.Match{
			openflow.EthDst(broadcast), openflow.EthType(0x806), openflow.ARPOp(1), openflow.ARPSHA(hostMAC(1)),
			openflow.ARPSPA(netip.MustParseAddr("10.0.0.1")), openflow.ARPTPA(netip.MustParseAddr("10.0.0.2")),
			openflow.ARPTHA(openflow.MAC{}),
		}},
		{"solicitation", NeighborSolicit(hostMAC(1), netip.MustParseAddr("fd00::1"), netip.MustParseAddr("fd00::2")), openflow.Match{
			openflow.EthType(0x86dd), openflow.IPProto(58), openflow.ICMPv6Type(135), openflow.ICMPv6Code(0),
			openflow.IPv6NDTarget(netip.MustParseAddr("fd00::2")), openflow.IPv6NDSLL(hostMAC(1)),
		}},
		{"advertisement", NeighborAdvert(hostMAC(1), netip.MustParseAddr("fd00::1"), hostMAC(2), netip.MustParseAddr("fd00::2")), openflow.Match{
			openflow.EthType(0x86dd), openflow.IPProto(58), openflow.ICMPv6Type(136),
			openflow.IPv6NDTarget(netip.MustParseAddr("fd00::1")), openflow.IPv6NDTLL(hostMAC(1)),
		}},
		{"echo", icmp(hostMAC(2), hostMAC(1), netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), []byte{8, 0, 0, 0, 0, 1, 0, 1}), openflow.Match{
			openflow.EthType(0x800), openflow.IPProto(1), openflow.ICMPv4Type(8), openflow.ICMPv4Code(0),
		}},
		{"first fragment", fragment(udp4.UDP(), 0x2000), openflow.Match{openflow.EthType(0x800), openflow.IPProto(17), openflow.UDPSrc(0), openflow.UDPDst(0)}},
		{"later fragment", fragment(udp4.UDP(), 3), openflow.Match{openflow.EthType(0x800), openflow.IPProto(17), openflow.UDPSrc(0), openflow.UDPDst(0)}},
		{"not to be fragmented", fragment(udp4.UDP(), 0x4000), openflow.Match{openflow.EthType(0x800), openflow.IPProto(17), openflow.UDPSrc(1000)}},
		{"first IPv6 fragment", fragment6(udp6.UDP(), 1), openflow.Match{openflow.EthType(0x86dd), openflow.IPProto(17), openflow.UDPSrc(0), openflow.UDPDst(0)}},
		{"later IPv6 fragment", fragment6(udp6.UDP(), 8), openflow.Match{openflow.EthType(0x86dd), openflow.IPProto(44)}},
		{"whole behind a fragment header", fragment6(udp6.UDP(), 0), openflow.Match{openflow.EthType(0x86dd), openflow.IPProto(17), openflow.UDPSrc(1000)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, o := range tt.match {
				p := &packet{data: tt.frame}
				p.parse()
				m, err := compile(tt.match)
				if err != nil {
					t.Fatal(describe(err))
				}
				if p.key.and(&m.mask) != m.key {
					t.Errorf("%v: packet has %x, match wants %x under %x", o.Field(), p.key, m.key, m.mask)
				}
			}
		})
	}
}

// fragment6 puts a fragment header with this offset and flags into an IPv6
// frame.
func fragment6(frame []byte, at uint16) []byte {
	const header = ethLen + ipv6Len
	out := append(slices.Clone(frame[:header]), frame[ethLen+6], 0, byte(at>>8), byte(at), 0, 0, 0, 1)
	out[ethLen+6] = 44
	return append(out, frame[header:]...)
}

func TestParseSurvivesAnything(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tagged := udp6
	tagged.VLAN = 9
	seeds := [][]byte{
		udp4.UDP(), udp6.TCP(), tagged.UDP(), ARPRequest(hostMAC(1), udp4.Src.Addr(), udp4.Dst.Addr()),
		NeighborSolicit(hostMAC(1), udp6.Src.Addr(), udp6.Dst.Addr()),
	}
	edits := allSetFields()
	for range 20_000 {
		seed := seeds[r.IntN(len(seeds))]
		data := append([]byte(nil), seed[:r.IntN(len(seed)+1)]...)
		for range r.IntN(4) {
			if len(data) > 0 {
				data[r.IntN(len(data))] = byte(r.Uint32())
			}
		}
		p := &packet{data: data, owned: true}
		p.parse()
		p.setField(edits[r.IntN(len(edits))])
		p.pushVLAN(etherVLAN)
		p.pushMPLS(etherMPLS)
		p.popMPLS(etherIPv4)
		p.decTTL()
		p.popVLAN()
		p.popVLAN()
	}
}

func allSetFields() []openflow.OXM {
	a4, a6 := netip.MustParseAddr("192.168.7.9"), netip.MustParseAddr("2001:db8::99")
	return []openflow.OXM{
		openflow.EthDst(hostMAC(9)), openflow.EthSrc(hostMAC(9)), openflow.VLANVID(99), openflow.VLANPCP(5),
		openflow.IPDSCP(46), openflow.IPECN(1), openflow.IPv4Src(a4), openflow.IPv4Dst(a4),
		openflow.TCPSrc(7), openflow.TCPDst(8), openflow.UDPSrc(7), openflow.UDPDst(8),
		openflow.SCTPSrc(7), openflow.SCTPDst(8), openflow.ICMPv4Type(3), openflow.ICMPv4Code(4),
		openflow.ARPOp(2), openflow.ARPSPA(a4), openflow.ARPTPA(a4), openflow.ARPSHA(hostMAC(9)), openflow.ARPTHA(hostMAC(9)),
		openflow.IPv6Src(a6), openflow.IPv6Dst(a6), openflow.IPv6FLabel(0x12345), openflow.ICMPv6Type(129), openflow.ICMPv6Code(1),
		openflow.IPv6NDTarget(a6), openflow.IPv6NDSLL(hostMAC(9)), openflow.IPv6NDTLL(hostMAC(9)),
		openflow.MPLSLabel(77), openflow.MPLSTC(3), openflow.MPLSBOS(0),
	}
}

// A field that is set must read back, and every checksum of the frame must be
// right again.
func TestSetFieldKeepsChecksums(t *testing.T) {
	sctp := udp4.UDP()
	sctp[23] = protoSCTP
	frames := map[string][]byte{
		"udp4": udp4.UDP(), "tcp4": udp4.TCP(), "udp6": udp6.UDP(), "tcp6": udp6.TCP(),
		"arp":       ARPRequest(hostMAC(1), udp4.Src.Addr(), udp4.Dst.Addr()),
		"solicit":   NeighborSolicit(hostMAC(1), udp6.Src.Addr(), udp6.Dst.Addr()),
		"advertise": NeighborAdvert(hostMAC(1), udp6.Src.Addr(), hostMAC(2), udp6.Dst.Addr()),
		"echo4":     icmp(hostMAC(2), hostMAC(1), udp4.Src.Addr(), udp4.Dst.Addr(), []byte{8, 0, 0, 0, 0, 1, 0, 1}),
		"echo6":     icmp(hostMAC(2), hostMAC(1), udp6.Src.Addr(), udp6.Dst.Addr(), []byte{128, 0, 0, 0, 0, 1, 0, 1}),
	}
	for name, data := range frames {
		for _, o := range allSetFields() {
			p := &packet{data: data}
			p.parse()
			before := p.key
			p.setField(o)
			checkSums(t, name+" "+o.Field().String(), p)
			if word128(o.Field()) >= 0 || !hasField(&before, o.Field()) {
				continue
			}
			if got := p.key.get(o.Field()); got != o.Uint64() {
				t.Errorf("%s: %v is %#x, want %#x", name, o.Field(), got, o.Uint64())
			}
		}
	}
}

func hasField(k *flowKey, f openflow.Field) bool {
	exact := ruleMatch{key: *k}
	for i := range exact.mask {
		exact.mask[i] = ^uint64(0)
	}
	return exact.prerequisites(f) && (f != openflow.FieldVLANVID || k.get(f) != 0)
}

func checkSums(t *testing.T, name string, p *packet) {
	t.Helper()
	if p.l3 == 0 || p.l4 == 0 {
		return
	}
	src, dst := p.addrs()
	if p.isIPv4() && fold(addUp(0, p.data[p.l3:p.l3+ipv4Len])) != 0xffff {
		t.Errorf("%s: bad IP checksum", name)
	}
	l4 := p.data[p.l4:p.ipEnd()]
	if got := l4Sum(src, dst, p.proto(), l4); got != 0 {
		t.Errorf("%s: transport checksum is off by %#x", name, got)
	}
}

func TestVLANTags(t *testing.T) {
	p := &packet{data: udp4.UDP()}
	p.parse()
	untagged := string(p.data)
	p.pushVLAN(etherVLAN)
	p.setField(openflow.VLANVID(5))
	p.setField(openflow.VLANPCP(3))
	p.pushVLAN(etherQinQ)
	if got := binary.BigEndian.Uint16(p.data[14:]); got != 3<<13|5 {
		t.Errorf("the outer tag is %#x; it starts as a copy of the inner one", got)
	}
	p.setField(openflow.VLANVID(6))
	if got := p.key.get(openflow.FieldVLANVID); got != uint64(6|openflow.VLANPresent) {
		t.Errorf("vlan_vid is %#x", got)
	}
	p.popVLAN()
	if got := p.key.get(openflow.FieldVLANVID); got != uint64(5|openflow.VLANPresent) {
		t.Errorf("after one pop vlan_vid is %#x", got)
	}
	p.popVLAN()
	if string(p.data) != untagged {
		t.Error("two pops do not restore the frame")
	}
}

func TestTTL(t *testing.T) {
	for _, d := range []Datagram{udp4, udp6} {
		d.TTL = 2
		p := &packet{data: d.UDP()}
		p.parse()
		if !p.decTTL() || p.data[p.ttlAt()] != 1 {
			t.Error("a TTL of 2 does not become 1")
		}
		checkSums(t, "ttl", p)
		if p.decTTL() {
			t.Error("a TTL of 1 may go on")
		}
	}
}

func TestMPLS(t *testing.T) {
	p := &packet{data: udp4.UDP()}
	p.parse()
	plain := string(p.data)
	p.pushMPLS(etherMPLS)
	p.setField(openflow.MPLSLabel(77))
	p.pushMPLS(etherMPLS)
	p.setField(openflow.MPLSLabel(88))
	if p.key.get(openflow.FieldMPLSLabel) != 88 || p.key.get(openflow.FieldMPLSBOS) != 0 {
		t.Error("outer label")
	}
	p.popMPLS(etherMPLS)
	if p.key.get(openflow.FieldMPLSLabel) != 77 || p.key.get(openflow.FieldMPLSBOS) != 1 {
		t.Error("inner label")
	}
	p.popMPLS(etherIPv4)
	if string(p.data) != plain {
		t.Error("two pops do not restore the frame")
	}
}

func (k *flowKey) and(mask *flowKey) (out flowKey) {
	for i := range k {
		out[i] = k[i] & mask[i]
	}
	return out
}
