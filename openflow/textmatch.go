package openflow

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// protocols are the words that stand for an EtherType, and for an IP protocol
// where proto is not 0.
var protocols = [...]struct {
	word  string
	ether uint16
	proto uint8
}{
	{"icmp", etherIPv4, protoICMP},
	{"tcp", etherIPv4, protoTCP},
	{"udp", etherIPv4, protoUDP},
	{"sctp", etherIPv4, protoSCTP},
	{"ip", etherIPv4, 0},
	{"icmp6", etherIPv6, protoICMPv6},
	{"tcp6", etherIPv6, protoTCP},
	{"udp6", etherIPv6, protoUDP},
	{"sctp6", etherIPv6, protoSCTP},
	{"ipv6", etherIPv6, 0},
	{"arp", etherARP, 0},
	{"rarp", etherRARP, 0},
	{"mpls", etherMPLS, 0},
	{"mplsm", etherMPLSMany, 0},
}

// printOrder is the order in which ovs-ofctl prints fields.
var printOrder = [...]Field{
	FieldTunnelID, FieldMetadata, FieldInPort, FieldInPhyPort, FieldVLANVID, FieldVLANPCP, FieldEthSrc, FieldEthDst,
	FieldEthType, FieldIPv6Src, FieldIPv6Dst, FieldIPv6FLabel, FieldARPSPA, FieldARPTPA, FieldIPv4Src, FieldIPv4Dst,
	FieldIPProto, FieldARPOp, FieldARPSHA, FieldARPTHA, FieldIPDSCP, FieldIPECN, FieldMPLSLabel, FieldMPLSTC,
	FieldMPLSBOS, FieldICMPv4Type, FieldICMPv4Code, FieldICMPv6Type, FieldICMPv6Code, FieldTCPSrc, FieldTCPDst,
	FieldUDPSrc, FieldUDPDst, FieldSCTPSrc, FieldSCTPDst, FieldIPv6NDTarget, FieldIPv6NDSLL, FieldIPv6NDTLL,
	FieldPBBISID, FieldIPv6ExtHdr,
}

// printNames are the names that ovs-ofctl prints, where they are not the
// specification's.
var printNames = map[Field]string{
	FieldTunnelID: "tun_id", FieldEthSrc: "dl_src", FieldEthDst: "dl_dst", FieldEthType: "dl_type",
	FieldIPv6FLabel: "ipv6_label", FieldIPv4Src: "nw_src", FieldIPv4Dst: "nw_dst", FieldIPProto: "nw_proto",
	FieldIPECN: "nw_ecn", FieldICMPv4Type: "icmp_type", FieldICMPv4Code: "icmp_code", FieldICMPv6Type: "icmp_type",
	FieldICMPv6Code: "icmp_code", FieldTCPSrc: "tp_src", FieldTCPDst: "tp_dst", FieldUDPSrc: "tp_src",
	FieldUDPDst: "tp_dst", FieldSCTPSrc: "tp_src", FieldSCTPDst: "tp_dst", FieldIPv6NDTarget: "nd_target",
	FieldIPv6NDSLL: "nd_sll", FieldIPv6NDTLL: "nd_tll",
}

// String returns the match as ovs-ofctl prints it, such as
// "tcp,in_port=1,nw_dst=10.0.0.0/8,tp_dst=80". The empty match is the empty
// string. Fields that ovs-ofctl has no text for are printed as raw bytes.
func (m Match) String() string {
	c := m.Canonical()
	var parts []string
	word, skipEther, skipProto := c.protocol()
	if word != "" {
		parts = append(parts, word)
	}
	vlan := c.vlanText()
	for _, f := range printOrder {
		o, ok := c.Get(f)
		switch {
		case !ok, f == FieldEthType && skipEther, f == FieldIPProto && skipProto, f == FieldVLANPCP && vlan != "":
		case f == FieldVLANVID && vlan != "":
			parts = append(parts, vlan)
		case f == FieldIPDSCP:
			parts = append(parts, fmt.Sprintf("nw_tos=%d", o.Uint64()<<2))
		default:
			parts = append(parts, c.fieldName(f)+"="+o.text())
		}
	}
	for i := range c {
		if o := &c[i]; o.Class() != OXMClassBasic || int(o.Field()) >= len(fields) {
			parts = append(parts, fmt.Sprintf("oxm_%04x_%d=%s", o.Class(), o.Field(), o.text()))
		}
	}
	return strings.Join(parts, ",")
}

