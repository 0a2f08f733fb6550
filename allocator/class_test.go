package allocator

import (
	"fmt"
	"strings"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
)

// TestClassChecks: each thing that a scavenger cannot have is refused by its
// name, what reserves may have it, and the bounds of a scavenger's rate may be
// the same.
func TestClassChecks(t *testing.T) {
	for field, change := range map[string]func(*Request){
		"":                  func(r *Request) { r.MinBandwidth, r.MaxBandwidth = 3, 3 },
		"bandwidth":         func(r *Request) { r.Bandwidth = 1 },
		"volume":            func(r *Request) { r.Volume = 1 },
		"reverse_bandwidth": func(r *Request) { r.Reverse.Apart = true },
		"start_time":        func(r *Request) { r.StartTime = 1 },
		"earliest":          func(r *Request) { r.Earliest = 1 },
		"deadline":          func(r *Request) { r.Deadline = 1 },
		"hold":              func(r *Request) { r.Hold = 1 },
		"protection":        func(r *Request) { r.Protected = true },
		"recurrence":        func(r *Request) { r.Recurrence.Rule = "FREQ=DAILY" },
		"min_bandwidth":     func(r *Request) { r.MinBandwidth, r.MaxBandwidth = 3, 2 },
	} {
		r := scavenger(1, 1, 2, 1, 0, 0, 10)
		change(&r)
		err := r.checkClass()
		if field == "" && err != nil || field != "" && (err == nil || err.Kind != Invalid || err.Field != field) {
			t.Errorf("%s: %v", field, err)
		}
		if r.Class = Normal; r.checkClass() != nil {
			t.Errorf("%s is refused to what reserves: %v", field, r.checkClass())
		}
	}
	if Normal.String() != "normal" || Scavenger.String() != "scavenger" {
		t.Errorf("the classes are %s and %s", Normal, Scavenger)
	}
}

// TestScavengerHasARun: a scavenger that has run for a while ends no earlier
// than now, and one that waits for an end may ask for any duration.
func TestScavengerHasARun(t *testing.T) {
	w := newWorld(t, 2, 40)
	w.cable(1, 2, 40)
	w.open()
	id := w.create(scavenger(1, 1, 2, 1, 0, 0, 1000)).ID
	w.pass(10)
	before := w.expectRate(id, Active, 40, "")
	_, err := w.a.Update(bg, id, 0, Change{Duration: new(w.now - before.Window.Start)})
	if e := refused(t, err, Invalid, "duration"); !strings.Contains(e.Error(), fmt.Sprintf("has run for %d s already", w.now-before.Window.Start)) {
		t.Error(e)
	}
	w.update(id, Change{Duration: new(w.now - before.Window.Start + 1)})
	w.work()
	if v := w.expect(id, Active, Window{before.Window.Start, w.now + 1}); !v.Path.Equal(before.Path) || v.Bandwidth != 40 {
		t.Errorf("%+v", v)
	}
	w.pass(1)
	w.expect(id, Complete, Window{before.Window.Start, w.now})
	stranger := scavenger(1, 2, 2, 9, 0, 0, 1000)
	waits := w.create(stranger).ID
	w.pass(1)
	w.update(waits, Change{Duration: new(Seconds(1))})
	w.pass(1)
	if v := w.expect(waits, Pending, Window{}); v.Duration != 1 || !strings.HasPrefix(v.Reason, "10.0.2.9 has not been seen") {
		t.Errorf("%+v", v)
	}
}

