package flow

import (
	"slices"

	"conga/openflow"
)

// Where a table is full, entries towards hosts yield to those of the pipeline
// itself and to those of circuits. A host that a switch has no entry for is
// reached by flooding; without the entry that floods it is not, without those
// that keep loops out the ports stay closed, and nothing does for a circuit.

// yieldsMost is how many entries yield to one that is refused, until it is
// tried again at an audit: what a switch calls full may have room for others.
const yieldsMost = 2

// yields are the entries that are about to go for others.
type yields struct {
	slots []*slot
	asked map[openflow.EntryKey]int // how often an entry was refused and others yielded to it
	none  map[openflow.TableID]bool // tables where nothing can yield, until what was refused is tried again
	hosts map[openflow.TableID][]yielder
	looks int // how often all entries were looked through
}

// A yielder is an entry towards a host that yields when its time comes, the
// last of a list first, if it still can.
type yielder struct {
	key openflow.EntryKey
	*slot
}

// canYield reports whether an entry can go for another.
func (r *Reconciler) canYield(k openflow.EntryKey, s *slot) bool {
	_, refused := r.refused[k]
	return !refused && !s.flying && s.want != nil && s.have != nil && s.want.host
}

// nextYielder returns the next entry of a table that can go for another; ok is
// false if there is none. All entries are looked through only when those that
// were found the last time have gone.
func (r *Reconciler) nextYielder(t openflow.TableID) (y yielder, ok bool) {
	list := r.yields.hosts[t]
	for looked := false; ; looked = true {
		for !ok && len(list) > 0 {
			last := len(list) - 1
			y, list = list[last], list[:last]
			ok = r.canYield(y.key, y.slot)
		}
		if ok || looked {
			break
		}
		list = r.yielders(t)
	}
	if r.yields.hosts == nil {
		r.yields.hosts = map[openflow.TableID][]yielder{}
	}
	r.yields.hosts[t] = list
	return y, ok
}

// yielders returns the entries of a table that can go for others, in order.
func (r *Reconciler) yielders(t openflow.TableID) (list []yielder) {
	r.yields.looks++
	for k, s := range r.rules {
		if k.Table == t && r.canYield(k, s) {
			list = append(list, yielder{k, s})
		}
	}
	slices.SortFunc(list, func(a, b yielder) int { return compareRules(a.want, b.want) })
	return list
}

// yield has an entry towards a host go for one that was refused for want of
// room, and reports whether there is one. It counts as refused, and is tried
// again as what is.
func (r *Reconciler) yield(to openflow.EntryKey, err error) bool {
	if r.yields.asked[to] >= yieldsMost || r.yields.none[to.Table] {
		return false
	}
	last, ok := r.nextYielder(to.Table)
	if !ok {
		if r.yields.none == nil {
			r.yields.none = map[openflow.TableID]bool{}
		}
		r.yields.none[to.Table] = true // there may be many that are refused
		return false
	}
	if r.yields.asked == nil {
		r.yields.asked = map[openflow.EntryKey]int{}
	}
	r.yields.asked[to]++
	r.refused[last.key] = refusal{last.want, err}
	r.lookAt(last.slot, last.key, last.pair, r.generation) // not to be changed any more
	r.yields.slots = append(r.yields.slots, last.slot)
	return true
}

// nextYields sends the removal of the entries that yield. What they yield to
// follows when that is confirmed.
func (r *Reconciler) nextYields() {
	for _, s := range r.yields.slots {
		if s.flying || s.have == nil || s.listed != unlisted {
			continue // something else is wanted by now
		}
		step := ruleStep(s.have, nil)
		k := step.key()
		s.have, s.flying, s.removing = nil, true, true
		if r.touched != nil {
			r.touched[k] = true
		}
		r.sent = append(r.sent, sending{Step: step, slot: s, key: k, generation: r.generation})
	}
	r.yields.slots = nil
}
