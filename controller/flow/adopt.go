package flow

import "conga/openflow"

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
