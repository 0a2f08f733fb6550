package allocator

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/topology"
	"conga/openflow"
)

// lead gives both directions of a cable a metric and a latency.
func (w *world) lead(cable topology.LinkID, metric uint32, latency time.Duration) {
	for _, id := range [...]topology.LinkID{cable, cable.Reverse()} {
		l := w.snap.Links[id.From]
		l.Metric, l.Latency = metric, latency
		w.snap.Links[id.From] = l
	}
}

// TestLeastLimitIsThatOfAnyPath: the limit that is offered is the least one
// that any path keeps, also where the path that would be taken first has more.
func TestLeastLimitIsThatOfAnyPath(t *testing.T) {
	w := newWorld(t, 5, 100)
	for i, x := range []struct {
		a, b, metric int
		latency      time.Duration
	}{{1, 2, 1, 9}, {2, 3, 1, 9}, {3, 4, 1, 9}, {1, 5, 10, 3}, {5, 4, 10, 4}} {
		id := w.cable(openflow.DPID(x.a), openflow.DPID(x.b), 10)
		w.lead(id, uint32(x.metric), x.latency*time.Millisecond+time.Duration(i))
	}
	w.open()
	for _, x := range []struct {
		asked, offered Constraints
		text           string
	}{
		{Constraints{MaxHops: 2}, Constraints{MaxHops: 3}, "max_hops: no path from 10.0.1.1 to 10.0.4.1 has at most 2 switches; ask for 3 or more"},
		{Constraints{MaxLatency: time.Millisecond}, Constraints{MaxLatency: 7001 * time.Microsecond}, "takes at most 1ms; ask for 7001 us or more"},
		{Constraints{MaxHops: 3, Avoid: "0000000000000005"}, Constraints{MaxHops: 4, Avoid: "0000000000000005"}, "max_hops and avoid"},
	} {
		r := ask(1, 1, 4, 1, 4, 100)
		r.Constraints = x.asked
		_, err := w.a.Create(bg, r)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Kind != Conflict || len(e.Alternatives) != 1 || e.Alternatives[0].Constraints != x.offered {
			t.Errorf("%+v: %v, %+v", x.asked, err, e)
			continue
		}
		if text := strings.Replace(err.Error(), "avoid and max_hops", "max_hops and avoid", 1); !strings.Contains(text, x.text) {
			t.Errorf("%+v: %v, want %q", x.asked, err, x.text)
		}
		if _, err := w.a.Create(bg, e.Alternatives[0]); err != nil {
			t.Errorf("what is offered is refused: %v", err)
		}
	}
}

// TestSeveralConstraintsInTheWay: a refusal names those constraints of which
// one has to go, or all where none of them does it alone. It does so for a
// request with a deadline as well.
func TestSeveralConstraintsInTheWay(t *testing.T) {
	w, _ := quad(t)
	lower := w.create(ask(1, 2, 4, 3, 1, 1000)).ID
	upper := w.create(ask(1, 2, 2, 3, 1, 1000)).ID
	for _, x := range []struct {
		c     Constraints
		rate  bitrate.Rate
		field string
		text  string
	}{
		{Constraints{Include: "0000000000000004", DisjointFrom: lower, MaxLatency: 6 * time.Millisecond}, 4, "include", "meets include, disjoint_from and max_latency together"},
		{Constraints{Avoid: "0000000000000002", DisjointFrom: upper}, 8, "bandwidth", "paths that have it do not meet avoid and disjoint_from"},
		{Constraints{Avoid: "0000000000000002"}, 8, "bandwidth", "paths that have it do not meet avoid"},
		{Constraints{MaxHops: 2}, 4, "max_hops", "has at most 2 switches; ask for 3 or more"},
		{Constraints{MaxLatency: 1000}, 4, "max_latency", "takes at most 1µs; ask for 3000 us or more"},
		{Constraints{Avoid: "0000000000000002", MaxLatency: 1000}, 4, "max_latency", "takes at most 1µs; ask for 7000 us or more"},
		{Constraints{Include: "0000000000000004", DisjointFrom: lower, MaxLatency: 1000}, 4, "max_latency", "takes at most 1µs; ask for 3000 us or more"},
		{Constraints{Include: "0000000000000004", DisjointFrom: lower, MaxHops: 2}, 4, "max_hops", "has at most 2 switches; ask for 3 or more"},
	} {
		for _, deadline := range []Seconds{0, w.now + 500} {
			r := ask(1, 1, 3, 3, x.rate, 100)
			r.Constraints, r.Deadline = x.c, deadline
			_, err := w.a.Create(bg, r)
			if e, ok := errors.AsType[*Error](err); !ok || e.Kind != Conflict || e.Field != x.field || !strings.Contains(err.Error(), x.text) {
				t.Errorf("%+v by %d: %v", x.c, deadline, err)
			}
		}
	}
}

