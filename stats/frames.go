package stats

import (
	"time"

	"conga/bitrate"
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

// A MeterLoad is what a meter of a circuit, or of best effort, had to carry.
type MeterLoad struct {
	Kind             purpose.MeterKind
	Of               uint32 // as of [purpose.ReadMeter]
	Span             time.Duration
	Entered, Dropped bitrate.Rate // over that
}

// leastAge is how old a meter must be to say how fast traffic goes.
const leastAge = time.Second

// loads reports what the meters of circuits, those that are idle excepted, and
// of best effort had to carry since the sample before, a span ago, or since
// they are there.
func (p *Poller) loads(s *Sample, span time.Duration) {
	p.sends(s)
	if p.cfg.Loads != nil {
		p.cfg.Loads(s.DPID, s.At, p.loadsOf(s, span))
	}
}

// sends reports what the ports of a switch have sent since the sample before.
func (p *Poller) sends(s *Sample) {
	if p.cfg.Sends == nil {
		return
	}
	rates := map[openflow.PortNo]bitrate.Rate{}
	for i := range s.Ports {
		if r := s.Ports[i].SendRate; r != nil && r.Bits > 0 {
			rates[s.Ports[i].No] = r.Bits
		}
	}
	p.cfg.Sends(s.DPID, s.At, rates)
}

// loadsOf returns what loads reports.
func (p *Poller) loadsOf(s *Sample, span time.Duration) (loads []MeterLoad) {
	for i := range s.Meters {
		m := &s.Meters[i]
		if m.Kind != purpose.MeterBestEffort && (m.Kind != purpose.MeterPolicer || m.Entered == (Volume{})) {
			continue
		}
		l := MeterLoad{Kind: m.Kind, Of: m.Of, Span: span}
		entered, dropped := m.EnteredRate, m.DroppedRate
		if entered == nil && m.Age >= leastAge && m.Age <= max(span, p.cfg.Interval) {
			l.Span = m.Age
			entered, dropped = counted(m.Entered, Volume{}, m.Age), counted(m.Dropped, Volume{}, m.Age)
		}
		if entered == nil || dropped == nil || l.Kind == purpose.MeterPolicer && entered.Bits == 0 {
			continue
		}
		l.Entered, l.Dropped = entered.Bits, dropped.Bits
		loads = append(loads, l)
	}
	return loads
}
