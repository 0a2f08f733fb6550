package controller

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"conga/controller/discovery"
	"conga/controller/flow"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// fieldsMost is more than the match of any entry of ours has.
const fieldsMost = 40

// receive takes in what the switch says unasked. It runs on the connection's
// reader, in order.
func (s *session) receive(ctx context.Context, m openflow.Message) {
	switch m := m.(type) {
	case *openflow.PacketIn:
		s.packetIn(m)
	case *openflow.PortStatus:
		if !s.countPort(m) {
			return
		}
		s.post(ctx, portStatus{s, m.Reason, m.Port, s.statuses.Add(1)})
	case *openflow.FlowRemoved:
		m.Cookie = s.instance().Unmark(m.Cookie)
		if !purpose.Ours(m.Cookie) || purpose.InstanceOf(m.Cookie) != 0 || len(m.Match) > fieldsMost {
			return
		}
		s.cfg.Removed(s.dpid, m)
		select {
		case s.removed <- m:
		default:
			select {
			case s.missed <- struct{}{}:
			default:
			}
		}
	case *openflow.Error:
		if isSlave(m) {
			select {
			case s.demoted <- struct{}{}:
			default:
			}
			return
		}
		s.log.Warn("switch reports an error", "err", m)
	}
}

// portsMost is how many ports a switch may have; see [channel.Config.MaxPorts].
const portsMost = 4096

// countPort counts a port that is new, and reports whether the switch may have
// it. One that has too many is disconnected. It runs on the connection's
// reader.
func (s *session) countPort(m *openflow.PortStatus) bool {
	if s.ports == nil {
		s.ports = map[openflow.PortNo]bool{}
		for _, p := range s.conn.Ports() {
			s.ports[p.No] = true
		}
	}
	if m.Reason == openflow.PortDeleted {
		delete(s.ports, m.Port.No)
		return true
	}
	if s.ports[m.Port.No] || len(s.ports) < portsMost {
		s.ports[m.Port.No] = true
		return true
	}
	s.log.Warn("switch has too many ports", "most", portsMost)
	s.conn.Close()
	return false
}

// packetIn reads a frame that a switch handed up: a probe, or something that a
// host said. What is no news goes no further than here, and what does not fit
// into the core's queue is dropped; the host will speak again.
func (s *session) packetIn(m *openflow.PacketIn) {
	port, ok := m.InPort()
	if !ok {
		return
	}
	at := topology.PortID{DPID: s.dpid, Port: port}
	p, known := s.Snapshot().Port(at)
	if known && !p.Up {
		s.offer(s.lossyEvents, portSpoke{s, at})
	}
	now := time.Now()
	if o, err := s.prober.Origin(m.Data, now); err == nil {
		if l, ok := s.Snapshot().Links[o.From]; ok && l.ID.To == at {
			s.repeats.add(repeat{s, o, at, now})
			return
		}
		s.offer(s.events, probeSeen{s, o, at})
		return
	}
	if discovery.IsProbe(m.Data) {
		return
	}
	if known && p.Role == topology.Trunk {
		if int(m.TotalLen) <= len(m.Data) { // else it is no whole frame
			s.stray(m.Data)
		}
		return
	}
	if discovery.Announces(m.Data) && s.announced.count(port, stormLimit(p.Storming), now) {
		s.offer(s.events, portStorms{s, at})
	}
	s.sight(p, at, m.Data)
}

// sight reads what a host has said at a port that is no trunk.
func (s *session) sight(p topology.Port, at topology.PortID, frame []byte) {
	h, ok := discovery.Sight(frame)
	if !ok {
		if s.elsewhere(at, h.Foreign) {
			s.offer(s.lossyEvents, hostSeen{s, at, h})
		}
		return
	}
	known, found := s.Snapshot().HostIn(h.MAC, h.VLAN)
	if found && echoes(p, known) && s.echoed.count(at.Port, loadEcho, time.Now()) {
		s.offer(s.events, portEchoes{s, at})
	}
	switch {
	case discovery.IsAnswer(frame):
		s.offer(s.events, hostAnswered{s, at, h})
	case p.Role == topology.Edge && (!found || s.news(p, h, known)) || s.elsewhere(at, h.Foreign):
		s.offer(s.lossyEvents, hostSeen{s, at, h})
	}
}

// stray takes a frame that a switch did not know what to do with to the host
// that it is for.
func (s *session) stray(frame []byte) {
	if len(frame) < 14 || s.policy.Forwarding != flow.ForwardL2 {
		return
	}
	if h, ok := s.Snapshot().HostIn(openflow.MAC(frame[:6]), discovery.VLAN(frame)); ok {
		s.offer(s.lossyEvents, delivery{s, h.At, frame})
	}
}

// refresh is how often a host that is known is noted to have spoken.
const refresh = 10 * time.Second

// news reports whether a sighting at an edge port tells more of a host than is
// known of it.
func (s *session) news(p topology.Port, h discovery.Sighting, known topology.Host) bool {
	switch {
	case p.Shared && time.Since(known.Seen) < refresh:
		return false // it is heard everywhere on the segment
	case known.Second == p.ID && !h.Claimed:
		return false
	case known.At != p.ID || h.Claimed && time.Since(known.Seen) > refresh:
		return true
	}
	snap := s.Snapshot()
	for _, a := range h.Addrs {
		if where, _ := snap.Addrs.Get(a); where.At != p.ID || (h.Claimed || known.Bound) && known.VLANs[a] != h.VLAN {
			return true
		}
	}
	return false
}

// echoes reports whether a frame that comes in by a port is of a host that is
// known elsewhere. On a shared segment those of the whole network are heard.
func echoes(p topology.Port, known topology.Host) bool {
	return known.At != p.ID && known.Second != p.ID && p.Role == topology.Edge && !p.Shared
}

// elsewhere reports whether one of the addresses is known at another port.
func (s *session) elsewhere(at topology.PortID, addrs []netip.Addr) bool {
	snap := s.Snapshot()
	return slices.ContainsFunc(addrs, func(a netip.Addr) bool {
		known, ok := snap.Addrs.Get(a)
		return ok && known.At != at
	})
}

// offer hands an event to the core if there is room.
func (s *session) offer(to chan<- event, e event) {
	select {
	case to <- e:
	default:
	}
}
