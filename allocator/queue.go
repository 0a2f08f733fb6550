package allocator

import "container/heap"

// planning is what Plan has to look at.
type planning struct {
	queue    queue
	dirty    []*crowd // of which something has become free, and whose members are not queued yet
	observed uint64   // changes of the network that have been taken in
	looked   uint64   // allocations that have been looked at
	searched uint64   // those among them for which a path was sought
}

// idle reports whether there is nothing to look at.
func (p *planning) idle() bool { return len(p.queue) == 0 && len(p.dirty) == 0 }

// turn is an entry's place in the queue. Rank and number are those it had when it
// was queued, so that the order stands whatever becomes of it.
type turn struct {
	waits bool // it has not started
	seq   uint64
	entry *entry
}

// queue has on top what is looked at next: what has started, which must not lose
// its place to others, then what waits; the older ones first.
type queue []turn

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if q[i].waits != q[j].waits {
		return !q[i].waits
	}
	return q[i].seq < q[j].seq
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(turn)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	t := (*q)[last]
	(*q)[last].entry, *q = nil, (*q)[:last]
	return t
}

// look has an entry looked at by Plan, once however often that is asked. What is
// being changed is looked at after that.
func (a *Allocator) look(e *entry) {
	switch {
	case e.queued:
	case e.busy != nil:
		e.missed = true
	default:
		e.queued = true
		heap.Push(&a.plan.queue, turn{!e.started, e.seq(), e})
		a.signal()
	}
}

// next takes the entry that is to be looked at next off the queue; nil if there
// is none.
func (a *Allocator) next() *entry {
	a.muster()
	for len(a.plan.queue) > 0 {
		e := heap.Pop(&a.plan.queue).(turn).entry
		e.queued = false
		if e.busy != nil {
			e.missed = true
			continue
		}
		if e.live() {
			return e
		}
	}
	return nil
}