// protocol returns the word for the match's EtherType and IP protocol, and
// which of the two it covers.
func (m Match) protocol() (word string, ether, proto bool) {
	for _, p := range protocols {
		if m.has(FieldEthType, uint64(p.ether)) && (p.proto == 0 || m.has(FieldIPProto, uint64(p.proto))) {
			return p.word, true, p.proto != 0
		}
	}
	return "", false, false
}

// fieldName returns ovs-ofctl's name for a field. The names that mean different
// fields in different protocols are used only where the match names the
// protocol.
func (m Match) fieldName(f Field) string {
	name, ok := printNames[f]
	if !ok || ((strings.HasPrefix(name, "tp_") || strings.HasPrefix(name, "icmp_")) && !m.prerequisite(f)) {
		return f.String()
	}
	return name
}

// vlanText joins VLAN_VID and VLAN_PCP, which ovs-ofctl prints as the parts of
// one tag.
func (m Match) vlanText() string {
	vid, ok := m.Get(FieldVLANVID)
	if !ok {
		return ""
	}
	tci, mask := uint16(vid.Uint64()), uint16(vid.Mask64())&(VLANPresent|vlanIDMask)
	pcp, hasPCP := m.Get(FieldVLANPCP)
	if hasPCP {
		tci |= uint16(pcp.Uint64()) << vlanPCPShift
		mask |= vlanPCPMask
	}
	whole := mask&vlanIDMask == vlanIDMask
	if tci&mask&VLANPresent != 0 && (whole || (mask&vlanIDMask == 0 && hasPCP)) {
		var parts []string
		if whole {
			parts = append(parts, fmt.Sprintf("dl_vlan=%d", tci&vlanIDMask))
		}
		if hasPCP {
			parts = append(parts, fmt.Sprintf("dl_vlan_pcp=%d", tci>>vlanPCPShift))
		}
		return strings.Join(parts, ",")
	}
	return fmt.Sprintf("vlan_tci=0x%04x/0x%04x", tci, mask)
}

// text returns the value, and the mask behind a slash where there is one.
func (o *OXM) text() string {
	v, m := o.split()
	f := o.Field()
	if o.Class() != OXMClassBasic || int(f) >= len(fields) {
		if m == nil {
			return fmt.Sprintf("0x%x", v)
		}
		return fmt.Sprintf("0x%x/0x%x", v, m)
	}
	if p, ok := o.Prefix(); ok && m != nil && isAddr(f) {
		return p.String()
	}
	if m == nil {
		return f.valueText(v)
	}
	return f.valueText(v) + "/" + f.valueText(m)
}

func isAddr(f Field) bool {
	switch f {
	case FieldIPv4Src, FieldIPv4Dst, FieldARPSPA, FieldARPTPA, FieldIPv6Src, FieldIPv6Dst, FieldIPv6NDTarget:
		return true
	}
	return false
}

// valueText returns value or mask bytes of the field, in the base that
// ovs-ofctl uses for it.
func (f Field) valueText(b []byte) string {
	switch {
	case isAddr(f):
		a, _ := netip.AddrFromSlice(b)
		return a.String()
	case len(b) == len(MAC{}):
		return MAC(b).String()
	}
	v := bigEndian(b)
	switch f {
	case FieldInPort, FieldInPhyPort:
		return PortNo(v).String()
	case FieldEthType:
		return fmt.Sprintf("0x%04x", v)
	case FieldIPv6FLabel:
		return fmt.Sprintf("0x%05x", v)
	case FieldMetadata, FieldTunnelID, FieldIPv6ExtHdr:
		return hexText(v)
	}
	return strconv.FormatUint(v, 10)
}

// hexText returns v in hex, as C prints it with "%#x".
func hexText(v uint64) string {
	if v == 0 {
		return "0"
	}
	return fmt.Sprintf("%#x", v)
}

// The parts of a VLAN tag (IEEE 802.1Q), with VLANPresent in place of its drop
// eligible bit.
const (
	vlanIDMask   uint16 = 0x0fff
	vlanPCPMask  uint16 = 0xe000
	vlanPCPShift        = 13
)
