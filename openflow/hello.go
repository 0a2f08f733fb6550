package openflow

// Hello opens a connection from either side and negotiates the version (§7.5.1).
type Hello struct {
	Elements []HelloElement
}

// HelloVersionBitmap is the type of the hello element that lists versions (§7.5.1).
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

// Supports reports whether the sender of the hello can speak version v. headerVersion is the version in
// the hello's header, which counts only where there is no bitmap: it is then the highest of all that the
// sender speaks.
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
