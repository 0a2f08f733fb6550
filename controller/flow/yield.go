package flow

import "conga/openflow"

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
}

// yield has an entry towards a host go for one that was refused for want of
// room, and reports whether there is one. It counts as refused, and is tried
// again as what is.
func (r *Reconciler) yield(to openflow.EntryKey, err error) bool {
	if r.yields.asked[to] >= yieldsMost || r.yields.none[to.Table] {
		return false
	}
	var key openflow.EntryKey
	var last *slot
	for k, s := range r.rules {
		if k.Table == to.Table && !s.flying && s.want != nil && s.have != nil && s.want.host &&
			(last == nil || compareRules(last.want, s.want) < 0) {
			if _, is := r.refused[k]; !is {
				key, last = k, s
			}
		}
	}
	if last == nil {
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
	r.refused[key] = refusal{last.want, err}
	r.lookAt(last, key, last.pair, r.generation) // not to be changed any more
	r.yields.slots = append(r.yields.slots, last)
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
