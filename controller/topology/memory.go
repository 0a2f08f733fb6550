package topology

import (
	"slices"
	"time"
)

// Memory is what survives a restart of the controller: not the truth about the
// network, but the best guess until the switches have connected and probes have
// come back. With it the rules that a switch should hold are the same after a
// restart as before, and none is touched.
type Memory struct {
	Links []RememberedLink `json:"links,omitempty"`
	Ports []RememberedPort `json:"ports,omitempty"`
	Hosts []Host           `json:"hosts,omitempty"`
}

// RememberedLink is a directed link and whether broadcasts used it.
type RememberedLink struct {
	LinkID
	Tree bool `json:"tree,omitempty"`
}

// RememberedPort is a port whose role was known.
type RememberedPort struct {
	PortID
	Role PortRole `json:"role"`
	Far  PortID   `json:"far"` // the port behind a trunk
}

// Memory extracts what is worth remembering, in a stable order.
func (b *Builder) Memory() Memory {
	var m Memory
	for id := range b.links {
		m.Links = append(m.Links, RememberedLink{LinkID: id, Tree: b.tree[id.From]})
	}
	for _, past := range b.past {
		m.Ports = append(m.Ports, past)
	}
	for dpid, sw := range b.switches {
		for no, p := range sw.ports {
			if p.role != Undetermined || p.far != Outside {
				m.Ports = append(m.Ports, RememberedPort{PortID: PortID{DPID: dpid, Port: no}, Role: p.role, Far: p.far})
			}
		}
	}
	for _, h := range b.hosts {
		m.Hosts = append(m.Hosts, *h)
	}
	slices.SortFunc(m.Hosts, func(a, b Host) int { return slices.Compare(a.MAC[:], b.MAC[:]) })
	slices.SortFunc(m.Links, func(a, b RememberedLink) int { return CompareLinks(a.LinkID, b.LinkID) })
	slices.SortFunc(m.Ports, func(a, b RememberedPort) int { return ComparePorts(a.PortID, b.PortID) })
	return m
}

// Recall takes in the memory of an earlier run. It must come before anything
// else happens to b.
func (b *Builder) Recall(m Memory, now time.Time) {
	for _, l := range m.Links {
		b.links[l.LinkID] = now
		if l.Tree {
			b.tree[l.From], b.tree[l.To] = true, true
		}
	}
	for _, p := range m.Ports {
		b.past[p.PortID] = p
	}
	for _, h := range m.Hosts {
		kept := &Host{MAC: h.MAC, At: h.At, Seen: h.Seen, Moved: h.Moved}
		b.hosts[h.MAC] = kept
		for _, a := range h.Addrs {
			b.give(kept, a)
		}
	}
	b.dirty = true
}

// RecallCable takes in a cable that an installed path used, though the memory
// of the network may have been written before it was found.
func (b *Builder) RecallCable(from, to PortID, now time.Time) {
	for _, id := range []LinkID{{From: from, To: to}, {From: to, To: from}} {
		if _, known := b.links[id]; !known {
			b.links[id] = now
			b.past[id.From] = RememberedPort{PortID: id.From, Role: Trunk, Far: id.To}
		}
	}
	b.dirty = true
}
