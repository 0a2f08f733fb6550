package openflow

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// cursor walks one message. The first failure sticks, and every later read
// returns nothing, so that parsers read top to bottom and check once.
type cursor struct {
	b   []byte // the whole message, so that off is what a ParseError reports
	off int
	end int // of the message, or of the TLV being read
	typ Type
	err *ParseError
	odd uint64 // gathers bits that no field of the message shows; see asSent

	// Slabs that slices of the message are cut from.
	oxms   slab[OXM]
	ins    slab[Instruction]
	acts   slab[Action]
	parser *Parser // whose memory flow entries are read into, or nil
}

func (c *cursor) fail(field string, off int, err error) {
	if c.err == nil {
		c.err = &ParseError{Msg: c.typ, Field: field, Offset: off, Err: err}
	}
}

func (c *cursor) left() int { return c.end - c.off }

// more reports whether a list goes on: bytes are left and nothing failed.
func (c *cursor) more() bool { return c.err == nil && c.off < c.end }

// take returns the next n bytes, aliased, or nil when fewer are left.
func (c *cursor) take(n int, field string) []byte {
	if c.err != nil {
		return nil
	}
	if n > c.left() {
		c.fail(field, c.off, ErrShort)
		return nil
	}
	p := c.b[c.off : c.off+n : c.off+n]
	c.off += n
	return p
}

// rest returns a copy of what is left, nil if that is nothing.
func (c *cursor) rest() []byte {
	if !c.more() {
		return nil
	}
	return bytes.Clone(c.take(c.left(), "data"))
}

// restString returns what rest does as a string, for the comparable types.
func (c *cursor) restString() string {
	return string(c.take(max(c.left(), 0), "data"))
}

// peek16 returns the 16-bit number at distance at from here, which need not be
// there.
func (c *cursor) peek16(at int) (uint16, bool) {
	if c.err != nil || c.left() < at+2 {
		return 0, false
	}
	return binary.BigEndian.Uint16(c.b[c.off+at:]), true
}

// enter narrows the cursor to the next element, whose length field lies at
// distance at and must count at least least bytes. It returns the end to hand
// to leave.
func (c *cursor) enter(field string, at, least int) (outer int, ok bool) {
	n, ok := c.peek16(at)
	switch {
	case c.err != nil:
		return c.end, false
	case !ok:
		c.fail(field, c.off, ErrShort)
		return c.end, false
	case int(n) < least:
		c.fail(field+" length", c.off+at, ErrLength)
		return c.end, false
	case int(n) > c.left():
		c.fail(field, c.off, ErrShort)
		return c.end, false
	}
	outer = c.end
	c.end = c.off + int(n)
	return outer, true
}

// leave ends an element, all of which must have been read.
func (c *cursor) leave(field string, outer int) {
	if c.more() {
		c.fail(field+" length", c.off, ErrLength)
	}
	c.end = outer
}

// pad skips to the next multiple of 8 after n bytes of an element that has been
// read.
func (c *cursor) pad(n int, field string) {
	if n = padding(n); c.take(n, field) != nil {
		c.odd |= lastBytes(c.b[:c.off], n)
	}
}

// lastBytes returns the last n bytes of b, at most 7, as a number. Before any
// padding there is at least a header, so that one load of 8 bytes does.
func lastBytes(b []byte, n int) uint64 {
	return binary.BigEndian.Uint64(b[len(b)-8:]) & (1<<(8*n&63) - 1)
}

// zeros notes whether bytes that should be zero are.
func (c *cursor) zeros(p []byte) {
	for _, octet := range p {
		c.odd |= uint64(octet)
	}
}

// padding returns how many bytes follow n to make a multiple of 8.
func padding(n int) int { return -n & 7 }

// text reads a NUL-padded string.
func (c *cursor) text(p []byte) string {
	if i := bytes.IndexByte(p, 0); i >= 0 {
		c.zeros(p[i:])
		p = p[:i]
	}
	return string(p)
}

// putText writes s NUL-padded into p, which is zero.
func putText(p []byte, field, s string) error {
	if len(s) > len(p) || strings.IndexByte(s, 0) >= 0 {
		return appendError(field, ErrValue)
	}
	copy(p, s)
	return nil
}

// grow extends dst by n zero bytes, and returns them too.
func grow(dst []byte, n int) (out, added []byte) {
	at := len(dst)
	dst = slices.Grow(dst, n)[:at+n]
	clear(dst[at:])
	return dst, dst[at:]
}

// appendPadding appends zeros until the element that starts at start has a
// length of a multiple of 8.
func appendPadding(dst []byte, start int) []byte {
	switch padding(len(dst) - start) { // an append of constant length needs no call
	case 1:
		return append(dst, 0)
	case 2:
		return append(dst, 0, 0)
	case 3:
		return append(dst, 0, 0, 0)
	case 4:
		return append(dst, 0, 0, 0, 0)
	case 5:
		return append(dst, 0, 0, 0, 0, 0)
	case 6:
		return append(dst, 0, 0, 0, 0, 0, 0)
	case 7:
		return append(dst, 0, 0, 0, 0, 0, 0, 0)
	}
	return dst
}

// putLength back-patches the length of the element that starts at start into
// its length field.
func putLength(dst []byte, start, at int, field string) error {
	n := len(dst) - start
	if n > MaxLen {
		return lengthError(field)
	}
	binary.BigEndian.PutUint16(dst[start+at:], uint16(n))
	return nil
}

// lengthError returns ErrLength. It is separate so that calls of putLength are
// inlined.
//
//go:noinline
func lengthError(field string) error { return appendError(field, ErrLength) }

func appendError(field string, err error) error {
	return fmt.Errorf("openflow: append %s: %w", field, err)
}
