package allocator

import (
	"strings"
	"testing"

	"conga/bitrate"
)

// held returns a world of one link, and a request for all of it that is held.
func held(t *testing.T) (*world, Request) {
	w, _ := pair(t)
	r := ask(1, 1, 2, 1, 10, 100)
	r.Hold = 30
	return w, r
}

// What is held has its window and path to itself, and is installed when it is
// committed, as it was planned.
func TestHeldIsInstalledOnceCommitted(t *testing.T) {
	w, r := held(t)
	r.Lease = 200
	v := w.create(r)
	if v.Window != span(0, 100) || v.LeaseEnd != w.now+30 || !strings.HasPrefix(v.Reason, "held until 1970-01-12T13:47:10Z, planned for") {
		t.Fatalf("%+v", v)
	}
	later := w.create(ask(1, 2, 2, 2, 5, 100))
	w.work()
	w.expect(v.ID, Pending, span(0, 100))
	w.expect(later.ID, Pending, span(100, 200))
	w.pass(20)
	w.expect(v.ID, Pending, span(0, 100))
	if v = w.update(v.ID, Change{Hold: new(Seconds(30))}); v.LeaseEnd != w.now+30 || v.Hold != 30 {
		t.Errorf("held anew: %+v", v)
	}
	w.pass(15)
	w.expect(v.ID, Pending, span(0, 100))
	if v = w.update(v.ID, Change{Hold: new(Seconds(0))}); v.LeaseEnd != w.now+200 || v.Hold != 0 || v.Window != span(0, 100) {
		t.Errorf("committed: %+v", v)
	}
	w.work()
	w.expect(v.ID, Active, span(35, 100)) // another one has what follows
	_, err := w.a.Update(bg, v.ID, 0, Change{Hold: new(Seconds(30))})
	refused(t, err, Conflict, "hold")
	w.expect(later.ID, Pending, span(100, 200))
}

// What is committed late has its whole duration if there is room for it.
func TestCommittedLateHasItsDuration(t *testing.T) {
	w, r := held(t)
	id := w.create(r).ID
	w.pass(20)
	w.update(id, Change{Hold: new(Seconds(0))})
	w.work()
	w.expect(id, Active, span(20, 120))
}

// What is not committed is given up by itself, and says so; what waited for it
// has its path, and a restart changes nothing.
func TestHoldLapses(t *testing.T) {
	for _, restart := range []bool{false, true} {
		w, r := held(t)
		r.Hold = 100
		r.StartTime = w.now + 50
		id := w.create(r).ID
		other := ask(1, 2, 2, 2, 5, 100)
		other.Earliest = w.now + 60
		next := w.create(other).ID
		w.expect(next, Pending, span(150, 250))
		if restart {
			w.open()
		}
		w.pass(99)
		w.expect(id, Pending, span(50, 150))
		w.pass(1)
		v := w.expect(id, Complete, span(50, 150))
		if v.Reason != "given up: it was held for 100 s and was not committed" || v.Started {
			t.Errorf("%+v", v)
		}
		if v = w.get(next); v.Window.Start > w.now {
			t.Errorf("what waited for it is planned for %+v", v.Window)
		}
		_, err := w.a.Update(bg, id, 0, Change{Hold: new(Seconds(0))})
		refused(t, err, Conflict, "")
	}
}

// A change of what is held is admitted as any other, and it stays held.
func TestHeldIsChanged(t *testing.T) {
	w, r := held(t)
	id := w.create(r).ID
	w.update(id, Change{Bandwidth: new(bitrate.Rate(4))})
	w.work()
	v := w.expect(id, Pending, span(0, 100))
	if v.Bandwidth != 4 || v.Hold != 30 || v.LeaseEnd != w.now+30 {
		t.Errorf("%+v", v)
	}
	w.update(id, Change{Bandwidth: new(bitrate.Rate(8)), Hold: new(Seconds(0))})
	w.work()
	w.expect(id, Active, span(0, 100))
}

// A hold has bounds.
func TestHoldIsChecked(t *testing.T) {
	w, r := held(t)
	for _, seconds := range []Seconds{-1, MaxLease + 1} {
		r.Hold = seconds
		_, err := w.a.Create(bg, r)
		refused(t, err, Invalid, "hold")
	}
	id := w.create(ask(1, 1, 2, 1, 1, 10)).ID
	_, err := w.a.Update(bg, id, 0, Change{Hold: new(Seconds(MaxLease + 1))})
	refused(t, err, Invalid, "hold")
}
