package allocator

import (
	"errors"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
)

// TestManyAreMovedInFewBatches: of what is moved, most is saved in large
// batches; what finds no path is looked for in small ones, so that the lock is
// let go.
func TestManyAreMovedInFewBatches(t *testing.T) {
	const many = 400
	for _, tc := range []struct {
		room        bitrate.Rate // the other way
		least, most int          // batches
	}{{many, 2, many / planBatch}, {1, many / planBatch, many/planBatch + 2}} {
		w := newWorld(t, 3, many)
		direct := w.cable(1, 2, many)
		w.cable(1, 3, many)
		w.cable(3, 2, tc.room)
		w.open()
		w.a.Settled()
		for i := range many {
			r := ask(1, 1, 2, 1, 1, 100)
			r.Key.Proto, r.Key.SrcPort, r.Key.DstPort = path.ProtoTCP, path.Port(uint16(i+1)), path.Port(80)
			w.create(r)
		}
		w.work()
		w.change(cut(direct))
		batches := 0
		for more := true; more; batches++ {
			var err error
			<-w.a.Wake()
			if more, err = w.a.Plan(bg); err != nil {
				t.Fatal(err)
			}
		}
		if batches < tc.least || batches > tc.most {
			t.Errorf("room for %d of %d: planned in %d batches", tc.room, many, batches)
		}
		w.work()
		active := bitrate.Rate(0)
		for _, v := range w.list("") {
			if v.State == Active {
				active++
			}
		}
		if active != tc.room {
			t.Errorf("room for %d of %d: %d are active", tc.room, many, active)
		}
	}
}

// TestFailureOfAPathThatIsLost: what was refused of a path that has died is no
// reason to be pending, nor to wait with another, be it the one before.
func TestFailureOfAPathThatIsLost(t *testing.T) {
	for _, planned := range []bool{true, false} { // before the failure is reported
		w, direct, around := ring(t)
		v := w.create(ask(1, 1, 2, 1, 6, 100))
		w.work()
		w.change(cut(direct))
		w.plan()
		tasks, _ := w.a.Due(1)
		w.change(mend(direct, 10))
		w.change(cut(around))
		if planned {
			w.plan()
		}
		if err := w.a.Failed(tasks[0], errors.New("a port is down"), w.cfg.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		w.expect(v.ID, Active, span(0, 100))
		w.plan()
		if tasks, _ = w.a.Due(1); len(tasks) != 1 || len(tasks[0].Circuit.Path) != 2 {
			t.Fatalf("planned before: %v: then due: %+v", planned, tasks)
		}
		if err := w.a.Installed(tasks[0]); err != nil {
			t.Fatal(err)
		}
		if got := w.expect(v.ID, Active, span(0, 100)); got.Reason != "" {
			t.Errorf("planned before: %v: %+v", planned, got)
		}
		w.checkCalendars()
	}
}

// TestPathThatIsBackBeforeItWasLeft: an allocation that was to be moved, and
// was not, ends up confirmed where it was.
func TestPathThatIsBackBeforeItWasLeft(t *testing.T) {
	w, direct, around := ring(t)
	v := w.create(ask(1, 1, 2, 1, 6, 100))
	w.work()
	w.change(cut(direct))
	w.plan()
	w.change(mend(direct, 10))
	w.change(cut(around))
	w.work()
	if got := w.expect(v.ID, Active, span(0, 100)); got.Reason != "" || len(got.Path) != 2 {
		t.Errorf("%+v", got)
	}
	w.checkCalendars()
}
