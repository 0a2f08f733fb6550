package allocator

import (
	"testing"

	"conga/controller/topology"
	"conga/openflow"
)

// ways is a network with switches 1 and 4, and three ways between them, over 2,
// 3 and 5, of 10 bit/s each; 6 is on none of them.
type ways struct {
	*world
	cables []topology.LinkID
}

func newWays(t *testing.T) *ways {
	w := &ways{world: newWorld(t, 6, 100)}
	for _, m := range []openflow.DPID{2, 3, 5} {
		w.cables = append(w.cables, w.cable(1, m, 10), w.cable(m, 4, 10))
	}
	w.cable(4, 6, 10)
	w.open()
	return w
}

// over has 6 bit/s reserved over a switch for a while from now, between hosts
// at a port; over any if it is 0.
func (w *ways) over(port int, via openflow.DPID, start, length Seconds) Allocation {
	r := ask(1, port, 4, port, 6, length)
	if via != 0 {
		r.Include = ElementsOf(ofSwitch(via))
	}
	if start > 0 {
		r.StartTime = w.now + start
	}
	return w.create(r)
}

// checkRoom finds links of which more is held than they have.
func (w *ways) checkRoom(t *testing.T) {
	t.Helper()
	w.a.mu.Lock()
	defer w.a.mu.Unlock()
	for id := range w.a.calendars.links {
		if l, ok := w.a.seen.Link(id); ok && w.a.calendars.links.peak(id, Window{w.now, w.now + 5000}) > l.Capacity {
			t.Errorf("%d s on: more of link %v is held than its %v", w.now-1_000_000, id, l.Capacity)
		}
	}
}

// A path that is taken for a while is held until the end, so one that others
// have later is not taken, though it is free for as long as it is needed.
func TestStageHasRoomUntilTheEnd(t *testing.T) {
	w := newWays(t)
	w.over(3, 5, 0, 1600)
	later := w.over(2, 3, 3200, 600)
	long := w.over(1, 0, 0, 4000)
	w.work()
	w.maintain(ofSwitch(6), span(3000, 3100)) // which concerns neither
	_, outcomes := w.maintain(ofSwitch(2), span(1000, 1500))
	if len(outcomes) != 1 || outcomes[0].Fate != FateStays {
		t.Errorf("outcomes %+v", outcomes)
	}
	for _, at := range []Seconds{940, 2940, 3200} {
		w.now = 1_000_000 + at
		w.work()
		w.checkRoom(t)
	}
	if a, b := w.get(later.ID), w.get(long.ID); a.State != Active || b.State != Active || over(a.Path) != 3 || over(b.Path) != 2 {
		t.Errorf("at last %+v and %+v", a, b)
	}
}

// What has lost its path does not take one that will be closed and is another's
// after that.
func TestLastResortHasRoomUntilTheEnd(t *testing.T) {
	w := newWays(t)
	later := w.over(2, 3, 3200, 600)
	w.over(3, 5, 0, 4000)
	w.over(1, 0, 0, 4000)
	w.work()
	w.maintain(ofSwitch(3), span(2000, 3000))
	w.change(cut(w.cables[0]))
	w.work()
	w.checkRoom(t)
	w.now = 1_000_000 + 3200
	w.work()
	w.checkRoom(t)
	if got := w.get(later.ID); got.State != Active {
		t.Errorf("what was promised is %+v", got)
	}
}

// A maintenance that was ended by hand has ended, also when the clock is set
// back.
func TestEndedStaysEnded(t *testing.T) {
	w, _ := square(t)
	m, _ := w.maintain(ofSwitch(2), span(500, 600))
	w.now += 100
	if _, err := w.a.EndMaintenance(bg, m.ID); err != nil {
		t.Fatal(err)
	}
	w.now -= 50
	w.work()
	if got, err := w.a.Maintenance(m.ID); err != nil || got.Phase(w.now) != PhaseEnded {
		t.Errorf("it is %s, %v", got.Phase(w.now), err)
	}
}

// When the closure is over for which something was to move, it stays, and comes
// to rest.
func TestStagesGoWithTheClosure(t *testing.T) {
	w := newWays(t)
	w.over(3, 5, 0, 5000)
	w.maintain(ofSwitch(3), span(200, 400)) // so that it cannot be there for all of its window
	a := w.over(1, 0, 100, 4000)
	m, outcomes := w.maintain(ofSwitch(2), span(1000, 1500))
	if len(outcomes) != 1 || outcomes[0].Fate != FateMoves || over(w.get(a.ID).Path) != 2 {
		t.Fatalf("outcomes %+v", outcomes)
	}
	if _, err := w.a.EndMaintenance(bg, m.ID); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if more, err := w.a.Plan(bg); err != nil {
			t.Fatal(err)
		} else if !more {
			if got := w.get(a.ID); over(got.Path) != 2 || len(w.a.staged) != 0 {
				t.Errorf("it is %+v, and %d have stages", got, len(w.a.staged))
			}
			return
		}
	}
	t.Error("there is no end of planning")
}
