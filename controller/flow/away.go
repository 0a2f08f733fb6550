package flow

import "conga/openflow"

// A switch whose session has ended goes on forwarding by what it held, and
// others may be led to it for as long as the network has links of it.

// leaveAway keeps by which ports a switch that is not watched any more sends
// frames for hosts, where that is certain.
func (w *Wanted) leaveAway(s *site) {
	delete(w.away, s.dpid)
	if !s.compared {
		return
	}
	held := make([]openflow.PortNo, len(s.hops))
	for slot, h := range s.hops {
		if x := w.slots[slot]; x != nil && h.pending == 0 {
			if _, lapsed := s.lapses[x]; !lapsed {
				held[slot] = h.port
			}
		}
	}
	w.away[s.dpid] = held
}

// reachesAway does what reaches does for a switch that is not watched.
func (w *Wanted) reachesAway(dpid openflow.DPID, x *station) wayState {
	held := w.heldAway(dpid, x)
	if held == 0 {
		return open
	}
	if port, state := w.way(dpid, x); state != whole || held != port {
		return open
	}
	return whole
}

// heldAway returns by which port a switch that is not watched sends frames for
// a host; 0 if that is not certain.
func (w *Wanted) heldAway(dpid openflow.DPID, x *station) openflow.PortNo {
	if held := w.away[dpid]; x.slot < len(held) {
		return held[x.slot]
	}
	return 0
}

// forgetAway forgets what switches held of a host.
func (w *Wanted) forgetAway(x *station) {
	for _, held := range w.away {
		if x.slot < len(held) {
			held[x.slot] = 0
		}
	}
}
