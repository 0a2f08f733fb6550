package ofswitch

import (
	"cmp"
	"maps"
	"slices"

	"conga/openflow"
)

// A table is a flow table.
type table struct {
	id      openflow.TableID
	byMask  map[flowKey]*subtable
	order   []*subtable // by falling highest priority
	entries []*entry    // in the order in which they came; nil where one has gone
	count   int

	lookups, matched uint64
}

// lookup returns the matching entry of the highest priority, nil if there is
// none.
func (t *table) lookup(key *flowKey) *entry {
	t.lookups++
	var best *entry
	for _, sub := range t.order {
		if best != nil && best.priority >= sub.highest {
			break
		}
		if e := sub.lookup(key); e != nil && (best == nil || e.priority > best.priority) {
			best = e
		}
	}
	if best != nil {
		t.matched++
	}
	return best
}

// find returns the entry with exactly this match and priority.
func (t *table) find(rule *ruleMatch, priority uint16) *entry {
	sub := t.byMask[rule.mask]
	if sub == nil {
		return nil
	}
	return sub.find(&rule.key, priority)
}

// setKey sets the key of an entry by its match, and finds its subtable.
func (t *table) setKey(e *entry, rule *ruleMatch) {
	sub := t.byMask[rule.mask]
	if sub == nil {
		sub = newSubtable(&rule.mask)
	}
	sub.setKey(e, &rule.key)
}

// insert adds an entry whose key is set.
func (t *table) insert(e *entry) {
	sub := e.sub
	if sub.count == 0 {
		if t.byMask == nil {
			t.byMask = map[flowKey]*subtable{}
		}
		t.byMask[sub.mask] = sub
		t.order = append(t.order, sub)
	}
	before := sub.highest
	sub.insert(e)
	e.at = int32(len(t.entries))
	t.entries = append(t.entries, e)
	t.count++
	if sub.count == 1 || sub.highest != before {
		t.sort()
	}
}

func (t *table) remove(e *entry) {
	sub := e.sub
	before := sub.highest
	sub.remove(e)
	t.entries[e.at] = nil
	if t.count--; len(t.entries) > 2*t.count+16 {
		t.compact()
	}
	if sub.count == 0 {
		delete(t.byMask, sub.mask)
		t.order = slices.DeleteFunc(t.order, func(s *subtable) bool { return s == sub })
	} else if sub.highest != before {
		t.sort()
	}
}

// compact closes the gaps in entries.
func (t *table) compact() {
	kept := make([]*entry, 0, t.count)
	for _, e := range t.entries {
		if e != nil {
			e.at = int32(len(kept))
			kept = append(kept, e)
		}
	}
	t.entries = kept
}

func (t *table) sort() {
	slices.SortStableFunc(t.order, func(a, b *subtable) int { return cmp.Compare(b.highest, a.highest) })
}

// all calls fn for every entry until it returns false. fn must not change the
// table.
func (t *table) all(fn func(*entry) bool) {
	for _, e := range t.entries {
		if e != nil && !fn(e) {
			return
		}
	}
}

// overlap reports whether an entry of the priority can match a packet that rule
// matches (§6.4).
func (t *table) overlap(rule *ruleMatch, priority uint16) (found bool) {
	t.all(func(e *entry) bool {
		found = e.priority == priority && e.overlaps(rule)
		return !found
	})
	return found
}

// A filter selects flow entries, as flow mods and statistics requests do.
type filter struct {
	rule               ruleMatch
	strict             bool
	priority           uint16 // with strict
	cookie, cookieMask openflow.Cookie
	outPort            openflow.PortNo
	outGroup           openflow.GroupID
}

// selects reports whether f selects e by all but its match.
func (f *filter) selects(e *entry) bool {
	return (e.cookie^f.cookie)&f.cookieMask == 0 && e.program.outputsTo(f.outPort, f.outGroup)
}

// selected returns the entries that f selects, in the order of dumps: by
// falling priority, then age.
func (t *table) selected(f *filter) []*entry {
	if f.strict {
		if e := t.find(&f.rule, f.priority); e != nil && f.selects(e) {
			return []*entry{e}
		}
		return nil
	}
	for _, sub := range t.order {
		sub.chosen = sub.within(&f.rule)
	}
	byPriority := map[uint16][]*entry{}
	var priority uint16
	var list []*entry // of priority: most entries follow one of the same
	for _, e := range t.entries {
		if e == nil || !e.sub.chosen || !e.covered(&f.rule) || !f.selects(e) {
			continue
		}
		if e.priority != priority {
			byPriority[priority] = list
			priority, list = e.priority, byPriority[e.priority]
		}
		list = append(list, e)
	}
	byPriority[priority] = list
	if len(byPriority) == 1 {
		return list
	}
	out := make([]*entry, 0, t.count)
	for _, p := range slices.Backward(slices.Sorted(maps.Keys(byPriority))) {
		out = append(out, byPriority[p]...)
	}
	return out
}
