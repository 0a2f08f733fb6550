package store

import (
	"bytes"
	"context"
	"fmt"
	"hash/maphash"
	"os"
	"slices"
)

// A Findings is what an examination of a store has found.
type Findings struct {
	Records   int      // that were read
	Uncertain int      // of these, in pages that nothing leads to any more, or that are out of date
	Damages   []Damage // none: the store is whole
}

// A Record is one of the store, as an examination finds it.
type Record struct {
	Bucket     Bucket // "": not known any more
	Key, Value []byte // valid during the call
	Uncertain  bool   // it may be out of date, or of another bucket
	Broken     bool   // its checksum is wrong
}

// Examine reads the file at path as far as it can be read, whatever is damaged,
// and calls visit, which may be nil, with each record. It stops at visit's
// first error. No store may have the file open; ErrLocked says that one has.
func Examine(ctx context.Context, path string, visit func(Record) error) (found Findings, err error) {
	file, err := openRegular(path)
	if err != nil {
		return found, fmt.Errorf("store: %w", err)
	}
	defer file.Close()
	if err := lockFile(file, lockTimeout); err != nil {
		return found, lockedError(path)
	}
	info, err := file.Stat()
	if err != nil {
		return found, fmt.Errorf("store: %w", err)
	}
	pages, heads, wrong := openPages(file, info.Size())
	found.Damages = append(found.Damages, wrong...)
	certain := func(r Record) error {
		found.Records++
		if visit == nil {
			return nil
		}
		return visit(r)
	}
	s := &salvage{
		pageFile: pages, given: map[string]bool{}, copies: map[uint64]bool{}, seed: maphash.MakeSeed(),
		visit: visit, found: &found,
	}
	if len(heads) > 0 {
		w, err := inspect(ctx, pages, heads[0], certain)
		found.Damages = append(found.Damages, w.damages...)
		if err != nil {
			return found, err
		}
		s.missing, s.seen = w.damages, w.seen
	} else {
		s.missing, s.seen = []Damage{{tree: true}}, nil
	}
	return found, s.run(ctx, heads)
}

// oldRoots returns heads for the pages that once were roots of the tree: they
// have buckets only. What leads to the most records is first.
func (f *pageFile) oldRoots(ctx context.Context) (heads []head, err error) {
	pages, records := uint64(f.size/f.pageSize), map[uint64]int{}
	for id := uint64(2); id < pages && len(heads) < mostRoots; id++ {
		n, err := f.node(id, pages)
		if err != nil || n.kind != leafPage || n.bad > 0 || len(n.elems) == 0 || n.elems[0].flags != bucketFlag {
			continue
		}
		h := head{root: id, freelist: noFreelist, pages: pages}
		w, err := inspect(ctx, f, h, nil)
		if err != nil {
			return nil, err
		}
		heads, records[id] = append(heads, h), w.records
	}
	slices.SortStableFunc(heads, func(a, b head) int { return records[b.root] - records[a.root] })
	return heads, nil
}

// mostRoots is how many old roots are followed. Each is a walk through the
// file.
const mostRoots = 64

// A salvage looks for the records that the tree leads to no more.
type salvage struct {
	*pageFile
	missing []Damage
	seen    pageSet
	given   map[string]bool // bucket and key of what was found
	copies  map[uint64]bool // hashes of key and value of what was found
	seed    maphash.Seed
	visit   func(Record) error
	found   *Findings
}

// run looks in older trees first, which have names of buckets, and then in
// pages that nothing leads to.
func (s *salvage) run(ctx context.Context, heads []head) (err error) {
	lost, rootLost := false, false
	for _, d := range s.missing {
		lost, rootLost = lost || d.tree, rootLost || d.tree && d.Bucket == ""
	}
	if !lost {
		return nil
	}
	older := heads[min(1, len(heads)):]
	if rootLost {
		roots, err := s.oldRoots(ctx)
		if err != nil {
			return err
		}
		older = append(slices.Clone(older), roots...)
	}
	for _, h := range older {
		w := &walker{pageFile: s.pageFile, head: h, visit: s.old}
		if err := w.walk(ctx); err != nil {
			return err
		}
		s.seen.addAll(w.seen)
	}
	return s.loose(ctx, heads)
}

