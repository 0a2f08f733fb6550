package ofswitch

import (
	"cmp"
	"time"

	"conga/openflow"
)

// maxOutputs bounds what one packet can cause through groups that multiply it.
const maxOutputs = 4096

// A run is one packet's way through the switch. Its methods need s.mu.
type run struct {
	s       *Switch
	now     time.Time
	entry   *entry // whose actions run; nil: a packet-out's
	table   openflow.TableID
	outputs int // done so far
	depth   int // of groups
	fromOut bool
}

// arriveLocked takes a frame in by a port.
func (s *Switch) arriveLocked(in *Port, f frame) {
	if !in.takesLocked() {
		in.stats.RxDropped++
		return
	}
	in.stats.RxPackets++
	in.stats.RxBytes += uint64(len(f.data))
	s.counters.Received++
	s.showLocked(in, f, false)
	p := &packet{data: f.data, hops: f.hops}
	p.key.set(openflow.FieldInPort, uint64(in.no))
	p.parse()
	(&run{s: s, now: s.now()}).pipeline(p)
}

// pipeline runs the packet through the tables from 0 on (§5.1.1). Where a later
// table has no entry for it, or its TTL runs out, its action set is still done:
// the specification drops the packet, Open vSwitch does not.
func (x *run) pipeline(p *packet) {
	var set actionSet
	size := uint64(len(p.data)) // entries count the packet as it came, like Open vSwitch's
	for next := 0; next >= 0 && next < len(x.s.tables); {
		t := &x.s.tables[next]
		x.table = openflow.TableID(next)
		e := x.s.lookupLocked(next, t, &p.key)
		if e == nil {
			x.s.counters.Missed++
			break
		}
		x.entry = e
		e.packets++
		e.bytes += size
		e.used = x.now.Sub(x.s.born)
		prog := e.program
		if prog.meter != 0 && !x.meter(prog.meter, len(p.data)) {
			return
		}
		if !x.actions(p, prog.apply) {
			break
		}
		if prog.clear {
			set = nil
		}
		if len(prog.write) > 0 {
			set = set.with(prog.write)
		}
		if prog.mask != 0 {
			old := p.key.get(openflow.FieldMetadata)
			p.key.set(openflow.FieldMetadata, old&^prog.mask|prog.metadata&prog.mask)
		}
		next = prog.next
	}
	if len(set) > 0 {
		x.entry, x.table = nil, 0 // a packet-in from here names no entry, like Open vSwitch's
		x.actions(p, set.ordered())
	}
}

func (x *run) meter(id openflow.MeterID, size int) bool {
	m := x.s.meters[id]
	if m == nil || m.pass(size, x.now) {
		return true
	}
	x.s.counters.Metered++
	return false
}

// actions does a list of actions in order. It reports false if the packet is
// gone.
func (x *run) actions(p *packet, list []openflow.Action) bool {
	for i := range list {
		switch a := &list[i]; a.Type {
		case openflow.ActionOutput:
			x.output(p, a)
		case openflow.ActionGroup:
			x.group(p, a.Group)
		case openflow.ActionSetQueue:
			p.queue = a.Queue
		case openflow.ActionSetField:
			p.setField(a.Field)
		case openflow.ActionPushVLAN:
			p.pushVLAN(a.EtherType)
		case openflow.ActionPopVLAN:
			p.popVLAN()
		case openflow.ActionPushMPLS:
			p.pushMPLS(a.EtherType)
		case openflow.ActionPopMPLS:
			p.popMPLS(a.EtherType)
		case openflow.ActionSetNwTTL:
			p.setTTL(a.TTL)
		case openflow.ActionSetMPLSTTL:
			p.setMPLSTTL(a.TTL)
		case openflow.ActionDecNwTTL:
			if !p.decTTL() {
				x.packetIn(p, openflow.PacketInInvalidTTL)
				return false
			}
		case openflow.ActionDecMPLSTTL:
			if !p.decMPLSTTL() {
				x.packetIn(p, openflow.PacketInInvalidTTL)
				return false
			}
		}
	}
	return true
}

