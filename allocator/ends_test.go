package allocator

import (
	"errors"
	"strings"
	"testing"
	"time"

	"conga/controller/topology"
)

// What has ended says so if a switch could not be told.
func TestReasonAtTheEnd(t *testing.T) {
	for _, away := range []bool{false, true} {
		w, _ := pair(t)
		w.a.Settled()
		v := w.create(ask(1, 1, 2, 1, 1, 50))
		w.work()
		w.now += 50
		tasks, _ := w.a.Due(1)
		if len(tasks) != 1 || tasks[0].Do != Remove {
			t.Fatalf("due: %+v", tasks)
		}
		if away {
			w.change(connected(2, false))
			w.a.NetworkChanged()
		}
		if err := w.a.Removed(tasks[0]); err != nil {
			t.Fatal(err)
		}
		w.work()
		got := w.expect(v.ID, Complete, span(0, 50))
		if strings.Contains(got.Reason, "switch 0000000000000002 was not connected at the end") != away || (got.Reason != "") != away {
			t.Errorf("switch 2 is away: %v; the reason is %q", away, got.Reason)
		}
	}
}

// What has failed is tried again when the network has settled, and when it
// changes, but no sooner than a second after the attempt before.
func TestFailedIsTriedAgain(t *testing.T) {
	for name, event := range map[string]func(*world){
		"settled": func(w *world) { w.a.Settled() },
		"changed": func(w *world) { w.change(func(*topology.Snapshot) {}); w.a.NetworkChanged() },
		"nothing": func(*world) {},
	} {
		w, _ := pair(t)
		w.create(ask(1, 1, 2, 1, 1, 500))
		tasks, _ := w.a.Due(1)
		if err := w.a.Failed(tasks[0], errors.New("no"), w.cfg.Now().Add(100*time.Second)); err != nil {
			t.Fatal(err)
		}
		if len(w.a.failed) != 1 {
			t.Fatalf("%d are known to have failed", len(w.a.failed))
		}
		event(w)
		none, next := w.a.Due(1)
		wait := next.Sub(w.cfg.Now())
		if want := map[bool]time.Duration{true: 100 * time.Second, false: time.Second}[name == "nothing"]; len(none) != 0 || wait != want {
			t.Errorf("%s: %d due at once, the next in %v; want it in %v", name, len(none), wait, want)
		}
		if again := len(w.a.failed) == 0; again != (name != "nothing") {
			t.Errorf("%s: %d wait for news of the network", name, len(w.a.failed))
		}
	}
}

// A running allocation cannot become shorter than it has run for.
func TestShorterThanItHasRun(t *testing.T) {
	w, _ := pair(t)
	v := w.create(ask(1, 1, 2, 1, 1, 500))
	w.work()
	w.pass(30)
	for _, d := range []Seconds{20, 30} {
		_, err := w.a.Update(bg, v.ID, 0, Change{Duration: &d})
		if e := refused(t, err, Invalid, "duration"); !strings.Contains(e.Error(), "has run for 30 s already") {
			t.Errorf("shortened to %d s: %v", d, e)
		}
	}
	w.update(v.ID, Change{Duration: new(Seconds(31))})
	w.expect(v.ID, Active, span(0, 31))
}
