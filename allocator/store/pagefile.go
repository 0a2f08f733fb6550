package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"

	"go.etcd.io/bbolt"
)

// What bbolt writes: a file of pages, of which the first two are heads that are
// written in rotation. Numbers have the order of bytes of the machine.
const (
	headerSize = 16 // of a page: its ID, kind, count of elements, and how many pages follow it
	elemSize   = 16 // of an element of a page

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10

	bucketFlag = 0x01 // of an element whose value is a bucket

	magic      = 0xED0CDAED
	version    = 2
	headBytes  = 64 // of a head, its sum last
	noFreelist = ^uint64(0)

	leastPage, mostPage = 1 << 10, 1 << 24 // bytes
)

var order = binary.NativeEndian

// A pageFile reads the pages of a bbolt file without trusting what they say:
// bbolt itself panics at a damaged page, and in a goroutine of its own, where
// nothing can recover.
type pageFile struct {
	io.ReaderAt
	size     int64 // bytes
	pageSize int64
}

// A head is what one of the first two pages says.
type head struct {
	root, freelist uint64 // pages
	pages          uint64 // how many the file has
	txid           uint64
}

// An elem is an element of a page.
type elem struct {
	flags      uint32
	key, value []byte // of a leaf
	child      uint64 // of a branch
}

// A node is a page with those that follow it.
type node struct {
	kind  uint16
	pages uint64 // it and those that follow it
	elems []elem // their keys and values are parts of buf
	bad   int    // elements that cannot be read
	buf   []byte
}

// openPages returns the file with its valid heads, the newest first, and what
// is wrong with the others.
func openPages(r io.ReaderAt, size int64) (f *pageFile, heads []head, wrong []Damage) {
	f = &pageFile{ReaderAt: r, size: size, pageSize: pageSizeOf(r, size)}
	for id := range uint64(2) {
		h, err := f.head(id)
		if err != nil {
			wrong = append(wrong, Damage{Page: id, Reason: "a head of the file: " + err.Error()})
			continue
		}
		heads = append(heads, h)
	}
	if len(heads) == 2 && heads[1].txid > heads[0].txid {
		heads[0], heads[1] = heads[1], heads[0]
	}
	return f, heads, wrong
}

// pageSizeOf returns the size that a valid head says, and the usual one if none
// is valid.
func pageSizeOf(r io.ReaderAt, size int64) int64 {
	for at := int64(0); at < min(size, mostPage); at = max(leastPage, 2*at) {
		f := pageFile{ReaderAt: r, size: size, pageSize: at}
		id := uint64(1)
		if at == 0 {
			id = 0
		}
		if _, err := f.head(id); err == nil {
			b := make([]byte, 4)
			if _, err := r.ReadAt(b, at+headerSize+8); err == nil {
				if n := int64(order.Uint32(b)); n >= leastPage && n <= mostPage {
					return n
				}
			}
		}
	}
	return 4096
}

// head reads page id, which is 0 or 1.
func (f *pageFile) head(id uint64) (h head, err error) {
	b := make([]byte, headerSize+headBytes)
	if _, err := f.ReadAt(b, int64(id)*f.pageSize); err != nil {
		return h, readError(err)
	}
	b = b[headerSize:]
	sum := fnv.New64a()
	sum.Write(b[:headBytes-8])
	switch {
	case order.Uint32(b) != magic:
		return h, errors.New("it is not one")
	case order.Uint32(b[4:]) != version:
		return h, fmt.Errorf("it has version %d, not %d", order.Uint32(b[4:]), version)
	case order.Uint64(b[56:]) != sum.Sum64():
		return h, errors.New("its checksum is wrong")
	}
	return head{root: order.Uint64(b[16:]), freelist: order.Uint64(b[32:]), pages: order.Uint64(b[40:]), txid: order.Uint64(b[48:])}, nil
}

// readError returns err in words about the file.
func readError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is behind the end of the file, which was cut")
	}
	return err
}

