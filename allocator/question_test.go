package allocator

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"conga/bitrate"
	"conga/controller/topology"
)

// What is asked about is answered as a request would be, with what would be
// offered instead, or what would start at once.
func TestAvailabilityOffers(t *testing.T) {
	w, _ := pair(t)
	w.other(3, 7, 0, 100)
	w.other(1, 0, 0, 30) // another's, of some of the same traffic
	about := func(r Request) Availability {
		t.Helper()
		got, err := w.a.Availability(r, 500)
		if err != nil {
			t.Fatal(err)
		}
		if got.Horizon != (Window{max(w.now, r.StartTime), max(w.now, r.StartTime) + 500}) || got.Until != got.Horizon.End {
			t.Errorf("%+v", got)
		}
		return got
	}
	r := ask(1, 2, 2, 2, 4, 50)
	got := about(r)
	w.offers(r, got.Alternatives, rate(3))
	if got.Refused != nil || got.Planned.Window != span(100, 150) || got.Planned.Bandwidth != 4 || got.Planned.Duration != 50 {
		t.Errorf("%+v", got)
	}
	r.Bandwidth = 3
	if got := about(r); got.Planned.Window != span(0, 50) || got.Alternatives != nil {
		t.Errorf("%+v", got)
	}
	if got := about(ask(1, 1, 2, 1, 4, 20)); got.Planned.Window != span(100, 120) || got.Alternatives != nil {
		t.Errorf("nothing of that traffic would start at once: %+v", got)
	}
	if got := about(bulk(2, 100, 20, 0)); got.Planned.Window != span(100, 180) || got.Planned.Bandwidth != 10 || got.Alternatives != nil {
		t.Errorf("%+v", got)
	}
	r.Bandwidth, r.Duration = 4, 0 // for how long is not said
	if got := about(r); got.Planned.Window.Start != w.now+100 || got.Planned.Duration != 0 || got.Alternatives != nil || got.Refused != nil {
		t.Errorf("%+v", got)
	}
	r = ask(1, 2, 2, 2, 12, 50)
	got = about(r)
	if w.offers(r, got.Alternatives, rate(10), rate(0)); got.Refused == nil || got.Refused.Op != "availability" || got.Planned.Window != (Window{}) {
		t.Errorf("%+v", got)
	}
	r.StartTime = w.now + 20
	w.offers(r, about(r).Alternatives, rate(3), rate(0))
}

// A host beside the other needs no path, and there is none to be told of.
func TestAvailabilityAtOnePort(t *testing.T) {
	w, _ := pair(t)
	w.change(func(s *topology.Snapshot) {
		s.Attachments = append(s.Attachments, topology.Attachment{
			Prefix: netip.PrefixFrom(host(1, 9), 32), At: topology.PortID{DPID: 1, Port: 1},
		})
	})
	got, err := w.a.Availability(ask(1, 1, 1, 9, 1, 10), 60)
	if err != nil || got.From != got.To || got.Free != nil || got.Until != w.now+60 {
		t.Errorf("%+v, %v", got, err)
	}
}

// What makes no sense is refused, and nothing else is.
func TestQuestionIsChecked(t *testing.T) {
	w, _ := pair(t)
	w.cfg.Least = 3
	w.open()
	for name, c := range map[string]struct {
		change  func(*Request)
		horizon Seconds
		field   string
	}{
		"a past horizon":   {func(*Request) {}, -1, "horizon"},
		"too far":          {func(*Request) {}, MaxAhead + 1, "horizon"},
		"as far as may be": {func(*Request) {}, MaxAhead, ""},
		"a second":         {func(*Request) {}, 1, ""},
		"by default":       {func(*Request) {}, 0, ""},
		"a small rate":     {func(r *Request) { r.Bandwidth = 2 }, 60, "bandwidth"},
		"a small least":    {func(r *Request) { r.Volume, r.Duration, r.MinBandwidth, r.Bandwidth = 10, 0, 2, 0 }, 60, "min_bandwidth"},
		"no rate":          {func(r *Request) { r.Bandwidth = 0 }, 60, ""},
		"no project":       {func(r *Request) { r.ProjectID = "" }, 60, ""},
		"too long":         {func(r *Request) { r.Duration = MaxDuration + 1 }, 60, "duration"},
		"the same address": {func(r *Request) { r.Key.Dst = r.Key.Src }, 60, "dst_ip"},
	} {
		r := ask(1, 1, 2, 1, 4, 10)
		c.change(&r)
		got, err := w.a.Availability(r, c.horizon)
		if c.field != "" {
			refused(t, err, Invalid, c.field)
		} else if long := got.Horizon.End - got.Horizon.Start; err != nil || c.horizon != 0 && long != c.horizon || c.horizon == 0 && long != Horizon {
			t.Errorf("%s: %+v, %v", name, got.Horizon, err)
		}
	}
}

// A request that is only checked is told what it would be, or why not, as if it
// were made.
func TestValidateSaysWhatCreateWould(t *testing.T) {
	w, _ := pair(t)
	w.other(3, 7, 0, 100)
	r := ask(1, 2, 2, 2, 4, 50)
	r.StartTime = w.now + 20
	_, err := w.a.Validate(r)
	_, again := w.a.Create(bg, r)
	e, _ := errors.AsType[*Error](err)
	made, _ := errors.AsType[*Error](again)
	if e == nil || made == nil || e.Op != "validate" || e.Kind != made.Kind || !slices.Equal(e.Alternatives, made.Alternatives) || len(e.Alternatives) != 3 {
		t.Errorf("%+v, made it is %+v", e, made)
	}
	r.StartTime += 100
	dry, err := w.a.Validate(r)
	if v := w.create(r); err != nil || dry.Reason != v.Reason || dry.Reason == "" || dry.Window != v.Window {
		t.Errorf("%+v, %v, made it is %+v", dry, err, v)
	}
	w.cfg.Least = 5
	w.open()
	_, err = w.a.Validate(ask(1, 1, 2, 1, 4, 50))
	refused(t, err, Invalid, "bandwidth")
}

