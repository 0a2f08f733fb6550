package flow

import (
	"time"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// Identifiers of our meters. A switch's meters are a space of their own without
// cookies; these ranges mark ours. Open vSwitch takes identifiers up to
// 0xffff0000, whatever number of meters it says it has room for.
const (
	meterFirst    openflow.MeterID = 0xc000_0000
	meterUnknown                   = meterFirst     // packets of unknown sources
	meterFlood                     = meterFirst + 1 // what is flooded, where several ports carry reservations
	meterTeaching                  = meterFirst + 2 // ARP and neighbour discovery
	meterPorts    openflow.MeterID = 0xc100_0000    // plus the port number
	meterPolicers openflow.MeterID = 0xc200_0000    // plus the circuit's handle
	meterTrial    openflow.MeterID = 0xc300_0000    // see MeterTrial
	meterLast                      = meterTrial

	meterSuffix = 0x00ff_ffff
)

const (
	// upRate is how many packets of a sort a switch sends up in a second; each
	// costs the controller a message.
	upRate = 1000

	// burstPerSecond: a best-effort meter lets a burst of 10 ms through.
	burstPerSecond = 100
	// policerBurst of 0.3 s: with less, a lone TCP transfer stays a third and more
	// below the rate at which it is policed.
	policerBurst = 300 * time.Millisecond

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
	if !c.metering() || c.Policy.Forwarding != ForwardL2 {
		return ids
	}
	left := map[openflow.PortNo]uint32{} // kbit/s
	for no, reserved := range c.reserved() {
		p, ok := c.sw.Ports[no]
		if ok && no <= meterSuffix {
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

// MeterTrial is a meter that no entry uses, with the highest of our
// identifiers. A switch that takes it takes all of ours; what a switch says of
// its room for meters does not tell which identifiers it accepts. It stays, so
// that a switch whose meters are all in use passes the trial again.
func MeterTrial() *openflow.MeterMod { return drop(minRate).modify(meterTrial, openflow.MeterAdd) }

// metering reports whether meters are wanted, and there to be had.
func (c *compiler) metering() bool { return c.Policy.Meter && c.sw.Meters > 0 }

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

// Policed finds the circuits that must be held to their rate where they enter
// the network: those that share a link with another circuit that has a rate. A
// circuit that shares no link may use what is free beyond what it reserved; it
// takes that from best effort only.
func Policed(circuits []path.Circuit) map[string]bool {
	owner := map[topology.LinkID]string{}
	policed := map[string]bool{}
	for _, c := range circuits {
		if c.Rate == 0 {
			continue
		}
		for _, l := range c.Path.BothWays() {
			other, taken := owner[l]
			if taken && other != c.ID {
				policed[c.ID], policed[other] = true, true
			}
			owner[l] = c.ID
		}
	}
	return policed
}

// policer adds the meter that holds a circuit to its rate.
func (c *compiler) policer(circuit path.Circuit) openflow.MeterID {
	id := meterPolicers + openflow.MeterID(circuit.Handle&meterSuffix)
	rate := max(kbps(circuit.Rate), 1)
	burst := uint32(time.Duration(rate) * policerBurst / time.Second)
	c.state.Meters[id] = Meter{Rate: rate, Burst: max(burst, minBurst)}
	return id
}
