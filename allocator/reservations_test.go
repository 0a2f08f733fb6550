package allocator

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/topology"
	"conga/openflow"
)

// TestWithoutAgainstPaper compares what a reservation frees when others take
// over with what it holds and they do not, second by second.
func TestWithoutAgainstPaper(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) reservation[int] {
			start := secondsRange(0, 20).Draw(t, label)
			return reservation[int]{
				rapid.IntRange(1, 2).Draw(t, label+" on"), Window{start, start + secondsRange(1, 12).Draw(t, label+" length")},
				bitrate.Rate(rapid.IntRange(1, 2).Draw(t, label+" rate")),
			}
		}
		x := draw("old")
		var others []reservation[int]
		for range rapid.IntRange(0, 3).Draw(t, "others") {
			o := draw("new")
			if slices.ContainsFunc(others, func(p reservation[int]) bool { return p.on == o.on && p.window.Overlaps(o.window) }) {
				continue // an allocation holds nothing twice
			}
			others = append(others, o)
		}
		if rapid.Bool().Draw(t, "stays") {
			others = []reservation[int]{x}
		}
		rest, some := x.without(others, rapid.IntRange(0, 3).Draw(t, "like"))
		var freed []Seconds
		for at := x.window.Start; at < x.window.End; at++ {
			if !slices.ContainsFunc(others, func(o reservation[int]) bool { return o.on == x.on && o.rate >= x.rate && o.window.Contains(at) }) {
				freed = append(freed, at)
			}
		}
		if some != (len(freed) > 0) {
			t.Fatalf("%+v without %+v leaves %v, %v; %v is freed", x, others, rest, some, freed)
		}
		// It may be more than what is freed, but begins and ends with that
		// where one other takes over.
		for _, at := range freed {
			if !rest.Contains(at) {
				t.Fatalf("%+v without %+v leaves %v, not %d", x, others, rest, at)
			}
		}
		if some && len(others) <= 1 && rest != (Window{freed[0], freed[len(freed)-1] + 1}) {
			t.Fatalf("%+v without %+v leaves %v, not what is from %d to %d", x, others, rest, freed[0], freed[len(freed)-1])
		}
	})
}

// TestChangedProjectCountsInBoth: while a change of the project is being saved
// each of the two counts the allocation, and afterwards only the new one.
func TestChangedProjectCountsInBoth(t *testing.T) {
	w, _ := pair(t)
	w.cfg.Limits = func(string) Limits { return Limits{Active: new(1)} }
	w.open()
	v := w.create(ask(1, 1, 2, 1, 1, 60))
	w.store.hold = make(chan struct{})
	done := make(chan error)
	go func() {
		_, err := w.a.Update(bg, v.ID, 0, Change{ProjectID: new("q")})
		done <- err
	}()
	for busy := false; !busy; {
		w.a.mu.Lock()
		busy = w.a.moved(v.ID)
		w.a.mu.Unlock()
	}
	for _, project := range []string{"p", "q"} {
		r := ask(1, 2, 2, 2, 1, 60)
		r.ProjectID = project
		_, err := w.a.Create(bg, r)
		refused(t, err, Denied, "project_id")
	}
	close(w.store.hold)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.create(ask(1, 2, 2, 2, 1, 60))
	r := ask(1, 3, 2, 3, 1, 60)
	r.ProjectID = "q"
	_, err := w.a.Create(bg, r)
	refused(t, err, Denied, "project_id")
	w.checkCalendars()
}

// moved reports whether a change of the allocation is being saved.
func (a *Allocator) moved(id string) bool {
	it := a.findLocked(id)
	return it != nil && it.busy != nil
}

// TestConditionOfACable takes a cable and an access link through all that may
// befall them.
func TestConditionOfACable(t *testing.T) {
	w, trunk := pair(t)
	access := topology.LinkID{To: topology.PortID{DPID: 1, Port: 1}}
	port := func(at topology.PortID, f func(*topology.Port)) func(*topology.Snapshot) {
		return func(s *topology.Snapshot) {
			p := s.Switches[at.DPID].Ports[at.Port]
			f(&p)
			s.Switches[at.DPID].Ports[at.Port] = p
		}
	}
	down := func(p *topology.Port) { p.Up = false }
	half := func(from topology.PortID) func(*topology.Snapshot) {
		return func(s *topology.Snapshot) { delete(s.Links, from) }
	}
	gone := func(at topology.PortID) func(*topology.Snapshot) {
		return func(s *topology.Snapshot) { delete(s.Switches[at.DPID].Ports, at.Port) }
	}
	whole := *w.snap
	for _, tc := range []struct {
		name          string
		change        func(*topology.Snapshot)
		trunk, access condition
	}{
		{"as it was", func(*topology.Snapshot) {}, sound, sound},
		{"the first switch is away", connected(1, false), hidden, hidden},
		{"the second switch is away", connected(2, false), hidden, sound},
		{"the first switch is not known", unmet(1), strange, strange},
		{"the second switch is not known", unmet(2), strange, sound},
		{"one is away, one not known", func(s *topology.Snapshot) { connected(1, false)(s); unmet(2)(s) }, hidden, hidden},
		{"a trunk is down", port(trunk.To, down), severed, sound},
		{"a trunk is gone", gone(trunk.From), severed, sound},
		{"a trunk is down behind a switch that is away", func(s *topology.Snapshot) { port(trunk.To, down)(s); connected(1, false)(s) }, severed, hidden},
		{"one direction is gone", half(trunk.From), severed, sound},
		{"the other direction is gone", half(trunk.To), severed, sound},
		{"the edge port is down", port(access.To, down), sound, severed},
		{"the edge port is gone", gone(access.To), sound, severed},
		{"the edge port is a trunk", port(access.To, func(p *topology.Port) { p.Role = topology.Trunk }), sound, severed},
		{"the edge port is undetermined", port(access.To, func(p *topology.Port) { p.Role = 0 }), sound, sound},
	} {
		w.snap = &whole
		w.change(tc.change)
		if got := examine(w.snap, cableOf(trunk)); got != tc.trunk {
			t.Errorf("%s: the trunk is %d, want %d", tc.name, got, tc.trunk)
		}
		if got := examine(w.snap, access); got != tc.access {
			t.Errorf("%s: the access link is %d, want %d", tc.name, got, tc.access)
		}
	}
}

