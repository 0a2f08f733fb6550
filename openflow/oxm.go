package openflow

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"unique"
)

// An OXMClass says which body defines a match field (§7.2.3.3).
type OXMClass uint16

// The match field classes (§7.2.3.3).
const (
	OXMClassNXM0         OXMClass = 0x0000
	OXMClassNXM1         OXMClass = 0x0001
	OXMClassBasic        OXMClass = 0x8000
	OXMClassExperimenter OXMClass = 0xffff
)

const (
	oxmHeaderLen = 4
	oxmInlineLen = 20 // of the standard fields only a masked IPv6 address is longer
)

// An OXM is one TLV of a match (§7.2.3.2): a field, its value and, where it has
// one, its mask. It is a plain value and comparable with ==. The zero OXM is
// not a field.
type OXM struct {
	// wire is the TLV as it travels, header first, unless the payload is too
	// long for it: then it is all in long and wire holds just the header. A
	// handle is half as large as a string, and equal ones hold equal payloads.
	wire [oxmHeaderLen + oxmInlineLen]byte
	long unique.Handle[string]
}

// NewOXM returns a field of any class, as raw bytes. mask is nil or as long as
// value. It panics if both together exceed 255 bytes, which the format cannot
// hold.
func NewOXM(class OXMClass, field uint8, value, mask []byte) OXM {
	n := len(value) + len(mask)
	if n > 255 || (mask != nil && len(mask) != len(value)) {
		panic("openflow: NewOXM: bad length")
	}
	o := oxmHeader(class, field, mask != nil, n)
	if n > oxmInlineLen {
		o.long = unique.Make(string(value) + string(mask))
		return o
	}
	copy(o.wire[oxmHeaderLen:], value)
	copy(o.wire[oxmHeaderLen+len(value):], mask)
	return o
}

func oxmHeader(class OXMClass, field uint8, masked bool, n int) (o OXM) {
	binary.BigEndian.PutUint16(o.wire[:], uint16(class))
	o.wire[2] = field << 1
	if masked {
		o.wire[2] |= 1
	}
	o.wire[3] = uint8(n)
	return o
}

// Class returns the field's class.
func (o OXM) Class() OXMClass { return OXMClass(binary.BigEndian.Uint16(o.wire[:])) }

// Field returns the field's number within its class; for OXMClassBasic it is
// one of the Field constants.
func (o OXM) Field() Field { return Field(o.wire[2] >> 1) }

// Masked reports whether the field carries a mask.
func (o OXM) Masked() bool { return o.wire[2]&1 != 0 }

// Len returns the length in bytes of the value; a mask is as long.
func (o OXM) Len() int {
	if o.Masked() {
		return int(o.wire[3]) / 2
	}
	return int(o.wire[3])
}

// Equal reports whether both are the same field, value and mask: it is ==, for
// packages that compare by method.
func (o OXM) Equal(other OXM) bool { return o == other }

// is reports whether o is the standard field f.
func (o *OXM) is(f Field) bool {
	return o.wire[0] == 0x80 && o.wire[1] == 0 && Field(o.wire[2]>>1) == f
}

// isLong reports whether the payload is in long.
func (o *OXM) isLong() bool { return o.wire[3] > oxmInlineLen }

func (o *OXM) payload() []byte {
	if o.isLong() {
		return []byte(o.long.Value())
	}
	return o.wire[oxmHeaderLen : oxmHeaderLen+int(o.wire[3])]
}

// split returns the value and mask bytes; mask is nil where there is none.
func (o *OXM) split() (value, mask []byte) {
	p := o.payload()
	if o.wire[2]&1 != 0 {
		return p[:len(p)/2], p[len(p)/2:]
	}
	return p, nil
}

// Value returns a copy of the value bytes.
func (o OXM) Value() []byte {
	v, _ := o.split()
	return append([]byte(nil), v...)
}

// Mask returns a copy of the mask bytes, nil where there is no mask.
func (o OXM) Mask() []byte {
	_, m := o.split()
	return append([]byte(nil), m...)
}

// Uint64 returns the value of a field of up to 8 bytes as a number.
func (o OXM) Uint64() uint64 {
	v, _ := o.split()
	return bigEndian(v)
}

// Mask64 returns the mask of a field of up to 8 bytes as a number. Without a
// mask every bit of the field's bytes is set.
func (o OXM) Mask64() uint64 {
	v, m := o.split()
	if m == nil {
		return ^uint64(0) >> (64 - 8*min(len(v), 8))
	}
	return bigEndian(m)
}

// MAC returns the value of an Ethernet address field, and zeros for any other
// length of field.
func (o OXM) MAC() (a MAC) {
	if v, _ := o.split(); len(v) == len(a) {
		a = MAC(v)
	}
	return a
}

// MACMask returns the mask of an Ethernet address field, all ones where there
// is none.
func (o OXM) MACMask() MAC {
	if _, m := o.split(); len(m) == len(MAC{}) {
		return MAC(m)
	}
	return MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
}

// Addr returns the value of an IP address field, and the zero Addr for any
// other length of field.
func (o OXM) Addr() netip.Addr {
	v, _ := o.split()
	a, _ := netip.AddrFromSlice(v)
	return a
}

// Prefix returns the value and mask of an IP address field as a prefix, and
// false if the field is no address or its mask is not a prefix mask.
func (o OXM) Prefix() (netip.Prefix, bool) {
	a := o.Addr()
	if !a.IsValid() {
		return netip.Prefix{}, false
	}
	_, m := o.split()
	if m == nil {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	n := 0
	for i, octet := range m {
		ones := bits.LeadingZeros8(^octet)
		n += ones
		if ones < 8 {
			if octet<<ones != 0 || !allZero(m[i+1:]) {
				return netip.Prefix{}, false
			}
			break
		}
	}
	return netip.PrefixFrom(a, n), true
}

func bigEndian(b []byte) (v uint64) {
	for _, octet := range b {
		v = v<<8 | uint64(octet)
	}
	return v
}

func allZero(b []byte) bool {
	for _, octet := range b {
		if octet != 0 {
			return false
		}
	}
	return true
}
