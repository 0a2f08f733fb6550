package flow

import (
	"strings"
	"time"

	"conga/controller/topology"
)

// A meter that lets through too short a burst passes less than its rate where a
// switch fills its bucket now and then only, and one that lets through too long
// a one lets best effort fill the queues that allocations wait in.
const (
	// shortBurst of best effort is what Open vSwitch needs, whose buckets fill
	// with each packet.
	shortBurst = 10 * time.Millisecond

	// slowBurst is for switches that fill their buckets once a second, by a
	// clock that ticks each 100 ms (BOFUSS, the switch of CPqD): with 125 ms a
	// quarter of a rate passes, with 800 ms nine tenths.
	slowBurst = 1100 * time.Millisecond

	// noBurst is for switches that cannot be told.
	noBurst = time.Duration(0)

	// minBurst is two full frames, in kbit.
	minBurst = 25
)

// slowSwitches are parts of the descriptions of switches that fill the buckets
// of meters once a second.
var slowSwitches = []string{"ofsoftswitch", "bofuss", "cpqd"}

// BurstOf returns how long a burst the meters of best effort let through in a
// switch that describes itself so.
func (p Policy) BurstOf(desc string) time.Duration {
	if p.MeterBurst > 0 {
		return p.MeterBurst
	}
	desc = strings.ToLower(desc)
	for _, name := range slowSwitches {
		if strings.Contains(desc, name) {
			return slowBurst
		}
	}
	return shortBurst
}

// burst returns how long a burst the meters of best effort let through.
func (v *view) burst() time.Duration { return v.policy.BurstIn(v.sw) }

// BurstIn does as [Policy.BurstOf] for a switch that perhaps cannot be told of
// bursts: then it returns 0.
func (p Policy) BurstIn(sw topology.Switch) time.Duration {
	if sw.Lacks&topology.LacksBursts != 0 {
		return noBurst
	}
	return p.BurstOf(sw.Desc)
}

// burstOf returns the burst in kbit that a meter lets through for so long; 0 if
// it is not to be told.
func burstOf(rate uint32, burst time.Duration) uint32 {
	if burst == noBurst {
		return 0
	}
	kbit := uint64(rate) * uint64(burst/time.Microsecond) / 1e6
	return uint32(max(min(kbit, uint64(^uint32(0))), minBurst))
}
