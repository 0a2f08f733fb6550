package allocator

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/allocator/store"
	"conga/bitrate"
	"conga/controller/path"
	"conga/openflow"
)

// again returns a request for a series from so many seconds after the start of
// the test on.
func again(r Request, from Seconds, rule string) Request {
	r.StartTime, r.Recurrence = 1_000_000+from, Recurrence{Rule: rule}
	return r
}

func (w *world) createSeries(r Request) Series {
	w.Helper()
	s, err := w.a.CreateSeries(bg, r)
	if err != nil {
		w.Fatalf("create series: %v", err)
	}
	return s
}

// noted returns what is saved along with a series, and counts how often it is
// made.
func noted(calls *int, text string) AlongSeries {
	return func(s Series) ([]store.Op, error) {
		*calls++
		return []store.Op{{Bucket: "journal", Key: s.ID, Value: fmt.Appendf(nil, "%s %d", text, len(s.List))}}, nil
	}
}

const oneDay = Seconds(24 * 3600)

// TestSeries: a series is an allocation for each occurrence, saved together and
// kept over a restart; each is changed and released by itself, and what is left
// together.
func TestSeries(t *testing.T) {
	w := newWorld(t, 2, bitrate.Tbps)
	w.cable(1, 2, 100)
	w.open()
	calls := 0
	asked := again(ask(1, 1, 2, 1, 60, 3600), 100, "FREQ=DAILY;COUNT=4")
	before, err := w.a.ValidateSeries(asked)
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.a.CreateSeries(bg, asked, noted(&calls, "made"))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range before.List {
		if got := s.List[i]; v.Reason == "" || v.Reason != got.Reason || v.Window != got.Window {
			t.Errorf("occurrence %d was to be %+v and is %+v", i, v, got)
		}
	}
	if calls != 1 || w.store.get("journal", s.ID) != "made 4" || w.store.commits != 1 {
		t.Errorf("saved %d times in %d commits: %q", calls, w.store.commits, w.store.get("journal", s.ID))
	}
	list := w.reopen()
	if len(list) != 4 || !slices.EqualFunc(list, s.List, sameAllocation) {
		t.Fatalf("kept is %+v, want %+v", list, s.List)
	}
	for i, v := range list {
		if at := Seconds(i) * oneDay; v.Window != span(at+100, at+3700) || v.State != Pending || v.Series != s.ID || v.Recurrence != (Recurrence{"FREQ=DAILY;COUNT=4", "UTC"}) {
			t.Errorf("occurrence %d is %+v", i, v)
		}
	}
	wider := bitrate.Rate(80)
	if _, err := w.a.Update(bg, list[1].ID, 0, Change{Bandwidth: &wider}); err != nil {
		t.Fatal(err)
	}
	if err := w.a.Release(bg, list[2].ID, 0); err != nil {
		t.Fatal(err)
	}
	w.work()
	if got := w.a.Series(s.ID); len(got) != 3 || got[1].Bandwidth != 80 || got[1].Series != s.ID {
		t.Errorf("the series is %+v", got)
	}
	got, err := w.a.Step(bg, Filter{Project: "p", Series: s.ID}, Begin(false), 10)
	if err != nil || len(got.List) != 4 || got.List[2].State != Complete {
		t.Errorf("listed is %+v, %v", got.List, err)
	}
	if err := w.a.ReleaseSeries(By(bg, "boss"), w.a.Series(s.ID), noted(&calls, "released")); err != nil {
		t.Fatal(err)
	}
	if v := w.get(list[0].ID); calls != 2 || v.State != Complete || v.Reason != "released by boss" || v.ChangedBy != "boss" {
		t.Errorf("saved %d times; released is %+v", calls, v)
	}
	if got := w.a.Series(s.ID); len(got) != 0 || len(w.a.series) != 0 {
		t.Errorf("left is %+v, %v", got, w.a.series)
	}
	w.work()
	w.emptyCalendars()
}

// TestSeriesOfStates: an occurrence that begins, and ends, is listed as what it
// has become.
func TestSeriesOfStates(t *testing.T) {
	w := newWorld(t, 2, bitrate.Tbps)
	w.cable(1, 2, 100)
	w.open()
	begun := w.now
	s := w.createSeries(again(ask(1, 1, 2, 1, 60, 3600), 100, "FREQ=DAILY;COUNT=3"))
	for _, x := range []struct {
		at     Seconds
		states map[State]int
	}{
		{0, map[State]int{Pending: 3}},
		{100, map[State]int{Pending: 2, Active: 1}},
		{3700, map[State]int{Pending: 2, Complete: 1}},
		{oneDay + 100, map[State]int{Pending: 1, Active: 1, Complete: 1}},
	} {
		w.now = begun + x.at
		w.work()
		w.checkIndexes()
		for _, state := range []State{Pending, Active, Complete} {
			got, err := w.a.Step(bg, Filter{Project: "p", Series: s.ID, State: state}, Begin(false), 10)
			if err != nil || len(got.List) != x.states[state] {
				t.Errorf("at %d: %d are %s, %v", x.at, len(got.List), state, err)
			}
		}
	}
}

