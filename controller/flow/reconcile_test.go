package flow

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/controller/purpose"
	"conga/openflow"
)

var errRefused = errors.New("refused")

// bench is a switch with a reconciler, and all that was ever wanted.
type bench struct {
	*rapid.T
	r       *Reconciler
	holds   *State
	wanted  []*State                   // by generation
	pending []Step                     // sent, not answered
	asked   *State                     // what the switch answers to the question what it holds; nil: it was not asked
	excused map[openflow.EntryKey]bool // refused last
}

// soon returns the steps that come next, and has the time pass for which they
// wait.
func soon(r *Reconciler, most int) []Step {
	now := r.now
	if now.IsZero() {
		now = time.Unix(1_000_000, 0)
	}
	steps := r.Next(most, now)
	if due := r.Due(); len(steps) == 0 && !due.IsZero() {
		steps = r.Next(most, due)
	}
	return steps
}

// someRule returns one of few rules, so that they meet often.
func someRule(t *rapid.T) *Rule {
	n := rapid.IntRange(1, 6).Draw(t, "rule")
	out := openflow.PortNo(rapid.IntRange(1, 3).Draw(t, "out"))
	if n <= 3 {
		r := newRule(purpose.Allocation, tableAllocations, prioAllocation, openflow.Match{openflow.InPort(openflow.PortNo(n))}, through(0, openflow.Output(out, 0))...)
		r.Cookie = purpose.MakeCookie(purpose.Allocation, uint64(rapid.IntRange(1, 2).Draw(t, "owner")))
		return r
	}
	return newRule(purpose.Forward, tableForwarding, prioHost, openflow.Match{openflow.InPort(openflow.PortNo(n))}, through(0, openflow.Output(out, 0))...)
}

func someState(t *rapid.T) *State {
	st := NewState()
	for range rapid.IntRange(0, 5).Draw(t, "rules") {
		st.add(someRule(t))
	}
	for id := purpose.FirstID; id < purpose.FirstID+3; id++ {
		if rapid.Bool().Draw(t, "meter") {
			st.Meters[id] = Meter{Rate: uint32(rapid.IntRange(1, 2).Draw(t, "rate"))}
		}
	}
	return st
}

// want makes another state wanted.
func (d *bench) want() {
	now, was := someState(d.T), d.wanted[len(d.wanted)-1]
	generation := uint64(len(d.wanted))
	d.wanted = append(d.wanted, now)
	p := NewPatch()
	for k := range was.Rules {
		p.Rules[k] = nil
	}
	maps.Copy(p.Rules, now.Rules)
	for id := range was.Meters {
		p.Meters[id] = nil
	}
	for id, m := range now.Meters {
		p.Meters[id] = &m
	}
	d.r.Want(p, generation, generation)
}

// answer has the switch carry out what was sent, or refuse part of it.
func (d *bench) answer() {
	refused := map[int]error{}
	for i, s := range d.pending {
		if rapid.IntRange(0, 7).Draw(d.T, "refuses") == 0 {
			refused[i] = errRefused
			d.excused[s.name()] = true
			continue
		}
		delete(d.excused, s.name())
		switch {
		case s.Rule != nil:
			d.holds.Rules[s.Rule.Key()] = s.Rule
		case s.Removes != nil:
			delete(d.holds.Rules, s.Removes.Key())
		case s.Meter != nil:
			d.holds.Meters[s.MeterID] = *s.Meter
		default:
			delete(d.holds.Meters, s.MeterID)
		}
	}
	d.pending = nil
	d.r.Landed(refused)
}

func (s Step) name() openflow.EntryKey {
	if s.ofMeter() {
		return meterKey(s.MeterID)
	}
	return s.key()
}

func (s Step) sort() sort {
	switch {
	case s.Meter != nil:
		return needed
	case s.ofMeter():
		return unused
	case ofCircuit(s.name()):
		return ofCircuits
	}
	return ofOthers
}

func meterKey(id openflow.MeterID) openflow.EntryKey {
	return openflow.EntryKey{Match: fmt.Sprint("meter", id)}
}

// tell has a reconciler hear all that a switch holds.
func tell(r *Reconciler, present *State) {
	for _, rule := range present.Rules {
		r.Tell(&openflow.FlowStats{Table: rule.Table, Priority: rule.Priority, Cookie: rule.Cookie, Match: rule.Match, Instructions: rule.Instructions})
	}
	for id, m := range present.Meters {
		r.TellMeter(id, m)
	}
	for id, g := range present.Groups {
		r.TellGroup(id, g)
	}
	r.Begin()
}

