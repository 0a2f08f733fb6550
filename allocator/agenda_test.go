package allocator

import (
	"testing"

	"conga/controller/path"
)

// TestLostPathIsNoticedInTime: the scheduler, which waits for the moment that
// Due has named, is woken when a planned path is to be looked at before that.
func TestLostPathIsNoticedInTime(t *testing.T) {
	w, direct, _ := ring(t)
	r := ask(1, 1, 2, 1, 5, 600)
	r.StartTime = w.now + 3600
	v := w.create(r)
	w.work()
	w.change(cut(direct))
	if _, next := w.a.Due(10); path.SecondsOf(next) != r.StartTime {
		t.Fatalf("due at %v", next)
	}
	select {
	case <-w.a.Wake():
	default:
	}
	w.plan()
	select {
	case <-w.a.Wake():
	default:
		t.Error("nothing says that it is due earlier now")
	}
	if _, next := w.a.Due(10); path.SecondsOf(next) != r.StartTime-planNear {
		t.Errorf("due at %v", next)
	}
	w.now = r.StartTime - planNear
	w.work()
	if p := w.get(v.ID).Path; len(p) != 3 {
		t.Errorf("its path is %v", p)
	}
}
