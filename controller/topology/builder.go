package topology

import (
	"net/netip"
	"slices"
	"time"

	"conga/openflow"
)

// LinkOverride is what the configuration says of a cable. It holds for both
// directions.
type LinkOverride struct {
	A, B     PortID
	Capacity BitRate // 0: as the ports tell
	Metric   uint32  // 0: 1
}

// Config is what a [Builder] knows from the start.
type Config struct {
	DefaultCapacity BitRate // of ports that do not tell their speed
	Links           []LinkOverride
	Attachments     []Attachment

	ProbeTime time.Duration // a port that hears no probe for this long is an edge port; default 1 s
	LinkHold  time.Duration // a link whose probes stay away for this long is down; default 10 s
	Grace     time.Duration // how long the memory of an earlier run stands in for switches that have not connected yet; default 15 s
	MaxHosts  int           // learned hosts per port; default 1024
	MaxAddrs  int           // learned addresses per host; default 64
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&c.ProbeTime, time.Second)
	set(&c.LinkHold, 10*time.Second)
	set(&c.Grace, 15*time.Second)
	if c.MaxHosts == 0 {
		c.MaxHosts = 1024
	}
	if c.MaxAddrs == 0 {
		c.MaxAddrs = 64
	}
	return c
}

// Builder turns what happens in the network into snapshots. It is not safe for
// concurrent use: the controller's core goroutine owns it. Time is an argument.
//
// A switch that goes away keeps its place, so that its ports have their roles
// when it returns. A trunk port stays a trunk while it has carrier, even if
// the switch behind it is silent: that switch may still be forwarding, and
// flooding towards it could close a ring.
type Builder struct {
	cfg      Config
	started  time.Time
	switches map[openflow.DPID]*switchState
	links    map[LinkID]time.Time // when a probe last came over it
	hosts    map[openflow.MAC]*Host
	byAddr   map[netip.Addr]openflow.MAC
	edges    map[PortID]bool // edge ports of an earlier run, until their switch connects
	tree     map[PortID]bool
	revision uint64
	settled  bool // the grace is over
	dirty    bool
}

type switchState struct {
	info  Switch // Ports is unused
	known bool   // has connected in this run
	ready bool   // sends the probes that it receives to the controller
	ports map[openflow.PortNo]*portState
}

type portState struct {
	port    openflow.Port
	role    PortRole
	upSince time.Time
	queue   *uint32
}

// NewBuilder makes a builder for a controller that starts at now.
func NewBuilder(cfg Config, now time.Time) *Builder {
	cfg = cfg.withDefaults()
	slices.SortStableFunc(cfg.Attachments, func(a, b Attachment) int { return b.Prefix.Bits() - a.Prefix.Bits() })
	return &Builder{
		cfg:      cfg,
		started:  now,
		switches: map[openflow.DPID]*switchState{},
		links:    map[LinkID]time.Time{},
		hosts:    map[openflow.MAC]*Host{},
		byAddr:   map[netip.Addr]openflow.MAC{},
		edges:    map[PortID]bool{},
		tree:     map[PortID]bool{},
		dirty:    true,
	}
}

// SwitchUp takes in a switch that has connected, or connected again: what it
// told of itself (info.Ports is ignored) and of its ports.
func (b *Builder) SwitchUp(info Switch, ports []openflow.Port, now time.Time) {
	sw := b.switches[info.DPID]
	if sw == nil {
		sw = &switchState{ports: map[openflow.PortNo]*portState{}}
		b.switches[info.DPID] = sw
	}
	info.Connected, info.Since, info.Ports = true, now, nil
	sw.info, sw.known, sw.ready = info, true, false
	present := map[openflow.PortNo]bool{}
	for _, p := range ports {
		present[p.No] = true
		b.setPort(sw, p, now)
	}
	for no := range sw.ports {
		if !present[no] {
			b.dropPort(sw, no)
		}
	}
	// Its probes could not be heard while it was away; that says nothing of its links.
	for id := range b.links {
		if id.From.DPID == info.DPID || id.To.DPID == info.DPID {
			b.links[id] = now
		}
	}
	b.dirty = true
}

