package ofswitch

import (
	"cmp"
	"slices"
	"time"

	"conga/openflow"
)

// An entry is a flow entry.
type entry struct {
	table        openflow.TableID
	priority     uint16
	rule         ruleMatch
	match        openflow.Match // canonical
	cookie       openflow.Cookie
	flags        openflow.FlowModFlags
	idle, hard   uint16 // seconds
	instructions []openflow.Instruction
	program      program

	created, used  time.Time
	packets, bytes uint64
}

// isMiss reports whether e is the table-miss entry of its table (§5.4).
func (e *entry) isMiss() bool { return e.priority == 0 && e.rule.mask == flowKey{} }

// expiry returns when e times out by what is known now, and by which timeout; false if never.
func (e *entry) expiry() (at time.Time, why openflow.FlowRemovedReason, ok bool) {
	if e.hard != 0 {
		at, why, ok = e.created.Add(time.Duration(e.hard)*time.Second), openflow.FlowRemovedHardTimeout, true
	}
	if e.idle != 0 {
		idle := e.used.Add(time.Duration(e.idle) * time.Second)
		if !ok || idle.Before(at) {
			at, why, ok = idle, openflow.FlowRemovedIdleTimeout, true
		}
	}
	return at, why, ok
}

// stats returns the entry as a multipart reply shows it.
func (e *entry) stats(now time.Time) openflow.FlowStats {
	age := now.Sub(e.created)
	return openflow.FlowStats{
		Table: e.table, Priority: e.priority, IdleTimeout: e.idle, HardTimeout: e.hard, Flags: e.flags,
		DurationSec: uint32(age / time.Second), DurationNsec: uint32(age % time.Second),
		Cookie: e.cookie, PacketCount: e.packets, ByteCount: e.bytes,
		Match: e.match, Instructions: e.instructions,
	}
}

// A subtable holds the entries that share a mask: finding one is a map access. Tables look through their
// subtables by falling priority and stop when no better entry can come.
type subtable struct {
	mask       flowKey
	byKey      map[flowKey][]*entry // by falling priority
	priorities map[uint16]int       // how many entries have it
	highest    uint16
}

func (t *subtable) insert(e *entry) {
	list := t.byKey[e.rule.key]
	at, _ := slices.BinarySearchFunc(list, e.priority, byFallingPriority)
	t.byKey[e.rule.key] = slices.Insert(list, at, e)
	t.priorities[e.priority]++
	t.highest = max(t.highest, e.priority)
}

func byFallingPriority(e *entry, priority uint16) int { return cmp.Compare(priority, e.priority) }

func (t *subtable) remove(e *entry) {
	list := t.byKey[e.rule.key]
	list = slices.Delete(list, slices.Index(list, e), slices.Index(list, e)+1)
	if len(list) == 0 {
		delete(t.byKey, e.rule.key)
	} else {
		t.byKey[e.rule.key] = list
	}
	if t.priorities[e.priority]--; t.priorities[e.priority] > 0 {
		return
	}
	delete(t.priorities, e.priority)
	if e.priority == t.highest {
		t.highest = 0
		for p := range t.priorities {
			t.highest = max(t.highest, p)
		}
	}
}

// A table is a flow table.
type table struct {
	id     openflow.TableID
	byMask map[flowKey]*subtable
	order  []*subtable // by falling highest priority
	count  int

	lookups, matched uint64
}

// lookup returns the matching entry of the highest priority, nil if there is none.
func (t *table) lookup(key *flowKey) *entry {
	t.lookups++
	var best *entry
	for _, sub := range t.order {
		if best != nil && best.priority >= sub.highest {
			break
		}
		list := sub.byKey[key.and(&sub.mask)]
		if len(list) > 0 && (best == nil || list[0].priority > best.priority) {
			best = list[0]
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
	for _, e := range sub.byKey[rule.key] {
		if e.priority == priority {
			return e
		}
	}
	return nil
}

func (t *table) insert(e *entry) {
	sub := t.byMask[e.rule.mask]
	if sub == nil {
		sub = &subtable{mask: e.rule.mask, byKey: map[flowKey][]*entry{}, priorities: map[uint16]int{}}
		if t.byMask == nil {
			t.byMask = map[flowKey]*subtable{}
		}
		t.byMask[e.rule.mask] = sub
		t.order = append(t.order, sub)
	}
	before := sub.highest
	sub.insert(e)
	t.count++
	if len(sub.priorities) == 1 || sub.highest != before {
		t.sort()
	}
}

func (t *table) remove(e *entry) {
	sub := t.byMask[e.rule.mask]
	before := sub.highest
	sub.remove(e)
	t.count--
	if len(sub.byKey) == 0 {
		delete(t.byMask, e.rule.mask)
		t.order = slices.DeleteFunc(t.order, func(s *subtable) bool { return s == sub })
	} else if sub.highest != before {
		t.sort()
	}
}

func (t *table) sort() {
	slices.SortStableFunc(t.order, func(a, b *subtable) int { return cmp.Compare(b.highest, a.highest) })
}

// all calls fn for every entry until it returns false. fn must not change the table.
func (t *table) all(fn func(*entry) bool) {
	for _, sub := range t.order {
		for _, list := range sub.byKey {
			for _, e := range list {
				if !fn(e) {
					return
				}
			}
		}
	}
}

// overlap reports whether an entry of the priority can match a packet that rule matches (§6.4).
func (t *table) overlap(rule *ruleMatch, priority uint16) (found bool) {
	t.all(func(e *entry) bool {
		found = e.priority == priority && e.rule.overlaps(rule)
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

func (f *filter) selects(e *entry) bool {
	if f.strict {
		if e.priority != f.priority || e.rule != f.rule {
			return false
		}
	} else if !f.rule.covers(&e.rule) {
		return false
	}
	return (e.cookie^f.cookie)&f.cookieMask == 0 && e.program.outputsTo(f.outPort, f.outGroup)
}

// selected returns the entries that f selects, in the order of dumps: by falling priority, then age.
func (t *table) selected(f *filter) []*entry {
	var out []*entry
	if f.strict {
		if e := t.find(&f.rule, f.priority); e != nil && f.selects(e) {
			out = append(out, e)
		}
		return out
	}
	t.all(func(e *entry) bool {
		if f.selects(e) {
			out = append(out, e)
		}
		return true
	})
	slices.SortFunc(out, func(a, b *entry) int {
		if c := cmp.Compare(b.priority, a.priority); c != 0 {
			return c
		}
		if c := a.created.Compare(b.created); c != 0 {
			return c
		}
		if c := slices.Compare(a.rule.mask[:], b.rule.mask[:]); c != 0 {
			return c
		}
		return slices.Compare(a.rule.key[:], b.rule.key[:])
	})
	return out
}
