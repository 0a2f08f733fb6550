package allocator

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// What has been carried is reckoned from the time with a path, and is never
// more than the volume, whatever the rate.
func TestCarried(t *testing.T) {
	running := record{Allocation: Allocation{State: Active, Started: true, Request: Request{Bandwidth: 80, Leeway: Leeway{Volume: 1000}}}}
	running.Since, running.Carried = 100, 50
	for name, c := range map[string]struct {
		at     Seconds
		change func(*record)
		want   uint64
	}{
		"at once":            {100, func(*record) {}, 50},
		"after some seconds": {107, func(*record) {}, 120},
		"before":             {90, func(*record) {}, 50},
		"nearly all":         {194, func(*record) {}, 990},
		"all":                {195, func(*record) {}, 1000},
		"for long":           {10_000, func(*record) {}, 1000},
		"waits":              {107, func(r *record) { r.State = Pending }, 50},
		"complete":           {107, func(r *record) { r.State = Complete }, 120},
		"has not begun":      {107, func(r *record) { r.Started = false }, 50},
		"at any rate":        {107, func(r *record) { r.Bandwidth = math.MaxInt64 }, 1000},
		"at any rate, ever":  {math.MaxInt64, func(r *record) { r.Bandwidth, r.Volume = math.MaxInt64, MaxVolume }, MaxVolume},
		"has been changed":   {107, func(r *record) { r.Volume = 40 }, 40},
		"no volume":          {107, func(r *record) { r.Volume = 0 }, 0},
	} {
		r := running
		if c.change(&r); r.carried(c.at) != c.want {
			t.Errorf("%s: %d bytes, want %d", name, r.carried(c.at), c.want)
		}
	}
}

// A volume whose circuit is confirmed late is carried for longer or, where its
// deadline is near, faster, as far as there is room for that and it may.
func TestVolumeThatIsConfirmedLate(t *testing.T) {
	for name, c := range map[string]struct {
		late   Seconds
		stays  bool // what has held the rate down
		change func(*Request)
		want   string
	}{
		"in time":        {0, false, func(*Request) {}, "[5, 37) at 4"},
		"for longer":     {7, false, func(r *Request) { r.Deadline = 0 }, "[12, 44) at 4"},
		"faster":         {7, false, func(*Request) {}, "[12, 37) at 6"},
		"both":           {7, false, func(r *Request) { r.Deadline++ }, "[12, 38) at 5"},
		"as fast as may": {7, false, func(r *Request) { r.MaxBandwidth = 6 }, "[12, 37) at 6"},
		"may not":        {7, false, func(r *Request) { r.MaxBandwidth = 5 }, "[12, 37) at 4: it had no time for 4 of its 16 bytes"},
		"no room":        {7, true, func(*Request) {}, "[12, 37) at 4: it had no time for 4 of its 16 bytes"},
		"its own rate":   {7, false, func(r *Request) { r.Bandwidth = 4 }, "[12, 37) at 4: it had no time for 4 of its 16 bytes"},
		"no volume":      {7, false, func(r *Request) { r.Bandwidth, r.Volume, r.Duration = 4, 0, 32 }, "[12, 37) at 4"},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := pair(t)
			other := w.other(3, 6, 0, 200)
			w.work()
			r := bulk(1, 16, 5, 37) // 128 bits: 4 bit/s for 32 s
			c.change(&r)
			id := w.create(r).ID
			w.expect(id, Pending, span(5, 37))
			w.now += 5
			tasks, _ := w.a.Due(10)
			w.now += c.late
			if !c.stays {
				if err := w.a.Release(bg, other, 0); err != nil {
					t.Fatal(err)
				}
				gone, _ := w.a.Due(10)
				if err := w.a.Removed(gone[0]); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.a.Installed(tasks[0]); err != nil {
				t.Fatal(err)
			}
			if v := w.get(id); v.State != Active || (v.Reason == moving) != (v.Bandwidth != 4) {
				t.Errorf("%+v", v)
			}
			w.work()
			w.pass(40)
			v := w.get(id)
			got := fmt.Sprintf("[%d, %d) at %d", v.Window.Start-1_000_000, v.Window.End-1_000_000, v.Bandwidth)
			if v.Reason != "" {
				got += ": " + v.Reason
			}
			if v.State != Complete || got != c.want {
				t.Errorf("%s %s, want %s", v.State, got, c.want)
			}
		})
	}
}

