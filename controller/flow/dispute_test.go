package flow

import (
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
