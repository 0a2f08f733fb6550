package flow

import (
	"time"

	"conga/bitrate"
	"conga/controller/purpose"
	"conga/openflow"
)

// A Load is what a meter had to carry in a span of time.
type Load struct {
	At               time.Time // its end
	Span             time.Duration
	Entered, Dropped bitrate.Rate
}

// Drops reports whether the meter dropped so much that its circuit may want a
// loan.
func (l Load) Drops() bool { return l.lost() > lossy }

// lost returns the part of what entered that was dropped.
func (l Load) lost() float64 {
	if l.Entered == 0 {
		return 0
	}
	return float64(l.Dropped) / float64(l.Entered)
}

// counts reports whether the load is that of a meter that last changed at a
// moment, and is not old.
func (l Load) counts(changed, now time.Time) bool {
	return !l.At.Add(-l.Span).Before(changed) && now.Sub(l.At) < loadFresh
}

// wants returns what traffic with this load would take, where all on its way
// lose a part on average, and an equal share is so much.
func (l Load) wants(average float64, equal bitrate.Rate) bitrate.Rate {
	if l.lost() > max(lossy, 1.5*average) {
		return max(l.Entered, min(3*(l.Entered-l.Dropped), equal)) // what sends again waits for answers
	}
	return l.Entered
}

// A demand is that of a circuit that wants more than its portion.
type demand struct {
	of      [directions]need
	pressed time.Time // when best effort last wanted more than it got of a port; see contest.go
}

// A need is what a circuit's policers in a direction had to carry.
type need struct {
	Load
	changed time.Time // when its loan last was
}

// A bestLoad is what best effort had to carry of a port.
type bestLoad struct {
	Load
	stirred bool      // its meter may have changed since changed was set
	changed time.Time // when its meter last was
}

// Loads returns what a meter of a switch had to carry, in the last span that is
// known. A policer that is not known is idle.
type Loads func(openflow.DPID, openflow.MeterID) (Load, bool)

// measure takes in what the meters of borrowers, and of best effort on their
// ports, had to carry. What was counted while a meter changed is left out.
func (w *Wanted) measure(loads Loads, now time.Time) {
	for m := range w.loans {
		for d := range m.demand.of {
			m.measure(direction(d), loads, now)
		}
	}
	for p := range w.borrowers() {
		b := &w.usage(p).best
		if b.stirred {
			b.stirred, b.changed = false, now.Add(bestPause)
		}
		id, _ := purpose.PortID(p.Port)
		l, known := loads(p.DPID, id)
		switch {
		case !known || !l.counts(time.Time{}, now):
		case l.counts(b.changed, now):
			b.Load = l
		case l.Entered > b.Entered: // or more: a changed meter counts anew
			b.Load = l
		}
	}
}

// measure takes in what the policers of a direction had to carry. A circuit
// that moves has two: what loses more counts.
func (m *member) measure(d direction, loads Loads, now time.Time) {
	var l Load
	for _, x := range m.policers(d) {
		end, known := loads(x.dpid, x.id)
		if !known {
			continue
		}
		if end.lost() > l.lost() || l.lost() == end.lost() && end.Entered > l.Entered {
			end.At, end.Span = later(end, l)
			l = end
		} else {
			l.At, l.Span = later(l, end)
		}
	}
	if b := &m.demand.of[d]; l.At.After(b.At) && l.counts(b.changed, now) {
		l.Entered = max(l.Entered, b.Entered/2) // what pauses may come again
		b.Load = l
	}
}

// later returns the end of the later load, and the longer span.
func later(a, b Load) (at time.Time, span time.Duration) {
	if at = a.At; b.At.After(at) {
		at = b.At
	}
	return at, max(a.Span, b.Span)
}

// placedMeter is a meter in a switch.
type placedMeter struct {
	dpid openflow.DPID
	id   openflow.MeterID
}

// policers returns the meters that police the circuit in a direction.
func (m *member) policers(d direction) (list []placedMeter) {
	id := purpose.PolicerID(m.handle)
	if d == reverse {
		id = purpose.BackPolicerID(m.handle)
	}
	for i := range m.listed {
		if c := &m.listed[i]; len(c.Path) > 0 {
			list = append(list, placedMeter{enters(c, d), id})
		}
	}
	return list
}
