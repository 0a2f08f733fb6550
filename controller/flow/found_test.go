package flow

import (
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"conga/controller/purpose"
	"conga/openflow"
)

// What another program did to a switch is found and undone, entries and meters.
func TestFoundIsMended(t *testing.T) {
	first, _ := purpose.PortID(1)
	second, third := first+1, first+2
	right, changed, lost, stranger := metered(true, 1, 1, 0), metered(true, 2, 1, 0), metered(false, 3, 1, 0), metered(false, 4, 1, 0)
	st := NewState()
	for _, rule := range []*Rule{right, changed, lost} {
		st.add(rule)
	}
	st.Meters[first], st.Meters[second] = Meter{Rate: 1}, Meter{Rate: 2}
	r := NewReconciler(st.Whole(), 1)
	r.Begin()
	drain(r)
	if !r.HoldsMeters(st.Meters) || r.Holds() != 3 {
		t.Fatalf("thought to hold %d entries", r.Holds())
	}
	present := NewState()
	for _, rule := range []*Rule{right, metered(true, 2, 2, 0), stranger} {
		present.add(rule)
	}
	present.Meters[first], present.Meters[third] = Meter{Rate: 9}, Meter{Rate: 3}
	r.Asked()
	r.Found(present)
	if r.HoldsMeters(st.Meters) || !r.HoldsMeters(present.Meters) || r.Holds() != 3 {
		t.Error("what was found is not what it is thought to hold")
	}
	if c, all := r.Confirmed(); c != 0 || all != 0 {
		t.Errorf("confirmed are %d and %d", c, all)
	}
	var installed, removed []*Rule
	meters := map[openflow.MeterID]*Meter{}
	for _, s := range drain(r) {
		switch {
		case s.Rule != nil:
			installed = append(installed, s.Rule)
		case s.Removes != nil:
			removed = append(removed, s.Removes)
		default:
			meters[s.MeterID] = s.Meter
		}
	}
	if len(installed) != 2 || !slices.Contains(installed, changed) || !slices.Contains(installed, lost) {
		t.Errorf("installed: %+v", installed)
	}
	if len(removed) != 1 || removed[0].Key() != stranger.Key() {
		t.Errorf("removed: %+v", removed)
	}
	if diff := gocmp.Diff(map[openflow.MeterID]*Meter{first: {Rate: 1}, second: {Rate: 2}, third: nil}, meters); diff != "" {
		t.Errorf("meters: %s", diff)
	}
	if !r.HoldsMeters(st.Meters) {
		t.Error("the meters are not right in the end")
	}
	for name, other := range map[string]map[openflow.MeterID]Meter{
		"none": nil, "one": {first: {Rate: 1}}, "another rate": {first: {Rate: 2}, second: {Rate: 2}}, "another": {first: {Rate: 1}, third: {Rate: 2}},
		"more": {first: {Rate: 1}, second: {Rate: 2}, third: {Rate: 3}},
	} {
		if r.HoldsMeters(other) {
			t.Errorf("%s: thought to hold %v", name, other)
		}
	}
}

// An answer says nothing of what was sent or has vanished after the question.
func TestAnswerIsOld(t *testing.T) {
	id, _ := purpose.PortID(1)
	vanished, sent, flying := metered(true, 1, 1, 0), metered(true, 2, 1, 0), metered(true, 3, 1, 0)
	r := begun(vanished)
	drain(r)
	r.Want(wanting(flying), 2, 2)
	soon(r, 10) // under way when the question is asked
	old := NewState()
	old.add(vanished)
	r.Asked()
	r.Landed(nil)
	p := wanting(sent)
	p.Meters[id] = &Meter{Rate: 1}
	r.Want(p, 3, 3)
	drain(r)
	if !r.Vanished(vanished.Key(), vanished.Cookie) || r.Vanished(vanished.Key(), vanished.Cookie) {
		t.Error("an entry vanishes once")
	}
	r.Found(old)
	if n := r.Holds(); n != 2 {
		t.Errorf("thought to hold %d entries, want what was sent", n)
	}
	if !r.HoldsMeters(p2m(p)) {
		t.Error("the meter that was sent after the question is taken for lost")
	}
	if steps := drain(r); len(steps) != 1 || steps[0].Rule != vanished {
		t.Errorf("sent is %+v", steps)
	}
	r.Asked()
	r.Unasked()
	r.Found(NewState()) // an answer that counts: nothing has changed since
	if n := r.Holds(); n != 0 {
		t.Errorf("thought to hold %d entries", n)
	}
}

func p2m(p Patch) map[openflow.MeterID]Meter {
	m := map[openflow.MeterID]Meter{}
	for id, x := range p.Meters {
		m[id] = *x
	}
	return m
}

// After a restart a switch forwards by ways that are as short as those that
// would be chosen now: they stay.
func TestAdopt(t *testing.T) {
	n := square(t, threeTables)
	w := NewWanted(n.Policy)
	w.SetNetwork(n.Snapshot)
	want := w.Watch(1)
	r := NewReconciler(want, 1)
	for _, rule := range want.State().Rules {
		told := openflow.FlowStats{Table: rule.Table, Priority: rule.Priority, Cookie: rule.Cookie, Match: rule.Match, Instructions: rule.Instructions}
		switch {
		case rule.Match.Canonical().Key() == (openflow.Match{openflow.EthDst(host(3))}).Canonical().Key():
			told.Instructions = through(0, openflow.Output(2, 0)) // as short the other way round
		case rule.Match.Canonical().Key() == (openflow.Match{openflow.EthDst(host(2))}).Canonical().Key():
			told.Instructions = through(0, openflow.Output(1, 0)) // longer
		case rule.Match.Canonical().Key() == (openflow.Match{openflow.EthDst(host(1))}).Canonical().Key():
			told.Instructions = through(0, openflow.Output(2, 0)) // its own host
		}
		r.Tell(&told)
	}
	differ := r.Courses()
	slices.SortFunc(differ, func(a, b Course) int { return int(a.Host.MAC[5]) - int(b.Host.MAC[5]) })
	if diff := gocmp.Diff([]Course{{named(1), 2}, {named(2), 1}, {named(3), 2}}, differ); diff != "" {
		t.Errorf("courses: %s", diff)
	}
	for d := openflow.DPID(2); d <= 4; d++ {
		w.Watch(d)
		w.Compared(d, nil)
	}
	w.Compared(1, differ)
	takeAll(w, func(d openflow.DPID, p Patch) {
		if d != 1 {
			t.Errorf("switch %d changes", d)
		}
		r.Want(p, 2, 2)
	})
	r.Begin()
	var sent []string
	for _, s := range drain(r) {
		if s.Rule != nil {
			sent = append(sent, s.Rule.Match.String())
		} else if s.Removes != nil {
			t.Errorf("removed: %+v", s.Removes)
		}
	}
	slices.Sort(sent)
	if diff := gocmp.Diff([]string{"dl_dst=00:00:00:00:01:01", "dl_dst=00:00:00:00:01:02"}, sent); diff != "" {
		t.Errorf("rewritten: %s", diff)
	}
	if port, ok := w.Routes().Next(1, 3); !ok || port != 2 {
		t.Errorf("the way to switch 3 is by port %d", port)
	}
	// A switch that is not watched, and an unknown host, change nothing.
	w.Unwatch(2)
	w.Compared(2, []Course{{named(4), 2}})
	w.Compared(1, []Course{{named(99), 2}})
	takeAll(w, func(d openflow.DPID, p Patch) { t.Errorf("switch %d changes", d) })
}