// SwitchReady takes note that a switch now holds its entries. From here on a
// port where no probe arrives is an edge port; before, probes were just lost.
func (b *Builder) SwitchReady(dpid openflow.DPID, now time.Time) {
	sw := b.switches[dpid]
	if sw == nil || sw.ready {
		return
	}
	sw.ready = true
	for _, p := range sw.ports {
		if p.role == Undetermined && p.upSince.Before(now) {
			p.upSince = now
		}
	}
}

// SwitchDown takes note that a switch's channel has ended.
func (b *Builder) SwitchDown(dpid openflow.DPID) {
	if sw := b.switches[dpid]; sw != nil && sw.info.Connected {
		sw.info.Connected = false
		b.dirty = true
	}
}

// SetQueues says which ports of a switch have the queue that the configuration
// names for allocated traffic.
func (b *Builder) SetQueues(dpid openflow.DPID, queue uint32, ports []openflow.PortNo) {
	sw := b.switches[dpid]
	if sw == nil {
		return
	}
	for no, p := range sw.ports {
		p.queue = nil
		if slices.Contains(ports, no) {
			p.queue = &queue
		}
	}
	b.dirty = true
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
	switch {
	case ps == nil:
		ps = &portState{port: p, upSince: now, role: b.remembered(id)}
		sw.ports[p.No] = ps
	case !isUp(p):
		b.cutLinks(id)
		ps.role = Undetermined
	case !isUp(ps.port):
		ps.role, ps.upSince = Undetermined, now
	}
	ps.port = p
}

// remembered is the role that a port had in an earlier run.
func (b *Builder) remembered(id PortID) PortRole {
	for l := range b.links {
		if l.From == id || l.To == id {
			return Trunk
		}
	}
	if b.edges[id] {
		return Edge
	}
	return Undetermined
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

// LinkSeen takes in a probe that left from and arrived at to. It reports
// whether that is news.
func (b *Builder) LinkSeen(from, to PortID, now time.Time) bool {
	id := LinkID{From: from, To: to}
	arrived := b.port(to)
	if arrived == nil || !isUp(arrived.port) {
		return false // the port went down while the probe was on its way
	}
	if _, known := b.links[id]; known && arrived.role == Trunk {
		b.links[id] = now
		return false
	}
	for other := range b.links { // the cable has been moved
		if (other.From == from || other.To == to) && other != id {
			delete(b.links, other)
		}
	}
	b.links[id] = now
	for _, end := range []PortID{from, to} {
		if p := b.port(end); p != nil {
			p.role = Trunk
		}
		b.dropHosts(end)
	}
	b.dirty = true
	return true
}

// Expire does what the passing of time asks for: quiet ports become edge
// ports, links without probes go down, the memory of the earlier run fades.
func (b *Builder) Expire(now time.Time) {
	for _, sw := range b.switches {
		if !sw.info.Connected || !sw.ready {
			continue
		}
		for _, p := range sw.ports {
			if p.role == Undetermined && isUp(p.port) && now.Sub(p.upSince) >= b.cfg.ProbeTime {
				p.role = Edge
				b.dirty = true
			}
		}
	}
	for id, seen := range b.links {
		if !b.connected(id.From.DPID) || !b.connected(id.To.DPID) || now.Sub(seen) < b.cfg.LinkHold {
			continue
		}
		delete(b.links, id)
		for _, end := range []PortID{id.From, id.To} {
			b.quarantine(end, now)
		}
		b.dirty = true
	}
	if !b.settled && !b.inGrace(now) {
		b.settled, b.dirty = true, true
	}
}

// quarantine keeps a port whose link fell silent out of use for a while: probes
// may have drowned in a flood, and taking the port for an edge would then close
// a ring.
func (b *Builder) quarantine(id PortID, now time.Time) {
	if p := b.port(id); p != nil {
		p.role, p.upSince = Undetermined, now.Add(2*b.cfg.LinkHold)
	}
}

func (b *Builder) connected(dpid openflow.DPID) bool {
	sw := b.switches[dpid]
	return sw != nil && sw.info.Connected
}

func (b *Builder) inGrace(now time.Time) bool { return now.Sub(b.started) < b.cfg.Grace }

// usable reports whether links of a switch count: it is connected, or it has
// not yet had the time to connect in this run.
func (b *Builder) usable(dpid openflow.DPID, now time.Time) bool {
	sw := b.switches[dpid]
	return b.connected(dpid) || (b.inGrace(now) && (sw == nil || !sw.known))
}
