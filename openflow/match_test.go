package openflow

import (
	"bytes"
	"net/netip"
)

var (
	v4   = netip.MustParseAddr("192.0.2.1")
	v6   = netip.MustParseAddr("2001:db8::1")
	macA = MAC{0x0a, 0, 0, 0, 0, 1}
	macM = MAC{0xff, 0xff, 0xff, 0, 0, 0}
)

// everyField holds all 40 fields.
var everyField = Match{
	InPort(1), InPhyPort(2), Metadata(0x10, 0xff), EthDst(macA), EthSrcMasked(MAC{0x0a}, macM), EthType(0x0800),
	VLANVID(100), VLANPCP(5), IPDSCP(46), IPECN(1), IPProto(6), IPv4Src(v4),
	IPv4DstPrefix(netip.MustParsePrefix("10.0.0.0/8")), TCPSrc(1), TCPDst(2), UDPSrc(3), UDPDst(4), SCTPSrc(5),
	SCTPDst(6), ICMPv4Type(8), ICMPv4Code(0), ARPOp(1), ARPSPA(v4), ARPTPA(v4), ARPSHA(macA), ARPTHA(macA),
	IPv6Src(v6), IPv6DstPrefix(netip.MustParsePrefix("2001:db8::/32")), IPv6FLabelMasked(0x10, 0xff), ICMPv6Type(135),
	ICMPv6Code(0), IPv6NDTarget(v6), IPv6NDSLL(macA), IPv6NDTLL(macA), MPLSLabel(77), MPLSTC(3), MPLSBOS(1),
	PBBISID(0x123456), TunnelID(7, ^uint64(0)), IPv6ExtHdrMasked(1, 3),
}

// rawFields are fields that are not standard ones, the longest among them.
var rawFields = Match{
	NewOXM(OXMClassNXM1, 0, []byte{1, 2, 3, 4}, []byte{0xff, 0xff, 0, 0}),
	NewOXM(OXMClassExperimenter, 42, []byte{0x4f, 0x4e, 0x46, 0, 0, 2}, nil),
	NewOXM(OXMClassNXM1, 40, bytes.Repeat([]byte{7}, 124), bytes.Repeat([]byte{0xff}, 124)),
	NewOXM(OXMClassBasic, 43, []byte{0, 0, 0, 1}, nil),
	NewOXM(0x8003, 1, bytes.Repeat([]byte{9}, 255), nil),
}
