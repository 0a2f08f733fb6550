package stats

import (
	"fmt"
	"time"
)

// lastSpells is how many spells of an allocation are kept.
const lastSpells = 8

// A Cause is why an allocation gets less than was promised to it.
type Cause uint8

// The causes. Where several hold at a time the first one counts.
const (
	LostPath   Cause = iota // none is left, or it is not in the switches
	Narrowed                // its links carry less than is reserved of them
	Unenforced              // a switch on its path does not enforce its rate
	Loss                    // what comes in within its rate does not leave
	causes
)

// String returns the cause in a word, as the metric has it.
func (c Cause) String() string {
	return [...]string{"path", "capacity", "enforcement", "loss", "none"}[min(c, causes)]
}

// A Spell is a time in which an allocation was degraded: it got less than was
// promised to it.
type Spell struct {
	From, To time.Time // To: zero while it lasts
	Cause    Cause
	Why      string // in words for the user
}

// A Shortfall is why an allocation gets less than was promised to it, as far as
// that does not follow from what switches count. The zero value says that it
// does not.
type Shortfall struct {
	Cause Cause // of the first three
	Why   string
}

// A degradation is when, and why, an allocation was degraded.
type degradation struct {
	why      [causes]string // what holds now
	spells   []Spell        // the last ones, the oldest first
	past     time.Duration  // of all that have ended
	seen     time.Time      // until when an earlier run saw that the last one lasted; zero: it is of this run
	changed  time.Time      // when the first began, or the last ended
	reported bool           // as degraded
}

// now returns the spell that lasts, or nil.
func (d *degradation) now() *Spell {
	if n := len(d.spells); n > 0 && d.spells[n-1].To.IsZero() {
		return &d.spells[n-1]
	}
	return nil
}

// total returns for how long the allocation has been degraded.
func (d *degradation) total(now time.Time) time.Duration {
	sum := d.past
	if s := d.now(); s != nil {
		sum += max(0, now.Sub(s.From))
	}
	return sum
}

// first returns the cause that counts, and its words.
func (d *degradation) first() (Cause, string) {
	for c, why := range d.why {
		if why != "" {
			return Cause(c), why
		}
	}
	return causes, ""
}

// degrade notes that an account's allocation is degraded by a cause, or with ""
// that it is not.
func (l *ledger) degrade(a *account, c Cause, why string, now time.Time) {
	if a.degraded.why[c] != why {
		a.degraded.why[c] = why
		l.respell(a, now)
	}
}

// fallShort notes what causes there are that do not follow from counters.
func (l *ledger) fallShort(a *account, s Shortfall, now time.Time) {
	for c := range Loss {
		a.degraded.why[c] = ""
	}
	if s.Cause < Loss {
		a.degraded.why[s.Cause] = s.Why
	}
	l.respell(a, now)
	a.degraded.seen = time.Time{}
}

// respell ends the spell that lasts and begins another, if what holds differs
// from it.
func (l *ledger) respell(a *account, now time.Time) {
	d := &a.degraded
	cause, why := d.first()
	last := d.now()
	if last == nil && why == "" || last != nil && last.Cause == cause && last.Why == why {
		return
	}
	if last != nil {
		end := now
		if !d.seen.IsZero() {
			end = d.seen
		}
		if last.To = end; end.Before(last.From) {
			last.To = last.From
		}
		d.past += last.To.Sub(last.From)
		l.degraded[last.Cause]--
	}
	if why != "" {
		if len(d.spells) == lastSpells {
			d.spells = append(d.spells[:0], d.spells[1:]...)
		}
		d.spells = append(d.spells, Spell{From: now, Cause: cause, Why: why})
		l.degraded[cause]++
	}
	if (last == nil) != (why == "") {
		d.changed = now
		l.unsettled[a] = true
	}
	l.markDirty(a, now, true)
}

// lossWords returns what is lost in a direction, in words for the user.
func lossWords(direction int, share float64) string {
	from := [...]string{forward: "source", reverse: "destination"}[direction]
	return fmt.Sprintf("degraded: %.0f%% of its traffic from the %s is lost on its path", 100*share, from)
}
