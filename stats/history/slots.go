package history

import (
	"cmp"
	"slices"
	"strings"
)

// goneAfter is how long nothing must have been known of a subject for its slot
// to be given to another one, in milliseconds.
const goneAfter = Hour

// Lesser is how the keys of those subjects begin that may have half of all
// slots at most, so that they never take the last ones from others.
const Lesser = "~"

// A Slot is the position of a track among all of them, on a disk, too.
type Slot struct {
	Key   string // of the subject
	ID    uint32 // that no other subject has or had
	Index int
	Seen  int64 // the end of the last minute of which something is known
}

// Slots gives slots to subjects, so many at most: the lowest free ones, so that
// few subjects take little room.
type Slots struct {
	most  int
	byKey map[string]*Slot
	free  []int // indices below high, the highest first
	high  int   // indices that were ever given
	next  uint32

	lesser int      // slots of such subjects
	vain   [2]int64 // when room was last looked for in vain, for others and for lesser subjects
}

// NewSlots returns slots for so many subjects at most.
func NewSlots(most int) *Slots {
	return &Slots{most: most, byKey: map[string]*Slot{}, next: 1}
}

// RestoreSlots returns slots as they were. Slots beyond what there may be now,
// and those that contradict earlier ones, are left out.
func RestoreSlots(most int, next uint32, list []Slot) *Slots {
	s := NewSlots(most)
	s.next = max(1, next)
	taken, ids := map[int]bool{}, map[uint32]bool{}
	for _, one := range list {
		if one.Index < 0 || one.Index >= most || taken[one.Index] || ids[one.ID] || one.ID == 0 || s.byKey[one.Key] != nil {
			continue
		}
		taken[one.Index], ids[one.ID], s.byKey[one.Key] = true, true, &one
		s.lesser += lesser(one.Key)
		s.high, s.next = max(s.high, one.Index+1), max(s.next, one.ID+1)
	}
	for i := range s.high {
		if !taken[i] {
			s.free = append(s.free, i)
		}
	}
	slices.Reverse(s.free)
	return s
}

// Get returns the slot of a subject, or nil.
func (s *Slots) Get(key string) *Slot { return s.byKey[key] }

// Len returns how many slots are given.
func (s *Slots) Len() int { return len(s.byKey) }

// High returns a bound on the indices that are given.
func (s *Slots) High() int { return s.high }

// Next returns the ID that the next subject will have, at least.
func (s *Slots) Next() uint32 { return s.next }

// List returns all slots, by index.
func (s *Slots) List() []Slot {
	out := make([]Slot, 0, len(s.byKey))
	for _, one := range s.byKey {
		out = append(out, *one)
	}
	slices.SortFunc(out, func(a, b Slot) int { return cmp.Compare(a.Index, b.Index) })
	return out
}

// Take returns the slot of a subject, and gives it one if it has none. Where
// none is free, subjects of which nothing has been known for long lose theirs,
// a hundredth of all at a time; they are returned as lost. The result is nil if
// there are none of these either.
func (s *Slots) Take(key string, now int64) (slot *Slot, lost []string) {
	if one := s.byKey[key]; one != nil {
		return one, nil
	}
	if s.full(key) && !s.vainly(key, now) {
		lost = s.release(now-goneAfter, max(1, s.most/100), s.lessersFull(key))
	}
	if s.full(key) {
		if len(lost) == 0 && !s.vainly(key, now) {
			s.vain[lesser(key)] = now
		}
		return nil, lost
	}
	index := s.high
	if n := len(s.free); n > 0 {
		index, s.free = s.free[n-1], s.free[:n-1]
	} else {
		s.high++
	}
	slot = &Slot{Key: key, ID: s.next, Index: index, Seen: now}
	s.next++
	s.byKey[key] = slot
	s.lesser += lesser(key)
	return slot, lost
}

// full reports whether there is no slot for one more subject.
func (s *Slots) full(key string) bool { return len(s.byKey) >= s.most || s.lessersFull(key) }

// lessersFull reports whether a subject is a lesser one that is one too many
// for their half: then others that go make no room for it.
func (s *Slots) lessersFull(key string) bool { return lesser(key) > 0 && s.lesser >= (s.most+1)/2 }

// vainly reports whether room for such a subject was looked for in vain within
// the last minute, so that many that have none are not looked for one by one.
func (s *Slots) vainly(key string, now int64) bool {
	at := s.vain[lesser(key)]
	return at <= now && now < at+Minute && at != 0
}

// lesser returns 1 for the key of a lesser subject, and 0 for others.
func lesser(key string) int {
	if strings.HasPrefix(key, Lesser) {
		return 1
	}
	return 0
}

// SetBack has no subject be seen later than now: the clock was set back, and
// those that come no more are to lose their slots in their turn.
func (s *Slots) SetBack(now int64) {
	for _, one := range s.byKey {
		one.Seen = min(one.Seen, now)
	}
}

// Expire takes their slots from subjects of which nothing is kept any longer.
func (s *Slots) Expire(now int64) (lost []string) {
	return s.release(now-KeepHours, len(s.byKey), false)
}

// release takes their slots from at most so many subjects, or lesser ones, that
// were seen last before a moment, those that were seen least lately first.
func (s *Slots) release(before int64, most int, onlyLesser bool) (lost []string) {
	var gone []*Slot
	for _, one := range s.byKey {
		if one.Seen < before && (!onlyLesser || lesser(one.Key) > 0) {
			gone = append(gone, one)
		}
	}
	slices.SortFunc(gone, func(a, b *Slot) int { return cmp.Or(cmp.Compare(a.Seen, b.Seen), cmp.Compare(a.ID, b.ID)) })
	gone = gone[:min(most, len(gone))]
	for _, one := range gone {
		delete(s.byKey, one.Key)
		s.lesser -= lesser(one.Key)
		s.free = append(s.free, one.Index)
		lost = append(lost, one.Key)
	}
	if len(gone) > 0 {
		slices.SortFunc(s.free, func(a, b int) int { return cmp.Compare(b, a) })
	}
	return lost
}
