package store

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestPageSet holds sets of pages against maps.
func TestPageSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pages := rapid.SliceOf(rapid.Uint64Range(0, 300))
		draw := func(name string) (s pageSet, m map[uint64]bool) {
			m = map[uint64]bool{}
			for _, id := range pages.Draw(t, name) {
				s.add(id)
				m[id] = true
			}
			return s, m
		}
		s, m := draw("pages")
		other, more := draw("others")
		s.addAll(other)
		maps.Copy(m, more)
		if got, want := slices.Collect(s.all()), slices.Sorted(maps.Keys(m)); !slices.Equal(got, want) {
			t.Fatalf("%d; want %d", got, want)
		}
		for id := range uint64(400) {
			if s.has(id) != m[id] {
				t.Fatalf("page %d: %v", id, s.has(id))
			}
		}
	})
}

// TestExaminationTakesNoMemory: an examination allocates as much for a store of
// many pages as for one of few, but for the bits that stand for them.
func TestExaminationTakesNoMemory(t *testing.T) {
	allocated := func(records int) (float64, uint64) {
		path := filepath.Join(t.TempDir(), "conga.db")
		b, err := OpenBolt(path)
		if err != nil {
			t.Fatal(err)
		}
		ops := make([]Op, records)
		for i := range ops {
			ops[i] = Op{Bucket: History, Key: fmt.Sprintf("%08d", i), Value: make([]byte, 500)}
		}
		if err := b.Commit(t.Context(), ops...); err != nil {
			t.Fatal(err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, heads, _ := openPages(bytes.NewReader(content), int64(len(content)))
		return testing.AllocsPerRun(5, func() {
			if w, err := inspect(t.Context(), f, heads[0], nil); err != nil || len(w.damages) > 0 {
				t.Fatal(err, w.damages)
			}
		}), heads[0].pages
	}
	few, _ := allocated(100)
	many, pages := allocated(20_000)
	if pages < 2000 || many > few+50 {
		t.Errorf("%v allocations; %v for a store of %d pages", few, many, pages)
	}
}
