package allocator

import (
	"errors"
	"testing"

	"conga/bitrate"
)

// TestReclaim: what is active and not used makes room for what waits for it,
// and says in the history why; what is pending, or gets less than was promised,
// stays.
func TestReclaim(t *testing.T) {
	w := newWorld(t, 2, bitrate.Tbps)
	link := w.cable(1, 2, 100)
	w.open()
	idle := w.create(ask(1, 1, 2, 1, 80, 3600))
	refused(t, w.a.Reclaim(bg, idle.ID, "idle"), Stale, "")
	w.work()
	next := w.create(ask(1, 2, 2, 2, 80, 60))
	w.expect(next.ID, Pending, span(3600, 3660))
	w.change(cut(link))
	w.work()
	refused(t, w.a.Reclaim(bg, idle.ID, "idle"), Stale, "")
	w.change(mend(link, 100))
	w.work()
	w.store.fail = errors.New("power lost")
	refused(t, w.a.Reclaim(bg, idle.ID, "idle"), Internal, "")
	w.store.fail = nil
	w.now += 10
	if err := w.a.Reclaim(bg, idle.ID, "idle"); err != nil {
		t.Fatal(err)
	}
	w.work()
	if v := w.expect(idle.ID, Complete, span(0, 10)); v.Reason != "idle" || v.ChangedBy != "" {
		t.Errorf("kept is %+v", v)
	}
	w.expect(next.ID, Active, span(10, 70))
	refused(t, w.a.Reclaim(bg, idle.ID, "idle"), Stale, "")
	refused(t, w.a.Reclaim(bg, "none", "idle"), NotFound, "")
}

// TestReclaimOfWhatBeganLate: a remark on an allocation that has all it was
// promised does not keep it.
func TestReclaimOfWhatBeganLate(t *testing.T) {
	w := newWorld(t, 2, bitrate.Tbps)
	w.cable(1, 2, 100)
	w.open()
	r := ask(1, 1, 2, 1, 80, 3600)
	r.StartTime = w.now + 10
	late := w.create(r)
	w.now += 40
	w.work()
	if v := w.get(late.ID); v.State != Active || v.Reason == "" {
		t.Fatalf("it is %s, %q", v.State, v.Reason)
	}
	if err := w.a.Reclaim(bg, late.ID, "idle"); err != nil {
		t.Error(err)
	}
}
