package allocator

import (
	"time"

	"conga/controller/path"
)

// leastRetry is the least time between two attempts at the same allocation,
// however often the network changes.
const leastRetry = nanos(time.Second)

// Task is one thing to be done about one allocation. Until it is reported back,
// with Installed, Removed or Failed, the allocation gets no other.
type Task struct {
	Do       Action
	Circuit  path.Circuit // to install; only its ID matters for the other actions
	Failures int          // attempts in a row that came to nothing, for the delay before the next

	item *item
}

// Due hands out at most limit tasks whose time has come: the earliest first,
// and at the same moment those that remove before those that install. next is
// when to ask again if nothing else happens; the zero time is never. Only what
// is saved is handed out.
func (a *Allocator) Due(limit int) (tasks []Task, next time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.nowNanos()
	a.announced = 0 // what is put on the agenda below is looked at before this ends
	a.observeLocked()
	for it := a.expiring.pop(now); it != nil; it = a.expiring.pop(now) {
		a.departLocked(it, it.stale(now))
		a.expiring.put(it, it.nextExpiry(now))
		a.steppedLocked(it)
	}
	for len(a.agenda.minHeap) > 0 && a.agenda.minHeap[0].due <= now && len(tasks) < limit {
		it := a.agenda.minHeap[0]
		what, at := it.nextAction(now)
		switch {
		case at > now:
			if what, _ := it.nextInWindow(now); what == Nothing || it.doubtful || it.whole != 0 || it.movesBy(now) {
				a.lookLocked(it) // its lease may end first, and need not
			}
			it.doubtful = false
			a.rescheduleLocked(it)
			continue
		case what == Install && !a.readyLocked(it):
			it.parked = true
			a.rescheduleLocked(it)
			continue
		case what == Install:
			x, c := it.own(), it.record().circuitAt(secondOf(now))
			x.network = append(x.network, installed{c, it.record().stepAt(secondOf(now)).Window})
			if !sameCircuit(x.confirmed, c) {
				x.confirmed = path.Circuit{} // the network is led away from it
			}
			if it.record().Window == (Window{}) || !it.live() {
				a.reserveLocked(it) // else the circuit is counted already
			}
		}
		it.task, it.removing = true, what != Install
		a.rescheduleLocked(it)
		v := it.view()
		c := v.circuitAt(secondOf(now))
		tasks = append(tasks, Task{Do: what, Circuit: c, Failures: it.failures, item: it})
	}
	a.announced = min(a.spareDueLocked(now), a.repairsDueLocked(now))
	if len(a.agenda.minHeap) > 0 {
		a.announced = min(a.announced, a.agenda.minHeap[0].due)
	}
	if a.announced != neverNanos {
		next = time.Unix(0, int64(a.announced))
	}
	return tasks, next
}

// steppedLocked takes in that an item may hold less by now: what it needs next
// may be there, and others may have what it has given up.
func (a *Allocator) steppedLocked(it *item) {
	if !it.recedes() {
		return
	}
	it.parked = false
	a.rescheduleLocked(it)
	a.spareLaterLocked()
	for _, id := range it.appendLinks(nil) {
		a.giveWayLocked(a.waiting.links[cableOf(id)], always)
	}
	a.giveWayLocked(&a.waiting.any, always)
	a.giveWayLocked(a.waiting.projects[it.project()], always)
}

// readyLocked reports whether an allocation can be installed now: its path is
// alive, and nothing is left in the network that has to go first. If not, it is
// tried again when that has changed.
func (a *Allocator) readyLocked(it *item) bool {
	c := it.record()
	if it.displaced {
		a.lookLocked(it)
		return false
	}
	if _, alive := path.Alive(a.seen, c.Path); !alive || path.Elsewhere(a.seen, c.Key, c.Path) != "" {
		if a.faultyLocked(a.seen, c) {
			a.lookLocked(it)
		}
		return false
	}
	if !c.Started && a.faultyLocked(a.seen, c) && !a.onlySharesLocked(c) {
		a.lookLocked(it)
		return false
	}
	a.departLocked(it, nil) // its own circuits are in the way of no other
	next := c.circuitAt(a.now())
	return !a.leaving.blocks(it, next) && !a.squeezedLocked(it, next)
}

// rescheduleLocked puts an item on the agenda for what it needs next, or takes
// it off while something is under way. It wakes the scheduler if that is sooner
// than Due has announced.
func (a *Allocator) rescheduleLocked(it *item) {
	now, away := a.nowNanos(), it.busy != nil || it.task
	if len(it.leaving) > 0 || len(it.network) > 0 {
		a.departLocked(it, it.stale(now))
	}
	if len(it.network) > 0 || it.recedes() {
		a.expiring.put(it, it.nextExpiry(now))
	} else {
		a.expiring.put(it, neverNanos)
	}
	at := neverNanos
	if !away {
		_, at = it.nextAction(now)
		if len(it.network) == 0 && it.missedWindow(a.now()) {
			a.lookLocked(it)
		}
		if it.doubtful {
			at = min(at, a.lookFromLocked(it, nanosOf(it.window().Start-planNear), now))
		}
		if len(it.stages) > 0 {
			at = min(at, a.lookFromLocked(it, nanosOf(it.stages[0].window.Start), now))
		}
		if it.whole != 0 {
			at = min(at, a.lookFromLocked(it, it.whole+nanos(revertAfter), now))
		}
	}
	a.agenda.put(it, at)
	if at < a.announced {
		a.signal()
	}
}

// lookFromLocked returns when an item is to be looked at that is to be from a
// moment on. If that has come, as it may before Due notices, it is looked at.
func (a *Allocator) lookFromLocked(it *item, t, now nanos) nanos {
	if t > now {
		return t
	}
	it.doubtful = false
	a.lookLocked(it)
	return neverNanos
}

// retryLocked has failed tasks tried again earlier than they would be by
// themselves, since what was in their way may have gone. How much earlier
// depends on how often they failed, so that a network in trouble is not asked
// for the same things all the time.
func (a *Allocator) retryLocked() {
	if len(a.failed) == 0 {
		return
	}
	failed := a.failed
	a.failed = map[*item]bool{}
	for it := range failed {
		a.retryAtLocked(it, min(it.retry, it.tried+leastRetry<<min(max(it.failures-1, 0), 6)))
		a.rescheduleLocked(it)
	}
	a.signal()
}

// retryAtLocked sets when what has failed is tried again. If that is sooner
// than it was, an item that has not started is looked at again, since it may
// have been planned for then.
func (a *Allocator) retryAtLocked(it *item, at nanos) {
	if at < it.retry && it.live() && !it.started {
		a.lookLocked(it)
	}
	it.own().retry = at
}
