package topology

import (
	"maps"
	"slices"
	"time"
)

// Memory is what survives a restart of the controller: not the truth about the
// network, but the best guess until the switches have connected and probes have
// come back. With it the rules that a switch should hold are the same after a
// restart as before, and none is touched.
type Memory struct {
	Links []RememberedLink `json:"links,omitempty"`
	Edges []PortID         `json:"edges,omitempty"`
	Hosts []Host           `json:"hosts,omitempty"`
}

// RememberedLink is a directed link and whether broadcasts used it.
type RememberedLink struct {
	LinkID
	Tree bool `json:"tree,omitempty"`
}

// Memory extracts what is worth remembering, in a stable order.
func (s *Snapshot) Memory() Memory {
	var m Memory
	for _, l := range s.Links {
		m.Links = append(m.Links, RememberedLink{LinkID: l.ID, Tree: s.Tree[l.ID.From]})
	}
	for _, sw := range s.Switches {
		for _, p := range sw.Ports {
			if p.Role == Edge {
				m.Edges = append(m.Edges, p.ID)
			}
		}
	}
	m.Hosts = slices.SortedFunc(maps.Values(s.Hosts), func(a, b Host) int { return slices.Compare(a.MAC[:], b.MAC[:]) })
	slices.SortFunc(m.Links, func(a, b RememberedLink) int { return CompareLinks(a.LinkID, b.LinkID) })
	slices.SortFunc(m.Edges, ComparePorts)
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
	for _, id := range m.Edges {
		b.edges[id] = true
	}
	for _, h := range m.Hosts {
		kept := &Host{MAC: h.MAC, At: h.At, Seen: h.Seen}
		b.hosts[h.MAC] = kept
		for _, a := range h.Addrs {
			b.claim(kept, a)
		}
	}
	b.dirty = true
}
