package topology

import (
	"net/netip"
	"slices"
	"time"

	"conga/bitrate"
	"conga/openflow"
)

// A Builder turns what happens in the network into snapshots. It is not safe
// for concurrent use: the controller's core goroutine owns it. Time is an
// argument. The cost of an event follows what it changes, not the size of the
// network.
//
// A switch that goes away keeps its links for a while: the loss of its channel
// says little of its ports, and the switch goes on forwarding. When a switch is
// dead its neighbours' ports lose carrier and say so at once.
type Builder struct {
	cfg       Config
	overrides map[PortID]*LinkOverride
	// configured has the capacities that the configuration names.
	configured map[PortID]bitrate.Rate
	edges      map[PortID]bool // configured
	located    *prefixTable    // configured attachments
	clock      clock
	lag        lag
	due        deadlines
	settled    bool // the grace of the start is over
	late       latecomers
	drained    drains
	arrival    time.Time // attended, when a switch was last ready for the first time

	switches map[openflow.DPID]*switchState
	sessions int                                          // connected switches
	unmet    map[openflow.DPID]bool                       // known to an earlier run, and not here since the start
	cables   map[openflow.DPID]map[openflow.PortNo]*cable // at their both ends
	stranded map[PortID]bool                              // perhaps a trunk without a cable
	halved   map[*cable]time.Time                         // known in one direction only, and since when; attended
	silent   []PortID                                     // see Silent
	overdue  []PortID                                     // see Overdue
	hosts    map[HostID]*hostState
	parted   map[openflow.MAC][]*hostState // hosts of one VLAN
	byAddr   map[netip.Addr]HostID
	behind   map[openflow.DPID]map[openflow.PortNo]*portHosts
	fullest  byHosts                       // of these
	fixed    int                           // hosts that the configuration binds to ports
	early    int                           // hosts that are; see hostState
	swept    time.Time                     // when the silent were looked for behind all ports
	past     map[PortID]SavedPort          // ports of an earlier run, until their switch connects
	found    map[openflow.DPID]SavedSwitch // what switches were found to lack

	contests   contests
	bound      map[openflow.MAC]*Binding
	boundAddrs map[netip.Addr]openflow.MAC
	unlearned  Unlearned
	pairings   map[PortID]*pairing // by what is, or may be, a second port; see second.go
	storms     spells
	echoes     spells
	heard      map[PortID]map[PortID]*hearing // by the port whose probes arrive, and where
	near       nearPairs                      // of these
	judged     map[PortID]standing            // of the ports on segments
	joined     joints                         // the switches as links join them; nil: to be made anew

	changed changes // since the last snapshot
	unsaved unsaved // since the last Save
	last    *Snapshot
	forest  forest
	fallen  map[[2]PortID]*cable // carried in the last snapshot, forgotten since; by ends
}

type switchState struct {
	info      Switch    // Ports is unused
	offers    uint32    // meters that it says it has
	ready     bool      // sends the probes that it receives to the controller
	met       bool      // was ready once
	until     time.Time // attended, while it is away: when its links cease to count
	linksKept bool      // its links count although it is away
	excused   bool      // and has been since all switches were out of reach
	alarm     alarm
	ports     map[openflow.PortNo]*portState
}

