package allocator

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// What was to run as early as it fits runs, although the window that was
// planned for it passed while the daemon was down. A window that was asked for
// does not come again.
func TestMissedWindows(t *testing.T) {
	w, _ := pair(t)
	w.create(ask(1, 1, 2, 1, 6, 100))
	early := w.create(ask(1, 2, 2, 2, 6, 50)).ID
	r := ask(1, 3, 2, 3, 1, 50)
	r.StartTime = w.now + 120
	fixed := w.create(r).ID
	w.work()
	w.expect(early, Pending, span(100, 150))
	w.now += 300
	w.open()
	w.work()
	w.expect(early, Active, span(300, 350))
	if got := w.expect(fixed, Complete, span(120, 170)); !strings.Contains(got.Reason, "its window passed") {
		t.Errorf("reason %q", got.Reason)
	}
	w.pass(50)
	w.expect(early, Complete, span(300, 350))
}

// What could not be installed in its window waits for another, and gets its
// whole duration once that can be, also if the attempts are further apart than
// it is long.
func TestMissedForFailures(t *testing.T) {
	w, _ := pair(t)
	id := w.create(ask(1, 1, 2, 1, 6, 20)).ID
	for until := w.now + 300; w.now < until; w.now++ {
		w.plan()
		tasks, _ := w.a.Due(10)
		for _, task := range tasks {
			if task.Do != Install {
				if err := w.a.Removed(task); err != nil {
					t.Fatal(err)
				}
			} else if err := w.a.Failed(task, errors.New("table full"), (w.now + 45).Time()); err != nil {
				t.Fatal(err)
			}
		}
		if v := w.get(id); v.State != Pending || v.Reason == "" {
			t.Fatalf("after %d s %+v", w.now-1_000_000, v)
		}
	}
	w.pass(50)
	if got := w.get(id); got.State != Active || got.Window.End-got.Window.Start != 20 {
		w.pass(20)
		if got := w.get(id); got.State != Complete || got.Reason != "" {
			t.Errorf("%+v", got)
		}
	}
}

// A window that was asked for ends with its reason where a host has not been
// seen by then; seen within it, the host gets what is left,
// and no more.
func TestFixedWindowToStranger(t *testing.T) {
	stranger := netip.MustParseAddr("192.0.2.9")
	appear := func(s *topology.Snapshot) {
		s.Addrs = s.Addrs.With(stranger, topology.Attachment{Prefix: netip.PrefixFrom(stranger, 32), At: topology.PortID{DPID: 2, Port: 3}})
	}
	w, _ := pair(t)
	r := ask(1, 1, 2, 1, 6, 5)
	r.Key.Dst, r.StartTime = path.Host(stranger), w.now
	short := w.create(r).ID
	r.Key.Proto, r.Key.DstPort, r.Duration = 6, path.Port(80), 100
	long := w.create(r).ID
	w.work()
	w.pass(4)
	w.expect(short, Pending, Window{})
	w.pass(1)
	if got := w.expect(short, Complete, Window{}); !strings.Contains(got.Reason, "passed before a path was found: 192.0.2.9 has not been seen yet") {
		t.Errorf("reason %q", got.Reason)
	}
	w.expect(long, Pending, Window{})
	w.pass(8)
	w.change(appear)
	w.work()
	w.expect(short, Complete, Window{})
	w.expect(long, Active, span(13, 100))
	if _, err := w.a.Update(bg, short, 0, Change{Duration: new(Seconds(50))}); err == nil {
		t.Error("what has ended was changed")
	}
}

// A window that has passed is refused in a change, too.
func TestPassedWindowIsRefused(t *testing.T) {
	w, trunk := pair(t)
	w.change(cut(trunk))
	r := ask(1, 1, 2, 1, 6, 50)
	r.StartTime = w.now + 5
	id := w.create(r).ID
	w.now += 40
	_, err := w.a.Update(bg, id, 0, Change{Duration: new(Seconds(20))})
	refused(t, err, Conflict, "start_time")
}

// What is planned says what it waits for, and says something else when it waits
// for that.
func TestPlannedSaysWhatItWaitsFor(t *testing.T) {
	w, _ := pair(t)
	reason := func(id, want string) {
		t.Helper()
		list := w.list("p")
		for _, v := range append(list, w.get(id)) {
			if v.ID == id && !strings.Contains(v.Reason, want) {
				t.Errorf("%s: reason %q, want %q", id, v.Reason, want)
			}
		}
	}
	const full = "link 0000000000000001:100->0000000000000002:101 does not have 6 left"
	w.create(ask(1, 1, 2, 1, 6, 100))
	behind := w.create(ask(1, 2, 2, 2, 6, 50))
	if !strings.Contains(behind.Reason, "until then "+full) {
		t.Errorf("when it is made its reason is %q", behind.Reason)
	}
	reason(behind.ID, "planned for 1970-01-12T13:48:20Z: until then "+full)
	r := ask(1, 3, 2, 3, 1, 50)
	r.StartTime = w.now + 120
	reason(w.create(r).ID, "waits for its start at 1970-01-12T13:48:40Z")
	same := w.create(ask(1, 1, 2, 1, 0, 50)).ID
	reason(same, "another allocation has this traffic")
	w.open()
	reason("id1", "its path is being installed")
	w.work()
	reason(same, "another allocation has this traffic") // also after a restart
	tasks, _ := w.a.Due(10)
	if len(tasks) != 0 {
		t.Fatalf("%+v", tasks)
	}
	if err := w.a.Release(bg, "id1", 0); err != nil {
		t.Fatal(err)
	}
	w.plan()
	reason(behind.ID, full) // the entries of the first are still there
	w.work()
	if got := w.expect(behind.ID, Active, span(0, 50)); got.Reason != "" {
		t.Errorf("reason %q", got.Reason)
	}
}

