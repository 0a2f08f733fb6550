package allocator

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"conga/allocator/store"
	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// square returns two ways between switches 1 and 4, over 2 and over 3: the
// cables of the first one, then those of the second.
func square(tb testing.TB) (*world, [4]topology.LinkID) {
	w := newWorld(tb, 4, 100)
	cables := [4]topology.LinkID{w.cable(1, 2, 10), w.cable(2, 4, 10), w.cable(1, 3, 10), w.cable(3, 4, 10)}
	w.open()
	return w, cables
}

// over returns the switch between the ends of a path over the square.
func over(p path.Path) openflow.DPID {
	if len(p) != 3 {
		return 0
	}
	return p[1].DPID
}

func (w *world) maintain(e path.Element, win Window) (Maintenance, []Outcome) {
	w.Helper()
	rehearsed, first, err := w.a.Maintain(bg, Maintenance{Element: e, Window: win}, true)
	if err != nil || rehearsed.ID != "" {
		w.Fatalf("rehearsal %+v: %v", rehearsed, err)
	}
	m, outcomes, err := w.a.Maintain(bg, Maintenance{Element: e, Window: win}, false)
	if err != nil {
		w.Fatal(err)
	}
	if !slices.EqualFunc(first, outcomes, sameOutcome) {
		w.Fatalf("rehearsed %+v, came to %+v", first, outcomes)
	}
	return m, outcomes
}

func sameOutcome(a, b Outcome) bool {
	return a.Allocation.ID == b.Allocation.ID && a.Fate == b.Fate && a.Window == b.Window && a.Path.Equal(b.Path) && a.Reason == b.Reason &&
		slices.EqualFunc(a.Moves, b.Moves, func(a, b Move) bool { return a.At == b.At && a.Path.Equal(b.Path) })
}

func ofSwitch(d openflow.DPID) path.Element { return path.Element{Switch: d} }

func ofLink(id topology.LinkID) path.Element { return path.Element{Cable: id.Cable()} }

// TestMaintenanceMovesWhatIsActive: an allocation leaves a switch before it is
// under maintenance, keeps the room for that from others, and stays where it is
// then.
func TestMaintenanceMovesWhatIsActive(t *testing.T) {
	for _, rate := range []int{0, 6} {
		w, _ := square(t)
		v := w.create(ask(1, 1, 4, 1, bitrateOf(rate), 1000))
		w.work()
		was := over(w.get(v.ID).Path)
		_, outcomes := w.maintain(ofSwitch(was), span(500, 600))
		if len(outcomes) != 1 || outcomes[0].Fate != FateMoves || len(outcomes[0].Moves) != 1 || outcomes[0].Moves[0].At != w.now+440 || over(outcomes[0].Moves[0].Path) != 5-was {
			t.Fatalf("outcomes %+v", outcomes)
		}
		w.checkCalendars()
		if text := w.get(v.ID).Reason; !strings.Contains(text, "moves to another path at 1970-01-12T13:54:00Z") {
			t.Errorf("reason %q", text)
		}
		if rate > 0 { // its new path is held from the moment on at which it moves
			r := ask(1, 2, 4, 2, 5, 100)
			r.StartTime = w.now + 400
			_, err := w.a.Create(bg, r)
			refused(t, err, Conflict, "bandwidth")
		}
		w.now += 439
		w.work()
		if at := over(w.get(v.ID).Path); at != was {
			t.Errorf("it is over %v a second before it moves", at)
		}
		w.pass(1)
		if got := w.expect(v.ID, Active, span(0, 1000)); over(got.Path) != 5-was {
			t.Errorf("it is over %v then", got.Path)
		}
		w.now += 300
		w.work()
		if got := w.expect(v.ID, Active, span(0, 1000)); over(got.Path) != 5-was || got.Reason != "" {
			t.Errorf("it is over %v, %q in the end", got.Path, got.Reason)
		}
		w.checkCalendars()
		w.checkIndexes()
	}
}

// TestMaintenanceMovesWhatIsPlanned: what has not begun has another path at
// once, or another window if none was asked for, or stays and says so.
func TestMaintenanceMovesWhatIsPlanned(t *testing.T) {
	w, cables := square(t)
	at := func(start, length Seconds, from, to, rate int) Allocation {
		r := ask(1, from, 4, to, bitrateOf(rate), length)
		r.StartTime = w.now + start
		return w.create(r)
	}
	moves, stays := at(100, 50, 1, 1, 8), at(100, 50, 2, 2, 8)
	long := w.create(ask(1, 3, 4, 3, 9, 100)) // begins after both
	w.expect(long.ID, Pending, span(0, 100))
	if over(moves.Path) == over(stays.Path) {
		t.Fatalf("both are over %v", moves.Path)
	}
	_, outcomes := w.maintain(ofSwitch(over(moves.Path)), span(10, 120))
	fates := map[string]Fate{}
	for _, o := range outcomes {
		fates[o.Allocation.ID] = o.Fate
	}
	if fates[moves.ID] != FateStays || len(fates) < 1 {
		t.Errorf("fates %v", fates)
	}
	if text := w.get(moves.ID).Reason; !strings.Contains(text, "stays on its path although switch") {
		t.Errorf("reason %q", text)
	}
	if over(w.get(moves.ID).Path) != over(moves.Path) || over(w.get(stays.ID).Path) != over(stays.Path) {
		t.Error("what has no other way has left its path")
	}
	if err := w.remove(stays.ID); err != nil { // it makes room
		t.Fatal(err)
	}
	w.plan()
	if got := w.get(moves.ID); over(got.Path) != over(stays.Path) {
		t.Errorf("it is over %v, %q", got.Path, got.Reason)
	}
	w.checkCalendars()
	_ = cables
}