func sameAllocation(a, b Allocation) bool {
	return a.ID == b.ID && a.Window == b.Window && a.Path.Equal(b.Path) && a.Request == b.Request && a.Revision == b.Revision
}

// emptyCalendars checks that nothing is reserved.
func (w *world) emptyCalendars() {
	w.Helper()
	if n := len(w.a.calendars.links) + len(w.a.calendars.active); n > 0 {
		w.Fatalf("reserved is %v, of %v", w.a.calendars.links, w.a.calendars.active)
	}
}

// TestSeriesRefused: if one occurrence does not fit there is none, and the
// refusal tells which do not fit, where and when, and what would.
func TestSeriesRefused(t *testing.T) {
	w := newWorld(t, 2, bitrate.Tbps)
	link := w.cable(1, 2, 100)
	w.open()
	for _, day := range []Seconds{1, 3} {
		other := ask(1, 2, 2, 2, 70, 2000)
		other.StartTime = 1_000_000 + day*oneDay
		w.create(other)
	}
	commits := w.store.commits
	asked := again(ask(1, 1, 2, 1, 40, 3600), 0, "FREQ=DAILY;COUNT=5")
	_, err := w.a.CreateSeries(bg, asked)
	e := refused(t, err, Conflict, "bandwidth")
	if got := e.Err.Error(); !strings.HasPrefix(got, "2 of the 5 occurrences do not fit, so none is admitted; the first of these is from 1970-01-13T13:46:40Z to 1970-01-13T14:46:40Z: 40 does not fit") {
		t.Error(got)
	}
	if len(e.Occurrences) != 2 || e.Occurrences[1].Window != span(3*oneDay, 3*oneDay+3600) || *e.Occurrences[1].Err.Bottleneck != link ||
		e.Occurrences[1].Err.InTheWay != span(3*oneDay, 3*oneDay+2000) || w.store.commits != commits {
		t.Errorf("refused are %+v", e.Occurrences)
	}
	var offered []string
	for _, r := range e.Alternatives {
		offered = append(offered, fmt.Sprint(uint64(r.Bandwidth), " ", r.StartTime-1_000_000, " ", r.Recurrence.Rule))
	}
	if want := []string{"30 0 FREQ=DAILY;COUNT=5", "40 2000 FREQ=DAILY;COUNT=5", "40 0 FREQ=DAILY;COUNT=1"}; !slices.Equal(offered, want) {
		t.Errorf("offered are %q, want %q", offered, want)
	}
	if len(w.a.Series("id3")) != 0 || w.a.calendars.active["p"] != 2 {
		t.Error("something is left")
	}
}

