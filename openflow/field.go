package openflow

import "fmt"

// A Field is a match field of the class OXMClassBasic (§7.2.3.7).
type Field uint8

// The match fields (§7.2.3.7).
const (
	FieldInPort       Field = 0
	FieldInPhyPort    Field = 1
	FieldMetadata     Field = 2
	FieldEthDst       Field = 3
	FieldEthSrc       Field = 4
	FieldEthType      Field = 5
	FieldVLANVID      Field = 6
	FieldVLANPCP      Field = 7
	FieldIPDSCP       Field = 8
	FieldIPECN        Field = 9
	FieldIPProto      Field = 10
	FieldIPv4Src      Field = 11
	FieldIPv4Dst      Field = 12
	FieldTCPSrc       Field = 13
	FieldTCPDst       Field = 14
	FieldUDPSrc       Field = 15
	FieldUDPDst       Field = 16
	FieldSCTPSrc      Field = 17
	FieldSCTPDst      Field = 18
	FieldICMPv4Type   Field = 19
	FieldICMPv4Code   Field = 20
	FieldARPOp        Field = 21
	FieldARPSPA       Field = 22
	FieldARPTPA       Field = 23
	FieldARPSHA       Field = 24
	FieldARPTHA       Field = 25
	FieldIPv6Src      Field = 26
	FieldIPv6Dst      Field = 27
	FieldIPv6FLabel   Field = 28
	FieldICMPv6Type   Field = 29
	FieldICMPv6Code   Field = 30
	FieldIPv6NDTarget Field = 31
	FieldIPv6NDSLL    Field = 32
	FieldIPv6NDTLL    Field = 33
	FieldMPLSLabel    Field = 34
	FieldMPLSTC       Field = 35
	FieldMPLSBOS      Field = 36
	FieldPBBISID      Field = 37
	FieldTunnelID     Field = 38
	FieldIPv6ExtHdr   Field = 39
)

// fieldInfo is what the specification's table says of a field (§7.2.3.7).
type fieldInfo struct {
	name     string
	length   uint8 // bytes
	bits     uint8 // significant bits
	maskable bool
}

var fields = [...]fieldInfo{
	FieldInPort:       {"in_port", 4, 32, false},
	FieldInPhyPort:    {"in_phy_port", 4, 32, false},
	FieldMetadata:     {"metadata", 8, 64, true},
	FieldEthDst:       {"eth_dst", 6, 48, true},
	FieldEthSrc:       {"eth_src", 6, 48, true},
	FieldEthType:      {"eth_type", 2, 16, false},
	FieldVLANVID:      {"vlan_vid", 2, 13, true},
	FieldVLANPCP:      {"vlan_pcp", 1, 3, false},
	FieldIPDSCP:       {"ip_dscp", 1, 6, false},
	FieldIPECN:        {"ip_ecn", 1, 2, false},
	FieldIPProto:      {"ip_proto", 1, 8, false},
	FieldIPv4Src:      {"ipv4_src", 4, 32, true},
	FieldIPv4Dst:      {"ipv4_dst", 4, 32, true},
	FieldTCPSrc:       {"tcp_src", 2, 16, false},
	FieldTCPDst:       {"tcp_dst", 2, 16, false},
	FieldUDPSrc:       {"udp_src", 2, 16, false},
	FieldUDPDst:       {"udp_dst", 2, 16, false},
	FieldSCTPSrc:      {"sctp_src", 2, 16, false},
	FieldSCTPDst:      {"sctp_dst", 2, 16, false},
	FieldICMPv4Type:   {"icmpv4_type", 1, 8, false},
	FieldICMPv4Code:   {"icmpv4_code", 1, 8, false},
	FieldARPOp:        {"arp_op", 2, 16, false},
	FieldARPSPA:       {"arp_spa", 4, 32, true},
	FieldARPTPA:       {"arp_tpa", 4, 32, true},
	FieldARPSHA:       {"arp_sha", 6, 48, true},
	FieldARPTHA:       {"arp_tha", 6, 48, true},
	FieldIPv6Src:      {"ipv6_src", 16, 128, true},
	FieldIPv6Dst:      {"ipv6_dst", 16, 128, true},
	FieldIPv6FLabel:   {"ipv6_flabel", 4, 20, true},
	FieldICMPv6Type:   {"icmpv6_type", 1, 8, false},
	FieldICMPv6Code:   {"icmpv6_code", 1, 8, false},
	FieldIPv6NDTarget: {"ipv6_nd_target", 16, 128, false},
	FieldIPv6NDSLL:    {"ipv6_nd_sll", 6, 48, false},
	FieldIPv6NDTLL:    {"ipv6_nd_tll", 6, 48, false},
	FieldMPLSLabel:    {"mpls_label", 4, 20, false},
	FieldMPLSTC:       {"mpls_tc", 1, 3, false},
	FieldMPLSBOS:      {"mpls_bos", 1, 1, false},
	FieldPBBISID:      {"pbb_isid", 3, 24, true},
	FieldTunnelID:     {"tunnel_id", 8, 64, true},
	FieldIPv6ExtHdr:   {"ipv6_exthdr", 2, 9, true},
}

// String returns the field's name as in the specification, in lower case.
func (f Field) String() string {
	if int(f) < len(fields) {
		return fields[f].name
	}
	return fmt.Sprintf("field %d", uint8(f))
}

// Len returns the length in bytes of the field's value, 0 for an unknown field.
func (f Field) Len() int {
	if int(f) < len(fields) {
		return int(fields[f].length)
	}
	return 0
}