// What has lost its path says what is in its way now, not what was at first.
func TestReasonIsRenewed(t *testing.T) {
	w, direct, _ := ring(t)
	id := w.create(ask(1, 1, 2, 1, 6, 1000)).ID
	w.work()
	w.change(connected(3, false))
	w.change(cut(direct))
	w.work()
	if first := w.expect(id, Pending, span(0, 1000)).Reason; !strings.Contains(first, direct.From.String()) && !strings.Contains(first, direct.To.String()) {
		t.Fatalf("reason %q does not name %s", first, direct)
	}
	w.change(mend(direct, 4)) // narrower than it was
	w.work()
	if got := w.expect(id, Pending, span(0, 1000)).Reason; !strings.Contains(got, "6 never fits") {
		t.Errorf("reason %q", got)
	}
	w.change(connected(3, true))
	w.work()
	if got := w.expect(id, Active, span(0, 1000)); got.Reason != "" || len(got.Path) != 3 {
		t.Errorf("%+v", got)
	}
}

// After a step forward nothing is removed from the history for a day, so that a
// clock that was set wrong, and back, costs none of it.
func TestHistoryRestsAfterStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, bitrate.Gbps)
		var offset time.Duration
		w.cfg.Now = func() time.Time { return time.Now().Add(offset) }
		(&chronicle{world: w}).ended(1, "p", path.SecondsOf(time.Now()))
		a := w.open()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { a.Run(ctx); close(ended) }()
		offset = 2 * DefaultHistory
		a.ClockSet(offset)
		time.Sleep(restAfterStep + pruneEvery/2)
		if n := a.Counts("")[Complete]; n != 1 {
			t.Errorf("%d are left after a step forward", n)
		}
		time.Sleep(pruneEvery)
		synctest.Wait()
		if n := a.Counts("")[Complete]; n != 0 {
			t.Errorf("%d are left a day after it", n)
		}
		stop()
		<-ended
	})
}

// A clock that is set forward a little, again and again, keeps nothing in the
// history: a pass is left out only where the step is longer than that takes.
func TestHistoryIsPrunedThoughTheClockIsSetDaily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, bitrate.Gbps)
		var offset atomic.Int64
		w.cfg.Now = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
		(&chronicle{world: w}).ended(1, "p", path.SecondsOf(time.Now()))
		a := w.open()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { a.Run(ctx); close(ended) }()
		for day := range 2 * DefaultHistory / (24 * time.Hour) {
			by := time.Second
			if day%2 == 0 {
				by = 8 * time.Hour // it has slept
			}
			offset.Add(int64(by))
			a.ClockSet(by)
			time.Sleep(24*time.Hour - by)
		}
		if n := a.Counts("")[Complete]; n != 0 {
			t.Errorf("%d are left after twice the time that they are kept", n)
		}
		stop()
		<-ended
	})
}

// A start that counts from now is a moment once the request is admitted.
func TestStartFromNow(t *testing.T) {
	w, _ := pair(t)
	for _, later := range []Seconds{0, 1, MaxAhead} {
		r := ask(1, 1, 2, 1, 6, 50)
		r.StartTime = FromNow(later)
		v := w.create(r)
		if start := w.now + later; v.StartTime != start || v.Window != (Window{start, start + 50}) {
			t.Errorf("%d s from now: %+v", later, v)
		}
		if err := w.a.Release(bg, v.ID, 0); err != nil {
			t.Fatal(err)
		}
	}
}

// What begins late in its window, since the daemon was down, says how late; a
// few seconds are no matter.
func TestLateStartIsReported(t *testing.T) {
	for late, want := range map[Seconds]string{
		0: "", startSlack: "", 37: "began 37 s after the start that was asked for, 1970-01-12T13:48:40Z",
	} {
		w, _ := pair(t)
		w.now = 1_000_000
		r := ask(1, 1, 2, 1, 1, 500)
		r.StartTime = w.now + 120
		id := w.create(r).ID
		free := w.create(ask(1, 2, 2, 2, 1, 500)).ID
		w.now += 120 + late
		w.open()
		w.work()
		if got := w.get(id); got.State != Active || got.Reason != want {
			t.Errorf("%d s late: %s, reason %q", late, got.State, got.Reason)
		}
		if got := w.get(free); got.State != Active || got.Reason != "" {
			t.Errorf("without a start that was asked for: %s, reason %q", got.State, got.Reason)
		}
	}
}

// A clock that is set forward past a window and back into it, before the
// allocation was planned anew, leaves the allocation to run.
func TestClockSetForwardAndBack(t *testing.T) {
	w, _ := pair(t)
	w.cfg.NewID = nil // with an ID of another kind more is kept of it, and looked at
	w.open()
	set := func(by Seconds) {
		w.now += by
		w.a.ClockSet(time.Duration(by) * time.Second)
	}
	id := w.create(ask(1, 1, 2, 1, 1, 3)).ID
	set(20)
	if tasks, _ := w.a.Due(10); len(tasks) != 0 {
		t.Fatalf("due is %+v", tasks)
	}
	set(-19)
	w.work()
	w.expect(id, Active, span(1, 4))
	w.pass(3)
	w.expect(id, Complete, span(1, 4))
}
