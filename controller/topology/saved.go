package topology

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"conga/openflow"
)

// Saved is what survives a restart of the controller: the best guess of the
// network until the switches have connected and probes have come back. With it
// the entries that a switch should hold are the same after a restart as before,
// and none is changed.
type Saved struct {
	Links    []SavedLink   `json:"links,omitempty"`
	Ports    []SavedPort   `json:"ports,omitempty"`
	Hosts    []Host        `json:"hosts,omitempty"`
	Switches []SavedSwitch `json:"switches,omitempty"` // of which something was found
}

// A SavedLink is a directed link and whether broadcasts used it.
type SavedLink struct {
	LinkID
	Tree bool `json:"tree,omitempty"`
}

// A SavedPort is a port whose role was known.
type SavedPort struct {
	PortID
	Role PortRole `json:"role"`
	Far  PortID   `json:"far"` // the port behind a trunk
}

// A SavedChange is what is to be saved in addition to, or in place of, what was
// before, and what is to be forgotten. Nothing is in both.
type SavedChange struct {
	Saved
	GoneLinks []LinkID
	GonePorts []PortID
	GoneHosts []HostID

	GoneSwitches []openflow.DPID
}

// Empty reports whether nothing is to be saved or forgotten.
func (c SavedChange) Empty() bool {
	return len(c.Links)+len(c.Ports)+len(c.Hosts)+len(c.Switches)+
		len(c.GoneLinks)+len(c.GonePorts)+len(c.GoneHosts)+len(c.GoneSwitches) == 0
}

// Then returns the two changes, one after the other, as one.
func (c SavedChange) Then(later SavedChange) SavedChange {
	linkOf := func(l SavedLink) LinkID { return l.LinkID }
	portOf := func(p SavedPort) PortID { return p.PortID }
	hostOf := func(h Host) HostID { return h.ID() }
	switchOf := func(s SavedSwitch) openflow.DPID { return s.DPID }
	c.Links, c.GoneLinks = then(c.Links, c.GoneLinks, later.Links, later.GoneLinks, linkOf)
	c.Ports, c.GonePorts = then(c.Ports, c.GonePorts, later.Ports, later.GonePorts, portOf)
	c.Hosts, c.GoneHosts = then(c.Hosts, c.GoneHosts, later.Hosts, later.GoneHosts, hostOf)
	c.Switches, c.GoneSwitches = then(c.Switches, c.GoneSwitches, later.Switches, later.GoneSwitches, switchOf)
	return c
}

func then[K comparable, V any](kept []V, gone []K, keptLater []V, goneLater []K, key func(V) K) ([]V, []K) {
	later := map[K]bool{}
	for _, v := range keptLater {
		later[key(v)] = true
	}
	for _, k := range goneLater {
		later[k] = true
	}
	kept = slices.DeleteFunc(slices.Clone(kept), func(v V) bool { return later[key(v)] })
	gone = slices.DeleteFunc(slices.Clone(gone), func(k K) bool { return later[k] })
	return append(kept, keptLater...), append(gone, goneLater...)
}

// unsaved names what may differ from what was last saved.
type unsaved struct {
	links map[LinkID]bool
	ports map[PortID]bool
	hosts map[HostID]bool

	switches map[openflow.DPID]bool
}

func newUnsaved() unsaved {
	return unsaved{links: map[LinkID]bool{}, ports: map[PortID]bool{}, hosts: map[HostID]bool{},
		switches: map[openflow.DPID]bool{}}
}

// Unsaved reports whether there is something to be saved.
func (b *Builder) Unsaved() bool {
	return len(b.unsaved.links)+len(b.unsaved.ports)+len(b.unsaved.hosts)+len(b.unsaved.switches) > 0
}

// Save returns what has changed, in what is worth saving, since the last call;
// after [Builder.Recall], since what was recalled. Its cost follows what it
// returns.
func (b *Builder) Save() (out SavedChange) {
	for id := range b.unsaved.links {
		if l, ok := b.savedLink(id); ok {
			out.Links = append(out.Links, l)
		} else {
			out.GoneLinks = append(out.GoneLinks, id)
		}
	}
	for id := range b.unsaved.ports {
		if p, ok := b.savedPort(id); ok {
			out.Ports = append(out.Ports, p)
		} else {
			out.GonePorts = append(out.GonePorts, id)
		}
	}
	for id := range b.unsaved.hosts {
		if h := b.hosts[id]; h != nil {
			h.saved = h.Seen
			out.Hosts = append(out.Hosts, h.Host)
		} else {
			out.GoneHosts = append(out.GoneHosts, id)
		}
	}
	for dpid := range b.unsaved.switches {
		if s, ok := b.found[dpid]; ok {
			out.Switches = append(out.Switches, s)
		} else {
			out.GoneSwitches = append(out.GoneSwitches, dpid)
		}
	}
	b.unsaved = newUnsaved()
	return out
}

