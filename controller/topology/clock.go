package topology

import "time"

// A clock tells attended time: the time in which the controller was there to
// send and to hear probes. A stretch in which it was not, because other work
// had the machine, counts as one step however long it was. What is judged by
// silence is judged by this clock, so that a controller that is late does not
// lose links.
type clock struct {
	wall time.Time // of the last look
	now  time.Time // attended; never after wall
	step time.Duration
}

// look moves the clock on to the wall's time, by one step at most, and returns
// attended time.
func (c *clock) look(wall time.Time) time.Time {
	if d := wall.Sub(c.wall); d > 0 {
		c.wall, c.now = wall, c.now.Add(min(d, c.step))
	}
	return c.now
}

// lagSpan is how long the slowest probe is remembered, at least.
const lagSpan = 2 * time.Second

// A lag is how long probes are on their way, queues before and behind the
// network included: the longest of the last few seconds.
type lag struct {
	since      time.Time     // attended, of this span
	this, last time.Duration // in this span, and in the one before
}

// note takes note that a probe took d.
func (l *lag) note(d time.Duration, now time.Time) {
	l.advance(now)
	l.this = max(l.this, d)
}

// longest returns how long a probe may take at present.
func (l *lag) longest(now time.Time) time.Duration {
	l.advance(now)
	return max(l.this, l.last)
}

func (l *lag) advance(now time.Time) {
	switch age := now.Sub(l.since); {
	case age >= 2*lagSpan:
		*l = lag{since: now}
	case age >= lagSpan:
		*l = lag{since: now, last: l.this}
	}
}

// A deadline is a moment at which something is to be looked at. The holder of
// an alarm knows whether a deadline still holds.
type deadline struct {
	at   time.Time
	kind deadlineKind
	id   PortID
}

type deadlineKind uint8

const (
	portQuiet    deadlineKind = iota // an undetermined port may be an edge port
	linkQuiet                        // no probe has come over the cable from this port
	switchAbsent                     // a switch that is away
	othersLate                       // switches that have not come although others have
	graceOver
)

// deadlines is a binary heap, the earliest on top.
type deadlines []deadline

func (q *deadlines) push(d deadline) {
	*q = append(*q, d)
	h := *q
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h[i].at.Before(h[parent].at) {
			return
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

// pop removes the earliest deadline if it is not after now.
func (q *deadlines) pop(now time.Time) (d deadline, ok bool) {
	h := *q
	if len(h) == 0 || h[0].at.After(now) {
		return d, false
	}
	d = h[0]
	n := len(h) - 1
	h[0] = h[n]
	h = h[:n]
	*q = h
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < n; child++ {
			if h[child].at.Before(h[least].at) {
				least = child
			}
		}
		if least == i {
			return d, true
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

// An alarm is when the queue next looks at its holder; zero: not at all.
type alarm struct{ at time.Time }

// set queues d, unless the alarm is set to ring earlier. Then its holder is
// found not to be due, and sets it again.
func (a *alarm) set(q *deadlines, d deadline) {
	if a.at.IsZero() || d.at.Before(a.at) {
		a.at = d.at
		q.push(d)
	}
}

// rings reports whether d is what the alarm was last set to, and clears it.
func (a *alarm) rings(d deadline) bool {
	if !a.at.Equal(d.at) {
		return false
	}
	a.at = time.Time{}
	return true
}
