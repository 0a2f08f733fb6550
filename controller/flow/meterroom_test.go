package flow

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// A cramped switch has room for so many meters.
type cramped struct {
	r      *Reconciler
	most   int
	meters map[openflow.MeterID]bool
	log    []string // what it was sent, and refused
	before func()   // called before it answers, if not nil
}

// follow has the switch take what it is sent until nothing comes any more.
func (c *cramped) follow(t *testing.T) {
	t.Helper()
	for range 50 {
		steps := soon(c.r, 100)
		if len(steps) == 0 {
			return
		}
		refused := map[int]error{}
		for i, st := range steps {
			m, ok := st.Message.(*openflow.MeterMod)
			switch {
			case !ok:
				fm := st.Message.(*openflow.FlowMod)
				c.log = append(c.log, fmt.Sprintf("entry %d", fm.Command))
				if st.Rule != nil && !c.meters[fm.Instructions[1].Meter] {
					refused[i] = errFull
					c.log = append(c.log, "refused")
				}
			case m.Command == openflow.MeterDelete:
				delete(c.meters, m.ID)
				c.log = append(c.log, "delete")
			case m.Command == openflow.MeterAdd && len(c.meters) >= c.most:
				refused[i] = outOfMeters
				c.log = append(c.log, "refused")
			case m.Command == openflow.MeterAdd:
				c.meters[m.ID] = true
				c.log = append(c.log, "add")
			}
		}
		if c.before != nil {
			c.before()
		}
		c.r.Landed(refused)
	}
	t.Fatalf("no end of it: %v", c.log)
}

// A meter for which there is no room waits for one that is leaving, and its
// entry with it; where none is leaving, it is refused.
func TestMeterWaitsForRoom(t *testing.T) {
	a, b, c := purpose.PolicerID(1), purpose.PolicerID(2), purpose.PolicerID(3)
	through := func(id openflow.MeterID, port openflow.PortNo) *Rule {
		return newRule(purpose.Allocation, 0, prioAllocation, openflow.Match{openflow.InPort(port)}, through(id, openflow.Output(9, 0))...)
	}
	for name, numbers := range map[string]*Numbers{"any numbers": nil, "a range": NewNumbers(1, shortBurst)} {
		t.Run(name, func(t *testing.T) {
			st := NewState()
			st.add(through(a, 1))
			st.Meters[a] = police(1000, shortBurst)
			sw := newCramped(t, st, numbers)

			p := NewPatch()
			m := police(2000, shortBurst)
			p.Rules[through(a, 1).Key()], p.Meters[a] = nil, nil
			p.Rules[through(b, 2).Key()], p.Meters[b] = through(b, 2), &m
			sw.r.Want(p, 2, 2)
			sw.follow(t)
			want := []string{"entry 4", "delete", "add", "entry 0"}
			if numbers == nil {
				want = slices.Insert(want, 0, "refused", "entry 0", "refused") // how full it is shows then
			}
			if !slices.Equal(sw.log, want) || !sw.meters[numbers.Number(b)] {
				t.Errorf("sent is %v, want %v; the switch has %v", sw.log, want, sw.meters)
			}
			if _, err := sw.r.Refused(); err != nil {
				t.Errorf("refused: %v", err)
			}

			p = NewPatch()
			p.Rules[through(c, 3).Key()], p.Meters[c] = through(c, 3), &m
			sw.r.Want(p, 3, 3)
			sw.follow(t)
			if holds, short := sw.r.Short(); !short || holds != 1 {
				t.Errorf("it holds %d and is short: %t", holds, short)
			}
		})
	}
}

// An entry that passes from one circuit's meter to another's, in a switch whose
// meters are all in use, goes from the one to the other.
func TestEntryChangesMetersWhereThereIsNoRoom(t *testing.T) {
	a, b := purpose.PolicerID(1), purpose.PolicerID(2)
	through := func(id openflow.MeterID) *Rule {
		r := newRule(purpose.Allocation, 0, prioAllocation, openflow.Match{openflow.InPort(1)}, through(id, openflow.Output(9, 0))...)
		r.Cookie = purpose.MakeCookie(purpose.Allocation, uint64(id-purpose.PolicerID(0)))
		return r
	}
	for name, numbers := range map[string]*Numbers{"any numbers": nil, "a range": NewNumbers(1, shortBurst)} {
		t.Run(name, func(t *testing.T) {
			st := NewState()
			st.add(through(a))
			st.Meters[a] = police(1000, shortBurst)
			sw := newCramped(t, st, numbers)

			p := NewPatch()
			m := police(2000, shortBurst)
			p.Meters[a] = nil
			p.Rules[through(b).Key()], p.Meters[b] = through(b), &m
			sw.r.Want(p, 2, 2)
			sw.r.Want(NewPatch(), 3, 3) // what comes later does not make it confirmed
			sw.before = func() {
				if circuits, _ := sw.r.Confirmed(); circuits != 1 && sw.log[len(sw.log)-1] != "entry 0" {
					t.Errorf("generation %d counts as confirmed after %v", circuits, sw.log)
				}
			}
			sw.follow(t)
			want := []string{"entry 4", "delete", "add", "entry 0"}
			if numbers == nil {
				want = slices.Insert(want, 0, "refused", "entry 0", "refused") // how full it is shows then
			}
			if !slices.Equal(sw.log, want) || !sw.meters[numbers.Number(b)] {
				t.Errorf("sent is %v, want %v; the switch has %v", sw.log, want, sw.meters)
			}
			if circuits, all := sw.r.Confirmed(); circuits != 3 || all != 3 {
				t.Errorf("confirmed are %d and %d, want 3", circuits, all)
			}
		})
	}
}

