package stats

import (
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// frames reports what the best-effort meters of a switch had to carry since the
// sample before.
func (p *Poller) frames(s *Sample) {
	if p.cfg.Frames == nil {
		return
	}
	for _, m := range s.Meters {
		if m.Kind == purpose.MeterBestEffort && m.EnteredRate != nil {
			p.cfg.Frames(topology.PortID{DPID: s.DPID, Port: openflow.PortNo(m.Of)}, *m.EnteredRate)
		}
	}
}
