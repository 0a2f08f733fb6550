package allocator

import (
	"context"
	"errors"
	"slices"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
)

// TestOpenReadsEveryID opens a store with IDs from before, between and behind
// those at which it is cut to be read.
func TestOpenReadsEveryID(t *testing.T) {
	ids := []string{"!", "0", "0f", "1", "1\x00", "2b", "9", "9z", ":", "A", "a", "a0", "c7", "ee", "f", "fff", "g", "id1", "é"}
	w := newWorld(t, 2, 1000)
	w.cable(1, 2, 1000)
	left := ids
	w.cfg.NewID = func() string {
		id := left[0]
		left = left[1:]
		return id
	}
	w.open()
	for i := range ids {
		r := ask(1, 1, 2, 1, bitrate.Rate(i), 10)
		r.ProjectID, r.StartTime = string(rune('p'+i%3)), w.now+Seconds(i)
		r.Key.Proto, r.Key.SrcPort, r.Key.DstPort = 6, path.Port(uint16(i+1)), path.Port(1)
		w.create(r)
	}
	before := w.list("")
	if after := w.reopen(); len(after) != len(ids) || !slices.EqualFunc(before, after, func(a, b Allocation) bool {
		return a.ID == b.ID && a.Request == b.Request && a.Window == b.Window && a.Path.Equal(b.Path)
	}) {
		t.Fatalf("before %+v, after %+v", before, after)
	}
	w.checkCalendars()
	for _, id := range ids {
		w.get(id)
	}
}

// TestOpenStops gives up reading when it is told to.
func TestOpenStops(t *testing.T) {
	w := newWorld(t, 1, 100)
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if _, err := Open(ctx, w.cfg); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}
