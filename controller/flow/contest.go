package flow

import (
	"time"

	"conga/controller/topology"
)

// A circuit that is alone on its ports is not policed, so that it may use what
// is free. Where best effort wants more than its meter lets through nothing is:
// the circuit and what that meter has left would fight for the queue, and a
// circuit that sends much would take of best effort what it was never promised.
// So it is contested: policed as if it shared the port, and lent what best
// effort would give it.

// contestTime is how long a circuit stays contested after best effort wanted
// more than it got.
const contestTime = 30 * time.Second

// contest has the circuit of a port policed, if there is one.
func (w *Wanted) contest(p topology.PortID) {
	u := w.usages[p.DPID][p.Port]
	if u == nil || u.circuits != 1 {
		return
	}
	u.each(func(m *member) {
		if m.contested || m.shared > 0 {
			return
		}
		m.contested = true
		w.share(m, 1)
		m.demand = &demand{}
		w.loans[m] = true
	})
}

// concede undoes contest, and reports whether there was anything to be undone.
func (w *Wanted) concede(m *member) bool {
	if !m.contested {
		return false
	}
	m.contested = false
	w.share(m, -1)
	return true
}

// pressed reports whether best effort wants more than it gets of a port of a
// contested circuit.
func (w *Wanted) pressed(m *member) bool {
	if m.contested {
		for i := range m.held {
			if m.held[i].of.best.Drops() {
				return true
			}
		}
	}
	return false
}

// Contested returns the circuits that are policed though they share no port.
func (w *Wanted) Contested() map[string]bool {
	contested := map[string]bool{}
	for m := range w.loans {
		if m.contested {
			contested[m.id] = true
		}
	}
	return contested
}
