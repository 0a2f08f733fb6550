package allocator

import "slices"

// expiryQueue holds what is in the network, or recedes, ordered by when it will
// be past its time.
type expiryQueue struct {
	heap minHeap[expiry]
	size int // how many of them count
}

// expiry is when to look at an item. It counts while that is the item's own
// will be past its time, or its step.
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

// recedes reports whether time alone may have the item hold less, while it goes
// on: it has steps, or has lost its path and waits beyond its window.
func (it *item) recedes() bool {
	return len(it.profile) > 0 || it.started && it.state() == Pending && it.rare.leeway.Volume != 0
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
	for _, s := range it.profile {
		note(s.End)
	}
	for _, n := range it.network {
		note(n.window.End)
	}
	return next
}
