package topology

import (
	"cmp"
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
	Absence   time.Duration // how long the links of a switch count after its channel was lost; default 3 s
	Grace     time.Duration // how long the memory of an earlier run stands in for switches that have not connected yet; default 15 s
	Doubt     time.Duration // how long a port that may still lead to a switch stays closed; default 5 min
	MaxHosts  int           // learned hosts per port; default 1024
	MaxAddrs  int           // learned addresses per host; default 64
}

func (c Config) withDefaults() Config {
	c.ProbeTime = cmp.Or(c.ProbeTime, time.Second)
	c.LinkHold = cmp.Or(c.LinkHold, 10*time.Second)
	c.Absence = cmp.Or(c.Absence, 3*time.Second)
	c.Grace = cmp.Or(c.Grace, 15*time.Second)
	c.Doubt = cmp.Or(c.Doubt, 5*time.Minute)
	c.MaxHosts = cmp.Or(c.MaxHosts, 1024)
	c.MaxAddrs = cmp.Or(c.MaxAddrs, 64)
	c.Attachments = slices.SortedStableFunc(slices.Values(c.Attachments), func(a, b Attachment) int {
		return b.Prefix.Bits() - a.Prefix.Bits()
	})
	return c
}

// Builder turns what happens in the network into snapshots. It is not safe for
// concurrent use: the controller's core goroutine owns it. Time is an argument.
//
// A switch that goes away keeps its place, and for a while its links: that its
// channel is lost says little of its ports, and it goes on forwarding. If it is
// dead, its neighbours' ports lose carrier, and say so at once.
type Builder struct {
	cfg      Config
	started  time.Time
	switches map[openflow.DPID]*switchState
	links    map[LinkID]time.Time // when a probe last came over it
	hosts    map[openflow.MAC]*Host
	byAddr   map[netip.Addr]openflow.MAC
	past     map[PortID]RememberedPort // ports of an earlier run, until their switch connects
	tree     map[PortID]bool
	revision uint64
	settled  bool // the grace of the start is over
	dirty    bool
	last     *Snapshot // the one made last
}

type switchState struct {
	info  Switch    // Ports is unused
	ready bool      // sends the probes that it receives to the controller
	until time.Time // while it is away: when its links cease to count
	held  bool      // its links count although it is away
	ports map[openflow.PortNo]*portState
}

// NewBuilder makes a builder for a controller that starts at now.
func NewBuilder(cfg Config, now time.Time) *Builder {
	return &Builder{
		cfg:      cfg.withDefaults(),
		started:  now,
		switches: map[openflow.DPID]*switchState{},
		links:    map[LinkID]time.Time{},
		hosts:    map[openflow.MAC]*Host{},
		byAddr:   map[netip.Addr]openflow.MAC{},
		past:     map[PortID]RememberedPort{},
		tree:     map[PortID]bool{},
		dirty:    true,
		last:     &Snapshot{},
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
	if b.nobody() {
		b.excuse(now)
	}
	info.Connected, info.Since, info.Ports = true, now, nil
	sw.info, sw.ready = info, false
	present := map[PortID]bool{}
	for _, p := range ports {
		present[PortID{DPID: info.DPID, Port: p.No}] = true
		b.setPort(sw, p, now)
	}
	for no := range sw.ports {
		if id := (PortID{DPID: info.DPID, Port: no}); !present[id] {
			b.dropPort(sw, no)
		}
	}
	for id := range b.links {
		for _, end := range []PortID{id.From, id.To} {
			switch {
			case end.DPID != info.DPID:
			case !present[end]:
				delete(b.links, id) // remembered, but the port is not there any more
			default:
				b.links[id] = now // that no probe was heard meanwhile says nothing
			}
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
		p.await(now.Add(b.cfg.ProbeTime))
	}
}

// SwitchDown takes note that a switch's channel has ended. One of which nothing
// is known that others depend on is forgotten.
func (b *Builder) SwitchDown(dpid openflow.DPID, now time.Time) {
	sw := b.switches[dpid]
	if sw == nil || !sw.info.Connected {
		return
	}
	sw.info.Connected, sw.held, sw.until = false, true, now.Add(b.cfg.Absence)
	b.dirty = true
	if !b.matters(sw) {
		delete(b.switches, dpid)
	}
}

// matters reports whether a switch has links or hosts, or had.
func (b *Builder) matters(sw *switchState) bool {
	for _, p := range sw.ports {
		if p.far != Outside {
			return true
		}
	}
	for _, h := range b.hosts {
		if h.At.DPID == sw.info.DPID {
			return true
		}
	}
	return false
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

// Expire does what the passing of time asks for: quiet ports become edge
// ports, links without probes go down, what is remembered of switches that do
// not come (back) fades.
func (b *Builder) Expire(now time.Time) {
	linked := map[PortID]bool{}
	for id := range b.links {
		linked[id.From], linked[id.To] = true, true
	}
	for _, sw := range b.switches {
		b.settlePorts(sw, linked, now)
		if sw.held && !sw.info.Connected && !now.Before(sw.until) {
			sw.held, b.dirty = false, true
		}
	}
	for id, seen := range b.links {
		if b.connected(id.From.DPID) && b.connected(id.To.DPID) && now.Sub(seen) >= b.cfg.LinkHold {
			delete(b.links, id)
			b.doubt(id.From, now)
			b.doubt(id.To, now)
			b.dirty = true
		}
	}
	if !b.settled && now.Sub(b.started) >= b.cfg.Grace {
		b.settled, b.dirty = true, true
	}
}

func (b *Builder) connected(dpid openflow.DPID) bool {
	sw := b.switches[dpid]
	return sw != nil && sw.info.Connected
}

// nobody reports whether no switch is connected.
func (b *Builder) nobody() bool {
	for _, sw := range b.switches {
		if sw.info.Connected {
			return false
		}
	}
	return true
}

// excuse gives all switches that are away as much time to connect as a restart
// does: when the first one returns after all were gone, it was the controller
// that had been out of sight, not they.
func (b *Builder) excuse(now time.Time) {
	for _, sw := range b.switches {
		sw.held, sw.until = true, now.Add(b.cfg.Grace)
	}
}

// counts reports whether links of a switch count: it is connected, or was a
// moment ago, or has not yet had the time to connect since the start.
func (b *Builder) counts(dpid openflow.DPID) bool {
	if sw := b.switches[dpid]; sw != nil {
		return sw.info.Connected || sw.held
	}
	return !b.settled
}