// TestConstraintThatIsNotMetAfterARestart: what runs moves to a path that meets
// its constraints where its own does not any more, as another configuration may
// have it, and stays and says so where there is none.
func TestConstraintThatIsNotMetAfterARestart(t *testing.T) {
	for most, want := range map[time.Duration]struct {
		path   []int
		reason string
	}{
		8 * time.Millisecond: {[]int{1, 4, 3}, ""}, // which takes 7 ms
		5 * time.Millisecond: {[]int{1, 2, 3}, "does not meet max_latency until there is another path"},
	} {
		w, r := quad(t)
		r.MaxLatency = most
		v := w.create(r)
		w.work()
		w.lead(v.Path.Links()[1], 1, 30*time.Millisecond)
		w.open()
		w.a.Settled()
		w.work()
		if got := w.expect(v.ID, Active, v.Window); got.Reason != want.reason || !slices.Equal(via(got.Path), want.path) {
			t.Errorf("within %s: %+v", most, got)
		}
	}
}

// TestDisjointFromWhatIsBeingChanged: the path that counts is the one that an
// allocation is about to have, and what is about to be released has none.
func TestDisjointFromWhatIsBeingChanged(t *testing.T) {
	for name, x := range map[string]struct {
		during func(w *world, id string) error
		want   []int
	}{
		"moved": {func(w *world, id string) error {
			_, err := w.a.Update(bg, id, 0, Change{Avoid: new(Elements("0000000000000002"))})
			return err
		}, []int{1, 2, 3}},
		"renewed": {func(w *world, id string) error {
			_, err := w.a.Update(bg, id, 0, Change{Lease: new(Seconds(60))})
			return err
		}, []int{1, 4, 3}},
		"released": {func(w *world, id string) error { return w.a.Release(bg, id, 0) }, []int{1, 2, 3}},
	} {
		w, r := quad(t)
		first := w.create(r).ID
		w.work()
		follower := ask(1, 2, 3, 2, 2, 100)
		follower.DisjointFrom = first
		var got Allocation
		w.store.before = func() { got = w.create(follower) }
		if err := x.during(w, first); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(via(got.Path), x.want) {
			t.Errorf("%s: on %v, want %v", name, via(got.Path), x.want)
		}
		w.work()
		w.checkIndexes()
	}
}

// TestNoPathIsDisjoint: a request to be disjoint from what has the only way
// says so, by its ID.
func TestNoPathIsDisjoint(t *testing.T) {
	w, _ := pair(t)
	other := w.create(ask(1, 2, 2, 2, 1, 1000)).ID
	r := ask(1, 1, 2, 1, 1, 100)
	r.DisjointFrom = other
	_, err := w.a.Create(bg, r)
	if e := refused(t, err, Conflict, "disjoint_from"); !strings.Contains(e.Error(), "shares no link with that of allocation "+other+"; name another one, or none") {
		t.Error(e)
	}
}

