package allocator

import (
	"testing"
	"time"

	"conga/bitrate"
)

// A clock that is set changes what is due: what was over may run again, what
// waits for its next attempt waits as long as before, and a lease has a minute
// left, or as long as it is.
func TestClockSet(t *testing.T) {
	set := func(w *world, by Seconds) {
		w.now += by
		w.a.ClockSet(time.Duration(by) * time.Second)
		w.work()
	}
	t.Run("over, and not any more", func(t *testing.T) {
		w, _ := pair(t)
		r := ask(1, 1, 2, 1, 6, 50)
		r.StartTime = w.now + 100
		id := w.create(r).ID
		w.now += 200 // the window has passed, which nothing has looked at
		set(w, -120)
		w.expect(id, Pending, span(100, 150))
		w.pass(20)
		w.expect(id, Active, span(100, 150))
	})
	t.Run("runs, and begins anew", func(t *testing.T) {
		w, _ := pair(t)
		id := w.create(ask(1, 1, 2, 1, 6, 50)).ID
		w.work()
		set(w, -20)
		w.expect(id, Active, span(-20, 50))
		_, err := w.a.Create(bg, func() Request {
			r := ask(1, 2, 2, 2, 6, 10)
			r.StartTime = w.now + 5
			return r
		}())
		refused(t, err, Conflict, "bandwidth") // what runs has its rate from now on
		set(w, 30)
		w.expect(id, Active, span(-20, 50))
		set(w, 40)
		w.expect(id, Complete, span(-20, 50))
	})
	t.Run("leases", func(t *testing.T) {
		for used, want := range map[Seconds]Seconds{0: 300, 100: 200, 240: 60, 290: 60} {
			for _, by := range []Seconds{-1000, -10, 10, 290, 1000} {
				w, trunk := pair(t)
				w.change(cut(trunk))
				r := ask(1, 1, 2, 1, 6, 50)
				r.Lease = 300
				id := w.create(r).ID
				w.now += used
				set(w, by)
				if v := w.get(id); v.State != Pending || v.LeaseEnd != w.now+want {
					t.Errorf("set by %d s after %d it has %d s left, want %d: %+v", by, used, v.LeaseEnd-w.now, want, v)
				}
			}
		}
	})
	t.Run("planned sooner", func(t *testing.T) {
		w, _ := pair(t)
		w.other(3, 6, 0, 100)
		w.work()
		id := w.create(ask(1, 1, 2, 1, 6, 20)).ID
		w.expect(id, Pending, span(100, 120))
		set(w, -30)
		w.expect(id, Pending, span(100, 120)) // what runs holds its rate from now on
		w.limit(Limits{Bandwidth: new(bitrate.Rate(100))})
		set(w, 10)
		w.expect(id, Pending, span(100, 120))
	})
}

// TestDelaysOverAStep: what is tried again, or has no path, or waits for its
// first path, for a while, does so for as long by a clock that is set; set far
// back it does so at once, or for as long anew.
func TestDelaysOverAStep(t *testing.T) {
	const second = nanos(time.Second)
	for by, want := range map[nanos][4]nanos{
		0: {100, 110, 130, 95}, 50: {150, 160, 180, 145}, -50: {50, 60, 80, 95}, -105: {0, 5, 25, 95}, -1000: {0, 0, 0, 95},
	} {
		w, _ := pair(t)
		id := w.create(ask(1, 1, 2, 1, 6, 5000)).ID
		w.work()
		w.a.mu.Lock()
		it := w.a.findLocked(id)
		x := it.own()
		x.tried, x.retry, x.barred, x.whole = 100*second, 110*second, 130*second, 95*second
		w.a.stepLocked(it, by*second, w.now)
		got := [4]nanos{x.tried, x.retry, x.barred, x.whole}
		w.a.mu.Unlock()
		for i := range got {
			if at := max(1, want[i]*second); got[i] != at {
				t.Errorf("by %d: %v, want %v", by, got, want)
			}
		}
	}
}
