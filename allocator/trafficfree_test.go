package allocator

import (
	"strings"
	"testing"

	"conga/bitrate"
)

// TestItsTrafficIsFreeAgain: a request for a fixed window that has lost its
// place, and whose traffic has meanwhile been given to another, has a place
// again as soon as that one is gone, and says so long whom it waits for.
func TestItsTrafficIsFreeAgain(t *testing.T) {
	w := newWorld(t, 2, bitrate.Tbps)
	l := w.cable(1, 2, 100)
	w.open()
	r := ask(1, 1, 2, 1, 50, 60)
	r.StartTime = w.now + 3600
	first := w.create(r)
	w.work()
	w.expect(first.ID, Pending, span(3600, 3660))
	w.change(mend(l, 10))
	w.pass(3600 - planNear)
	w.expect(first.ID, Pending, Window{})
	r.Bandwidth = 0
	second := w.create(r)
	w.work()
	w.expect(second.ID, Pending, span(3600, 3660))
	w.change(mend(l, 100))
	w.work()
	if got := w.expect(first.ID, Pending, Window{}); !strings.Contains(got.Reason, "same traffic") {
		t.Errorf("it says %q", got.Reason)
	}
	w.checkIndexes()
	if err := w.remove(second.ID); err != nil {
		t.Fatal(err)
	}
	select {
	case <-w.a.Wake():
	default:
		t.Error("nothing says that there is something to plan")
	}
	w.work()
	w.expect(first.ID, Pending, span(3600, 3660))
}
