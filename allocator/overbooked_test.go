package allocator

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// narrow has a cable carry another rate.
func narrow(id topology.LinkID, c bitrate.Rate) func(*topology.Snapshot) {
	return mend(id, c)
}

// When a link carries less than is reserved, what was asked for first keeps its
// rate; the rest moves, waits or goes on as best effort with a reason, and its
// users hear of it.
func TestLessThanIsReserved(t *testing.T) {
	w, direct, around := ring(t)
	news := map[string]string{}
	w.cfg.Notify = func(v Allocation, _ bool) { news[v.ID] = v.Reason }
	w.open()
	w.a.Settled()
	first := w.create(ask(1, 1, 2, 1, 5, 1000)).ID
	second := w.create(ask(1, 2, 2, 2, 4, 1000)).ID
	w.work()
	third := w.create(ask(1, 3, 2, 3, 9, 1000)).ID // around
	fixed := ask(1, 3, 2, 1, 10, 100)
	fixed.StartTime = w.now + 2000
	later := w.create(fixed).ID
	w.work()
	w.change(narrow(direct, 6))
	w.work()
	w.expect(first, Active, span(0, 1000))
	w.expect(third, Active, span(0, 1000))
	got := w.expect(second, Pending, span(0, 1000))
	if len(got.Path) != 0 || !strings.HasPrefix(got.Reason, "degraded to best effort: link "+direct.String()+" carries 6 for allocations") {
		t.Errorf("%+v", got)
	}
	if news[second] != got.Reason {
		t.Errorf("its event says %q", news[second])
	}
	if got := w.expect(later, Pending, span(2000, 2100)); len(got.Path) != 3 { // moved to where there is room
		t.Errorf("%+v", got)
	}
	w.change(narrow(around, 6))
	w.work()
	if got := w.expect(later, Pending, Window{}); !strings.HasPrefix(got.Reason, "degraded to best effort: link "+around.String()) {
		t.Errorf("%+v", got)
	}
	w.expect(third, Pending, span(0, 1000))
	w.change(narrow(direct, 10)) // and back
	w.work()
	if got := w.expect(second, Active, span(0, 1000)); got.Reason != "" {
		t.Errorf("%+v", got)
	}
	if got := w.expect(later, Pending, span(2000, 2100)); len(got.Path) != 2 || !strings.HasPrefix(got.Reason, "waits for its start") {
		t.Errorf("%+v", got)
	}
	w.checkPromises()
}

// checkPromises fails if more is reserved of a cable than it carries.
func (w *world) checkPromises() {
	w.Helper()
	for _, c := range w.a.cables.byID {
		limits, ok := w.a.limitsLocked(c.id)
		for i, id := range [...]topology.LinkID{c.id, c.id.Reverse()} {
			if ok && w.a.calendars.links.peak(id, Window{w.now, never}) > limits[i] {
				w.Fatalf("more than %d is reserved of %s", limits[i], id)
			}
		}
	}
}

// What is planned for as early as it fits moves to a later window, and does not
// become active on less than its rate.
func TestPlannedMovesToLaterWindow(t *testing.T) {
	w, trunk := pair(t)
	w.create(ask(1, 1, 2, 1, 5, 100))
	early := w.create(ask(1, 2, 2, 2, 5, 100))
	w.expect(early.ID, Pending, span(0, 100))
	w.change(narrow(trunk, 8))
	w.work()
	w.expect("id1", Active, span(0, 100))
	w.expect(early.ID, Pending, span(100, 200))
	w.pass(100)
	w.expect(early.ID, Active, span(100, 200))
	w.checkPromises()
}

