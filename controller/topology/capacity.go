package topology

import (
	"conga/bitrate"
	"conga/openflow"
)

// FastestPort is a speed that no port exceeds today, twice what Ethernet has.
// What is said to be faster is made up, such as a field of ones.
const FastestPort = 1600 * bitrate.Gbps

// Speed returns what a port says of its speed. ok is false if it says none that
// can be believed: it is unknown, or faster than any port, or that of a virtual
// port (veth, tap), which names a speed without naming a mode that it supports.
func Speed(p openflow.Port) (speed bitrate.Rate, ok bool) {
	virtual := p.Supported == 0 && p.Advertised == 0
	if p.CurrSpeed == 0 || TooFast(p) || virtual {
		return 0, false
	}
	return bitrate.Rate(p.CurrSpeed) * bitrate.Kbps, true
}

// TooFast reports whether a port says that it is faster than any port.
func TooFast(p openflow.Port) bool { return bitrate.Rate(p.CurrSpeed)*bitrate.Kbps > FastestPort }

// capacity returns the capacity of a port: what the configuration says, else
// what the port says, else the default.
func (b *Builder) capacity(id PortID, p openflow.Port) bitrate.Rate {
	if c := b.configured[id]; c != 0 {
		return c
	}
	if speed, ok := Speed(p); ok {
		return speed
	}
	return b.cfg.DefaultCapacity
}

// fastestOf returns the speed of the fastest port of a switch, which is
// [FastestPort] if one does not tell its speed.
func fastestOf(sw *switchState) (fastest bitrate.Rate) {
	for _, p := range sw.ports {
		speed, ok := Speed(p.port)
		if !ok {
			return FastestPort
		}
		fastest = max(fastest, speed)
	}
	return fastest
}

// capacitiesOf returns the capacities that links are configured to have, by
// port. The first that names a port has it.
func capacitiesOf(links []LinkOverride) map[PortID]bitrate.Rate {
	out := map[PortID]bitrate.Rate{}
	for _, l := range links {
		for _, end := range []PortID{l.A, l.B} {
			if _, named := out[end]; !named {
				out[end] = l.Capacity
			}
		}
	}
	return out
}

// SetCapacities changes the capacities that the configuration names. Of the
// links nothing else counts.
func (b *Builder) SetCapacities(links []LinkOverride) {
	was := b.configured
	b.configured = capacitiesOf(links)
	for _, ends := range []map[PortID]bitrate.Rate{was, b.configured} {
		for id := range ends {
			if was[id] == b.configured[id] || b.port(id) == nil {
				continue
			}
			b.touchSwitch(id.DPID)
			if c := b.cableAt(id); c != nil {
				b.touchCable(c)
			}
		}
	}
}