// Why a volume does not pass is told, with the first deadline by which it does.
func TestVolumeIsRefused(t *testing.T) {
	far := Leeway{Earliest: 1_000_000, Deadline: 1_000_000 + 100}
	for name, c := range map[string]struct {
		others func(*world)
		change func(*Request)
		kind   Kind
		field  string
		says   string
		offer  Seconds
	}{
		"no rate is there": {
			func(w *world) { w.other(3, 6, 0, 1000) }, func(*Request) {}, Conflict, "bandwidth",
			"100 bytes do not pass by 1970-01-12T13:48:20Z: 8 does not fit", 200,
		},
		"not after the start either": {
			func(w *world) { w.other(3, 6, 0, 1000) }, func(r *Request) { r.Earliest += 40 }, Conflict, "bandwidth",
			"100 bytes do not pass by 1970-01-12T13:48:20Z: 14 never fits", 240,
		},
		"a rate that never is": {
			func(*world) {}, func(r *Request) { r.Deadline, r.MinBandwidth = 0, 11 }, Conflict, "bandwidth", "11 never fits", 0,
		},
		"the same traffic": {
			func(w *world) { w.other(1, 1, 0, 1000) }, func(*Request) {}, Conflict, "",
			"an allocation of another project for this traffic", 1080,
		},
		"the project's limit": {
			func(w *world) {
				w.limit(Limits{Bandwidth: new(bitrate.Rate(9))})
				r := ask(1, 3, 2, 3, 2, 500)
				r.StartTime = w.now
				w.create(r)
			}, func(*Request) {}, Denied, "volume",
			"project p may hold 9 at a time, and with what others of its allocations hold, 100 bytes do not pass in time", 0,
		},
		"less than the limit": {
			func(w *world) { w.limit(Limits{Bandwidth: new(bitrate.Rate(7))}) }, func(*Request) {}, Denied, "volume",
			"project p may hold 7 at a time", 0,
		},
		"with no time at all": {
			func(*world) {}, func(r *Request) { r.Volume = 1000 }, Conflict, "bandwidth", "80 never fits", 800,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := pair(t)
			c.others(w)
			r := ask(1, 1, 2, 1, 0, 0)
			r.Leeway = far
			r.Volume = 100
			c.change(&r)
			_, err := w.a.Create(bg, r)
			e := refused(t, err, c.kind, c.field)
			if !strings.Contains(e.Error(), c.says) {
				t.Errorf("%v, want %q", e, c.says)
			}
			if want := 1_000_000 + c.offer; c.offer != 0 && (e.Offer.Deadline != want || !strings.Contains(e.Error(), "; or ask for a deadline of "+clock(want)+" or later")) {
				t.Errorf("%v, %d is offered, want %d", e, e.Offer.Deadline-1_000_000, c.offer)
			}
			if c.offer == 0 && e.Offer.Deadline != 0 {
				t.Errorf("a deadline is offered: %v", e)
			}
		})
	}
}

