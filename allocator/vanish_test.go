package allocator

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"conga/allocator/store"
)

// interrupted is a store to which something happens between two reads.
type interrupted struct {
	*memory
	reads int                           // of the history
	read  func(n int, key string) error // before the n-th of them
}

func (s *interrupted) Get(ctx context.Context, b store.Bucket, key string) ([]byte, error) {
	if b == store.History {
		if s.reads++; s.read != nil {
			if err := s.read(s.reads, key); err != nil {
				return nil, err
			}
		}
	}
	return s.memory.Get(ctx, b, key)
}

// aged3 returns an allocator of three allocations that are due to be removed
// from the history, and its store and log.
func aged3(t *testing.T) (w *world, s *interrupted, log *bytes.Buffer, ids [3]string) {
	w = newWorld(t, 2, 100)
	w.cable(1, 2, 100)
	w.cfg.History, log = time.Hour, new(bytes.Buffer)
	w.cfg.Log = slog.New(slog.NewTextHandler(log, nil))
	s = &interrupted{memory: w.store}
	w.cfg.Store = s
	c := &chronicle{world: w}
	for i := range ids {
		ids[i] = c.ended(uint64(i+1), "p", w.now-3600).ID
	}
	w.open()
	s.reads = 0
	return w, s, log, ids
}

// TestPruneBesideOthers: what is deleted by another while records are read for
// removal is no damage, and is not counted twice.
func TestPruneBesideOthers(t *testing.T) {
	for name, gone := range map[string]func(w *world, ids [3]string) error{
		"before it is read": func(w *world, ids [3]string) error {
			w.store.put(store.History, recordKey(2), "")
			return w.store.Memory.Commit(bg, store.Op{Bucket: store.History, Key: recordKey(2)})
		},
		"after it was read": func(w *world, ids [3]string) error { return w.a.Release(bg, ids[0], 0) },
	} {
		w, s, log, ids := aged3(t)
		s.read = func(n int, _ string) error {
			if n != 2 {
				return nil
			}
			s.read = nil
			return gone(w, ids)
		}
		sum := 0
		for range 2 {
			n, err := w.a.Prune(bg)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			sum += n
		}
		if sum != 2 || log.Len() != 0 {
			t.Errorf("%s: %d are removed, and it logs %s", name, sum, log)
		}
		if name == "after it was read" && w.a.Counts("")[Complete] != 0 {
			t.Errorf("%s: %d are counted", name, w.a.Counts("")[Complete])
		}
	}
}

// TestWalkOverWhatCannotBeRead: a step whose records are listed and cannot be
// read fails.
func TestWalkOverWhatCannotBeRead(t *testing.T) {
	w, s, _, _ := aged3(t)
	s.read = func(int, string) error { return errors.New("disk broken") }
	if got, err := w.a.Step(bg, Filter{User: "u"}, Begin(true), 9); refusedAs(err) != Internal {
		t.Errorf("%+v, %v", got, err)
	}
}
