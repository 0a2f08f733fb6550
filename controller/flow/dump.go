package flow

import (
	"maps"

	"conga/controller/purpose"
	"conga/openflow"
)

// Tell takes in one flow entry that the switch holds, before
// [Reconciler.Begin]. Of fs nothing is kept.
func (r *Reconciler) Tell(fs *openflow.FlowStats) {
	at, ours := r.find(fs)
	if !ours || at.confirm(fs) {
		return
	}
	kept := fs.Clone()
	have, _ := FromStats(&kept)
	r.groups.named = r.groups.named || have.group() != 0
	if at == nil {
		r.rules[have.Key()] = &slot{pair: pair[Rule]{have: have}}
	} else {
		at.have = have
	}
}

// Confirm does what [Reconciler.Tell] does if the entry is as it should be, and
// reports whether it is.
func (r *Reconciler) Confirm(fs *openflow.FlowStats) bool {
	at, ours := r.find(fs)
	return ours && at.confirm(fs)
}

// confirm takes in that the switch holds an entry, if that is what it should
// hold, and reports whether it is.
func (s *slot) confirm(fs *openflow.FlowStats) bool {
	if s == nil || s.want == nil || !s.want.isEntry(fs) {
		return false
	}
	s.have = s.want // one copy will do
	return true
}

// TellMeter takes in one meter of ours that the switch holds, before
// [Reconciler.Begin].
func (r *Reconciler) TellMeter(id openflow.MeterID, m Meter) {
	at := r.meters[id]
	at.have = &m
	r.meters[id] = at
}

// Knows reports whether the entry is one that is wanted, or thought to be
// there.
func (r *Reconciler) Knows(fs *openflow.FlowStats) bool {
	at, _ := r.find(fs)
	return at != nil && (at.want != nil || at.have != nil)
}

// KnowsMeter reports whether the meter is one that is wanted, or thought to be
// there.
func (r *Reconciler) KnowsMeter(id openflow.MeterID) bool {
	_, ok := r.meters[id]
	return ok
}

// find returns what is known of an entry that a switch has told of, nil if
// nothing is, and whether it is ours.
func (r *Reconciler) find(fs *openflow.FlowStats) (at *slot, ours bool) {
	if !purpose.Ours(fs.Cookie) {
		return nil, false
	}
	var buf [128]byte
	match := fs.Match.AppendKey(buf[:0])
	return r.rules[openflow.EntryKey{Table: fs.Table, Priority: fs.Priority, Match: string(match)}], true
}

// isEntry reports whether the rule and an entry with its key have the same
// effect and owner.
func (r *Rule) isEntry(fs *openflow.FlowStats) bool {
	return !r.doubt && r.Cookie == fs.Cookie && sameInstructions(r.Instructions, fs.Instructions)
}

// Courses returns by which ports the switch sends frames for hosts where it
// does otherwise than it should.
func (r *Reconciler) Courses() (differ []Course) {
	for k, at := range r.rules {
		if at.want == nil || !at.want.host || at.want == at.have {
			continue
		}
		c := Course{Host: hostOf(k)}
		if at.have != nil {
			if c.Port = outputOf(at.have); c.Port == outputOf(at.want) {
				continue
			}
		}
		differ = append(differ, c)
	}
	return differ
}

// outputOf returns the port that a rule sends to; 0 if there is none.
func outputOf(r *Rule) openflow.PortNo {
	for _, in := range r.Instructions {
		for _, a := range in.Actions {
			if a.Type == openflow.ActionOutput {
				return a.Port
			}
		}
	}
	return 0
}

// Audit holds the flow entries that a switch tells of against those that it is
// thought to hold. It is over when anything has changed meanwhile.
type Audit struct {
	r       *Reconciler
	right   int
	meddled bool
}

// Audit begins an audit.
func (r *Reconciler) Audit() *Audit { return &Audit{r: r} }

// Entry takes in one flow entry that the switch holds. Of fs nothing is kept.
func (a *Audit) Entry(fs *openflow.FlowStats) {
	at, ours := a.r.find(fs)
	switch {
	case !ours:
	case at != nil && at.have != nil && (at.have.isEntry(fs) || a.r.habits.holds(at.have, fs.Cookie, fs.Instructions)):
		a.right++
	default:
		a.meddled = true
	}
}

