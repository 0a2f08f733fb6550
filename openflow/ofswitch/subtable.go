package ofswitch

import "math/bits"

// A subtable holds the entries that share a mask: finding one is an access to a
// hash table. Tables look through their subtables by falling priority and stop
// when no better entry can come.
type subtable struct {
	mask       flowKey
	words      []uint8        // where mask is not zero
	position   [keyWords]int8 // the inverse of words; -1: not in it
	buckets    []*entry       // a power of two of them
	count      int
	priorities map[uint16]int // how many entries have it
	highest    uint16
	chosen     bool // used by a search through all entries
}

func newSubtable(mask *flowKey) *subtable {
	t := &subtable{mask: *mask, priorities: map[uint16]int{}, buckets: make([]*entry, 1)}
	for i, w := range mask {
		t.position[i] = -1
		if w != 0 {
			t.position[i] = int8(len(t.words))
			t.words = append(t.words, uint8(i))
		}
	}
	return t
}

// hash returns the hash of what the mask leaves of a key.
func (t *subtable) hash(key *flowKey) uint32 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, w := range t.words {
		hi, lo := bits.Mul64(h^key[w]&t.mask[w], 0xd6e8feb86659fd93)
		h = hi ^ lo
	}
	return uint32(h ^ h>>32)
}

// matches reports whether a packet with the key is one that e matches.
func (e *entry) matches(key *flowKey) bool {
	for i, w := range e.sub.words {
		if key[w]&e.sub.mask[w] != e.key[i] {
			return false
		}
	}
	return true
}

func (t *subtable) bucket(hash uint32) **entry { return &t.buckets[hash&uint32(len(t.buckets)-1)] }

// lookup returns the entry of the highest priority that matches a packet with
// the key, nil if there is none.
func (t *subtable) lookup(key *flowKey) (best *entry) {
	hash := t.hash(key)
	for e := *t.bucket(hash); e != nil; e = e.next {
		if e.hash == hash && (best == nil || e.priority > best.priority) && e.matches(key) {
			best = e
		}
	}
	return best
}

// find returns the entry with this key and priority.
func (t *subtable) find(key *flowKey, priority uint16) *entry {
	hash := t.hash(key)
	for e := *t.bucket(hash); e != nil; e = e.next {
		if e.hash == hash && e.priority == priority && e.matches(key) {
			return e
		}
	}
	return nil
}

// setKey sets the subtable, the key and the hash of an entry.
func (t *subtable) setKey(e *entry, key *flowKey) {
	e.sub, e.hash = t, t.hash(key)
	e.key = make([]uint64, len(t.words))
	for i, w := range t.words {
		e.key[i] = key[w] & t.mask[w]
	}
}

// insert adds an entry that has its key.
func (t *subtable) insert(e *entry) {
	if t.count >= len(t.buckets) {
		t.grow()
	}
	b := t.bucket(e.hash)
	e.next, *b = *b, e
	t.count++
	t.priorities[e.priority]++
	t.highest = max(t.highest, e.priority)
}

func (t *subtable) grow() {
	old := t.buckets
	t.buckets = make([]*entry, 2*len(old))
	for _, e := range old {
		for e != nil {
			next := e.next
			b := t.bucket(e.hash)
			e.next, *b = *b, e
			e = next
		}
	}
}

func (t *subtable) remove(e *entry) {
	at := t.bucket(e.hash)
	for *at != e {
		at = &(*at).next
	}
	*at, e.next = e.next, nil
	t.count--
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

// within reports whether every packet that an entry of t matches can only be
// one that rule matches by its mask.
func (t *subtable) within(rule *ruleMatch) bool {
	for i := range rule.mask {
		if rule.mask[i]&^t.mask[i] != 0 {
			return false
		}
	}
	return true
}

// covered reports whether every packet that e matches also matches rule, if e's
// subtable is within it.
func (e *entry) covered(rule *ruleMatch) bool {
	for i, w := range e.sub.words {
		if (rule.key[w]^e.key[i])&rule.mask[w] != 0 {
			return false
		}
	}
	return true
}

// overlaps reports whether one packet can match both.
func (e *entry) overlaps(rule *ruleMatch) bool {
	for i, w := range e.sub.words {
		if (rule.key[w]^e.key[i])&rule.mask[w]&e.sub.mask[w] != 0 {
			return false
		}
	}
	return true
}
