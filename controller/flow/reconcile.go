package flow

import (
	"time"

	"conga/openflow"
)

// Reconciler leads one switch from what it holds to what it should hold, and
// looks only at what differs. It is pure: wanted states, dumps, answers and
// losses go in, steps come out.
//
//	differs --Next--> under way --Landed--> right
//	   ^                  |  \
//	   +--- lost, changed +   +--Refused--> refused --Retry--> differs
//
// What is wanted comes in generations, of which each supersedes the one before.
// Entries of circuits, and those that keep loops out, go before all others, and
// are confirmed apart from them.
type Reconciler struct {
	rules      map[openflow.EntryKey]*pair[Rule]
	meters     map[openflow.MeterID]pair[Meter]
	generation uint64 // of what is wanted
	first      uint64 // generation of what was wanted at first
	begun      bool   // it is known what the switch holds

	urgent, rest backlog // rules that differ: of circuits and guards, and others
	limits       map[openflow.MeterID]uint64
	paced        map[openflow.MeterID]time.Time // meters that differ, and when they may be sent
	paces        map[openflow.MeterID]pace      // of meters that are paying
	wary         time.Time                      // until then a new policer begins eased
	now          time.Time                      // of the last call of Next
	queue        []openflow.EntryKey            // of rest, in the order in which they are to be sent
	passed       [sorts]int                     // how often each sort of steps has had to wait, in a row

	sent      []sending
	flying    map[openflow.EntryKey]bool            // keys of sent
	changing  map[openflow.MeterID]bool             // meters of sent
	lost      map[openflow.EntryKey]openflow.Cookie // of entries that vanished while steps are under way
	refused   map[openflow.EntryKey]refusal
	unmetered map[openflow.MeterID]error
	crowded   map[openflow.MeterID]bool // meters that wait for others to go

	numbers *Numbers      // of the meters
	small   time.Duration // burst of a meter that is eased

	full time.Time // when an entry was last refused for want of room

	habits        habits
	disputes      map[openflow.EntryKey]*dispute
	meterDisputes map[openflow.MeterID]*dispute

	touched map[openflow.EntryKey]bool // sent or vanished since the switch was asked what it holds; nil: it is not asked
	turned  map[openflow.MeterID]bool  // the same of meters
}

// pair is what is wanted and what is there; nil is none.
type pair[T any] struct{ want, have *T }

// backlog is keys that differ, each with the first generation that its entry
// does not satisfy.
type backlog map[openflow.EntryKey]uint64

// sending is a step under way.
type sending struct {
	Step
	key        openflow.EntryKey
	generation uint64
	aim        *Meter // the meter that was wanted; Meter may be that eased
	vacates    bool   // another entry with the key is wanted, and waits for the room of this one's meter
}

// NewReconciler returns a reconciler for a switch that should hold this, as of
// a generation. It keeps the state. Before [Reconciler.Begin] it is told what
// the switch holds, and there are no steps.
func NewReconciler(want Whole, generation uint64) *Reconciler {
	r := &Reconciler{
		rules: make(map[openflow.EntryKey]*pair[Rule], len(want.Rules)), meters: map[openflow.MeterID]pair[Meter]{},
		generation: generation, first: generation,
		urgent: backlog{}, rest: backlog{}, limits: map[openflow.MeterID]uint64{},
		paced: map[openflow.MeterID]time.Time{}, paces: map[openflow.MeterID]pace{},
		flying: map[openflow.EntryKey]bool{}, changing: map[openflow.MeterID]bool{},
		lost: map[openflow.EntryKey]openflow.Cookie{}, refused: map[openflow.EntryKey]refusal{}, unmetered: map[openflow.MeterID]error{},
		habits:   newHabits(),
		disputes: map[openflow.EntryKey]*dispute{}, meterDisputes: map[openflow.MeterID]*dispute{},
		crowded: map[openflow.MeterID]bool{}, small: shortBurst,
	}
	pairs := make([]pair[Rule], len(want.Rules))
	for i, rule := range want.Rules {
		pairs[i].want = rule
		r.rules[rule.Key()] = &pairs[i]
	}
	for id, m := range want.Meters {
		r.meters[id] = pair[Meter]{want: &m}
	}
	return r
}

// Begin ends the telling of what the switch holds: steps lead on from there.
func (r *Reconciler) Begin() {
	r.begun = true
	for k, at := range r.rules {
		if at.want != at.have {
			r.look(k, *at, r.first)
		}
	}
	for id, at := range r.meters {
		r.lookMeter(id, at, r.first)
	}
}

// Want takes in how the wanted state has changed: since the first of some
// generations, to the last of them.
func (r *Reconciler) Want(p Patch, first, last uint64) {
	r.generation = last
	for k, want := range p.Rules {
		at := r.at(k)
		if at.want == nil && want == nil || at.want != nil && want != nil && at.want.Equal(want) {
			if want == nil && at.have != nil {
				r.look(k, at, first) // a stranger, seen for the first time
			}
			continue
		}
		at.want = want
		delete(r.refused, k)
		r.look(k, at, first)
	}
	for id, want := range p.Meters {
		at := r.meters[id]
		if at.want != nil && want != nil && *at.want == *want {
			continue
		}
		at.want = want
		delete(r.unmetered, id)
		r.lookMeter(id, at, first)
	}
}

