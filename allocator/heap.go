package allocator

// heapItem is what a [minHeap] holds.
type heapItem[T any] interface {
	before(T) bool // reports whether it is to be taken sooner
	moved(i int)   // is called with its new index; -1: it has been taken off
}

// minHeap is a binary heap: the element at index 0 is the one to be taken
// first.
type minHeap[T heapItem[T]] []T

// push adds an element.
func (h *minHeap[T]) push(x T) {
	*h = append(*h, x)
	h.up(len(*h) - 1)
}

// remove takes the i-th element off and returns it.
func (h *minHeap[T]) remove(i int) T {
	list := *h
	x, last := list[i], len(list)-1
	list[i] = list[last]
	clear(list[last:])
	if *h = list[:last]; i < last {
		h.fix(i)
	}
	x.moved(-1)
	return x
}

// fix restores the order after the i-th element has changed.
func (h *minHeap[T]) fix(i int) {
	if !h.down(i) {
		h.up(i)
	}
}

// order restores the order after any elements have changed.
func (h *minHeap[T]) order() {
	for i := len(*h) - 1; i >= 0; i-- {
		h.down(i)
	}
}

func (h *minHeap[T]) up(i int) {
	list := *h
	x := list[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !x.before(list[parent]) {
			break
		}
		list[i] = list[parent]
		list[i].moved(i)
		i = parent
	}
	list[i] = x
	x.moved(i)
}

// down restores the order below the i-th element, and reports whether that has
// moved.
func (h *minHeap[T]) down(i int) bool {
	list, start := *h, i
	x := list[i]
	for {
		child := 2*i + 1
		if child >= len(list) {
			break
		}
		if child+1 < len(list) && list[child+1].before(list[child]) {
			child++
		}
		if !list[child].before(x) {
			break
		}
		list[i] = list[child]
		list[i].moved(i)
		i = child
	}
	list[i] = x
	x.moved(i)
	return i > start
}
