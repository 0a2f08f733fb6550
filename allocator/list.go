package allocator

import (
	"cmp"
	"iter"
	"slices"
	"sort"
)

// listBlock is how many items a block of a list has at most.
const listBlock = 256

// itemList is the live allocations of one project, or of all, in order of
// creation.
//
// The items are in blocks, so that adding and removing one costs the same
// however many there are, and each block knows how many of its items are
// active, so that a page far down a filtered list is found without a walk.
type itemList struct {
	blocks []itemBlock
	size   int
	active int
}

// itemBlock is a block: never empty, and ascending by sequence number.
type itemBlock struct {
	list   []*item
	active int
}

func bySeq(it *item, seq uint64) int { return cmp.Compare(it.seq(), seq) }

// block returns the index of the block in which seq is or belongs; there is at
// least one block.
func (r *itemList) block(seq uint64) int {
	if last := len(r.blocks) - 1; r.blocks[last].list[0].seq() <= seq {
		return last // as it is of what is new
	}
	i := sort.Search(len(r.blocks), func(i int) bool { return r.blocks[i].list[0].seq() > seq })
	return max(0, i-1)
}

// add puts an item on the list. It must not be there.
func (r *itemList) add(it *item) {
	r.size++
	if len(r.blocks) == 0 {
		r.blocks = []itemBlock{{list: []*item{it}}}
		r.count(&r.blocks[0], it.state(), 1)
		return
	}
	i := r.block(it.seq())
	b := &r.blocks[i]
	if len(b.list) == listBlock {
		b = r.split(i, it.seq())
	}
	at, _ := slices.BinarySearchFunc(b.list, it.seq(), bySeq)
	b.list = slices.Insert(b.list, at, it)
	r.count(b, it.state(), 1)
}

// split makes room in a full block and returns the block in which seq belongs.
// A block to whose end items are added stays full.
func (r *itemList) split(i int, seq uint64) *itemBlock {
	b := &r.blocks[i]
	half := listBlock / 2
	if i == len(r.blocks)-1 && seq > b.list[listBlock-1].seq() {
		half = listBlock
	}
	right := itemBlock{list: append(make([]*item, 0, listBlock), b.list[half:]...)}
	clear(b.list[half:])
	b.list = b.list[:half]
	right.recount()
	b.recount()
	r.blocks = slices.Insert(r.blocks, i+1, right)
	if half == listBlock || seq > right.list[0].seq() {
		i++
	}
	return &r.blocks[i]
}

func (b *itemBlock) recount() {
	b.active = 0
	for _, it := range b.list {
		if it.state() == Active {
			b.active++
		}
	}
}

func (r *itemList) count(b *itemBlock, s State, by int) {
	if s == Active {
		b.active += by
		r.active += by
	}
}

// remove takes an item off the list; was is the state in which it was counted
// last. An item that is not there is left alone.
func (r *itemList) remove(it *item, was State) {
	i, at, ok := r.find(it.seq())
	if !ok {
		return
	}
	b := &r.blocks[i]
	b.list = slices.Delete(b.list, at, at+1)
	r.size--
	r.count(b, was, -1)
	switch {
	case len(b.list) == 0:
		r.blocks = slices.Delete(r.blocks, i, i+1)
	case i > 0 && len(b.list)+len(r.blocks[i-1].list) <= listBlock/2:
		left := &r.blocks[i-1]
		left.list = append(left.list, b.list...)
		left.active += b.active
		r.blocks = slices.Delete(r.blocks, i, i+1)
	}
}

// restate counts an item that went from one state to another.
func (r *itemList) restate(it *item, was, is State) {
	if i, _, ok := r.find(it.seq()); ok && was != is {
		r.count(&r.blocks[i], was, -1)
		r.count(&r.blocks[i], is, 1)
	}
}

func (r *itemList) find(seq uint64) (block, at int, ok bool) {
	if len(r.blocks) == 0 {
		return 0, 0, false
	}
	block = r.block(seq)
	at, ok = slices.BinarySearchFunc(r.blocks[block].list, seq, bySeq)
	return block, at, ok
}

