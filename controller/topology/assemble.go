package topology

import (
	"maps"
	"net/netip"
	"time"

	"conga/openflow"
)

// Snapshot returns the network as it is at now, with the next revision. The
// snapshot shares with the one before what has not changed.
func (b *Builder) Snapshot(now time.Time) *Snapshot {
	s := *b.last
	s.Revision++
	s.Time, s.Delta = now, Delta{}
	s.Attachments, s.located = b.cfg.Attachments, b.located
	b.settleSegments()
	wired := b.renewSwitches(&s)
	b.renewLinks(&s)
	b.renewHosts(&s)
	if wired || len(s.Delta.Links) > 0 {
		s.Wiring = s.Revision
	}
	// Later snapshots append behind what this one sees of the list.
	s.recent = append(s.recent[max(0, len(s.recent)-recentDeltas+1):], s.Delta)
	b.changed.clear()
	b.last = &s
	return &s
}

// A renewed is a map that is copied before it is first written to.
type renewed[K comparable, V any] struct {
	m      *map[K]V
	copied bool
}

func (r *renewed[K, V]) write() map[K]V {
	if !r.copied {
		*r.m, r.copied = maps.Clone(*r.m), true
	}
	return *r.m
}

// renewSwitches brings the switches up to date. It reports whether something
// has changed that paths depend on.
func (b *Builder) renewSwitches(s *Snapshot) (wired bool) {
	switches := renewed[openflow.DPID, Switch]{m: &s.Switches}
	for dpid := range b.changed.switches {
		old, had := s.Switches[dpid]
		sw := b.switches[dpid]
		if sw == nil {
			if had {
				delete(switches.write(), dpid)
				s.Delta.Switches, wired = append(s.Delta.Switches, dpid), true
			}
			continue
		}
		now := b.assemble(sw)
		if had && maps.EqualFunc(old.Ports, now.Ports, samePort) {
			now.Ports = old.Ports
		}
		if had && sameSwitch(old, now) {
			continue
		}
		switches.write()[dpid] = now
		s.Delta.Switches = append(s.Delta.Switches, dpid)
		wired = wired || !had || !sameWiring(old, now)
	}
	return wired
}

func (b *Builder) assemble(sw *switchState) Switch {
	out := sw.info
	out.Barred = b.contests.bars[out.DPID]
	out.Fastest = fastestOf(sw)
	out.Ports = make(map[openflow.PortNo]Port, len(sw.ports))
	for no, p := range sw.ports {
		id := PortID{DPID: out.DPID, Port: no}
		out.Ports[no] = Port{
			ID:       id,
			Name:     p.port.Name,
			MAC:      p.port.HWAddr,
			Up:       isUp(p.port),
			Role:     p.role,
			Far:      p.far,
			Capacity: b.capacity(id, p.port),
			Queue:    p.queue,

			FrameSize: p.frames.size,
			Unqueued:  p.unqueued,
			Storming:  b.storms.has(id),
			Echoing:   b.echoes.has(id),
			Crowded:   b.crowdedAt(id),
			Static:    b.static(id),
			Trouble:   p.trouble,
			Closed:    p.closed,
			Shared:    p.shared,
			Peer:      p.peer,
		}
		if one := out.Ports[no]; one.Trouble == Untroubled {
			one.Trouble, one.Peer = b.oneWayAt(id, one.Peer)
			out.Ports[no] = one
		}
	}
	return out
}

// renewLinks brings links and the tree up to date.
func (b *Builder) renewLinks(s *Snapshot) {
	links := renewed[PortID, Link]{m: &s.Links}
	var came, went []*cable
	for from := range b.changed.links {
		old, had := s.Links[from]
		c := b.cableAt(from)
		if c == nil || !b.carries(c) {
			if had {
				delete(links.write(), from)
				s.Delta.Links = append(s.Delta.Links, from)
			}
			if c != nil && c.carries {
				c.carries = false
				went = append(went, c)
			}
			continue
		}
		if now := b.link(c, from); !had || now != old {
			links.write()[from] = now
			s.Delta.Links = append(s.Delta.Links, from)
		}
		b.weigh(c)
		switch old := b.fallen[c.ends]; {
		case c.carries:
		case old != nil: // it was cut and joined again meanwhile
			delete(b.fallen, c.ends)
			c.carries, c.tree = true, old.tree
			b.noteTree(c)
		default:
			c.carries = true
			came = append(came, c)
		}
	}
	for _, c := range b.fallen {
		c.carries = false
		went = append(went, c)
	}
	clear(b.fallen)
	b.renewTree(s, came, append(went, b.overtaken(len(came) > 0)...))
}

func (b *Builder) link(c *cable, from PortID) Link {
	l := Link{ID: c.id(c.from(from)), Metric: c.metric, Latency: c.latency, Late: b.tardy(c), Drained: b.drained.has(c), Capacity: b.cfg.DefaultCapacity}
	if p := b.port(from); p != nil {
		l.Capacity = b.capacity(from, p.port)
	}
	if c := b.configured[from]; c != 0 {
		l.Capacity = c
	}
	return l
}

func (b *Builder) renewTree(s *Snapshot, came, went []*cable) {
	if len(came)+len(went) == 0 {
		return
	}
	joined, left := b.forest.renew(b, came, went)
	tree := renewed[PortID, bool]{m: &s.Tree}
	touched := map[PortID]bool{}
	for _, c := range left {
		for _, end := range c.ends {
			touched[end] = true
			delete(tree.write(), end)
		}
		b.noteTree(c)
	}
	for _, c := range joined {
		for _, end := range c.ends {
			touched[end] = true
			tree.write()[end] = true
		}
		b.noteTree(c)
	}
	for end := range touched {
		if s.Tree[end] != b.last.Tree[end] {
			s.Delta.Tree = append(s.Delta.Tree, end)
		}
	}
}

// noteTree marks a cable to be saved, with whether it is of the tree.
func (b *Builder) noteTree(c *cable) {
	b.unsaved.links[c.id(0)], b.unsaved.links[c.id(1)] = true, true
}

func (b *Builder) renewHosts(s *Snapshot) {
	for id := range b.changed.hosts {
		old, had := s.Hosts.Get(id)
		h := b.hosts[id]
		if h == nil {
			if had {
				s.Hosts = s.Hosts.Without(id)
				s.Delta.Hosts = append(s.Delta.Hosts, id)
			}
			continue
		}
		h.shown = h.Seen
		s.Hosts = s.Hosts.With(id, h.Host)
		if !had || !sameHost(old, h.Host) {
			s.Delta.Hosts = append(s.Delta.Hosts, id)
		}
	}
	if s.unplaced == nil {
		s.unplaced = &addrTree{}
	}
	if s.owners == nil {
		s.owners = &Map[netip.Addr, HostID]{}
	}
	unplaced, owners := *s.unplaced, *s.owners
	for addr := range b.changed.addrs {
		owner, has := b.byAddr[addr]
		if !has {
			s.Addrs, unplaced, owners = s.Addrs.Without(addr), unplaced.without(addr), owners.Without(addr)
			continue
		}
		a := Attachment{Prefix: netip.PrefixFrom(addr, addr.BitLen()), At: b.hosts[owner].At}
		s.Addrs = s.Addrs.With(addr, a)
		if id, had := owners.Get(addr); !had || id != owner {
			owners = owners.With(addr, owner)
		}
		if _, placed := b.located.find(addr); !placed {
			unplaced = unplaced.with(a)
		}
	}
	if unplaced != *s.unplaced {
		s.unplaced = &unplaced
	}
	if owners != *s.owners {
		s.owners = &owners
	}
}
