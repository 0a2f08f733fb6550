package openflow

import (
	"math"
	"net/netip"
)

// VLANPresent is set in the value of the field VLAN_VID when the packet has a
// tag (§7.2.3.8).
const VLANPresent uint16 = 0x1000

// InPort matches the ingress port.
func InPort(p PortNo) OXM { return oxm32(FieldInPort, uint32(p)) }

// InPhyPort matches the physical port under the ingress port.
func InPhyPort(p PortNo) OXM { return oxm32(FieldInPhyPort, uint32(p)) }

// Metadata matches the metadata bits in mask.
func Metadata(v, mask uint64) OXM { return oxm64(FieldMetadata, v, mask) }

// EthDst matches the Ethernet destination.
func EthDst(a MAC) OXM { return oxmMAC(FieldEthDst, a) }

// EthDstMasked matches the Ethernet destination, of which only the mask bits
// count.
func EthDstMasked(a, mask MAC) OXM { return oxmMACMasked(FieldEthDst, a, mask) }

// EthSrc matches the Ethernet source.
func EthSrc(a MAC) OXM { return oxmMAC(FieldEthSrc, a) }

// EthSrcMasked matches the Ethernet source, of which only the mask bits count.
func EthSrcMasked(a, mask MAC) OXM { return oxmMACMasked(FieldEthSrc, a, mask) }

// EthType matches the EtherType after any VLAN tags.
func EthType(v uint16) OXM { return oxm16(FieldEthType, v) }

// VLANVID matches a tag with the given VLAN ID, 0 to 4095.
func VLANVID(vid uint16) OXM { return oxm16(FieldVLANVID, vid|VLANPresent) }

// VLANVIDMasked matches the bits of the whole field, VLANPresent among them,
// that are in mask.
func VLANVIDMasked(v, mask uint16) OXM { return oxm16m(FieldVLANVID, v, mask) }

// VLANNone matches packets without a VLAN tag.
func VLANNone() OXM { return oxm16(FieldVLANVID, 0) }

// VLANAny matches packets with a VLAN tag of any ID.
func VLANAny() OXM { return oxm16m(FieldVLANVID, VLANPresent, VLANPresent) }

// VLANPCP matches the VLAN priority, 0 to 7.
func VLANPCP(v uint8) OXM { return oxm8(FieldVLANPCP, v) }

// IPDSCP matches the DSCP, 0 to 63.
func IPDSCP(v uint8) OXM { return oxm8(FieldIPDSCP, v) }

// IPECN matches the ECN bits, 0 to 3.
func IPECN(v uint8) OXM { return oxm8(FieldIPECN, v) }

// IPProto matches the IP protocol or next header.
func IPProto(v uint8) OXM { return oxm8(FieldIPProto, v) }

// IPv4Src matches the IPv4 source.
func IPv4Src(a netip.Addr) OXM { return oxmAddr(FieldIPv4Src, a) }

// IPv4SrcPrefix matches the IPv4 source, by prefix.
func IPv4SrcPrefix(p netip.Prefix) OXM { return oxmPrefix(FieldIPv4Src, p) }

// IPv4SrcMasked matches the IPv4 source, of which only the mask bits count.
func IPv4SrcMasked(a, mask netip.Addr) OXM { return oxmAddrMasked(FieldIPv4Src, a, mask) }

// IPv4Dst matches the IPv4 destination.
func IPv4Dst(a netip.Addr) OXM { return oxmAddr(FieldIPv4Dst, a) }

// IPv4DstPrefix matches the IPv4 destination, by prefix.
func IPv4DstPrefix(p netip.Prefix) OXM { return oxmPrefix(FieldIPv4Dst, p) }

// IPv4DstMasked matches the IPv4 destination, of which only the mask bits
// count.
func IPv4DstMasked(a, mask netip.Addr) OXM { return oxmAddrMasked(FieldIPv4Dst, a, mask) }

// L4Port matches a port of TCP, UDP or SCTP, which the field f says, of which
// only the mask bits count. By the specification these fields have no mask
// (§7.2.3.7, table 12); Open vSwitch and others take them with one. A mask of
// all ones is none.
func L4Port(f Field, v, mask uint16) OXM {
	if mask == math.MaxUint16 {
		return oxm16(f, v)
	}
	return oxm16m(f, v, mask)
}

// TCPSrc matches the TCP source port.
func TCPSrc(v uint16) OXM { return oxm16(FieldTCPSrc, v) }

// TCPDst matches the TCP destination port.
func TCPDst(v uint16) OXM { return oxm16(FieldTCPDst, v) }

// UDPSrc matches the UDP source port.
func UDPSrc(v uint16) OXM { return oxm16(FieldUDPSrc, v) }

// UDPDst matches the UDP destination port.
func UDPDst(v uint16) OXM { return oxm16(FieldUDPDst, v) }

// SCTPSrc matches the SCTP source port.
func SCTPSrc(v uint16) OXM { return oxm16(FieldSCTPSrc, v) }

// SCTPDst matches the SCTP destination port.
func SCTPDst(v uint16) OXM { return oxm16(FieldSCTPDst, v) }

// ICMPv4Type matches the ICMP type.
func ICMPv4Type(v uint8) OXM { return oxm8(FieldICMPv4Type, v) }

// ICMPv4Code matches the ICMP code.
func ICMPv4Code(v uint8) OXM { return oxm8(FieldICMPv4Code, v) }

// ARPOp matches the ARP opcode.
func ARPOp(v uint16) OXM { return oxm16(FieldARPOp, v) }