// TestMaintenanceIsAvoided: what is asked for later goes around it, begins
// later, or is refused with its name.
func TestMaintenanceIsAvoided(t *testing.T) {
	for _, rate := range []int{0, 3} {
		w, cables := square(t)
		w.maintain(ofLink(cables[1]), span(50, 150))
		r := ask(1, 1, 4, 1, bitrateOf(rate), 50)
		r.StartTime = w.now + 100
		if v := w.create(r); over(v.Path) != 3 {
			t.Errorf("planned over %v", v.Path)
		}
		m, _ := w.maintain(ofSwitch(4), span(60, 160)) // with its hosts
		r.Key = key(host(1, 2), host(4, 2))
		_, err := w.a.Create(bg, r)
		if e := refusedAs(err); e != Conflict || !strings.Contains(err.Error(), "is under maintenance from 1970-01-12T13:47:30Z to 1970-01-12T13:49:20Z") {
			t.Errorf("refused with %v", err)
		}
		r.StartTime, r.Duration = 0, 70
		v := w.create(r)
		w.expect(v.ID, Pending, span(160, 230))
		if text := w.get(v.ID).Reason; !strings.Contains(text, "is under maintenance") {
			t.Errorf("reason %q", text)
		}
		if _, err := w.a.EndMaintenance(bg, m.ID); err != nil {
			t.Fatal(err)
		}
		w.plan()
		w.expect(v.ID, Pending, span(0, 70))
		w.checkCalendars()
		w.checkIndexes()
	}
}

// TestMaintenanceOneAfterTheOther: where switches are under maintenance one
// after the other, an allocation moves from one to the other.
func TestMaintenanceOneAfterTheOther(t *testing.T) {
	w, _ := square(t)
	v := w.create(ask(1, 1, 4, 1, 6, 5000))
	w.work()
	first := over(w.get(v.ID).Path)
	w.maintain(ofSwitch(first), span(1000, 2000))
	_, outcomes := w.maintain(ofSwitch(5-first), span(2500, 3000))
	if len(outcomes) != 1 || len(outcomes[0].Moves) != 2 || outcomes[0].Moves[1].At != w.now+2440 {
		t.Fatalf("outcomes %+v", outcomes)
	}
	for _, x := range []struct {
		at   Seconds
		over openflow.DPID
	}{{939, first}, {940, 5 - first}, {2439, 5 - first}, {2440, first}, {4000, first}} {
		w.now = 1_000_000 + x.at
		w.work()
		if got := w.get(v.ID); over(got.Path) != x.over || got.State != Active {
			t.Errorf("at %d it is %s over %v, want over %v", x.at, got.State, got.Path, x.over)
		}
		w.checkCalendars()
	}
}

// TestMaintenanceIsKept: what was entered is in force after a restart, and what
// was to move does.
func TestMaintenanceIsKept(t *testing.T) {
	w, _ := square(t)
	v := w.create(ask(1, 1, 4, 1, 6, 1000))
	w.work()
	was := over(w.get(v.ID).Path)
	m, _ := w.maintain(ofSwitch(was), span(500, 600))
	w.open()
	w.a.Settled()
	if got := w.a.Maintenances(); len(got) != 1 || !reflect.DeepEqual(got[0], m) {
		t.Fatalf("after the restart there are %+v", got)
	}
	w.now += 440
	w.work()
	if got := w.get(v.ID); over(got.Path) != 5-was {
		t.Errorf("it is over %v, %q", got.Path, got.Reason)
	}
	if got := w.a.Drains(); !slices.Equal(got, []path.Element{ofSwitch(was)}) {
		t.Errorf("drained are %v", got)
	}
	w.now += 160
	w.work()
	if got, _ := w.a.Maintenance(m.ID); got.Phase(w.now) != PhaseEnded || len(w.a.Drains()) != 0 {
		t.Errorf("it is %v, drained are %v", got.Phase(w.now), w.a.Drains())
	}
	w.now += Seconds(DefaultHistory / time.Second)
	if _, err := w.a.Prune(bg); err != nil || len(w.a.Maintenances()) != 0 || w.store.get(store.Maintenances, m.ID) != "" {
		t.Errorf("what is long over is kept: %v, %v", w.a.Maintenances(), err)
	}
	w.store.put(store.Maintenances, m.ID, `{"id":"`+m.ID+`","element":"1"}`)
	if _, err := Open(bg, w.cfg); err == nil || CheckMaintenance(m.ID, []byte("{}")) == nil {
		t.Error("a record of nothing was read")
	}
}

