// Package storetest is the suite that every engine of [store.Store] passes.
package storetest

import (
	"context"
	"errors"
	"testing"

	"conga/allocator/store"
)

// An Open opens the store whose data is in dir, a folder of the test's own. The
// same dir opened again, after Close, holds what was committed before. An
// engine without files may use dir as a name. Open fails the test if it cannot
// open the store.
type Open func(t *testing.T, dir string) store.Store

// Run tests the engine that open opens.
func Run(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Open)
	}{
		{"an empty store has no records", testEmpty},
		{"records come back in key order", testOrder},
		{"values are bytes, of any length", testValues},
		{"buckets are apart", testBuckets},
		{"a later op on the same key wins", testLastOpWins},
		{"deleting what is absent succeeds", testDeleteAbsent},
		{"counters add up, and go at zero", testCounters},
		{"a commit of nothing succeeds", testCommitNothing},
		{"a bad op fails its commit whole", testBadOp},
		{"a bad commit spares its neighbours", testBadNeighbour},
		{"scan stops at the first error", testScanError},
		{"get finds one record", testGet},
		{"a range is part of the keys, either way", testRange},
		{"scan sees one moment", testScanConsistent},
		{"the caller's memory stays the caller's", testCallerMemory},
		{"commits survive a reopening", testDurable},
		{"concurrent commits are atomic", testConcurrent},
		{"one writer's commits keep their order", testWriterOrder},
		{"close waits for commits under way", testCloseWaits},
		{"a cancelled context commits nothing", testCancelledBefore},
		{"cancelling is all or nothing", testCancelledDuring},
		{"a closed store says so", testClosed},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open) })
	}
}

const bucket = store.Allocations

// openNew opens an empty store that is closed when the test ends.
func openNew(t *testing.T, open Open) store.Store {
	t.Helper()
	s := open(t, t.TempDir())
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func commit(t *testing.T, s store.Store, ops ...store.Op) {
	t.Helper()
	if err := s.Commit(t.Context(), ops...); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

func put(key, value string) store.Op {
	return store.Op{Bucket: bucket, Key: key, Value: []byte(value)}
}

func del(key string) store.Op { return store.Op{Bucket: bucket, Key: key} }

type record struct{ Key, Value string }

// records returns all records of b, in the order of Scan.
func records(t *testing.T, s store.Store, b store.Bucket) []record {
	t.Helper()
	var out []record
	err := s.Scan(context.WithoutCancel(t.Context()), b, func(k string, v []byte) error {
		out = append(out, record{k, string(v)})
		return nil
	})
	if err != nil {
		t.Fatalf("Scan: %v", err)
	}
	return out
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
}
