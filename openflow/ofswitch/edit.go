package ofswitch

import (
	"encoding/binary"

	"conga/openflow"
)

// own makes the bytes the packet's own before they are changed.
func (p *packet) own() {
	if !p.owned {
		p.data = append(make([]byte, 0, len(p.data)+16), p.data...)
		p.owned = true
	}
}

// setField writes a header field, and the checksums that cover it. A field that
// the packet does not have is passed over, as Open vSwitch does (§7.2.5).
func (p *packet) setField(o openflow.OXM) {
	f := o.Field()
	switch f {
	case openflow.FieldMetadata, openflow.FieldTunnelID:
		p.key.set(f, o.Uint64())
		return
	}
	p.own()
	switch {
	case f <= openflow.FieldEthSrc:
		p.setEth(f, o.Value())
	case f == openflow.FieldVLANVID, f == openflow.FieldVLANPCP:
		p.setVLAN(f, uint16(o.Uint64()))
	case f == openflow.FieldIPv6NDSLL, f == openflow.FieldIPv6NDTLL, f == openflow.FieldIPv6NDTarget:
		p.setND(f, o.Value())
	case f >= openflow.FieldARPOp && f <= openflow.FieldARPTHA:
		p.setARP(f, o.Value())
	case f >= openflow.FieldMPLSLabel && f <= openflow.FieldMPLSBOS:
		p.setMPLS(f, uint32(o.Uint64()))
	case f >= openflow.FieldTCPSrc && f <= openflow.FieldICMPv4Code,
		f == openflow.FieldICMPv6Type, f == openflow.FieldICMPv6Code:
		p.setL4(f, o.Value())
	default:
		p.setIP(f, o)
	}
	p.parse()
}

func (p *packet) setEth(f openflow.Field, v []byte) {
	if len(p.data) < ethLen {
		return
	}
	switch f {
	case openflow.FieldEthDst:
		copy(p.data, v)
	case openflow.FieldEthSrc:
		copy(p.data[6:], v)
	}
}

func (p *packet) setVLAN(f openflow.Field, v uint16) {
	if !p.hasVLAN() {
		return
	}
	tci := binary.BigEndian.Uint16(p.data[14:])
	if f == openflow.FieldVLANVID {
		tci = tci&^0xfff | v&0xfff
	} else {
		tci = tci&0x1fff | v<<13
	}
	binary.BigEndian.PutUint16(p.data[14:], tci)
}

func (p *packet) setARP(f openflow.Field, v []byte) {
	if p.l3 == 0 || p.etherType() != etherARP {
		return
	}
	at := map[openflow.Field]int{
		openflow.FieldARPOp: 6, openflow.FieldARPSHA: 8, openflow.FieldARPSPA: 14,
		openflow.FieldARPTHA: 18, openflow.FieldARPTPA: 24,
	}[f]
	copy(p.data[p.l3+at:], v)
}

func (p *packet) setMPLS(f openflow.Field, v uint32) {
	if et := p.etherType(); p.l3 == 0 || (et != etherMPLS && et != etherMPLSM) {
		return
	}
	b := p.data[p.l3:]
	label := binary.BigEndian.Uint32(b)
	switch f {
	case openflow.FieldMPLSLabel:
		label = label&0xfff | v<<12
	case openflow.FieldMPLSTC:
		label = label&^0xe00 | v&7<<9
	case openflow.FieldMPLSBOS:
		label = label&^0x100 | v&1<<8
	}
	binary.BigEndian.PutUint32(b, label)
}

func (p *packet) setND(f openflow.Field, v []byte) {
	if !p.isIPv6() || p.l4 == 0 || p.proto() != protoICMPv6 || len(p.data) < p.l4+24 {
		return
	}
	if f == openflow.FieldIPv6NDTarget {
		p.patch(p.l4+8, v, false)
		return
	}
	option := byte(1)
	if f == openflow.FieldIPv6NDTLL {
		option = 2
	}
	for at := p.l4 + 24; at+8 <= len(p.data) && p.data[at+1] != 0; at += int(p.data[at+1]) * 8 {
		if p.data[at] == option {
			p.patch(at+2, v, false)
			return
		}
	}
}