// raw reads the bytes of page id and of those that follow it, into buf if they
// fit, and returns them and the page's kind.
func (f *pageFile) raw(buf []byte, id, pages uint64) (b []byte, kind uint16, count int, err error) {
	if id < 2 || id >= pages {
		return buf, 0, 0, fmt.Errorf("there is no page %d among %d", id, pages)
	}
	b = slices.Grow(buf[:0], int(f.pageSize))[:f.pageSize]
	if _, err := f.ReadAt(b, int64(id)*f.pageSize); err != nil {
		return b, 0, 0, readError(err)
	}
	kind, count = order.Uint16(b[8:]), int(order.Uint16(b[10:]))
	more := uint64(order.Uint32(b[12:]))
	switch {
	case len(bytes.Trim(b, "\x00")) == 0:
		return b, 0, 0, errors.New("it is all zeros")
	case order.Uint64(b) != id:
		return b, 0, 0, errors.New("it is not the page that belongs there")
	case id+more >= pages || int64(id+more+1)*f.pageSize > f.size && more > 0:
		return b, 0, 0, errors.New("it goes on behind the end of the file")
	}
	if more > 0 {
		b = slices.Grow(b, int(int64(more)*f.pageSize))[:int64(more+1)*f.pageSize]
		if _, err := f.ReadAt(b[f.pageSize:], int64(id+1)*f.pageSize); err != nil {
			return b, 0, 0, readError(err)
		}
	}
	return b, kind, count, nil
}

// node reads page id, which must be a branch or a leaf of a tree.
func (f *pageFile) node(id, pages uint64) (*node, error) {
	n := new(node)
	return n, f.read(n, id, pages)
}

// read reads page id into n, whose memory it uses again.
func (f *pageFile) read(n *node, id, pages uint64) error {
	b, kind, count, err := f.raw(n.buf, id, pages)
	n.buf = b
	if err != nil {
		return err
	}
	n.pages = uint64(int64(len(b)) / f.pageSize)
	return n.parse(b, kind, count)
}

// parse reads the elements of a page. Those that point out of it, or are out of
// order, are bad.
func (n *node) parse(b []byte, kind uint16, count int) error {
	n.kind, n.elems, n.bad = kind, n.elems[:0], 0
	switch {
	case kind != branchPage && kind != leafPage:
		return errors.New("it is of no kind that belongs there")
	case headerSize+count*elemSize > len(b):
		return errors.New("it says that it has more elements than a page can")
	case kind == branchPage && count == 0:
		return errors.New("it leads nowhere")
	}
	var last []byte
	for i := range count {
		at := headerSize + i*elemSize
		e, ok := parseElem(b, at, kind)
		if !ok || last != nil && bytes.Compare(e.key, last) <= 0 {
			n.bad++
			continue
		}
		last = e.key
		n.elems = append(n.elems, e)
	}
	return nil
}

func parseElem(b []byte, at int, kind uint16) (e elem, ok bool) {
	var pos, keySize, valueSize uint64
	if kind == branchPage {
		pos, keySize, e.child = uint64(order.Uint32(b[at:])), uint64(order.Uint32(b[at+4:])), order.Uint64(b[at+8:])
	} else {
		e.flags, pos = order.Uint32(b[at:]), uint64(order.Uint32(b[at+4:]))
		keySize, valueSize = uint64(order.Uint32(b[at+8:])), uint64(order.Uint32(b[at+12:]))
	}
	from := uint64(at) + pos
	if keySize == 0 || keySize > bbolt.MaxKeySize || pos < elemSize || from+keySize+valueSize > uint64(len(b)) || e.flags > bucketFlag {
		return e, false
	}
	e.key, e.value = b[from:from+keySize], b[from+keySize:from+keySize+valueSize]
	return e, true
}

// free returns which of the file's pages are free, as the freelist of h says,
// and how many pages it is on itself.
func (f *pageFile) free(h head) (ids pageSet, span uint64, err error) {
	b, kind, count, err := f.raw(nil, h.freelist, h.pages)
	if err != nil {
		return nil, 1, err
	}
	if kind != freelistPage {
		return nil, 1, errors.New("it is of no kind that belongs there")
	}
	at, n := headerSize, uint64(count)
	if count == 0xFFFF { // the number follows
		n, at = order.Uint64(b[at:]), at+8
	}
	if n > uint64(len(b)-at)/8 {
		return nil, 1, errors.New("it says that it has more pages than it can")
	}
	last := uint64(1)
	for ; n > 0; n-- {
		id := order.Uint64(b[at:])
		if id <= last || id >= h.pages {
			return nil, 1, errors.New("its pages are out of order")
		}
		if id < uint64(f.size/f.pageSize) {
			ids.add(id)
		}
		last, at = id, at+8
	}
	return ids, uint64(int64(len(b)) / f.pageSize), nil
}
