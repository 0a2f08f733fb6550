package flow

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"conga/controller/purpose"
	"conga/openflow"
)

// device carries messages out as OpenFlow 1.3.5 says.
type device struct {
	*rapid.T
	entries map[openflow.EntryKey]*deviceEntry
	meters  map[openflow.MeterID]Meter
}

type deviceEntry struct {
	openflow.FlowStats
	packets int // counted since it was added
}

func newDevice(t *rapid.T) *device {
	return &device{T: t, entries: map[openflow.EntryKey]*deviceEntry{}, meters: map[openflow.MeterID]Meter{}}
}

func (d *device) carryOut(m openflow.Message) {
	switch m := m.(type) {
	case *openflow.FlowMod:
		d.flowMod(m)
	case *openflow.MeterMod:
		d.meterMod(m)
	default:
		d.Fatalf("a step is a %T", m)
	}
}

func (d *device) flowMod(m *openflow.FlowMod) {
	k := openflow.EntryKey{Table: m.Table, Priority: m.Priority, Match: m.Match.Canonical().Key()}
	if m.BufferID != openflow.NoBuffer || m.OutPort != openflow.PortAny || m.OutGroup != openflow.GroupAny {
		d.Fatalf("%+v is about some packets or ports only", m)
	}
	e := d.entries[k]
	switch m.Command {
	case openflow.FlowAdd:
		if m.Flags&openflow.FlowSendFlowRem == 0 {
			d.Fatalf("%+v does not ask for a flow-removed message", m)
		}
		d.entries[k] = &deviceEntry{FlowStats: openflow.FlowStats{
			Table: m.Table, Priority: m.Priority, Cookie: m.Cookie, Match: m.Match, Instructions: m.Instructions,
		}}
	case openflow.FlowModifyStrict:
		if e == nil || m.CookieMask != 0 && e.Cookie&m.CookieMask != m.Cookie&m.CookieMask {
			return // no entry is added
		}
		e.Instructions = m.Instructions // the cookie and the counters stay
	case openflow.FlowDeleteStrict:
		if e != nil && e.Cookie&m.CookieMask == m.Cookie&m.CookieMask {
			delete(d.entries, k)
		}
	default:
		d.Fatalf("%+v is about more than one entry", m)
	}
}

func (d *device) meterMod(m *openflow.MeterMod) {
	_, there := d.meters[m.ID]
	if m.Command == openflow.MeterDelete {
		delete(d.meters, m.ID)
		return
	}
	if there != (m.Command == openflow.MeterModify) {
		d.Fatalf("%+v, and the meter is there: %t", m, there)
	}
	_, read, ours := (*Numbers)(nil).ReadMeter(openflow.MeterConfig{Flags: m.Flags, Meter: m.ID, Bands: m.Bands})
	if !ours {
		d.Fatalf("%+v is no meter of ours", m)
	}
	d.meters[m.ID] = read
}

func (d *device) state() *State {
	st := NewState()
	for _, e := range d.entries {
		if r, ok := FromStats(&e.FlowStats); ok {
			st.add(r)
		}
	}
	maps.Copy(st.Meters, d.meters)
	return st
}

// inOrder reports whether steps about entries come in an order in which no
// packet meets half a pipeline.
func inOrder(steps []Step) bool {
	return slices.IsSortedFunc(steps, func(a, b Step) int {
		switch {
		case a.ofMeter() && !b.ofMeter():
			return -1
		case b.ofMeter():
			return 0
		case (a.Rule != nil) != (b.Rule != nil):
			if a.Rule != nil {
				return -1
			}
			return 1
		case a.Rule != nil:
			return cmp.Or(cmp.Compare(b.Rule.Table, a.Rule.Table), cmp.Compare(b.Rule.Priority, a.Rule.Priority))
		}
		return cmp.Or(cmp.Compare(a.Removes.Table, b.Removes.Table), cmp.Compare(a.Removes.Priority, b.Removes.Priority))
	})
}

