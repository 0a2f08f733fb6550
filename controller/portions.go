package controller

import "time"

// Portions that are put off are settled when no circuit has come, moved or gone
// for calm, but after settleWait at the latest.
const (
	calm       = time.Second
	settleWait = 10 * time.Second
)

// portions is when the portions of circuits are settled.
type portions struct {
	moved time.Time // when a circuit last came, moved or went
	since time.Time // when portions were first seen to be put off; zero: none are
}

// settlePortions gives circuits the portions that were put off, if it is time
// for that.
func (k *core) settlePortions(now time.Time) {
	p := &k.portions
	switch {
	case !k.wanted.PutOff():
		p.since = time.Time{}
	case p.since.IsZero():
		p.since = now
	case now.Sub(p.moved) >= calm || now.Sub(p.since) >= settleWait:
		k.wanted.CatchUp()
		k.stale = true
		p.since = time.Time{}
	}
}