// TestSeriesInvalid: what a series cannot have is refused with a sentence that
// names it.
func TestSeriesInvalid(t *testing.T) {
	w := newWorld(t, 2, bitrate.Tbps)
	w.cable(1, 2, 100)
	w.cfg.Occurrences = 5
	w.open()
	for name, c := range map[string]struct {
		change      func(*Request)
		field, want string
	}{
		"no start":      {func(r *Request) { r.StartTime = 0 }, "start_time", "is required with a recurrence"},
		"past":          {func(r *Request) { r.StartTime -= 3600 }, "start_time", "is in the past"},
		"rule":          {func(r *Request) { r.Recurrence.Rule = "FREQ=DAILY" }, "recurrence.rrule", "has no end"},
		"zone":          {func(r *Request) { r.Recurrence.Zone = "Mars" }, "recurrence.timezone", `"Mars" is no time zone`},
		"many":          {func(r *Request) { r.Recurrence.Rule = "FREQ=DAILY;COUNT=6" }, "recurrence.rrule", "has more than 5 occurrences"},
		"far":           {func(r *Request) { r.Recurrence.Rule = "FREQ=YEARLY;COUNT=4" }, "recurrence.rrule", "has occurrences after 1972-01-12T13:46:40Z"},
		"volume":        {func(r *Request) { r.Volume = 1000 }, "recurrence", "volume are not for series"},
		"deadline":      {func(r *Request) { r.Deadline = 2_000_000 }, "recurrence", "each occurrence has a start_time"},
		"lease":         {func(r *Request) { r.Lease = 60 }, "lease", "is not for series"},
		"hold":          {func(r *Request) { r.Hold = 60 }, "hold", "is not for series"},
		"long":          {func(r *Request) { r.Duration = oneDay + 1 }, "duration", "86401 s is longer than it is from one occurrence, at 1970-01-12T13:46:40Z, to the next, at 1970-01-13T13:46:40Z"},
		"no duration":   {func(r *Request) { r.Duration = 0 }, "duration", "at least 1 second"},
		"no project":    {func(r *Request) { r.ProjectID = "" }, "project_id", "is required"},
		"no such other": {func(r *Request) { r.DisjointFrom = "none" }, "disjoint_from", "none"},
	} {
		r := again(ask(1, 1, 2, 1, 40, 3600), 0, "FREQ=DAILY;COUNT=2")
		c.change(&r)
		_, err := w.a.CreateSeries(bg, r)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Field != c.field || !strings.Contains(e.Err.Error(), c.want) {
			t.Errorf("%s: %v, want %s: %s", name, err, c.field, c.want)
		}
		_, err = w.a.ValidateSeries(r)
		if v, ok := errors.AsType[*Error](err); !ok || v.Field != c.field {
			t.Errorf("%s: validated is %v", name, err)
		}
	}
	one := again(ask(1, 1, 2, 1, 40, 3600), 0, "FREQ=DAILY;COUNT=2")
	_, err := w.a.Create(bg, one)
	refused(t, err, Invalid, "recurrence")
	_, err = w.a.Availability(one, 0)
	refused(t, err, Invalid, "recurrence")
}

// TestSeriesNumbers: the limits on how many allocations there are count all
// occurrences, and as many as there may be are offered.
func TestSeriesNumbers(t *testing.T) {
	for name, c := range map[string]struct {
		limits Limits
		from   Seconds
		fit    int
	}{
		"active":              {Limits{Active: new(4)}, 0, 3},
		"pending":             {Limits{Pending: new(4)}, 3600, 4},
		"pending, one at now": {Limits{Pending: new(4)}, 0, 5},
		"horizon":             {Limits{Horizon: new(3 * oneDay)}, 0, 4},
		"none":                {Limits{Active: new(1)}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 2, bitrate.Tbps)
			w.cable(1, 2, 100)
			w.cfg.Limits = func(string) Limits { return c.limits }
			w.open()
			w.create(ask(1, 2, 2, 2, 10, 60))
			w.work()
			r := again(ask(1, 1, 2, 1, 40, 3600), c.from, "FREQ=DAILY;COUNT=9")
			_, err := w.a.CreateSeries(bg, r)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Kind != Denied {
				t.Fatal(err)
			}
			if c.fit == 0 {
				if len(e.Alternatives) > 0 {
					t.Errorf("offered is %+v", e.Alternatives)
				}
				return
			}
			if want := fmt.Sprintf("FREQ=DAILY;COUNT=%d", c.fit); len(e.Alternatives) != 1 || e.Alternatives[0].Recurrence.Rule != want {
				t.Fatalf("%v; offered are %+v, want %s", err, e.Alternatives, want)
			}
			w.createSeries(e.Alternatives[0])
		})
	}
}

// TestSeriesUnsaved: a store that fails leaves nothing, whatever the caller
// wants saved along.
func TestSeriesUnsaved(t *testing.T) {
	w := newWorld(t, 2, bitrate.Tbps)
	w.cable(1, 2, 100)
	w.open()
	r := again(ask(1, 1, 2, 1, 60, 3600), 100, "FREQ=DAILY;COUNT=4")
	_, err := w.a.CreateSeries(bg, r, func(Series) ([]store.Op, error) { return nil, errors.New("no") })
	refused(t, err, Internal, "")
	w.store.fail = errors.New("power lost")
	_, err = w.a.CreateSeries(bg, r)
	refused(t, err, Internal, "")
	w.store.fail = nil
	w.emptyCalendars()
	if n := len(w.a.byID); n > 0 {
		t.Errorf("%d allocations are left", n)
	}
	s := w.createSeries(r)
	w.store.fail = errors.New("power lost")
	refused(t, w.a.ReleaseSeries(bg, w.a.Series(s.ID)), Internal, "")
	w.store.fail = nil
	if got := w.a.Series(s.ID); len(got) != 4 || !slices.EqualFunc(got, s.List, sameAllocation) {
		t.Errorf("the series is %+v", got)
	}
	if got := w.reopen(); len(got) != 4 || !slices.EqualFunc(got, s.List, sameAllocation) {
		t.Errorf("kept is %+v", got)
	}
}