// ARPSPA matches the ARP sender IPv4 address.
func ARPSPA(a netip.Addr) OXM { return oxmAddr(FieldARPSPA, a) }

// ARPSPAPrefix matches the ARP sender IPv4 address, by prefix.
func ARPSPAPrefix(p netip.Prefix) OXM { return oxmPrefix(FieldARPSPA, p) }

// ARPSPAMasked matches the ARP sender IPv4 address, of which only the mask bits
// count.
func ARPSPAMasked(a, mask netip.Addr) OXM { return oxmAddrMasked(FieldARPSPA, a, mask) }

// ARPTPA matches the ARP target IPv4 address.
func ARPTPA(a netip.Addr) OXM { return oxmAddr(FieldARPTPA, a) }

// ARPTPAPrefix matches the ARP target IPv4 address, by prefix.
func ARPTPAPrefix(p netip.Prefix) OXM { return oxmPrefix(FieldARPTPA, p) }

// ARPTPAMasked matches the ARP target IPv4 address, of which only the mask bits
// count.
func ARPTPAMasked(a, mask netip.Addr) OXM { return oxmAddrMasked(FieldARPTPA, a, mask) }

// ARPSHA matches the ARP sender Ethernet address.
func ARPSHA(a MAC) OXM { return oxmMAC(FieldARPSHA, a) }

// ARPSHAMasked matches the ARP sender Ethernet address, of which only the mask
// bits count.
func ARPSHAMasked(a, mask MAC) OXM { return oxmMACMasked(FieldARPSHA, a, mask) }

// ARPTHA matches the ARP target Ethernet address.
func ARPTHA(a MAC) OXM { return oxmMAC(FieldARPTHA, a) }

// ARPTHAMasked matches the ARP target Ethernet address, of which only the mask
// bits count.
func ARPTHAMasked(a, mask MAC) OXM { return oxmMACMasked(FieldARPTHA, a, mask) }

// IPv6Src matches the IPv6 source.
func IPv6Src(a netip.Addr) OXM { return oxmAddr(FieldIPv6Src, a) }

// IPv6SrcPrefix matches the IPv6 source, by prefix.
func IPv6SrcPrefix(p netip.Prefix) OXM { return oxmPrefix(FieldIPv6Src, p) }

// IPv6SrcMasked matches the IPv6 source, of which only the mask bits count.
func IPv6SrcMasked(a, mask netip.Addr) OXM { return oxmAddrMasked(FieldIPv6Src, a, mask) }

// IPv6Dst matches the IPv6 destination.
func IPv6Dst(a netip.Addr) OXM { return oxmAddr(FieldIPv6Dst, a) }

// IPv6DstPrefix matches the IPv6 destination, by prefix.
func IPv6DstPrefix(p netip.Prefix) OXM { return oxmPrefix(FieldIPv6Dst, p) }

// IPv6DstMasked matches the IPv6 destination, of which only the mask bits
// count.
func IPv6DstMasked(a, mask netip.Addr) OXM { return oxmAddrMasked(FieldIPv6Dst, a, mask) }

// IPv6FLabel matches the IPv6 flow label, 20 bits.
func IPv6FLabel(v uint32) OXM { return oxm32(FieldIPv6FLabel, v) }

// IPv6FLabelMasked matches the IPv6 flow label bits in mask.
func IPv6FLabelMasked(v, mask uint32) OXM { return oxm32m(FieldIPv6FLabel, v, mask) }

// ICMPv6Type matches the ICMPv6 type.
func ICMPv6Type(v uint8) OXM { return oxm8(FieldICMPv6Type, v) }

// ICMPv6Code matches the ICMPv6 code.
func ICMPv6Code(v uint8) OXM { return oxm8(FieldICMPv6Code, v) }

// IPv6NDTarget matches the target of a neighbour discovery message.
func IPv6NDTarget(a netip.Addr) OXM { return oxmAddr(FieldIPv6NDTarget, a) }

// IPv6NDSLL matches the source link-layer address of a neighbour solicitation.
func IPv6NDSLL(a MAC) OXM { return oxmMAC(FieldIPv6NDSLL, a) }

// IPv6NDTLL matches the target link-layer address of a neighbour advertisement.
func IPv6NDTLL(a MAC) OXM { return oxmMAC(FieldIPv6NDTLL, a) }

// MPLSLabel matches the label of the outermost MPLS header, 20 bits.
func MPLSLabel(v uint32) OXM { return oxm32(FieldMPLSLabel, v) }

// MPLSTC matches the traffic class of the outermost MPLS header, 0 to 7.
func MPLSTC(v uint8) OXM { return oxm8(FieldMPLSTC, v) }

// MPLSBOS matches the bottom-of-stack bit of the outermost MPLS header, 0 or 1.
func MPLSBOS(v uint8) OXM { return oxm8(FieldMPLSBOS, v) }

// PBBISID matches the service instance of a PBB header, 24 bits.
func PBBISID(v uint32) OXM {
	return NewOXM(OXMClassBasic, uint8(FieldPBBISID), []byte{uint8(v >> 16), uint8(v >> 8), uint8(v)}, nil)
}

// TunnelID matches the tunnel metadata bits in mask.
func TunnelID(v, mask uint64) OXM { return oxm64(FieldTunnelID, v, mask) }

// IPv6ExtHdr matches the IPv6 extension header flags, 9 bits.
func IPv6ExtHdr(v uint16) OXM { return oxm16(FieldIPv6ExtHdr, v) }

// IPv6ExtHdrMasked matches the IPv6 extension header flags in mask.
func IPv6ExtHdrMasked(v, mask uint16) OXM { return oxm16m(FieldIPv6ExtHdr, v, mask) }
