package stats

import (
	"slices"
	"time"
)

// A savedCourse is what an account has beside its totals, as it is saved. Times
// are UNIX milliseconds.
type savedCourse struct {
	Planned  Span         `json:"planned,omitzero"`
	Way      uint64       `json:"way,omitempty"`
	Moves    int          `json:"moves,omitempty"`
	Moved    []savedMove  `json:"moved,omitempty"`
	Intents  []intent     `json:"intents,omitempty"`
	Moving   string       `json:"moving,omitempty"`   // an earlier form of the last intent
	Degraded int64        `json:"degraded,omitempty"` // milliseconds, the spell that lasts included
	Spells   []savedSpell `json:"spells,omitempty"`
	Forward  *rateCount   `json:"forward,omitempty"`
	Reverse  *rateCount   `json:"reverse,omitempty"`
}

// A savedMove is a [Move] as it is saved.
type savedMove struct {
	At  int64  `json:"at"`
	Why string `json:"why,omitempty"`
}

// A savedSpell is a [Spell] as it is saved.
type savedSpell struct {
	From  int64  `json:"from"`
	To    int64  `json:"to"`              // of one that lasts, when it was saved
	Lasts bool   `json:"lasts,omitempty"` // it did then
	Cause Cause  `json:"cause,omitempty"`
	Why   string `json:"why"`
}

// saveCourse returns what is to be saved of the account's course.
func (a *account) saveCourse(now time.Time) savedCourse {
	d := &a.degraded
	c := savedCourse{Planned: a.planned, Way: a.way, Moves: a.moves, Intents: slices.Clone(a.intents), Degraded: d.total(now).Milliseconds()}
	for _, m := range a.moved {
		c.Moved = append(c.Moved, savedMove{m.At.UnixMilli(), m.Why})
	}
	for _, s := range d.spells {
		saved := savedSpell{From: s.From.UnixMilli(), To: s.To.UnixMilli(), Cause: s.Cause, Why: s.Why}
		if s.To.IsZero() {
			saved.To, saved.Lasts = max(saved.From, now.UnixMilli()), true
		}
		c.Spells = append(c.Spells, saved)
	}
	for w, to := range []**rateCount{&c.Forward, &c.Reverse} {
		if n := a.spread[w].buckets; len(n) > 0 {
			*to = new(a.spread[w].clone())
		}
	}
	return c
}

// restoreCourse takes in what was saved of the account's course. A spell that
// lasted goes on if its cause still holds; else it ended when it was saved.
func (l *ledger) restoreCourse(a *account, c savedCourse) {
	a.planned, a.way, a.moves, a.intents = c.Planned, c.Way, c.Moves, c.Intents
	if c.Moving != "" && len(c.Intents) == 0 {
		a.intents = []intent{{Why: c.Moving}}
	}
	for _, m := range c.Moved[max(0, len(c.Moved)-lastMoves):] {
		a.moved = append(a.moved, Move{time.UnixMilli(m.At), m.Why})
	}
	d := &a.degraded
	d.past = time.Duration(c.Degraded) * time.Millisecond
	for i, s := range c.Spells[max(0, len(c.Spells)-lastSpells):] {
		from, to := time.UnixMilli(s.From), time.UnixMilli(s.To)
		if s.Lasts && i == len(c.Spells)-1 && s.Cause < causes {
			d.past -= to.Sub(from)
			d.seen, to, d.reported = to, time.Time{}, true
			l.degraded[s.Cause]++
		}
		d.spells = append(d.spells, Spell{from, to, min(s.Cause, causes), s.Why})
	}
	for w, from := range []*rateCount{c.Forward, c.Reverse} {
		if from != nil {
			a.spread[w] = *from
		}
	}
}
