package allocator

import (
	"slices"
	"strings"
	"testing"

	"conga/bitrate"
)

// TestLimitsOfTime has requests that last too long, that are too far ahead, and
// too many that wait. What may be asked for instead is offered.
func TestLimitsOfTime(t *testing.T) {
	at := func(start, duration Seconds, rate bitrate.Rate) func(*world) Request {
		return func(w *world) Request {
			r := ask(1, 1, 2, 1, rate, duration)
			if start != 0 {
				r.StartTime = w.now + start
			}
			return r
		}
	}
	volume := func(size uint64, most bitrate.Rate) func(*world) Request {
		return func(*world) Request {
			r := ask(1, 1, 2, 1, 0, 0)
			r.Volume, r.MaxBandwidth = size, most
			return r
		}
	}
	carried := func(size uint64, at bitrate.Rate) func(*world) Request {
		return func(w *world) Request {
			r := volume(size, 0)(w)
			r.Bandwidth = at
			return r
		}
	}
	for _, tc := range []struct {
		name    string
		limits  Limits
		ask     func(*world) Request
		field   string // "": it is admitted
		says    string
		instead func(*Request) // what is offered; nil: it is not looked at
	}{
		{"as long as may be", Limits{Duration: new(Seconds(60))}, at(0, 60, 4), "", "", nil},
		{"too long", Limits{Duration: new(Seconds(60))}, at(0, 61, 4), "duration", "61 s is longer than the 60 s", func(r *Request) { r.Duration = 60 }},
		{"not at all", Limits{Duration: new(Seconds(0))}, at(0, 1, 4), "duration", "no time at all", nil},
		{"a volume in time", Limits{Duration: new(Seconds(60))}, volume(60, 10), "", "", nil},
		{"a volume that takes too long", Limits{Duration: new(Seconds(60))}, volume(60, 7), "max_bandwidth", "7 carries 60 bytes in 69 s", nil},
		{"a rate at which a volume takes too long", Limits{Duration: new(Seconds(60))}, carried(60, 7), "volume", "69 s is longer than the 60 s", nil},
		{"a rate at which it takes just as long", Limits{Duration: new(Seconds(60))}, carried(60, 8), "", "", nil},
		{"just ahead", Limits{Horizon: new(Seconds(500))}, at(500, 10, 4), "", "", nil},
		{"too far ahead", Limits{Horizon: new(Seconds(500))}, at(501, 10, 4), "start_time", "500 s ahead", func(r *Request) { r.StartTime-- }},
		{"at once", Limits{Horizon: new(Seconds(0))}, at(0, 10, 4), "", "", nil},
		{"first fit beyond", Limits{Horizon: new(Seconds(99))}, at(0, 10, 8), "project_id", "fits at", nil},
		{"first fit within", Limits{Horizon: new(Seconds(100))}, at(0, 10, 8), "", "", nil},
		{"may not wait", Limits{Pending: new(0)}, at(0, 10, 8), "project_id", "may have 0 allocations that wait and has 0", func(r *Request) { r.Bandwidth = 6 }},
		{"need not wait", Limits{Pending: new(0)}, at(0, 10, 6), "", "", nil},
		{"held", Limits{Pending: new(0)}, func(*world) Request {
			r := ask(1, 1, 2, 1, 6, 10)
			r.Hold = 60
			return r
		}, "project_id", "may have 0 allocations that wait and has 0", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, 2, 1000)
			w.cable(1, 2, 10)
			var limits Limits
			w.cfg.Limits = func(string) Limits { return limits }
			w.open()
			w.create(ask(1, 2, 2, 2, 4, 100))
			w.work()
			limits = tc.limits
			w.a.LimitsChanged()
			r := tc.ask(w)
			_, err := w.a.Create(bg, r)
			if tc.field == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			e := refused(t, err, Denied, tc.field)
			if !strings.Contains(err.Error(), tc.says) {
				t.Error(err)
			}
			if tc.instead == nil {
				return
			}
			if tc.instead(&r); !slices.Contains(e.Alternatives, r) {
				t.Fatalf("%+v is not offered, but %+v", r, e.Alternatives)
			}
			w.create(r)
		})
	}
}

// TestLimitsOfTimeBelowUse lowers the limits below what a project has.
func TestLimitsOfTimeBelowUse(t *testing.T) {
	w := newWorld(t, 2, 1000)
	w.cable(1, 2, 1000)
	var limits Limits
	w.cfg.Limits = func(string) Limits { return limits }
	w.open()
	later := ask(1, 1, 2, 1, 10, 300)
	later.StartTime = w.now + 500
	planned := w.create(later)
	limits = Limits{Pending: new(0), Duration: new(Seconds(60)), Horizon: new(Seconds(60))}
	w.a.LimitsChanged()
	w.update(planned.ID, Change{Bandwidth: new(bitrate.Rate(12))})
	w.update(planned.ID, Change{Duration: new(Seconds(250))})
	w.update(planned.ID, Change{StartTime: new(w.now + 400)})
	for field, c := range map[string]Change{
		"duration":   {Duration: new(Seconds(251))},
		"start_time": {StartTime: new(w.now + 401)},
	} {
		_, err := w.a.Update(bg, planned.ID, 0, c)
		refused(t, err, Denied, field)
	}
	w.reopen()
	w.update(planned.ID, Change{Duration: new(Seconds(240))})
}

