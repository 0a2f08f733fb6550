package topology

import (
	"time"

	"conga/openflow"
)

// enoughQuiet is how many probes must have been sent out of a port, and none
// heard, before it is an edge port.
const enoughQuiet = 2

// A portState is what the builder knows of a port. Times are attended time.
//
// A port with carrier that is or was a trunk does not easily become an edge
// port: the switch behind it may be out of reach and still forward, and
// flooding towards it would close a ring.
type portState struct {
	port     openflow.Port
	role     PortRole
	since    time.Time // when it became undetermined
	edgeNot  time.Time // before this moment it cannot become an edge port
	sent     int       // probes, while it is undetermined
	far      PortID    // the port last heard behind it; External: none
	queue    *uint32
	unqueued bool // the switch does not use queue
	frames   frames
	alarm    alarm

	standing            // of the segment that it is on
	opened    time.Time // when it was last opened after having been closed
	closings  int       // in a row, shortly after each other
	former    PortID    // the port behind it before the present one
	parted    time.Time // when that was
	inhabited time.Time // when a host was last heard behind it; zero: not since it came up
	quiet     time.Time // since when it is known to lead to no switch of ours; zero: not
}

// PortChanged takes note of a port status message.
func (b *Builder) PortChanged(dpid openflow.DPID, reason openflow.PortReason, p openflow.Port, now time.Time) {
	b.clock.look(now)
	sw := b.switches[dpid]
	if sw == nil {
		return
	}
	if reason == openflow.PortDeleted {
		b.dropPort(sw, p.No)
	} else {
		b.setPort(sw, p)
	}
}

// setPort stores a port as its switch describes it. A port that was up before
// and still is keeps its role; one that comes up is undetermined.
func (b *Builder) setPort(sw *switchState, p openflow.Port) {
	if !carrying(p.No) {
		return
	}
	id := PortID{DPID: sw.info.DPID, Port: p.No}
	ps := sw.ports[p.No]
	if ps == nil {
		past := b.past[id]
		delete(b.past, id)
		if past.Role == Trunk && past.Far != External && b.doubtful(past.Far, id) != Untroubled {
			past = SavedPort{} // the configuration has changed
		}
		ps = &portState{port: p, role: past.Role, far: past.Far, since: b.clock.now}
		sw.ports[p.No] = ps
		b.unsaved.ports[id], b.stranded[id] = true, true
		b.await(id, b.cfg.ProbeTime)
	}
	cameUp := isUp(p) && !isUp(ps.port)
	ps.port = p
	b.touchSwitch(id.DPID)
	if c := b.cableAt(id); c != nil {
		b.touchCable(c) // it may have another capacity
	}
	switch {
	case !isUp(p):
		ps.former, ps.inhabited, ps.quiet = External, time.Time{}, time.Time{}
		b.cut(id)
		b.setRole(id, Undetermined, ps.far)
		b.fallBack(id)
	case cameUp:
		ps.edgeNot = time.Time{}
		b.setRole(id, Undetermined, ps.far)
		ps.since, ps.sent = b.clock.now, 0
		b.await(id, b.cfg.ProbeTime)
		if ps.far != External && !b.connected(ps.far.DPID) {
			b.await(id, b.cfg.Doubt)
		}
	}
	b.layStatic(id)
}

// carrying reports whether a port is one of the network: of the reserved ports
// only the one to the switch's own network stack carries traffic of it.
func carrying(no openflow.PortNo) bool {
	return no != 0 && no <= openflow.PortMax || no == openflow.PortLocal
}

func isUp(p openflow.Port) bool {
	return p.Config&openflow.PortConfigDown == 0 && p.State&openflow.PortStateLinkDown == 0
}

func (b *Builder) dropPort(sw *switchState, no openflow.PortNo) {
	id := PortID{DPID: sw.info.DPID, Port: no}
	delete(sw.ports, no)
	b.touchSwitch(id.DPID)
	b.unsaved.ports[id] = true
	b.cut(id)
	b.fallBack(id)
	b.dropHosts(id)
}

func (b *Builder) port(id PortID) *portState {
	if sw := b.switches[id.DPID]; sw != nil {
		return sw.ports[id.Port]
	}
	return nil
}

// setRole sets what a port is for and which port is behind it.
func (b *Builder) setRole(id PortID, role PortRole, far PortID) {
	p := b.port(id)
	if p == nil || p.role == role && p.far == far {
		return
	}
	if role == Undetermined && p.role != Undetermined {
		p.since, p.sent = b.clock.now, 0
	}
	p.role, p.far = role, far
	b.unsaved.ports[id] = true
	b.touchSwitch(id.DPID)
}

// await puts off the moment at which a port can become an edge port.
func (b *Builder) await(id PortID, d time.Duration) {
	p := b.port(id)
	if t := b.clock.now.Add(d); p.edgeNot.Before(t) {
		p.edgeNot = t
	}
	b.watch(id, p)
}

// watch has expirePort look at a port when it may be an edge port.
func (b *Builder) watch(id PortID, p *portState) {
	sw := b.switches[id.DPID]
	if p.role == Undetermined && !p.closed && !b.static(id) && p.sent >= enoughQuiet && isUp(p.port) && sw.info.Connected && sw.ready {
		p.alarm.set(&b.due, deadline{b.edgeFrom(p), portQuiet, id})
	}
}

// edgeFrom returns when a quiet port becomes an edge port. As long as more
// switches come in, the one behind it may not have come yet; and as long as
// probes take long, one may be on its way. But no port waits for this longer
// than the grace of a start.
func (b *Builder) edgeFrom(p *portState) time.Time {
	t := b.arrival.Add(b.cfg.ProbeTime)
	if t.Before(p.edgeNot) {
		t = p.edgeNot
	}
	t = t.Add(b.lag.longest(b.clock.now))
	if end := p.since.Add(b.cfg.Grace); t.After(end) {
		t = end
	}
	if t.Before(p.edgeNot) {
		return p.edgeNot
	}
	return t
}

// expirePort makes an edge port of a port that has been quiet for long enough.
func (b *Builder) expirePort(d deadline) {
	p := b.port(d.id)
	if p == nil || !p.alarm.rings(d) {
		return
	}
	sw := b.switches[d.id.DPID]
	switch {
	case p.role != Undetermined || p.closed || p.sent < enoughQuiet || !isUp(p.port) || !sw.info.Connected || !sw.ready:
		// Watched again when one of these has changed.
	case b.edgeFrom(p).After(b.clock.now):
		b.watch(d.id, p)
	default:
		b.setRole(d.id, Edge, External)
		if p.quiet.IsZero() {
			p.quiet = b.clock.now
		}
	}
}

// expireStranded doubts the trunks that have no link though the switch behind
// them is connected.
func (b *Builder) expireStranded() {
	for id := range b.stranded {
		p := b.port(id)
		switch sw := b.switches[id.DPID]; {
		case p == nil || p.role != Trunk || b.cableAt(id) != nil:
			delete(b.stranded, id)
		case sw.info.Connected && sw.ready && b.connected(p.far.DPID):
			b.doubt(id)
		}
	}
}

// doubt closes a port whose link fell silent though it has carrier: its probes
// may have drowned in a flood.
func (b *Builder) doubt(id PortID) {
	if p := b.port(id); p != nil {
		b.setRole(id, Undetermined, p.far)
		b.await(id, b.cfg.Doubt)
	}
}
