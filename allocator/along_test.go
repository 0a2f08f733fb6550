package allocator

import (
	"errors"
	"fmt"
	"testing"

	"conga/allocator/store"
)

// journal notes what Along is shown, and has a record made of it.
func journal(lines *[]string, who string) Along {
	return func(before, after *Allocation) ([]store.Op, error) {
		line := who + ":"
		for _, v := range []*Allocation{before, after} {
			if v == nil {
				line += " none"
			} else {
				line += fmt.Sprintf(" %s/%d", v.State, v.Duration)
			}
		}
		*lines = append(*lines, line)
		return []store.Op{{Bucket: "journal", Key: fmt.Sprint("line", len(*lines)), Value: []byte(line)}}, nil
	}
}

// TestAlong: what goes with a change is saved with it, once, whatever makes the
// change.
func TestAlong(t *testing.T) {
	w := newWorld(t, 1, 10)
	var lines []string
	w.cfg.Along = journal(&lines, "itself")
	w.open()
	user := journal(&lines, "user")
	v, err := w.a.Create(bg, ask(1, 1, 1, 2, 5, 60), user)
	if err != nil {
		t.Fatal(err)
	}
	w.work()
	longer := Seconds(90)
	if _, err = w.a.Update(bg, v.ID, 0, Change{Duration: &longer}, user); err != nil {
		t.Fatal(err)
	}
	if _, err = w.a.Update(bg, v.ID, 0, Change{Duration: &longer}, user); err != nil { // changes nothing
		t.Fatal(err)
	}
	w.work()
	if err = w.a.Release(bg, v.ID, 0, user); err != nil {
		t.Fatal(err)
	}
	want := []string{"user: none pending/60", "itself: pending/60 active/60", "user: active/60 active/90", "user: active/90 complete/90"}
	if fmt.Sprint(lines) != fmt.Sprint(want) {
		t.Errorf("noted %q, want %q", lines, want)
	}
	for i := range want {
		if got := w.store.get("journal", fmt.Sprint("line", i+1)); got != want[i] {
			t.Errorf("line %d is stored as %q", i+1, got)
		}
	}
}

// TestAlongRefuses: a change whose company cannot be made does not happen, and
// one that the store refuses takes its company with it.
func TestAlongRefuses(t *testing.T) {
	w := newWorld(t, 1, 10)
	w.open()
	no := func(_, _ *Allocation) ([]store.Op, error) { return nil, errors.New("no") }
	_, err := w.a.Create(bg, ask(1, 1, 1, 2, 5, 60), no)
	refused(t, err, Internal, "")
	if n := len(w.list("")) + w.store.Len(store.Allocations); n != 0 {
		t.Errorf("%d allocations and records are left", n)
	}
	v := w.create(ask(1, 1, 1, 2, 10, 60)) // all of the link: nothing is held any more
	refused(t, w.a.Release(bg, v.ID, 0, no), Internal, "")
	w.store.fail = errors.New("no space left")
	var lines []string
	refused(t, w.a.Release(bg, v.ID, 0, journal(&lines, "user")), Internal, "")
	w.store.fail = nil
	if len(lines) != 1 || w.store.get("journal", "line1") != "" {
		t.Errorf("%d lines noted; stored %q", len(lines), w.store.get("journal", "line1"))
	}
	if err := w.a.Release(bg, v.ID, 0); err != nil {
		t.Fatal(err)
	}
}

// TestReleaseRevision: a caller that has read another revision releases
// nothing.
func TestReleaseRevision(t *testing.T) {
	w := newWorld(t, 1, 10)
	w.open()
	v := w.create(ask(1, 1, 1, 2, 5, 60))
	longer := Seconds(90)
	now, err := w.a.Update(bg, v.ID, 0, Change{Duration: &longer})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, w.a.Release(bg, v.ID, v.Revision), Stale, "")
	if err := w.a.Release(bg, v.ID, now.Revision); err != nil {
		t.Fatal(err)
	}
	refused(t, w.a.Release(bg, v.ID, now.Revision), Stale, "")
	if err := w.a.Release(bg, v.ID, 0); err != nil { // out of the history
		t.Fatal(err)
	}
	refused(t, w.a.Release(bg, v.ID, 0), NotFound, "")
}
