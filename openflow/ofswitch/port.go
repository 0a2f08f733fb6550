package ofswitch

import (
	"encoding/binary"
	"slices"
	"time"

	"conga/openflow"
)

// A frame travels between ports.
type frame struct {
	data  []byte // shared; never changed
	queue uint32 // set by the switch that sent it
	hops  *hopList
}

// A hopList holds the switches that a frame has crossed, the last one first.
// Copies of a frame share it.
type hopList struct {
	prev *hopList
	hop  Hop
	n    int
}

func (t *hopList) and(h Hop) *hopList { return &hopList{prev: t, hop: h, n: t.len() + 1} }

func (t *hopList) len() int {
	if t == nil {
		return 0
	}
	return t.n
}

// list returns the hops in order.
func (t *hopList) list() []Hop {
	out := make([]Hop, t.len())
	for i := len(out) - 1; i >= 0; i-- {
		out[i], t = t.hop, t.prev
	}
	return out
}

// A Port is one port of a switch.
type Port struct {
	s  *Switch
	no openflow.PortNo

	// Guarded by s.mu, which the methods named Locked need.
	name    string
	hw      openflow.MAC
	speed   uint32 // kbit/s
	config  openflow.PortConfig
	state   openflow.PortState
	stats   openflow.PortStats
	created time.Time
	queues  []openflow.PacketQueue
	queued  map[uint32]*openflow.QueueStats
	deliver func(frame)
	admin   func(down bool) // tells the other end of the link; nil: no link
}

// No returns the port's number.
func (p *Port) No() openflow.PortNo { return p.no }

// Desc describes the port.
func (p *Port) Desc() openflow.Port {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.descLocked()
}

func (p *Port) descLocked() openflow.Port {
	f := speedFeature(p.speed)
	return openflow.Port{
		No: p.no, HWAddr: p.hw, Name: p.name, Config: p.config, State: p.state,
		Curr: f, Advertised: f, Supported: f, CurrSpeed: p.speed, MaxSpeed: p.speed,
	}
}

// speedFeature returns the link mode for a speed in kbit/s.
func speedFeature(kbps uint32) openflow.PortFeatures {
	modes := map[uint32]openflow.PortFeatures{
		10_000: openflow.PortFeature10MFull, 100_000: openflow.PortFeature100MFull,
		1_000_000: openflow.PortFeature1GFull, 10_000_000: openflow.PortFeature10GFull,
		40_000_000: openflow.PortFeature40GFull, 100_000_000: openflow.PortFeature100GFull,
		1_000_000_000: openflow.PortFeature1TFull,
	}
	if f, ok := modes[kbps]; ok {
		return f | openflow.PortFeatureFiber
	}
	return openflow.PortFeatureOther
}

// Stats returns the port's counters.
func (p *Port) Stats() openflow.PortStats {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.countersLocked()
}

func (p *Port) countersLocked() openflow.PortStats {
	st := p.stats
	age := p.s.now().Sub(p.created)
	st.Port, st.DurationSec, st.DurationNsec = p.no, uint32(age/time.Second), uint32(age%time.Second)
	return st
}

// OnSend has fn called with every frame that leaves the port, in order; nil
// ends it. fn must not block, call the switch, or change the frame. A link
// replaces it.
func (p *Port) OnSend(fn func(queue uint32, data []byte)) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.deliver = nil
	if fn != nil {
		p.deliver = func(f frame) { fn(f.queue, f.data) }
	}
}

// AddQueue configures a queue of the port (§7.2.2). It shapes nothing.
func (p *Port) AddQueue(q openflow.PacketQueue) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	q.Port = p.no
	p.queues = append(p.queues, q)
}

// QueueStats returns what was sent under each queue number, configured or not,
// in order of the numbers.
func (p *Port) QueueStats() []openflow.QueueStats {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	out := []openflow.QueueStats{}
	for _, q := range p.queued {
		out = append(out, *q)
	}
	slices.SortFunc(out, func(a, b openflow.QueueStats) int { return int(int64(a.Queue) - int64(b.Queue)) })
	return out
}

func (p *Port) downLocked() bool {
	return p.config&openflow.PortConfigDown != 0 || p.state&openflow.PortStateLinkDown != 0
}

func (p *Port) takesLocked() bool { return !p.downLocked() && p.config&openflow.PortConfigNoRecv == 0 }
func (p *Port) forwardsLocked() bool {
	return !p.downLocked() && p.config&openflow.PortConfigNoFwd == 0
}

