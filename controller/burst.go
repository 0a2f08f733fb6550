package controller

import (
	"sync/atomic"
	"time"
)

const (
	burstOf   = 64                     // circuits that come, move or go within a tick
	burstRest = 300 * time.Millisecond // after them, in which others follow mostly
)

// bursts tell when many circuits are on the move. It is read by all.
type bursts struct {
	until atomic.Int64 // Unix time in ns
	count int          // circuits since the last tick; the core's
}

// add counts a circuit that comes, moves or goes.
func (b *bursts) add(now time.Time) {
	if b.count++; b.count >= burstOf {
		b.until.Store(now.Add(burstRest).UnixNano())
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