// TestLimitOfVolumes: where CONGA picks the rate, nothing lasts longer than the
// project's may, be it asked for, changed or planned anew, and a limit of
// nothing leaves no second.
func TestLimitOfVolumes(t *testing.T) {
	w := newWorld(t, 2, 10)
	w.cable(1, 2, 10)
	limits := Limits{Duration: new(Seconds(0))}
	w.cfg.Limits = func(string) Limits { return limits }
	w.open()
	volume := func(host int, bytes uint64) Request {
		r := ask(1, host, 2, host, 0, 0)
		r.Volume = bytes
		return r
	}
	_, err := w.a.Create(bg, volume(1, 1))
	if refused(t, err, Denied, "duration"); !strings.Contains(err.Error(), "project p may reserve for no time at all") {
		t.Error(err)
	}
	limits = Limits{Duration: new(Seconds(100))}
	first := w.create(volume(1, 100))
	w.work()
	w.pass(5)
	_, err = w.a.Update(bg, first.ID, 0, Change{Volume: new(uint64(1000))})
	if refused(t, err, Denied, "volume"); !strings.Contains(err.Error(), "takes until 1970-01-12T14:00:01Z, 801 s in all, and an allocation of project p may last 100 s") {
		t.Error(err)
	}
	w.expect(first.ID, Active, span(0, 80))
	w.update(first.ID, Change{Volume: new(uint64(120))})
	w.expect(first.ID, Active, span(0, 97))
	limits = Limits{Duration: new(Seconds(50))}
	w.update(first.ID, Change{Volume: new(uint64(110))}) // as all that is less
	w.expect(first.ID, Active, span(0, 89))
	_, err = w.a.Update(bg, first.ID, 0, Change{MaxBandwidth: new(bitrate.Rate(9))})
	refused(t, err, Denied, "max_bandwidth")
}

// TestVolumeMovesWithinItsLimit: what could start earlier at a lower rate does
// not if that takes longer than the project's may.
func TestVolumeMovesWithinItsLimit(t *testing.T) {
	w := newWorld(t, 2, 10)
	w.cable(1, 2, 10)
	w.limit(Limits{Duration: new(Seconds(100))})
	other := w.other(2, 8, 0, 100)
	w.work()
	r := ask(1, 1, 2, 1, 0, 0)
	r.Volume = 100
	id := w.create(r).ID
	w.expect(id, Pending, span(100, 180))
	w.update(other, Change{Bandwidth: new(bitrate.Rate(5))})
	w.work()
	w.expect(id, Pending, span(100, 180)) // 160 s from now on would be sooner
	w.update(other, Change{Bandwidth: new(bitrate.Rate(1))})
	w.work()
	w.expect(id, Active, span(0, 89))
}

// TestLimitOfWaiting counts what waits: what has started does not, and what is
// being created does.
func TestLimitOfWaiting(t *testing.T) {
	w := newWorld(t, 2, 1000)
	w.cable(1, 2, 10)
	w.limit(Limits{Pending: new(2)})
	wait := func(host int) Request {
		r := ask(1, host, 2, host, 4, 50)
		r.StartTime = w.now + 100
		return r
	}
	w.create(ask(1, 1, 2, 1, 4, 90))
	w.work()
	first := w.create(wait(2))
	w.create(wait(3))
	_, err := w.a.Create(bg, wait(4))
	if refused(t, err, Denied, "project_id"); !strings.Contains(err.Error(), "may have 2 allocations that wait and has 2") {
		t.Error(err)
	}
	if err := w.a.Release(bg, first.ID, 0); err != nil {
		t.Fatal(err)
	}
	w.create(wait(4))
}

// TestAVolumeProfitsFromAHigherLimit: what was planned with all that its
// project may hold has passed earlier when that becomes more.
func TestAVolumeProfitsFromAHigherLimit(t *testing.T) {
	w := newWorld(t, 2, 1000)
	w.cable(1, 2, 1000)
	limits := Limits{Bandwidth: new(bitrate.Rate(4))}
	w.cfg.Limits = func(string) Limits { return limits }
	w.open()
	r := ask(1, 1, 2, 1, 0, 0)
	r.Earliest, r.Volume = w.now+100, 100
	planned := w.create(r)
	if planned.Bandwidth != 4 {
		t.Fatalf("it is planned with %d", planned.Bandwidth)
	}
	limits = Limits{Bandwidth: new(bitrate.Rate(8))}
	w.a.LimitsChanged()
	w.plan()
	if got := w.get(planned.ID); got.Bandwidth != 8 || got.Duration != 100 {
		t.Errorf("with twice the limit it is planned with %d for %d s", got.Bandwidth, got.Duration)
	}
}