// get returns the item with a sequence number; nil if there is none.
func (r *itemList) get(seq uint64) *item {
	if i, at, ok := r.find(seq); ok {
		return r.blocks[i].list[at]
	}
	return nil
}

// after returns the items that were created after seq. The list must not change
// meanwhile.
func (r *itemList) after(seq uint64) iter.Seq[*item] {
	return func(yield func(*item) bool) {
		if len(r.blocks) == 0 {
			return
		}
		for i := r.block(seq); i < len(r.blocks); i++ {
			for _, it := range r.blocks[i].list {
				if it.seq() > seq && !yield(it) {
					return
				}
			}
		}
	}
}

// walk yields the items behind the walk's number. The list must not change
// meanwhile.
func (r *itemList) walk(w Walk) iter.Seq[*item] {
	if !w.Newest {
		return r.after(w.From)
	}
	return func(yield func(*item) bool) {
		if len(r.blocks) == 0 {
			return
		}
		for i := r.block(w.From); i >= 0; i-- {
			for _, it := range slices.Backward(r.blocks[i].list) {
				if it.seq() < w.From && !yield(it) {
					return
				}
			}
		}
	}
}

// inState returns how many items are in a state; "" is any.
func (r *itemList) inState(s State) int {
	switch s {
	case "":
		return r.size
	case Active:
		return r.active
	case Pending:
		return r.size - r.active
	}
	return 0
}

func (b *itemBlock) inState(s State) int {
	switch s {
	case "":
		return len(b.list)
	case Active:
		return b.active
	case Pending:
		return len(b.list) - b.active
	}
	return 0
}

// rank returns how many items were created before seq.
func (r *itemList) rank(seq uint64) (n int) {
	if len(r.blocks) == 0 {
		return 0
	}
	block := r.block(seq)
	for _, b := range r.blocks[:block] {
		n += len(b.list)
	}
	at, _ := slices.BinarySearchFunc(r.blocks[block].list, seq, bySeq)
	return n + at
}

// page returns at most so many items in a state, from the one at index skip on;
// "" is any state.
func (r *itemList) page(s State, skip, most int) (list []*item) {
	for _, b := range r.blocks {
		if len(list) == most {
			return list
		}
		if n := b.inState(s); skip >= n {
			skip -= n
			continue
		}
		for _, it := range b.list {
			switch {
			case s != "" && it.state() != s:
			case skip > 0:
				skip--
			case len(list) < most:
				list = append(list, it)
			}
		}
	}
	return list
}

// listPosition is a position on a list, which must not change meanwhile.
type listPosition struct {
	list      *itemList
	block, at int
}

// positionOf returns the position of the first item that was not created before
// seq.
func (r *itemList) positionOf(seq uint64) listPosition {
	if len(r.blocks) == 0 {
		return listPosition{list: r}
	}
	p := listPosition{list: r, block: r.block(seq)}
	p.at, _ = slices.BinarySearchFunc(r.blocks[p.block].list, seq, bySeq)
	p.normalise()
	return p
}

// normalise moves a position from the end of a block to the next one.
func (p *listPosition) normalise() {
	if p.block < len(p.list.blocks) && p.at == len(p.list.blocks[p.block].list) {
		p.block, p.at = p.block+1, 0
	}
}

// peek returns the item at the position; nil at the end.
func (p *listPosition) peek() *item {
	if p.block >= len(p.list.blocks) {
		return nil
	}
	return p.list.blocks[p.block].list[p.at]
}

func (p *listPosition) next() {
	p.at++
	p.normalise()
}

// advance goes on to the first item that was not created before seq, but over
// so many items at most, and returns over how many.
func (p *listPosition) advance(seq uint64, most int) (n int) {
	for p.block < len(p.list.blocks) && n < most {
		list := p.list.blocks[p.block].list[p.at:]
		step := len(list)
		if list[step-1].seq() >= seq {
			step, _ = slices.BinarySearchFunc(list, seq, bySeq)
		}
		if step = min(step, most-n); step == 0 {
			return n
		}
		n, p.at = n+step, p.at+step
		p.normalise()
	}
	return n
}