// TestSeriesStale: what has changed since the caller has read it is not
// released, and neither are the others.
func TestSeriesStale(t *testing.T) {
	w := newWorld(t, 2, bitrate.Tbps)
	w.cable(1, 2, 100)
	w.open()
	s := w.createSeries(again(ask(1, 1, 2, 1, 60, 3600), 100, "FREQ=DAILY;COUNT=3"))
	longer := Seconds(3700)
	if _, err := w.a.Update(bg, s.List[2].ID, 0, Change{Duration: &longer}); err != nil {
		t.Fatal(err)
	}
	refused(t, w.a.ReleaseSeries(bg, s.List), Stale, "")
	if err := w.remove(s.List[1].ID); err != nil {
		t.Fatal(err)
	}
	refused(t, w.a.ReleaseSeries(bg, s.List[:2]), Stale, "")
	if got := w.a.Series(s.ID); len(got) != 2 {
		t.Errorf("left is %+v", got)
	}
}

// TestSeriesWaitsForChanges: a change of an occurrence that is under way is
// waited for.
func TestSeriesWaitsForChanges(t *testing.T) {
	w := newWorld(t, 2, bitrate.Tbps)
	w.cable(1, 2, 100)
	w.open()
	s := w.createSeries(again(ask(1, 1, 2, 1, 60, 3600), 100, "FREQ=DAILY;COUNT=3"))
	w.store.hold = make(chan struct{})
	lease, done := Seconds(60), make(chan error, 2)
	go func() {
		_, err := w.a.Update(bg, s.List[1].ID, 0, Change{ActiveLease: &lease})
		done <- err
	}()
	for busy := false; !busy; time.Sleep(time.Millisecond) {
		w.a.mu.Lock()
		busy = w.a.findLocked(s.List[1].ID).busy != nil
		w.a.mu.Unlock()
	}
	go func() { done <- w.a.ReleaseSeries(bg, s.List) }()
	close(w.store.hold)
	first, second := <-done, <-done
	if e, _ := errors.AsType[*Error](errors.Join(first, second)); e == nil || e.Kind != Stale || first != nil && second != nil {
		t.Errorf("%v, %v", first, second)
	}
	if len(w.a.Series(s.ID)) != 3 {
		t.Error("something is released")
	}
}

// TestSeriesWithoutPath: occurrences between hosts of which nothing is known
// wait, as one allocation would, in its own window.
func TestSeriesWithoutPath(t *testing.T) {
	w := newWorld(t, 2, bitrate.Tbps)
	link := w.cable(1, 2, 100)
	w.open()
	w.change(cut(link))
	r := again(ask(1, 1, 2, 1, 60, 3600), 100, "FREQ=DAILY;COUNT=3")
	planned, err := w.a.ValidateSeries(r)
	if err != nil || len(planned.List) != 3 || planned.ID+planned.List[0].ID != "" || !strings.HasPrefix(planned.List[2].Reason, "no path leads") {
		t.Errorf("planned is %+v, %v", planned, err)
	}
	s := w.createSeries(r)
	if s.List[0].Window != (Window{}) || len(w.a.byID) != 3 {
		t.Errorf("created is %+v", s.List)
	}
	w.change(mend(link, 100))
	w.work()
	for i, v := range w.a.Series(s.ID) {
		if v.Window.Start != 1_000_100+Seconds(i)*oneDay {
			t.Errorf("occurrence %d has %v", i, v.Window)
		}
	}
}