// TestScavengerOfOtherTraffic: a change of the traffic, or the project, takes a
// scavenger's path for a moment; of another attribute it does not. Its window
// stays, since it has started.
func TestScavengerOfOtherTraffic(t *testing.T) {
	k := key(host(1, 1), host(2, 1))
	k.Proto, k.DstPort = path.ProtoTCP, path.Port(80)
	for name, c := range map[string]struct {
		change Change
		yields bool
		rate   bitrate.Rate // then
	}{
		"traffic": {Change{Key: &k}, true, 40}, "project": {Change{ProjectID: new("q")}, true, 40},
		"least": {Change{MinBandwidth: new(bitrate.Rate(40))}, false, 40}, "most": {Change{MaxBandwidth: new(bitrate.Rate(30))}, false, 30},
	} {
		w := newWorld(t, 2, 40)
		w.cable(1, 2, 40)
		w.open()
		id := w.create(scavenger(1, 1, 2, 1, 0, 0, 1000)).ID
		w.work()
		before := w.expectRate(id, Active, 40, "")
		w.pass(5)
		v := w.update(id, c.change)
		if yields := v.State == Pending && len(v.Path) == 0 && v.Bandwidth == 0; yields != c.yields || yields && v.Reason != "looks for what is spare for its changed request" {
			t.Errorf("%s: %+v", name, v)
		}
		w.pass(2)
		w.expectRate(id, Active, c.rate, "")
		w.expect(id, Active, before.Window)
		w.checkCalendars()
	}
	w := newWorld(t, 2, 40)
	w.cable(1, 2, 40)
	w.open()
	id := w.create(scavenger(1, 1, 2, 1, 0, 0, 1000)).ID
	w.work()
	_, err := w.a.Update(bg, id, 0, Change{Bandwidth: new(bitrate.Rate(1))})
	refused(t, err, Invalid, "bandwidth")
	_, err = w.a.Update(bg, id, 0, Change{MinBandwidth: new(bitrate.Rate(41))})
	if e := refused(t, err, Conflict, "min_bandwidth"); e.Offer != (Offer{}) || len(e.Alternatives) > 0 {
		t.Errorf("offered are %+v, %+v", e.Offer, e.Alternatives)
	}
	w.expectRate(id, Active, 40, "")
	if same := w.update(id, Change{Class: new(Scavenger)}); same.Class != Scavenger {
		t.Errorf("%+v", same)
	}
}

// TestScavengersAndLimits: what reserves counts for the limits on scavengers,
// and they do not count for what reserves.
func TestScavengersAndLimits(t *testing.T) {
	w := newWorld(t, 2, 40)
	w.cable(1, 2, 40)
	w.open()
	w.limit(Limits{Active: new(2)})
	w.create(ask(1, 1, 2, 1, 1, 1000))
	id := w.create(scavenger(1, 2, 2, 2, 0, 0, 1000)).ID
	w.work()
	_, err := w.a.Create(bg, scavenger(1, 3, 2, 3, 0, 0, 1000))
	refused(t, err, Denied, "project_id")
	w.create(ask(1, 3, 2, 3, 1, 1000)) // the second that reserves
	w.work()
	w.expectRate(id, Active, 38, "")
	w.limit(Limits{Bandwidth: new(bitrate.Rate(20)), Pending: new(0)})
	_, err = w.a.Create(bg, scavenger(1, 1, 2, 3, 21, 0, 1000))
	refused(t, err, Denied, "min_bandwidth")
	_, err = w.a.Create(bg, scavenger(1, 1, 2, 3, 20, 0, 1000)) // 18 are left of it
	refused(t, err, Denied, "project_id")
	_, err = w.a.Create(bg, scavenger(1, 1, 2, 9, 0, 0, 1000))
	refused(t, err, Denied, "project_id")
	w.work()
	w.expectRate(id, Active, 18, "")
	w.limit(Limits{Duration: new(Seconds(50))})
	_, err = w.a.Create(bg, scavenger(1, 1, 2, 3, 0, 0, 51))
	refused(t, err, Denied, "duration")
	w.create(scavenger(1, 1, 2, 3, 0, 0, 50))
}

// TestScavengerThatCannotBe: hosts of a prefix behind several ports, and a rate
// that no switch enforces, are refused to a scavenger as to what reserves.
func TestScavengerThatCannotBe(t *testing.T) {
	w, _ := pair(t)
	r := scavenger(1, 1, 2, 1, 0, 0, 100)
	r.Key.Dst = path.Host(host(2, 0)).Widen(24)
	_, err := w.a.Create(bg, r)
	if e := refused(t, err, Conflict, "dst_ip"); !strings.Contains(e.Error(), "a path ends at one port") {
		t.Error(e)
	}
	w.cfg.RequireMeters = true
	w.open()
	w.change(enforcing(1, false, 1))
	_, err = w.a.Create(bg, scavenger(1, 1, 2, 1, 0, 0, 100))
	if e := refused(t, err, Conflict, "min_bandwidth"); !strings.Contains(e.Error(), "has too few meters") || e.Offer != (Offer{}) {
		t.Error(e)
	}
}
