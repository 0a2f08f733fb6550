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

// TestRemovalFails: what the switches do not give up is said, keeps out what
// has the same traffic, and is tried again when it is time or the network
// changes.
func TestRemovalFails(t *testing.T) {
	for _, tc := range []struct {
		deleted bool
		rate    bitrate.Rate // of the second: all of the cable, or what is left of it
	}{{false, 10}, {true, 10}, {false, 4}, {true, 4}} {
		deleted := tc.deleted
		w, _ := pair(t)
		first := w.create(ask(1, 1, 2, 1, 6, 10))
		w.work()
		if deleted {
			if err := w.remove(first.ID); err != nil {
				t.Fatal(err)
			}
		} else {
			w.now += 10
		}
		second := w.create(ask(1, 1, 2, 1, tc.rate, 100)) // the same traffic
		fail := func(failures int) {
			t.Helper()
			tasks, _ := w.a.Due(10)
			if len(tasks) != 1 || tasks[0].Do != Remove || tasks[0].Circuit.ID != first.ID || tasks[0].Failures != failures {
				t.Fatalf("due is %+v, deleted: %v", tasks, deleted)
			}
			if err := w.a.Failed(tasks[0], errors.New("switch 2 refused it"), w.cfg.Now().Add(30*time.Second)); err != nil {
				t.Fatal(err)
			}
			w.checkIndexes()
			w.checkCalendars()
		}
		fail(0)
		if tasks, next := w.a.Due(10); len(tasks) != 0 || !deleted && path.SecondsOf(next) != w.now+30 {
			t.Fatalf("due is %+v, next at %v", tasks, next)
		}
		if _, err := w.a.Get(first.ID); deleted {
			refused(t, err, NotFound, "")
		} else if got := w.expect(first.ID, Active, first.Window); !strings.HasSuffix(got.Reason, "not out yet: switch 2 refused it") {
			t.Errorf("the reason is %q", got.Reason)
		}
		w.now += 29
		w.change(func(*topology.Snapshot) {}) // the network changes: why wait
		fail(1)
		w.now += 29
		if tasks, _ := w.a.Due(10); len(tasks) != 0 {
			t.Fatalf("tried again before it was time: %+v", tasks)
		}
		w.now++
		tasks, _ := w.a.Due(10)
		if len(tasks) != 1 || tasks[0].Do != Remove {
			t.Fatalf("due is %+v", tasks)
		}
		if err := w.a.Removed(tasks[0]); err != nil {
			t.Fatal(err)
		}
		if _, err := w.a.Get(first.ID); deleted {
			refused(t, err, NotFound, "")
		} else if got := w.expect(first.ID, Complete, first.Window); got.Reason != "" {
			t.Errorf("the reason is %q", got.Reason)
		}
		w.work()
		if got := w.get(second.ID); got.State != Active || got.Window.Start != w.now {
			t.Errorf("the second, deleted: %v, is %+v", deleted, got)
		}
		w.checkIndexes()
	}
}

// TestRemovalThatIsNotSaved: the report of a removal that the store does not
// take comes again.
func TestRemovalThatIsNotSaved(t *testing.T) {
	w, _ := pair(t)
	v := w.create(ask(1, 1, 2, 1, 6, 10))
	w.work()
	w.now += 10
	tasks, _ := w.a.Due(10)
	w.store.fail = errors.New("disk full")
	refused(t, w.a.Removed(tasks[0]), Internal, "")
	w.checkIndexes()
	w.expect(v.ID, Active, span(0, 10))
	if tasks, next := w.a.Due(10); len(tasks) != 0 || path.SecondsOf(next) != w.now+1 {
		t.Fatalf("due at once is %+v, next at %v", tasks, next)
	}
	w.store.fail = nil
	w.now++
	tasks, _ = w.a.Due(10)
	if len(tasks) != 1 || tasks[0].Do != Expire || tasks[0].Failures != 1 {
		t.Fatalf("due later is %+v", tasks)
	}
	if err := w.a.Removed(tasks[0]); err != nil {
		t.Fatal(err)
	}
	w.expect(v.ID, Complete, span(0, 10))
}

// TestRemovalDoesNotWaitForTheInstallation: what could not be installed is
// taken out when its window ends, however late the installation was to be tried
// again.
func TestRemovalDoesNotWaitForTheInstallation(t *testing.T) {
	w, _ := pair(t)
	v := w.create(ask(1, 1, 2, 1, 6, 10))
	tasks, _ := w.a.Due(10)
	if err := w.a.Failed(tasks[0], errors.New("table full"), w.cfg.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	w.now += 9
	if tasks, next := w.a.Due(10); len(tasks) != 0 || path.SecondsOf(next) != v.Window.End {
		t.Fatalf("due is %+v, next at %v", tasks, next)
	}
	w.now++
	tasks, _ = w.a.Due(10)
	if len(tasks) != 1 || tasks[0].Do != Remove {
		t.Fatalf("due at the end is %+v", tasks)
	}
	if err := w.a.Removed(tasks[0]); err != nil {
		t.Fatal(err)
	}
	w.work() // it has not begun, and has another window
	w.expect(v.ID, Active, span(10, 20))
}

// TestCircuitsOverARestart: what runs stays in the switches until its end, and
// not at it.
func TestCircuitsOverARestart(t *testing.T) {
	w, _ := pair(t)
	v := w.create(ask(1, 1, 2, 1, 6, 10))
	for _, step := range []struct {
		now  Seconds
		held int
	}{{0, 0}, {0, 1}, {9, 1}, {10, 0}} {
		w.now = v.Window.Start + step.now
		w.open()
		if got := w.a.Circuits(); len(got) != step.held {
			t.Errorf("%d s after the start %+v is to stay", step.now, got)
		}
		w.checkIndexes()
		w.work()
	}
	w.expect(v.ID, Complete, v.Window)
}
