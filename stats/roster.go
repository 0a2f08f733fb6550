package stats

import (
	"math"
	"time"

	"conga/controller/topology"
	"conga/openflow"
)

// slots is the number of parts of an interval. Switches of a slot are
// asked together.
const slots = 50

// A roster says when each switch is asked: once an interval, each at a time of
// its own, so that the work of an interval is spread evenly over it.
//
// Switches get their slots in the order in which they are met, each a golden
// section of the interval after the one before. However many there are, and
// whichever of them go, no part of the interval has much more than its share.
type roster struct {
	step  time.Duration // between two slots
	slot  [slots][]openflow.DPID
	of    map[openflow.DPID]int
	met   int
	seen  *topology.Snapshot // that the roster follows from
	next  int64              // number of the slot that comes next, which only grows
	begun time.Time          // when slot 0 came first
}

func newRoster(interval time.Duration, now time.Time) *roster {
	return &roster{step: max(interval/slots, time.Millisecond), of: map[openflow.DPID]int{}, begun: now}
}

// follow takes in which switches there are.
func (r *roster) follow(s *topology.Snapshot) {
	if r.seen == s {
		return
	}
	r.seen = s
	for dpid, at := range r.of {
		if _, known := s.Switches[dpid]; !known {
			delete(r.of, dpid)
			r.slot[at] = without(r.slot[at], dpid)
		}
	}
	for dpid := range s.Switches {
		if _, known := r.of[dpid]; !known {
			_, part := math.Modf(float64(r.met) * (math.Sqrt(5) - 1) / 2)
			at := int(part * slots)
			r.met++
			r.of[dpid] = at
			r.slot[at] = append(r.slot[at], dpid)
		}
	}
}

// late returns for how long the slot that comes next has been due.
func (r *roster) late(now time.Time) time.Duration {
	return now.Sub(r.begun) - time.Duration(r.next)*r.step
}

// due calls f with the switches whose slots have come since it was called last.
// Slots that were missed come late, but none of them twice.
func (r *roster) due(now time.Time, f func(openflow.DPID)) {
	last := int64(now.Sub(r.begun) / r.step)
	for r.next = max(r.next, last-slots+1); r.next <= last; r.next++ {
		for _, dpid := range r.slot[r.next%slots] {
			f(dpid)
		}
	}
}
