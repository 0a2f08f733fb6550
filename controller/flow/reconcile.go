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
	rules      map[openflow.EntryKey]*slot
	meters     map[openflow.MeterID]pair[Meter]
	generation uint64 // of what is wanted
	first      uint64 // generation of what was wanted at first
	begun      bool   // it is known what the switch holds

	backlogs [listings]backlog // rules that differ
	limits   map[openflow.MeterID]uint64
	paced    map[openflow.MeterID]time.Time // meters that differ, and when they may be sent
	paces    map[openflow.MeterID]pace      // of meters that are paying
	wary     time.Time                      // until then a new policer begins eased
	now      time.Time                      // of the last call of Next
	queue    []*slot                        // of rest, in the order in which they are to be sent
	passed   [sorts]int                     // how often each sort of steps has had to wait, in a row

	sent      []sending
	changing  map[openflow.MeterID]bool             // meters of sent
	lost      map[openflow.EntryKey]openflow.Cookie // of entries that vanished while steps that put them there are under way
	refused   map[openflow.EntryKey]refusal
	missing   map[openflow.EntryKey]bool // entries towards hosts that have lapsed; true: they are refused
	lapses    []Lapse
	unmetered map[openflow.MeterID]error
	roomless  map[openflow.MeterID]bool // meters that wait for others to go

	groups  groups
	numbers *Numbers      // of the meters
	small   time.Duration // burst of a meter that is eased

	yields yields
	full   time.Time // when an entry was last refused for want of room

	habits        habits
	disputes      map[openflow.EntryKey]*dispute
	meterDisputes map[openflow.MeterID]*dispute

	touched map[openflow.EntryKey]bool // sent or vanished since the switch was asked what it holds; nil: it is not asked
	turned  map[openflow.MeterID]bool  // the same of meters
}

// sending is a step under way.
type sending struct {
	Step
	slot       *slot // nil: it is about a meter
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
		rules: make(map[openflow.EntryKey]*slot, len(want.Rules)), meters: map[openflow.MeterID]pair[Meter]{},
		generation: generation, first: generation,
		limits: map[openflow.MeterID]uint64{},
		paced:  map[openflow.MeterID]time.Time{}, paces: map[openflow.MeterID]pace{},
		changing: map[openflow.MeterID]bool{},
		lost:     map[openflow.EntryKey]openflow.Cookie{}, refused: map[openflow.EntryKey]refusal{}, missing: map[openflow.EntryKey]bool{}, unmetered: map[openflow.MeterID]error{},
		habits:   newHabits(),
		disputes: map[openflow.EntryKey]*dispute{}, meterDisputes: map[openflow.MeterID]*dispute{},
		roomless: map[openflow.MeterID]bool{}, small: shortBurst,
	}
	slots := make([]slot, len(want.Rules))
	for i, rule := range want.Rules {
		slots[i].want = rule
		r.rules[rule.Key()] = &slots[i]
	}
	for id, m := range want.Meters {
		r.meters[id] = pair[Meter]{want: &m}
	}
	r.groups = newGroups(want.Groups)
	return r
}

// Begin ends the telling of what the switch holds: steps lead on from there.
func (r *Reconciler) Begin() {
	r.begun = true
	for k, at := range r.rules {
		if at.want != at.have {
			r.lookAt(at, k, at.pair, r.first)
		}
	}
	for id, at := range r.meters {
		r.lookMeter(id, at, r.first)
	}
	for id, at := range r.groups.at {
		r.lookGroup(id, at, r.first)
	}
}

// Want takes in how the wanted state has changed: since the first of some
// generations, to the last of them.
func (r *Reconciler) Want(p Patch, first, last uint64) {
	r.generation = last
	for k, want := range p.Rules {
		s := r.rules[k]
		switch {
		case s == nil && want == nil:
			continue
		case s == nil:
			s = r.slot(k)
		case s.want == nil && want == nil || s.want != nil && want != nil && s.want.Equal(want):
			if want == nil && s.have != nil {
				r.lookAt(s, k, s.pair, first) // a stranger, seen for the first time
			}
			continue
		}
		delete(r.refused, k)
		r.lookAt(s, k, pair[Rule]{want, s.have}, first)
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
	for id, want := range p.Groups {
		r.wantGroup(id, want, first)
	}
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
	for _, s := range sent {
		if s.slot != nil {
			s.slot.flying = false
		}
	}
	clear(r.changing)
	clear(r.groups.sent)
	for i, s := range sent {
		switch err := refused[i]; {
		case s.GroupID != 0:
			r.landGroup(s, err)
		case s.ofMeter():
			r.landMeter(s, err)
		case s.vacates:
			r.lookAt(s.slot, s.key, s.slot.pair, s.generation)
		case s.Rule != nil && r.awaited(s.Rule.meter()):
			r.landUnmetered(s, err)
		case err != nil:
			r.refuse(s, err)
		default:
			at := s.slot.pair
			if at.have = s.Rule; s.Rule != nil && r.lost[s.key] == s.Rule.Cookie {
				at.have = s.Rule.doubtful()
				r.miss(s.key, at)
			}
			r.lookAt(s.slot, s.key, at, r.generation)
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
	s := r.rules[k]
	if s == nil {
		return false // nothing is kept of what a switch makes up
	}
	if s.flying && !s.removing {
		r.lost[k] = cookie
	}
	if r.touched != nil {
		r.touched[k] = true
	}
	if s.have == nil || s.have.Cookie != cookie {
		return false
	}
	if s.have == s.want {
		r.contest(k, s.pair)
	}
	r.doubtGroup(s.have)
	r.miss(k, s.pair)
	r.lookAt(s, k, pair[Rule]{want: s.want}, 1)
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
	for _, s := range r.backlogs[urgent] {
		before(s.since)
	}
	for id, g := range r.limits {
		if r.meters[id].want != nil {
			before(g)
		}
	}
	for id, g := range r.groups.differ {
		if r.groups.at[id].want != nil {
			before(g)
		}
	}
	for _, s := range r.sent {
		if s.Meter != nil || s.Group != nil || isUrgent(s.key, s.Rule) {
			before(s.generation)
		}
	}
	all = circuits
	for _, s := range r.backlogs[rest] {
		all = min(all, max(s.since, 1)-1)
	}
	for _, s := range r.sent {
		if !s.Prepares() {
			all = min(all, max(s.generation, 1)-1)
		}
	}
	return circuits, all
}
