package allocator

import (
	"errors"
	"strings"
	"testing"
	"time"

	"conga/controller/topology"
)

// What an allocation lacks follows from how it and the network are now: what
// does not run, is complete or is over lacks nothing, nor does one that waits
// for its switches and keeps its path meanwhile.
func TestShortfallOfAState(t *testing.T) {
	w, _, _ := ring(t)
	running := w.create(ask(1, 1, 2, 1, 5, 1000))
	w.work()
	running = w.get(running.ID)
	w.change(enforcing(2, true, 1))
	const noMeters = "its rate is not enforced at switch 0000000000000002, which has no meters"
	for name, c := range map[string]struct {
		of   func(v *Allocation)
		lack Lack
		why  string // how it begins
	}{
		"active":                    {func(v *Allocation) { v.Reason = "" }, NoLack, ""},
		"active, began late":        {func(v *Allocation) { v.Path, v.Reason = nil, "began 9 s after the start" }, NoLack, ""},
		"active, not enforced":      {func(v *Allocation) { v.Reason = noMeters }, NotEnforced, noMeters},
		"active, late as well":      {func(v *Allocation) { v.Reason = "began 9 s after the start; " + noMeters }, NotEnforced, noMeters},
		"active, without a rate":    {func(v *Allocation) { v.Bandwidth, v.Reason = 0, "began 9 s after the start" }, NoLack, ""},
		"no path":                   {func(v *Allocation) { v.State, v.Path, v.Reason = Pending, nil, "link down" }, NoPath, "link down"},
		"no room":                   {func(v *Allocation) { v.State, v.Path, v.Reason = Pending, nil, narrowed+"link down" }, NoRoom, narrowed + "link down"},
		"a path that is kept":       {func(v *Allocation) { v.State, v.Reason = Pending, "switch is not connected" }, NoLack, ""},
		"kept, with no room":        {func(v *Allocation) { v.State, v.Reason = Pending, narrowed+"link down" }, NoLack, ""},
		"a path not in the network": {func(v *Allocation) { v.State, v.Reason = Pending, notInstalled+"refused" }, NoPath, notInstalled + "refused"},
		"has not begun":             {func(v *Allocation) { v.State, v.Started, v.Path, v.Reason = Pending, false, nil, "link down" }, NoLack, ""},
		"complete":                  {func(v *Allocation) { v.State, v.Path, v.Reason = Complete, nil, "its path was lost" }, NoLack, ""},
		"complete, was narrowed":    {func(v *Allocation) { v.State, v.Path, v.Reason = Complete, nil, narrowed+"link down" }, NoLack, ""},
		"over, entries still there": {func(v *Allocation) { v.Window.End, v.Reason = w.now, noMeters }, NoLack, ""},
		"over, and has no path":     {func(v *Allocation) { v.State, v.Path, v.Window.End, v.Reason = Pending, nil, w.now, "link down" }, NoLack, ""},
		"has a second left":         {func(v *Allocation) { v.State, v.Path, v.Window.End, v.Reason = Pending, nil, w.now+1, "link down" }, NoPath, "link down"},
	} {
		v := running
		c.of(&v)
		w.a.mu.Lock()
		got := w.a.shortfallLocked(&v)
		w.a.mu.Unlock()
		if got.Lack != c.lack || !strings.HasPrefix(got.Why, c.why) || (got.Why == "") != (c.lack == NoLack) {
			t.Errorf("%s: %+v, want %d %q", name, got, c.lack, c.why)
		}
	}
}

