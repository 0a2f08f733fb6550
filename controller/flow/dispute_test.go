package flow

import (
	"strings"
	"testing"
	"time"

	"conga/controller/purpose"
	"conga/openflow"
)

// What another program takes out again and again stays out longer and longer,
// but what keeps loops out never for long.
func TestGuardsAreNotLeftOut(t *testing.T) {
	for g, most := range map[guard]time.Duration{noGuard: mostPause, watch: firstPause, bar: firstPause} {
		rule := newRule(purpose.Control, tableLearning, prioPort, openflow.Match{openflow.InPort(1)})
		rule.guard = g
		st := NewState()
		st.add(rule)
		r := NewReconciler(st.Whole(), 1)
		r.Begin()
		now, longest := t0, time.Duration(0)
		for range 20 {
			since := now
			for len(r.Next(1, now)) == 0 {
				now = now.Add(time.Second)
				r.Retry(now)
			}
			longest = max(longest, now.Sub(since))
			r.Landed(nil)
			r.Clock(now)
			r.Vanished(rule.Key(), rule.Cookie)
		}
		if longest != most {
			t.Errorf("an entry of guard %d was left out for %v; want %v at most", g, longest, most)
		}
	}
}

// What does not stay is put right at once three times, then after pauses that
// grow from ten seconds to ten minutes; after five minutes in peace, pause and
// all, that begins anew.
func TestPausesOfADispute(t *testing.T) {
	d := &dispute{what: "meters"}
	now := t0
	for i, want := range []time.Duration{0, 0, 0, 10, 20, 40, 80, 160, 320, 600, 600} {
		if left := d.again(now, mostPause); left != (want > 0) || d.pause != want*time.Second {
			t.Errorf("the %d. time it is left for %v: %t", i+1, d.pause, left)
		}
		if d.resting(now) != (want > 0) || want > 0 && (!d.resting(d.until.Add(-1)) || d.resting(d.until)) {
			t.Errorf("the %d. time it rests until %v", i+1, d.until.Sub(now))
		}
		if now = now.Add(want*time.Second + time.Second); d.over(now) {
			t.Errorf("after the %d. time it is over at once", i+1)
		}
	}
	until := d.until
	if d.over(until.Add(peace)) || !d.over(until.Add(peace+1)) {
		t.Error("it is not over after five minutes in peace")
	}
	if d.again(until.Add(peace), mostPause) == false || d.times != 12 {
		t.Errorf("as long as it is not over it goes on: %+v", d)
	}
	if d.again(d.until.Add(peace+1), mostPause) || d.times != 1 || d.what != "meters" || d.pause != 0 {
		t.Errorf("it does not begin anew: %+v", d)
	}
	if (*dispute)(nil).resting(t0) {
		t.Error("nothing rests")
	}
}

// Only so much is kept of what a switch makes up, and each sort of what is
// changed again and again has a sentence of its own.
func TestDisputesAreBounded(t *testing.T) {
	st := NewState()
	rule := newRule(purpose.Control, tableLearning, prioPort, openflow.Match{openflow.InPort(1)})
	st.add(rule)
	r := NewReconciler(st.Whole(), 1)
	r.Begin()
	r.Clock(t0)
	circuit := openflow.EntryKey{Table: tableAllocations, Priority: prioAllocation}
	for range freeRepairs {
		r.contest(rule.Key(), pair[Rule]{want: rule})
		r.contest(circuit, pair[Rule]{have: rule})
		r.contestMeter(7)
	}
	if len(r.meddling()) != 0 || len(r.refused) != 0 || r.unmetered[7] != nil {
		t.Errorf("%q, %v", r.meddling(), r.unmetered)
	}
	r.contest(rule.Key(), pair[Rule]{want: rule})
	r.contestMeter(7)
	if said := r.meddling(); len(said) != 2 || !strings.Contains(said[0], "removes entries of best effort") || !strings.Contains(said[1], "removes meters") {
		t.Errorf("%q", said)
	}
	if r.refused[rule.Key()].err != ErrMeddled || r.unmetered[7] != ErrMeddled {
		t.Errorf("%v, %v", r.refused, r.unmetered)
	}
	for i := range 2 * mostDisputes {
		r.contest(openflow.EntryKey{Priority: uint16(i), Match: string(rune(i))}, pair[Rule]{have: rule})
		r.contestMeter(openflow.MeterID(1000 + i))
	}
	if len(r.disputes) != mostDisputes || len(r.meterDisputes) != mostDisputes {
		t.Errorf("%d and %d disputes", len(r.disputes), len(r.meterDisputes))
	}
	r.contestMeter(7) // one that is known is counted still
	if r.meterDisputes[7].times != freeRepairs+2 {
		t.Errorf("%+v", r.meterDisputes[7])
	}
	r.Clock(t0.Add(time.Hour))
	if r.endDisputes(); len(r.disputes)+len(r.meterDisputes) != 0 {
		t.Errorf("%d and %d disputes after an hour in peace", len(r.disputes), len(r.meterDisputes))
	}
}
