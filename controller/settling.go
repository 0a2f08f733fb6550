package controller

import (
	"context"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"conga/openflow"
)

// A switch may answer a barrier before all packets go by the entries that it is
// about. Open vSwitch looks again at each flow that its data path remembers,
// and until then packets of that flow go the old way: 224 ms with 82,000 flows,
// 521 ms with 75,000 on a machine with other work were measured. So what a
// switch holds counts as held when it has had the time for that.
//
// How many flows it remembers no switch says. But each has had a packet within
// the last ten seconds, or it would be forgotten, so there are no more flows
// than packets that came in.
const (
	flowIdle = 10 * time.Second // for which a flow without packets is remembered
	mostFlow = 200_000          // that are remembered
	perFlow  = 6 * time.Microsecond
	// fewFlows take so little time that a packet that left with the answer is
	// still on its way.
	fewFlows = 2500
)

// received is how fast packets came in of late.
type received struct {
	now, before atomic.Uint64 // packets/s, of the last two samples
}

// add takes in another sample.
func (r *received) add(packets float64) {
	r.before.Store(r.now.Swap(uint64(math.Ceil(packets))))
}

// Received takes note of how many packets/s came in by the ports of a switch of
// late.
func (c *Controller) Received(dpid openflow.DPID, packets float64) {
	if s := c.live(dpid); s != nil {
		s.received.add(packets)
	}
}

// settleTime returns how long packets may take ways that the switch has been
// told to leave, after it has answered.
func (s *session) settleTime() time.Duration {
	if s.cfg.Settle != nil {
		return *s.cfg.Settle
	}
	if !s.isOpenVSwitch() {
		return 0
	}
	flows := max(s.received.now.Load(), s.received.before.Load()) * uint64(flowIdle/time.Second)
	if flows < fewFlows {
		return 0
	}
	return time.Duration(min(flows, mostFlow)) * perFlow
}

// isOpenVSwitch reports whether the switch says that it is one.
func (s *session) isOpenVSwitch() bool {
	return strings.Contains(s.Snapshot().Switches[s.dpid].Desc, "Open vSwitch")
}

// settling holds what is to be reported to the core when the packets follow. It
// belongs to the session's goroutine.
type settling struct {
	until time.Time // by which they follow what the switch has confirmed
	queue []lateReport
	timer *time.Timer
}

// A lateReport is to be made at a moment.
type lateReport struct {
	at time.Time
	confirmed
}

// changed notes that the switch has confirmed a change.
func (s *session) changed(now time.Time) {
	if d := s.settleTime(); d > 0 && now.Add(d).After(s.settling.until) {
		s.settling.until = now.Add(d)
	}
}

// hand hands a report to the core, in its turn: at once if the packets follow
// already. It reports whether the report is, or will be, handed over.
func (s *session) hand(ctx context.Context, c confirmed, now time.Time) bool {
	q := &s.settling
	if len(q.queue) == 0 && !q.until.After(now) {
		return s.post(ctx, c)
	}
	if !s.post(ctx, held{s, c.all, c.lapses}) {
		return false
	}
	c.lapses = nil
	at := now
	if q.until.After(at) {
		at = q.until
	}
	if q.queue = append(q.queue, lateReport{at, c}); len(q.queue) == 1 {
		q.timer.Reset(at.Sub(now))
	}
	return true
}

// release hands over the reports whose time has come.
func (s *session) release(ctx context.Context, now time.Time) {
	q := &s.settling
	for len(q.queue) > 0 && !q.queue[0].at.After(now) {
		s.post(ctx, q.queue[0].confirmed)
		q.queue = q.queue[1:]
	}
	if len(q.queue) > 0 {
		q.timer.Reset(q.queue[0].at.Sub(now))
	}
}
