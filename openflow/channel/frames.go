package channel

import (
	"io"

	"conga/openflow"
)

const (
	readMin = 4 << 10  // bytes a read buffer has at first
	readMax = 64 << 10 // and at most; the longest message fits
)

// frames cuts the byte stream into messages. Its buffer starts small, because many switches are idle, and
// doubles while reads fill it.
type frames struct {
	buf        []byte
	start, end int // what of buf is read and not yet consumed
}

// next returns the next whole message that is in the buffer, valid until the next call of fill, or nil if more
// must be read. An error means that where messages begin is lost: a header says it is shorter than a header.
func (f *frames) next() (openflow.Header, []byte, error) {
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

// fill reads once. After an error, such as a deadline, it can be called again and nothing is lost.
func (f *frames) fill(r io.Reader) error {
	f.makeRoom()
	n, err := r.Read(f.buf[f.end:])
	f.end += n
	if n > 0 {
		return nil // an error that came with data comes again
	}
	return err
}

// makeRoom moves what is left to the front, and grows the buffer if it is more than half full.
func (f *frames) makeRoom() {
	left := f.buf[f.start:f.end]
	buf := f.buf
	switch {
	case buf == nil:
		buf = make([]byte, readMin)
	case (len(left) > len(buf)/2 || f.end == len(buf)) && len(buf) < readMax:
		buf = make([]byte, 2*len(buf))
	case f.start == 0:
		return
	}
	f.start, f.end = 0, copy(buf, left)
	f.buf = buf
}

// rest returns how many bytes are read and not yet consumed.
func (f *frames) rest() int { return f.end - f.start }
