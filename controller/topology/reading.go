package topology

import (
	"maps"
	"slices"
	"time"

	"conga/openflow"
)

// PortsRead takes note of all ports of a switch as it describes them when it is
// asked. It returns those that are up or down, fast or slow, there or gone
// though the switch had last said otherwise, in ascending order.
func (b *Builder) PortsRead(dpid openflow.DPID, ports []openflow.Port, now time.Time) (differ []PortID) {
	b.clock.look(now)
	sw := b.switches[dpid]
	if sw == nil {
		return nil
	}
	gone := maps.Clone(sw.ports)
	for _, p := range ports {
		delete(gone, p.No)
		old := sw.ports[p.No]
		if !carrying(p.No) || old != nil && old.port == p {
			continue
		}
		if old == nil || isUp(old.port) != isUp(p) || old.port.CurrSpeed != p.CurrSpeed {
			differ = append(differ, PortID{DPID: dpid, Port: p.No})
		}
		b.setPort(sw, p)
	}
	for no := range gone {
		differ = append(differ, PortID{DPID: dpid, Port: no})
		b.dropPort(sw, no)
	}
	slices.SortFunc(differ, ComparePorts)
	return differ
}

// Overdue returns the ports at both ends of links that have not brought a probe
// when the next one was sent. Perhaps they are down, and their switch has not
// said so. Each is returned once for a probe that has stayed away.
func (b *Builder) Overdue() []PortID {
	out := b.overdue
	b.overdue = nil
	return out
}
