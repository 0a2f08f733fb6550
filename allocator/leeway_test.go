package allocator

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// checkLeeway fails if something is planned, or runs, outside of what was left
// to CONGA.
func (w *world) checkLeeway() {
	w.Helper()
	for _, v := range w.a.Live("") {
		switch {
		case v.Window == (Window{}):
		case v.Deadline != 0 && v.Window.End > v.Deadline:
			w.Fatalf("at %d it ends after its deadline: %+v", w.now, v)
		case v.Window.Start < v.Earliest:
			w.Fatalf("at %d it starts too early: %+v", w.now, v)
		}
	}
}

// flexible returns a request that may run from one second of the test to
// another.
func flexible(r Request, earliest, deadline Seconds) Request {
	r.Leeway = Leeway{Earliest: 1_000_000 + earliest, Deadline: 1_000_000 + deadline}
	return r
}

// TestLeewayIsExact admits what fits between an earliest start and a deadline
// in the first window in which it fits, and refuses the rest with a deadline
// that can be met, the first one.
func TestLeewayIsExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt)
		a, s := w.open(), newSheet(w)
		for range rapid.IntRange(1, 12).Draw(rt, "requests") {
			r := drawRequest(rt, w)
			if r.StartTime == 0 {
				r = flexible(r, secondsRange(0, 15).Draw(rt, "earliest"), 0)
				r.Deadline = r.Earliest + r.Duration + secondsRange(0, 12).Draw(rt, "room")
			}
			v, err := a.Create(bg, r)
			if r.StartTime == 0 {
				s.judgeLeeway(rt, r, v, err)
			}
			if err == nil && v.Window != (Window{}) {
				s.enter(v)
			}
		}
	})
}

func (s *sheet) judgeLeeway(t *rapid.T, r Request, v Allocation, err error) {
	const horizon = 250 // no queue of requests that are drawn gets as long
	first := s.rel(Window{r.Earliest, 0}).Start
	for ; first < horizon && !s.admits(r, Window{first, first + r.Duration}); first++ {
	}
	end := first + r.Duration
	switch refusal, refused := errors.AsType[*Error](err); {
	case first == horizon:
		if v.Window != (Window{}) {
			t.Fatalf("%+v: got %v, by hand it never fits", r, s.rel(v.Window))
		}
	case 1_000_000+end > r.Deadline:
		if !refused || refusal.Offer.Deadline != 1_000_000+end {
			t.Fatalf("%+v: got %+v, %+v, by hand it fits from %d on", r, v.Window, err, first)
		}
		s.postAlternatives(t, refusal)
	case err != nil || s.rel(v.Window) != Window{first, end}:
		t.Fatalf("%+v: got %v %v, by hand it fits at %d", r, s.rel(v.Window), err, first)
	}
}

