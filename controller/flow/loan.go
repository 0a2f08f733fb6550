package flow

import (
	"slices"
	"time"

	"conga/bitrate"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// A rate or a portion is little where a link is idle: best effort would give
// more. So circuits whose policers drop are lent what is free of the links on
// their path, as best effort would give it. Else a request for another's
// traffic would take its best effort.
//
//   - What meters had to carry shows what best effort and each such circuit
//     want. Where all of that fits, all get it, and those that want more half
//     of what is left. Where it does not, each gets the same part of what it
//     wants, as frames that share a queue do. What loses a larger part than all do
//     on average is taken to want more than it sends, as TCP does, up to an
//     equal share.
//   - What is lent is given up by best effort, so that the meters of a link
//     let through no more than its capacity. Best effort keeps a quarter of the
//     spare part at least, or a twentieth of the link, and half of the spare part
//     where it wants that.
//   - What is reserved for another circuit lessens loans that leave no room for
//     it, all by the same part, and the circuit is confirmed when they have become
//     less. So promises depend on no measurement.
//   - Loans change once in a few seconds, mostly by an eighth at least, and only
//     so many at once: policers are changed seldom, since a changed meter pays for
//     its burst. It pays with a tenth of its rate, so that what a loan begins with
//     is no less than there was without.
const (
	maxLoans    = 512              // circuits that are looked at
	leastLoan   = 8                // what is lent is more by this part at least, and changes by it
	loansAtOnce = 32               // loans that become larger in a round
	loanPause   = 4 * time.Second  // until a changed policer has paid, and counts what comes in
	bestPause   = time.Second      // the same of a meter of best effort
	loadFresh   = 20 * time.Second // what was counted before says nothing of now
	lossy       = 0.005            // the part of what enters a meter below which its losses are none
)

// Dropping notes that a meter of a switch drops. If it is a policer, or best
// effort's at a port with one circuit, [Wanted.Lend] looks at the circuit.
func (w *Wanted) Dropping(dpid openflow.DPID, meter openflow.MeterID) {
	s := w.sites[dpid]
	if s == nil || len(w.loans) >= maxLoans {
		return
	}
	if kind, of := purpose.ReadMeter(meter); kind == purpose.MeterBestEffort {
		w.contest(topology.PortID{DPID: dpid, Port: openflow.PortNo(of)})
		return
	}
	if len(s.meters[meter]) == 0 {
		return
	}
	if m := s.meters[meter][0].member; m.demand == nil && m.shared > 0 {
		m.demand = &demand{}
		w.loans[m] = true
	}
}

// Lending reports whether circuits have, or ask for, loans.
func (w *Wanted) Lending() bool { return len(w.loans) > 0 }

// Borrowing returns the switches on the ways of circuits that have, or ask for,
// loans.
func (w *Wanted) Borrowing() map[openflow.DPID]bool {
	dpids := map[openflow.DPID]bool{}
	for m := range w.loans {
		for i := range m.held {
			dpids[m.held[i].port.DPID] = true
		}
	}
	return dpids
}

// Lent returns what is lent to circuits, by ID.
func (w *Wanted) Lent() map[string]PerDirection {
	lent := map[string]PerDirection{}
	for m := range w.loans {
		if m.lent != (PerDirection{}) {
			lent[m.id] = m.lent
		}
	}
	return lent
}

// Lend changes loans as meters have counted, and reports whether any changed.
func (w *Wanted) Lend(loads Loads, now time.Time) (changed bool) {
	w.settle()
	w.measure(loads, now)
	limits := limits{}
	for p, borrowers := range w.borrowers() {
		w.divide(p, borrowers, limits)
	}
	left := loansAtOnce
	for _, up := range [...]bool{false, true} { // what others give up goes first
		for b, limit := range limits {
			if lent := w.loan(b, limit, up); lent != b.lent() && (left > 0 || !up) {
				w.grant(b.m, b.m.portion, b.lending(lent))
				b.need().changed = now.Add(loanPause)
				changed = true
				left--
			}
		}
	}
	for m := range w.loans {
		if w.pressed(m) {
			m.demand.pressed = now
		}
		if m.content() && now.Sub(m.demand.pressed) > contestTime {
			m.demand = nil
			delete(w.loans, m)
			changed = w.concede(m) || changed
		}
	}
	return changed
}

// content reports whether the circuit has no loan and drops nothing in any
// direction in which it has a rate.
func (m *member) content() bool {
	for d := range m.demand.of {
		x := &m.demand.of[d]
		counted := x.Dropped == 0 && x.At.After(x.changed)
		if m.lent[d] > 0 || !counted && m.leaves(direction(d)) {
			return false
		}
	}
	return true
}

// A sharing is how what is free of a port is shared by best effort and
// borrowers.
type sharing struct {
	free    bitrate.Rate   // that part of it, and what the borrowers reserve
	others  bitrate.Rate   // what other circuits get beyond their rates
	average float64        // the part that all lose
	equal   bitrate.Rate   // a part for each, if all are equal
	wants   []bitrate.Rate // of each borrower; 0 for those whose rate is more than their part
	sum     bitrate.Rate   // of what is wanted
	short   bitrate.Rate   // how many borrowers drop
}

// sharing returns how a port is shared.
func (w *Wanted) sharing(p topology.PortID, borrowers []borrower) sharing {
	u := w.usage(p)
	s, all := sharing{free: w.unreserved(p) - w.unreserved(p)/16, others: u.beyond}, u.best.Load // see givenUp
	for _, b := range borrowers {
		all.Entered += b.need().Entered
		all.Dropped += b.need().Dropped
		held := b.m.rateAt(p)
		s.free += held
		s.others -= min(beyond(held, b.m.least[b.d]), s.others)
		if b.need().Drops() {
			s.short++
		}
	}
	s.free -= min(s.others, s.free)
	s.average, s.equal = all.lost(), s.free/bitrate.Rate(len(borrowers)+1)
	best := s.free / 2 // if nothing is known
	if !u.best.At.IsZero() {
		best = u.best.wants(s.average, s.equal)
	}
	s.sum = max(best, w.kept(p, 2), 1)
	for _, b := range borrowers {
		wants := b.need().wants(s.average, s.equal)
		if b.need().Drops() {
			wants = max(wants, b.m.rateAt(p)) // TCP sends less than a policer lets through, and still loses
		}
		s.wants = append(s.wants, wants)
		s.sum += wants
	}
	s.setApart(p, borrowers)
	return s
}

// setApart takes the borrowers out of what is shared that have more by their
// rate than their part of what is wanted, or than they want.
func (s *sharing) setApart(p topology.PortID, borrowers []borrower) {
	apart := make([]bool, len(borrowers))
	for again := true; again; {
		again = false
		part := min(1, float64(s.free)/float64(s.sum))
		for i, b := range borrowers {
			held := b.m.rateAt(p)
			if content := !b.need().Drops() && s.wants[i] <= held; !apart[i] && (content || float64(s.wants[i])*part < float64(held)) {
				s.free -= min(held, s.free)
				s.sum -= s.wants[i]
				s.wants[i], apart[i], again = 0, true, true
			}
		}
	}
}

// divide lowers the limits of borrowers to what each may have of a port.
func (w *Wanted) divide(p topology.PortID, borrowers []borrower, limits limits) {
	if _, known := w.snapshot.Switches[p.DPID].Ports[p.Port]; !known {
		for _, b := range borrowers { // it goes on as it is
			limits.lower(b, limit{rate: bitrate.Rate(b.lent()) * bitrate.Kbps})
		}
		return
	}
	s := w.sharing(p, borrowers)
	left := s.free - min(s.sum, s.free)
	headroom := min(s.sum/4, left) // of all, which is not sent yet
	part := float64(min(s.sum, s.free)+headroom) / float64(s.sum)
	var beyond bitrate.Rate
	shares := make([]bitrate.Rate, len(borrowers)) // beyond their rates
	for i, b := range borrowers {
		share := bitrate.Rate(float64(s.wants[i]) * part)
		if b.need().Drops() && share > 0 {
			share += (left - headroom) / 2 / s.short
		}
		shares[i] = share - min(b.m.rateAt(p), share)
		beyond += shares[i]
	}
	room := w.lendable(p, 2)
	room -= min(s.others, room)
	part = min(1, float64(room)/max(float64(beyond), 1))
	for i, b := range borrowers {
		limits.lower(b, limit{b.m.rateAt(p) + bitrate.Rate(float64(shares[i])*part), headroom < s.sum/4})
	}
}

// limits are what borrowers may have of all their ports.
type limits map[borrower]limit

type limit struct {
	rate  bitrate.Rate
	tight bool // others want all that is left
}

func (l limits) lower(b borrower, to limit) {
	if was, set := l[b]; !set || to.rate < was.rate {
		l[b] = to
	}
}

// unreserved returns what is not reserved of a port.
func (w *Wanted) unreserved(p topology.PortID) bitrate.Rate {
	port := w.snapshot.Switches[p.DPID].Ports[p.Port]
	room := w.policy.Frames.Room(port.Capacity)
	return room - min(w.usage(p).reserved, room)
}

// lendable returns what circuits may get of a port beyond their rates, where
// best effort keeps a part of the spare part.
func (w *Wanted) lendable(p topology.PortID, part bitrate.Rate) bitrate.Rate {
	room := w.unreserved(p) - min(w.kept(p, part), w.unreserved(p))
	return room - room/16 // see givenUp
}

// kept returns what best effort keeps of a port: a part of the spare part, or a
// bit more than may be flooded.
func (w *Wanted) kept(p topology.PortID, part bitrate.Rate) bitrate.Rate {
	port := w.snapshot.Switches[p.DPID].Ports[p.Port]
	return max(w.policy.spare(port, w.usage(p).reserved)/part, port.Capacity/floodShare)
}

// loan returns what is to be lent to a borrower that may have so much; up says
// whether only loans that become larger change, or smaller.
func (w *Wanted) loan(b borrower, limit limit, up bool) uint32 {
	most, has := limit.rate, b.lent()
	if b.need().At.IsZero() { // it has counted nothing yet
		return has
	}
	if up {
		for i := range b.m.held {
			if u := &b.m.held[i]; u.in[b.d] {
				room := w.lendable(u.port, 4) // so that small loans need not wait for large ones
				most = min(most, u.rate+u.beyond(b.m.least)+room-min(u.of.beyond, room))
			}
		}
	}
	lent := b.worth(min(kbps(most), unlimited-1))
	switch {
	case up && lent > has+has/leastLoan,
		!up && lent < has/2,                     // what pauses may come again
		!up && limit.tight && lent < has-has/32: // others wait for it
		return lent
	}
	return has
}

// worth returns a loan, or 0 if it is little more than the circuit has without.
func (b borrower) worth(lent uint32) uint32 {
	own := max(b.m.portion, kbps(b.rate()))
	if b.lent() == 0 {
		own += own / leastLoan // a change costs a tenth of the rate for some seconds
	}
	if lent <= own {
		return 0
	}
	return lent
}

// rateAt returns what the circuit holds of a port that it uses.
func (m *member) rateAt(p topology.PortID) bitrate.Rate { return m.useOf(p).rate }

// useOf returns what the circuit makes of a port that it uses.
func (m *member) useOf(p topology.PortID) *use {
	return &m.held[slices.IndexFunc(m.held, func(u use) bool { return u.port == p })]
}

// recall lessens the loans of a port of which more is reserved than they leave.
func (w *Wanted) recall(p topology.PortID) {
	u := w.usage(p)
	if _, known := w.snapshot.Switches[p.DPID].Ports[p.Port]; u.lent == 0 || !known {
		return
	}
	free := w.unreserved(p)
	if givenUp(u.beyond) <= free-min(w.kept(p, 8), free) {
		return
	}
	left := w.lendable(p, 4)
	left -= min(u.beyond-u.lent, left)
	part := float64(left) / float64(u.lent)
	u.each(func(m *member) {
		lent := m.lent
		for d, leaves := range m.useOf(p).in {
			if leaves && m.lent[d] > 0 {
				lent[d] = borrower{m, direction(d)}.lessened(p, part)
			}
		}
		w.grant(m, m.portion, lent)
	})
}

// lessened returns what is left of a loan of which a part is left at a port. It
// becomes less by so much that the switch is asked for it at once.
func (b borrower) lessened(p topology.PortID, part float64) uint32 {
	held := b.m.rateAt(p)
	anyhow := held + beyond(held, b.m.portion)
	if held+beyond(held, b.m.least[b.d]) == anyhow {
		return b.lent() // what it has there is not lent
	}
	lent := anyhow + bitrate.Rate(part*float64(held+beyond(held, b.m.least[b.d])-anyhow))
	return b.worth(min(kbps(lent), b.lent()-b.lent()/leastLoan))
}