// sendLocked has a frame leave.
func (p *Port) sendLocked(f frame) {
	p.stats.TxPackets++
	p.stats.TxBytes += uint64(len(f.data))
	p.s.counters.Sent++
	q := p.queued[f.queue]
	if q == nil {
		if p.queued == nil {
			p.queued = map[uint32]*openflow.QueueStats{}
		}
		q = &openflow.QueueStats{Port: p.no, Queue: f.queue}
		p.queued[f.queue] = q
	}
	q.TxPackets++
	q.TxBytes += uint64(len(f.data))
	p.s.showLocked(p, f, true)
	if p.deliver != nil {
		p.deliver(f)
	}
}

// portMAC makes an address that no other port or host has, as long as DPIDs
// stay below 2^24.
func portMAC(d openflow.DPID, no openflow.PortNo) openflow.MAC {
	var m openflow.MAC
	binary.BigEndian.PutUint32(m[:], uint32(d)&0xffffff|0x0e000000)
	binary.BigEndian.PutUint16(m[4:], uint16(no))
	return m
}

// AddPort adds a port, up and with its link up, and tells the controllers.
// speed is in kbit/s. A port that exists is returned as it is.
func (s *Switch) AddPort(no openflow.PortNo, name string, speed uint32) *Port {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.ports[no]; p != nil {
		return p
	}
	p := &Port{
		s: s, no: no, name: name, hw: portMAC(s.cfg.DPID, no), speed: speed,
		state: openflow.PortStateLive, created: s.now(),
	}
	s.ports[no] = p
	at, _ := slices.BinarySearchFunc(s.order, no, func(p *Port, no openflow.PortNo) int { return int(int64(p.no) - int64(no)) })
	s.order = slices.Insert(s.order, at, p)
	s.portStatusLocked(openflow.PortAdded, p)
	return p
}

// RemovePort takes a port away and tells the controllers.
func (s *Switch) RemovePort(no openflow.PortNo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.ports[no]
	if p == nil {
		return
	}
	delete(s.ports, no)
	s.order = slices.DeleteFunc(s.order, func(q *Port) bool { return q == p })
	s.portStatusLocked(openflow.PortDeleted, p)
}

// SetPortUp sets whether the port's link is up, and tells the controllers if
// that changes it.
func (s *Switch) SetPortUp(no openflow.PortNo, up bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.ports[no]
	if p == nil || up == (p.state&openflow.PortStateLinkDown == 0) {
		return
	}
	p.state = openflow.PortStateLinkDown
	if up {
		p.state = openflow.PortStateLive
	}
	s.portStatusLocked(openflow.PortModified, p)
}

// SetPortSpeed sets the port's speed in kbit/s, and tells the controllers if
// that changes it, as when a link negotiates anew.
func (s *Switch) SetPortSpeed(no openflow.PortNo, speed uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.ports[no]; p != nil && p.speed != speed {
		p.speed = speed
		s.portStatusLocked(openflow.PortModified, p)
	}
}

// portStatusLocked tells the controllers of a port, as the switch's habits have
// it.
func (s *Switch) portStatusLocked(why openflow.PortReason, p *Port) {
	m := &openflow.PortStatus{Reason: why, Port: p.descLocked()}
	if alter := s.cfg.Habits.AlterStatus; alter != nil {
		alter(m)
	}
	s.announceLocked(m)
}

// portModLocked obeys a port mod (§7.3.4.3).
func (s *Switch) portModLocked(m *openflow.PortMod) *openflow.Error {
	const known = openflow.PortConfigDown | openflow.PortConfigNoRecv | openflow.PortConfigNoFwd |
		openflow.PortConfigNoPacketIn
	p := s.ports[m.PortNo]
	switch {
	case p == nil:
		return errPortModPort()
	case p.hw != m.HWAddr:
		return errPortModHW()
	}
	config := p.config&^m.Mask | m.Config&m.Mask&known
	if config != p.config {
		if (config^p.config)&openflow.PortConfigDown != 0 && p.admin != nil {
			p.admin(config&openflow.PortConfigDown != 0)
		}
		p.config = config
		s.portStatusLocked(openflow.PortModified, p)
	}
	return nil
}

// Port returns the port, nil if there is none.
func (s *Switch) Port(no openflow.PortNo) *Port {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ports[no]
}

// Ports describes all ports in order of their numbers.
func (s *Switch) Ports() []openflow.Port {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]openflow.Port, 0, len(s.order))
	for _, p := range s.order {
		out = append(out, p.descLocked())
	}
	return out
}

// PortStats returns the counters of all ports in order of their numbers.
func (s *Switch) PortStats() []openflow.PortStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]openflow.PortStats, 0, len(s.order))
	for _, p := range s.order {
		out = append(out, p.countersLocked())
	}
	return out
}
