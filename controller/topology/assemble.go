package topology

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"conga/openflow"
)

// Changed reports whether something has happened since the last snapshot.
func (b *Builder) Changed() bool { return b.dirty }

// Snapshot builds the picture of the network as it is at now, with the next
// revision.
func (b *Builder) Snapshot(now time.Time) *Snapshot {
	b.revision++
	b.dirty = false
	s := &Snapshot{
		Revision:    b.revision,
		Time:        now,
		Switches:    make(map[openflow.DPID]Switch, len(b.switches)),
		Links:       make(map[PortID]Link, len(b.links)),
		Hosts:       make(map[openflow.MAC]Host, len(b.hosts)),
		Addrs:       make(map[netip.Addr]Attachment, len(b.byAddr)),
		Attachments: b.cfg.Attachments,
	}
	for dpid, sw := range b.switches {
		s.Switches[dpid] = b.assemble(sw)
	}
	for id := range b.links {
		if b.carries(id) {
			s.Links[id.From] = b.link(id, s)
		}
	}
	for mac, h := range b.hosts {
		s.Hosts[mac] = *h
		for _, a := range h.Addrs {
			s.Addrs[a] = Attachment{Prefix: netip.PrefixFrom(a, a.BitLen()), At: h.At}
		}
	}
	b.tree = spanningTree(s.Links, b.tree)
	s.Tree = maps.Clone(b.tree)
	s.Delta = Diff(b.last, s)
	if s.Wiring = b.last.Wiring; len(s.Delta.Switches)+len(s.Delta.Links) > 0 {
		s.Wiring = s.Revision
	}
	b.last = s
	return s
}

func (b *Builder) assemble(sw *switchState) Switch {
	out := sw.info
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
		}
	}
	return out
}

// carries reports whether traffic can use a link: it is known in both
// directions between two different switches that count.
func (b *Builder) carries(id LinkID) bool {
	_, back := b.links[id.Reverse()]
	return back && id.From.DPID != id.To.DPID &&
		b.counts(id.From.DPID) && b.counts(id.To.DPID)
}

func (b *Builder) link(id LinkID, s *Snapshot) Link {
	l := Link{ID: id, Metric: 1, Capacity: b.cfg.DefaultCapacity}
	if p, ok := s.Port(id.From); ok {
		l.Capacity = p.Capacity
	}
	if o := b.override(id.From); o != nil {
		l.Metric = max(o.Metric, 1)
		if o.Capacity != 0 {
			l.Capacity = o.Capacity
		}
	}
	return l
}

func (b *Builder) override(id PortID) *LinkOverride {
	for i, o := range b.cfg.Links {
		if o.A == id || o.B == id {
			return &b.cfg.Links[i]
		}
	}
	return nil
}

// capacity is what the configuration says, else what the port says, else the
// default. A virtual port (veth, tap) names a speed without naming any mode
// that it supports; that speed is made up.
func (b *Builder) capacity(id PortID, p openflow.Port) BitRate {
	if o := b.override(id); o != nil && o.Capacity != 0 {
		return o.Capacity
	}
	madeUp := p.Supported == 0 && p.Advertised == 0
	if p.CurrSpeed == 0 || madeUp {
		return b.cfg.DefaultCapacity
	}
	return BitRate(p.CurrSpeed) * Kbps
}

// spanningTree picks the links over which broadcasts travel, so that every
// switch is reached once, and returns the ports at both ends of each. Links of
// the previous tree stay in it as long as they carry: a link that returns
// changes nothing, and at no moment do two trees form a ring.
func spanningTree(links map[PortID]Link, previous map[PortID]bool) map[PortID]bool {
	candidates := slices.SortedFunc(maps.Values(links), func(a, b Link) int {
		if keepA, keepB := previous[a.ID.From], previous[b.ID.From]; keepA != keepB {
			if keepA {
				return -1
			}
			return 1
		}
		if a.Metric != b.Metric {
			return int(a.Metric) - int(b.Metric)
		}
		return CompareLinks(a.ID, b.ID)
	})
	parent := map[openflow.DPID]openflow.DPID{}
	root := func(d openflow.DPID) openflow.DPID {
		for {
			p, ok := parent[d]
			if !ok {
				return d
			}
			d = p
		}
	}
	tree := map[PortID]bool{}
	for _, l := range candidates {
		a, z := root(l.ID.From.DPID), root(l.ID.To.DPID)
		if a == z {
			continue
		}
		parent[a] = z
		tree[l.ID.From], tree[l.ID.To] = true, true
	}
	return tree
}
