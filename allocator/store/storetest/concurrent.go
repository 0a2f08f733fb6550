package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"conga/allocator/store"
)

const (
	writers = 16
	rounds  = 20
)

// testConcurrent has writers set two keys of their own to the same value in one
// commit, while readers check that the two never differ.
func testConcurrent(t *testing.T, open Open) {
	s := openNew(t, open)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for r := range rounds {
				v := strconv.Itoa(r)
				err := s.Commit(t.Context(), put(fmt.Sprintf("left%d", w), v), put(fmt.Sprintf("right%d", w), v))
				if err != nil {
					t.Errorf("Commit: %v", err)
				}
			}
		})
	}
	wg.Go(func() {
		for range rounds {
			pairs(t, s)
		}
	})
	wg.Wait()
	if n := pairs(t, s); n != writers {
		t.Errorf("%d writers left records, want %d", n, writers)
	}
}

// pairs counts the writers with a record and checks that both of each agree.
func pairs(t *testing.T, s store.Store) int {
	left, right := map[string]string{}, map[string]string{}
	err := s.Scan(t.Context(), bucket, func(k string, v []byte) error {
		if k[0] == 'l' {
			left[k[len("left"):]] = string(v)
		} else {
			right[k[len("right"):]] = string(v)
		}
		return nil
	})
	if err != nil {
		t.Errorf("Scan: %v", err)
	}
	if len(left) != len(right) {
		t.Errorf("%d left records, %d right", len(left), len(right))
	}
	for w, v := range left {
		if right[w] != v {
			t.Errorf("writer %s: left %s, right %s", w, v, right[w])
		}
	}
	return len(left)
}

// testWriterOrder has many writers overwrite one key each; the last commit of
// each stays.
func testWriterOrder(t *testing.T, open Open) {
	s := openNew(t, open)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for r := range rounds {
				if err := s.Commit(t.Context(), put(strconv.Itoa(w), strconv.Itoa(r))); err != nil {
					t.Errorf("Commit: %v", err)
				}
			}
		})
	}
	wg.Wait()
	got := records(t, s, bucket)
	if len(got) != writers {
		t.Fatalf("%d records, want %d", len(got), writers)
	}
	for _, r := range got {
		if r.Value != strconv.Itoa(rounds-1) {
			t.Errorf("writer %s ended at %s", r.Key, r.Value)
		}
	}
}

// testBadNeighbour commits good and bad ops at the same time.
func testBadNeighbour(t *testing.T, open Open) {
	s := openNew(t, open)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range rounds {
				if w%2 == 1 {
					if err := s.Commit(t.Context(), store.Op{Bucket: bucket}); err == nil {
						t.Error("a record without a key was committed")
					}
				} else if err := s.Commit(t.Context(), put(strconv.Itoa(w), "v")); err != nil {
					t.Errorf("Commit: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if got := records(t, s, bucket); len(got) != writers/2 {
		t.Errorf("store holds %v", got)
	}
}

// testScanConsistent changes the store in the middle of a scan.
func testScanConsistent(t *testing.T, open Open) {
	s := openNew(t, open)
	commit(t, s, put("a", "1"), put("b", "1"), put("c", "1"))
	scanning, changed := make(chan struct{}), make(chan error, 1)
	go func() {
		<-scanning
		changed <- s.Commit(t.Context(), del("b"), put("c", "2"), put("d", "2"))
	}()
	var got string
	err := s.Scan(t.Context(), bucket, func(k string, v []byte) error {
		if k == "a" {
			close(scanning)
			if err := <-changed; err != nil {
				return err
			}
		}
		got += k + string(v) + " "
		return nil
	})
	if err != nil || got != "a1 b1 c1 " {
		t.Errorf("Scan saw %q, error %v", got, err)
	}
	if n := len(records(t, s, bucket)); n != 3 {
		t.Errorf("%d records afterwards, want 3", n)
	}
}

// testCloseWaits closes under load: acknowledged commits are there afterwards,
// and refused ones fail with ErrClosed.
func testCloseWaits(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		acked = map[string]bool{}
		once  sync.Once
		busy  = make(chan struct{})
	)
	for w := range writers {
		wg.Go(func() {
			for r := 0; ; r++ {
				key := fmt.Sprintf("%d.%d", w, r)
				if err := s.Commit(context.Background(), put(key, "v")); err != nil {
					if !errors.Is(err, store.ErrClosed) {
						t.Errorf("Commit: %v", err)
					}
					return
				}
				mu.Lock()
				acked[key] = true
				mu.Unlock()
				once.Do(func() { close(busy) })
			}
		})
	}
	<-busy
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	wg.Wait()
	s = open(t, dir)
	defer s.Close()
	for _, r := range records(t, s, bucket) {
		delete(acked, r.Key)
	}
	if len(acked) != 0 {
		t.Errorf("%d acknowledged records are gone", len(acked))
	}
}

func testCancelledBefore(t *testing.T, open Open) {
	s := openNew(t, open)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, s.Commit(ctx, put("a", "1")), context.Canceled)
	wantError(t, s.Scan(ctx, bucket, func(string, []byte) error { return nil }), context.Canceled)
	if got := records(t, s, bucket); len(got) != 0 {
		t.Errorf("store holds %v", got)
	}
}

// testCancelledDuring cancels commits at any point. Each is there whole or not
// at all, and the caller's memory is free to use at once.
func testCancelledDuring(t *testing.T, open Open) {
	s := openNew(t, open)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			value := []byte("0")
			for r := range rounds {
				ctx, cancel := context.WithCancel(t.Context())
				go cancel()
				value[0] = byte('0' + r%10)
				err := s.Commit(ctx,
					store.Op{Bucket: bucket, Key: fmt.Sprintf("left%d", w), Value: value},
					store.Op{Bucket: bucket, Key: fmt.Sprintf("right%d", w), Value: value})
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("Commit: %v", err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	commit(t, s, put("left", "0"), put("right", "0")) // after all that is still under way
	pairs(t, s)
}

func testClosed(t *testing.T, open Open) {
	s := openNew(t, open)
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	wantError(t, s.Commit(t.Context(), put("a", "1")), store.ErrClosed)
	wantError(t, s.Commit(t.Context()), store.ErrClosed)
	wantError(t, s.Scan(t.Context(), bucket, func(string, []byte) error { return nil }), store.ErrClosed)
}