// TestMessagesLeadThere carries the messages out: in the end the switch holds
// what is wanted, and an entry counts on for as long as it is one owner's.
func TestMessagesLeadThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDevice(t)
		foreign := openflow.FlowStats{Priority: 7, Cookie: 0xbeef, Match: openflow.Match{openflow.InPort(9)}}
		d.entries[openflow.EntryKey{Priority: 7, Match: foreign.Match.Key()}] = &deviceEntry{FlowStats: foreign, packets: 5}
		now := someState(t)
		r := NewReconciler(now.Whole(), 1)
		for _, rule := range someState(t).Rules {
			d.entries[rule.Key()] = &deviceEntry{FlowStats: openflow.FlowStats{
				Table: rule.Table, Priority: rule.Priority, Cookie: rule.Cookie, Match: rule.Match, Instructions: rule.Instructions,
			}}
		}
		for _, e := range d.entries {
			r.Tell(&e.FlowStats)
		}
		r.Begin()
		for generation := uint64(2); generation < 5; generation++ {
			d.arrive(r, now)
			next := someState(t)
			r.Want(leading(now, next), generation, generation)
			now = next
		}
		d.arrive(r, now)
		if e := d.entries[openflow.EntryKey{Priority: 7, Match: foreign.Match.Key()}]; e == nil || e.packets < 5 {
			t.Fatal("another program's entry was touched")
		}
	})
}

// leading returns what leads from one state to another.
func leading(from, to *State) Patch {
	p := NewPatch()
	for k := range from.Rules {
		p.Rules[k] = nil
	}
	maps.Copy(p.Rules, to.Rules)
	for id := range from.Meters {
		p.Meters[id] = nil
	}
	for id, m := range to.Meters {
		p.Meters[id] = &m
	}
	return p
}

// arrive carries out all steps that there are.
func (d *device) arrive(r *Reconciler, want *State) {
	counted, owner := map[openflow.EntryKey]int{}, map[openflow.EntryKey]openflow.Cookie{}
	for k, e := range d.entries {
		e.packets++
		counted[k], owner[k] = e.packets, e.Cookie
	}
	for range 100 {
		steps := soon(r, 3)
		if len(steps) == 0 {
			break
		}
		if !inOrder(steps) {
			d.Fatalf("out of order: %+v", steps)
		}
		for _, s := range steps {
			d.carryOut(s.Message)
		}
		r.Landed(nil)
	}
	if diff := difference(d.state(), want); diff != "" {
		d.Fatal("the switch ", diff)
	}
	for k, e := range d.entries {
		if before, was := owner[k]; was && (before == e.Cookie) != (e.packets == counted[k]) {
			d.Fatalf("entry %+v of %x has counted %d, of %d for owner %x", k, e.Cookie, e.packets, counted[k], before)
		}
	}
	if c, all := r.Confirmed(); c != all || r.UnderWay() {
		d.Fatalf("confirmed are %d and %d", c, all)
	}
}

var errFull = errors.New("table full")

// drain takes all steps for done, and returns them.
func drain(r *Reconciler) (all []Step) {
	for steps := soon(r, 100); len(steps) > 0; steps = soon(r, 100) {
		all = append(all, steps...)
		r.Landed(nil)
	}
	return all
}

func begun(rules ...*Rule) *Reconciler {
	st := NewState()
	for _, r := range rules {
		st.add(r)
	}
	r := NewReconciler(st.Whole(), 1)
	r.Begin()
	return r
}

// What is refused is told by owner, and left alone until it is tried again or
// something else is wanted.
func TestRefusals(t *testing.T) {
	one, other := metered(true, 1, 1, 0), metered(true, 2, 1, 0)
	r := begun(one, other)
	steps := soon(r, 10)
	if len(steps) != 2 {
		t.Fatalf("steps %+v", steps)
	}
	if by, meter := r.Refused(); by != nil || meter != nil {
		t.Errorf("refused before the answer: %v, %v", by, meter)
	}
	i := slices.IndexFunc(steps, func(s Step) bool { return s.Rule == one })
	r.Landed(map[int]error{i: errFull})
	by, meter := r.Refused()
	if diff := gocmp.Diff(map[uint64]error{1: errFull}, by, cmpopts.EquateErrors()); diff != "" || meter != nil {
		t.Errorf("refused: %s, meter %v", diff, meter)
	}
	if steps := soon(r, 10); len(steps) > 0 {
		t.Errorf("what was refused is sent again: %+v", steps)
	}
	if c, all := r.Confirmed(); c != 1 || all != 1 {
		t.Errorf("confirmed are %d and %d; what was refused does not count", c, all)
	}
	if !r.Retry(t0) || r.Retry(t0) {
		t.Error("Retry is true if there was something to be tried again, once")
	}
	if steps := soon(r, 10); len(steps) != 1 || steps[0].Rule != one {
		t.Errorf("tried again: %+v", steps)
	}
	r.Landed(map[int]error{0: errFull})
	changed := metered(true, 1, 2, 0)
	r.Want(wanting(changed), 2, 2)
	if by, _ := r.Refused(); by != nil {
		t.Errorf("refused is what is not wanted any more: %v", by)
	}
	if steps := drain(r); len(steps) != 1 || steps[0].Rule != changed {
		t.Errorf("something else is wanted, and sent is %+v", steps)
	}
}

