package controller

import (
	"sync"
	"time"
)

// How many flow entries audits look at in a second over a longer time, and at
// once.
const (
	auditRate  = 50_000
	auditBurst = 250_000
)

// budget bounds how much is done in a second. It is full at first.
type budget struct {
	mu    sync.Mutex // a leaf; guards what follows
	spent float64    // of auditBurst, as of at
	at    time.Time
}

// allow reports whether n more may be done at now, and counts them if so. More
// than fits at once is allowed when the budget is full.
func (b *budget) allow(n int, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refillLocked(now)
	n = min(n, auditBurst)
	if b.spent+float64(n) > auditBurst {
		return false
	}
	b.spent += float64(n)
	return true
}

// take counts n more that are done at now whether they fit or not.
func (b *budget) take(n int, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refillLocked(now)
	b.spent += float64(n)
}

func (b *budget) refillLocked(now time.Time) {
	b.spent = max(0, b.spent-now.Sub(b.at).Seconds()*auditRate)
	b.at = now
}
