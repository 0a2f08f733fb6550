package topology

import (
	"net/netip"

	"conga/openflow"
)

// changes names what may differ from the last snapshot: all that does, and
// perhaps more.
type changes struct {
	any      bool // something does
	hearings bool // which ports hear each other
	switches map[openflow.DPID]bool
	links    map[PortID]bool // by sending port
	hosts    map[HostID]bool
	addrs    map[netip.Addr]bool
}

func newChanges() changes {
	return changes{
		switches: map[openflow.DPID]bool{},
		links:    map[PortID]bool{},
		hosts:    map[HostID]bool{},
		addrs:    map[netip.Addr]bool{},
	}
}

// clear forgets the changes after a snapshot. It replaces maps that a burst has
// made large: clearing one costs what it once held.
func (c *changes) clear() {
	const large = 1024
	if len(c.switches)+len(c.links)+len(c.hosts)+len(c.addrs) > large {
		*c = newChanges()
		return
	}
	c.any, c.hearings = false, false
	clear(c.switches)
	clear(c.links)
	clear(c.hosts)
	clear(c.addrs)
}

// Changed reports whether something has happened since the last snapshot.
func (b *Builder) Changed() bool { return b.changed.any }

func (b *Builder) touchSwitch(dpid openflow.DPID) {
	b.changed.any, b.changed.switches[dpid] = true, true
}

func (b *Builder) touchCable(c *cable) {
	b.changed.any, b.changed.links[c.ends[0]], b.changed.links[c.ends[1]] = true, true, true
}

// touchCables marks the cables of a switch that begins or ceases to count.
func (b *Builder) touchCables(dpid openflow.DPID) {
	b.changed.any = true
	for _, c := range b.cables[dpid] {
		b.touchCable(c)
	}
}

func (b *Builder) touchHost(h *hostState) {
	b.changed.any, b.changed.hosts[h.ID()], b.unsaved.hosts[h.ID()] = true, true, true
}

func (b *Builder) touchAddr(addr netip.Addr) {
	b.changed.any, b.changed.addrs[addr] = true, true
}
