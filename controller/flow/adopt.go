package flow

import (
	"conga/controller/topology"
	"conga/openflow"
)

// Ways returns, of what a switch holds, by which port it sends frames to hosts
// at other switches, by these switches.
func Ways(present *State, s *topology.Snapshot, dpid openflow.DPID) map[openflow.DPID]openflow.PortNo {
	ways := map[openflow.DPID]openflow.PortNo{}
	for _, r := range present.Rules {
		kind, _, _ := ReadCookie(r.Cookie)
		if kind != KindForward || r.Priority != prioHost || len(r.Match) != 1 {
			continue
		}
		dst, ok := r.Match.Get(openflow.FieldEthDst)
		if !ok || dst.Masked() {
			continue
		}
		h, ok := s.Hosts.Get(dst.MAC())
		if port := outputOf(r); ok && h.At.DPID != dpid && port != 0 {
			ways[h.At.DPID] = port
		}
	}
	return ways
}

// outputOf returns the port that a rule sends to; 0 if there is none.
func outputOf(r *Rule) openflow.PortNo {
	for _, in := range r.Instructions {
		for _, a := range in.Actions {
			if a.Type == openflow.ActionOutput {
				return a.Port
			}
		}
	}
	return 0
}

// Adopt has a switch go on by the ways that it goes already, where they are as
// short as any: after a restart nothing is rewritten for another choice among
// equals.
func (w *Wanted) Adopt(dpid openflow.DPID, ways map[openflow.DPID]openflow.PortNo) {
	for to, port := range ways {
		if len(w.homes[to]) == 0 || !w.routes.Prefer(dpid, to, port) {
			continue
		}
		if s := w.touch(dpid); s != nil {
			s.destinations[to] = true
		}
	}
}
