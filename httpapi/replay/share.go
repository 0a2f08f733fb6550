package replay

import (
	"container/heap"
	"slices"

	"conga/allocator/store"
)

// A share is what the book holds for one owner.
type share struct {
	owner   string
	kept    []*kept // oldest first
	leaving int     // of these, on their way out of the store
	filing  int     // on their way into it
	flights int     // requests that are being carried out
	index   int     // in the order
}

// size returns how many answers the owner has once all commits are through.
func (s *share) size() int { return len(s.kept) - s.leaving + s.filing }

// oldest returns the oldest answer that is not on its way out, or nil.
func (s *share) oldest() *kept {
	i := slices.IndexFunc(s.kept, func(k *kept) bool { return !k.leaving })
	if i < 0 {
		return nil
	}
	return s.kept[i]
}

// shareLocked returns the share of an owner.
func (b *Book) shareLocked(owner string) *share {
	s := b.owners[owner]
	if s == nil {
		s = &share{owner: owner}
		b.owners[owner] = s
		heap.Push(&b.order, s)
	}
	return s
}

// resizeLocked puts a share where it belongs after a change by so many answers,
// and forgets an empty one.
func (b *Book) resizeLocked(s *share, by int) {
	b.total += by
	if len(s.kept)+s.filing+s.flights == 0 {
		delete(b.owners, s.owner)
		heap.Remove(&b.order, s.index)
		return
	}
	heap.Fix(&b.order, s.index)
}

// keepLocked takes an answer in.
func (b *Book) keepLocked(k *kept) {
	b.byName[k.name] = k
	s := b.shareLocked(k.owner)
	s.kept = append(s.kept, k)
	b.resizeLocked(s, 1)
}

// dropLocked forgets an answer that has left the store.
func (b *Book) dropLocked(k *kept) {
	if b.byName[k.name] == k {
		delete(b.byName, k.name)
	}
	s, by := b.owners[k.owner], -1
	if k.leaving {
		s.leaving--
		by = 0
	}
	if i := slices.Index(s.kept, k); i >= 0 { // nearly always the first
		s.kept = slices.Delete(s.kept, i, i+1)
	}
	b.resizeLocked(s, by)
}

// leaveLocked marks an answer as on its way out, or takes that back.
func (b *Book) leaveLocked(k *kept, leaving bool) {
	s, by := b.owners[k.owner], -1
	if k.leaving = leaving; !leaving {
		by = 1
	}
	s.leaving -= by
	b.resizeLocked(s, by)
}

// surplusLocked marks the answers that have to go for the bounds to hold, at
// most so many, and returns them.
func (b *Book) surplusLocked(most int) (out []*kept) {
	for len(out) < most && len(b.order) > 0 {
		fullest := b.order[0]
		if fullest.size() <= maxOfOwner && b.total <= maxInAll {
			break
		}
		k := fullest.oldest()
		if k == nil { // all of it is still on its way into the store
			break
		}
		b.leaveLocked(k, true)
		out = append(out, k)
	}
	return out
}

// removals returns the operations that remove answers from the store.
func removals(old []*kept) []store.Op {
	ops := make([]store.Op, 0, len(old)+1)
	for _, k := range old {
		ops = append(ops, store.Op{Bucket: store.Replays, Key: keyOf(k.seq)})
	}
	return ops
}

// byFill is a heap with the fullest share on top.
type byFill []*share

// Len implements [heap.Interface].
func (b byFill) Len() int { return len(b) }

// Less implements [heap.Interface].
func (b byFill) Less(i, j int) bool { return b[i].size() > b[j].size() }

// Swap implements [heap.Interface].
func (b byFill) Swap(i, j int) {
	b[i], b[j] = b[j], b[i]
	b[i].index, b[j].index = i, j
}

// Push implements [heap.Interface].
func (b *byFill) Push(x any) {
	s := x.(*share)
	s.index = len(*b)
	*b = append(*b, s)
}

// Pop implements [heap.Interface].
func (b *byFill) Pop() any {
	last := len(*b) - 1
	s := (*b)[last]
	(*b)[last] = nil
	*b = (*b)[:last]
	return s
}
