package allocator

import (
	"strings"
	"testing"

	"conga/bitrate"
)

// Until when an allocation may run, and when it is over, follows from what was
// asked for and from what is planned.
func TestLimitOfALife(t *testing.T) {
	planned := Window{100, 150}
	for name, c := range map[string]struct {
		record
		limit, latest Seconds // latest: of what starts at 120
		missed        []Seconds
	}{
		"planned":          {record{Allocation: Allocation{Window: planned}}, 150, 170, []Seconds{150, 10_000}},
		"at a fixed time":  {record{Allocation: Allocation{Window: planned, Request: Request{StartTime: 100}}}, 150, 150, nil},
		"a little late":    {record{Allocation: Allocation{Window: Window{115, 165}, Request: Request{StartTime: 115}}}, 165, 170, nil},
		"later than that":  {record{Allocation: Allocation{Window: Window{114, 164}, Request: Request{StartTime: 114}}}, 164, 164, nil},
		"fixed, no path":   {record{Allocation: Allocation{Request: Request{StartTime: 100}}}, 150, 150, nil},
		"no path":          {record{}, 0, 170, nil},
		"in time, no path": {record{Allocation: Allocation{Request: Request{Leeway: Leeway{Deadline: 160}}}}, 111, 160, nil},
		"in time":          {record{Allocation: Allocation{Window: planned, Request: Request{Leeway: Leeway{Deadline: 200}}}}, 150, 170, []Seconds{150}},
		"just in time":     {record{Allocation: Allocation{Window: planned, Request: Request{Leeway: Leeway{Deadline: 150}}}}, 150, 150, nil},
		"runs":             {record{Allocation: Allocation{Window: planned, Started: true, State: Active, Request: Request{Leeway: Leeway{Deadline: 200, Volume: 9}}}}, 150, 170, nil},
		"has lost its path": {record{Allocation: Allocation{Window: planned, Started: true, State: Pending, Request: Request{Leeway: Leeway{Deadline: 200, Volume: 9}}}},
			200, 170, nil},
		"the same without a deadline": {record{Allocation: Allocation{Window: planned, Started: true, State: Pending, Request: Request{Leeway: Leeway{Volume: 9}}}},
			150, 170, nil},
		"the same without a volume": {record{Allocation: Allocation{Window: planned, Started: true, State: Pending, Request: Request{Leeway: Leeway{Deadline: 200}}}},
			150, 170, nil},
	} {
		r := c.record
		r.Duration = 50
		if got := r.limit(); got != c.limit {
			t.Errorf("%s: until %d, want %d", name, got, c.limit)
		}
		if got := r.latestEnd(120); got != c.latest {
			t.Errorf("%s: if it starts at 120 until %d, want %d", name, got, c.latest)
		}
		for _, now := range []Seconds{99, 120, 149, 150, 151, 10_000} {
			missed := false
			for _, at := range c.missed {
				missed = missed || now == at
			}
			if r.Deadline == 0 && c.missed != nil && now >= 150 {
				missed = true
			}
			if got := r.missed(now); got != missed {
				t.Errorf("%s: missed at %d: %t", name, now, got)
			}
			if got := r.over(now); got != (c.limit != 0 && c.limit <= now && !missed) {
				t.Errorf("%s: over at %d: %t", name, now, got)
			}
		}
	}
}

// The last start by which what is asked for ends in time is when it takes just
// as long as there is; a volume may pass in no time if its rate has no bound.
func TestLastStart(t *testing.T) {
	for _, c := range []struct {
		Leeway
		want Seconds
	}{
		{Leeway{}, never - 1},
		{Leeway{Deadline: 100}, 50},
		{Leeway{Deadline: 100, Volume: 1000}, 99},
		{Leeway{Deadline: 100, Volume: 1000, MaxBandwidth: 800}, 90},
		{Leeway{Deadline: 100, Volume: 1001, MaxBandwidth: 800}, 89},
		{Leeway{Deadline: 100, Volume: 1000, FixedRate: true}, 50},
	} {
		if got := c.Leeway.lastStart(50); got != c.want {
			t.Errorf("%+v: %d, want %d", c.Leeway, got, c.want)
		}
	}
}

