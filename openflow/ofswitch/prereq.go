package ofswitch

import "conga/openflow"

// The EtherTypes and IP protocols that the pipeline knows.
const (
	etherIPv4  = 0x0800
	etherARP   = 0x0806
	etherVLAN  = 0x8100
	etherIPv6  = 0x86dd
	etherMPLS  = 0x8847
	etherMPLSM = 0x8848
	etherQinQ  = 0x88a8

	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
	protoSCTP   = 132
)

// etherTypes returns the EtherTypes that a field needs; none: any.
func etherTypes(f openflow.Field) []uint64 {
	switch f {
	case openflow.FieldIPDSCP, openflow.FieldIPECN, openflow.FieldIPProto,
		openflow.FieldTCPSrc, openflow.FieldTCPDst, openflow.FieldUDPSrc, openflow.FieldUDPDst,
		openflow.FieldSCTPSrc, openflow.FieldSCTPDst:
		return []uint64{etherIPv4, etherIPv6}
	case openflow.FieldIPv4Src, openflow.FieldIPv4Dst, openflow.FieldICMPv4Type, openflow.FieldICMPv4Code:
		return []uint64{etherIPv4}
	case openflow.FieldARPOp, openflow.FieldARPSPA, openflow.FieldARPTPA, openflow.FieldARPSHA, openflow.FieldARPTHA:
		return []uint64{etherARP}
	case openflow.FieldIPv6Src, openflow.FieldIPv6Dst, openflow.FieldIPv6FLabel, openflow.FieldICMPv6Type,
		openflow.FieldICMPv6Code, openflow.FieldIPv6NDTarget, openflow.FieldIPv6NDSLL, openflow.FieldIPv6NDTLL:
		return []uint64{etherIPv6}
	case openflow.FieldMPLSLabel, openflow.FieldMPLSTC, openflow.FieldMPLSBOS:
		return []uint64{etherMPLS, etherMPLSM}
	}
	return nil
}

// ipProto returns the IP protocol that a field needs; 0: any.
func ipProto(f openflow.Field) uint64 {
	switch f {
	case openflow.FieldTCPSrc, openflow.FieldTCPDst:
		return protoTCP
	case openflow.FieldUDPSrc, openflow.FieldUDPDst:
		return protoUDP
	case openflow.FieldSCTPSrc, openflow.FieldSCTPDst:
		return protoSCTP
	case openflow.FieldICMPv4Type, openflow.FieldICMPv4Code:
		return protoICMP
	case openflow.FieldICMPv6Type, openflow.FieldICMPv6Code,
		openflow.FieldIPv6NDTarget, openflow.FieldIPv6NDSLL, openflow.FieldIPv6NDTLL:
		return protoICMPv6
	}
	return 0
}

// icmpv6Types returns the ICMPv6 types that a neighbour discovery field needs;
// none: any.
func icmpv6Types(f openflow.Field) []uint64 {
	switch f {
	case openflow.FieldIPv6NDTarget:
		return []uint64{icmpv6Solicit, icmpv6Advert}
	case openflow.FieldIPv6NDSLL:
		return []uint64{icmpv6Solicit}
	case openflow.FieldIPv6NDTLL:
		return []uint64{icmpv6Advert}
	}
	return nil
}

// prerequisites reports whether what the match already has allows the field
// (§7.2.3.6).
func (m *ruleMatch) prerequisites(f openflow.Field) bool {
	if f == openflow.FieldVLANPCP {
		return m.key.get(openflow.FieldVLANVID)&uint64(openflow.VLANPresent) != 0
	}
	if want := etherTypes(f); want != nil && !m.has(openflow.FieldEthType, want...) {
		return false
	}
	if p := ipProto(f); p != 0 && !m.has(openflow.FieldIPProto, p) {
		return false
	}
	if want := icmpv6Types(f); want != nil && !m.has(openflow.FieldICMPv6Type, want...) {
		return false
	}
	return true
}

// has reports whether the match asks for exactly one of the values.
func (m *ruleMatch) has(f openflow.Field, values ...uint64) bool {
	if m.mask.get(f) != ones(slots[f].width) {
		return false
	}
	v := m.key.get(f)
	for _, want := range values {
		if v == want {
			return true
		}
	}
	return false
}
