package flow

import (
	"maps"
	"slices"
	"time"

	"conga/openflow"
)

// sort is a sort of steps. Those of different sorts are never sent without a
// barrier between them, since a switch may reorder what no barrier separates
// (OpenFlow 1.3.5 section 6.2).
type sort uint8

// The sorts, in order of precedence: meters come before the entries that use
// them, and those that nothing uses any more go last.
const (
	needed     sort = iota // meters and groups that are wanted
	ofCircuits             // and what keeps loops out
	ofOthers
	unused // meters and groups that are not
	sorts
)

// grace is how often in a row others may precede a sort, so that none waits for
// ever where changes come faster than the switch answers.
var grace = [sorts]int{needed: 1, ofCircuits: 1, ofOthers: 8, unused: 8}

// Next returns the steps to be sent now, at most so many about entries of best
// effort, and takes them for sent. While steps are under way there are none.
//
// Steps of different sorts are not returned together, with one exception: steps
// about entries of circuits may follow those about wanted meters, and the
// caller has to send a barrier between them.
func (r *Reconciler) Next(most int, now time.Time) []Step {
	if r.UnderWay() || !r.begun {
		return nil
	}
	r.now = now
	r.pace(now)
	waiting := r.waiting()
	if r.nextYields(); len(r.sent) == 0 && !r.nextOverdue(waiting, most) {
		for s := needed; s < sorts && len(r.sent) == 0; s++ {
			if waiting[s] {
				r.draw(s, most)
			}
		}
		if waiting[needed] && waiting[ofCircuits] { // the meters' answer would only cost time
			r.draw(ofCircuits, most)
		}
	}
	for s, waits := range waiting {
		if r.passed[s]++; !waits {
			r.passed[s] = 0
		}
	}
	steps := make([]Step, len(r.sent))
	for i, s := range r.sent {
		steps[i] = s.Step
	}
	return steps
}

// nextOverdue sends what has waited longer than its grace, if anything has. It
// reports whether that was possible.
func (r *Reconciler) nextOverdue(waiting [sorts]bool, most int) bool {
	for s := unused; s > needed; s-- {
		if waiting[s] && r.passed[s] >= grace[s] {
			r.draw(s, most)
		}
		if len(r.sent) > 0 {
			return true
		}
	}
	return false
}

// waiting returns of which sorts there are steps.
func (r *Reconciler) waiting() (is [sorts]bool) {
	is[ofCircuits], is[ofOthers] = len(r.backlogs[urgent]) > 0, len(r.backlogs[rest]) > 0
	for id := range r.limits {
		if r.meters[id].want != nil {
			is[needed] = true
		} else {
			is[unused] = true
		}
	}
	for id := range r.groups.differ {
		if r.groups.at[id].want != nil {
			is[needed] = true
		} else {
			is[unused] = true
		}
	}
	return is
}

// draw takes steps of a sort for sent, as far as it is their time.
func (r *Reconciler) draw(s sort, most int) {
	r.passed[s] = -1
	switch s {
	case needed:
		r.nextMeters(func(id openflow.MeterID) bool { return r.meters[id].want != nil })
		r.nextGroups(true)
	case ofCircuits:
		list := r.backlogs[urgent].ordered(compareUrgent)
		r.sent = slices.Grow(r.sent, len(list))
		for _, s := range list {
			r.send(s, urgent)
		}
	case ofOthers:
		if r.nextQueued(most); len(r.sent) == 0 { // it was over, or none of it needs anything any more
			r.queue = r.backlogs[rest].ordered(compareSlots)
			r.nextQueued(most)
		}
	case unused:
		used := r.usedMeters()
		r.nextMeters(func(id openflow.MeterID) bool { return r.meters[id].want == nil && !used[id] })
		r.nextGroups(false)
	}
}

func (r *Reconciler) nextQueued(most int) {
	for len(r.queue) > 0 && len(r.sent) < most {
		r.send(r.queue[0], rest)
		r.queue = r.queue[1:]
	}
}

func (r *Reconciler) nextMeters(pick func(openflow.MeterID) bool) {
	r.watchLeaving()
	leaving := r.leaving()
	for _, id := range slices.Sorted(maps.Keys(r.limits)) {
		if at := r.meters[id]; pick(id) && r.admits(id, at, leaving) {
			r.changing[id] = true
			if r.turned != nil {
				r.turned[id] = true
			}
			set := r.setting(id, at, r.now)
			step := meterStep(id, at.have, set)
			r.numbers.address(step.Message)
			r.numbers.sent(id, step.Meter)
			r.sent = append(r.sent, sending{Step: step, generation: r.limits[id], aim: at.want})
			delete(r.limits, id)
		}
	}
}

// usedMeters returns the meters that entries go through which are about to
// change. Those of entries that are left as they are do not count.
func (r *Reconciler) usedMeters() map[openflow.MeterID]bool {
	used := map[openflow.MeterID]bool{}
	for _, list := range r.backlogs {
		for _, s := range list {
			if s.have != nil {
				used[s.have.meter()] = true
			}
		}
	}
	return used
}

// meter returns the meter that packets of a rule go through; 0 if there is
// none.
func (r *Rule) meter() openflow.MeterID {
	for _, in := range r.Instructions {
		if in.Meter != 0 {
			return in.Meter
		}
	}
	return 0
}

// ordered lists the slots of a backlog in an order.
func (b backlog) ordered(compare func(a, b *slot) int) []*slot {
	list := slices.Clone(b)
	slices.SortFunc(list, compare)
	return list
}

// send takes a slot for sent, unless it is right by now, or its meter has still
// to come.
func (r *Reconciler) send(s *slot, from listing) {
	if s.listed != from {
		return
	}
	have, want, vacates := s.have, s.want, false
	if want != nil && r.awaited(want.meter()) {
		if vacates = r.obstructs(s.pair); !vacates {
			return
		}
		want = nil
	}
	r.unlist(s)
	step := ruleStep(have, want)
	r.numbers.address(step.Message)
	k := step.key()
	if step.Removes != nil {
		s.have = nil // from now on its flow-removed message is no news
	}
	s.flying, s.removing = true, step.Removes != nil
	if r.touched != nil {
		r.touched[k] = true
	}
	r.sent = append(r.sent, sending{Step: step, slot: s, key: k, generation: s.since, vacates: vacates})
}

// awaited reports whether a meter is not there and is about to be.
func (r *Reconciler) awaited(id openflow.MeterID) bool {
	_, differs := r.limits[id]
	return differs && r.meters[id].have == nil
}