// lose has an entry vanish that the switch tells of.
func (d *bench) lose() {
	keys := slices.SortedFunc(maps.Keys(d.holds.Rules), func(a, b openflow.EntryKey) int { return compareRules(d.holds.Rules[a], d.holds.Rules[b]) })
	if len(keys) == 0 {
		return
	}
	k := rapid.SampledFrom(keys).Draw(d.T, "lost")
	cookie := d.holds.Rules[k].Cookie
	delete(d.holds.Rules, k)
	d.r.Vanished(k, cookie)
}

func (d *bench) audit() {
	if len(d.pending) > 0 || d.asked != nil {
		return
	}
	d.r.Retry(t0)
	if k := someRule(d.T); rapid.Bool().Draw(d.T, "meddled") {
		d.holds.Rules[k.Key()] = k // another program was at it
	}
	a := d.r.Audit()
	for _, rule := range d.holds.Rules {
		a.Entry(&openflow.FlowStats{Table: rule.Table, Priority: rule.Priority, Cookie: rule.Cookie, Match: rule.Match, Instructions: rule.Instructions})
	}
	thought := NewState()
	for k, at := range d.r.rules {
		if at.have != nil {
			thought.Rules[k] = at.have
		}
	}
	thought.Meters = d.holds.Meters
	if same := difference(d.holds, thought) == ""; a.Passed() != same {
		d.Fatalf("the audit passes: %v; the switch holds what it is thought to: %v", a.Passed(), same)
	}
	d.r.Found(&State{Rules: maps.Clone(d.holds.Rules), Meters: maps.Clone(d.holds.Meters)})
}

// dump has the switch say what it holds, and what it said arrive, with anything
// between the question and the answer, and the answer and its arrival.
func (d *bench) dump() {
	switch now := (&State{Rules: maps.Clone(d.holds.Rules), Meters: maps.Clone(d.holds.Meters)}); {
	case d.asked == nil:
		d.r.Asked()
		d.asked = now
	case rapid.Bool().Draw(d.T, "answers"):
		d.asked = now // later
	default:
		d.r.Found(d.asked)
		d.asked = nil
	}
}

func (d *bench) next() {
	if len(d.pending) > 0 {
		return
	}
	d.pending = soon(d.r, rapid.IntRange(1, 4).Draw(d.T, "most"))
	for i, s := range d.pending {
		was := d.pending[max(0, i-1)]
		leads := was.Meter != nil && !s.ofMeter() && ofCircuit(s.name())
		if s.sort() != was.sort() && !leads {
			d.Fatalf("steps that no answer separates: %+v", d.pending)
		}
	}
}

// checkConfirmed holds what is said to be confirmed against the switch: each
// entry is as it was wanted in that generation or a later one.
func (d *bench) checkConfirmed() {
	circuits, all := d.r.Confirmed()
	if all > circuits {
		d.Fatalf("everything is confirmed up to %d, circuits only up to %d", all, circuits)
	}
	for k, r := range d.holds.Rules {
		d.checkKey(k, r, circuits, all)
	}
	for _, st := range d.wanted {
		for k := range st.Rules {
			d.checkKey(k, d.holds.Rules[k], circuits, all)
		}
	}
	for id := purpose.FirstID; id < purpose.FirstID+3; id++ {
		have, there := d.holds.Meters[id]
		ok := d.excused[meterKey(id)] || circuits == 0
		for _, st := range d.wanted[circuits:] {
			want, wanted := st.Meters[id]
			ok = ok || wanted == there && (want == have || paced(id)) || !wanted // unused meters go when nothing else is to be done
		}
		if !ok {
			d.Fatalf("meter %x is %+v, though generation %d is said to be there", id, have, circuits)
		}
	}
}

