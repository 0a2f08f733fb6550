package openflow

import (
	"encoding/binary"
	"net/netip"
)

func oxm8(f Field, v uint8) OXM {
	o := oxmHeader(OXMClassBasic, uint8(f), false, 1)
	o.wire[oxmHeaderLen] = v
	return o
}

func oxm16(f Field, v uint16) OXM {
	o := oxmHeader(OXMClassBasic, uint8(f), false, 2)
	binary.BigEndian.PutUint16(o.wire[oxmHeaderLen:], v)
	return o
}

func oxm16m(f Field, v, mask uint16) OXM {
	o := oxmHeader(OXMClassBasic, uint8(f), true, 4)
	binary.BigEndian.PutUint16(o.wire[oxmHeaderLen:], v)
	binary.BigEndian.PutUint16(o.wire[oxmHeaderLen+2:], mask)
	return o
}

func oxm32(f Field, v uint32) OXM {
	o := oxmHeader(OXMClassBasic, uint8(f), false, 4)
	binary.BigEndian.PutUint32(o.wire[oxmHeaderLen:], v)
	return o
}

func oxm32m(f Field, v, mask uint32) OXM {
	o := oxmHeader(OXMClassBasic, uint8(f), true, 8)
	binary.BigEndian.PutUint32(o.wire[oxmHeaderLen:], v)
	binary.BigEndian.PutUint32(o.wire[oxmHeaderLen+4:], mask)
	return o
}

// oxm64 leaves an all-ones mask out: it says no more than no mask, and some
// switches refuse it.
func oxm64(f Field, v, mask uint64) OXM {
	if mask == ^uint64(0) {
		o := oxmHeader(OXMClassBasic, uint8(f), false, 8)
		binary.BigEndian.PutUint64(o.wire[oxmHeaderLen:], v)
		return o
	}
	o := oxmHeader(OXMClassBasic, uint8(f), true, 16)
	binary.BigEndian.PutUint64(o.wire[oxmHeaderLen:], v)
	binary.BigEndian.PutUint64(o.wire[oxmHeaderLen+8:], mask)
	return o
}

func oxmMAC(f Field, a MAC) OXM {
	o := oxmHeader(OXMClassBasic, uint8(f), false, 6)
	copy(o.wire[oxmHeaderLen:], a[:])
	return o
}

func oxmMACMasked(f Field, a, mask MAC) OXM {
	o := oxmHeader(OXMClassBasic, uint8(f), true, 12)
	copy(o.wire[oxmHeaderLen:], a[:])
	copy(o.wire[oxmHeaderLen+6:], mask[:])
	return o
}

// oxmAddr makes an address field. An address of the other family makes a field
// of the wrong length, which Append and Match.Check refuse.
func oxmAddr(f Field, a netip.Addr) OXM {
	if fields[f].length == 4 {
		a = a.Unmap()
	}
	o := oxmHeader(OXMClassBasic, uint8(f), false, a.BitLen()/8)
	switch {
	case a.Is4():
		b := a.As4()
		copy(o.wire[oxmHeaderLen:], b[:])
	case a.Is6():
		b := a.As16()
		copy(o.wire[oxmHeaderLen:], b[:])
	}
	return o
}

func oxmPrefix(f Field, p netip.Prefix) OXM {
	a := p.Addr()
	if p.Bits() == a.BitLen() || !p.IsValid() {
		return oxmAddr(f, a)
	}
	mask := make([]byte, a.BitLen()/8)
	for i := range p.Bits() {
		mask[i/8] |= 0x80 >> (i % 8)
	}
	return NewOXM(OXMClassBasic, uint8(f), p.Masked().Addr().AsSlice(), mask)
}

// oxmAddrMasked makes an address field with any mask.
func oxmAddrMasked(f Field, a, mask netip.Addr) OXM {
	if a.BitLen() != mask.BitLen() || a.BitLen() == 0 {
		return NewOXM(OXMClassBasic, uint8(f), nil, nil)
	}
	return NewOXM(OXMClassBasic, uint8(f), a.AsSlice(), mask.AsSlice())
}

// NewField returns the field f with the value, and with the mask unless it is
// nil, as raw bytes in network order. It panics if both together exceed 255
// bytes or differ in length; a length that is not the field's own is for Append
// and Match.Check to refuse.
func NewField(f Field, value, mask []byte) OXM {
	return NewOXM(OXMClassBasic, uint8(f), value, mask)
}
