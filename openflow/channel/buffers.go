package channel

import "sync"

const (
	bufferSize = 64 << 10 // bytes of a lent buffer; the longest message fits
	ownSize    = 4 << 10  // bytes of a buffer that a connection may keep while it is idle
)

// buffers are lent to readers and writers while bytes are in them: most connections are idle at any moment, and the
// large buffers are as many as connections at work.
var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// lend returns an empty buffer with a capacity of bufferSize.
func lend() []byte { return buffers.Get().(*[bufferSize]byte)[:0] }

// giveBack takes a buffer that was lent; others are left alone.
func giveBack(b []byte) {
	if cap(b) == bufferSize {
		buffers.Put((*[bufferSize]byte)(b[:bufferSize]))
	}
}

// emptied returns what a connection keeps of a buffer of which all has been taken: nothing, if it is large.
func emptied(b []byte) []byte {
	if cap(b) <= ownSize {
		return b[:0]
	}
	giveBack(b)
	return nil
}

// roomy returns b, or a lent buffer with the same bytes if b is about to outgrow what a connection may keep.
func roomy(b []byte) []byte {
	if len(b) < ownSize/2 || cap(b) > ownSize {
		return b
	}
	return append(lend(), b...)
}
