package openflow

import (
	"bytes"
	"cmp"
	"slices"
)

// Canonical returns the match in the one form that all equal matches share:
// fields sorted, masks of all ones dropped, bits outside the mask cleared,
// fields with a mask of zeros removed. m stays as it is, and the result shares
// no memory with it.
func (m Match) Canonical() Match { return m.appendCanonical(make(Match, 0, len(m))) }

// Key returns the canonical form as a string, for use as a map key: two matches
// match the same packets if their keys are equal.
func (m Match) Key() string {
	var buf [256]byte
	return string(m.AppendKey(buf[:0]))
}

// MatchOf returns the canonical match that has a key; ok is false if none has.
func MatchOf(key string) (m Match, ok bool) {
	b := []byte(key)
	c := cursor{b: b, end: len(b)}
	if m = make(Match, c.countOXMs()); c.err != nil {
		return nil, false
	}
	for i := range m {
		n := oxmHeaderLen + int(b[3])
		if !m[i].read(b, n) {
			return nil, false
		}
		b = b[n:]
	}
	return m, true
}

// AppendKey appends to dst what [Match.Key] returns. Indexing a map of strings
// with string(m.AppendKey(buf[:0])) does not allocate.
func (m Match) AppendKey(dst []byte) []byte {
	if !m.plain() {
		var buf [16]OXM // more than a match has, mostly
		m = m.appendCanonical(buf[:0])
	}
	for i := range m {
		dst = m[i].appendRaw(dst)
	}
	return dst
}

// plain reports whether the match is canonical at first sight: sorted, and
// without masks.
func (m Match) plain() bool {
	last := uint32(0)
	for i := range m {
		head := m[i].head()
		if head <= last && i > 0 || head&(1<<8) != 0 {
			return false
		}
		last = head | 0xff // the same field twice is not plain
	}
	return true
}

// appendCanonical appends the fields of the canonical form to dst, which is
// empty.
func (m Match) appendCanonical(dst Match) Match {
	for i := range m {
		if o, any := m[i].canonical(); !any {
			dst = append(dst, o)
		}
	}
	if len(dst) > len(fields) { // nothing that a switch would take
		slices.SortStableFunc(dst, func(a, b OXM) int { return a.compare(&b) })
		return dst
	}
	for i := range dst { // mostly sorted already, or nearly
		for j := i; j > 0 && dst[j].compare(&dst[j-1]) < 0; j-- {
			dst[j], dst[j-1] = dst[j-1], dst[j]
		}
	}
	return dst
}

// compare orders fields by class and number. Experimenter fields may share
// both, so their bytes have to decide.
func (o *OXM) compare(other *OXM) int {
	if c := cmp.Compare(o.order(), other.order()); c != 0 {
		return c
	}
	return cmp.Or(slices.Compare(o.wire[:], other.wire[:]), bytes.Compare(o.payload(), other.payload()))
}

func (o *OXM) order() uint32 { return o.head() >> 9 }

// canonical returns o with its mask tidied; any says that it matches anything.
func (o *OXM) canonical() (out OXM, any bool) {
	if !o.Masked() || o.Class() == OXMClassExperimenter || o.wire[3]%2 != 0 {
		return *o, false // the experimenter ID comes before the value, and only its owner knows the rest
	}
	if !o.isLong() {
		return o.canonicalInline()
	}
	value, mask := o.split()
	var v, used [128]byte // half of a payload of up to 255 bytes
	full := fullMask(o.Class(), o.Field(), len(value))
	for i := range value {
		used[i] = mask[i] & full[i]
		v[i] = value[i] & used[i]
	}
	n := len(value)
	switch {
	case n > 0 && allZero(used[:n]):
		return OXM{}, true
	case used == full:
		return NewOXM(o.Class(), uint8(o.Field()), v[:n], nil), false
	}
	return NewOXM(o.Class(), uint8(o.Field()), v[:n], used[:n]), false
}

// canonicalInline does as canonical for a field with a mask whose payload is in
// wire.
func (o *OXM) canonicalInline() (out OXM, any bool) {
	out = *o
	n := int(out.wire[3]) / 2
	value, mask := out.wire[oxmHeaderLen:oxmHeaderLen+n], out.wire[oxmHeaderLen+n:oxmHeaderLen+2*n]
	bits := fieldBits(out.Class(), out.Field(), n)
	used, missing := byte(0), byte(0)
	for i := n - 1; i >= 0; i-- {
		full := byte(1<<min(bits, 8) - 1)
		bits = max(bits-8, 0)
		missing |= full &^ mask[i]
		mask[i] &= full
		used |= mask[i]
		value[i] &= mask[i]
	}
	switch {
	case n > 0 && used == 0:
		return OXM{}, true
	case missing == 0:
		clear(mask)
		out.wire[2] &^= 1
		out.wire[3] = uint8(n)
	}
	return out, false
}

// fieldBits returns how many bits of a value of n bytes the field has.
func fieldBits(class OXMClass, f Field, n int) int {
	if class == OXMClassBasic && int(f) < len(fields) && n == f.Len() {
		return int(fields[f].bits)
	}
	return 8 * n
}

// fullMask returns a mask of n bytes in which every bit that the field has is
// set.
func fullMask(class OXMClass, f Field, n int) (full [128]byte) {
	bits := fieldBits(class, f, n)
	for i := n - 1; i >= 0; i-- {
		take := min(bits, 8)
		full[i] = byte(1<<take - 1)
		bits -= take
	}
	return full
}