// The daemon may be started with another capacity or share, and a switch may
// come back with slower ports.
func TestLessAfterRestart(t *testing.T) {
	for name, change := range map[string]func(*world, topology.LinkID){
		"share":    func(w *world, _ topology.LinkID) { w.cfg.Reservable = 0.5; w.open() },
		"capacity": func(w *world, trunk topology.LinkID) { w.quiet = true; w.change(narrow(trunk, 5)); w.open() },
		"return": func(w *world, trunk topology.LinkID) {
			before := w.snap
			w.quiet = true
			w.change(unmet(2))
			w.open()
			w.work()
			w.quiet = false
			w.change(func(s *topology.Snapshot) {
				met(before)(s)
				narrow(trunk, 5)(s)
			})
		},
		"access": func(w *world, _ topology.LinkID) {
			w.change(func(s *topology.Snapshot) {
				for h := range 3 {
					at := topology.PortID{DPID: 1, Port: 1}
					p := s.Switches[1].Ports[at.Port]
					p.Capacity = 5
					s.Switches[1].Ports[at.Port] = p
					_ = h
				}
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, trunk := pair(t)
			w.failer = t
			w.create(ask(1, 1, 2, 1, 4, 1000))
			r := ask(1, 1, 2, 2, 6, 500)
			r.StartTime = w.now + 200
			w.create(r)
			w.work()
			change(w, trunk)
			w.work()
			w.expect("id1", Active, span(0, 1000))
			if got := w.expect("id2", Pending, Window{}); !strings.Contains(got.Reason, "carries 5") {
				t.Errorf("%+v", got)
			}
			w.pass(201)
			w.expect("id2", Pending, Window{})
			w.checkPromises()
		})
	}
}

// A smaller request is always allowed, also where the link is short of what is
// reserved or the path is lost.
func TestSmallerIsAlwaysAllowed(t *testing.T) {
	w, trunk := pair(t)
	w.create(ask(1, 1, 2, 1, 6, 1000))
	w.create(ask(1, 2, 2, 2, 4, 1000))
	r := ask(1, 3, 2, 3, 4, 500)
	r.StartTime = w.now + 2000
	w.create(r)
	w.work()
	w.quiet = true // it is not planned anew yet
	w.change(narrow(trunk, 3))
	for _, c := range []struct {
		id     string
		change Change
	}{
		{"id1", Change{Bandwidth: new(bitrate.Rate(5))}},
		{"id1", Change{Duration: new(Seconds(900))}},
		{"id2", Change{Bandwidth: new(bitrate.Rate(3)), Duration: new(Seconds(800))}},
		{"id3", Change{Bandwidth: new(bitrate.Rate(0))}},
	} {
		if _, err := w.a.Update(bg, c.id, 0, c.change); err != nil {
			t.Errorf("%s: %v", c.id, err)
		}
	}
	for _, c := range []Change{{Bandwidth: new(bitrate.Rate(6))}, {Duration: new(Seconds(1100))}, {Bandwidth: new(bitrate.Rate(4)), Duration: new(Seconds(1100))}} {
		if _, err := w.a.Update(bg, "id1", 0, c); refused(t, err, Conflict, "bandwidth") == nil {
			t.Error("more was admitted where less is there")
		}
	}
	w.work()
	w.expect("id1", Pending, span(0, 900)) // without a path
	if _, err := w.a.Update(bg, "id1", 0, Change{Bandwidth: new(bitrate.Rate(4))}); err != nil {
		t.Error(err)
	}
	w.work()
	w.expect("id1", Pending, span(0, 900))
	w.expect("id2", Active, span(0, 800))
	if got := w.get("id2"); got.Bandwidth != 3 || got.Reason != "" {
		t.Errorf("%+v", got)
	}
	w.change(cut(trunk))
	if _, err := w.a.Update(bg, "id2", 0, Change{Bandwidth: new(bitrate.Rate(2))}); err != nil {
		t.Error(err)
	}
	w.checkPromises()
}

// A link that comes to carry less while an allocation, or a change of one, is
// being saved does not carry more than it can afterwards.
func TestLinkCarriesLessDuringACommit(t *testing.T) {
	for name, during := range map[string]func(w *world, first string){
		"creation": func(w *world, _ string) { w.create(ask(1, 2, 2, 2, 4, 1000)) },
		"change": func(w *world, first string) {
			more := bitrate.Rate(9)
			if _, err := w.a.Update(context.Background(), first, 0, Change{Bandwidth: &more}); err != nil {
				w.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, trunk := pair(t)
			first := w.create(ask(1, 1, 2, 1, 5, 1000)).ID
			w.work()
			w.store.before = func() { w.change(narrow(trunk, 6)) }
			during(w, first)
			w.work()
			w.checkPromises()
		})
	}
}

// What has grown asked when it grew: a little that is asked for early keeps no
// place for much. What shrinks keeps its place, as does what is renewed or
// changes its ports. A restart forgets none of it.
func TestOrderOfAsking(t *testing.T) {
	start := Seconds(1_000_010)
	for name, tc := range map[string]struct {
		rate   bitrate.Rate // that the first asks for at first; the second 4
		change Change
		keeps  string
	}{
		"left alone":   {4, Change{}, "id1"},
		"more":         {1, Change{Bandwidth: new(bitrate.Rate(4))}, "id2"},
		"longer":       {4, Change{Duration: new(Seconds(1500))}, "id2"},
		"later":        {4, Change{StartTime: new(start)}, "id2"},
		"not before":   {4, Change{Earliest: new(start)}, "id2"},
		"elsewhere":    {4, Change{Key: new(key(host(1, 3), host(2, 1)))}, "id2"},
		"less":         {5, Change{Bandwidth: new(bitrate.Rate(4))}, "id1"},
		"shorter":      {4, Change{Duration: new(Seconds(900))}, "id1"},
		"renewed":      {4, Change{Lease: new(Seconds(500))}, "id1"},
		"another port": {4, Change{Key: new(of("p", 0, path.ProtoUDP, 0, 9).Key)}, "id1"},
		"swapped":      {4, Change{Key: new(key(host(2, 1), host(1, 1)))}, "id1"},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restart %t", name, restart), func(t *testing.T) {
				w, trunk := pair(t)
				w.create(ask(1, 1, 2, 1, tc.rate, 1000))
				w.create(ask(1, 2, 2, 2, 4, 1000))
				if _, err := w.a.Update(bg, "id1", 0, tc.change); err != nil {
					t.Fatal(err)
				}
				w.pass(11)
				if a, b := w.get("id1"), w.get("id2"); a.State != Active || b.State != Active {
					t.Fatalf("%+v, %+v", a, b)
				}
				if restart {
					w.open()
					w.create(ask(1, 3, 2, 3, 1, 1000)) // has a number of its own
					w.work()
				}
				w.change(narrow(trunk, 5))
				w.work()
				for _, id := range []string{"id1", "id2"} {
					want := Pending
					if id == tc.keeps {
						want = Active
					}
					if v := w.get(id); v.State != want {
						t.Errorf("%s is %s: %s", id, v.State, v.Reason)
					}
				}
				w.checkPromises()
			})
		}
	}
}

