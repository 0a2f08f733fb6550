package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"conga/allocator/store"
)

// TestBackupIsOneMoment: while 64 writers commit, a backup has what was
// committed before it began, and of the rest whole commits only, in the order
// in which each was made. A counter that every commit adds to counts exactly
// those.
func TestBackupIsOneMoment(t *testing.T) {
	const writers, backups = 64, 4
	dir := t.TempDir()
	b, err := store.OpenBolt(filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var committed [writers]atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := int64(1); ctx.Err() == nil; n++ {
				value := fmt.Appendf(nil, "%d", n)
				err := b.Commit(t.Context(),
					store.Op{Bucket: store.Allocations, Key: fmt.Sprint(w), Value: value},
					store.Op{Bucket: store.Audit, Key: fmt.Sprint(w), Value: value},
					store.Op{Bucket: store.Sums, Key: "all", Add: 1})
				if err != nil {
					t.Error(err)
					return
				}
				committed[w].Store(n)
			}
		})
	}
	for i := range backups {
		var before [writers]int64
		for w := range before {
			before[w] = committed[w].Load()
		}
		name := filepath.Join(dir, fmt.Sprint("backup", i))
		file, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := b.Backup(t.Context(), file); err != nil || n == 0 {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		wholeMoment(t, name, before[:], func(w int) int64 { return committed[w].Load() })
	}
	stop()
	wg.Wait()
}

// wholeMoment looks at a backup that was begun after each writer's commit of
// before, and ended before the one that follows after.
func wholeMoment(t *testing.T, name string, before []int64, after func(writer int) int64) {
	t.Helper()
	found, err := store.Examine(t.Context(), name, func(store.Record) error { return nil })
	if err != nil || len(found.Damages) > 0 {
		t.Fatalf("%v %v", err, found.Damages)
	}
	b, err := store.OpenBolt(name)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	number := func(bucket store.Bucket, w int) (n int64) {
		value, err := b.Get(t.Context(), bucket, fmt.Sprint(w))
		if err != nil {
			t.Fatal(err)
		}
		if value != nil {
			if _, err := fmt.Sscan(string(value), &n); err != nil {
				t.Fatal(err)
			}
		}
		return n
	}
	sum := int64(0)
	for w := range before {
		n, twin := number(store.Allocations, w), number(store.Audit, w)
		// The commit may have been made, and its writer not been told yet.
		if n != twin || n < before[w] || n > after(w)+1 {
			t.Errorf("writer %d: %d and %d, committed %d before and %d after", w, n, twin, before[w], after(w))
		}
		sum += n
	}
	counted, err := b.Get(t.Context(), store.Sums, "all")
	if got := store.Count(counted); err != nil || got != sum {
		t.Errorf("%d commits are counted, and %d are there: %v", got, sum, err)
	}
}

// TestBackupFails: neither a context that has ended, nor a disk that is full,
// nor a store that was closed gives a backup, and the store goes on.
func TestBackupFails(t *testing.T) {
	b, err := store.OpenBolt(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Backup(ctx, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	full := errors.New("no space left")
	reading, writing := io.Pipe()
	reading.CloseWithError(full)
	if _, err := b.Backup(t.Context(), writing); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if err := b.Commit(t.Context(), store.Op{Bucket: store.Keys, Key: "k", Value: []byte("v")}); err != nil {
		t.Error(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if _, err := b.Backup(t.Context(), io.Discard); !errors.Is(err, store.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