// What runs keeps its path when its volume or its traffic is changed, if that
// passes in time there; else it takes another one.
func TestChangedVolumeKeepsItsPath(t *testing.T) {
	w, direct, _ := ring(t)
	other := w.create(ask(1, 2, 2, 2, 10, 10_000)).ID
	id := w.create(bulk(1, 100, 0, 0)).ID
	w.work()
	long := w.expect(id, Active, span(0, 80)).Path
	if len(long) != 3 {
		t.Fatalf("%v", long)
	}
	if err := w.a.Release(bg, other, 0); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.pass(10)
	k := w.get(id).Key
	k.Proto, k.DstPort = 6, path.Port(80)
	w.update(id, Change{Key: &k})
	w.work()
	if v := w.expect(id, Active, span(0, 80)); !v.Path.Equal(long) || v.Key != k {
		t.Errorf("%+v", v)
	}
	w.update(id, Change{Volume: new(uint64(200))}) // 188 bytes are left
	w.work()
	if v := w.expect(id, Active, span(0, 161)); !v.Path.Equal(long) || v.Bandwidth != 10 {
		t.Errorf("%+v", v)
	}
	k.Dst = path.Host(host(2, 9))
	_, err := w.a.Update(bg, id, 0, Change{Key: &k})
	if e := refused(t, err, Conflict, "dst_ip"); !strings.Contains(e.Error(), "a running allocation can only move to addresses that are known") {
		t.Error(e)
	}
	w.change(connected(3, false)) // its path is lost, which has not been looked at yet
	v := w.update(id, Change{Volume: new(uint64(150))})
	if w.work(); len(v.Path) != 2 || v.Path[0].Out != direct.From.Port || v.Window != span(0, 121) {
		t.Errorf("%+v", v)
	}
	w.change(cut(direct))
	_, err = w.a.Update(bg, id, 0, Change{Volume: new(uint64(170))})
	if e := refused(t, err, Conflict, ""); !strings.Contains(e.Error(), "no path leads") {
		t.Error(e)
	}
	w.checkCalendars()
}

// A rate that was asked for stays when the path is lost, and what waits for a
// path has all the time until its deadline.
func TestFixedRateOfAVolumeStays(t *testing.T) {
	w := newWorld(t, 2, 100)
	first := w.cable(1, 2, 10)
	second := w.cable(1, 2, 20)
	w.open()
	w.a.Settled()
	r := bulk(1, 100, 0, 0)
	r.Bandwidth = 8
	id := w.create(r).ID
	w.work()
	v := w.expect(id, Active, span(0, 100))
	lost, left := first, second
	if v.Path[0].Out == second.From.Port {
		lost, left = second, first
	}
	w.pass(30)
	w.change(cut(lost))
	w.work()
	if v := w.expect(id, Active, span(0, 100)); v.Bandwidth != 8 || v.Path[0].Out != left.From.Port {
		t.Errorf("%+v", v)
	}
	w.change(cut(left))
	w.work()
	w.pass(20)
	w.expect(id, Pending, span(0, 100))
	w.change(func(s *topology.Snapshot) { mend(left, 10)(s) })
	w.work()
	if v := w.expect(id, Active, span(0, 120)); v.Bandwidth != 8 {
		t.Errorf("%+v", v)
	}
	w.pass(70)
	if v := w.expect(id, Complete, span(0, 120)); v.Reason != "" {
		t.Errorf("%+v", v)
	}
}

// TestVolumeCarriedOnLeavesItsTrafficToOthers: what goes on at a lower rate,
// and so for longer, takes no time that the same traffic has by another
// allocation. It waits for that, if the rest passes afterwards.
func TestVolumeCarriedOnLeavesItsTrafficToOthers(t *testing.T) {
	w := newWorld(t, 3, 20)
	direct := w.cable(1, 2, 10)
	w.cable(1, 3, 8)
	w.cable(3, 2, 8)
	w.open()
	id := w.create(bulk(2, 80, 0, 200)).ID
	next := w.create(fixed(w, 2, 1, 64, 95)).ID // of the same hosts
	w.work()
	w.pass(10)
	w.change(cut(direct))
	w.work()
	w.checkCalendars()
	w.expect(id, Pending, span(0, 64))
	w.pass(54)
	w.expect(next, Active, span(64, 95))
	w.pass(130)
	w.expect(next, Complete, span(64, 95))
	if v := w.get(id); v.State != Complete || v.Reason != "" || v.Window.End > w.now {
		t.Errorf("%+v", v)
	}
	w.checkCalendars()
}