// Each lack comes with what happens to the network, is in the news of the
// allocation too, and goes when that is undone. Allocations that it does not
// concern lack nothing meanwhile.
func TestShortfallOfTheNetwork(t *testing.T) {
	for name, c := range map[string]struct {
		breaks, mends func(direct topology.LinkID, handle uint32) func(*topology.Snapshot)
		lack          Lack
		why           string
		silent        bool // the allocation itself is as before, so that there is no news of it
	}{
		"path": {
			func(direct topology.LinkID, _ uint32) func(*topology.Snapshot) { return cut(direct) },
			func(direct topology.LinkID, _ uint32) func(*topology.Snapshot) { return mend(direct, 10) },
			NoPath, "", false,
		},
		"capacity": {
			func(direct topology.LinkID, _ uint32) func(*topology.Snapshot) { return narrow(direct, 4) },
			func(direct topology.LinkID, _ uint32) func(*topology.Snapshot) { return narrow(direct, 10) },
			NoRoom, "degraded to best effort: link ", false,
		},
		"enforcement, no meters": {
			func(topology.LinkID, uint32) func(*topology.Snapshot) { return enforcing(1, true, 0) },
			func(topology.LinkID, uint32) func(*topology.Snapshot) { return enforcing(1, false, 0) },
			NotEnforced, "its rate is not enforced at switch 0000000000000001, which has no meters", true,
		},
		"enforcement, too few meters": {
			func(_ topology.LinkID, h uint32) func(*topology.Snapshot) { return enforcing(1, false, h) },
			func(topology.LinkID, uint32) func(*topology.Snapshot) { return enforcing(1, false, 0) },
			NotEnforced, "its rate is not enforced at switch 0000000000000001, which has too few meters", true,
		},
		"none, a switch that is away": {
			func(topology.LinkID, uint32) func(*topology.Snapshot) { return connected(1, false) },
			func(topology.LinkID, uint32) func(*topology.Snapshot) { return connected(1, true) },
			NoLack, "", true,
		},
		"none, meters elsewhere": {
			func(topology.LinkID, uint32) func(*topology.Snapshot) { return enforcing(4, true, 1) },
			func(topology.LinkID, uint32) func(*topology.Snapshot) { return enforcing(4, false, 0) },
			NoLack, "", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 4, 100)
			direct := w.cable(1, 2, 10)
			w.cable(3, 4, 10)
			news := map[string]Shortfall{}
			w.cfg.Notify = func(v Allocation, _ bool) { news[v.ID] = v.Shortfall }
			w.open()
			w.a.Settled()
			other := w.create(ask(3, 1, 3, 2, 9, 1000))
			one := w.create(ask(1, 1, 2, 1, 6, 1000))
			w.work()
			lacks := func(when string, want Lack, why string) {
				t.Helper()
				got := w.get(one.ID).Shortfall
				if got.Lack != want || !strings.HasPrefix(got.Why, why) || (got.Why == "") != (want == NoLack) {
					t.Errorf("%s: %+v, want %d %q", when, got, want, why)
				}
				if !c.silent && news[one.ID] != got {
					t.Errorf("%s: its news says %+v, it %+v", when, news[one.ID], got)
				}
				if got := w.get(other.ID); got.State != Active || got.Shortfall != (Shortfall{}) {
					t.Errorf("%s: the other one: %+v", when, got)
				}
			}
			lacks("at first", NoLack, "")
			w.change(c.breaks(direct, one.Handle))
			w.work()
			lacks("then", c.lack, c.why)
			w.change(c.mends(direct, one.Handle))
			w.work()
			lacks("at last", NoLack, "")
			w.change(c.breaks(direct, one.Handle))
			w.pass(1000)
			if got := w.get(one.ID); got.State != Complete || got.Shortfall != (Shortfall{}) {
				t.Errorf("when it is over: %+v", got)
			}
		})
	}
}

// A path that switches refuse while the allocation runs is lost until they take
// it.
func TestShortfallOfARefusal(t *testing.T) {
	w, direct, _ := ring(t)
	one := w.create(ask(1, 1, 2, 1, 6, 1000))
	w.work()
	w.change(cut(direct))
	w.plan()
	for {
		tasks, _ := w.a.Due(10)
		if len(tasks) == 0 {
			break
		}
		for _, task := range tasks {
			var err error
			if task.Do == Remove {
				err = w.a.Removed(task)
			} else {
				err = w.a.Failed(task, errors.New("table full"), w.now.Time().Add(time.Minute))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		w.plan()
	}
	if got := w.get(one.ID).Shortfall; got != (Shortfall{NoPath, notInstalled + "table full"}) {
		t.Errorf("refused: %+v", got)
	}
	w.pass(60)
	if got := w.expect(one.ID, Active, span(0, 1000)); got.Shortfall != (Shortfall{}) {
		t.Errorf("when they take it: %+v", got)
	}
}