// old gives a record of an older tree, if the newest may have lost it.
func (s *salvage) old(r Record) error {
	for _, d := range s.missing {
		if d.covers(r.Bucket, r.Key) {
			return s.give(r)
		}
	}
	return nil
}

// covers reports whether a record of the bucket would be in what is missing.
func (d Damage) covers(bucket Bucket, key []byte) bool {
	return d.tree && (d.Bucket == "" || d.Bucket == bucket) &&
		bytes.Compare(key, d.from) >= 0 && (d.to == nil || bytes.Compare(key, d.to) < 0)
}

// loose looks at the pages that no tree leads to and that are not known to be
// free.
func (s *salvage) loose(ctx context.Context, heads []head) error {
	pages := uint64(s.size / s.pageSize)
	if len(heads) > 0 && heads[0].freelist != noFreelist {
		if ids, _, err := s.free(heads[0]); err == nil {
			s.seen.addAll(ids)
		}
	}
	for id := uint64(2); id < pages; id++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.seen.has(id) {
			continue
		}
		n, err := s.node(id, pages)
		if err != nil || n.kind != leafPage || n.bad > 0 || len(n.elems) == 0 {
			continue
		}
		if err := s.leaf(n); err != nil {
			return err
		}
	}
	return nil
}

// leaf gives the records of a leaf whose keys are all in what is missing.
func (s *salvage) leaf(n *node) error {
	first, last := n.elems[0].key, n.elems[len(n.elems)-1].key
	for _, d := range s.missing {
		if !d.covers(d.Bucket, first) || !d.covers(d.Bucket, last) {
			continue
		}
		for _, e := range n.elems {
			if e.flags != 0 {
				return nil
			}
			if err := s.give(d.lost(e)); err != nil {
				return err
			}
		}
		return nil
	}
	return nil
}

// lost returns an element of a loose page as the record that is missing. Where
// its bucket is not known the checksum, if it is right, shows that there is
// one.
func (d Damage) lost(e elem) Record {
	_, sealed := unseal(e.key, e.value)
	return recordOf(d.Bucket, d.sealed || d.Bucket == "" && sealed, e)
}

// give visits a record, once. One whose bucket is not known any more is a copy
// if another was found with the same key and value: pages that are out of date
// have some.
func (s *salvage) give(r Record) error {
	name := string(r.Bucket) + "\x00" + string(r.Key)
	sum := maphash.String(s.seed, string(r.Key)+"\x00"+string(r.Value))
	if s.given[name] || r.Bucket == "" && s.copies[sum] {
		return nil
	}
	s.given[name], s.copies[sum] = true, true
	s.found.Records++
	s.found.Uncertain++
	if s.visit == nil {
		return nil
	}
	r.Uncertain = true
	return s.visit(r)
}

// check returns an error that names what is damaged in the file at path, which
// the caller has locked. A file that is absent or empty becomes a store.
func check(ctx context.Context, path string, file *os.File, always int64) (later bool, err error) {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return false, err
	}
	f, heads, wrong := openPages(file, info.Size())
	if len(wrong) > 0 {
		return false, damagedError(path, wrong[0].String(), len(wrong))
	}
	// Without a freelist bbolt reads all pages too.
	if later := heads[0].freelist != noFreelist && f.size > always; later {
		return true, nil
	}
	return false, f.judge(ctx, path, heads[0])
}

// judge returns an error that names what is damaged below the head.
func (f *pageFile) judge(ctx context.Context, path string, h head) error {
	w, err := inspect(ctx, f, h, nil)
	if err != nil {
		return err
	}
	if n := len(w.damages); n > 0 {
		return damagedError(path, w.damages[0].String(), n)
	}
	return nil
}

func damagedError(path, first string, damages int) error {
	more := ""
	if damages > 1 {
		more = fmt.Sprintf(", and %d more", damages-1)
	}
	return fmt.Errorf("store: %s is damaged: %s%s: %w", path, first, more, ErrDamaged)
}

// Is reports whether the file at path begins as a store does.
func Is(path string) bool {
	file, err := openRegular(path)
	if err != nil {
		return false
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return false
	}
	_, heads, _ := openPages(file, info.Size())
	return len(heads) > 0
}
