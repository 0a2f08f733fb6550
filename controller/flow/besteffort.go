package flow

import (
	"time"

	"conga/bitrate"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

const (
	// upRate is how many packets of a sort a switch sends up in a second; each
	// costs the controller a message.
	upRate = 1000

	// policerBurst of 0.3 s: with less, a lone TCP transfer stays a third and
	// more below the rate at which it is policed.
	policerBurst = 300 * time.Millisecond

	// minRate of best effort, in kbit/s: address resolution must get through
	// even where everything is reserved.
	minRate = 100

	// floodShare: what is flooded may use a twentieth of what is left to best
	// effort where it cannot share the meter of the one port concerned.
	floodShare = 20
)

// bestEffortMeters puts a meter on every port that carries reservations, at
// what these leave of its capacity to frames of the size that is expected
// there, and returns them by port. A flow entry has but one meter, and what is
// flooded leaves through many ports: where more than one of them is metered,
// flooding gets a meter of its own, whose rate those of the ports give up by
// which it leaves.
func (v *view) bestEffortMeters(reserved map[openflow.PortNo]bitrate.Rate) map[openflow.PortNo]openflow.MeterID {
	ids := map[openflow.PortNo]openflow.MeterID{}
	if !v.metering() || v.policy.Forwarding != ForwardL2 || !v.budget().shared {
		return ids
	}
	left, alone := map[openflow.PortNo]uint32{}, v.budget().alone // kbit/s
	for no, sum := range reserved {
		p, known := v.sw.Ports[no]
		if id, ok := purpose.PortID(no); known && (ok || !alone) {
			ids[no] = id
			rate := kbps(v.policy.Frames.left(p, sum))
			left[no] = coarse(rate, min(kbps(p.Capacity)/1000, rate/50))
		}
	}
	if !alone {
		v.shareMeter(ids, left)
		return ids
	}
	if flood := v.floodRate(left); flood != 0 {
		v.meters[purpose.FloodID] = drop(flood, v.burst())
		for _, out := range v.floods {
			if rate, metered := left[out.Port]; metered {
				left[out.Port] = rate - min(flood, rate)
			}
		}
	}
	for no, rate := range left {
		v.meters[ids[no]] = drop(rate, v.burst())
	}
	return ids
}

// coarse rounds a rate down by so much at most. So most circuits that come,
// move or go leave the meters of the ports on their paths as they are. What is
// round already stays so.
func coarse(rate, most uint32) uint32 {
	step := uint32(1)
	for step <= most/10 {
		step *= 10
	}
	switch {
	case step <= most/5:
		step *= 5
	case step <= most/2:
		step *= 2
	}
	return rate - rate%step
}

// shareMeter has the best effort of all ports, and what is flooded, go through
// one meter, which lets through what each port has left to best effort.
func (v *view) shareMeter(ids map[openflow.PortNo]openflow.MeterID, left map[openflow.PortNo]uint32) {
	if len(left) == 0 {
		return
	}
	least := ^uint32(0)
	for no, rate := range left {
		ids[no], least = purpose.FloodID, min(least, rate)
	}
	v.meters[purpose.FloodID] = drop(least, v.burst())
}

// MeterTrial returns a meter that no entry uses, with the highest of our
// identifiers. A switch that takes it takes all of ours; what a switch says of
// its room for meters does not tell which identifiers it accepts. It stays, so
// that a switch whose meters are all in use passes the trial again. bursts is
// whether the meter says how long its bursts are.
func MeterTrial(bursts bool) *openflow.MeterMod {
	return trialMeter(bursts).modify(purpose.TrialID, openflow.MeterAdd)
}

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
	// The other meters give it up, so it is not to change with each of them.
	rate := least / floodShare
	return max(coarse(rate, rate/5), minRate)
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

// trialMeter returns that of [MeterTrial].
func trialMeter(bursts bool) Meter {
	if !bursts {
		return Meter{Rate: minRate}
	}
	return Meter{Rate: minRate, Burst: minBurst}
}

// upMeter returns a meter of so many packets/s, or, where a switch cannot count
// them, of as many kbit/s as they have at 250 bytes each.
func upMeter(rate uint32, packets bool) Meter {
	if !packets {
		rate *= 2
	}
	return Meter{Packets: packets, Rate: rate, Burst: rate}
}

// upMeters adds the meters that limit what the switch sends up to the
// controller, so that one host cannot keep it from hearing others.
func (v *view) upMeters() {
	switch {
	case v.pipelined():
		v.meters[v.upMeter(purpose.TeachingID)], v.meters[v.upMeter(purpose.UnknownID)] = v.up(upRate), v.up(upRate)
		v.stormMeters()
	case v.policy.Forwarding == ForwardL2 && v.strayPorts():
		v.meters[v.upMeter(purpose.UnknownID)] = v.up(upRate)
	}
	delete(v.meters, 0)
}

// up returns a meter of what goes up to the controller, of so many packets/s.
func (v *view) up(rate uint32) Meter {
	m := upMeter(rate, !v.lacks(topology.LacksPacketRates))
	if v.lacks(topology.LacksBursts) {
		m.Burst = 0
	}
	return m
}

// upMeter returns the meter of what goes up to the controller, which is one for
// all where the switch has few; 0 if there is none.
func (v *view) upMeter(id openflow.MeterID) openflow.MeterID {
	switch v.budget().ups {
	case 0:
		return 0
	case 1:
		return purpose.UnknownID
	}
	return id
}

func kbps(r bitrate.Rate) uint32 {
	return uint32(min(r/bitrate.Kbps, bitrate.Rate(^uint32(0))))
}

// drop returns a meter that lets rate kbit/s of best effort pass.
func drop(rate uint32, burst time.Duration) Meter {
	rate = max(rate, minRate)
	return Meter{Rate: rate, Burst: burstOf(rate, burst)}
}

// police returns the meter of a circuit with a rate in kbit/s, in a switch
// where best effort has such a burst.
func police(rate uint32, burst time.Duration) Meter {
	if burst != noBurst {
		burst = max(policerBurst, burst)
	}
	return Meter{Rate: rate, Burst: burstOf(rate, burst)}
}

// policer returns the meter that holds what a circuit carries in one direction
// to its rate, or to the least rate in kbit/s if that is higher.
func policer(rate bitrate.Rate, least uint32, burst time.Duration) Meter {
	return police(max(kbps(rate), least, 1), burst)
}
