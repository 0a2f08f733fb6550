package allocator

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
)

// bulk returns a request for a volume in bytes between hosts of two switches,
// from the second one of the test on, up to another.
func bulk(host int, bytes uint64, earliest, deadline Seconds) Request {
	r := flexible(ask(1, host, 2, host, 0, 0), earliest, deadline)
	if r.Volume = bytes; deadline == 0 {
		r.Deadline = 0
	}
	return r
}

// quickestByHand returns the first end at which a volume has passed, by trying
// every window and rate; ok is false if there is none before the horizon.
func (b *book) quickestByHand(r Request, deadline Seconds) (end Seconds, ok bool) {
	first := b.rel(Window{r.Earliest, 0}).Start
	for end = first + 1; end <= deadline; end++ {
		for start := first; start < end; start++ {
			rate := max(rateFor(r.Volume, end-start), max(1, r.MinBandwidth))
			if r.MaxBandwidth != 0 && rate > r.MaxBandwidth || secondsFor(r.Volume, rate) > end-start {
				continue
			}
			whole := r
			whole.Leeway, whole.Bandwidth, whole.StartTime, whole.Duration = Leeway{}, rate, 1_000_000+start, end-start
			if b.takes(whole) {
				return end, true
			}
		}
	}
	return 0, false
}

// TestVolumeIsExact admits a volume in the window in which it has passed first,
// or refuses it where none meets its deadline, and names the first deadline
// that can be met. Nothing is over-admitted, nor is a project's limit.
func TestVolumeIsExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt)
		b := drawBook(rt, w)
		for range rapid.IntRange(1, 6).Draw(rt, "requests") {
			r := drawRequest(rt, w)
			if rapid.Bool().Draw(rt, "volume") {
				r = drawVolume(rt, w, r)
			}
			v, err := w.a.Create(bg, r)
			if r.Volume != 0 {
				b.judgeVolume(rt, r, v, err)
			}
			if err == nil && v.Window != (Window{}) {
				b.enter(v)
			}
		}
	})
}

// drawVolume returns a request with a volume instead of a duration.
func drawVolume(t *rapid.T, w *world, r Request) Request {
	r.StartTime, r.Duration, r.Bandwidth = 0, 0, 0
	r.Volume = uint64(rapid.IntRange(1, 3).Draw(t, "bytes"))
	r.Earliest = w.now + secondsRange(0, 8).Draw(t, "earliest")
	if rapid.Bool().Draw(t, "in time") {
		r.Deadline = r.Earliest + secondsRange(1, 25).Draw(t, "deadline")
	}
	r.MinBandwidth = bitrate.Rate(rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "least"))
	if rapid.Bool().Draw(t, "bounded") {
		r.MaxBandwidth = max(r.MinBandwidth, bitrate.Rate(rapid.IntRange(1, 4).Draw(t, "most")))
	}
	return r
}

func (b *book) judgeVolume(t *rapid.T, r Request, v Allocation, err error) {
	const horizon = 160
	from, to, _, _ := locate(b.w.snap, r.Key)
	if e, ok := errors.AsType[*Error](err); ok && e.Kind == Invalid {
		if r.lastStart() >= r.Earliest {
			t.Fatalf("%+v: %v", r, err)
		}
		return
	}
	if len(everyPath(b.w.snap, from, to)) == 0 {
		return
	}
	end, ok := b.quickestByHand(r, horizon)
	switch {
	case !ok && b.judgeSteps(t, r, v, err):
	case !ok:
		if v.Window != (Window{}) {
			t.Fatalf("%+v: got %v, by hand it never passes", r, b.rel(v.Window))
		}
	case r.Deadline != 0 && 1_000_000+end > r.Deadline && b.judgeSteps(t, r, v, err):
	case r.Deadline != 0 && 1_000_000+end > r.Deadline:
		e, refused := errors.AsType[*Error](err)
		if !refused || e.Kind != Denied && e.Offer.Deadline != 1_000_000+end {
			t.Fatalf("%+v: got %v, %+v, by hand it has passed at %d", r, b.rel(v.Window), err, end)
		}
	case err != nil || b.rel(v.Window).End != end || v.Window.Start < r.Earliest:
		t.Fatalf("%+v: got %v %v, by hand it has passed at %d", r, b.rel(v.Window), err, end)
	case v.Duration != v.Window.End-v.Window.Start || uint64(v.Bandwidth)*uint64(v.Duration) < 8*r.Volume:
		t.Fatalf("%+v: does not pass by %+v", r, v)
	case v.Bandwidth < r.MinBandwidth, r.MaxBandwidth != 0 && v.Bandwidth > r.MaxBandwidth:
		t.Fatalf("%+v: at %s", r, v.Bandwidth)
	}
}