func (p *packet) setL4(f openflow.Field, v []byte) {
	if p.l4 == 0 || ipProto(f) != uint64(p.proto()) {
		return
	}
	at := p.l4
	switch f {
	case openflow.FieldTCPDst, openflow.FieldUDPDst, openflow.FieldSCTPDst:
		at += 2
	case openflow.FieldICMPv4Code, openflow.FieldICMPv6Code:
		at++
	}
	p.patch(at, v, false)
	if p.proto() == protoSCTP {
		p.sumSCTP()
	}
}

func (p *packet) setIP(f openflow.Field, o openflow.OXM) {
	switch {
	case p.isIPv4():
		p.setIPv4(f, o)
	case p.isIPv6():
		p.setIPv6(f, o)
	}
}

func (p *packet) setIPv4(f openflow.Field, o openflow.OXM) {
	tos := p.data[p.l3+1]
	switch f {
	case openflow.FieldIPDSCP:
		p.patchIPv4(1, []byte{byte(o.Uint64())<<2 | tos&3})
	case openflow.FieldIPECN:
		p.patchIPv4(1, []byte{tos&^3 | byte(o.Uint64())})
	case openflow.FieldIPProto:
		p.patchIPv4(9, o.Value())
	case openflow.FieldIPv4Src:
		p.patchIPv4(12, o.Value())
	case openflow.FieldIPv4Dst:
		p.patchIPv4(16, o.Value())
	}
}

func (p *packet) setIPv6(f openflow.Field, o openflow.OXM) {
	b := p.data[p.l3:]
	word := binary.BigEndian.Uint32(b)
	switch f {
	case openflow.FieldIPDSCP:
		word = word&^(0x3f<<22) | uint32(o.Uint64())<<22
	case openflow.FieldIPECN:
		word = word&^(3<<20) | uint32(o.Uint64())<<20
	case openflow.FieldIPv6FLabel:
		word = word&^0xfffff | uint32(o.Uint64())
	case openflow.FieldIPv6Src:
		p.patch(p.l3+8, o.Value(), true)
	case openflow.FieldIPv6Dst:
		p.patch(p.l3+24, o.Value(), true)
	}
	binary.BigEndian.PutUint32(b, word)
}

// patchIPv4 writes bytes of the IPv4 header and brings its checksum up to date;
// the addresses also count in the pseudo header.
func (p *packet) patchIPv4(at int, v []byte) {
	for i, octet := range v {
		p.fixSum(p.l3+10, p.l3+at+i, octet)
	}
	p.patch(p.l3+at, v, at >= 12)
}

// patch writes bytes. Those of the transport header or, with pseudo, of its
// pseudo header change the transport checksum.
func (p *packet) patch(at int, v []byte, pseudo bool) {
	sum := p.l4Sum(pseudo)
	for i, octet := range v {
		if sum != 0 && (pseudo || at >= p.l4) {
			p.fixSum(sum, at+i, octet)
		}
		p.data[at+i] = octet
	}
	if sum != 0 && p.proto() == protoUDP && binary.BigEndian.Uint16(p.data[sum:]) == 0 {
		binary.BigEndian.PutUint16(p.data[sum:], 0xffff)
	}
}

// l4Sum returns the offset of the transport checksum, 0 if there is none to
// keep.
func (p *packet) l4Sum(pseudo bool) int {
	if p.l4 == 0 {
		return 0
	}
	at := 0
	switch p.proto() {
	case protoTCP:
		at = p.l4 + 16
	case protoUDP:
		at = p.l4 + 6
		if p.isIPv4() && len(p.data) >= at+2 && binary.BigEndian.Uint16(p.data[at:]) == 0 {
			return 0 // the sender sent none
		}
	case protoICMP:
		if !pseudo { // ICMP for IPv4 has no pseudo header
			at = p.l4 + 2
		}
	case protoICMPv6:
		at = p.l4 + 2
	}
	if at+2 > len(p.data) {
		return 0
	}
	return at
}

// fixSum updates the checksum at offset sum for the octet at offset at becoming
// v (RFC 1624).
func (p *packet) fixSum(sum, at int, v byte) {
	old, now := uint32(p.data[at]), uint32(v)
	if (at-p.l3)%2 == 0 { // headers begin on even offsets from l3
		old, now = old<<8, now<<8
	}
	s := uint32(^binary.BigEndian.Uint16(p.data[sum:])) + (^old & 0xffff) + now
	s = s&0xffff + s>>16
	s = s&0xffff + s>>16
	binary.BigEndian.PutUint16(p.data[sum:], ^uint16(s))
}