// output does an output action (§7.2.5). The ingress port is left out unless
// asked for by PortInPort.
func (x *run) output(p *packet, a *openflow.Action) {
	if x.outputs++; x.outputs > maxOutputs {
		x.s.counters.Undelivered++
		return
	}
	in := p.inPort()
	switch a.Port {
	case openflow.PortInPort:
		x.send(p, in)
	case openflow.PortAll, openflow.PortFlood:
		for _, port := range x.s.order {
			if port.no != in && port.no != openflow.PortLocal && port.forwardsLocked() {
				x.send(p, port.no)
			}
		}
	case openflow.PortController:
		reason := openflow.PacketInAction
		if x.entry != nil && x.entry.isMiss() && x.depth == 0 {
			reason = openflow.PacketInNoMatch
		}
		x.packetIn(p, reason)
	case openflow.PortTable:
		if x.fromOut { // only in packet-outs, once: what the tables say cannot come back here
			own := *p
			own.owned, p.owned = false, false
			(&run{s: x.s, now: x.now, outputs: x.outputs}).pipeline(&own)
		}
	default:
		if a.Port != in {
			x.send(p, a.Port)
		}
	}
}

// send has the packet leave by a port.
func (x *run) send(p *packet, no openflow.PortNo) {
	port := x.s.ports[no]
	if port == nil || !port.forwardsLocked() {
		x.s.counters.Undelivered++
		if port != nil {
			port.stats.TxDropped++
		}
		return
	}
	p.owned = false // the receivers of the frame share the bytes
	hop := Hop{DPID: x.s.cfg.DPID, In: p.inPort(), Out: no}
	queue := p.queue
	if x.s.cfg.Habits.OneQueue {
		queue = 0
	}
	port.sendLocked(frame{data: p.data, queue: queue, hops: p.hops.and(hop)})
}

// packetIn sends the packet to the controllers that want it (§7.4.1). Like Open
// vSwitch, the switch does not buffer, and so sends all of it.
func (x *run) packetIn(p *packet, why openflow.PacketInReason) {
	if port := x.s.ports[p.inPort()]; port != nil && port.config&openflow.PortConfigNoPacketIn != 0 {
		return
	}
	m := &openflow.PacketIn{
		BufferID: openflow.NoBuffer, TotalLen: uint16(len(p.data)), Reason: why, Table: x.table,
		Cookie: ^openflow.Cookie(0), Match: openflow.Match{openflow.InPort(p.inPort())}, Data: p.data,
	}
	if x.entry != nil {
		m.Cookie = x.entry.cookie
	}
	if v := p.key.get(openflow.FieldMetadata); v != 0 {
		m.Match = append(m.Match, openflow.Metadata(v, ^uint64(0)))
	}
	if v := p.key.get(openflow.FieldTunnelID); v != 0 {
		m.Match = append(m.Match, openflow.TunnelID(v, ^uint64(0)))
	}
	x.s.announceLocked(m)
}

// packetOutLocked obeys a packet-out (§7.3.7).
func (s *Switch) packetOutLocked(m *openflow.PacketOut) *openflow.Error {
	s.counters.PacketOuts++
	switch {
	case m.BufferID != openflow.NoBuffer:
		return errBufferUnknown()
	case m.InPort > s.cfg.MaxPort && m.InPort < openflow.PortInPort:
		return errBadOutPort()
	case m.InPort > s.cfg.MaxPort && m.InPort != openflow.PortController && m.InPort != openflow.PortLocal &&
		m.InPort != openflow.PortAny:
		return errBadPort()
	}
	p := &packet{data: m.Data}
	p.key.set(openflow.FieldInPort, uint64(m.InPort))
	p.parse()
	check := actionCheck{rule: ruleMatch{key: p.key}, port: s.cfg.MaxPort}
	for i := range check.rule.mask {
		check.rule.mask[i] = ^uint64(0)
	}
	if err := cmp.Or(check.all(m.Actions), check.remaining()); err != nil {
		return err
	}
	if err := s.resolvableLocked(&program{apply: m.Actions}); err != nil {
		return err
	}
	(&run{s: s, now: s.now(), fromOut: true}).actions(p, m.Actions)
	return nil
}