// TestSeriesAgainstModel holds series on a random network, beside other
// allocations, against a model that knows no calendar: they are admitted
// exactly if each occurrence would be by itself; no link ever has more than it
// carries; what a refusal offers is admitted; and whatever was cancelled, the
// calendars are those of a fresh start.
func TestSeriesAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, 3, bitrate.Tbps)
		for _, c := range [][2]int{{1, 2}, {2, 3}, {1, 3}} {
			w.cable(openflow.DPID(c[0]), openflow.DPID(c[1]), bitrate.Rate(rapid.IntRange(50, 100).Draw(t, "capacity")))
		}
		w.cfg.Limits = func(string) Limits { return Limits{Active: new(40)} }
		w.open()
		ids := map[string]bool{}
		t.Repeat(map[string]func(*rapid.T){
			"one": func(t *rapid.T) {
				r := drawAsk(t, w)
				_, _ = w.a.Create(bg, r)
			},
			"series": func(t *rapid.T) {
				r := drawAsk(t, w)
				r.StartTime = max(r.StartTime, w.now)
				r.Recurrence.Rule = fmt.Sprintf("FREQ=DAILY;INTERVAL=%d;COUNT=%d", rapid.IntRange(1, 2).Draw(t, "interval"), rapid.IntRange(1, 8).Draw(t, "count"))
				each := w.fitsOneByOne(t, r)
				s, err := w.a.CreateSeries(bg, r)
				if (err == nil) != each {
					t.Fatalf("admitted %v: %v; each by itself: %v", err == nil, err, each)
				}
				if err == nil {
					ids[s.ID] = true
					return
				}
				e, _ := errors.AsType[*Error](err)
				for _, offer := range e.Alternatives {
					planned, err := w.a.ValidateSeries(offer)
					if err != nil {
						t.Fatalf("%v offers %+v: %v", e, offer, err)
					}
					if offer.Recurrence == e.Alternatives[0].Recurrence && offer.Bandwidth == 0 && len(planned.List) == 0 {
						t.Fatal("an empty series is offered")
					}
				}
			},
			"release series": func(t *rapid.T) {
				for id := range ids {
					if err := w.a.ReleaseSeries(bg, w.a.Series(id)); err != nil {
						t.Fatal(err)
					}
					delete(ids, id)
					break
				}
				w.work()
			},
			"release one": func(t *rapid.T) {
				live := w.a.Live("")
				if len(live) > 0 {
					if err := w.a.Release(bg, rapid.SampledFrom(live).Draw(t, "which").ID, 0); err != nil {
						t.Fatal(err)
					}
				}
				w.work()
			},
			"": func(t *rapid.T) { w.checkSeriesLoads(t) },
		})
	})
}

func drawAsk(t *rapid.T, w *world) Request {
	ends := rapid.Permutation([]int{1, 2, 3}).Draw(t, "ends")
	r := ask(ends[0], 1, ends[1], 1, bitrate.Rate(rapid.IntRange(0, 60).Draw(t, "rate")), secondsRange(1000, oneDay/2).Draw(t, "duration"))
	r.Key.Proto, r.Key.DstPort = path.ProtoTCP, path.Port(uint16(rapid.IntRange(1, 40).Draw(t, "port")))
	r.StartTime = w.now + secondsRange(0, 2*oneDay).Draw(t, "start")
	return r
}

// fitsOneByOne reports whether each occurrence of a series would be admitted by
// itself, and the project may have as many.
func (w *world) fitsOneByOne(t *rapid.T, r Request) bool {
	asked, err := w.a.occurrences(r, w.now)
	if err != nil {
		t.Fatal(err)
	}
	if w.a.calendars.active["p"]+len(asked.list) > 40 {
		return false
	}
	for _, one := range asked.list {
		one.Recurrence = Recurrence{}
		if _, err := w.a.Validate(one); err != nil {
			return false
		}
	}
	return true
}

// checkSeriesLoads checks that no link has more at any moment than it carries,
// and that a fresh start has the same calendars.
func (w *world) checkSeriesLoads(t *rapid.T) {
	live := w.a.Live("")
	for _, at := range live {
		loads := map[string]bitrate.Rate{}
		for _, v := range live {
			if !v.Window.Contains(at.Window.Start) {
				continue
			}
			for _, id := range v.Path.Links() {
				loads[id.String()] += v.Bandwidth
				loads[id.Reverse().String()] += v.Bandwidth
			}
		}
		for _, l := range w.snap.Links {
			if got := loads[l.ID.String()]; got > l.Capacity || got > w.a.Reserved(l.ID, Window{at.Window.Start, at.Window.Start + 1}) {
				t.Fatalf("at %d link %s has %d of %d, and the calendar %d", at.Window.Start, l.ID, got, l.Capacity, w.a.Reserved(l.ID, at.Window))
			}
		}
	}
	fresh, err := Open(bg, w.cfg)
	if err != nil {
		t.Fatal(err)
	}
	all := Window{0, w.now + 100*oneDay}
	for _, l := range w.snap.Links {
		for _, v := range append(live, Allocation{Window: all}) {
			if a, b := w.a.Reserved(l.ID, v.Window), fresh.Reserved(l.ID, v.Window); v.Window != (Window{}) && a != b {
				t.Fatalf("link %s has %d reserved in %v, and %d after a fresh start", l.ID, a, v.Window, b)
			}
		}
	}
	if got, want := len(w.a.series), len(fresh.series); got != want {
		t.Fatalf("%d series are known, and %d after a fresh start", got, want)
	}
}
