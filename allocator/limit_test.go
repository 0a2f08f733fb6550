package allocator

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
)

// TestLimitsBelowUse lowers each limit below what a project has: what it has
// stays, can be made smaller and goes on, and nothing grows.
func TestLimitsBelowUse(t *testing.T) {
	w := newWorld(t, 2, 1000)
	w.cable(1, 2, 1000)
	limits := Limits{}
	w.cfg.Limits = func(string) Limits { return limits }
	w.open()
	running := w.create(ask(1, 1, 2, 1, 10, 100))
	w.create(ask(1, 2, 2, 2, 6, 300))
	later := ask(1, 3, 2, 3, 8, 100)
	later.StartTime = w.now + 50
	planned := w.create(later)
	w.work()
	limits = Limits{Bandwidth: new(bitrate.Rate(5)), Active: new(1)}
	w.a.LimitsChanged()
	refuse := func(id, field, says string, c Change) {
		t.Helper()
		_, err := w.a.Update(bg, id, 0, c)
		if refused(t, err, Denied, field); !strings.Contains(err.Error(), says) {
			t.Error(err)
		}
	}
	for _, id := range []string{running.ID, planned.ID} {
		w.update(id, Change{Bandwidth: new(bitrate.Rate(7))})
		w.update(id, Change{Duration: new(Seconds(90))})
		w.update(id, Change{Lease: new(Seconds(600))})
		refuse(id, "bandwidth", "9 is more than the 5 that project p may hold", Change{Bandwidth: new(bitrate.Rate(9))})
		w.work()
	}
	w.update(running.ID, Change{Duration: new(Seconds(200))}) // as conga run does
	refuse(running.ID, "bandwidth", "may hold", Change{Bandwidth: new(bitrate.Rate(8))})
	_, err := w.a.Create(bg, ask(1, 4, 2, 4, 0, 10))
	refused(t, err, Denied, "project_id")
	if !strings.Contains(err.Error(), "may have 1 allocations that are not complete and has 3") {
		t.Error(err)
	}
	w.update(planned.ID, Change{Bandwidth: new(bitrate.Rate(0))})
	w.update(running.ID, Change{Bandwidth: new(bitrate.Rate(0))})
}

// TestLimitStillHoldsChanges has a change that reaches into what others hold.
func TestLimitStillHoldsChanges(t *testing.T) {
	w := newWorld(t, 2, 1000)
	w.cable(1, 2, 1000)
	w.limit(Limits{Bandwidth: new(bitrate.Rate(10))})
	first := w.create(ask(1, 1, 2, 1, 6, 100))
	second := ask(1, 2, 2, 2, 6, 100)
	second.StartTime = w.now + 100
	w.create(second)
	w.work()
	_, err := w.a.Update(bg, first.ID, 0, Change{Duration: new(Seconds(150))})
	if refused(t, err, Denied, "bandwidth"); !strings.Contains(err.Error(), "holds, besides this one, 6") {
		t.Error(err)
	}
}

// TestLimitOfNothing tells a limit of nothing from none.
func TestLimitOfNothing(t *testing.T) {
	w := newWorld(t, 2, 1000)
	w.cable(1, 2, 1000)
	w.limit(Limits{Bandwidth: new(bitrate.Rate(0))})
	_, err := w.a.Create(bg, ask(1, 1, 2, 1, 1, 100))
	if refused(t, err, Denied, "bandwidth"); !strings.Contains(err.Error(), "project p may hold no bandwidth") {
		t.Error(err)
	}
	w.create(ask(1, 1, 2, 1, 0, 100))
	w.limit(Limits{Active: new(0)})
	_, err = w.a.Create(bg, ask(1, 1, 2, 2, 0, 100))
	if refused(t, err, Denied, "project_id"); !strings.Contains(err.Error(), "project p may have no allocations") {
		t.Error(err)
	}
}

