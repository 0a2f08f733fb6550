package allocator

import (
	"time"

	"conga/controller/path"
)

// leastRetry is the least time between two attempts at the same allocation,
// however often the network changes.
const leastRetry = int64(time.Second)

// Task is one thing to have done about one allocation. Until it is reported
// back, with Installed, Removed or Failed, the allocation gets no other.
type Task struct {
	Do       Action
	Circuit  path.Circuit // to install; only its ID matters for the other actions
	Failures int          // attempts in a row that came to nothing, for the delay before the next

	entry *entry
}

// Due hands out at most limit tasks whose time has come, earliest first, what
// leaves before what comes. next is when to ask again if nothing else happens;
// zero is never. Only what is saved is handed out.
func (a *Allocator) Due(limit int) (tasks []Task, next time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.cfg.Now().UnixNano()
	a.announced = 0 // what is put on the agenda below is looked at before this ends
	a.observe()
	for e := a.watched.pop(now); e != nil; e = a.watched.pop(now) {
		a.depart(e, e.stale(now))
		a.watched.put(e, e.turning(now))
	}
	for len(a.agenda) > 0 && a.agenda[0].due <= now && len(tasks) < limit {
		e := a.agenda[0]
		what, at := e.nextAction(now)
		switch {
		case at > now:
			if what, _ := e.nextInWindow(now); what == Nothing || e.doubtful {
				a.look(e) // its lease may end first, and need not
			}
			e.doubtful = false
			a.reschedule(e)
			continue
		case what == Install && !a.ready(e):
			e.parked = true
			a.reschedule(e)
			continue
		case what == Install:
			x, c := e.own(), e.record().Circuit()
			x.network = append(x.network, installed{c, e.window()})
			if !sameCircuit(x.proof, c) {
				x.proof = path.Circuit{} // the network is led away from it
			}
			a.rehold(e)
		}
		e.task, e.removing = true, what != Install
		a.reschedule(e)
		c := e.view().Circuit()
		tasks = append(tasks, Task{Do: what, Circuit: c, Failures: e.failures, entry: e})
	}
	a.announced = never
	if len(a.agenda) > 0 {
		a.announced = a.agenda[0].due
		next = time.Unix(0, a.announced)
	}
	return tasks, next
}

// ready reports whether an allocation can be installed now: its path is alive
// and nothing that has to go first is still there. If not, it is tried again when
// that has changed.
func (a *Allocator) ready(e *entry) bool {
	c := e.record()
	if _, alive := path.Alive(a.seen, c.Path); !alive || elsewhere(a.seen, c) != "" {
		if a.faulty(a.seen, c) {
			a.look(e)
		}
		return false
	}
	a.depart(e, nil) // its own entries are in no way but its own
	return !a.leaving.blocks(e, c)
}

// reschedule puts an entry on the agenda for what it needs next, or off it
// while something is under way. The scheduler is woken if that is sooner than what Due
// has announced.
func (a *Allocator) reschedule(e *entry) {
	now, away := a.cfg.Now().UnixNano(), e.busy != nil || e.task
	if len(e.leaving) > 0 || len(e.network) > 0 {
		a.depart(e, e.stale(now))
	}
	if len(e.network) > 0 {
		a.watched.put(e, e.turning(now))
	} else {
		a.watched.put(e, never)
	}
	at := int64(never)
	if !away {
		_, at = e.nextAction(now)
		if t := nanos(e.window().Start - planNear); e.doubtful && t > now {
			at = min(at, t)
		}
	}
	a.agenda.put(e, at)
	if at < a.announced {
		a.signal()
	}
}

// retry has what has failed tried again earlier than it would be by itself: what
// was in its way may have gone. How much earlier depends on how often it failed, so
// that a network in trouble is not asked for the same things all the time.
func (a *Allocator) retry() {
	if len(a.failed) == 0 {
		return
	}
	failed := a.failed
	a.failed = map[*entry]bool{}
	for e := range failed {
		e.own().retry = min(e.retry, e.tried+leastRetry<<min(max(e.failures-1, 0), 6))
		a.reschedule(e)
	}
	a.signal()
}
