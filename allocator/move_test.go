package allocator

import (
	"errors"
	"strings"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
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

// TestPlannedKeepsItsPath: what is planned for a moment soon is not moved to
// another path in the same window because one has become free.
func TestPlannedKeepsItsPath(t *testing.T) {
	w := newWorld(t, 2, 100)
	cables := []topology.LinkID{w.cable(1, 2, 10), w.cable(1, 2, 10)}
	w.open()
	w.a.Settled()
	on := func(r Request, cable int) string {
		r.Include = ElementsOf(path.Element{Cable: cableOf(cables[cable])})
		return w.create(r).ID
	}
	on(fixed(w, 2, 10, 0, 30), 0)
	on(fixed(w, 3, 10, 0, 30), 1)
	for i, used := range []int{0, 1} {
		r := ask(1, 2, 2, 3, 10, 50)
		r.StartTime = w.now + 30
		blocker := on(r, used)
		v := w.create(ask(1, 1, 2, 1, 10, 20))
		w.expect(v.ID, Pending, span(30, 50))
		if err := w.a.Release(bg, blocker, 0); err != nil {
			t.Fatal(err)
		}
		w.work()
		if got := w.expect(v.ID, Pending, span(30, 50)); !got.Path.Equal(v.Path) || cableOf(got.Path.Links()[1]) == cableOf(cables[used]) {
			t.Errorf("%d: moved from %v to %v", i, v.Path, got.Path)
		}
		if err := w.a.Release(bg, v.ID, 0); err != nil {
			t.Fatal(err)
		}
		w.work()
	}
}

// TestLessWhileItIsSaved: what has been admitted to a link that carries less by
// the time that it is saved gives up its rate.
func TestLessWhileItIsSaved(t *testing.T) {
	w, trunk := pair(t)
	w.a.Settled()
	id := w.create(ask(1, 1, 2, 1, 4, 1000)).ID
	w.work()
	w.store.before = func() { w.change(mend(trunk, 5)) }
	w.update(id, Change{Bandwidth: new(bitrate.Rate(8))})
	w.work()
	if v := w.expect(id, Pending, span(0, 1000)); !strings.HasPrefix(v.Reason, narrowed) {
		t.Errorf("the reason is %q", v.Reason)
	}
	w.change(mend(trunk, 8))
	w.work()
	if v := w.expect(id, Active, span(0, 1000)); v.Bandwidth != 8 {
		t.Errorf("%+v", v)
	}
}
