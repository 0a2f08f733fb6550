package flow

import (
	"conga/controller/topology"
	"conga/openflow"
)

// hop is by which port a switch is to send frames for a host, as it was asked
// last.
type hop struct {
	port    openflow.PortNo // 0: it is to have no entry; or sink
	pending uint32          // how often that was asked for without having been confirmed
	whole   uint32          // the epoch in which the way from here was last found whole
	passed  uint32          // the epoch in which those behind were last decided for that
}

// sink in place of a port has a switch drop frames for a host.
const sink = openflow.PortAny

// live reports whether the switch may have an entry towards the host.
func (h hop) live() bool { return h.port != 0 || h.pending > 0 }

// asked is a hop that a switch was asked for.
type asked struct {
	station    *station
	generation uint64
}

// A Course is by which port a switch sends frames for a host.
type Course struct {
	Host topology.HostID
	Port openflow.PortNo // 0: it has no entry
}

// A Lapse says that a switch does not hold an entry towards a host that is
// wanted, or that it does again.
type Lapse struct {
	Host    topology.HostID
	Missing bool
	Refused bool // and will be missing for longer
}

// target is a host as it is seen from a switch.
type target struct {
	site    *site
	station *station
}

// hopOf returns the hop towards a host.
func (s *site) hopOf(x *station) hop {
	if x.slot < len(s.hops) {
		return s.hops[x.slot]
	}
	return hop{}
}

// hop returns the hop towards a host, to be changed.
func (s *site) hop(x *station) *hop {
	for len(s.hops) <= x.slot {
		s.hops = append(s.hops, hop{})
	}
	return &s.hops[x.slot]
}

// addStation returns a new host, which is nowhere yet.
func (w *Wanted) addStation(id topology.HostID) *station {
	x := newStation(id)
	if n := len(w.free); n > 0 {
		x.slot = w.free[n-1]
		w.free = w.free[:n-1]
		w.slots[x.slot] = x
	} else {
		x.slot = len(w.slots)
		w.slots = append(w.slots, x)
	}
	w.stations[id] = x
	return x
}

// dropStation forgets a host that has gone once no switch has an entry towards
// it.
func (w *Wanted) dropStation(x *station) {
	if x.at != topology.External || x.live > 0 {
		return
	}
	delete(w.stations, x.id)
	w.forgetAway(x)
	w.slots[x.slot] = nil
	w.free = append(w.free, x.slot)
	x.slot = noSlot
}

// ask has a switch send frames for a host by another port.
func (w *Wanted) ask(s *site, x *station, port openflow.PortNo, generation uint64) {
	h := s.hop(x)
	if !h.live() {
		x.live++
	}
	if h.whole == w.epoch { // so may be the ways of others, over this one
		w.epoch++
	}
	w.ease.leaves(s, x, *h)
	h.port, h.whole, h.passed = port, 0, 0
	h.pending++
	s.asked = append(s.asked, asked{x, generation})
	s.stations[x] = true
	w.touch(s.dpid)
}

// Confirmed takes note that a switch holds what was taken of its state up to a
// generation, but for what has lapsed. It reports whether there is more to be
// taken now.
func (w *Wanted) Confirmed(dpid openflow.DPID, all uint64, lapses []Lapse) (more bool) {
	s := w.sites[dpid]
	if s == nil {
		return false
	}
	for _, l := range lapses {
		w.lapse(s, l)
	}
	n := 0
	for ; n < len(s.asked) && s.asked[n].generation <= all; n++ {
		x := s.asked[n].station
		h := s.hop(x)
		if h.pending--; h.pending > 0 {
			continue
		}
		w.ease.confirmed(s, x)
		if w.due(s, x); len(w.lingering) > 0 {
			w.dueBeyond(s, x)
		}
		if !h.live() {
			x.live--
			w.dropStation(x)
		}
	}
	if s.asked = s.asked[n:]; len(s.asked) == 0 {
		s.asked = nil
	}
	return len(w.work) > 0
}

func (w *Wanted) lapse(s *site, l Lapse) {
	x := w.stations[l.Host]
	if x == nil {
		return
	}
	if s.lapses[x] {
		w.refusals--
	}
	if !l.Missing {
		delete(s.lapses, x)
	} else {
		if s.lapses[x] = l.Refused; l.Refused {
			w.refusals++
			w.dueBefore(s.dpid, x)
		}
		w.epoch++
	}
	w.due(s, x)
}

// Compared takes note of what a switch was found to hold: everything that
// [Wanted.Watch] returned of hosts, but for these. Where it goes by a way that
// is as short as any it goes on by that: after a restart nothing is rewritten
// for another choice among equals.
func (w *Wanted) Compared(dpid openflow.DPID, but []Course) {
	s := w.sites[dpid]
	if s == nil {
		return
	}
	s.compared = true
	for _, c := range but {
		x := w.stations[c.Host]
		if x == nil {
			continue
		}
		h := s.hop(x)
		if h.pending > 0 {
			continue // it is asked for something else by now
		}
		was := h.live()
		h.port = c.Port
		switch is := h.live(); {
		case was && !is:
			x.live--
		case is && !was:
			x.live++
		}
		s.stations[x] = true
		w.touch(s.dpid)
		if c.Port != 0 && x.at != topology.External {
			w.prefer(s, x.at.DPID, c.Port)
		}
	}
	for _, x := range w.slots {
		if x != nil {
			w.due(s, x)
		}
	}
	w.dueLingering() // it may not lead where it was expected to
}

// prefer has a switch go to another by a port if that way is as short as any.
func (w *Wanted) prefer(s *site, to openflow.DPID, port openflow.PortNo) {
	if !w.routes.Prefer(s.dpid, to, port) {
		return
	}
	w.epoch++
	for x := range w.homes[to] {
		w.due(s, x)
	}
}

// relink takes note that a port leads to a switch. What still goes out there
// because it led elsewhere before must not get to that switch.
func (w *Wanted) relink(from topology.PortID, to openflow.DPID) {
	s := w.sites[from.DPID]
	if s == nil {
		return
	}
	far, known := s.far[from.Port]
	if known && far == to {
		return
	}
	s.far[from.Port] = to
	for slot, h := range s.hops {
		if h.port == from.Port {
			w.diverted = append(w.diverted, target{s, w.slots[slot]})
		}
	}
	if known { // the next hop may be the same port, and have an entry now that the way is another
		for home, stations := range w.homes {
			if port, ok := w.routes.Next(s.dpid, home); ok && port == from.Port {
				for x := range stations {
					w.due(s, x)
				}
			}
		}
	}
}
