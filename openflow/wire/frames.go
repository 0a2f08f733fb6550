package wire

import (
	"io"

	"conga/openflow"
)

// Frames cuts a byte stream into messages. While it holds no bytes it holds no
// more than a small buffer.
type Frames struct {
	buf        []byte
	start, end int // what of buf is read and not yet consumed
	own        []byte
}

// Next returns the next whole message that is in the buffer, valid until the
// next call of Fill, or nil if more must be read. An error means that the
// boundaries of messages are lost: a header announces a message that is shorter
// than a header.
func (f *Frames) Next() (openflow.Header, []byte, error) {
	b := f.buf[f.start:f.end]
	if len(b) < openflow.HeaderLen {
		return openflow.Header{}, nil, nil
	}
	h, err := openflow.ParseHeader(b)
	if err != nil {
		return h, nil, err
	}
	n := int(h.Length)
	if len(b) < n {
		return h, nil, nil
	}
	f.start += n
	return h, b[:n:n], nil
}

// Fill reads once. After an error, such as a deadline, it can be called again
// and nothing is lost.
func (f *Frames) Fill(r io.Reader) error {
	if f.Rest() == 0 {
		f.release()
		if f.own == nil {
			f.own = make([]byte, ownSize)
		}
		f.buf = f.own
	}
	f.makeRoom(len(f.buf) < BufferSize && f.end == len(f.buf))
	n, err := r.Read(f.buf[f.end:])
	f.end += n
	if n > 0 {
		return nil // an error that came with data comes again
	}
	return err
}

// makeRoom moves what is left to the front: of a large buffer if grow is true
// or what is left fills more than half of a small one.
func (f *Frames) makeRoom(grow bool) {
	left := f.buf[f.start:f.end]
	switch {
	case len(f.buf) < BufferSize && (grow || len(left) > len(f.buf)/2):
		f.buf = Lend()[:BufferSize]
	case f.start == 0:
		return
	}
	f.start, f.end = 0, copy(f.buf, left)
}

// release gives an empty buffer back.
func (f *Frames) release() {
	GiveBack(f.buf)
	f.buf, f.start, f.end = nil, 0, 0
}

// Rest returns how many bytes are read and not yet consumed.
func (f *Frames) Rest() int { return f.end - f.start }

// Left returns the bytes that are read and not yet consumed, valid until the
// next call of Fill.
func (f *Frames) Left() []byte { return f.buf[f.start:f.end] }
