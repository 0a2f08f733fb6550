package allocator

// planning is what Plan has to look at.
type planning struct {
	heap     minHeap[planned]
	dirty    []*waitList // of which something has become free, and whose members are not queued yet
	observed uint64      // changes of the network that have been taken in
	looked   uint64      // allocations that have been looked at
	searched uint64      // those among them for which a path was sought
	spare    bool        // what is spare is to be divided anew
}

// idle reports whether there is nothing to look at.
func (p *planning) idle() bool { return len(p.heap) == 0 && len(p.dirty) == 0 && !p.spare }

// planned is an item that Plan has to look at: first what has started, which
// must not lose its path to others, then what waits; those before others that
// asked before them. What decides that is kept as it was when the item was
// queued, so that the order stands.
type planned struct {
	waits bool // it has not started
	asked uint64
	item  *item
}

func (p planned) before(o planned) bool {
	if p.waits != o.waits {
		return !p.waits
	}
	return p.asked < o.asked
}

func (planned) moved(int) {}

// lookLocked has Plan look at an item, once however often that is asked. An
// item that is being changed is looked at after that.
func (a *Allocator) lookLocked(it *item) {
	switch {
	case it.queued:
	case it.busy != nil:
		it.missed = true
	case it.scavenges():
		a.spareChangedLocked()
	default:
		it.queued = true
		a.plan.heap.push(planned{!it.started, it.asked(), it})
		a.signal()
	}
}

// dequeueLocked takes the item that is to be looked at next off the queue and
// returns it; nil if there is none.
func (a *Allocator) dequeueLocked() *item {
	a.queueFreedLocked()
	for len(a.plan.heap) > 0 {
		it := a.plan.heap.remove(0).item
		it.queued = false
		if it.busy != nil {
			it.missed = true
			continue
		}
		if it.live() {
			return it
		}
	}
	return nil
}
