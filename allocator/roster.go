package allocator

import (
	"cmp"
	"slices"
)

// roster is a set of entries that is joined and left in constant time and costs a
// pointer a member. What has left stays in the list until it is the larger part,
// so a reader asks of each entry whether it belongs.
type roster struct {
	list []*entry
	size int // how many belong
}

// rosterSlack is how many entries that have left a roster may hold at least.
const rosterSlack = 16

func (r *roster) join(e *entry) {
	r.list = append(r.list, e)
	r.size++
}

// leave notes that one member has left: belongs is false for it by now.
func (r *roster) leave(belongs func(*entry) bool) {
	if r.size--; r.size == 0 {
		r.list = nil
		return
	}
	if len(r.list) <= 2*r.size+rosterSlack {
		return
	}
	r.list = slices.DeleteFunc(r.list, func(e *entry) bool { return !belongs(e) })
	// What left and came back is there twice.
	slices.SortFunc(r.list, func(a, b *entry) int { return cmp.Compare(a.seq(), b.seq()) })
	r.list = slices.Clip(slices.Compact(r.list))
}
