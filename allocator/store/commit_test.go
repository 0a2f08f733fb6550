package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

func openTest(t testing.TB) *Bolt {
	t.Helper()
	b, err := OpenBolt(filepath.Join(t.TempDir(), "conga.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// A blocker makes b's transactions wait until it is opened.
type blocker struct {
	entered      chan struct{} // closed when the first transaction waits
	open         func()
	transactions int // to be read when nothing is under way
}

func block(t *testing.T, b *Bolt) *blocker {
	opened, update := make(chan struct{}), b.update
	g := &blocker{entered: make(chan struct{}), open: sync.OnceFunc(func() { close(opened) })}
	t.Cleanup(g.open) // or a failing test would wait for ever in Close
	b.update = func(f func(*bbolt.Tx) error) error {
		if g.transactions++; g.transactions == 1 {
			close(g.entered)
		}
		<-opened
		return update(f)
	}
	return g
}

// waiting blocks until n commits are in the queue.
func waiting(t *testing.T, b *Bolt, n int) {
	t.Helper()
	for range 10_000 {
		b.mu.Lock()
		have := len(b.pending)
		b.mu.Unlock()
		if have == n {
			return
		}
		time.Sleep(100 * time.Microsecond)
	}
	t.Fatalf("never saw %d commits waiting", n)
}

func TestWaitingCommitsShareATransaction(t *testing.T) {
	b := openTest(t)
	g := block(t, b)
	var wg sync.WaitGroup
	start := func(key string) {
		wg.Go(func() {
			if err := b.Commit(t.Context(), Op{Bucket: Allocations, Key: key, Value: []byte("v")}); err != nil {
				t.Errorf("Commit: %v", err)
			}
		})
	}
	start("first")
	<-g.entered
	for i := range 20 {
		start(fmt.Sprint(i))
	}
	waiting(t, b, 20)
	g.open()
	wg.Wait()
	if g.transactions != 2 {
		t.Errorf("21 commits took %d transactions, want 2", g.transactions)
	}
}

func TestWithdrawnCommitIsNotWritten(t *testing.T) {
	b := openTest(t)
	g := block(t, b)
	var wg sync.WaitGroup
	wg.Go(func() { _ = b.Commit(t.Context(), Op{Bucket: Allocations, Key: "first", Value: []byte("v")}) })
	<-g.entered
	ctx, cancel := context.WithCancel(t.Context())
	wg.Go(func() {
		if err := b.Commit(ctx, Op{Bucket: Allocations, Key: "second", Value: []byte("v")}); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
	})
	waiting(t, b, 1)
	cancel()
	waiting(t, b, 0)
	g.open()
	wg.Wait()
	err := b.Scan(t.Context(), Allocations, func(key string, _ []byte) error {
		if key != "first" {
			t.Errorf("record %s was written", key)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestFailedBatchReportsToEachWaiter(t *testing.T) {
	b := openTest(t)
	b.pause = time.Millisecond
	full, update := errors.New("no space left on device"), b.update
	failing := true
	opened := make(chan struct{})
	b.update = func(f func(*bbolt.Tx) error) error {
		<-opened
		return update(func(tx *bbolt.Tx) error {
			err := f(tx)
			b.mu.Lock()
			defer b.mu.Unlock()
			if err == nil && failing {
				return full
			}
			return err
		})
	}
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			if err := b.Commit(t.Context(), Op{Bucket: Allocations, Key: fmt.Sprint(i), Value: []byte("v")}); !errors.Is(err, full) {
				t.Errorf("error is %v, want %v", err, full)
			}
		})
	}
	close(opened)
	wg.Wait()

	if err := b.Ready(t.Context()); !errors.Is(err, ErrUnwritable) || !errors.Is(err, full) {
		t.Errorf("Ready: %v", err)
	}
	b.mu.Lock()
	failing = false // the disk has room again
	b.mu.Unlock()
	recovers(t, b)
	if err := b.Commit(t.Context(), Op{Bucket: Allocations, Key: "after", Value: []byte("v")}); err != nil {
		t.Errorf("Commit once the disk is well: %v", err)
	}
	n := 0
	if err := b.Scan(t.Context(), Allocations, func(string, []byte) error { n++; return nil }); err != nil || n != 1 {
		t.Errorf("%d records, error %v; want the one that succeeded", n, err)
	}
}

// recovers waits until the store takes commits again.
func recovers(t *testing.T, b *Bolt) {
	t.Helper()
	for range 10_000 {
		if b.Ready(t.Context()) == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("still %v", b.Ready(t.Context()))
}

// TestUncertainCommitIsUndone reports a failure after the transaction can
// already be read, as a failing sync does.
func TestUncertainCommitIsUndone(t *testing.T) {
	b := openTest(t)
	b.pause = time.Millisecond
	put := func(key string) error {
		return b.Commit(t.Context(), Op{Bucket: Allocations, Key: key, Value: []byte("v")})
	}
	has := func(key string) bool {
		value, err := b.Get(t.Context(), Allocations, key)
		if err != nil {
			t.Errorf("Get %s: %v", key, err)
		}
		return value != nil
	}
	if err := put("before"); err != nil {
		t.Fatal(err)
	}
	broken, update, failing := errors.New("input/output error"), b.update, true
	b.update = func(f func(*bbolt.Tx) error) error {
		if err := update(f); err != nil || !failing {
			return err
		}
		failing = false
		return broken
	}
	if err := put("during"); !errors.Is(err, broken) || !errors.Is(err, ErrUnwritable) {
		t.Errorf("error is %v", err)
	}
	if !has("before") || has("during") {
		t.Error("the commit that failed is not undone, or more than it is")
	}
	recovers(t, b)
	if err := put("after"); err != nil || !has("before") || has("during") || !has("after") {
		t.Errorf("once the disk is well: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenBolt(b.path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if b = again; !has("before") || has("during") || !has("after") {
		t.Error("it has other records when it is opened again")
	}
}

// TestUncertainCommitBlocksReading: while it cannot be undone it is not shown
// either.
func TestUncertainCommitBlocksReading(t *testing.T) {
	b := openTest(t)
	b.pause = time.Millisecond
	raw, update, failing := b.raw, b.update, true
	closed, err := os.Open(b.path)
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	b.update = func(f func(*bbolt.Tx) error) error {
		if !failing {
			return update(f)
		}
		failing = false
		return errors.Join(update(f), errors.New("input/output error"), func() error { b.raw = closed; return nil }())
	}
	put := Op{Bucket: Allocations, Key: "a", Value: []byte("v")}
	if err := b.Commit(t.Context(), put); !errors.Is(err, ErrFailed) {
		t.Errorf("error is %v", err)
	}
	if err := b.Scan(t.Context(), Allocations, nil); !errors.Is(err, ErrFailed) {
		t.Errorf("error of a scan is %v", err)
	}
	if err := b.Commit(t.Context(), put); !errors.Is(err, ErrFailed) {
		t.Errorf("error of the next commit is %v", err)
	}
	if err := b.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	raw.Close()
}

// TestObserve: each transaction is told with what it took and its error.
func TestObserve(t *testing.T) {
	b, err := OpenBolt(filepath.Join(t.TempDir(), "conga.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	type seen struct {
		took time.Duration
		err  error
	}
	var all []seen // by the committer alone, before it answers
	b.Observe(func(took time.Duration, err error) { all = append(all, seen{took, err}) })
	if err := b.Commit(t.Context(), Op{Bucket: Keys, Key: "a", Value: []byte("1")}); err != nil {
		t.Fatal(err)
	}
	b.update = func(func(*bbolt.Tx) error) error { return errors.New("the disk is gone") }
	if err := b.Commit(t.Context(), Op{Bucket: Keys, Key: "b", Value: []byte("1")}); err == nil {
		t.Fatal("a commit without a disk succeeds")
	}
	if len(all) != 2 || all[0].took <= 0 || all[0].err != nil || all[1].err == nil {
		t.Errorf("observed %+v", all)
	}
	if n := b.Waiting(); n != 0 {
		t.Errorf("%d commits wait", n)
	}
}