// Volume, duration and rates are checked against each other in a change as in a
// request, and what a change leaves alone stays as it is.
func TestVolumeInAChange(t *testing.T) {
	w, _ := pair(t)
	b := func(r bitrate.Rate) *bitrate.Rate { return &r }
	r := bulk(1, 100, 20, 0)
	r.MaxBandwidth = 8
	id := w.create(r).ID
	invalid := func(field string, c Change) {
		t.Helper()
		was := w.get(id)
		_, err := w.a.Update(bg, id, 0, c)
		if refused(t, err, Invalid, field); w.get(id).Revision != was.Revision {
			t.Errorf("it was changed: %+v", w.get(id))
		}
	}
	same := func(c Change) {
		t.Helper()
		if was, v := w.get(id), w.update(id, c); v.Revision != was.Revision || v.Request != was.Request {
			t.Errorf("it was changed from %+v to %+v", was, v)
		}
	}
	w.expect(id, Pending, span(20, 120))
	same(Change{Bandwidth: b(0)}) // it was not asked for
	same(Change{Duration: new(Seconds(100))})
	same(Change{Volume: new(uint64(100)), MaxBandwidth: b(8), MinBandwidth: b(0)})
	invalid("duration", Change{Duration: new(Seconds(101))})
	invalid("min_bandwidth", Change{MinBandwidth: b(9)})
	invalid("bandwidth", Change{Bandwidth: b(5)}) // beside a highest rate
	invalid("volume", Change{Volume: new(uint64(MaxVolume + 1))})
	invalid("volume", Change{Volume: new(uint64), MinBandwidth: b(2)})
	invalid("volume", Change{Volume: new(uint64), MaxBandwidth: b(2)})
	invalid("duration", Change{Volume: new(uint64), Duration: new(Seconds)})
	if v := w.update(id, Change{MinBandwidth: b(4)}); v.MinBandwidth != 4 || v.MaxBandwidth != 8 {
		t.Errorf("%+v", v)
	}
	if v := w.update(id, Change{MinBandwidth: b(0), MaxBandwidth: b(0), Bandwidth: b(5)}); !v.FixedRate || v.Window != span(20, 180) {
		t.Errorf("%+v", v)
	}
	if v := w.update(id, Change{Volume: new(uint64(50))}); !v.FixedRate || v.Bandwidth != 5 || v.Window != span(20, 100) {
		t.Errorf("%+v", v)
	}
	if v := w.update(id, Change{Bandwidth: b(0), MaxBandwidth: b(8)}); v.FixedRate || v.Bandwidth != 8 || v.Window != span(20, 70) {
		t.Errorf("%+v", v)
	}
	if v := w.update(id, Change{Volume: new(uint64)}); v.FixedRate || v.MaxBandwidth != 0 || v.Bandwidth != 8 || v.Duration != 50 || v.Window != span(20, 70) {
		t.Errorf("%+v", v)
	}
	invalid("volume", Change{MinBandwidth: b(2)})
	invalid("duration", Change{Duration: new(Seconds)})
	w.update(id, Change{Bandwidth: b(0)})
	if v := w.update(id, Change{Volume: new(uint64(100))}); v.FixedRate || v.Bandwidth != 10 || v.Window != span(20, 100) {
		t.Errorf("%+v", v)
	}
}

// The largest volume, the longest time and a rate that is said to be fixed
// without a volume are no mistakes.
func TestBoundsOfVolumes(t *testing.T) {
	w, _ := pair(t)
	r := bulk(1, MaxVolume, 0, 0)
	if _, err := w.a.Create(bg, r); refusedAs(err) != Conflict {
		t.Error(err)
	}
	r.Volume, r.MaxBandwidth = MaxDuration/8, 1
	if v := w.create(r); v.Duration != MaxDuration {
		t.Errorf("%+v", v)
	}
	r = ask(1, 2, 2, 2, 3, 10)
	r.FixedRate = true
	if v := w.create(r); v.FixedRate {
		t.Errorf("%+v", v)
	}
}

// What is free of a cable is that of the direction that has less, whichever
// that is, beside what is reserved.
func TestAvailabilityOfTheNarrowDirection(t *testing.T) {
	for _, way := range []string{"there", "back"} {
		w, trunk := pair(t)
		w.other(3, 1, 10, 20)
		w.change(func(s *topology.Snapshot) {
			id := trunk.From
			if way == "back" {
				id = trunk.To
			}
			l := s.Links[id]
			l.Capacity = 4
			s.Links[id] = l
		})
		got, err := w.a.Availability(ask(1, 1, 2, 1, 1, 5), 30)
		want := []Step{{span(0, 10), 4}, {span(10, 20), 3}, {span(20, 30), 4}}
		if err != nil || !slices.Equal(got.Free, want) {
			t.Errorf("narrow %s: %+v, %v", way, got.Free, err)
		}
	}
}
