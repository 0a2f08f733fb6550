package store

import (
	"bytes"
	"context"
	"fmt"
	"strings"
)

// A Damage is a part of a store that cannot be read, or not be trusted.
type Damage struct {
	Page   uint64
	Bucket Bucket // whose records are concerned; "": of all, or none
	Reason string

	from, to []byte // between which keys; nil: from the first, to the last
	tree     bool   // records are missing
	sealed   bool   // these have checksums
}

// String returns a sentence without a full stop.
func (d Damage) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "page %d: %s", d.Page, d.Reason)
	switch {
	case d.tree && d.Bucket == "":
		s.WriteString("; all records below it are concerned")
	case d.tree:
		fmt.Fprintf(&s, "; records of %s are concerned", d.Bucket)
	}
	return s.String()
}

// A walker visits the pages of a tree, once each.
type walker struct {
	*pageFile
	head    head
	seen    pageSet
	path    []*node // those on the way to the page that is visited, used again
	damages []Damage
	records int // that were read
	visit   func(Record) error
}

// A span is where in a tree a page is, and what its keys are between.
type span struct {
	bucket   Bucket
	sealed   bool // its values have checksums
	from, to []byte
}

// A visitor is called with an element of the leaf on a page, which is so many
// below the root.
type visitor func(ctx context.Context, depth int, page uint64, s span, e elem) error

// walk visits all that is reachable from the head. Its error is visit's, or
// that of ctx; damage is none.
func (w *walker) walk(ctx context.Context) error {
	w.seen = nil
	return w.page(ctx, 0, w.head.root, span{}, w.bucket)
}

func (w *walker) damaged(page uint64, s span, format string, args ...any) {
	w.damages = append(w.damages, Damage{
		Page: page, Bucket: s.bucket, Reason: fmt.Sprintf(format, args...),
		from: bytes.Clone(s.from), to: bytes.Clone(s.to), tree: true, sealed: s.sealed,
	})
}

// at returns the node whose memory is for a page so many below the root.
func (w *walker) at(depth int) *node {
	if depth == len(w.path) {
		w.path = append(w.path, new(node))
	}
	return w.path[depth]
}

// page visits a page, which is so many below the root, and what is below it; f
// is called with each element of a leaf.
func (w *walker) page(ctx context.Context, depth int, id uint64, s span, f visitor) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.seen.has(id) {
		w.damaged(id, s, "two others lead to it")
		return nil
	}
	n := w.at(depth)
	if err := w.read(n, id, w.head.pages); err != nil {
		w.damaged(id, s, "%v", err)
		return nil
	}
	for i := range n.pages {
		w.seen.add(id + i)
	}
	var err error
	lost := n.bad
	for i, e := range n.elems {
		if bytes.Compare(e.key, s.from) < 0 && (n.kind == leafPage || i > 0) || s.to != nil && bytes.Compare(e.key, s.to) >= 0 {
			lost++
			continue
		}
		if n.kind == leafPage {
			err = f(ctx, depth, id, s, e)
		} else {
			below := span{s.bucket, s.sealed, e.key, s.to}
			if i+1 < len(n.elems) {
				below.to = n.elems[i+1].key
			}
			if i == 0 {
				below.from = s.from
			}
			err = w.page(ctx, depth+1, e.child, below, f)
		}
		if err != nil {
			return err
		}
	}
	if lost > 0 {
		w.damaged(id, s, "%d of its %d elements cannot be read", lost, len(n.elems)+n.bad)
	}
	return nil
}

// bucket visits a bucket, which is an element of the root.
func (w *walker) bucket(ctx context.Context, depth int, page uint64, _ span, e elem) error {
	var s span
	s.bucket, s.sealed = bucketOf(e.key)
	if e.flags != bucketFlag || len(e.value) < headerSize {
		w.damaged(page, s, "an element of it is no bucket")
		return nil
	}
	if root := order.Uint64(e.value); root != 0 {
		return w.page(ctx, depth+1, root, s, w.record)
	}
	inline := e.value[headerSize:]
	if len(inline) < headerSize {
		w.damaged(page, s, "a bucket in it was cut short")
		return nil
	}
	n := new(node)
	err := n.parse(inline, order.Uint16(inline[8:]), int(order.Uint16(inline[10:])))
	if err != nil || n.kind != leafPage || n.bad > 0 {
		w.damaged(page, s, "a bucket in it cannot be read")
	}
	if err != nil {
		return nil
	}
	for _, e := range n.elems {
		if err := w.record(ctx, depth, page, s, e); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) record(_ context.Context, _ int, page uint64, s span, e elem) error {
	if e.flags != 0 {
		w.damaged(page, s, "an element of it is no record")
		return nil
	}
	w.records++
	if w.visit == nil {
		return nil
	}
	return w.visit(recordOf(s.bucket, s.sealed, e))
}

// recordOf returns the record that an element is, whose value may have a
// checksum.
func recordOf(bucket Bucket, sealed bool, e elem) Record {
	r := Record{Bucket: bucket, Key: e.key, Value: e.value}
	if sealed {
		value, whole := unseal(e.key, e.value)
		r.Value, r.Broken = value, !whole
	}
	return r
}

// freelist checks the pages that are said to be free against those that are
// reachable: what is free is written over.
func (w *walker) freelist() {
	if w.head.freelist == noFreelist {
		return
	}
	wrong := func(format string, args ...any) {
		w.damages = append(w.damages, Damage{Page: w.head.freelist, Reason: "the list of free pages: " + fmt.Sprintf(format, args...)})
	}
	free, span, err := w.free(w.head)
	if err != nil {
		wrong("%v", err)
		return
	}
	for i := range span {
		if w.seen.has(w.head.freelist + i) {
			wrong("page %d has records too", w.head.freelist+i)
			return
		}
	}
	for id := range free.all() {
		if w.seen.has(id) {
			wrong("page %d is in it, and has records", id)
			return
		}
	}
}

// inspect visits all records of a file and returns how many it has read, and
// what is damaged.
func inspect(ctx context.Context, f *pageFile, h head, visit func(Record) error) (*walker, error) {
	w := &walker{pageFile: f, head: h, visit: visit}
	if f.size < int64(h.pages)*f.pageSize {
		w.damages = append(w.damages, Damage{
			Page: uint64(f.size / f.pageSize), Reason: fmt.Sprintf("the file ends there and was cut; it had %d pages", h.pages),
		})
	}
	if err := w.walk(ctx); err != nil {
		return w, err
	}
	w.freelist()
	return w, nil
}
