package flow

import (
	"testing"

	"pgregory.net/rapid"

	"conga/controller/purpose"
	"conga/openflow"
)

// metered returns an entry of a circuit or of a host that goes through a meter,
// or through none.
func metered(circuit bool, n, out openflow.PortNo, meter openflow.MeterID) *Rule {
	in := openflow.Match{openflow.InPort(n)}
	if circuit {
		r := newRule(purpose.Allocation, tableAllocations, prioAllocation, in, through(meter, openflow.Output(out, 0))...)
		r.Cookie = purpose.MakeCookie(purpose.Allocation, uint64(n))
		return r
	}
	return newRule(purpose.Forward, tableForwarding, prioHost, in, through(meter, openflow.Output(out, 0))...)
}

func wanting(rules ...*Rule) Patch {
	p := NewPatch()
	for _, r := range rules {
		p.Rules[r.Key()] = r
	}
	return p
}

// What is wanted is confirmed also while something else changes faster than the
// switch answers.
func TestChurnStarvesNothing(t *testing.T) {
	m, _ := purpose.PortID(1)
	limit := func(p Patch, rate uint32) Patch {
		p.Meters[m] = &Meter{Rate: rate}
		return p
	}
	circuit := func(n int) Patch { return wanting(metered(true, 9, openflow.PortNo(1+n%2), 0)) }
	station := func(n int) Patch { return wanting(metered(false, 9, openflow.PortNo(1+n%2), 0)) }
	meters := func(n int) Patch { return limit(NewPatch(), uint32(10+n)) }
	gone := NewPatch()
	gone.Meters[m] = nil
	for name, c := range map[string]struct {
		first  Patch
		wanted Patch
		churn  func(int) Patch
	}{
		"an entry among circuits":          {NewPatch(), wanting(metered(false, 1, 1, 0)), circuit},
		"an entry among meters":            {NewPatch(), wanting(metered(false, 1, 1, 0)), meters},
		"a circuit among meters":           {NewPatch(), wanting(metered(true, 1, 1, 0)), meters},
		"a circuit through a meter":        {NewPatch(), limit(wanting(metered(true, 1, 1, m)), 1), meters},
		"a meter that changes again":       {NewPatch(), limit(NewPatch(), 1), meters},
		"a meter that goes among stations": {limit(NewPatch(), 1), gone, station},
		"a meter that goes among circuits": {limit(NewPatch(), 1), gone, circuit},
	} {
		r := NewReconciler(NewState().Whole(), 1)
		r.Begin()
		r.Want(c.first, 2, 2)
		for len(soon(r, 10)) > 0 {
			r.Landed(nil)
		}
		r.Want(c.wanted, 3, 3)
		generation := uint64(3)
		confirmed := func() bool {
			_, all := r.Confirmed()
			at := r.meters[m]
			return all >= 3 && (at.want != nil || at.have == nil)
		}
		for n := range 40 {
			generation++
			r.Want(c.churn(n), generation, generation)
			if soon(r, 10); n > 0 {
				generation++
				r.Want(c.churn(n+1), generation, generation) // while it is under way
			}
			if r.Landed(nil); confirmed() {
				break
			}
		}
		if !confirmed() {
			t.Errorf("%s is not confirmed after 40 answers", name)
		}
	}
}

// An entry is not sent before its meter is there, and a meter does not go
// before the entries that use it, whatever changes meanwhile.
func TestMetersOutliveTheirEntries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		was, r := NewState(), NewReconciler(NewState().Whole(), 1)
		r.Begin()
		d := &bench{T: t, r: r, holds: NewState(), excused: map[openflow.EntryKey]bool{}}
		change := func(generation uint64) {
			now := NewState()
			for n := openflow.PortNo(1); n <= 4; n++ {
				meter := openflow.MeterID(rapid.IntRange(0, 3).Draw(t, "meter"))
				if meter != 0 {
					meter, _ = purpose.PortID(openflow.PortNo(meter))
					now.Meters[meter] = Meter{Rate: uint32(rapid.IntRange(1, 2).Draw(t, "rate"))}
				}
				if rapid.Bool().Draw(t, "wanted") {
					now.add(metered(n <= 2, n, 1, meter))
				}
			}
			p := NewPatch()
			for k := range was.Rules {
				p.Rules[k] = nil
			}
			for id := range was.Meters {
				p.Meters[id] = nil
			}
			for k, rule := range now.Rules {
				p.Rules[k] = rule
			}
			for id, m := range now.Meters {
				p.Meters[id] = &m
			}
			was = now
			r.Want(p, generation, generation)
		}
		generation := uint64(1)
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			if rapid.Bool().Draw(t, "changes") {
				generation++
				change(generation)
				continue
			}
			if !r.UnderWay() {
				d.pending = soon(r, rapid.IntRange(1, 3).Draw(t, "most"))
				continue
			}
			for _, s := range d.pending {
				d.carryOut(s)
			}
			d.pending = nil
			r.Landed(nil)
			for _, rule := range d.holds.Rules {
				if _, there := d.holds.Meters[rule.meter()]; rule.meter() != 0 && !there {
					t.Fatalf("%+v is there without its meter", rule)
				}
			}
		}
		for range 40 {
			for _, s := range d.pending {
				d.carryOut(s)
			}
			r.Landed(nil)
			d.pending = soon(r, 3)
		}
		if diff := difference(d.holds, was); diff != "" {
			t.Fatal("in the end the switch ", diff)
		}
	})
}

// What was to be sent next may have become right, and something else wrong.
func TestNextLooksBehindWhatNeedsNothing(t *testing.T) {
	r := NewReconciler(NewState().Whole(), 1)
	r.Begin()
	var rules []*Rule
	for n := range openflow.PortNo(4) {
		rules = append(rules, metered(false, n+1, 1, 0))
	}
	r.Want(wanting(rules[:3]...), 2, 2)
	soon(r, 1)
	p := wanting(rules[3])
	for _, rule := range rules[:3] {
		p.Rules[rule.Key()] = nil
	}
	r.Want(p, 3, 3)
	for r.UnderWay() {
		r.Landed(nil)
		soon(r, 1)
	}
	if _, all := r.Confirmed(); all != 3 {
		t.Errorf("nothing is under way, and generation %d is confirmed of 3", all)
	}
}
