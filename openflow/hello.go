package openflow

import "encoding/binary"

// Hello opens a connection from either side and negotiates the version
// (§7.5.1).
type Hello struct {
	Elements []HelloElement

	asSent
}

// HelloVersionBitmap is the type of the hello element that lists versions
// (§7.5.1).
const HelloVersionBitmap uint16 = 1

// A HelloElement is one TLV of a hello (§7.5.1).
type HelloElement struct {
	Type   uint16
	Bitmap []uint32 // of a version bitmap: bit v%32 of word v/32 is version v
	Data   []byte   // of any other type: the payload
}

// NewHello returns a hello that offers the given versions in a bitmap.
func NewHello(versions ...uint8) *Hello {
	var bitmap []uint32
	for _, v := range versions {
		for len(bitmap) <= int(v/32) {
			bitmap = append(bitmap, 0)
		}
		bitmap[v/32] |= 1 << (v % 32)
	}
	return &Hello{Elements: []HelloElement{{Type: HelloVersionBitmap, Bitmap: bitmap}}}
}

// Supports reports whether the sender of the hello can speak version v.
// headerVersion is the version in the hello's header, which counts only where
// there is no bitmap: it is then the highest of all that the sender speaks.
func (m *Hello) Supports(headerVersion, v uint8) bool {
	for _, e := range m.Elements {
		if e.Type == HelloVersionBitmap {
			return int(v/32) < len(e.Bitmap) && e.Bitmap[v/32]&(1<<(v%32)) != 0
		}
	}
	return headerVersion >= v
}

// Type implements [Message].
func (*Hello) Type() Type { return TypeHello }

func parseHello(c *cursor, version uint8) Message {
	if version < Version {
		// Hello elements came with this version; what older ones send as a body
		// is to be ignored.
		c.off = c.end
		return &Hello{}
	}
	m := &Hello{}
	for c.more() {
		start := c.off
		outer, ok := c.enter("hello element", 2, 4)
		if !ok {
			break
		}
		n := c.left()
		p := c.take(4, "hello element")
		e := HelloElement{Type: binary.BigEndian.Uint16(p)}
		if e.Type == HelloVersionBitmap {
			if n%4 != 0 {
				c.fail("version bitmap length", start+2, ErrLength)
			}
			for c.more() {
				e.Bitmap = append(e.Bitmap, binary.BigEndian.Uint32(c.take(4, "version bitmap")))
			}
		} else {
			e.Data = c.rest()
		}
		c.leave("hello element", outer)
		c.pad(n, "hello element padding")
		m.Elements = append(m.Elements, e)
	}
	return m
}

func (m *Hello) appendBody(dst []byte) ([]byte, error) {
	for _, e := range m.Elements {
		start := len(dst)
		dst = binary.BigEndian.AppendUint16(dst, e.Type)
		dst = append(dst, 0, 0)
		if e.Type == HelloVersionBitmap {
			for _, word := range e.Bitmap {
				dst = binary.BigEndian.AppendUint32(dst, word)
			}
		} else {
			dst = append(dst, e.Data...)
		}
		if err := putLength(dst, start, 2, "hello element"); err != nil {
			return nil, err
		}
		dst = appendPadding(dst, start)
	}
	return dst, nil
}
