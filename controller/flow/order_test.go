package flow

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/openflow"
)

// A pipeline comes from its end and goes from its beginning, so that no packet
// meets half of it.
func TestPipelineComesFromItsEnd(t *testing.T) {
	n := square(t, threeTables)
	n.Circuits = []path.Circuit{forth("a", 7, 40*bitrate.Mbps)}
	full := Compile(n, 1)
	r := NewReconciler(full.Whole(), 1)
	r.Begin()
	count := func() (batches, entries int) {
		for steps := soon(r, 100); len(steps) > 0; steps = soon(r, 100) {
			if !inOrder(steps) {
				t.Errorf("out of order: %+v", steps)
			}
			for _, s := range steps {
				if !s.ofMeter() {
					entries++
				}
			}
			batches++
			r.Landed(nil)
		}
		return batches, entries
	}
	if batches, entries := count(); batches != 2 || entries != len(full.Rules) {
		t.Errorf("%d entries of %d came in %d batches", entries, len(full.Rules), batches)
	}
	r.Want(leading(full, NewState()), 2, 2)
	if batches, entries := count(); batches != 3 || entries != len(full.Rules) {
		t.Errorf("%d entries of %d went in %d batches", entries, len(full.Rules), batches)
	}
}

// No more entries than asked for are sent at once.
func TestNextIsBounded(t *testing.T) {
	var rules []*Rule
	for n := range openflow.PortNo(7) {
		rules = append(rules, metered(false, n+1, 1, 0))
	}
	r := begun(rules...)
	var sizes []int
	for steps := soon(r, 3); len(steps) > 0; steps = soon(r, 3) {
		sizes = append(sizes, len(steps))
		r.Landed(nil)
	}
	if diff := gocmp.Diff([]int{3, 3, 1}, sizes); diff != "" {
		t.Error(diff)
	}
}

// Nothing is sent before it is known what the switch holds, nor while an answer
// is awaited, and nothing is confirmed.
func TestNextWaits(t *testing.T) {
	one := metered(true, 1, 1, 0)
	st := NewState()
	st.add(one)
	r := NewReconciler(st.Whole(), 5)
	if steps := soon(r, 10); len(steps) > 0 || r.UnderWay() {
		t.Errorf("sent before the switch has told: %+v", steps)
	}
	if c, all := r.Confirmed(); c != 0 || all != 0 {
		t.Errorf("confirmed are %d and %d", c, all)
	}
	r.Want(wanting(metered(false, 2, 1, 0)), 6, 6)
	r.Begin()
	if c, all := r.Confirmed(); c != 4 || all != 4 {
		t.Errorf("confirmed are %d and %d, though generation 5 has still to come", c, all)
	}
	if steps := soon(r, 10); len(steps) != 1 || steps[0].Rule != one {
		t.Errorf("sent first: %+v", steps)
	}
	if steps := soon(r, 10); len(steps) > 0 {
		t.Errorf("sent while an answer is awaited: %+v", steps)
	}
	r.Landed(nil)
	if c, all := r.Confirmed(); c != 6 || all >= 6 {
		t.Errorf("confirmed are %d and %d; the circuit alone is there", c, all)
	}
	drain(r)
	if c, all := r.Confirmed(); c != 6 || all != 6 {
		t.Errorf("confirmed are %d and %d", c, all)
	}
}

// A flow-removed message that crosses the message that installs the same entry
// leaves it open which came first: the entry is added anew.
func TestVanishedWhileUnderWay(t *testing.T) {
	one := metered(true, 1, 1, 0)
	r := begun(one)
	soon(r, 10)
	if r.Vanished(one.Key(), one.Cookie) {
		t.Error("an entry vanished that was not thought to be there")
	}
	r.Landed(nil)
	if c, _ := r.Confirmed(); c != 0 {
		t.Error("confirmed is what may be gone")
	}
	steps := soon(r, 10)
	if len(steps) != 1 || steps[0].Rule != one || steps[0].Message.(*openflow.FlowMod).Command != openflow.FlowAdd {
		t.Fatalf("sent: %+v", steps)
	}
	r.Landed(nil)
	if c, all := r.Confirmed(); c != 1 || all != 1 || len(soon(r, 10)) > 0 {
		t.Errorf("confirmed are %d and %d", c, all)
	}
	// What another owner's entry did, or one that went before, says nothing.
	r.Vanished(one.Key(), one.Cookie)
	soon(r, 10)
	r.Vanished(one.Key(), purpose.MakeCookie(purpose.Allocation, 99))
	r.Landed(nil)
	if steps := drain(r); len(steps) > 0 {
		t.Errorf("sent: %+v", steps)
	}
}

// A meter that nothing is to use any more stays as long as an entry goes
// through it, however long that takes.
func TestMeterStaysForItsEntries(t *testing.T) {
	m, _ := purpose.PortID(1)
	through := metered(false, 1, 1, m)
	st := NewState()
	st.add(through)
	st.Meters[m] = Meter{Rate: 1}
	r := NewReconciler(st.Whole(), 1)
	r.Begin()
	drain(r)
	p := NewPatch()
	p.Rules[through.Key()], p.Meters[m] = nil, nil
	r.Want(p, 2, 2)
	entry, meter := -1, -1
	for round := range 60 {
		r.Want(wanting(metered(true, 9, openflow.PortNo(1+round%2), 0)), uint64(3+round), uint64(3+round))
		for _, s := range soon(r, 10) {
			switch {
			case s.Removes != nil:
				entry = round
			case s.ofMeter():
				meter = round
			}
		}
		r.Landed(nil)
	}
	if entry < 0 || meter < 0 || meter <= entry {
		t.Errorf("the entry went in round %d, its meter in round %d", entry, meter)
	}
	if entry > 10 || meter > 20 {
		t.Errorf("they went in rounds %d and %d: circuits kept them waiting", entry, meter)
	}
}

// Of two patches the later one counts.
func TestMerge(t *testing.T) {
	was, is, other := metered(true, 1, 1, 0), metered(true, 1, 2, 0), metered(true, 2, 1, 0)
	p, later := wanting(was, other), wanting(is)
	one, _ := purpose.PortID(1)
	two, _ := purpose.PortID(2)
	p.Meters[one], later.Meters[one] = &Meter{Rate: 1}, nil
	later.Meters[two] = &Meter{Rate: 2}
	p.Merge(later)
	if p.Rules[is.Key()] != is || p.Rules[other.Key()] != other || len(p.Rules) != 2 {
		t.Errorf("rules %+v", p.Rules)
	}
	if diff := gocmp.Diff(map[openflow.MeterID]*Meter{one: nil, two: {Rate: 2}}, p.Meters); diff != "" {
		t.Errorf("meters %s", diff)
	}
}