// What is led to other links by a change, or is to be held on others as well,
// is there after those that have them already.
func TestOrderOnOtherLinks(t *testing.T) {
	for name, c := range map[string]Change{
		"included":  {Include: new(Elements("0000000000000003"))},
		"avoided":   {Avoid: new(Elements("0000000000000001:100-0000000000000002:101"))},
		"protected": {Protected: new(true)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3, 100)
			w.cable(1, 2, 10)
			around := w.cable(1, 3, 10)
			w.cable(3, 2, 10)
			w.open()
			w.create(ask(1, 1, 2, 1, 4, 1000))
			second := ask(1, 2, 2, 2, 4, 1000)
			second.Include = "0000000000000003"
			w.create(second)
			w.work()
			w.update("id1", c)
			w.work()
			w.change(narrow(around, 5))
			w.work()
			if first, second := w.get("id1"), w.get("id2"); second.State != Active || second.Reason != "" || first.Reason == "" && len(first.Backup) > 0 {
				t.Errorf("the second one is %s, %q; the first one has %v and %v", second.State, second.Reason, first.Path, first.Backup)
			}
			w.checkPromises()
		})
	}
}

// A reason survives a restart, and one that does not fit alone is told so.
func TestReasonOfLessThanIsReserved(t *testing.T) {
	w, trunk := pair(t)
	w.create(ask(1, 1, 2, 1, 6, 1000))
	w.create(ask(1, 2, 2, 2, 4, 1000))
	w.work()
	w.change(narrow(trunk, 5))
	w.work()
	w.expect("id1", Pending, span(0, 1000))
	w.expect("id2", Active, span(0, 1000))
	alone := "degraded to best effort: link " + trunk.String() + " carries 5 for allocations now, which is less than the 6 asked for; ask for at most that; "
	if got := w.get("id1").Reason; !strings.HasPrefix(got, alone) {
		t.Errorf("%q, want %q", got, alone)
	}
	w.change(narrow(trunk, 7))
	w.work()
	beside := "degraded to best effort: link " + trunk.String() + " carries 7 for allocations now, and those that were asked for first and fit keep theirs; "
	for restarts := range 3 {
		if restarts > 0 {
			w.open()
			w.work()
		}
		if got := w.expect("id1", Pending, span(0, 1000)); !strings.HasPrefix(got.Reason, beside) {
			t.Errorf("after %d restarts %q, want %q", restarts, got.Reason, beside)
		}
	}
	w.change(narrow(trunk, 10))
	w.work()
	if got := w.expect("id1", Active, span(0, 1000)); got.Reason != "" {
		t.Errorf("%+v", got)
	}
}

// TestNarrowedWhileItIsSaved: what is planned over a cable that comes to carry
// less while that is being saved is moved, as if it had been there before.
func TestNarrowedWhileItIsSaved(t *testing.T) {
	w, direct, _ := ring(t)
	first := w.create(ask(1, 1, 2, 1, 5, 1000)).ID
	w.work()
	w.store.before = func() { w.change(narrow(direct, 6)) }
	second := w.create(ask(1, 2, 2, 2, 4, 1000))
	if len(second.Path) != 2 {
		t.Fatalf("planned over %v", second.Path)
	}
	w.work()
	w.expect(first, Active, span(0, 1000))
	if got := w.expect(second.ID, Active, span(0, 1000)); len(got.Path) != 3 {
		t.Errorf("it goes over %v", got.Path)
	}
	w.checkPromises()
}

// TestOverbookedIsNotInstalled: what no longer fits is not handed out, also
// before another path was looked for.
func TestOverbookedIsNotInstalled(t *testing.T) {
	w, trunk := pair(t)
	w.a.Settled()
	first, second := w.create(fixed(w, 1, 6, 50, 100)).ID, w.create(fixed(w, 2, 4, 50, 100)).ID
	w.work()
	w.change(narrow(trunk, 6))
	w.now += 50
	words, tasks := w.dueNow()
	if words != first+" 1@6 " {
		t.Fatalf("due: %s", words)
	}
	if err := w.a.Installed(tasks[first]); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.expect(first, Active, span(50, 100))
	if got := w.get(second); got.State != Pending || !strings.HasPrefix(got.Reason, narrowed) {
		t.Errorf("%+v", got)
	}
}