// A refusal of what is not wanted any more by then says nothing.
func TestRefusalComesTooLate(t *testing.T) {
	r := begun(metered(true, 1, 1, 0))
	soon(r, 10)
	changed := metered(true, 1, 2, 0)
	r.Want(wanting(changed), 2, 2)
	r.Landed(map[int]error{0: errFull})
	if by, _ := r.Refused(); by != nil {
		t.Errorf("refused: %v", by)
	}
	if c, _ := r.Confirmed(); c != 0 {
		t.Errorf("generation %d is said to be there", c)
	}
	if steps := drain(r); len(steps) != 1 || steps[0].Rule != changed {
		t.Errorf("sent is %+v", steps)
	}
	if c, all := r.Confirmed(); c != 2 || all != 2 {
		t.Errorf("confirmed are %d and %d", c, all)
	}
}

// An entry that the switch does not delete is left until it is looked at again.
func TestRefusedRemoval(t *testing.T) {
	gone := metered(true, 1, 1, 0)
	r := begun(gone)
	drain(r)
	p := NewPatch()
	p.Rules[gone.Key()] = nil
	r.Want(p, 2, 2)
	if steps := soon(r, 10); len(steps) != 1 || steps[0].Removes != gone {
		t.Fatalf("steps %+v", steps)
	}
	r.Landed(map[int]error{0: errFull})
	if by, _ := r.Refused(); by != nil {
		t.Errorf("refused entries that are wanted: %v", by)
	}
	if steps := drain(r); len(steps) > 0 {
		t.Errorf("sent is %+v", steps)
	}
	present := NewState()
	present.add(gone)
	if !r.Retry(t0) {
		t.Error("there is nothing to be tried again")
	}
	r.Found(present)
	if steps := drain(r); len(steps) != 1 || steps[0].Removes == nil {
		t.Errorf("the entry is still there, and sent is %+v", steps)
	}
}

func TestRefusedMeter(t *testing.T) {
	id, _ := purpose.PortID(1)
	st := NewState()
	st.Meters[id] = Meter{Rate: 1}
	r := NewReconciler(st.Whole(), 1)
	r.Begin()
	if steps := soon(r, 10); len(steps) != 1 || steps[0].MeterID != id {
		t.Fatalf("steps %+v", steps)
	}
	r.Landed(map[int]error{0: errFull})
	if by, meter := r.Refused(); by != nil || len(meter) != 1 || !errors.Is(meter[id], errFull) {
		t.Errorf("refused: %v, meter %v", by, meter)
	}
	if steps := soon(r, 10); len(steps) > 0 {
		t.Errorf("sent again: %+v", steps)
	}
	if !r.Retry(t0) {
		t.Error("there is nothing to be tried again")
	}
	if steps := soon(r, 10); len(steps) != 1 || steps[0].Meter == nil || steps[0].Message.(*openflow.MeterMod).Command != openflow.MeterAdd {
		t.Errorf("tried again: %+v", steps)
	}
	p := NewPatch()
	p.Meters[id] = &Meter{Rate: 2}
	r.Want(p, 2, 2)
	r.Landed(map[int]error{0: errFull}) // the one before
	if _, meter := r.Refused(); meter != nil {
		t.Errorf("the meter is refused that is not wanted any more: %v", meter)
	}
	if steps := drain(r); len(steps) != 1 || steps[0].Meter.Rate != 2 {
		t.Errorf("sent is %+v", steps)
	}
	p = NewPatch()
	p.Meters[id] = nil
	r.Want(p, 3, 3)
	soon(r, 10)
	r.Landed(map[int]error{0: errFull})
	if _, meter := r.Refused(); meter != nil {
		t.Errorf("the meter is not wanted, and told is %v", meter)
	}
}

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
