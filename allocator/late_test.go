package allocator

import "testing"

// TestConfirmedTooLate: what is confirmed after its path was lost does not make
// an allocation active, neither one that is about to start nor one that is
// active already; it is once its path is back.
func TestConfirmedTooLate(t *testing.T) {
	for _, again := range []bool{false, true} {
		w := newWorld(t, 3, 100)
		w.cable(1, 3, 10)
		w.cable(3, 2, 10)
		w.open()
		w.a.Settled()
		id := w.create(ask(1, 1, 2, 1, 5, 1000)).ID
		if again {
			w.work()
			w.reopen() // what a switch has is asked for anew
			w.a.Settled()
		}
		w.plan()
		tasks, _ := w.a.Due(10)
		if len(tasks) != 1 || tasks[0].Do != Install {
			t.Fatalf("again %v: %v is due", again, tasks)
		}
		w.change(connected(3, false)) // its path may come back
		w.plan()
		if err := w.a.Installed(tasks[0]); err != nil {
			t.Fatal(err)
		}
		if v := w.get(id); v.State != Pending || v.Reason == "" {
			t.Errorf("again %v: %s over a switch that is away, reason %q", again, v.State, v.Reason)
		}
		w.work()
		if v := w.get(id); v.State != Pending {
			t.Errorf("again %v: %s in the end", again, v.State)
		}
		w.change(connected(3, true))
		w.work()
		if v := w.get(id); v.State != Active || v.Reason != "" {
			t.Errorf("again %v: %s once the switch is back, reason %q", again, v.State, v.Reason)
		}
	}
}