func TestVolumeIsChecked(t *testing.T) {
	w, _ := pair(t)
	for text, change := range map[string]func(*Request){
		"duration: follows from the volume":          func(r *Request) { r.Duration = 9 },
		"volume: is missing":                         func(r *Request) { r.Volume, r.MaxBandwidth, r.Duration = 0, 9, 9 },
		"duration: must be at least":                 func(r *Request) { r.Volume = 0 },
		"volume: 1000000000000000001 bytes":          func(r *Request) { r.Volume = MaxVolume + 1 },
		"bandwidth: is one rate":                     func(r *Request) { r.Bandwidth, r.MinBandwidth = 5, 5 },
		"min_bandwidth: 6 is more than":              func(r *Request) { r.MinBandwidth, r.MaxBandwidth = 6, 5 },
		"max_bandwidth: 1 carries 5000000 bytes":     func(r *Request) { r.Volume, r.MaxBandwidth = 5_000_000, 1 },
		"bandwidth: 1 carries 5000000 bytes only":    func(r *Request) { r.Volume, r.Bandwidth = 5_000_000, 1 },
		"start_time: is one start":                   func(r *Request) { r.Leeway = Leeway{Volume: 1}; r.StartTime = w.now },
		"deadline: 1970-01-12T13:46:45Z is 5 s":      func(r *Request) { r.Deadline = w.now + 5; r.MaxBandwidth = 1 },
		"deadline: 1970-01-12T13:46:45Z is 5 s afte": func(r *Request) { r.Deadline = w.now + 5; r.Bandwidth = 1 },
	} {
		r := bulk(1, 2, 0, 100)
		change(&r)
		if _, err := w.a.Create(bg, r); err == nil || refusedAs(err) != Invalid || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, want %q", err, text)
		}
	}
	w.cfg.Least = 3
	w.open()
	r := bulk(1, 20, 0, 100)
	r.MinBandwidth = 2
	_, err := w.a.Create(bg, r)
	refused(t, err, Invalid, "min_bandwidth")
	v := w.create(bulk(1, 20, 0, 100))
	if w.expect(v.ID, Pending, span(0, 16)); v.Bandwidth != 10 || v.Duration != 16 {
		t.Errorf("%+v", v)
	}
}

// A volume takes what is left beside others, up to its deadline; where others
// leave, it is moved to pass earlier.
func TestVolumeMovesSooner(t *testing.T) {
	w, _ := pair(t)
	other := w.create(ask(1, 1, 2, 1, 8, 100)).ID
	id := w.create(bulk(2, 100, 10, 400)).ID // 800 bits: 2 bit/s for 400 s, or 10 bit/s from 100 on
	w.work()
	w.expect(id, Pending, span(100, 180))
	if err := w.a.Release(bg, other, 0); err != nil {
		t.Fatal(err)
	}
	w.work()
	if v := w.expect(id, Pending, span(10, 90)); v.Bandwidth != 10 || v.Duration != 80 {
		t.Errorf("%+v", v)
	}
	w.pass(10)
	w.expect(id, Active, span(10, 90))
	w.open() // nothing is lost
	w.a.Settled()
	w.work()
	w.pass(80)
	if v := w.expect(id, Complete, span(10, 90)); v.Reason != "" || v.Volume != 100 {
		t.Errorf("%+v", v)
	}
}

// What starts late is carried faster, or for longer, or says what it had no
// time for.
func TestLateVolume(t *testing.T) {
	for deadline, want := range map[Seconds]string{30: "[10, 30) at 8", 24: "[10, 24) at 8 it had no time for 2 of its 16 bytes"} {
		w, _ := pair(t)
		r := bulk(1, 16, 5, deadline)
		r.MaxBandwidth = 8
		id := w.create(r).ID
		w.expect(id, Pending, span(5, 21))
		w.now += 10
		w.work()
		v := w.get(id)
		if deadline == 30 {
			want = "[10, 26) at 8"
		}
		w.pass(25)
		v = w.get(id)
		got := strings.TrimSpace(fmt.Sprintf("[%d, %d) at %d %s", v.Window.Start-1_000_000, v.Window.End-1_000_000, v.Bandwidth, v.Reason))
		if v.State != Complete || got != want {
			t.Errorf("by %d: %s %s, want %s", deadline, v.State, got, want)
		}
	}
	w, _ := pair(t)
	id := w.create(bulk(1, 10, 5, 0)).ID // as fast as it goes: 80 bits at 10
	next := ask(1, 2, 2, 2, 10, 50)
	next.StartTime = w.now + 13
	w.create(next)
	w.now += 7
	w.work()
	if v := w.expect(id, Active, span(7, 13)); v.Bandwidth != 10 {
		t.Errorf("%+v", v)
	}
}