// postAlternatives asks for each of the alternatives of a refusal that can be
// helped.
func (s *sheet) postAlternatives(t *rapid.T, refusal *Error) {
	if len(refusal.Alternatives) == 0 {
		t.Fatalf("no alternatives: %v", refusal)
	}
	for _, r := range refusal.Alternatives {
		v, err := s.w.a.Create(bg, r)
		if err != nil {
			t.Fatalf("%+v is offered and refused: %v; %v", r, err, refusal)
		}
		if err := s.w.a.Release(bg, v.ID, 0); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLeewayIsChecked(t *testing.T) {
	w, _ := pair(t)
	for text, r := range map[string]Request{
		"start_time: is one start":                             {StartTime: w.now + 5, Leeway: Leeway{Earliest: w.now + 5}},
		"earliest: 63072000000001":                             {Leeway: Leeway{Earliest: 63_072_000_000_001}},
		"earliest: -7":                                         {Leeway: Leeway{Earliest: -7}},
		"deadline: -7":                                         {Leeway: Leeway{Deadline: -7}},
		"deadline: 95608001 is more":                           {Leeway: Leeway{Deadline: w.now + MaxAhead + MaxDuration + 1}},
		"is in the past; it is":                                {Leeway: Leeway{Deadline: w.now}},
		"Z is 9 s after ":                                      {Leeway: Leeway{Deadline: w.now + 9}},
		"Z is not after 1970-01-12T13:47:3":                    {Leeway: Leeway{Earliest: w.now + 50, Deadline: w.now + 50}},
		"Z is not after 1970-01-12T13:47:30Z, the first start": {Leeway: Leeway{Earliest: FromNow(50), Deadline: FromNow(20)}},
		"and the duration is 10 s":                             {Leeway: Leeway{Earliest: FromNow(50), Deadline: FromNow(59)}},
		"three years ahead, or no moment;":                     {Leeway: Leeway{Deadline: w.now + MaxAhead + MaxDuration + 1}},
	} {
		whole := ask(1, 1, 2, 1, 6, 10)
		whole.StartTime, whole.Leeway = r.StartTime, r.Leeway
		if _, err := w.a.Create(bg, whole); err == nil || refusedAs(err) != Invalid || !strings.Contains(err.Error(), text) {
			t.Errorf("%+v: %v, want %q", r, err, text)
		}
	}
	r := ask(1, 1, 2, 1, 6, 10)
	r.Leeway = Leeway{Earliest: FromNow(50), Deadline: FromNow(60)}
	v := w.create(r)
	w.expect(v.ID, Pending, span(50, 60))
	if want := (Leeway{Earliest: w.now + 50, Deadline: w.now + 60}); v.Leeway != want || !strings.HasPrefix(v.Reason, "waits for its start at") {
		t.Errorf("%+v", v)
	}
}

// What is in the way of a deadline is named: a link, other traffic, or the
// project's limit; and which deadline would do.
func TestDeadlineIsRefused(t *testing.T) {
	w, _ := pair(t)
	most := bitrate.Rate(8)
	w.cfg.Limits = func(string) Limits { return Limits{Bandwidth: &most} }
	w.open()
	fixed := func(r Request, project string, start Seconds) {
		r.ProjectID, r.StartTime = project, w.now+start
		w.create(r)
	}
	fixed(ask(1, 1, 2, 1, 6, 100), "q", 20)
	_, err := w.a.Create(bg, flexible(ask(1, 2, 2, 2, 6, 50), 0, 100))
	e := refused(t, err, Conflict, "bandwidth")
	if e.Bottleneck == nil || e.Offer.Deadline != w.now+170 || !strings.Contains(e.Error(), "; or ask for a deadline of 1970-01-12T13:49:30Z or later") {
		t.Errorf("%v, %+v", e, e.Offer)
	}
	v := w.create(flexible(ask(1, 2, 2, 2, 6, 50), 0, 170))
	w.expect(v.ID, Pending, span(120, 170))
	fixed(ask(1, 3, 2, 3, 2, 100), "p", 200)
	_, err = w.a.Create(bg, flexible(ask(1, 3, 2, 3, 1, 50), 190, 260))
	if e := refused(t, err, Conflict, ""); e.Offer.Deadline != w.now+350 || !strings.Contains(e.Error(), "another allocation for the same traffic") {
		t.Errorf("%v, %+v", e, e.Offer)
	}
	fixed(ask(1, 1, 2, 1, 5, 100), "p", 200)
	_, err = w.a.Create(bg, flexible(ask(1, 1, 2, 2, 2, 50), 190, 260))
	if e := refused(t, err, Denied, "bandwidth"); !strings.Contains(e.Error(), "project p may hold 8 at a time") {
		t.Errorf("%v, %+v", e, e.Offer)
	}
	v = w.create(flexible(ask(1, 1, 2, 2, 2, 50), 190, 360))
	w.expect(v.ID, Pending, span(300, 350))
}

// What has a deadline is planned anew as long as that can be met, and ends with
// the reason when it cannot; it never runs after it.
func TestDeadlinePasses(t *testing.T) {
	w, trunk := pair(t)
	id := w.create(flexible(ask(1, 1, 2, 1, 6, 20), 10, 100)).ID
	w.expect(id, Pending, span(10, 30))
	w.now += 50 // the daemon was down
	w.open()
	w.a.Settled()
	w.work()
	w.expect(id, Active, span(50, 70))
	w.pass(20)
	w.expect(id, Complete, span(50, 70))

	late := w.create(flexible(ask(1, 1, 2, 1, 6, 20), 80, 200)).ID
	w.change(cut(trunk))
	w.pass(110)
	if v := w.get(late); v.State != Pending || !strings.Contains(v.Reason, "no path") {
		t.Errorf("%+v", v)
	}
	w.pass(1)
	v := w.expect(late, Complete, Window{})
	if !strings.Contains(v.Reason, "it has not begun, and cannot last 20 s by its deadline, 1970-01-12T13:50:00Z, any more: no path leads") {
		t.Errorf("reason %q", v.Reason)
	}
	w.change(mend(trunk, 10))
	w.pass(60)
	w.expect(late, Complete, Window{})
}

// What starts late does not run beyond its deadline.
func TestLateStartEndsAtDeadline(t *testing.T) {
	w, _ := pair(t)
	id := w.create(flexible(ask(1, 1, 2, 1, 6, 20), 10, 32)).ID
	w.now += 17
	w.work()
	w.expect(id, Active, span(17, 32))
}

// A host that is seen only after a while is given a window by the deadline, or
// none.
func TestDeadlineOfStranger(t *testing.T) {
	w, _ := pair(t)
	unseen := netip.MustParseAddr("192.0.2.9")
	appears := func(s *topology.Snapshot) {
		s.Attachments = append(s.Attachments, topology.Attachment{Prefix: netip.PrefixFrom(unseen, 32), At: topology.PortID{DPID: 2, Port: 3}})
	}
	ask := func(deadline Seconds) string {
		r := flexible(ask(1, 1, 2, 1, 6, 20), 0, deadline)
		r.Key.Dst, r.Key.Proto, r.Key.DstPort = path.Host(unseen), 6, path.Port(uint16(deadline))
		return w.create(r).ID
	}
	short, long := ask(40), ask(90)
	w.pass(21)
	if v := w.expect(short, Complete, Window{}); !strings.HasSuffix(v.Reason, "has not been seen yet and no attachment covers it") {
		t.Errorf("reason %q", v.Reason)
	}
	w.pass(9)
	w.change(appears)
	w.work()
	w.expect(long, Active, span(30, 50))
	w.checkLeeway()
}

// A change of the leeway plans anew; what runs keeps its start, and its end.
func TestChangeOfLeeway(t *testing.T) {
	w, _ := pair(t)
	id := w.create(flexible(ask(1, 1, 2, 1, 6, 20), 10, 100)).ID
	at := func(s Seconds) *Seconds { return new(1_000_000 + s) }
	w.update(id, Change{Earliest: at(40)})
	w.expect(id, Pending, span(40, 60))
	_, err := w.a.Update(bg, id, 0, Change{Deadline: at(59)})
	refused(t, err, Invalid, "deadline")
	_, err = w.a.Update(bg, id, 0, Change{Duration: new(Seconds(61))})
	refused(t, err, Invalid, "deadline")
	_, err = w.a.Update(bg, id, 0, Change{StartTime: at(70)})
	refused(t, err, Invalid, "start_time")
	w.update(id, Change{StartTime: at(70), Earliest: new(Seconds), Deadline: new(Seconds)})
	w.expect(id, Pending, span(70, 90))
	w.update(id, Change{StartTime: new(Seconds), Deadline: at(30)})
	w.work()
	w.expect(id, Active, span(0, 20))
	_, err = w.a.Update(bg, id, 0, Change{Earliest: at(5)})
	refused(t, err, Conflict, "earliest")
	_, err = w.a.Update(bg, id, 0, Change{Duration: new(Seconds(31))})
	refused(t, err, Conflict, "deadline")
	w.update(id, Change{Duration: new(Seconds(30))})
	w.expect(id, Active, span(0, 30))
	w.pass(2)
	_, err = w.a.Update(bg, id, 0, Change{Deadline: at(29)})
	refused(t, err, Conflict, "deadline")
	w.update(id, Change{Deadline: at(60), Duration: new(Seconds(50))})
	w.expect(id, Active, span(0, 50))
}
