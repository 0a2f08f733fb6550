package flow

import (
	"conga/controller/topology"
	"conga/openflow"
)

// Identifiers of our meters. A switch's meters are a space of their own without
// cookies; this range marks ours. Open vSwitch allows identifiers up to 65535.
const (
	meterFirst   openflow.MeterID = 0xc000
	meterUnknown                  = meterFirst     // packets of unknown sources
	meterFlood                    = meterFirst + 1 // what is flooded, where several ports carry reservations
	meterPorts                    = meterFirst + 2 // plus the port number
	meterLast    openflow.MeterID = 0xffff
)

const (
	// unknownRate is how many packets of unknown sources a switch takes in a
	// second; each costs the controller a message.
	unknownRate = 1000

	// burstPerSecond: a best-effort meter lets a burst of 10 ms through.
	burstPerSecond = 100
	// minBurst is two full frames, in kbit.
	minBurst = 25

	// minRate of best effort, in kbit/s: address resolution must get through
	// even where everything is reserved.
	minRate = 100

	// floodShare: what is flooded may use a twentieth of what is left to best
	// effort where it cannot share the meter of the one port concerned.
	floodShare = 20
)

// bestEffortMeters puts a meter on every port that carries reservations, at
// what these leave of its capacity, and returns them by port. A flow entry has
// but one meter, and what is flooded leaves through many ports: where more than
// one of them is metered, flooding gets a meter of its own, whose rate the
// others give up.
func (c *compiler) bestEffortMeters() map[openflow.PortNo]openflow.MeterID {
	ids := map[openflow.PortNo]openflow.MeterID{}
	if !c.Policy.Meter || c.Policy.Forwarding != ForwardL2 || c.sw.Meters == 0 {
		return ids
	}
	left := map[openflow.PortNo]uint32{} // kbit/s
	for no, reserved := range c.reserved() {
		p, ok := c.sw.Ports[no]
		if ok && openflow.MeterID(no) <= meterLast-meterPorts {
			ids[no] = meterPorts + openflow.MeterID(no)
			left[no] = kbps(p.Capacity - min(reserved, p.Capacity))
		}
	}
	if flood := c.floodRate(left); flood != 0 {
		c.state.Meters[meterFlood] = drop(flood)
		for no := range left {
			left[no] -= min(flood, left[no])
		}
	}
	for no, rate := range left {
		c.state.Meters[ids[no]] = drop(rate)
	}
	return ids
}

// floodRate is the rate of the flood meter in kbit/s; 0 if there is none.
func (c *compiler) floodRate(left map[openflow.PortNo]uint32) uint32 {
	least := ^uint32(0)
	n := 0
	for _, out := range c.floodPorts() {
		if rate, metered := left[out.Port]; metered {
			n++
			least = min(least, rate)
		}
	}
	if n < 2 {
		return 0
	}
	return max(least/floodShare, minRate)
}

// floodMeter is the meter of what is flooded: that of the one port that carries
// reservations, or the flood meter if there are several, or none.
func (c *compiler) floodMeter() openflow.MeterID {
	if _, ok := c.state.Meters[meterFlood]; ok {
		return meterFlood
	}
	for _, out := range c.floodPorts() {
		if id, metered := c.meters[out.Port]; metered {
			return id
		}
	}
	return 0
}

func kbps(r topology.BitRate) uint32 {
	return uint32(min(r/topology.Kbps, topology.BitRate(^uint32(0))))
}

// drop is a meter that lets rate kbit/s pass.
func drop(rate uint32) Meter {
	rate = max(rate, minRate)
	return Meter{Rate: rate, Burst: max(rate/burstPerSecond, minBurst)}
}