// TestLimitsOfWhatIsProtected: the limit that is offered is enough for the
// backup, too; where there can be none, that is what is said.
func TestLimitsOfWhatIsProtected(t *testing.T) {
	w := newWorld(t, 6, 100)
	for _, x := range [][2]openflow.DPID{{1, 2}, {2, 4}, {1, 3}, {3, 5}, {5, 4}, {1, 6}} {
		w.lead(w.cable(x[0], x[1], 10), 1, 2*time.Millisecond)
	}
	w.open()
	for _, x := range []struct {
		to             int
		asked, offered Constraints // the zero value: none
		text           string
	}{
		{4, Constraints{MaxHops: 1}, Constraints{MaxHops: 4}, "max_hops: no path from 10.0.1.1 to 10.0.4.1 has at most 1 switches; ask for 4 or more"},
		{4, Constraints{MaxLatency: 1}, Constraints{MaxLatency: 6 * time.Millisecond}, "ask for 6000 us or more"},
		{6, Constraints{MaxHops: 1, Avoid: "0000000000000002"}, Constraints{}, "protection: no two paths from 10.0.1.1 to 10.0.6.1"},
		{6, Constraints{Avoid: "0000000000000006"}, Constraints{}, "protection: no two paths from 10.0.1.1 to 10.0.6.1"},
	} {
		r := ask(1, 1, x.to, 1, 4, 100)
		r.Protected, r.Constraints = true, x.asked
		_, err := w.a.Create(bg, r)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Kind != Conflict || !strings.Contains(err.Error(), x.text) {
			t.Errorf("%+v: %v, want %q", x.asked, err, x.text)
			continue
		}
		if got := len(e.Alternatives) > 0; got != (x.offered != Constraints{}) || got && e.Alternatives[0].Constraints != x.offered {
			t.Errorf("%+v: offered %+v, want %+v", x.asked, e.Alternatives, x.offered)
		}
	}
}

// TestLeastLimits: where no path meets the limits, the least ones that a path
// meets are offered, both where neither alone is enough, with as much as there
// is room for; to a series and to a scavenger, too.
func TestLeastLimits(t *testing.T) {
	w, r := quad(t)
	for _, x := range []struct {
		change  func(*Request)
		offered func(*Request)
	}{
		{func(r *Request) { r.MaxHops, r.MaxLatency = 1, time.Millisecond }, func(r *Request) { r.MaxHops, r.MaxLatency = 3, 3*time.Millisecond }},
		{func(r *Request) { r.MaxHops, r.Bandwidth = 1, 11 }, func(r *Request) { r.MaxHops, r.Bandwidth = 3, 10 }},
		{func(r *Request) { r.MaxHops, r.Volume, r.Bandwidth, r.Duration = 1, 100, 0, 0 }, func(r *Request) { r.MaxHops, r.Volume, r.Bandwidth, r.Duration = 3, 100, 0, 0 }},
		{func(r *Request) { *r = scavenger(1, 1, 3, 3, 0, 0, 100); r.MaxHops = 2 }, func(r *Request) { *r = scavenger(1, 1, 3, 3, 0, 0, 100); r.MaxHops = 3 }},
	} {
		asked, want := r, r
		x.change(&asked)
		x.offered(&want)
		_, err := w.a.Create(bg, asked)
		if e := refused(t, err, Conflict, "max_hops"); len(e.Alternatives) == 0 || e.Alternatives[0].Constraints != want.Constraints || e.Alternatives[0].Bandwidth != want.Bandwidth {
			t.Errorf("%+v: offered %+v, want %+v", asked, e.Alternatives, want)
		}
	}
	r.MaxHops, r.StartTime, r.Recurrence = 1, w.now+100, Recurrence{Rule: "FREQ=DAILY;COUNT=2"}
	_, err := w.a.CreateSeries(bg, r)
	if e := refused(t, err, Conflict, "max_hops"); len(e.Alternatives) != 1 || e.Alternatives[0].MaxHops != 3 {
		t.Errorf("a series: %+v", e.Alternatives)
	}
}

// TestUnknownLatency: where no latency is known, a path without max_latency is
// no alternative: it might take any time.
func TestUnknownLatency(t *testing.T) {
	w, _ := pair(t)
	r := ask(1, 1, 2, 1, 3, 50)
	r.MaxLatency = 5 * time.Millisecond
	_, err := w.a.Create(bg, r)
	if e := refused(t, err, Conflict, "max_latency"); len(e.Alternatives) != 0 {
		t.Errorf("offered %+v", e.Alternatives)
	}
	r.MaxHops = 1
	_, err = w.a.Create(bg, r)
	if e := refused(t, err, Conflict, "max_hops"); len(e.Alternatives) != 0 {
		t.Errorf("offered %+v beside too many switches", e.Alternatives)
	}
}
