package flow

import "conga/openflow"

// pair is what is wanted and what is there; nil is none.
type pair[T any] struct{ want, have *T }

// A slot is what is known of a key of a switch's flow tables. It is kept for as
// long as an entry is wanted or there, or a step about it is under way.
type slot struct {
	pair[Rule]
	since    uint64  // the first generation that the entry does not satisfy, while it is listed
	index    int32   // in the backlog
	listed   listing // the backlog that it is in
	flying   bool    // a step about it is under way
	removing bool    // which takes it out
}

// A listing names a backlog.
type listing uint8

const (
	unlisted listing = iota
	urgent           // rules of circuits and guards
	rest             // others
	listings
)

// backlog is the slots whose entries differ, or may when what is under way has
// landed.
type backlog []*slot

// list puts a slot into a backlog, and takes it out of another. It differs
// since a generation, or since an earlier one that was noted already.
func (r *Reconciler) list(s *slot, in listing, since uint64) {
	if s.listed != unlisted {
		since = min(since, s.since)
	}
	if s.listed != in {
		r.unlist(s)
		s.listed, s.index = in, int32(len(r.backlogs[in]))
		r.backlogs[in] = append(r.backlogs[in], s)
	}
	s.since = since
}

// unlist takes a slot out of the backlog that it is in.
func (r *Reconciler) unlist(s *slot) {
	if s.listed == unlisted {
		return
	}
	b := r.backlogs[s.listed]
	last := b[len(b)-1]
	b[s.index], last.index = last, s.index
	b[len(b)-1] = nil
	r.backlogs[s.listed] = b[:len(b)-1]
	s.listed = unlisted
}

// slot returns the slot of a key, which is made if there is none.
func (r *Reconciler) slot(k openflow.EntryKey) *slot {
	s := r.rules[k]
	if s == nil {
		s = &slot{}
		r.rules[k] = s
	}
	return s
}

// at returns what is wanted and what is there of a key.
func (r *Reconciler) at(k openflow.EntryKey) pair[Rule] {
	if s := r.rules[k]; s != nil {
		return s.pair
	}
	return pair[Rule]{}
}

// look stores a pair and notes whether it differs, and since which generation.
// What is under way may differ when it has landed.
func (r *Reconciler) look(k openflow.EntryKey, at pair[Rule], since uint64) {
	r.lookAt(r.slot(k), k, at, since)
}

// lookAt does what look does where the slot is known.
func (r *Reconciler) lookAt(s *slot, k openflow.EntryKey, at pair[Rule], since uint64) {
	if at.want != nil && at.have != nil && at.have.Equal(at.want) {
		at.have = at.want // one copy will do
	}
	s.pair = at
	r.lookMissing(k, at)
	if at.want == nil && at.have == nil {
		delete(r.habits.rules, k)
		if !s.flying {
			r.unlist(s)
			delete(r.rules, k)
			return
		}
	}
	if !r.begun {
		return
	}
	in := rest
	if isUrgent(k, at.want) {
		in = urgent
	}
	if (at.want == at.have || r.leftRefused(k, at)) && !s.flying {
		r.unlist(s)
		return
	}
	r.list(s, in, since)
}

// ofCircuit reports whether an entry with this key is a circuit's.
func ofCircuit(k openflow.EntryKey) bool {
	return k.Table == tableAllocations && k.Priority >= prioTooBig && k.Priority < prioReserved
}

// isUrgent reports whether an entry is a circuit's, or is to keep loops out.
func isUrgent(k openflow.EntryKey, want *Rule) bool {
	return ofCircuit(k) || want != nil && want.guard != noGuard
}
