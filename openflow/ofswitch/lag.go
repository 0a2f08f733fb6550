package ofswitch

import "time"

// A lagging is what the data path of a switch remembers of entries, as that of
// Open vSwitch does: see [Habits]. It is guarded by the switch's lock.
type lagging struct {
	remembered map[sort]*entry
	until      time.Time // the entries that are remembered count until then
}

// A sort is packets that are alike to a table.
type sort struct {
	table int
	key   flowKey
}

// changedLocked notes that entries are about to be changed.
func (s *Switch) changedLocked() {
	if s.cfg.Habits.Lag > 0 {
		s.lagging.until = s.now().Add(s.cfg.Habits.Lag)
	}
}

// lookupLocked returns the entry that a packet takes in a table; nil: none.
func (s *Switch) lookupLocked(no int, t *table, key *flowKey) *entry {
	if s.cfg.Habits.Lag <= 0 {
		return t.lookup(key)
	}
	l, of := &s.lagging, sort{no, *key}
	if old, known := l.remembered[of]; known && s.now().Before(l.until) {
		return old
	}
	e := t.lookup(key)
	if l.remembered == nil {
		l.remembered = map[sort]*entry{}
	}
	if l.remembered[of] = nil; e != nil {
		copied := *e // a change alters the entry itself
		l.remembered[of] = &copied
	}
	return e
}