// TestManyObstacles: beyond so many, any link is taken for an obstacle, and a
// link that is named again does not count twice.
func TestManyObstacles(t *testing.T) {
	var o obstacles
	link := func(i int) topology.LinkID {
		return topology.LinkID{From: topology.PortID{DPID: openflow.DPID(i + 1), Port: 1}, To: topology.PortID{DPID: openflow.DPID(i + 2), Port: 2}}
	}
	for range 2 {
		for i := range maxObstacles {
			o.link(link(i))
			o.link(link(i).Reverse())
		}
	}
	if o.many || len(o.links) != maxObstacles {
		t.Fatalf("%d links are %d obstacles, many: %v", maxObstacles, len(o.links), o.many)
	}
	o.link(link(maxObstacles))
	o.link(link(maxObstacles + 1))
	if !o.many || len(o.links) != 0 {
		t.Errorf("%d links are %d obstacles, many: %v", maxObstacles+2, len(o.links), o.many)
	}
}

// TestFreeBesideOneself compares what a link has left for an allocation that
// holds some of it already, at changing rates, with the seconds added up.
func TestFreeBesideOneself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const end, capacity = 40, 100
		l := topology.Link{ID: topology.LinkID{From: topology.PortID{DPID: 2, Port: 1}, To: topology.PortID{DPID: 1, Port: 1}}, Capacity: capacity}
		books := newCalendars()
		var others [end]bitrate.Rate
		pl := planner{share: wholeShare, calendars: &books}
		for range rapid.IntRange(0, 6).Draw(t, "others") {
			start := secondsRange(0, 20).Draw(t, "start")
			x := reservation[lane]{drawLane(t, l.ID), Window{start, start + secondsRange(1, 15).Draw(t, "length")}, bitrate.Rate(rapid.IntRange(1, 9).Draw(t, "rate"))}
			books.links.add(x)
			for at := x.window.Start; at < x.window.End && x.on.covers(l.ID); at++ {
				others[at] += x.rate
			}
		}
		for at := Seconds(0); at < 25; {
			at += secondsRange(0, 9).Draw(t, "gap")
			x := reservation[lane]{drawLane(t, l.ID), Window{at, at + secondsRange(1, 9).Draw(t, "own length")}, bitrate.Rate(rapid.IntRange(1, 9).Draw(t, "own rate"))}
			if rapid.IntRange(0, 3).Draw(t, "elsewhere") == 0 {
				x.on.id.To.Port++
			}
			pl.own, at = append(pl.own, x), x.window.End
			books.links.add(x)
		}
		for range 5 {
			start := secondsRange(0, 30).Draw(t, "from")
			w := Window{start, start + secondsRange(1, 9).Draw(t, "for")}
			if got, want := pl.free(l, w), capacity-slices.Max(others[w.Start:w.End]); got != want {
				t.Fatalf("%d are free during %v, want %d", got, w, want)
			}
		}
	})
}

// drawLane returns a link's cable, or one of its directions.
func drawLane(t *rapid.T, id topology.LinkID) lane {
	return rapid.SampledFrom([]lane{{id: cableOf(id)}, {id, true}, {id.Reverse(), true}}).Draw(t, "lane")
}

func TestClockOfAnyTime(t *testing.T) {
	for at, want := range map[Seconds]string{0: "1970-01-01T00:00:00Z", 1_000_000: "1970-01-12T13:46:40Z", never: "the end of time"} {
		if got := clock(at); got != want {
			t.Errorf("%d is %q, want %q", at, got, want)
		}
	}
	if got := (&Error{Field: "lease", Err: errUnread}).Error() + (&Error{Err: errUnread}).Error(); got != "lease: "+errUnread.Error()+errUnread.Error() {
		t.Errorf("errors are %q", got)
	}
}