// What the daemon was down for at its last start still runs to its deadline; a
// second later it cannot.
func TestLastStartIsMet(t *testing.T) {
	for down, want := range map[Seconds]Window{80: span(80, 100), 81: span(10, 30)} {
		w, _ := pair(t)
		id := w.create(flexible(ask(1, 1, 2, 1, 6, 20), 10, 100)).ID
		w.now += down
		w.open()
		w.a.Settled()
		w.work()
		if v := w.get(id); v.Window != want || (v.State == Active) != (down == 80) {
			t.Errorf("down for %d s: %+v", down, v)
		}
	}
}

// The farthest moments are allowed, and a change is held to them as a request
// is.
func TestFarthestLeeway(t *testing.T) {
	w, _ := pair(t)
	r := ask(1, 1, 2, 1, 6, 20)
	r.Earliest, r.Deadline = w.now+MaxAhead, w.now+MaxDeadline
	id := w.create(r).ID
	w.expect(id, Pending, span(MaxAhead, MaxAhead+20))
	for field, c := range map[string]Change{
		"earliest": {Earliest: new(w.now + MaxAhead + 1)}, "deadline": {Deadline: new(w.now + MaxDeadline + 1)},
	} {
		_, err := w.a.Update(bg, id, 0, c)
		refused(t, err, Invalid, field)
	}
	_, err := w.a.Update(bg, id, 0, Change{Deadline: new(Seconds(-1))})
	if refused(t, err, Invalid, "deadline"); !strings.Contains(err.Error(), "three years ahead") {
		t.Error(err)
	}
	w.now -= 100 // the clock is set back: what has been admitted is not asked about again
	if v := w.update(id, Change{Bandwidth: new(bitrate.Rate(5))}); v.Bandwidth != 5 || v.Leeway != r.Leeway {
		t.Errorf("%+v", v)
	}
}

// Of what is in the way of a deadline the same traffic is named before the
// rate, if there is room for that at the last start that there is; and a rate
// that there never is has no deadline that would do.
func TestWhatIsInTheWayOfADeadline(t *testing.T) {
	w, _ := pair(t)
	w.other(3, 6, 0, 50)
	same := ask(1, 1, 2, 1, 1, 80)
	same.StartTime = w.now + 40
	w.create(same)
	_, err := w.a.Create(bg, flexible(ask(1, 1, 2, 1, 6, 50), 0, 100))
	if e := refused(t, err, Conflict, ""); !strings.Contains(e.Error(), "another allocation for the same traffic") || e.Offer.Deadline != w.now+170 {
		t.Errorf("%v, %+v", e, e.Offer)
	}
	_, err = w.a.Create(bg, flexible(ask(1, 2, 2, 2, 6, 51), 0, 100)) // a second too long
	if e := refused(t, err, Conflict, "bandwidth"); e.Offer.Deadline != w.now+101 || e.Bottleneck == nil {
		t.Errorf("%v, %+v", e, e.Offer)
	}
	_, err = w.a.Create(bg, flexible(ask(1, 2, 2, 2, 12, 50), 0, 100))
	if e := refused(t, err, Conflict, "bandwidth"); e.Offer.Deadline != 0 || strings.Contains(e.Error(), "deadline") {
		t.Errorf("%v, %+v", e, e.Offer)
	}
	w.limit(Limits{Bandwidth: new(bitrate.Rate(6))})
	_, err = w.a.Create(bg, flexible(ask(1, 2, 2, 2, 6, 50), 50, 100))
	if e := refused(t, err, Denied, "bandwidth"); e.Offer.Deadline != 0 || !strings.Contains(e.Error(), "others of its allocations leave less than 6 of that by") {
		t.Errorf("%v, %+v", e, e.Offer)
	}
	hasty := bulk(2, 100, 0, 5)
	hasty.MaxBandwidth = 1
	_, err = w.a.Create(bg, hasty)
	if e := refused(t, err, Invalid, "deadline"); !strings.Contains(e.Error(), "and the volume takes at least 800 s") {
		t.Error(e)
	}
}
