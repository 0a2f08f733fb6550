package controller

import (
	"sync"
	"time"

	"conga/controller/discovery"
	"conga/controller/topology"
)

// mostRepeats bounds the probes that wait for the core's next tick: many more
// than leave between two.
const mostRepeats = 1 << 14

// A repeat is a probe that has arrived over a link that is known.
type repeat struct {
	s  *session
	of discovery.Origin
	to topology.PortID
	at time.Time
}

// repeats are probes that are no news. In an idle network nearly all are, and
// each would wake the core, which costs more than to take it in. They wait for
// its next tick.
type repeats struct {
	mu      sync.Mutex // a leaf; guards waiting
	waiting []repeat
	taken   []repeat // memory for those that come next; the core's
}

// add has the core take in a probe. One for which there is no room is dropped:
// it comes again.
func (r *repeats) add(one repeat) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) < mostRepeats {
		r.waiting = append(r.waiting, one)
	}
}

// take has the core take in what has arrived.
func (r *repeats) take(k *core, now time.Time) {
	r.mu.Lock()
	r.waiting, r.taken = r.taken[:0], r.waiting
	r.mu.Unlock()
	for _, one := range r.taken {
		if !k.current(one.s) || k.replayed(one.of, one.to, now) || !k.builder.LinkHeard(one.of.From, one.to, now) {
			continue // the last where the link has gone since
		}
		// To wait for a tick is as it should be, to wait longer is the core's
		// lateness.
		waited := max(0, now.Sub(one.at)-tick)
		k.builder.ProbeTook(one.at.Sub(one.of.Left)+waited, now)
	}
	clear(r.taken) // so that no session is kept
}
