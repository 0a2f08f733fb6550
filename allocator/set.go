package allocator

import (
	"cmp"
	"slices"
)

// itemSet is a set of items that is joined and left in constant time and costs
// a pointer a member. What has left stays in the list until it is the larger
// part, so a reader asks of each item whether it belongs.
type itemSet struct {
	list []*item
	size int // how many belong
}

// setSlack is how many items that have left a set may hold at least.
const setSlack = 16

func (r *itemSet) add(it *item) {
	r.list = append(r.list, it)
	r.size++
}

// drop notes that one member has left: belongs is false for it by now.
func (r *itemSet) drop(belongs func(*item) bool) {
	if r.size--; r.size == 0 {
		r.list = nil
		return
	}
	if len(r.list) <= 2*r.size+setSlack {
		return
	}
	r.list = slices.DeleteFunc(r.list, func(it *item) bool { return !belongs(it) })
	// What left and came back is there twice.
	slices.SortFunc(r.list, func(a, b *item) int { return cmp.Compare(a.seq(), b.seq()) })
	r.list = slices.Clip(slices.Compact(r.list))
}