func (b *Builder) savedLink(id LinkID) (l SavedLink, ok bool) {
	c := b.cableAt(id.From)
	if c == nil || c.far(id.From) != id.To || !c.directions[c.from(id.From)].known {
		return l, false
	}
	return SavedLink{LinkID: id, Tree: c.tree}, true
}

func (b *Builder) savedPort(id PortID) (p SavedPort, ok bool) {
	if past, ok := b.past[id]; ok {
		return past, true
	}
	now := b.port(id)
	if now == nil || now.role == Undetermined && now.far == External {
		return p, false
	}
	return SavedPort{PortID: id, Role: now.role, Far: now.far}, true
}

// Saved returns everything that is worth saving, in a stable order.
func (b *Builder) Saved() Saved {
	var m Saved
	for dpid, cables := range b.cables {
		for no, c := range cables {
			from := PortID{DPID: dpid, Port: no}
			if l, ok := b.savedLink(c.id(c.from(from))); ok {
				m.Links = append(m.Links, l)
			}
		}
	}
	for _, past := range b.past {
		m.Ports = append(m.Ports, past)
	}
	for dpid, sw := range b.switches {
		for no := range sw.ports {
			if p, ok := b.savedPort(PortID{DPID: dpid, Port: no}); ok {
				m.Ports = append(m.Ports, p)
			}
		}
	}
	for _, h := range b.hosts {
		m.Hosts = append(m.Hosts, h.Host)
	}
	for _, s := range b.found {
		m.Switches = append(m.Switches, s)
	}
	slices.SortFunc(m.Switches, func(a, b SavedSwitch) int { return cmp.Compare(a.DPID, b.DPID) })
	slices.SortFunc(m.Hosts, func(a, b Host) int { return CompareHosts(a.ID(), b.ID()) })
	slices.SortFunc(m.Links, func(a, b SavedLink) int { return CompareLinks(a.LinkID, b.LinkID) })
	slices.SortFunc(m.Ports, func(a, b SavedPort) int { return ComparePorts(a.PortID, b.PortID) })
	return m
}

// Recall takes in what an earlier run saved. It must come before anything else
// happens to b.
func (b *Builder) Recall(m Saved, now time.Time) {
	b.clock.look(now)
	odd := newUnsaved() // what contradicts the rest, and is not taken in
	for _, l := range m.Links {
		if b.recallDirection(l.LinkID) {
			b.meet(l.From.DPID, l.To.DPID)
			b.forest.recall[l.LinkID] = l.Tree
		} else {
			odd.links[l.LinkID] = true
		}
	}
	for _, p := range m.Ports {
		b.past[p.PortID] = p
		b.meet(p.DPID)
	}
	for _, s := range m.Switches {
		b.found[s.DPID] = s
		b.meet(s.DPID)
	}
	for _, h := range m.Hosts {
		if !b.recallable(h.MAC, netip.Addr{}) {
			continue
		}
		if b.learned() >= b.cfg.MaxLearned { // which is less than it was
			odd.hosts[HostID{MAC: h.MAC, VLAN: h.VLAN}] = true
			continue
		}
		kept := &hostState{Host: Host{MAC: h.MAC, VLAN: h.VLAN, Seen: h.Seen, Moved: h.Moved}, saved: h.Seen}
		b.hosts[h.ID()] = kept
		b.enterPort(kept, h.At)
		b.meet(h.At.DPID)
		b.setSecond(kept, h.Second)
		for _, a := range h.Addrs {
			if _, taken := b.byAddr[a]; taken || !b.recallable(h.MAC, a) {
				odd.hosts[h.ID()] = true
				continue
			}
			b.assign(kept, a, h.Seen)
			b.setVLAN(kept, a, h.VLANs[a])
		}
	}
	b.unsaved = odd
}

// recallDirection takes in one direction of a cable, unless one of its ports
// has another cable. It reports whether it did.
func (b *Builder) recallDirection(id LinkID) bool {
	if id.From == id.To || b.doubtful(id.From, id.To) != Untroubled {
		return false
	}
	for _, end := range []PortID{id.From, id.To} {
		if c := b.cableAt(end); c != nil && (c.id(0) != id && c.id(1) != id) {
			return false
		}
	}
	c := b.cable(id.From, id.To)
	b.hear(c, c.from(id.From))
	return true
}

// RecallCable takes in a cable that an installed path used. What is saved may
// have been written before that cable was found.
func (b *Builder) RecallCable(from, to PortID, now time.Time) {
	b.clock.look(now)
	for _, id := range []LinkID{{From: from, To: to}, {From: to, To: from}} {
		if _, known := b.savedLink(id); !known && b.recallDirection(id) {
			b.past[id.From] = SavedPort{PortID: id.From, Role: Trunk, Far: id.To}
			b.unsaved.ports[id.From] = true
		}
	}
}
