package flow

import (
	"conga/controller/topology"
	"conga/openflow"
)

// A switch without an entry towards a host floods its frames over the tree; one
// with an entry may send them by a link beside the tree. So that no frame meets
// an entry, is flooded, and meets that entry again, a switch is asked for an
// entry, or for another port in it, only when the next switch and all beyond it
// have confirmed theirs. Entries towards a host spread from its switch outward,
// and so do changes of them:
//
//   - What a switch holds, or may hold since it was asked, is a port. These
//     ports never form a ring: a switch is only ever asked for a port from
//     which the ports that are confirmed lead to the host, and the switch is
//     not among those, since its own is not confirmed then.
//   - Where there is an entry, there are entries up to the host, so nothing is
//     flooded after it has met one. A switch that others lead to, and whose own
//     entry has gone and cannot come back yet, drops.
//   - Entries go the other way round: a switch loses its own when no other one
//     leads to it any more.
//
// A switch that refuses an entry has those behind it go without.
type wayState uint8

const (
	open   wayState = iota // some switch beyond has not confirmed its entry
	whole                  // all have
	barred                 // one beyond refuses it
	noWay                  // the host has gone, or no link leads there
)

// due has the hop of a switch towards a host decided.
func (w *Wanted) due(s *site, x *station) {
	if w.policy.Forwarding == ForwardL2 {
		w.work = append(w.work, target{s, x})
	}
}

// spread asks switches for the hops that may be asked for by now.
func (w *Wanted) spread(generation uint64) {
	for _, t := range w.diverted {
		if !t.site.gone && t.station.slot != noSlot {
			w.ask(t.site, t.station, sink, generation)
			w.due(t.site, t.station)
		}
	}
	w.diverted = nil
	for len(w.work) > 0 {
		last := len(w.work) - 1
		t := w.work[last]
		w.work = w.work[:last]
		if !t.site.gone && t.station.slot != noSlot {
			w.decide(t.site, t.station, generation)
		}
	}
}

func (w *Wanted) decide(s *site, x *station, generation uint64) {
	h := s.hopOf(x)
	delete(w.lingering, target{s, x})
	switch port, state := w.way(s.dpid, x); {
	case h.port == 0 && state != whole:
		if state == open && s.compared && w.leadsHere(s, x, false) {
			w.ask(s, x, sink, generation)
		}
	case state == whole && h.port != port && h.port != 0 && w.putsOff(s, x, port):
	case state == whole && h.port != port:
		w.ask(s, x, port, generation)
	case state == barred:
		w.ask(s, x, 0, generation)
		w.dueBefore(s.dpid, x)
	case state == noWay && w.leadsHere(s, x, true):
		w.lingering[target{s, x}] = true
	case state == noWay:
		w.ask(s, x, 0, generation)
	}
	if w.reaches(s.dpid, x) == whole && s.hopOf(x).passed != w.epoch {
		s.hop(x).passed = w.epoch
		w.dueBehind(s.dpid, x)
	}
}

// way returns the port by which a switch should send frames for a host, and
// whether it may.
func (w *Wanted) way(dpid openflow.DPID, x *station) (openflow.PortNo, wayState) {
	switch {
	case x.at == topology.External:
		return 0, noWay
	case x.at.DPID == dpid:
		return x.at.Port, whole
	}
	port, far, ok := w.routes.toward(dpid, x.at.DPID)
	if !ok {
		return 0, noWay
	}
	return port, w.reaches(far, x)
}

// reaches returns whether frames for a host that are at a switch get there by
// entries that are confirmed.
func (w *Wanted) reaches(dpid openflow.DPID, x *station) wayState {
	s := w.sites[dpid]
	if s == nil {
		return w.reachesAway(dpid, x)
	}
	h := s.hopOf(x)
	if h.whole == w.epoch {
		return whole
	}
	refused, missing := s.lapses[x]
	if refused {
		return barred
	}
	sure := s.compared && !missing && h.pending == 0
	if !sure && w.refusals == 0 {
		return open
	}
	switch port, state := w.way(s.dpid, x); {
	case state == whole && sure && h.port == port:
		s.hop(x).whole = w.epoch
		return whole
	case state == barred:
		return barred
	}
	return open
}

// leadsHere reports whether another switch sends frames for a host to this one,
// or, if that counts, may still do so.
func (w *Wanted) leadsHere(s *site, x *station, unconfirmed bool) bool {
	for from, port := range w.routes.before(s.dpid) {
		c := w.sites[from]
		if c == nil {
			continue
		}
		if h := c.hopOf(x); h.port == port && (unconfirmed || c.compared) || unconfirmed && h.pending > 0 {
			return true
		}
	}
	return false
}

// dueBehind has the hops decided that are to lead to a switch, also by way of
// switches that are away.
func (w *Wanted) dueBehind(dpid openflow.DPID, x *station) {
	for from := range w.routes.behind(dpid, x.at.DPID) {
		switch c := w.sites[from]; {
		case c != nil && c.hopOf(x).passed != w.epoch:
			w.due(c, x)
		case c == nil && w.reachesAway(from, x) == whole:
			w.dueBehind(from, x)
		}
	}
}

// dueBefore has the hops decided that lead to a switch, also by way of switches
// that are away, where those forward as the routes have it.
func (w *Wanted) dueBefore(dpid openflow.DPID, x *station) {
	for from, port := range w.routes.before(dpid) {
		switch c := w.sites[from]; {
		case c != nil && c.hopOf(x).port == port:
			w.due(c, x)
		case c == nil && w.heldAway(from, x) == port:
			if next, ok := w.routes.Next(from, x.at.DPID); ok && next == port { // so this comes to an end
				w.dueBefore(from, x)
			}
		}
	}
}

// dueBeyond has the hops decided of the switches to which links lead.
func (w *Wanted) dueBeyond(s *site, x *station) {
	for to := range w.routes.after(s.dpid) {
		if c := w.sites[to]; c != nil && c.hopOf(x).port != 0 {
			w.due(c, x)
		}
	}
}

// dueLingering has the entries decided that stay because others lead to them.
func (w *Wanted) dueLingering() {
	for t := range w.lingering {
		w.work = append(w.work, t)
	}
	clear(w.lingering)
}