// NewBuilder returns a builder for a controller that starts at now.
func NewBuilder(cfg Config, now time.Time) *Builder {
	cfg = cfg.withDefaults()
	b := &Builder{
		cfg:       cfg,
		overrides: map[PortID]*LinkOverride{},
		edges:     edgeSet(cfg.Edges),
		located:   newPrefixTable(cfg.Attachments),
		clock:     clock{wall: now, now: now, step: cfg.Tick * 3 / 2},
		switches:  map[openflow.DPID]*switchState{},
		unmet:     map[openflow.DPID]bool{},
		late:      latecomers{of: map[openflow.DPID]bool{}},
		cables:    map[openflow.DPID]map[openflow.PortNo]*cable{},
		stranded:  map[PortID]bool{},
		halved:    map[*cable]time.Time{},
		hosts:     map[HostID]*hostState{},
		parted:    map[openflow.MAC][]*hostState{},
		byAddr:    map[netip.Addr]HostID{},
		behind:    map[openflow.DPID]map[openflow.PortNo]*portHosts{},
		past:      map[PortID]SavedPort{},
		found:     map[openflow.DPID]SavedSwitch{},
		heard:     map[PortID]map[PortID]*hearing{},
		near:      nearPairs{},
		changed:   newChanges(),
		unsaved:   newUnsaved(),
		forest:    newForest(),
		fallen:    map[[2]PortID]*cable{},
		last:      emptySnapshot(),

		contests:   newContests(),
		bound:      map[openflow.MAC]*Binding{},
		boundAddrs: map[netip.Addr]openflow.MAC{},
		pairings:   map[PortID]*pairing{},
		storms:     spells{},
		echoes:     spells{},
	}
	for i := len(cfg.Links) - 1; i >= 0; i-- { // the first that names a port has it
		b.overrides[cfg.Links[i].A], b.overrides[cfg.Links[i].B] = &cfg.Links[i], &cfg.Links[i]
	}
	b.configured = capacitiesOf(cfg.Links)
	b.bind(cfg.Bindings, now)
	b.due.push(deadline{at: now.Add(cfg.Grace), kind: graceOver})
	b.changed.any = true
	return b
}

// SwitchUp takes note that a switch has connected, or connected again: what it
// tells of itself (info.Ports is ignored) and of its ports.
func (b *Builder) SwitchUp(info Switch, ports []openflow.Port, now time.Time) {
	b.clock.look(now)
	if b.sessions == 0 {
		b.excuse()
	}
	b.arrive(info.DPID)
	sw := b.switches[info.DPID]
	if sw == nil {
		sw = &switchState{info: Switch{DPID: info.DPID}, ports: map[openflow.PortNo]*portState{}}
		b.switches[info.DPID] = sw
		delete(b.unmet, info.DPID)
	}
	if !sw.info.Connected {
		b.sessions++
	}
	info.Connected, info.Since, info.Ports = true, now, nil
	sw.offers = info.Meters
	b.remember(&info)
	info.Unmetered, info.Unpoliced = sw.info.Unmetered, sw.info.Unpoliced // until that is known
	if len(sw.info.Limitations) > 0 {                                     // until it is known which still hold
		info.Limitations = sw.info.Limitations
	}
	sw.info, sw.ready = info, false
	b.touchSwitch(info.DPID)
	present := map[openflow.PortNo]bool{}
	for _, p := range ports {
		present[p.No] = true
		b.setPort(sw, p)
	}
	for no := range sw.ports {
		if !present[no] {
			b.dropPort(sw, no)
		}
	}
	for no := range b.behind[info.DPID] {
		if !present[no] {
			b.dropHosts(PortID{DPID: info.DPID, Port: no}) // remembered, as are the cables below
		}
	}
	for no, c := range b.cables[info.DPID] {
		if !present[no] {
			b.cut(PortID{DPID: info.DPID, Port: no})
			continue
		}
		for i := range c.directions {
			if c.directions[i].known {
				b.hear(c, i) // that no probe was heard meanwhile says nothing
			}
		}
	}
}

// SwitchReady takes note that a switch holds its entries. From now on a port
// where no probe arrives is an edge port; before, the switch did not report
// probes.
func (b *Builder) SwitchReady(dpid openflow.DPID, now time.Time) {
	b.clock.look(now)
	sw := b.switches[dpid]
	if sw == nil || sw.ready {
		return
	}
	if !sw.met {
		b.arrival = b.clock.now
	}
	sw.ready, sw.met = true, true
	for no, p := range sw.ports {
		p.sent = 0
		b.await(PortID{DPID: dpid, Port: no}, b.cfg.ProbeTime)
	}
}

// SwitchDown takes note that a switch's channel has ended. The builder forgets
// a switch on which no link or host depends, and others if more are away than
// [Config.MaxAway].
func (b *Builder) SwitchDown(dpid openflow.DPID, now time.Time) {
	b.clock.look(now)
	sw := b.switches[dpid]
	switch {
	case sw == nil || !sw.info.Connected && sw.info.Role == openflow.RoleNoChange:
		return
	case sw.info.Connected:
		b.sessions--
		sw.info.Connected = false
		b.keepLinks(sw, b.cfg.Absence)
	default: // it was withheld
		sw.info.Limitations = nil
	}
	sw.info.Role = openflow.RoleNoChange
	b.touchSwitch(dpid)
	if b.matters(sw) {
		b.boundAway()
		return
	}
	b.dropSwitch(dpid)
}

