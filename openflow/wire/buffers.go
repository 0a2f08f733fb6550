package wire

import "sync"

const (
	// BufferSize is the bytes of a lent buffer; the longest message fits.
	BufferSize = 64 << 10
	// ownSize is the bytes of a buffer that a connection may keep while it is
	// idle.
	ownSize = 4 << 10
	// smallSize is the bytes of a buffer for a few messages.
	smallSize = 512
)

// buffers are lent to readers and writers while bytes are in them: most
// connections are idle at any moment, and the large buffers are as many as
// connections at work.
var buffers = sync.Pool{New: func() any { return new([BufferSize]byte) }}

// Lend returns an empty buffer with a capacity of BufferSize.
func Lend() []byte { return buffers.Get().(*[BufferSize]byte)[:0] }

// GiveBack takes back a buffer that was lent, and ignores others.
func GiveBack(b []byte) {
	if cap(b) == BufferSize {
		buffers.Put((*[BufferSize]byte)(b[:BufferSize]))
	}
}

// Emptied returns what a connection keeps of a buffer of which all has been
// taken: nothing, if it is large.
func Emptied(b []byte) []byte {
	if cap(b) <= ownSize {
		return b[:0]
	}
	GiveBack(b)
	return nil
}

// Roomy returns b, or a buffer with the same bytes if b is about to outgrow it:
// a small one at first, then a lent one.
func Roomy(b []byte) []byte {
	switch {
	case cap(b) == 0:
		return make([]byte, 0, smallSize)
	case len(b) < smallSize*3/4 || cap(b) > ownSize:
		return b
	}
	return append(Lend(), b...)
}
