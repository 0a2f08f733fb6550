package allocator

import "slices"

// expiryQueue holds what is in the network, ordered by when it will be past its
// time.
type expiryQueue struct {
	heap minHeap[expiry]
	size int // how many of them count
}

// expiry is when to look at an item. It counts while that is the item's own
// time.
type expiry struct {
	at   nanos
	item *item
}

func (x expiry) before(o expiry) bool { return x.at < o.at }
func (expiry) moved(int)              {}

// put has an item looked at then; neverNanos takes it off.
func (w *expiryQueue) put(it *item, at nanos) {
	if at == neverNanos {
		at = 0
	}
	if it.expiresAt == at {
		return
	}
	if it.expiresAt != 0 {
		w.size--
	}
	if it.own().expiresAt = at; at != 0 {
		w.size++
		w.heap.push(expiry{at, it})
	}
	if len(w.heap) > 2*w.size+64 {
		w.heap = slices.DeleteFunc(w.heap, func(x expiry) bool { return x.item.expiresAt != x.at })
		w.heap.order()
	}
}

// pop takes off and returns an item whose time has come; nil if there is none.
func (w *expiryQueue) pop(now nanos) *item {
	for len(w.heap) > 0 && w.heap[0].at <= now {
		x := w.heap.remove(0)
		if x.item.expiresAt == x.at {
			x.item.own().expiresAt = 0
			w.size--
			return x.item
		}
	}
	return nil
}

// nextExpiry returns the next moment at which time alone makes a circuit of the
// item that the network may hold stale, or no longer so.
func (it *item) nextExpiry(now nanos) nanos {
	next := neverNanos
	note := func(second Seconds) {
		if t := nanosOf(second); t > now {
			next = min(next, t)
		}
	}
	note(it.window().Start)
	note(it.window().End)
	for _, n := range it.network {
		note(n.window.End)
	}
	return next
}
