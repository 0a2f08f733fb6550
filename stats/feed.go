package stats

import (
	"math"
	"time"

	"conga/bitrate"
	"conga/controller/topology"
	"conga/openflow"
	"conga/stats/history"
)

// mostPortsKept is how many ports of one switch have a history.
const mostPortsKept = 512

// A Recorder keeps how fast things went. It is safe for concurrent use.
type Recorder interface {
	// Add takes in what was counted from one sample to the next.
	Add(inputs []history.Input)
	// Points returns what is known of a subject over count steps of so many
	// milliseconds, of which the first begins at from; nil if it is not known.
	Points(key string, from, step int64, count int) []history.Cells
}

// The values of a port's track.
const (
	portReceived = iota // bit/s
	portSent
	portReceiveDropped // packets/s
	portSendDropped
)

// The values of the track of an end of an allocation, in bit/s.
const (
	endPromised  = iota // of what comes in there
	endEntered          // came in there, before policing
	endDropped          // of that, by policing
	endDelivered        // left there, of the other direction
)

func portKey(at topology.PortID) string { return history.Lesser + "port " + at.String() }

// endKey returns the key of an end of an allocation: that where the traffic of
// a direction enters.
func endKey(id string, direction int) string {
	return "allocation " + id + [...]string{" source", " destination"}[direction]
}

// tells reports whether a counter says anything: all ones do not, neither of 64
// bits nor of the 32 that some switches count with (OpenFlow 1.3.5, 7.3.5).
func tells(n uint64) bool { return n != Unkept && n != math.MaxUint32 }

// portRuns returns how fast the ports of a switch that are in the network went
// from one sample to the next, over span; nothing over none.
func portRuns(before, s *Sample, sw topology.Switch, span time.Duration) (out []history.Input) {
	if before == nil || span <= 0 {
		return nil
	}
	to := s.At.UnixMilli()
	for i := range s.Ports {
		p := &s.Ports[i]
		if _, known := sw.Ports[p.No]; !known {
			continue
		}
		old := find(before.Ports, i, func(o *Port) bool { return o.No == p.No })
		if old == nil {
			continue
		}
		if len(out) == mostPortsKept {
			return out
		}
		v := portValues(old, p, span, sw.Ports[p.No].Capacity)
		out = append(out, history.Input{
			Key: portKey(topology.PortID{DPID: s.DPID, Port: p.No}),
			Run: history.Run{From: to - span.Milliseconds(), To: to, Values: v},
		})
	}
	return out
}

// portValues returns how fast a port went. What cannot be told is not known:
// which is of a counter that shows less than before, unless it has 32 bits, the
// port is still the same, and it is as fast as that takes; and of one of a port
// that has begun anew. Dropped packets have no such speed: fewer than before
// are not known.
func portValues(before, now *Port, span time.Duration, capacity bitrate.Rate) (v history.Values) {
	same := now.Age > before.Age && now.Age >= before.Age+span-bornSlack
	anew := now.Age < before.Age
	rate := func(old, n uint64, unit, fastest, wrapping float64) float32 {
		if !tells(old) || !tells(n) || anew {
			return float32(math.NaN())
		}
		counted := n - old
		if n < old {
			if !same || old > math.MaxUint32 {
				return float32(math.NaN())
			}
			counted, fastest = n+(1<<32)-old, wrapping
		}
		if r := float64(counted) * unit / span.Seconds(); r <= fastest {
			return float32(r)
		}
		return float32(math.NaN())
	}
	fastest, wrapping := float64(topology.FastestPort), float64(capacity)
	v[portReceived] = rate(before.Received.Bytes, now.Received.Bytes, 8, fastest, wrapping)
	v[portSent] = rate(before.Sent.Bytes, now.Sent.Bytes, 8, fastest, wrapping)
	v[portReceiveDropped] = rate(before.ReceiveDropped, now.ReceiveDropped, 1, fastest/8/leastFrame, -1)
	v[portSendDropped] = rate(before.SendDropped, now.SendDropped, 1, fastest/8/leastFrame, -1)
	return v
}

// A feed is what an end of an allocation had counted when its history was
// written last.
type feed struct {
	at                          time.Time // zero: it was not
	dpid                        openflow.DPID
	entered, dropped, delivered uint64 // bytes
	blurred                     bool   // what is counted until the next time is not of that time alone
}

// blur has what is counted until the next samples be a gap: a counter began
// anew, or was not believed for a while.
func (a *account) blur() {
	a.feeds[forward].blurred, a.feeds[reverse].blurred = true, true
}

// reach returns what the end has counted at which a direction enters.
func (a *account) reach(direction int, dpid openflow.DPID, at time.Time) feed {
	in, out := &a.directions[direction], &a.directions[forward+reverse-direction]
	return feed{
		at: at, dpid: dpid,
		entered: in.Entered.Bytes, dropped: in.Dropped.Bytes, delivered: out.Left.minus(out.Inside).Bytes,
	}
}

// beginFeeds has the history of an account begin now, before anything can have
// been counted.
func (a *account) beginFeeds(now time.Time) {
	if len(a.circuits) != 1 || len(a.circuits[0].Path) == 0 || !a.feeds[forward].at.IsZero() {
		return
	}
	p := a.circuits[0].Path
	a.feeds = [2]feed{a.reach(forward, p[0].DPID, now), a.reach(reverse, p[len(p)-1].DPID, now)}
}

// runs returns how fast allocations went at a switch, as of a sample that has
// been taken in and is not longer than most after the one before.
func (l *ledger) runs(s *Sample, most time.Duration) (out []history.Input) {
	for handle := range l.circuitEnds[s.DPID] {
		a := l.handles[handle]
		if a == nil || len(a.circuits) == 0 || len(a.circuits[0].Path) == 0 {
			continue
		}
		p := a.circuits[0].Path
		for direction, end := range [2]openflow.DPID{p[0].DPID, p[len(p)-1].DPID} {
			if end == s.DPID && a.sees(s) {
				out = a.run(out, direction, s, most)
			}
		}
	}
	return out
}

// sees reports whether a sample has an entry of the account.
func (a *account) sees(s *Sample) bool {
	for _, e := range a.entries {
		if e.dpid == s.DPID && e.seen.Equal(s.At) {
			return true
		}
	}
	return false
}

// run appends the run of one end, and begins the next one.
func (a *account) run(out []history.Input, direction int, s *Sample, most time.Duration) []history.Input {
	last, now := a.feeds[direction], a.reach(direction, s.DPID, s.At)
	a.feeds[direction] = now
	elapsed := s.At.Sub(last.at)
	if last.at.IsZero() || last.dpid != s.DPID || last.blurred || elapsed <= 0 || elapsed > most {
		return out
	}
	v := history.Unknown()
	rate := func(before, now uint64) float32 {
		return float32(float64(now-min(before, now)) * 8 / elapsed.Seconds())
	}
	if a.rate[direction] > 0 {
		v[endPromised] = float32(a.rate[direction])
	}
	v[endEntered] = rate(last.entered, now.entered)
	if !a.unproven {
		v[endDropped], v[endDelivered] = rate(last.dropped, now.dropped), rate(last.delivered, now.delivered)
	}
	to := s.At.UnixMilli()
	return append(out, history.Input{Key: endKey(a.id, direction), Run: history.Run{From: to - elapsed.Milliseconds(), To: to, Values: v}})
}
