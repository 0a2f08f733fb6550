package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"conga/allocator/store"
)

// Filter chooses records; zero fields choose all.
type Filter struct {
	Seq        uint64 // this record alone
	Since      int64  // UNIX seconds
	Actor      string // user
	Project    string
	Allocation string // its ID
}

// passes reports whether a list with the filter has the record.
func (f Filter) passes(r *Record) bool {
	return (f.Seq == 0 || r.Seq == f.Seq) && r.Time >= f.Since && (f.Actor == "" || r.User == f.Actor) &&
		(f.Project == "" || r.Project == f.Project) && (f.Allocation == "" || r.Allocation == f.Allocation)
}

// List returns a page of the records that the filter chooses, newest first, and
// how many it chooses in all. first and most count records.
func (l *Log) List(ctx context.Context, f Filter, first, most int) (page []Record, total int, err error) {
	page, err = l.Cut(ctx, f, func(n int, _ func(i int) uint64) (int, int) {
		total = n
		return min(first, n), min(first+most, n)
	})
	return page, total, err
}

// Cut returns those of the records that the filter chooses, newest first, that
// cut chooses: from the index first on to the one before last. cut is told how
// many there are, and may ask for the number of each, which descend.
func (l *Log) Cut(ctx context.Context, f Filter, cut func(total int, number func(i int) uint64) (first, last int)) (page []Record, err error) {
	// Only keys are kept at first: the log may be larger than what a reader
	// wants in memory, and one page of it is read after all.
	var chosen []string
	err = l.scan(ctx, f, "", "", func(key string, _ Record) { chosen = append(chosen, key) })
	if err != nil {
		return nil, fmt.Errorf("audit: list: %w", err)
	}
	slices.Reverse(chosen)
	first, last := cut(len(chosen), func(i int) uint64 { return numberOf(chosen[i]) })
	if first == last {
		return nil, nil
	}
	chosen = chosen[first:last]
	newest, oldest := chosen[0], chosen[len(chosen)-1]
	err = l.scan(ctx, f, oldest, newest, func(_ string, r Record) { page = append(page, r) })
	if err != nil {
		return nil, fmt.Errorf("audit: list: %w", err)
	}
	slices.Reverse(page)
	return page, nil
}

// scan calls each with the records chosen, those with keys from oldest to
// newest only if these are given. Without a filter or a range it decodes
// nothing: each then has the key alone.
func (l *Log) scan(ctx context.Context, f Filter, oldest, newest string, each func(key string, r Record)) error {
	hints := f.hints()
	return l.store.Scan(ctx, store.Audit, func(key string, value []byte) error {
		if newest == "" && f == (Filter{}) {
			each(key, Record{})
			return nil
		}
		if newest != "" && (key < oldest || key > newest) {
			return nil
		}
		if f.Seq != 0 && key != keyOf(f.Seq) {
			return nil
		}
		for _, hint := range hints {
			if !bytes.Contains(value, hint) {
				return nil
			}
		}
		r, err := decode(key, value)
		if err == nil && f.passes(&r) {
			each(key, r)
		}
		return nil // what has been damaged since the start is left out then
	})
}

// hints returns what the text of every chosen record contains: most others need
// not be decoded.
func (f Filter) hints() (out [][]byte) {
	for _, text := range []string{f.Actor, f.Project, f.Allocation} {
		if text == "" {
			continue
		}
		if quoted, err := json.Marshal(text); err == nil {
			out = append(out, quoted)
		}
	}
	return out
}
