package topology

import (
	"conga/bitrate"
	"conga/openflow"
)

// fastest is a speed in kbit/s that no port exceeds today: 1.6 Tbit/s, twice
// what Ethernet has. What is said to be faster is made up, such as a field of
// ones.
const fastest = 1_600_000_000

// Speed returns what a port says of its speed. ok is false if it says none that
// can be believed: it is unknown, or faster than any port, or that of a virtual
// port (veth, tap), which names a speed without naming a mode that it supports.
func Speed(p openflow.Port) (speed bitrate.Rate, ok bool) {
	virtual := p.Supported == 0 && p.Advertised == 0
	if p.CurrSpeed == 0 || p.CurrSpeed > fastest || virtual {
		return 0, false
	}
	return bitrate.Rate(p.CurrSpeed) * bitrate.Kbps, true
}

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