// checkKept finds that of rules and meters only those are kept that are wanted
// or there, and that only those are to be changed that differ.
func (d *bench) checkKept() {
	r := d.r
	for k, at := range r.rules {
		if at.want == nil && at.have == nil && !at.flying {
			d.Fatalf("%v is kept though it is neither wanted nor there", k)
		}
		if at.flying && !r.UnderWay() {
			d.Fatalf("%v is kept as under way", k)
		}
		if at.listed != unlisted && (int(at.index) >= len(r.backlogs[at.listed]) || r.backlogs[at.listed][at.index] != at) {
			d.Fatalf("%v is not where it is to be", k)
		}
	}
	for in, list := range r.backlogs {
		for _, s := range list {
			if s.listed != listing(in) || s.want == s.have && !s.flying {
				d.Fatalf("%+v is to be changed though it is right", s)
			}
		}
	}
	for id, at := range r.meters {
		if at.want == nil && at.have == nil {
			d.Fatalf("meter %x is kept though it is neither wanted nor there", id)
		}
	}
	for id := range r.limits {
		if at := r.meters[id]; at.want != nil && at.have != nil && *at.want == *at.have && !r.changing[id] {
			d.Fatalf("meter %x is to be changed though it is right", id)
		}
	}
	if !r.UnderWay() && len(r.changing)+len(r.lost) > 0 {
		d.Fatalf("kept of steps that have landed: %v %v", r.changing, r.lost)
	}
}

func (d *bench) checkKey(k openflow.EntryKey, have *Rule, circuits, all uint64) {
	since := all
	if k.Table == tableAllocations {
		since = circuits
	}
	if since == 0 || d.excused[k] {
		return // nothing is said; what was refused is told apart
	}
	for _, st := range d.wanted[since:] {
		if want := st.Rules[k]; want == nil && have == nil || want != nil && have != nil && want.Equal(have) {
			return
		}
	}
	d.Fatalf("entry %+v is as in no generation since %d, which is said to be there", have, since)
}

// TestReconcilerArrives has states change, entries vanish and be refused while
// steps are under way. What is said to be confirmed is there, and in the end
// the switch holds what is wanted.
func TestReconcilerArrives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &bench{T: t, holds: someState(t), wanted: []*State{NewState()}, excused: map[openflow.EntryKey]bool{}}
		d.wanted = append(d.wanted, someState(t))
		d.r = NewReconciler(d.wanted[1].Whole(), 1)
		for range rapid.IntRange(0, 2).Draw(t, "early") {
			d.want() // before it is known what the switch holds
		}
		tell(d.r, d.holds)
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			switch rapid.IntRange(0, 11).Draw(t, "what") {
			case 0, 1:
				d.want()
			case 10, 11:
				d.dump()
			case 2:
				d.lose()
			case 3:
				d.audit()
			case 4, 5, 6:
				d.next()
			default:
				if len(d.pending) > 0 {
					d.answer()
				}
			}
			d.checkConfirmed()
			d.checkKept()
		}
		for range 30 { // nothing is refused any more
			if len(d.pending) > 0 {
				steps := d.pending
				d.pending = nil
				for _, s := range steps {
					d.carryOut(s)
				}
				d.r.Landed(nil)
			}
			d.r.Retry(t0)
			if len(d.pending) == 0 {
				d.r.Found(&State{Rules: maps.Clone(d.holds.Rules), Meters: maps.Clone(d.holds.Meters)})
			}
			d.pending = soon(d.r, 3)
		}
		if diff := difference(d.holds, d.wanted[len(d.wanted)-1]); diff != "" {
			t.Fatal("in the end the switch ", diff)
		}
		if c, all := d.r.Confirmed(); c != all || all != uint64(len(d.wanted)-1) {
			t.Fatalf("in the end %d and %d are confirmed, of %d", c, all, len(d.wanted)-1)
		}
		d.checkKept()
		for id := range d.r.paces {
			if d.r.meters[id].want == nil {
				t.Fatalf("the pace of meter %x is kept, which is gone", id)
			}
		}
		if len(d.r.refused)+len(d.r.unmetered)+len(d.r.backlogs[urgent])+len(d.r.backlogs[rest])+len(d.r.limits)+len(d.r.paced) > 0 {
			t.Fatalf("in the end something is still to be done: %+v", d.r)
		}
	})
}

func (d *bench) carryOut(s Step) {
	switch {
	case s.Rule != nil:
		d.holds.Rules[s.Rule.Key()] = s.Rule
	case s.Removes != nil:
		delete(d.holds.Rules, s.Removes.Key())
	case s.Meter != nil:
		d.holds.Meters[s.MeterID] = *s.Meter
	default:
		delete(d.holds.Meters, s.MeterID)
	}
}
