package openflow

import (
	"bytes"
	"net/netip"
	"testing"
)

// constructed holds a field of every constructor, its bytes from the
// specification's table of fields, and its text.
var constructed = []struct {
	o    OXM
	hex  string
	text string
}{
	{InPort(1), "80000004 00000001", "in_port=1"},
	{InPort(PortLocal), "80000004 fffffffe", "in_port=LOCAL"},
	{InPhyPort(2), "80000204 00000002", "in_phy_port=2"},
	{Metadata(3, ^uint64(0)), "80000408 0000000000000003", "metadata=0x3"},
	{Metadata(3, 0xff), "80000510 0000000000000003 00000000000000ff", "metadata=0x3/0xff"},
	{EthDst(macA), "80000606 0a0000000001", "dl_dst=0a:00:00:00:00:01"},
	{EthDstMasked(MAC{1}, MAC{1}), "8000070c 010000000000 010000000000", "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00"},
	{EthSrc(macA), "80000806 0a0000000001", "dl_src=0a:00:00:00:00:01"},
	{EthSrcMasked(MAC{0x0a}, macM), "8000090c 0a0000000000 ffffff000000", "dl_src=0a:00:00:00:00:00/ff:ff:ff:00:00:00"},
	{EthType(0x88cc), "80000a02 88cc", "dl_type=0x88cc"},
	{VLANVID(100), "80000c02 1064", "dl_vlan=100"},
	{VLANNone(), "80000c02 0000", "vlan_tci=0x0000/0x1fff"},
	{VLANAny(), "80000d04 1000 1000", "vlan_tci=0x1000/0x1000"},
	{VLANVIDMasked(0x1004, 0x100f), "80000d04 1004 100f", "vlan_tci=0x1004/0x100f"},
	{VLANPCP(5), "80000e01 05", "vlan_pcp=5"},
	{IPDSCP(46), "80001001 2e", "nw_tos=184"},
	{IPECN(1), "80001201 01", "nw_ecn=1"},
	{IPProto(89), "80001401 59", "nw_proto=89"},
	{IPv4Src(v4), "80001604 c0000201", "nw_src=192.0.2.1"},
	{IPv4SrcPrefix(netip.MustParsePrefix("10.1.2.3/8")), "80001708 0a000000 ff000000", "nw_src=10.0.0.0/8"},
	{IPv4SrcMasked(netip.MustParseAddr("10.0.3.0"), netip.MustParseAddr("255.0.255.0")), "80001708 0a000300 ff00ff00", "nw_src=10.0.3.0/255.0.255.0"},
	{IPv4Dst(v4), "80001804 c0000201", "nw_dst=192.0.2.1"},
	{IPv4DstPrefix(netip.MustParsePrefix("192.0.2.1/32")), "80001804 c0000201", "nw_dst=192.0.2.1"},
	{IPv4DstMasked(netip.MustParseAddr("0.0.0.1"), netip.MustParseAddr("0.0.0.255")), "80001908 00000001 000000ff", "nw_dst=0.0.0.1/0.0.0.255"},
	{TCPSrc(1), "80001a02 0001", "tcp_src=1"},
	{TCPDst(2), "80001c02 0002", "tcp_dst=2"},
	{UDPSrc(3), "80001e02 0003", "udp_src=3"},
	{UDPDst(4), "80002002 0004", "udp_dst=4"},
	{SCTPSrc(5), "80002202 0005", "sctp_src=5"},
	{SCTPDst(6), "80002402 0006", "sctp_dst=6"},
	{ICMPv4Type(8), "80002601 08", "icmpv4_type=8"},
	{ICMPv4Code(9), "80002801 09", "icmpv4_code=9"},
	{ARPOp(1), "80002a02 0001", "arp_op=1"},
	{ARPSPA(v4), "80002c04 c0000201", "arp_spa=192.0.2.1"},
	{ARPSPAPrefix(netip.MustParsePrefix("10.0.0.0/9")), "80002d08 0a000000 ff800000", "arp_spa=10.0.0.0/9"},
	{ARPSPAMasked(netip.MustParseAddr("0.0.0.1"), netip.MustParseAddr("0.0.0.3")), "80002d08 00000001 00000003", "arp_spa=0.0.0.1/0.0.0.3"},
	{ARPTPA(v4), "80002e04 c0000201", "arp_tpa=192.0.2.1"},
	{ARPTPAPrefix(netip.MustParsePrefix("10.0.0.0/31")), "80002f08 0a000000 fffffffe", "arp_tpa=10.0.0.0/31"},
	{ARPTPAMasked(netip.MustParseAddr("0.0.0.1"), netip.MustParseAddr("0.0.0.3")), "80002f08 00000001 00000003", "arp_tpa=0.0.0.1/0.0.0.3"},
	{ARPSHA(macA), "80003006 0a0000000001", "arp_sha=0a:00:00:00:00:01"},
	{ARPSHAMasked(MAC{0x0a}, macM), "8000310c 0a0000000000 ffffff000000", "arp_sha=0a:00:00:00:00:00/ff:ff:ff:00:00:00"},
	{ARPTHA(macA), "80003206 0a0000000001", "arp_tha=0a:00:00:00:00:01"},
	{ARPTHAMasked(MAC{0x0a}, macM), "8000330c 0a0000000000 ffffff000000", "arp_tha=0a:00:00:00:00:00/ff:ff:ff:00:00:00"},
	{IPv6Src(v6), "80003410 20010db8000000000000000000000001", "ipv6_src=2001:db8::1"},
	{IPv6SrcPrefix(netip.MustParsePrefix("2001:db8::/32")), "80003520 20010db8000000000000000000000000 ffffffff000000000000000000000000",
		"ipv6_src=2001:db8::/32"},
	{IPv6SrcMasked(netip.MustParseAddr("::1"), netip.MustParseAddr("::ff")), "80003520 00000000000000000000000000000001 000000000000000000000000000000ff",
		"ipv6_src=::1/::ff"},
	{IPv6Dst(v6), "80003610 20010db8000000000000000000000001", "ipv6_dst=2001:db8::1"},
	{IPv6DstPrefix(netip.MustParsePrefix("8000::/1")), "80003720 80000000000000000000000000000000 80000000000000000000000000000000", "ipv6_dst=8000::/1"},
	{IPv6DstMasked(netip.MustParseAddr("::1"), netip.MustParseAddr("::3")), "80003720 00000000000000000000000000000001 00000000000000000000000000000003",
		"ipv6_dst=::1/::3"},
	{IPv6FLabel(0x12345), "80003804 00012345", "ipv6_label=0x12345"},
	{IPv6FLabelMasked(5, 0xf), "80003908 00000005 0000000f", "ipv6_label=0x00005/0x0000f"},
	{ICMPv6Type(135), "80003a01 87", "icmpv6_type=135"},
	{ICMPv6Code(1), "80003c01 01", "icmpv6_code=1"},
	{IPv6NDTarget(v6), "80003e10 20010db8000000000000000000000001", "nd_target=2001:db8::1"},
	{IPv6NDSLL(macA), "80004006 0a0000000001", "nd_sll=0a:00:00:00:00:01"},
	{IPv6NDTLL(macA), "80004206 0a0000000001", "nd_tll=0a:00:00:00:00:01"},
	{MPLSLabel(77), "80004404 0000004d", "mpls_label=77"},
	{MPLSTC(3), "80004601 03", "mpls_tc=3"},
	{MPLSBOS(1), "80004801 01", "mpls_bos=1"},
	{PBBISID(0x123456), "80004a03 123456", "pbb_isid=1193046"},
	{TunnelID(0x63, ^uint64(0)), "80004c08 0000000000000063", "tun_id=0x63"},
	{TunnelID(0x60, 0xf0), "80004d10 0000000000000060 00000000000000f0", "tun_id=0x60/0xf0"},
	{IPv6ExtHdr(1), "80004e02 0001", "ipv6_exthdr=0x1"},
	{IPv6ExtHdrMasked(1, 3), "80004f04 0001 0003", "ipv6_exthdr=0x1/0x3"},
	{NewOXM(OXMClassNXM1, 0, []byte{0, 0, 0, 1}, nil), "00010004 00000001", "oxm_0001_0=0x00000001"},
	{NewOXM(OXMClassNXM1, 1, []byte{1}, []byte{3}), "00010302 01 03", "oxm_0001_1=0x01/0x03"},
	{NewOXM(OXMClassExperimenter, 42, []byte{0x4f, 0x4e, 0x46, 0, 0, 2}, nil), "ffff5406 4f4e4600 0002", "oxm_ffff_42=0x4f4e46000002"},
}

