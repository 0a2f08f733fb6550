package path

import (
	"conga/controller/topology"
	"conga/openflow"
)

// Unqueued returns the first port of a path at which the switch is known not to
// use the queue for allocated traffic, in either direction; ok is false if
// there is none.
func Unqueued(s *topology.Snapshot, p Path) (at topology.PortID, ok bool) {
	for _, h := range p {
		ports := s.Switches[h.DPID].Ports
		for _, no := range [...]openflow.PortNo{h.In, h.Out} {
			if ports[no].Unqueued {
				return topology.PortID{DPID: h.DPID, Port: no}, true
			}
		}
	}
	return topology.External, false
}