// A switch that refuses meters in packets/s, and takes others, lacks those; one
// that takes none lacks meters. What is wrong with one meter says nothing of
// others.
func TestBlamedMeters(t *testing.T) {
	refusal := func(typ openflow.ErrorType, code uint16) error { return &openflow.Error{ErrType: typ, Code: code} }
	meter := func(code openflow.MeterModFailedCode) error {
		return refusal(openflow.ErrorTypeMeterModFailed, uint16(code))
	}
	unknown := refusal(openflow.ErrorTypeBadRequest, 1)
	bits, packets := &Meter{Rate: 9}, &Meter{Rate: 9, Packets: true}
	burst, bursts := &Meter{Rate: 9, Burst: 9}, &Meter{Rate: 9, Burst: 9, Packets: true}
	for name, c := range map[string]struct {
		held   []*Meter
		asked  *Meter
		err    error
		bursts bool
		want   topology.Lacks
	}{
		"no meters at all":                {nil, bits, unknown, false, topology.LacksMeters},
		"nor in packets/s":                {nil, packets, unknown, false, topology.LacksMeters},
		"bad flags":                       {nil, packets, meter(openflow.MeterModFailedBadFlags), false, topology.LacksPacketRates},
		"others are taken":                {[]*Meter{bits}, packets, unknown, false, topology.LacksPacketRates},
		"such are taken":                  {[]*Meter{packets}, packets, unknown, false, 0},
		"one of others, such are taken":   {[]*Meter{packets}, bits, unknown, false, 0},
		"no room":                         {nil, bits, meter(openflow.MeterModFailedOutOfMeters), false, 0},
		"another has the number":          {nil, bits, meter(openflow.MeterModFailedMeterExists), false, 0},
		"bursts":                          {nil, burst, meter(openflow.MeterModFailedBadFlags), true, topology.LacksBursts},
		"bursts of packets":               {nil, bursts, meter(openflow.MeterModFailedBadFlags), false, topology.LacksBursts},
		"packets, as it has bursts":       {nil, bursts, meter(openflow.MeterModFailedBadFlags), true, topology.LacksPacketRates},
		"packets, as one has a burst":     {[]*Meter{burst}, bursts, meter(openflow.MeterModFailedBadFlags), false, topology.LacksPacketRates},
		"its burst":                       {[]*Meter{burst}, burst, meter(openflow.MeterModFailedBadBurst), true, topology.LacksBursts},
		"its rate":                        {nil, packets, meter(openflow.MeterModFailedBadRate), false, 0},
		"no answer of the switch":         {nil, bits, errors.New("it has gone"), false, 0},
		"none was refused":                {nil, bits, nil, false, 0},
		"no meter, but something refused": {nil, nil, unknown, false, 0},
	} {
		r := NewReconciler(NewState().Whole(), 1)
		for i, m := range c.held {
			r.meters[openflow.MeterID(i+1)] = pair[Meter]{have: m}
		}
		steps := []Step{{}, {Meter: c.asked}}
		if got := r.BlameMeters(steps, map[int]error{1: c.err}, c.bursts); got != c.want {
			t.Errorf("%s: it lacks %v, want %v", name, got, c.want)
		}
	}
}

// newCramped returns a switch with room for one meter that holds what it
// should.
func newCramped(t *testing.T, st *State, numbers *Numbers) *cramped {
	t.Helper()
	sw := &cramped{r: NewReconciler(st.Whole(), 1), most: 1, meters: map[openflow.MeterID]bool{}}
	sw.r.Suit(numbers, shortBurst)
	sw.r.Begin()
	sw.follow(t)
	sw.log = nil
	return sw
}

// A switch is short of meters if it has no room for one that is wanted; how
// many of ours it holds is how many it has room for.
func TestShortOfMeters(t *testing.T) {
	r := NewReconciler(NewState().Whole(), 1)
	for id, at := range map[openflow.MeterID]pair[Meter]{1: {have: &Meter{}}, 2: {want: &Meter{}, have: &Meter{}}, 3: {want: &Meter{}}} {
		r.meters[id] = at
	}
	for name, c := range map[string]struct {
		unmetered map[openflow.MeterID]error
		want      bool
	}{
		"none is refused":          {nil, false},
		"one that is wanted is":    {map[openflow.MeterID]error{3: outOfMeters}, true},
		"one that is not wanted":   {map[openflow.MeterID]error{1: outOfMeters, 9: outOfMeters}, false},
		"for another reason":       {map[openflow.MeterID]error{3: ErrMeddled}, false},
		"for another, and for one": {map[openflow.MeterID]error{2: ErrMeddled, 3: outOfMeters}, true},
	} {
		r.unmetered = c.unmetered
		if holds, short := r.Short(); holds != 2 || short != c.want {
			t.Errorf("%s: it holds %d and is short: %t", name, holds, short)
		}
	}
}