// TestLoweredLimitGivesNothing lowers the limit on rates, to nothing at last,
// below what is planned and what runs: none of it becomes more, or earlier than
// beside the rest, and what runs and loses its path goes on.
func TestLoweredLimitGivesNothing(t *testing.T) {
	for _, to := range []bitrate.Rate{0, 2, 5} {
		w := newWorld(t, 2, 1000)
		trunk := w.cable(1, 2, 1000)
		limits := Limits{Bandwidth: new(bitrate.Rate(10))}
		w.cfg.Limits = func(string) Limits { return limits }
		w.open()
		volume := func(host int, rate bitrate.Rate) Request {
			r := ask(1, host, 2, host, 0, 0)
			r.Volume, r.MaxBandwidth = 100, rate
			return r
		}
		running := w.create(volume(1, 6)) // for 134 s
		timely := ask(1, 2, 2, 2, 6, 100)
		timely.Deadline = w.now + 1000
		second := w.create(timely)
		later := volume(3, 0)
		later.Earliest = w.now + 500
		third := w.create(later)
		check := func() {
			t.Helper()
			w.expect(running.ID, Active, span(0, 134))
			w.expect(second.ID, Pending, span(134, 234))
			w.expect(third.ID, Pending, span(500, 580))
			if got := w.get(third.ID); got.Bandwidth != 10 {
				t.Errorf("with a limit of %d a volume is planned with %d", to, got.Bandwidth)
			}
		}
		w.work()
		check()
		limits = Limits{Bandwidth: &to}
		w.a.LimitsChanged()
		w.work()
		check()
		w.cable(1, 2, 1000)
		w.change(cut(trunk))
		w.work()
		w.expect(running.ID, Active, span(0, 134))
		if got := w.get(running.ID); got.Bandwidth != 6 {
			t.Errorf("with a limit of %d, on another path, it runs with %d", to, got.Bandwidth)
		}
		w.checkCalendars()
	}
}

// TestNoLimitRefusesLess makes allocations smaller under limits of any kind.
func TestNoLimitRefusesLess(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt, 2, 20)
		w.cable(1, 2, 20)
		limits := Limits{}
		w.cfg.Limits = func(string) Limits { return limits }
		w.open()
		var all []Allocation
		for i := range rapid.IntRange(1, 6).Draw(rt, "allocations") {
			r := ask(1, i%3+1, 2, i/3+1, bitrate.Rate(rapid.IntRange(0, 6).Draw(rt, "rate")), Seconds(rapid.IntRange(20, 60).Draw(rt, "duration")))
			if rapid.Bool().Draw(rt, "starts later") {
				r.StartTime = w.now + Seconds(rapid.IntRange(0, 60).Draw(rt, "start"))
			}
			if v, err := w.a.Create(bg, r); err == nil {
				all = append(all, v)
			}
		}
		for range rapid.IntRange(0, 6).Draw(rt, "changes") {
			w.pass(Seconds(rapid.IntRange(0, 3).Draw(rt, "seconds")))
			limits = drawLimits(rt, 9)
			w.a.LimitsChanged()
			if len(all) == 0 {
				return
			}
			v := w.get(rapid.SampledFrom(all).Draw(rt, "changed").ID)
			rate := bitrate.Rate(rapid.Uint64Range(0, uint64(v.Bandwidth)).Draw(rt, "to"))
			long := Seconds(rapid.Uint64Range(1, uint64(v.Duration)).Draw(rt, "for"))
			if _, err := w.a.Update(bg, v.ID, 0, Change{Bandwidth: &rate, Duration: &long}); err != nil && refusedAs(err) == Denied {
				rt.Fatal(err)
			}
		}
	})
}

// TestLimitOfAnyRate: the greatest limit that there may be keeps nothing from
// its time, neither from the first that there is nor from the last.
func TestLimitOfAnyRate(t *testing.T) {
	w, _ := pair(t)
	w.limit(Limits{Bandwidth: new(bitrate.Rate(math.MaxUint64))})
	w.create(fixed(w, 2, 4, 0, 100))
	v := w.create(flexible(ask(1, 1, 2, 1, 6, 50), 0, 200))
	w.expect(v.ID, Pending, span(0, 50))
	v = w.create(flexible(ask(1, 1, 2, 1, 6, 50), 0, 200))
	w.expect(v.ID, Pending, span(50, 100))
	w.create(fixed(w, 2, 10, 150, 200))
	r := fixed(w, 3, 6, 160, 170)
	w.offers(r, w.instead(r), start(200), start(140), rate(0))
}

// TestChangeIntoAProjectThatMayNotWait: what waits changes to no project that
// may have nothing waiting, or not for so long.
func TestChangeIntoAProjectThatMayNotWait(t *testing.T) {
	w, _ := pair(t)
	w.cfg.Limits = func(project string) (l Limits) {
		switch project {
		case "hasty":
			l.Pending = new(0)
		case "near":
			l.Horizon = new(Seconds(99))
		case "far":
			l.Horizon = new(Seconds(100))
		}
		return l
	}
	w.open()
	id := w.create(fixed(w, 1, 4, 100, 200)).ID
	for project, field := range map[string]string{"hasty": "project_id", "near": "start_time"} {
		_, err := w.a.Update(bg, id, 0, Change{ProjectID: &project})
		refused(t, err, Denied, field)
	}
	w.update(id, Change{ProjectID: new("far")})
	w.expect(id, Pending, span(100, 200))
}
