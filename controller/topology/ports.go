package topology

import (
	"time"

	"conga/openflow"
)

// portState is what the builder knows of a port.
//
// A port with carrier that is or was a trunk is not taken for an edge port
// lightly: the switch behind it may be out of our sight and still forward, and
// flooding towards it would close a ring.
type portState struct {
	port    openflow.Port
	role    PortRole
	edgeNot time.Time // before this moment it cannot become an edge port
	far     PortID    // the port last heard behind it; Outside: none
	queue   *uint32
}

// await puts off the moment at which the port can become an edge port.
func (p *portState) await(t time.Time) {
	if p.edgeNot.Before(t) {
		p.edgeNot = t
	}
}

// PortChanged takes in a port status message.
func (b *Builder) PortChanged(dpid openflow.DPID, reason openflow.PortReason, p openflow.Port, now time.Time) {
	sw := b.switches[dpid]
	if sw == nil {
		return
	}
	if reason == openflow.PortDeleted {
		b.dropPort(sw, p.No)
	} else {
		b.setPort(sw, p, now)
	}
	b.dirty = true
}

// setPort stores a port as its switch describes it. A port that was up before
// and still is keeps its role; one that comes up is looked at afresh.
func (b *Builder) setPort(sw *switchState, p openflow.Port, now time.Time) {
	if p.No == 0 || p.No > openflow.PortMax {
		return // reserved ports carry no traffic of the network
	}
	id := PortID{DPID: sw.info.DPID, Port: p.No}
	ps := sw.ports[p.No]
	if ps == nil {
		past := b.past[id]
		delete(b.past, id)
		ps = &portState{port: p, role: past.Role, far: past.Far, edgeNot: now.Add(b.cfg.ProbeTime)}
		sw.ports[p.No] = ps
	}
	cameUp := isUp(p) && !isUp(ps.port)
	ps.port = p
	switch {
	case !isUp(p):
		b.cutLinks(id)
		ps.role = Undetermined
	case cameUp:
		ps.role, ps.edgeNot = Undetermined, now.Add(b.cfg.ProbeTime)
		if ps.far != Outside && !b.connected(ps.far.DPID) {
			ps.await(now.Add(b.cfg.Doubt))
		}
	}
}

func isUp(p openflow.Port) bool {
	return p.Config&openflow.PortConfigDown == 0 && p.State&openflow.PortStateLinkDown == 0
}

func (b *Builder) dropPort(sw *switchState, no openflow.PortNo) {
	id := PortID{DPID: sw.info.DPID, Port: no}
	delete(sw.ports, no)
	b.cutLinks(id)
	b.dropHosts(id)
}

// cutLinks forgets the links that end at a port, as when it has lost carrier.
func (b *Builder) cutLinks(id PortID) {
	for l := range b.links {
		if l.From == id || l.To == id {
			delete(b.links, l)
		}
	}
}

func (b *Builder) port(id PortID) *portState {
	if sw := b.switches[id.DPID]; sw != nil {
		return sw.ports[id.Port]
	}
	return nil
}

// settlePorts makes edge ports of those that have been quiet for long enough,
// and doubts trunks without a link though the switch behind them is there.
func (b *Builder) settlePorts(sw *switchState, linked map[PortID]bool, now time.Time) {
	if !sw.info.Connected || !sw.ready {
		return
	}
	for no, p := range sw.ports {
		id := PortID{DPID: sw.info.DPID, Port: no}
		switch {
		case p.role == Undetermined && isUp(p.port) && !now.Before(p.edgeNot):
			p.role, p.far = Edge, Outside
			b.dirty = true
		case p.role == Trunk && !linked[id] && b.connected(p.far.DPID):
			b.doubt(id, now)
			b.dirty = true
		}
	}
}

// doubt closes a port whose link fell silent though it has carrier: its probes
// may have drowned in a flood.
func (b *Builder) doubt(id PortID, now time.Time) {
	if p := b.port(id); p != nil {
		p.role = Undetermined
		p.await(now.Add(b.cfg.Doubt))
	}
}

// LinkSeen takes in a probe that left from and arrived at to. It reports
// whether that is news.
func (b *Builder) LinkSeen(from, to PortID, now time.Time) bool {
	arrived := b.port(to)
	if arrived == nil || !isUp(arrived.port) {
		return false // the port went down while the probe was on its way
	}
	if from == to { // what comes back to where it left cannot be a host's port
		b.dirty = b.dirty || arrived.role != Undetermined
		arrived.role = Undetermined
		arrived.await(now.Add(b.cfg.LinkHold))
		return false
	}
	id := LinkID{From: from, To: to}
	if _, known := b.links[id]; known && arrived.role == Trunk {
		b.links[id] = now
		return false
	}
	b.moveCable(id, now)
	b.links[id] = now
	b.makeTrunk(to, from)
	b.makeTrunk(from, to)
	b.dirty = true
	return true
}

// moveCable forgets other links of the two ends, and looks afresh at the ports
// to which these led.
func (b *Builder) moveCable(id LinkID, now time.Time) {
	for other := range b.links {
		if other == id || other == id.Reverse() || (other.From != id.From && other.To != id.To && other.From != id.To && other.To != id.From) {
			continue
		}
		delete(b.links, other)
		for _, end := range []PortID{other.From, other.To} {
			if p := b.port(end); p != nil && end != id.From && end != id.To {
				p.role, p.far, p.edgeNot = Undetermined, Outside, now.Add(b.cfg.ProbeTime)
			}
		}
	}
}

func (b *Builder) makeTrunk(id, far PortID) {
	if p := b.port(id); p != nil {
		p.role, p.far = Trunk, far
	}
	b.dropHosts(id)
}
