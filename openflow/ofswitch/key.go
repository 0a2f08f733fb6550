package ofswitch

import (
	"encoding/binary"

	"conga/openflow"
)

// A flowKey holds every field that a flow entry can match, at fixed places, so
// that a lookup is a mask and a map access. A mask has the same form. Fields
// that no packet can have together share a place, as the prerequisites of the
// specification allow (§7.2.3.6): ports, ICMP types and ARP opcodes; IPv4, IPv6
// and ARP addresses; ARP and neighbour discovery hardware addresses.
type flowKey [keyWords]uint64

const keyWords = 16

// IPv6 addresses take two words; an IPv4 address takes the low half of the
// second.
const (
	wordIPSrc    = 5
	wordIPDst    = 7
	wordNDTarget = 12
)

// A slot is where a field of up to 64 bits lies in a flowKey.
type slot struct {
	word  uint8
	shift uint8
	width uint8 // bits, 0: not supported
}

// slots are those of all fields except the IPv6 addresses.
var slots = [...]slot{
	openflow.FieldInPort:       {0, 32, 32},
	openflow.FieldMetadata:     {3, 0, 64},
	openflow.FieldEthDst:       {1, 16, 48},
	openflow.FieldEthSrc:       {2, 16, 48},
	openflow.FieldEthType:      {0, 16, 16},
	openflow.FieldVLANVID:      {0, 0, 13},
	openflow.FieldVLANPCP:      {1, 8, 3},
	openflow.FieldIPDSCP:       {2, 8, 6},
	openflow.FieldIPECN:        {2, 0, 2},
	openflow.FieldIPProto:      {1, 0, 8},
	openflow.FieldIPv4Src:      {6, 0, 32},
	openflow.FieldIPv4Dst:      {8, 0, 32},
	openflow.FieldTCPSrc:       {9, 48, 16},
	openflow.FieldTCPDst:       {9, 32, 16},
	openflow.FieldUDPSrc:       {9, 48, 16},
	openflow.FieldUDPDst:       {9, 32, 16},
	openflow.FieldSCTPSrc:      {9, 48, 16},
	openflow.FieldSCTPDst:      {9, 32, 16},
	openflow.FieldICMPv4Type:   {9, 48, 8},
	openflow.FieldICMPv4Code:   {9, 32, 8},
	openflow.FieldARPOp:        {9, 48, 16},
	openflow.FieldARPSPA:       {6, 0, 32},
	openflow.FieldARPTPA:       {8, 0, 32},
	openflow.FieldARPSHA:       {10, 16, 48},
	openflow.FieldARPTHA:       {11, 16, 48},
	openflow.FieldIPv6FLabel:   {9, 0, 20},
	openflow.FieldICMPv6Type:   {9, 48, 8},
	openflow.FieldICMPv6Code:   {9, 32, 8},
	openflow.FieldIPv6NDSLL:    {10, 16, 48},
	openflow.FieldIPv6NDTLL:    {11, 16, 48},
	openflow.FieldMPLSLabel:    {14, 32, 20},
	openflow.FieldMPLSTC:       {11, 8, 3},
	openflow.FieldMPLSBOS:      {11, 0, 1},
	openflow.FieldTunnelID:     {4, 0, 64},
	openflow.FieldPBBISID:      {},
	openflow.FieldIPv6Src:      {},
	openflow.FieldIPv6Dst:      {},
	openflow.FieldIPv6NDTarget: {},
	openflow.FieldIPv6ExtHdr:   {},
}

func (k *flowKey) get(f openflow.Field) uint64 {
	p := slots[f]
	return k[p.word] >> p.shift & ones(p.width)
}

func (k *flowKey) set(f openflow.Field, v uint64) {
	p := slots[f]
	k[p.word] = k[p.word]&^(ones(p.width)<<p.shift) | v&ones(p.width)<<p.shift
}

func (k *flowKey) set128(word int, b []byte) {
	k[word] = binary.BigEndian.Uint64(b)
	k[word+1] = binary.BigEndian.Uint64(b[8:])
}

func ones(width uint8) uint64 {
	if width >= 64 {
		return ^uint64(0)
	}
	return 1<<width - 1
}

// A ruleMatch is a key with its mask; the key has no bits outside the mask.
type ruleMatch struct {
	key, mask flowKey
}

// word128 returns where a 128-bit field lies, or -1.
func word128(f openflow.Field) int {
	switch f {
	case openflow.FieldIPv6Src:
		return wordIPSrc
	case openflow.FieldIPv6Dst:
		return wordIPDst
	case openflow.FieldIPv6NDTarget:
		return wordNDTarget
	}
	return -1
}

// compile turns a match into its rule form. It refuses what Open vSwitch
// refuses, with the same errors.
func compile(match openflow.Match) (ruleMatch, *openflow.Error) {
	var m ruleMatch
	var seen uint64
	for i := range match {
		o := &match[i]
		f := o.Field()
		if o.Class() != openflow.OXMClassBasic || !supported(f) {
			return ruleMatch{}, errBadMatchField()
		}
		if err := checkWidth(*o); err != nil {
			return ruleMatch{}, err
		}
		if seen&(1<<f) != 0 {
			return ruleMatch{}, errDupField()
		}
		if !m.prerequisites(f) {
			return ruleMatch{}, errBadPrereq()
		}
		seen |= 1 << f
		m.add(f, *o)
	}
	return m, nil
}

func supported(f openflow.Field) bool {
	return int(f) < len(slots) && (slots[f].width != 0 || word128(f) >= 0)
}

func (m *ruleMatch) add(f openflow.Field, o openflow.OXM) {
	if w := word128(f); w >= 0 {
		m.mask[w], m.mask[w+1] = ^uint64(0), ^uint64(0)
		if o.Masked() {
			m.mask.set128(w, o.Mask())
		}
		m.key.set128(w, o.Value())
		m.key[w] &= m.mask[w]
		m.key[w+1] &= m.mask[w+1]
		return
	}
	mask := o.Mask64()
	m.key.set(f, o.Uint64()&mask)
	m.mask.set(f, mask)
}

// checkWidth refuses a payload of the wrong length, a mask on a field that
// takes none, value bits outside the mask, and value bits outside the field.
func checkWidth(o openflow.OXM) *openflow.Error {
	f := o.Field()
	if o.Len() != f.Len() {
		return errBadMatchLen()
	}
	if o.Masked() {
		if !maskable(f) {
			return errBadMask()
		}
		value, mask := o.Value(), o.Mask()
		for i := range mask {
			if value[i]&^mask[i] != 0 {
				return errBadWildcards()
			}
		}
	}
	if p := slots[f]; p.width != 0 && p.width < 64 && o.Uint64()&^ones(p.width) != 0 {
		return errBadValue()
	}
	return nil
}

// maskable reports whether a field can have a mask. Like Open vSwitch it allows
// more than the specification asks for.
func maskable(f openflow.Field) bool {
	switch f {
	case openflow.FieldInPort, openflow.FieldEthType, openflow.FieldVLANPCP,
		openflow.FieldIPDSCP, openflow.FieldIPECN, openflow.FieldIPProto, openflow.FieldICMPv4Type,
		openflow.FieldICMPv4Code, openflow.FieldICMPv6Type, openflow.FieldICMPv6Code, openflow.FieldARPOp,
		openflow.FieldMPLSLabel, openflow.FieldMPLSTC, openflow.FieldMPLSBOS:
		return false
	}
	return true
}
