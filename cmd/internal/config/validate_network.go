package config

import (
	"fmt"
	"math"
	"time"

	"conga/allocator"
	"conga/controller/topology"
)

func (v *validator) network(n Network) {
	v.oneOf("network.forwarding", n.Forwarding, "l2", "normal", "none")
	if n.DefaultCapacity == 0 {
		v.add("network.default_capacity", "a capacity of nothing carries nothing; write a rate such as 10G")
	}
	// The comparison is written so that NaN fails it.
	if !(n.Reservable > 0 && n.Reservable <= 1) {
		v.add("network.reservable", "%v is not a share; write a number above 0 and up to 1, such as 0.8", n.Reservable)
	}
	ends := v.links(n.Links, n.Discovery.Strict)
	v.attachments(n.Attachments, ends)
	v.boundHosts(n.Hosts, ends)
	v.drawn(n.Positions)
	v.learning(n.Learning)
	v.frameSize(n)
	v.discovery(n.Discovery)
	v.ports(n.Ports, ends)
	v.priority(n)
}

func (v *validator) priority(n Network) {
	p := n.Priority
	if p.DSCP != nil && *p.DSCP > 63 {
		v.add("network.priority.dscp", "%d is not a code point; write 0 to 63, or null to leave packets as they are", *p.DSCP)
	}
	if p.Queue != nil && *p.Queue == math.MaxUint32 {
		v.add("network.priority.queue", "%d stands for all queues; write the number of one, or null", *p.Queue)
	}
	switch b := p.MeterBurst; {
	case b == nil:
	case *b < Interval(time.Millisecond) || *b > Interval(2*time.Second):
		v.add("network.priority.meter_burst", "%s is not from 1ms to 2s; null is as long as each switch needs", b)
	case !n.metered():
		v.add("network.priority.meter_burst", "best effort has no meters without meter: true and forwarding: l2; write null")
	}
	if p.RequireMeters && !n.metered() {
		v.add("network.priority.require_meters", "no switch enforces rates without meter: true and forwarding: l2, so none could be asked for; write false")
	}
}

// metered reports whether best effort has meters.
func (n Network) metered() bool { return n.Priority.Meter && n.Forwarding == "l2" }

// Bounds of the sizes of frames, in bytes without checksum.
const (
	leastFrame   = 60
	mostFrame    = 9216
	mostOverhead = 200 // with tunnels
)

func (v *validator) frameSize(n Network) {
	f := n.FrameSize
	if f.Overhead < 0 || f.Overhead > mostOverhead {
		v.add("network.frame_size.overhead", "%d is not what a frame takes beside its bytes; write 24 for Ethernet, 0 for nothing, at most %d", f.Overhead, mostOverhead)
	}
	if f.Allocations < leastFrame || f.Allocations > mostFrame {
		v.add("network.frame_size.allocations", "%d is no mean size of frames; write bytes from %d to %d, such as 512", f.Allocations, leastFrame, mostFrame)
	}
	if f.BestEffort != 0 && (f.BestEffort < leastFrame || f.BestEffort > mostFrame) {
		v.add("network.frame_size.best_effort", "%d is no mean size of frames; write bytes from %d to %d, or 0 to have it learned", f.BestEffort, leastFrame, mostFrame)
	}
	if f.BestEffort != 0 && !n.metered() {
		v.add("network.frame_size.best_effort", "best effort has no meters without priority.meter: true and forwarding: l2; write 0")
	}
}

func (v *validator) discovery(d Discovery) {
	if !d.LLDP && !d.BDDP {
		v.add("network.discovery", "without any probes a ring would not be found and would drown the network; leave lldp or bddp on")
	}
}

func (v *validator) ports(ports []NamedPort, ends map[topology.PortID]string) {
	seen := map[topology.PortID]int{}
	for i, p := range ports {
		key := fmt.Sprintf("network.ports[%d]", i)
		if p.Role != "edge" {
			v.add(key+".role", "%q is unknown; write edge, for a port that never leads to a switch of the network", p.Role)
		}
		if p.At == (Port{}) {
			v.add(key+".at", `the port is missing; write it as DPID:port, such as "0000000000000001:5"`)
			continue
		}
		if end, ok := ends[p.At.ID()]; ok {
			v.add(key+".at", "port %s is an end of %s; an edge port is none", p.At, parent(end))
		}
		if first, ok := seen[p.At.ID()]; ok {
			v.add(key+".at", "port %s is already network.ports[%d]; keep one", p.At, first)
		}
		seen[p.At.ID()] = i
	}
}

// links checks the overrides and returns the ports that are ends of cables,
// with the keys that name them.
func (v *validator) links(links []Link, strict bool) map[topology.PortID]string {
	ends := map[topology.PortID]string{}
	for i, l := range links {
		key := fmt.Sprintf("network.links[%d]", i)
		if l.Capacity == 0 && l.Metric == 0 && l.Latency == 0 && !l.Static && !strict {
			v.add(key, "the link overrides nothing; give capacity, metric, latency or static")
		}
		if d := time.Duration(l.Latency); d < 0 || d > allocator.MaxLatency || d%time.Microsecond != 0 {
			v.add(key+".latency", "%s is no latency of a link; write one such as 4ms or 250us, %s at most", l.Latency, allocator.MaxLatency)
		}
		if l.A == l.B && l.A != (Port{}) {
			v.add(key+".b", "both ends are port %s; name the port at the other end of the cable", l.B)
			continue
		}
		for j, p := range [...]Port{l.A, l.B} {
			end := key + [...]string{".a", ".b"}[j]
			if p == (Port{}) {
				v.add(end, `an end is missing; write it as DPID:port, such as "0000000000000001:3"`)
			} else if other, taken := ends[p.ID()]; taken {
				v.add(end, "port %s is already an end of %s; a port has one cable, so keep one of the two", p, parent(other))
			} else {
				ends[p.ID()] = end
			}
		}
	}
	return ends
}

func (v *validator) attachments(attachments []Attachment, ends map[topology.PortID]string) {
	seen := map[string]int{}
	for i, a := range attachments {
		key := fmt.Sprintf("network.attachments[%d]", i)
		if a.At == (Port{}) {
			v.add(key+".at", `the port is missing; write it as DPID:port, such as "0000000000000001:1"`)
		} else if end, ok := ends[a.At.ID()]; ok {
			v.add(key+".at", "port %s is an end of %s; a prefix can only be behind an edge port", a.At, parent(end))
		}
		if a.VLAN != nil && (*a.VLAN < 0 || *a.VLAN > 4094) {
			v.add(key+".vlan", "%d is no VLAN; write its ID, from 1 to 4094, or 0 for frames without a tag", *a.VLAN)
		}
		switch p := a.Prefix; {
		case !p.IsValid():
			v.add(key+".prefix", "the prefix is missing; write one such as 192.127.1.0/24")
		case p.Addr().Is4In6():
			v.add(key+".prefix", "%s is an IPv4 prefix in IPv6 clothes; write it as IPv4", p)
		case p.Masked() != p.Prefix:
			v.add(key+".prefix", "%s has bits set beyond its length; write %s, or %s/%d for that host alone",
				p, p.Masked(), p.Addr(), p.Addr().BitLen())
		default:
			if first, ok := seen[p.String()]; ok {
				v.add(key+".prefix", "%s is already placed by network.attachments[%d]; keep one", p, first)
			}
			seen[p.String()] = i
		}
	}
}
