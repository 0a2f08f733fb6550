package allocator

import (
	"errors"
	"testing"
	"time"

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
	w.awake()
	w.plan()
	if !w.awake() {
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

// TestLostPathIsNoticedAfterAStep: a planned path that is lost gets another
// before its start also if the clock is set to within the last minute, and one
// that is turned to its backup waits as long as before for its first path.
func TestLostPathIsNoticedAfterAStep(t *testing.T) {
	for _, left := range []Seconds{planNear, planNear - 1, 5, 1} {
		w, direct, _ := ring(t)
		r := ask(1, 1, 2, 1, 5, 600)
		r.StartTime = w.now + 3600
		v := w.create(r)
		w.work()
		w.change(cut(direct))
		w.work()
		before := w.now
		w.now = r.StartTime - left
		w.a.ClockSet(time.Duration(w.now-before) * time.Second)
		w.work()
		if p := w.get(v.ID).Path; len(p) != 3 {
			t.Errorf("%d s before its start its path is %v", left, p)
		}
	}
	w, direct, _ := ring(t)
	r := ask(1, 1, 2, 1, 5, 2*3600)
	r.Protected = true
	v := w.create(r)
	w.work()
	w.change(cut(direct))
	w.work()
	w.change(mend(direct, 10))
	w.work()
	w.now += 3600
	w.a.ClockSet(time.Hour)
	w.work()
	if got := w.get(v.ID); !got.Swapped {
		t.Errorf("the first path is used again at once: %+v", got)
	}
	w.pass(Seconds(revertAfter/time.Second) + 1)
	if got := w.get(v.ID); got.Swapped {
		t.Errorf("the first path is not used again: %+v", got)
	}
}

// TestFailedIsTriedSoonerAfterAChange: what could neither be installed nor
// taken out has its window when that is tried again, and an earlier one as soon
// as the network has changed.
func TestFailedIsTriedSoonerAfterAChange(t *testing.T) {
	w, _ := pair(t)
	id := w.create(ask(1, 1, 2, 1, 6, 20)).ID
	tasks, _ := w.a.Due(10)
	if len(tasks) != 1 || tasks[0].Do != Install {
		t.Fatalf("due is %+v", tasks)
	}
	if err := w.a.Failed(tasks[0], errors.New("table full"), (w.now + 45).Time()); err != nil {
		t.Fatal(err)
	}
	w.now += 20
	w.plan()
	if tasks, _ = w.a.Due(10); len(tasks) != 1 || tasks[0].Do != Remove {
		t.Fatalf("due at the end is %+v", tasks)
	}
	if err := w.a.Failed(tasks[0], errors.New("switch busy"), (w.now + 45).Time()); err != nil {
		t.Fatal(err)
	}
	w.plan()
	w.expect(id, Pending, span(65, 85))
	w.now += 5
	w.a.NetworkChanged() // a circuit has come back, say
	w.work()
	w.expect(id, Active, span(25, 45))
}
