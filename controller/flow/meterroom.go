package flow

import (
	"errors"
	"slices"
	"time"

	"conga/controller/topology"
	"conga/openflow"
)

// outOfMeters is how a switch refuses a meter that it has no room for.
var outOfMeters = &openflow.Error{ErrType: openflow.ErrorTypeMeterModFailed, Code: uint16(openflow.MeterModFailedOutOfMeters)}

// Suit has the reconciler's meters suit the switch: by which numbers it knows
// them, nil if any will do, and how long bursts of best effort are there; see
// [Policy.BurstIn].
func (r *Reconciler) Suit(n *Numbers, burst time.Duration) {
	if r.numbers, r.small = n, burst; n != nil {
		n.burst = burst
	}
}

// admits reports whether a meter that differs can be sent, and notes what has
// to be noted if it cannot: a meter that the switch has no room for waits for
// others that are leaving.
func (r *Reconciler) admits(id openflow.MeterID, at pair[Meter], leaving bool) bool {
	switch {
	case at.want == nil || at.have != nil:
		return true
	case leaving && r.roomless[id]:
		return false
	case r.numbers.assign(id):
		return true
	case leaving:
		r.roomless[id] = true
	default:
		r.unmetered[id] = outOfMeters
		delete(r.limits, id)
	}
	return false
}

// leaving reports whether the switch holds meters that are about to go.
func (r *Reconciler) leaving() bool {
	for id := range r.limits {
		if at := r.meters[id]; at.want == nil && at.have != nil {
			return true
		}
	}
	return false
}

// obstructs reports whether the entry that is there goes through a meter that
// is to leave, whose room the meter of the entry that is wanted waits for: one
// has to go before the other can come.
func (r *Reconciler) obstructs(at pair[Rule]) bool {
	if at.have == nil || !r.roomless[at.want.meter()] {
		return false
	}
	m := r.meters[at.have.meter()]
	return m.want == nil && m.have != nil
}

// roomMade takes note of a meter that has changed.
func (r *Reconciler) roomMade(s sending) {
	if s.Meter == nil {
		clear(r.roomless)
	}
}

// postponed reports whether a meter that the switch did not add may be added
// yet: by another number, since another controller has a meter by this one, or
// when others have gone.
func (r *Reconciler) postponed(s sending, at pair[Meter], err error) bool {
	why, ok := errors.AsType[*openflow.Error](err)
	switch {
	case !ok || at.have != nil || s.Meter == nil:
		return false
	case why.Has(openflow.MeterModFailedMeterExists) && r.numbers != nil:
		return r.numbers.cede(s.MeterID)
	case why.Has(openflow.MeterModFailedOutOfMeters) && r.leaving():
		r.roomless[s.MeterID] = true
		return true
	}
	return false
}

// landUnmetered takes in the answer about an entry whose meter was not added
// and is about to be: the switch has refused it, or it goes through another
// controller's meter.
func (r *Reconciler) landUnmetered(s sending, err error) {
	at := r.at(s.key)
	if err == nil {
		at.have = s.Rule.doubtful()
	}
	r.look(s.key, at, s.generation)
}

// Short reports whether the switch has no room for a meter that is wanted, and
// returns how many of ours it holds.
func (r *Reconciler) Short() (holds uint32, short bool) {
	for id, err := range r.unmetered {
		why, ok := errors.AsType[*openflow.Error](err)
		short = short || ok && why.Has(openflow.MeterModFailedOutOfMeters) && r.meters[id].want != nil
	}
	for _, at := range r.meters {
		if at.have != nil {
			holds++
		}
	}
	return holds, short
}

// ofOneMeter are the refusals that say nothing of other meters.
var ofOneMeter = []openflow.ErrorCode{
	openflow.MeterModFailedOutOfMeters, openflow.MeterModFailedMeterExists, openflow.MeterModFailedUnknownMeter,
	openflow.MeterModFailedBadRate,
}

// BlameMeters returns what the switch seems to lack that has refused meters
// among steps. That it has meters shows as soon as it takes one. Bad flags may
// be those of bursts or of rates in packets/s: bursts is whether the switch
// says that it has these, which is believed for nothing else.
func (r *Reconciler) BlameMeters(steps []Step, refused map[int]error, bursts bool) (fresh topology.Lacks) {
	for i, st := range steps {
		why, ok := errors.AsType[*openflow.Error](refused[i])
		switch {
		case !ok || st.Meter == nil || slices.ContainsFunc(ofOneMeter, why.Has):
		case r.refusesBurst(*st.Meter, why, bursts):
			fresh |= topology.LacksBursts
		case st.Meter.Packets && !r.holdsMeterIn(true) && (why.Has(openflow.MeterModFailedBadFlags) || r.holdsMeterIn(false)):
			fresh |= topology.LacksPacketRates
		case !r.holdsMeterIn(false) && !r.holdsMeterIn(true):
			fresh |= topology.LacksMeters
		}
	}
	return fresh
}

// refusesBurst reports whether it seems to be for its burst that a meter is
// refused.
func (r *Reconciler) refusesBurst(m Meter, why *openflow.Error, bursts bool) bool {
	if m.Burst == 0 || why.Has(openflow.MeterModFailedBadBurst) {
		return m.Burst > 0
	}
	return why.Has(openflow.MeterModFailedBadFlags) && !r.holdsBurst() && !(m.Packets && bursts)
}

// holdsBurst reports whether the switch holds a meter with a burst.
func (r *Reconciler) holdsBurst() bool {
	for _, at := range r.meters {
		if at.have != nil && at.have.Burst > 0 {
			return true
		}
	}
	return false
}

// holdsMeterIn reports whether the switch holds a meter in packets/s, or one in
// kbit/s.
func (r *Reconciler) holdsMeterIn(packets bool) bool {
	for _, at := range r.meters {
		if at.have != nil && at.have.Packets == packets {
			return true
		}
	}
	return false
}
