package flow

import (
	"math"
	"time"

	"conga/bitrate"
	"conga/controller/topology"
)

// arrivalPause is how long what a new policer counts does not tell what its
// circuit wants.
const arrivalPause = time.Second

// A Passage is what a port had to carry of late.
type Passage struct {
	At   time.Time
	Best bitrate.Rate // of best effort
	All  bitrate.Rate // that among it
}

// Passages returns what a port had to carry, if that is known.
type Passages func(topology.PortID) (Passage, bool)

// LendAtFirst lends to circuits that are policed since the last call. What they
// carry was best effort so far, or was not policed since they were alone on
// their ports, and would be held to their rates until it is seen to drop. So
// each is lent what the ports on its way carried, whosever that was, as far as
// it fits beside best effort, which loses nothing. What a circuit does not use
// is given back when that has been counted.
func (w *Wanted) LendAtFirst(passages Passages, now time.Time) {
	if len(w.joined)+len(w.arrived) == 0 {
		return
	}
	w.settle()
	for _, list := range [...][]*member{w.joined, w.arrived} { // what was there goes first
		for _, m := range list {
			w.lendAtFirst(m, passages, now)
		}
	}
	w.joined, w.arrived = nil, nil
}

func (w *Wanted) lendAtFirst(m *member, passages Passages, now time.Time) {
	if m.shared == 0 || m.demand != nil || len(w.loans) >= maxLoans/2 { // those that drop need some
		return
	}
	first, lent := &demand{}, PerDirection{}
	for d := range lent {
		lent[d] = w.firstLoan(borrower{m, direction(d)}, passages, now)
		first.of[d].changed = now.Add(arrivalPause)
	}
	if lent != (PerDirection{}) {
		m.demand = first
		w.loans[m] = true
		w.grant(m, m.portion, lent)
	}
}

// firstLoan returns what a circuit is lent in a direction before anything is
// known of it.
func (w *Wanted) firstLoan(b borrower, passages Passages, now time.Time) uint32 {
	most := bitrate.Rate(math.MaxUint64)
	for i := range b.m.held {
		u := &b.m.held[i]
		if !u.in[b.d] {
			continue
		}
		was, known := passages(u.port)
		if _, there := w.snapshot.Switches[u.port.DPID].Ports[u.port.Port]; !known || !there || now.Sub(was.At) >= loadFresh {
			return 0
		}
		left := w.lendable(u.port, 4)
		left -= min(u.of.beyond+was.Best, left)
		most = min(most, left, was.All)
	}
	if most == math.MaxUint64 {
		return 0
	}
	return b.worth(min(kbps(b.rate()+most), unlimited-1))
}