func TestConstructors(t *testing.T) {
	for _, c := range constructed {
		want := hexBytes(t, c.hex)
		wire := mustAppend(t, 1, &FlowMod{Match: Match{c.o}})
		const field = HeaderLen + flowModLen + 4
		if got := wire[field : field+len(want)]; !bytes.Equal(got, want) || int(wire[field-1]) != 4+len(want) {
			t.Errorf("%s: %x, want %x", c.text, got, want)
		}
		if got := (Match{c.o}).String(); got != c.text {
			t.Errorf("%x prints as %q, want %q", want, got, c.text)
		}
		_, m, err := Parse(wire)
		if err != nil || m.(*FlowMod).Match[0] != c.o || !m.(*FlowMod).Match[0].Equal(c.o) {
			t.Errorf("%s: parsed, it is another field: %v, %v", c.text, m, err)
		}
	}
}

// TestLongFieldsAreComparable holds fields whose payload does not lie in the
// value itself.
func TestLongFieldsAreComparable(t *testing.T) {
	long := func(last byte) OXM { return NewOXM(OXMClassNXM1, 40, append(make([]byte, 100), last), nil) }
	one, same, two := long(1), long(1), long(2)
	if one != same || one == two {
		t.Error("== does not compare long payloads")
	}
	if (Match{long(1)}).Key() == (Match{long(2)}).Key() {
		t.Error("matches with different long payloads share a key")
	}
	a, b := Match{long(2), long(1)}.Canonical(), Match{long(1), long(2)}.Canonical()
	if a[0] != b[0] || a[1] != b[1] {
		t.Error("the canonical order of long payloads depends on that of the match")
	}
}
