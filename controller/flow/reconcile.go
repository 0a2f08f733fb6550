package flow

import (
	"maps"
	"slices"

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
// Entries of circuits go before all others, and are confirmed apart from them.
type Reconciler struct {
	rules      map[Key]pair[Rule]
	meters     map[openflow.MeterID]pair[Meter]
	generation uint64 // of what is wanted
	first      uint64 // generation of what was wanted at first
	begun      bool   // it is known what the switch holds

	urgent, rest backlog // rules that differ, of circuits and others
	limits       map[openflow.MeterID]uint64
	queue        []Key // of rest, in the order in which they are to be sent

	sent      []sending
	flying    map[Key]bool            // keys of sent
	lost      map[Key]openflow.Cookie // of entries that vanished while steps are under way
	refused   map[Key]refusal
	unmetered map[openflow.MeterID]error
}

// pair is what is wanted and what is there; nil is none.
type pair[T any] struct{ want, have *T }

// backlog is keys that differ, each with the first generation that its entry
// does not satisfy.
type backlog map[Key]uint64

// sending is a step under way.
type sending struct {
	Step
	key        Key
	generation uint64
}

// NewReconciler returns a reconciler for a switch that should hold this, as of a
// generation. It keeps the state. Before [Reconciler.Begin] it is told what the
// switch holds, and there are no steps.
func NewReconciler(want *State, generation uint64) *Reconciler {
	r := &Reconciler{
		rules: make(map[Key]pair[Rule], len(want.Rules)), meters: map[openflow.MeterID]pair[Meter]{},
		generation: generation, first: generation,
		urgent: backlog{}, rest: backlog{}, limits: map[openflow.MeterID]uint64{},
		flying: map[Key]bool{}, lost: map[Key]openflow.Cookie{}, refused: map[Key]refusal{}, unmetered: map[openflow.MeterID]error{},
	}
	for k, rule := range want.Rules {
		r.rules[k] = pair[Rule]{want: rule}
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
		r.look(k, at, r.first)
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
		at := r.rules[k]
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
func (r *Reconciler) look(k Key, at pair[Rule], since uint64) {
	if at.want != nil && at.have != nil && at.have.Equal(at.want) {
		at.have = at.want // one copy will do
	}
	if at.want == nil && at.have == nil {
		delete(r.rules, k)
	} else {
		r.rules[k] = at
	}
	if !r.begun {
		return
	}
	list := r.rest
	if k.ofCircuit() {
		list = r.urgent
	}
	if (at.want == at.have || r.leftRefused(k, at)) && !r.flying[k] {
		delete(list, k)
		return
	}
	if g, known := list[k]; !known || since < g {
		list[k] = since
	}
}

// ofCircuit reports whether an entry with this key is a circuit's.
func (k Key) ofCircuit() bool {
	return k.Table == tableAllocations && k.Priority >= prioAllocation && k.Priority < prioReserved
}

func (r *Reconciler) lookMeter(id openflow.MeterID, at pair[Meter], since uint64) {
	if at.want == nil && at.have == nil {
		delete(r.meters, id)
	} else {
		r.meters[id] = at
	}
	if !r.begun {
		return
	}
	g, known := r.limits[id]
	switch {
	case at.want == at.have || at.want != nil && at.have != nil && *at.want == *at.have, r.unmetered[id] != nil:
		delete(r.limits, id)
	case !known || since < g:
		r.limits[id] = since
	}
}

// UnderWay reports whether steps have been sent whose answers are not in.
func (r *Reconciler) UnderWay() bool { return len(r.sent) > 0 }

// Next returns the steps to be sent now, at most so many about flow entries, and
// takes them for sent. Steps of different sorts are never returned together,
// since a switch may reorder what no barrier separates (OpenFlow 1.3.5 section
// 6.2): meters come before the entries that use them, and those that nothing
// uses any more go last. While steps are under way there are none.
func (r *Reconciler) Next(most int) []Step {
	if r.UnderWay() || !r.begun {
		return nil
	}
	r.nextMeters(func(want *Meter) bool { return want != nil })
	if len(r.sent) == 0 {
		r.nextRules(most)
	}
	if len(r.sent) == 0 {
		r.nextMeters(func(want *Meter) bool { return want == nil })
	}
	steps := make([]Step, len(r.sent))
	for i, s := range r.sent {
		steps[i] = s.Step
	}
	return steps
}

func (r *Reconciler) nextMeters(pick func(want *Meter) bool) {
	for _, id := range slices.Sorted(maps.Keys(r.limits)) {
		if at := r.meters[id]; pick(at.want) {
			r.sent = append(r.sent, sending{meterStep(id, at.have, at.want), Key{}, r.limits[id]})
			delete(r.limits, id)
		}
	}
}

// nextRules sends what is urgent, or else the head of the queue.
func (r *Reconciler) nextRules(most int) {
	if len(r.urgent) > 0 {
		for _, k := range r.ordered(r.urgent) {
			r.send(k, r.urgent)
		}
		return
	}
	if len(r.queue) == 0 {
		r.queue = r.ordered(r.rest)
	}
	for len(r.queue) > 0 && len(r.sent) < most {
		r.send(r.queue[0], r.rest)
		r.queue = r.queue[1:]
	}
}

// ordered lists the keys of a backlog as their steps are to be sent.
func (r *Reconciler) ordered(b backlog) []Key {
	steps := make([]Step, 0, len(b))
	for k := range b {
		at := r.rules[k]
		if at.want == nil {
			steps = append(steps, Step{Removes: at.have})
		} else {
			steps = append(steps, Step{Rule: at.want})
		}
	}
	sortSteps(steps)
	keys := make([]Key, len(steps))
	for i, s := range steps {
		if s.Rule != nil {
			keys[i] = s.Rule.Key()
		} else {
			keys[i] = s.Removes.Key()
		}
	}
	return keys
}

// send takes a key for sent, unless it is right by now.
func (r *Reconciler) send(k Key, from backlog) {
	generation, differs := from[k]
	if !differs {
		return
	}
	delete(from, k)
	at := r.rules[k]
	step := ruleStep(at.have, at.want)
	if step.Removes != nil {
		at.have = nil // from now on its flow-removed message is no news
		if r.rules[k] = at; at.want == nil {
			delete(r.rules, k)
		}
	}
	r.flying[k] = true
	r.sent = append(r.sent, sending{step, k, generation})
}

// Landed takes in that the switch has answered the barrier after the steps that
// were returned last. refused says, by their index, which of them it did not
// take, and why.
func (r *Reconciler) Landed(refused map[int]error) {
	sent := r.sent
	r.sent = nil
	clear(r.flying)
	for i, s := range sent {
		switch err := refused[i]; {
		case s.ofMeter():
			r.landMeter(s, err)
		case err != nil:
			r.refuse(s, err)
		default:
			at := r.rules[s.key]
			if at.have = s.Rule; s.Rule != nil && r.lost[s.key] == s.Rule.Cookie {
				at.have = s.Rule.doubtful()
			}
			r.look(s.key, at, r.generation)
		}
	}
	clear(r.lost)
}

func (r *Reconciler) landMeter(s sending, err error) {
	at := r.meters[s.MeterID]
	switch {
	case err == nil:
		at.have = s.Meter
	case at.want == s.Meter: // else another one is wanted by now
		r.unmetered[s.MeterID] = err
	}
	r.lookMeter(s.MeterID, at, s.generation)
}

// Vanished takes note that an entry with this cookie is gone without our doing.
// It reports whether the entry was thought to be there.
func (r *Reconciler) Vanished(k Key, cookie openflow.Cookie) bool {
	if r.UnderWay() {
		r.lost[k] = cookie
	}
	at := r.rules[k]
	if at.have == nil || at.have.Cookie != cookie {
		return false
	}
	at.have = nil
	r.look(k, at, 1)
	return true
}

// Confirmed returns the generations up to which the switch holds what is
// wanted: of circuits, meters included, and of everything. What it has refused
// does not count against it; see [Reconciler.Refused].
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
	for _, g := range r.limits {
		before(g)
	}
	for _, s := range r.sent {
		if s.ofMeter() || s.key.ofCircuit() {
			before(s.generation)
		}
	}
	all = circuits
	for _, g := range r.rest {
		all = min(all, max(g, 1)-1)
	}
	for _, s := range r.sent {
		all = min(all, max(s.generation, 1)-1)
	}
	return circuits, all
}