// TestMaintenanceBesideACut: what has lost its path takes one that will be
// closed if there is no other, as far as it is open.
func TestMaintenanceBesideACut(t *testing.T) {
	w, cables := square(t)
	v := w.create(ask(1, 1, 4, 1, 6, 5000))
	w.work()
	first := over(w.get(v.ID).Path)
	w.maintain(ofSwitch(5-first), span(1000, 2000))
	w.change(cut(cables[(first-2)*2]))
	w.work()
	if got := w.expect(v.ID, Active, span(0, 5000)); over(got.Path) != 5-first {
		t.Errorf("it is over %v, %q", got.Path, got.Reason)
	}
	w.change(mend(cables[(first-2)*2], 10))
	w.now += 940
	w.work()
	if got := w.expect(v.ID, Active, span(0, 5000)); over(got.Path) != first {
		t.Errorf("it is over %v, %q", got.Path, got.Reason)
	}
	w.checkCalendars()
}

func TestMaintenanceIsChecked(t *testing.T) {
	w, cables := square(t)
	for _, x := range []struct {
		m     Maintenance
		field string
	}{
		{Maintenance{Element: ofSwitch(9), Window: span(0, 10)}, "switch"},
		{Maintenance{Element: path.Element{Cable: topology.LinkID{From: cables[0].From, To: cables[1].To}}, Window: span(0, 10)}, "link"},
		{Maintenance{Element: ofSwitch(1), Window: span(-20, 10)}, "start_time"},
		{Maintenance{Element: ofSwitch(1), Window: span(MaxAhead+1, MaxAhead+10)}, "start_time"},
		{Maintenance{Element: ofSwitch(1), Window: span(10, 10)}, "end_time"},
		{Maintenance{Element: ofSwitch(1), Window: span(0, MaxDuration+1)}, "end_time"},
		{Maintenance{Element: ofSwitch(1), Window: span(0, 10), Note: strings.Repeat("x", MaxNote+1)}, "note"},
		{Maintenance{Element: ofSwitch(1), Window: span(0, 10), Note: "new\x1bfans"}, "note"},
	} {
		_, _, err := w.a.Maintain(bg, x.m, false)
		refused(t, err, Invalid, x.field)
	}
	if _, err := w.a.EndMaintenance(bg, "x"); refusedAs(err) != NotFound {
		t.Errorf("ended nothing: %v", err)
	}
	w.store.fail = errUnwritten
	if _, _, err := w.a.Maintain(bg, Maintenance{Element: ofSwitch(1), Window: span(0, 10)}, false); refusedAs(err) != Internal || len(w.a.Maintenances()) != 0 || w.a.calendars.room.some() {
		t.Errorf("entered %v, %v", w.a.Maintenances(), err)
	}
}

var errUnwritten = errors.New("disk full")

func bitrateOf(n int) bitrate.Rate { return bitrate.Rate(n) }

// TestMaintenanceIsPublished: what a maintenance comes to is published once, in
// order, and a rehearsal is not.
func TestMaintenanceIsPublished(t *testing.T) {
	w := newWorld(t, 2, 100)
	w.cable(1, 2, 10)
	var seen []string
	w.cfg.Maintained = func(c MaintenanceChange) {
		text := c.Maintenance.ID + " " + string(c.Phase)
		for _, o := range c.Outcomes {
			text += " " + o.Allocation.ID + " " + string(o.Fate)
		}
		seen = append(seen, text)
	}
	w.open()
	v := w.create(ask(1, 1, 2, 1, 1, 1000))
	w.work()
	later, _ := w.maintain(ofSwitch(1), span(100, 200))
	now, _ := w.maintain(ofSwitch(2), span(0, 50))
	w.now += 100
	w.work()
	if _, err := w.a.EndMaintenance(bg, later.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.a.EndMaintenance(bg, later.ID); refusedAs(err) != Conflict {
		t.Errorf("ended twice: %v", err)
	}
	stays := " " + v.ID + " stays"
	want := []string{
		later.ID + " planned" + stays, now.ID + " planned" + stays, now.ID + " begun" + stays,
		now.ID + " ended", later.ID + " begun" + stays, later.ID + " ended",
	}
	slices.Sort(want[3:5])
	if len(seen) == len(want) {
		slices.Sort(seen[3:5])
	}
	if !slices.Equal(seen, want) {
		t.Errorf("published\n%s\nwant\n%s", strings.Join(seen, "\n"), strings.Join(want, "\n"))
	}
	if !slices.Equal(later.Projects, []string{"p"}) {
		t.Errorf("concerned are %v", later.Projects)
	}
}
