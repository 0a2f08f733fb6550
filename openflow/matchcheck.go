package openflow

import (
	"errors"
	"fmt"
)

// What a match can be refused for; each is wrapped in a [MatchError].
var (
	ErrDuplicateField = errors.New("field appears twice")
	ErrPrerequisite   = errors.New("field lacks its prerequisite")
	ErrMask           = errors.New("field cannot be masked")
	ErrMaskedValue    = errors.New("value has bits outside its mask")
	ErrWidth          = errors.New("value is too wide")
)

// A MatchError tells which field of a match cannot be, and why.
type MatchError struct {
	Field Field
	Err   error // one of the Err variables of this package
}

// Error implements error.
func (e *MatchError) Error() string { return fmt.Sprintf("openflow: match on %v: %v", e.Field, e.Err) }

// Unwrap returns the reason.
func (e *MatchError) Unwrap() error { return e.Err }

// Check reports what a switch would refuse: a field twice, a field without its
// prerequisites, a value with bits outside its mask or its width, a mask where
// none is allowed (§7.2.3.5, §7.2.3.6). Fields that are not standard ones are
// not looked at. The error is a *[MatchError].
func (m Match) Check() error {
	var seen uint64
	for i := range m {
		o := &m[i]
		f := o.Field()
		if o.Class() != OXMClassBasic || int(f) >= len(fields) {
			continue
		}
		err := o.check()
		if err == nil && seen&(1<<f) != 0 {
			err = ErrDuplicateField
		}
		if err == nil && !m.prerequisite(f) {
			err = ErrPrerequisite
		}
		if err != nil {
			return &MatchError{Field: f, Err: err}
		}
		seen |= 1 << f
	}
	return nil
}

// check looks at one standard field by itself.
func (o *OXM) check() error {
	if !o.lengthOK() {
		return ErrLength
	}
	f := o.Field()
	value, mask := o.split()
	full := fullMask(OXMClassBasic, f, len(value))
	for i := range value {
		if value[i]&^full[i] != 0 {
			return ErrWidth
		}
		if mask != nil && value[i]&^mask[i] != 0 {
			return ErrMaskedValue
		}
	}
	if mask != nil && !fields[f].maskable {
		return ErrMask
	}
	return nil
}

// The EtherTypes and IP protocols that match fields depend on (§7.2.3.6).
const (
	etherIPv4     = 0x0800
	etherARP      = 0x0806
	etherRARP     = 0x8035
	etherIPv6     = 0x86dd
	etherMPLS     = 0x8847
	etherMPLSMany = 0x8848
	etherPBB      = 0x88e7

	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
	protoSCTP   = 132

	icmpv6NeighbourSolicitation  = 135
	icmpv6NeighbourAdvertisement = 136
)

// prerequisite reports whether the match has what field f needs (§7.2.3.6).
func (m Match) prerequisite(f Field) bool {
	switch f {
	case FieldInPhyPort:
		_, ok := m.Get(FieldInPort)
		return ok
	case FieldVLANPCP:
		o, ok := m.Get(FieldVLANVID)
		return ok && uint16(o.Uint64())&VLANPresent != 0
	case FieldIPDSCP, FieldIPECN, FieldIPProto:
		return m.has(FieldEthType, etherIPv4, etherIPv6)
	case FieldIPv4Src, FieldIPv4Dst:
		return m.has(FieldEthType, etherIPv4)
	case FieldTCPSrc, FieldTCPDst:
		return m.has(FieldIPProto, protoTCP)
	case FieldUDPSrc, FieldUDPDst:
		return m.has(FieldIPProto, protoUDP)
	case FieldSCTPSrc, FieldSCTPDst:
		return m.has(FieldIPProto, protoSCTP)
	case FieldICMPv4Type, FieldICMPv4Code:
		return m.has(FieldEthType, etherIPv4) && m.has(FieldIPProto, protoICMP)
	case FieldARPOp, FieldARPSPA, FieldARPTPA, FieldARPSHA, FieldARPTHA:
		return m.has(FieldEthType, etherARP)
	case FieldIPv6Src, FieldIPv6Dst, FieldIPv6FLabel, FieldIPv6ExtHdr:
		return m.has(FieldEthType, etherIPv6)
	case FieldICMPv6Type, FieldICMPv6Code:
		return m.has(FieldEthType, etherIPv6) && m.has(FieldIPProto, protoICMPv6)
	case FieldIPv6NDTarget:
		return m.has(FieldICMPv6Type, icmpv6NeighbourSolicitation, icmpv6NeighbourAdvertisement)
	case FieldIPv6NDSLL:
		return m.has(FieldICMPv6Type, icmpv6NeighbourSolicitation)
	case FieldIPv6NDTLL:
		return m.has(FieldICMPv6Type, icmpv6NeighbourAdvertisement)
	case FieldMPLSLabel, FieldMPLSTC, FieldMPLSBOS:
		return m.has(FieldEthType, etherMPLS, etherMPLSMany)
	case FieldPBBISID:
		return m.has(FieldEthType, etherPBB)
	}
	return true
}

func (m Match) has(f Field, values ...uint64) bool {
	o, ok := m.Get(f)
	if !ok {
		return false
	}
	for _, v := range values {
		if o.Uint64() == v {
			return true
		}
	}
	return false
}
