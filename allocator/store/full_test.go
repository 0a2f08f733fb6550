package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFullDisk fills a disk of its own: commits are refused, what was
// acknowledged stays, reading goes on, and it recovers once there is room.
// Where no disk can be mounted the file itself is not let grow.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	mounted := mountSmall(t, dir)
	path := filepath.Join(dir, "conga.db")
	b, err := OpenBolt(path)
	if err != nil {
		t.Fatal(err)
	}
	b.pause = time.Millisecond
	ballast := filepath.Join(dir, "ballast")
	limit := func(full bool) {
		switch {
		case !mounted && full:
			b.handle().MaxSize = 1 << 20 // nothing is under way
		case !mounted:
			b.handle().MaxSize = 0
		case full:
			fill(t, ballast)
		default:
			if err := os.Remove(ballast); err != nil {
				t.Error(err)
			}
		}
	}
	done := map[string]bool{}
	for round := range 3 {
		limit(true)
		failed := 0
		for i := 0; failed < 20; i++ {
			if i == 4000 {
				t.Fatal("the disk is never full")
			}
			key := fmt.Sprintf("%d-%d", round, i)
			err := b.Commit(t.Context(), Op{Bucket: Allocations, Key: key, Value: []byte(strings.Repeat("v", 2000))})
			switch {
			case err == nil:
				done[key] = true
			case errors.Is(err, ErrUnwritable):
				failed++
			default:
				t.Fatalf("commit %s: %v", key, err)
			}
			holds(t, b, done, i%200 == 0 || failed == 1)
		}
		if round > 0 && failed == 0 {
			t.Error("nothing was refused")
		}
		if err := b.Ready(t.Context()); !errors.Is(err, ErrUnwritable) {
			t.Errorf("on a full disk Ready says %v", err)
		}
		limit(false)
		recovers(t, b)
		key := fmt.Sprint("after ", round)
		if err := b.Commit(t.Context(), Op{Bucket: Allocations, Key: key, Value: []byte("v")}); err != nil {
			t.Errorf("once there is room: %v", err)
		}
		done[key] = true
		holds(t, b, done, true)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err = OpenBolt(path); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	holds(t, b, done, true)
}

// holds checks that the store has exactly what was acknowledged.
func holds(t *testing.T, b *Bolt, done map[string]bool, look bool) {
	t.Helper()
	if !look {
		return
	}
	n := 0
	err := b.Scan(t.Context(), Allocations, func(key string, _ []byte) error {
		if n++; !done[key] {
			return fmt.Errorf("record %s was refused", key)
		}
		return nil
	})
	if err != nil || n != len(done) {
		t.Fatalf("%d records of %d, error %v", n, len(done), err)
	}
}

// fill takes all room that a disk has.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 64 << 10; size >= 512; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
}
