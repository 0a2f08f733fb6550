package allocator

import (
	"cmp"
	"iter"
	"slices"
	"sort"
)

// rollBlock is how many entries a block of a roll has at most.
const rollBlock = 256

// roll is the live allocations of one project, or of all, in order of creation.
//
// The entries stand in blocks, so that adding and removing one costs the same
// however many there are, and each block knows how many of its entries are
// active, so that a page far down a filtered list is found without a walk.
type roll struct {
	blocks []rollPart
	size   int
	active int
}

// rollPart is a block: never empty, and ascending by sequence number.
type rollPart struct {
	list   []*entry
	active int
}

func bySeq(e *entry, seq uint64) int { return cmp.Compare(e.seq(), seq) }

// block is the index of the block in which seq is or belongs; there is one at least.
func (r *roll) block(seq uint64) int {
	if last := len(r.blocks) - 1; r.blocks[last].list[0].seq() <= seq {
		return last // as it is of what is new
	}
	i := sort.Search(len(r.blocks), func(i int) bool { return r.blocks[i].list[0].seq() > seq })
	return max(0, i-1)
}

// add puts an entry on the roll. It must not be there.
func (r *roll) add(e *entry) {
	r.size++
	if len(r.blocks) == 0 {
		r.blocks = []rollPart{{list: []*entry{e}}}
		r.count(&r.blocks[0], e.state(), 1)
		return
	}
	i := r.block(e.seq())
	b := &r.blocks[i]
	if len(b.list) == rollBlock {
		b = r.split(i, e.seq())
	}
	at, _ := slices.BinarySearchFunc(b.list, e.seq(), bySeq)
	b.list = slices.Insert(b.list, at, e)
	r.count(b, e.state(), 1)
}

// split makes room in a full block and returns the block in which seq belongs. A
// block to whose end entries are added stays full.
func (r *roll) split(i int, seq uint64) *rollPart {
	b := &r.blocks[i]
	half := rollBlock / 2
	if i == len(r.blocks)-1 && seq > b.list[rollBlock-1].seq() {
		half = rollBlock
	}
	right := rollPart{list: append(make([]*entry, 0, rollBlock), b.list[half:]...)}
	clear(b.list[half:])
	b.list = b.list[:half]
	right.recount()
	b.recount()
	r.blocks = slices.Insert(r.blocks, i+1, right)
	if half == rollBlock || seq > right.list[0].seq() {
		i++
	}
	return &r.blocks[i]
}

func (b *rollPart) recount() {
	b.active = 0
	for _, e := range b.list {
		if e.state() == Active {
			b.active++
		}
	}
}

func (r *roll) count(b *rollPart, s State, by int) {
	if s == Active {
		b.active += by
		r.active += by
	}
}

// remove takes an entry off the roll that was in a state when it was last
// counted. What is not there is left alone.
func (r *roll) remove(e *entry, was State) {
	i, at, ok := r.find(e.seq())
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
	case i > 0 && len(b.list)+len(r.blocks[i-1].list) <= rollBlock/2:
		left := &r.blocks[i-1]
		left.list = append(left.list, b.list...)
		left.active += b.active
		r.blocks = slices.Delete(r.blocks, i, i+1)
	}
}

// turn counts an entry that went from one state to another.
func (r *roll) turn(e *entry, was, is State) {
	if i, _, ok := r.find(e.seq()); ok && was != is {
		r.count(&r.blocks[i], was, -1)
		r.count(&r.blocks[i], is, 1)
	}
}

func (r *roll) find(seq uint64) (block, at int, ok bool) {
	if len(r.blocks) == 0 {
		return 0, 0, false
	}
	block = r.block(seq)
	at, ok = slices.BinarySearchFunc(r.blocks[block].list, seq, bySeq)
	return block, at, ok
}

// get is the entry with a sequence number; nil if there is none.
func (r *roll) get(seq uint64) *entry {
	if i, at, ok := r.find(seq); ok {
		return r.blocks[i].list[at]
	}
	return nil
}

// after walks the entries that were created after seq. The roll must not change
// meanwhile.
func (r *roll) after(seq uint64) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		if len(r.blocks) == 0 {
			return
		}
		for i := r.block(seq); i < len(r.blocks); i++ {
			for _, e := range r.blocks[i].list {
				if e.seq() > seq && !yield(e) {
					return
				}
			}
		}
	}
}

// among is how many entries in a state there are; "" is any.
func (r *roll) among(s State) int {
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

func (b *rollPart) among(s State) int {
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

// rank is how many entries were created before seq.
func (r *roll) rank(seq uint64) (n int) {
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

// page is at most so many entries in a state from the one at index skip on.
func (r *roll) page(s State, skip, most int) (list []*entry) {
	for _, b := range r.blocks {
		if len(list) == most {
			return list
		}
		if n := b.among(s); skip >= n {
			skip -= n
			continue
		}
		for _, e := range b.list {
			switch {
			case s != "" && e.state() != s:
			case skip > 0:
				skip--
			case len(list) < most:
				list = append(list, e)
			}
		}
	}
	return list
}

// place is a position on a roll, which must not change meanwhile.
type place struct {
	r         *roll
	block, at int
}

// at is the place of the first entry that was not created before seq.
func (r *roll) at(seq uint64) place {
	if len(r.blocks) == 0 {
		return place{r: r}
	}
	p := place{r: r, block: r.block(seq)}
	p.at, _ = slices.BinarySearchFunc(r.blocks[p.block].list, seq, bySeq)
	p.settle()
	return p
}

// settle moves a place from the end of a block to the next one.
func (p *place) settle() {
	if p.block < len(p.r.blocks) && p.at == len(p.r.blocks[p.block].list) {
		p.block, p.at = p.block+1, 0
	}
}

// peek is the entry at the place; nil at the end.
func (p *place) peek() *entry {
	if p.block >= len(p.r.blocks) {
		return nil
	}
	return p.r.blocks[p.block].list[p.at]
}

func (p *place) next() {
	p.at++
	p.settle()
}

// to goes on to the first entry that was not created before seq, but over so many
// entries at most, and returns how many that were.
func (p *place) to(seq uint64, most int) (n int) {
	for p.block < len(p.r.blocks) && n < most {
		list := p.r.blocks[p.block].list[p.at:]
		step := len(list)
		if list[step-1].seq() >= seq {
			step, _ = slices.BinarySearchFunc(list, seq, bySeq)
		}
		if step = min(step, most-n); step == 0 {
			return n
		}
		n, p.at = n+step, p.at+step
		p.settle()
	}
	return n
}