// look stores a pair and notes whether it differs, and since which generation.
// What is under way may differ when it has landed.
func (r *Reconciler) look(k openflow.EntryKey, at pair[Rule], since uint64) {
	if at.want != nil && at.have != nil && at.have.Equal(at.want) {
		at.have = at.want // one copy will do
	}
	r.put(k, at)
	if !r.begun {
		return
	}
	list, other := r.rest, r.urgent
	if isUrgent(k, at.want) {
		list, other = r.urgent, r.rest
	}
	if g, known := other[k]; known {
		since = min(since, g)
		delete(other, k)
	}
	if (at.want == at.have || r.leftRefused(k, at)) && !r.flying[k] {
		delete(list, k)
		return
	}
	if g, known := list[k]; !known || since < g {
		list[k] = since
	}
}

// at returns what is wanted and what is there of a key.
func (r *Reconciler) at(k openflow.EntryKey) pair[Rule] {
	if at := r.rules[k]; at != nil {
		return *at
	}
	return pair[Rule]{}
}

// put stores what is wanted and what is there of a key.
func (r *Reconciler) put(k openflow.EntryKey, at pair[Rule]) {
	known := r.rules[k]
	switch {
	case at.want == nil && at.have == nil:
		delete(r.rules, k)
		delete(r.habits.rules, k)
	case known != nil:
		*known = at
	default:
		kept := at // a copy, so that only what is new is allocated
		r.rules[k] = &kept
	}
}

// ofCircuit reports whether an entry with this key is a circuit's.
func ofCircuit(k openflow.EntryKey) bool {
	return k.Table == tableAllocations && k.Priority >= prioTooBig && k.Priority < prioReserved
}

// isUrgent reports whether an entry is a circuit's, or is to keep loops out.
func isUrgent(k openflow.EntryKey, want *Rule) bool {
	return ofCircuit(k) || want != nil && want.guard != noGuard
}

func (r *Reconciler) lookMeter(id openflow.MeterID, at pair[Meter], since uint64) {
	if at.want == nil && at.have == nil {
		delete(r.habits.meters, id)
		if delete(r.meters, id); !r.changing[id] {
			r.numbers.free(id)
		}
	} else {
		r.meters[id] = at
	}
	if !r.begun {
		return
	}
	delete(r.paced, id)
	g, known := r.limits[id]
	right := at.want == at.have || at.want != nil && at.have != nil && *at.want == *at.have
	switch {
	case (right || r.unmetered[id] != nil) && !r.changing[id]:
		delete(r.limits, id)
	case !known || since < g:
		r.limits[id] = since
	}
}

// UnderWay reports whether steps have been sent whose answers are not in.
func (r *Reconciler) UnderWay() bool { return len(r.sent) > 0 }

// Landed takes in that the switch has answered the barrier after the steps that
// were returned last. refused says, by their index, which of them it did not
// take, and why.
func (r *Reconciler) Landed(refused map[int]error) {
	sent := r.sent
	r.sent = nil
	clear(r.flying)
	clear(r.changing)
	for i, s := range sent {
		switch err := refused[i]; {
		case s.ofMeter():
			r.landMeter(s, err)
		case s.vacates:
			r.look(s.key, r.at(s.key), s.generation)
		case s.Rule != nil && r.awaited(s.Rule.meter()):
			r.landUnmetered(s, err)
		case err != nil:
			r.refuse(s, err)
		default:
			at := r.at(s.key)
			if at.have = s.Rule; s.Rule != nil && r.lost[s.key] == s.Rule.Cookie {
				at.have = s.Rule.doubtful()
			}
			r.look(s.key, at, r.generation)
		}
	}
	clear(r.lost)
}

func (r *Reconciler) landMeter(s sending, err error) {
	at, since := r.meters[s.MeterID], r.generation
	switch {
	case err == nil:
		at.have = s.Meter
		r.roomMade(s)
	case r.postponed(s, at, err):
	case at.want == s.aim:
		r.unmetered[s.MeterID] = err
	default:
		since = s.generation // another one is wanted by now
	}
	r.lookMeter(s.MeterID, at, since)
}

// Vanished takes note that an entry with this cookie is gone without our doing.
// It reports whether the entry was thought to be there.
func (r *Reconciler) Vanished(k openflow.EntryKey, cookie openflow.Cookie) bool {
	if r.rules[k] == nil && !r.flying[k] {
		return false // nothing is kept of what a switch makes up
	}
	if r.UnderWay() {
		r.lost[k] = cookie
	}
	if r.touched != nil {
		r.touched[k] = true
	}
	at := r.at(k)
	if at.have == nil || at.have.Cookie != cookie {
		return false
	}
	if at.have == at.want {
		r.contest(k, at)
	}
	at.have = nil
	r.look(k, at, 1)
	return true
}

// Confirmed returns the generations up to which the switch holds what is
// wanted: of circuits, meters included, and of everything. What it has refused
// does not count against it; see [Reconciler.Refused]. Neither does a meter
// that is not wanted any more: nothing goes through it.
func (r *Reconciler) Confirmed() (circuits, all uint64) {
	if !r.begun {
		return 0, 0
	}
	circuits = r.generation
	before := func(g uint64) {
		if g > 0 {
			circuits = min(circuits, g-1)
		}
	}
	for _, g := range r.urgent {
		before(g)
	}
	for id, g := range r.limits {
		if r.meters[id].want != nil {
			before(g)
		}
	}
	for _, s := range r.sent {
		if s.Meter != nil || isUrgent(s.key, s.Rule) {
			before(s.generation)
		}
	}
	all = circuits
	for _, g := range r.rest {
		all = min(all, max(g, 1)-1)
	}
	for _, s := range r.sent {
		if !s.ofMeter() {
			all = min(all, max(s.generation, 1)-1)
		}
	}
	return circuits, all
}
