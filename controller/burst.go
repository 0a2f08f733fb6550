package controller

import (
	"sync/atomic"
	"time"
)

const (
	burstOf   = 64                     // circuits that come, move or go within a tick
	burstRest = 300 * time.Millisecond // after them, in which others follow mostly
)

// bursts tell when many circuits are on the move. Until is read by all, the
// rest is the core's.
type bursts struct {
	until  atomic.Int64 // Unix time in ns
	count  int          // circuits since the last tick
	begun  bool         // report was called with this last
	report func(bool)   // nil: a burst is not reported
}

// add counts a circuit that comes, moves or goes.
func (b *bursts) add(now time.Time) {
	if b.count++; b.count >= burstOf {
		b.extend(now)
	}
}

// extend has a burst last for a moment from now on.
func (b *bursts) extend(now time.Time) {
	b.until.Store(now.Add(burstRest).UnixNano())
	b.announce(true)
}

// tick takes note that time has passed.
func (b *bursts) tick(now time.Time) {
	b.count = 0
	if b.begun && now.UnixNano() >= b.until.Load() {
		b.announce(false)
	}
}

// announce reports that a burst has begun, or is over, unless it has done so.
func (b *bursts) announce(is bool) {
	if b.begun != is && b.report != nil {
		b.report(is)
	}
	b.begun = is
}

// foresee takes note of a network in which paths may have become others: where
// there are many circuits, many may move.
func (k *core) foresee(now time.Time) {
	if len(k.circuits) >= burstOf {
		k.bursts.extend(now)
	}
}

// Busy reports whether many circuits are on the move, so that what has time
// should wait for a moment. Any goroutine may call it.
func (c *Controller) Busy() bool { return time.Now().UnixNano() < c.bursts.until.Load() }

// auditLater is how long an audit is put off by a burst, and auditsLater how
// often in a row.
const (
	auditLater  = 500 * time.Millisecond
	auditsLater = 10
)

// putOff reports whether an audit that is due is to wait because many circuits
// are on the move.
func (s *session) putOff() bool {
	if !s.Busy() || s.later == auditsLater {
		s.later = 0
		return false
	}
	s.later++
	return true
}
