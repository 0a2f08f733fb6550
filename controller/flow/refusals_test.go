package flow

import (
	"errors"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"conga/controller/purpose"
	"conga/openflow"
)

var errFull = errors.New("table full")

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