// Passed reports whether the switch holds just what it is thought to hold. It
// is to be asked when the switch has told everything.
func (a *Audit) Passed() bool {
	return !a.meddled && a.right == a.r.Holds()
}

// Asked takes note that the switch is about to be asked what it holds: of what
// changes from now on its answer tells nothing.
func (r *Reconciler) Asked() {
	r.touched, r.turned = map[openflow.EntryKey]bool{}, maps.Clone(r.changing)
	r.groups.turned = maps.Clone(r.groups.sent)
	for _, s := range r.sent {
		if s.slot != nil {
			r.touched[s.key] = true
		}
	}
}

// Unasked takes note that there will be no answer.
func (r *Reconciler) Unasked() { r.touched, r.turned, r.groups.turned = nil, nil, nil }

// Found takes in everything that the switch was found to hold, and keeps it.
// What has been sent or has vanished since the switch was asked is left as it
// is.
func (r *Reconciler) Found(present *State) {
	for k, at := range r.rules {
		if at.have != nil && present.Rules[k] == nil && !r.touched[k] {
			if at.have == at.want {
				r.contest(k, at.pair)
			}
			r.miss(k, at.pair)
			r.lookAt(at, k, pair[Rule]{want: at.want}, 1)
		}
	}
	for k, have := range present.Rules {
		if !r.touched[k] {
			r.foundRule(k, r.at(k), have)
		}
	}
	r.foundMeters(present.Meters)
	if present.Groups != nil {
		r.foundGroups(present.Groups)
	}
	r.Unasked()
}

// foundRule takes in an entry that the switch was found to hold.
func (r *Reconciler) foundRule(k openflow.EntryKey, at pair[Rule], have *Rule) {
	left := at.have == at.want // nil of both: there was to be none
	switch {
	case at.have != nil && (at.have.Equal(have) || r.habits.holds(at.have, have.Cookie, have.Instructions)):
		return
	case left && at.have != nil && at.have.Cookie == have.Cookie && sameCourse(at.have.Instructions, have.Instructions):
		if r.habits.take(k, at.have, have) {
			return
		}
		at.have = have
	default:
		if at.have = have; left {
			r.contest(k, at)
		}
		r.miss(k, at)
	}
	r.look(k, at, 1)
}

func (r *Reconciler) foundMeters(present map[openflow.MeterID]Meter) {
	for id, at := range r.meters {
		if _, there := present[id]; at.have != nil && !there && !r.turned[id] {
			if at.want != nil {
				r.contestMeter(id)
			}
			at.have = nil
			r.lookMeter(id, at, 1)
		}
	}
	for id, have := range present {
		if !r.turned[id] {
			r.foundMeter(id, r.meters[id], have)
		}
	}
}

// foundMeter takes in a meter that the switch was found to hold.
func (r *Reconciler) foundMeter(id openflow.MeterID, at pair[Meter], have Meter) {
	switch {
	case at.have != nil && r.habits.holdsMeter(id, *at.have, have):
		return
	case at.have != nil && at.have.nearly(have):
		if r.habits.takeMeter(id, *at.have, have) {
			return
		}
	case at.have != nil || at.want == nil:
		r.contestMeter(id)
	}
	at.have = &have
	r.lookMeter(id, at, 1)
}

// Holds returns how many flow entries the switch is thought to hold.
func (r *Reconciler) Holds() (n int) {
	for _, at := range r.rules {
		if at.have != nil {
			n++
		}
	}
	return n
}

// HoldsMeters reports whether the switch is thought to hold just these meters.
func (r *Reconciler) HoldsMeters(present map[openflow.MeterID]Meter) bool {
	n := 0
	for id, at := range r.meters {
		if at.have == nil {
			continue
		}
		n++
		if m, ok := present[id]; !ok || !r.habits.holdsMeter(id, *at.have, m) {
			return false
		}
	}
	return n == len(present)
}
