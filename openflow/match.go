package openflow

import (
	"encoding/binary"
	"fmt"
	"unique"
)

// A Match is the list of fields that a packet must have (§7.2.3). The empty
// match matches everything.
type Match []OXM

// matchTypeOXM is the only type of match left in OpenFlow 1.3 (§7.2.3.1).
const matchTypeOXM = 1

// Get returns the standard field f, and whether the match has it.
func (m Match) Get(f Field) (OXM, bool) {
	for i := range m {
		if m[i].is(f) {
			return m[i], true
		}
	}
	return OXM{}, false
}

// match reads a match and its padding.
func (c *cursor) match() Match {
	start := c.off
	outer, ok := c.enter("match", 2, 4)
	if !ok {
		return nil
	}
	n := c.left()
	if binary.BigEndian.Uint16(c.b[start:]) != matchTypeOXM {
		c.fail("match type", start, ErrUnknownType)
		return nil
	}
	c.off += 4
	m := Match(c.oxms.take(c.countOXMs()))
	for i := range m { // whose ends countOXMs has checked
		n := oxmHeaderLen + int(c.b[c.off+3])
		if !m[i].read(c.b[c.off:], n) {
			c.fail("match field length", c.off+3, ErrLength)
			return nil
		}
		c.off += n
	}
	c.leave("match", outer)
	c.pad(n, "match padding")
	return m
}

// countOXMs counts the fields up to the cursor's end and leaves the cursor
// where it was.
func (c *cursor) countOXMs() (n int) {
	for off := c.off; off < c.end; n++ {
		if c.end-off < oxmHeaderLen || c.end-off < oxmHeaderLen+int(c.b[off+3]) {
			c.fail("match field", off, ErrShort)
			return 0
		}
		off += oxmHeaderLen + int(c.b[off+3])
	}
	return n
}

// oxm reads the field at off into a zero o and returns its length.
func (c *cursor) oxm(o *OXM, off, end int) int {
	if c.err != nil {
		return 0
	}
	if end-off < oxmHeaderLen || end-off < oxmHeaderLen+int(c.b[off+3]) {
		c.fail("match field", off, ErrShort)
		return 0
	}
	n := oxmHeaderLen + int(c.b[off+3])
	if !o.read(c.b[off:], n) {
		c.fail("match field length", off+3, ErrLength)
	}
	return n
}

// read reads the field of n bytes at the start of p, where p may go on. It
// reports whether the length is the field's.
func (o *OXM) read(p []byte, n int) bool {
	switch {
	case n <= oxmHeaderLen+8 && len(p) >= oxmHeaderLen+8:
		// Two loads are faster than a copy of variable length, and most fields
		// are this short.
		unused := 8 * (oxmHeaderLen + 8 - n) & 127
		binary.BigEndian.PutUint32(o.wire[:], binary.BigEndian.Uint32(p))
		binary.BigEndian.PutUint64(o.wire[oxmHeaderLen:], binary.BigEndian.Uint64(p[oxmHeaderLen:])>>unused<<unused)
	case n <= len(o.wire):
		copy(o.wire[:], p[:n])
	default:
		copy(o.wire[:], p[:oxmHeaderLen])
		o.long = unique.Make(string(p[oxmHeaderLen:n]))
	}
	return o.lengthOK()
}

// append appends the match and its padding.
func (m Match) append(dst []byte) ([]byte, error) {
	start := len(dst)
	dst = append(dst, 0, matchTypeOXM, 0, 0)
	for i := range m {
		o := &m[i]
		head := o.head()
		if head != basicHeads[uint8(head>>8)] && !oddLengthOK(head) {
			return nil, o.lengthError()
		}
		if n := int(uint8(head)); n <= 4 && i < len(m)-1 {
			// A copy of constant length needs no call; what it writes too much,
			// the next field overwrites.
			end := len(dst) + oxmHeaderLen + n
			dst = append(dst, o.wire[:oxmHeaderLen+4]...)[:end]
			continue
		}
		dst = o.appendRaw(dst)
	}
	if err := putLength(dst, start, 2, "match"); err != nil {
		return nil, err
	}
	return appendPadding(dst, start), nil
}

// lengthOK reports whether a standard field has its standard length. Other
// fields can have any length.
func (o *OXM) lengthOK() bool {
	head := o.head()
	return head == basicHeads[uint8(head>>8)] || oddLengthOK(head)
}

// head returns the field's header as a number.
func (o *OXM) head() uint32 { return binary.BigEndian.Uint32(o.wire[:]) }

// oddLengthOK reports what lengthOK does, for fields that are not standard ones
// of standard length.
func oddLengthOK(head uint32) bool {
	if head>>16 == uint32(OXMClassBasic) {
		return basicHeads[uint8(head>>8)] == 0
	}
	return head != 0 // all zeros are padding, or nothing at all
}

// basicHeads holds the header of every standard field, unmasked and masked, by
// its third byte. Where there is no field there is 0.
var basicHeads = func() (heads [256]uint32) {
	for f := range fields {
		n := uint32(fields[f].length)
		heads[2*f] = uint32(OXMClassBasic)<<16 | uint32(2*f)<<8 | n
		heads[2*f+1] = uint32(OXMClassBasic)<<16 | uint32(2*f+1)<<8 | 2*n
	}
	return heads
}()

func (o *OXM) lengthError() error {
	return appendError(fmt.Sprintf("match field %v", o.Field()), ErrLength)
}

func (o *OXM) appendRaw(dst []byte) []byte {
	switch o.wire[3] { // the same
	case 2:
		return append(dst, o.wire[:oxmHeaderLen+2]...)
	case 4:
		return append(dst, o.wire[:oxmHeaderLen+4]...)
	case 6:
		return append(dst, o.wire[:oxmHeaderLen+6]...)
	}
	if o.isLong() {
		return append(append(dst, o.wire[:oxmHeaderLen]...), o.long.Value()...)
	}
	return append(dst, o.wire[:oxmHeaderLen+int(o.wire[3])]...)
}