// keepLinks lets the links of a switch that is away count for d.
func (b *Builder) keepLinks(sw *switchState, d time.Duration) {
	sw.linksKept, sw.until = true, b.clock.now.Add(d)
	sw.alarm.set(&b.due, deadline{sw.until, switchAbsent, PortID{DPID: sw.info.DPID}})
	b.touchCables(sw.info.DPID)
}

// Known reports whether a switch has, or had in an earlier run, links or hosts.
func (b *Builder) Known(dpid openflow.DPID) bool {
	return len(b.cables[dpid]) > 0 || len(b.behind[dpid]) > 0
}

// matters reports whether a switch has, or had, links or hosts.
func (b *Builder) matters(sw *switchState) bool {
	for _, p := range sw.ports {
		if p.far != External {
			return true
		}
	}
	return len(b.behind[sw.info.DPID]) > 0
}

// SetQueues sets which ports of a switch have the queue that the configuration
// names for allocated traffic.
func (b *Builder) SetQueues(dpid openflow.DPID, queue uint32, ports []openflow.PortNo) {
	sw := b.switches[dpid]
	if sw == nil {
		return
	}
	for no, p := range sw.ports {
		p.queue, p.unqueued = nil, false
		if slices.Contains(ports, no) {
			p.queue = &queue
		}
	}
	sw.info.QueuesSilent = false
	b.touchSwitch(dpid)
}

// SetQueuesUnused sets by which ports a switch sends the traffic of allocations
// otherwise than by the queue that is meant for it, and whether it does not say
// what the queue sends.
func (b *Builder) SetQueuesUnused(dpid openflow.DPID, ports []openflow.PortNo, silent bool, now time.Time) {
	b.clock.look(now)
	sw := b.switches[dpid]
	if sw == nil {
		return
	}
	for no, p := range sw.ports {
		p.unqueued = p.queue != nil && slices.Contains(ports, no)
	}
	sw.info.QueuesSilent = silent
	b.touchSwitch(dpid)
}

// Expire does what the passing of time asks for: quiet ports become edge ports,
// links without probes go down, and what is remembered of switches that do not
// come (back) fades. Its cost follows what is due. When a call comes much later
// than [Config.Tick] after the one before, the controller was not there to
// listen, and that time does not count.
func (b *Builder) Expire(now time.Time) {
	b.clock.look(now)
	b.expireStranded()
	b.expireHalved()
	b.expireContests()
	b.expireSpells()
	b.expireHearings()
	for {
		d, ok := b.due.pop(b.clock.now)
		if !ok {
			return
		}
		switch d.kind {
		case portQuiet:
			b.expirePort(d)
		case linkQuiet:
			b.expireDirection(d)
		case switchAbsent:
			b.expireSwitch(d)
		case othersLate:
			b.expireLate(d)
		case graceOver:
			b.settled = true
			for dpid := range b.cables {
				if b.switches[dpid] == nil {
					b.touchCables(dpid)
				}
			}
		}
	}
}

// expireSwitch ends the time in which the links of a switch that is away count.
func (b *Builder) expireSwitch(d deadline) {
	sw := b.switches[d.id.DPID]
	if sw == nil || !sw.alarm.rings(d) || !sw.linksKept || sw.info.Connected {
		return
	}
	if sw.until.After(b.clock.now) {
		sw.alarm.set(&b.due, deadline{sw.until, switchAbsent, d.id})
		return
	}
	sw.linksKept = false
	b.touchCables(d.id.DPID)
	b.fallBackAll(d.id.DPID)
}

func (b *Builder) connected(dpid openflow.DPID) bool {
	sw := b.switches[dpid]
	return sw != nil && sw.info.Connected
}

// counts reports whether links of a switch count: it is connected, or was a
// moment ago, or has not had the time to connect since the start.
func (b *Builder) counts(dpid openflow.DPID) bool {
	if sw := b.switches[dpid]; sw != nil {
		return sw.info.Connected || sw.linksKept
	}
	return !b.settled
}
