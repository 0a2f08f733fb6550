package flow

import (
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

const (
	// upRate is how many packets of a sort a switch sends up in a second; each
	// costs the controller a message.
	upRate = 1000

	// burstPerSecond: a best-effort meter lets a burst of 10 ms through.
	burstPerSecond = 100
	// policerBurst of 0.3 s: with less, a lone TCP transfer stays a third and
	// more below the rate at which it is policed.
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
func (v *view) bestEffortMeters(reserved map[openflow.PortNo]bitrate.Rate) map[openflow.PortNo]openflow.MeterID {
	ids := map[openflow.PortNo]openflow.MeterID{}
	if !v.metering() || v.policy.Forwarding != ForwardL2 {
		return ids
	}
	left := map[openflow.PortNo]uint32{} // kbit/s
	for no, sum := range reserved {
		p, known := v.sw.Ports[no]
		if id, ok := purpose.PortID(no); known && ok {
			ids[no] = id
			left[no] = kbps(p.Capacity - min(sum, p.Capacity))
		}
	}
	if flood := v.floodRate(left); flood != 0 {
		v.meters[purpose.FloodID] = drop(flood)
		for no := range left {
			left[no] -= min(flood, left[no])
		}
	}
	for no, rate := range left {
		v.meters[ids[no]] = drop(rate)
	}
	return ids
}

// MeterTrial returns a meter that no entry uses, with the highest of our
// identifiers. A switch that takes it takes all of ours; what a switch says of
// its room for meters does not tell which identifiers it accepts. It stays, so
// that a switch whose meters are all in use passes the trial again.
func MeterTrial() *openflow.MeterMod { return drop(minRate).modify(purpose.TrialID, openflow.MeterAdd) }

// metering reports whether meters are wanted, and there to be had.
func (v *view) metering() bool { return v.policy.Meter && v.meterable() }

// meterable reports whether entries can go through meters.
func (v *view) meterable() bool { return v.sw.Meters > 0 && !v.lacks(topology.LacksMeters) }

// floodRate returns the rate of the flood meter in kbit/s; 0 if there is none.
func (v *view) floodRate(left map[openflow.PortNo]uint32) uint32 {
	least := ^uint32(0)
	n := 0
	for _, out := range v.floods {
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

// floodMeter returns the meter of what is flooded: that of the one port that
// carries reservations, or the flood meter if there are several, or none.
func (v *view) floodMeter() openflow.MeterID {
	if _, ok := v.meters[purpose.FloodID]; ok {
		return purpose.FloodID
	}
	for _, out := range v.floods {
		if id, metered := v.limits[out.Port]; metered {
			return id
		}
	}
	return 0
}

// upMeters adds the meters that limit what the switch sends up to the
// controller, so that one host cannot keep it from hearing others.
func (v *view) upMeters() {
	up := Meter{Packets: true, Rate: upRate, Burst: upRate}
	switch {
	case v.pipelined():
		v.meters[purpose.TeachingID], v.meters[purpose.UnknownID] = up, up
		v.stormMeters()
	case v.policy.Forwarding == ForwardL2 && v.strayPorts():
		v.meters[purpose.UnknownID] = up
	}
}

// upMeter returns the meter of what goes up to the controller; 0 if the switch
// has no meters.
func (v *view) upMeter(id openflow.MeterID) openflow.MeterID {
	if !v.meterable() {
		return 0
	}
	return id
}

func kbps(r bitrate.Rate) uint32 {
	return uint32(min(r/bitrate.Kbps, bitrate.Rate(^uint32(0))))
}

// drop returns a meter that lets rate kbit/s pass.
func drop(rate uint32) Meter {
	rate = max(rate, minRate)
	return Meter{Rate: rate, Burst: max(rate/burstPerSecond, minBurst)}
}

// policer returns the meter that holds a circuit to its rate, or to the least
// rate in kbit/s if that is higher.
func policer(circuit path.Circuit, least uint32) (openflow.MeterID, Meter) {
	rate := max(kbps(circuit.Rate), least, 1)
	burst := uint32(time.Duration(rate) * policerBurst / time.Second)
	return purpose.PolicerID(circuit.Handle), Meter{Rate: rate, Burst: max(burst, minBurst)}
}