// A volume whose path dies goes on with less, if it still passes in time; else
// it waits, and goes on when there is a way again, up to its deadline.
func TestVolumeIsMoved(t *testing.T) {
	w := newWorld(t, 2, 100)
	wide, narrow := w.cable(1, 2, 10), w.cable(1, 2, 4)
	w.open()
	w.a.Settled()
	id := w.create(bulk(1, 100, 0, 180)).ID
	w.work()
	w.expect(id, Active, span(0, 80))
	w.pass(20)
	w.change(cut(wide))
	w.work()
	if v := w.expect(id, Active, span(0, 170)); v.Bandwidth != 4 || v.Path[0].Out != narrow.From.Port || v.Duration != 170 {
		t.Errorf("%+v", v) // 600 bits are left
	}
	w.pass(10)
	w.change(cut(narrow))
	w.work()
	if v := w.expect(id, Pending, span(0, 170)); !strings.Contains(v.Reason, "no path leads") {
		t.Errorf("%+v", v)
	}
	w.pass(100) // 560 bits are left, and 50 s
	w.change(mend(narrow, 4))
	w.work()
	if v := w.get(id); v.State != Pending || !strings.Contains(v.Reason, "does not fit") {
		t.Errorf("%+v", v)
	}
	w.open() // what was carried is kept
	w.a.Settled()
	w.pass(1)
	w.change(mend(wide, 20))
	w.work()
	if v := w.expect(id, Active, span(0, 159)); v.Bandwidth != 20 {
		t.Errorf("%+v", v)
	}
	w.pass(28)
	if v := w.expect(id, Complete, span(0, 159)); v.Reason != "" {
		t.Errorf("%+v", v)
	}
	w.checkCalendars()
}

// What has not passed at the deadline says how much is left.
func TestVolumeEndsAtDeadline(t *testing.T) {
	w, trunk := pair(t)
	id := w.create(bulk(1, 100, 0, 100)).ID
	w.work()
	w.pass(40)
	w.change(cut(trunk))
	w.work()
	w.pass(59)
	w.expect(id, Pending, span(0, 80))
	w.pass(1)
	v := w.get(id)
	if v.State != Complete || !strings.Contains(v.Reason, "its path was lost before its end; it had no time for 50 of its 100 bytes") {
		t.Errorf("%+v", v)
	}
}

// Any of what a volume is asked with can be changed, also while it runs.
func TestVolumeIsChanged(t *testing.T) {
	w, _ := pair(t)
	rate := func(r bitrate.Rate) *bitrate.Rate { return &r }
	v := w.create(ask(1, 1, 2, 1, 5, 40))
	v = w.update(v.ID, Change{Volume: new(uint64(50))}) // its rate stays
	if w.expect(v.ID, Pending, span(0, 80)); !v.FixedRate || v.Bandwidth != 5 {
		t.Errorf("%+v", v)
	}
	v = w.update(v.ID, Change{Bandwidth: rate(0)})
	if w.expect(v.ID, Pending, span(0, 40)); v.FixedRate || v.Bandwidth != 10 {
		t.Errorf("%+v", v)
	}
	w.update(v.ID, Change{MaxBandwidth: rate(8)})
	w.work()
	w.expect(v.ID, Active, span(0, 50))
	w.pass(10) // 320 bits are left
	if v = w.update(v.ID, Change{Volume: new(uint64(60)), Deadline: new(w.now + 60)}); v.Bandwidth != 8 || v.Reason != moving && v.Window.End != w.now+50 {
		t.Errorf("%+v", v)
	}
	w.expect(v.ID, Active, span(0, 60))
	_, err := w.a.Update(bg, v.ID, 0, Change{Deadline: new(w.now + 20)})
	refused(t, err, Conflict, "bandwidth")
	_, err = w.a.Update(bg, v.ID, 0, Change{Volume: new(uint64(10))})
	refused(t, err, Invalid, "volume")
	_, err = w.a.Update(bg, v.ID, 0, Change{Duration: new(Seconds(10))})
	refused(t, err, Invalid, "duration")
	v = w.update(v.ID, Change{MaxBandwidth: rate(0)}) // 400 bits are left
	w.work()
	if w.expect(v.ID, Active, span(0, 50)); v.Bandwidth != 10 {
		t.Errorf("%+v", v)
	}
	w.update(v.ID, Change{Volume: new(uint64(0)), Duration: new(Seconds(70))})
	w.work()
	w.expect(v.ID, Active, span(0, 70))
	w.checkCalendars()
}
