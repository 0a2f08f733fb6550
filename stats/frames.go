package stats

import (
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// frames reports what the best-effort meters of a switch had to carry since the
// sample before.
func (p *Poller) frames(s *Sample) {
	p.received(s)
	if p.cfg.Frames == nil {
		return
	}
	for _, m := range s.Meters {
		if m.Kind == purpose.MeterBestEffort && m.EnteredRate != nil {
			p.cfg.Frames(topology.PortID{DPID: s.DPID, Port: openflow.PortNo(m.Of)}, *m.EnteredRate)
		}
	}
}

// received reports how fast packets come in by all ports of a switch, as far as
// that is known.
func (p *Poller) received(s *Sample) {
	if p.cfg.Received == nil {
		return
	}
	packets, known := 0.0, false
	for i := range s.Ports {
		if r := s.Ports[i].ReceiveRate; r != nil {
			packets, known = packets+r.Packets, true
		}
	}
	if known {
		p.cfg.Received(s.DPID, packets)
	}
}
