package allocator

import (
	"context"
	"encoding/binary"
	"maps"
	"slices"

	"conga/allocator/store"
)

// loadCounts reads how many complete allocations there are. If one of the
// counts of the history cannot be read all are made anew, since nothing can be
// added to it.
func (a *Allocator) loadCounts(ctx context.Context, out *store.LeftOut) error {
	counts := map[string]int64{}
	whole := true
	for _, part := range [...]store.Span{{From: "c", To: "d"}, {From: "t", To: "u"}} {
		err := a.cfg.Store.Range(ctx, store.History, part, func(key string, value []byte) error {
			if err := checkHistoric(key, value); err != nil {
				out.Add(store.History, key, err)
				whole = false
				return nil
			}
			if key[0] == 't' {
				counts[key] = store.Count(value)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if !whole {
		recounted, err := a.recount(ctx)
		if err != nil {
			return err
		}
		counts = recounted
	}
	for key, n := range counts {
		if key[0] == 't' {
			a.completed[key[5:]] = int(n)
		}
	}
	return nil
}

// recount makes the counts of the history anew, of what projects have, and
// returns them by key.
func (a *Allocator) recount(ctx context.Context) (map[string]int64, error) {
	counts, old := map[string]int64{}, map[string]bool{}
	err := a.cfg.Store.Range(ctx, store.History, store.Span{From: "c", To: "u"}, func(key string, _ []byte) error {
		switch project, ok := projectOf(key); {
		case key[0] == 'c' || key[0] == 't':
			old[key] = true
		case key[0] == 'p' && ok:
			r := record{Seq: numberOf(key)}
			r.ProjectID = project
			for _, op := range r.counts(1) {
				counts[op.Key]++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var ops []store.Op
	for _, key := range slices.Sorted(maps.Keys(old)) {
		if counts[key] == 0 {
			ops = append(ops, store.Op{Bucket: store.History, Key: key})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		ops = append(ops, store.Op{Bucket: store.History, Key: key, Value: store.CountAfter(nil, counts[key])})
	}
	return counts, a.cfg.Store.Commit(ctx, ops...)
}

// projectOf returns the project in a key that ends with a number, as
// [projectKey] makes them; ok is false if there is none.
func projectOf(key string) (project string, ok bool) {
	const head, tail = 5, 8
	if len(key) < head+tail {
		return "", false
	}
	project = key[head : len(key)-tail]
	return project, binary.BigEndian.Uint32([]byte(key[1:head])) == uint32(len(project))
}
