package allocator

import (
	"fmt"
	"math"
	"time"

	"conga/controller/path"
	"conga/controller/topology"
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
	for e := range a.watched {
		a.leaving.set(e, e.stale(now))
	}
	for len(a.agenda) > 0 && a.agenda[0].due <= now && len(tasks) < limit {
		e := a.agenda[0]
		what, at := e.nextAction(now)
		switch {
		case at > now:
			if what, _ := e.nextInWindow(now); what == Nothing {
				a.ask(nil) // its lease may end first, and need not
			}
			a.agenda.put(e, at)
			continue
		case what == Install && !a.ready(e):
			e.parked = true
			a.waiting[e] = true
			a.reschedule(e)
			continue
		case what == Install:
			e.network = append(e.network, installed{e.record().Circuit(), e.record().Window})
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
// and nothing that has to go first is still there.
func (a *Allocator) ready(e *entry) bool {
	s, c := a.desk().graph.Snapshot(), e.record()
	if _, alive := path.Alive(s, c.Path); !alive || elsewhere(s, c) != "" {
		if a.faulty(s, c) {
			a.ask(nil)
		}
		return false
	}
	a.leaving.set(e, nil) // its own entries are in nobody's way but its own
	return !a.leaving.blocks(c)
}

// reschedule puts an entry on the agenda for what it needs next, or off it
// while something is under way.
func (a *Allocator) reschedule(e *entry) {
	now, away := a.cfg.Now().UnixNano(), e.busy != nil || e.task
	if before := len(e.leaving); before > 0 || len(e.network) > 0 {
		a.leaving.set(e, e.stale(now))
		if len(e.leaving) < before {
			a.resume()
		}
	}
	if len(e.network) > 0 && away || !e.inStep() {
		a.watched[e] = true
	} else {
		delete(a.watched, e)
	}
	at := int64(never)
	if !away {
		_, at = e.nextAction(now)
	}
	a.agenda.put(e, at)
}

// resume lets everything be tried again that waits for the network, for others
// to leave, or for its next attempt.
func (a *Allocator) resume() {
	waiting := a.waiting
	a.waiting = map[*entry]bool{}
	for e := range waiting {
		e.parked = false
		e.retry = min(e.retry, e.tried+leastRetry)
		a.reschedule(e)
	}
	a.signal()
}

// await returns with the lock held and no change of the entry under way.
func (a *Allocator) await(e *entry) {
	for a.mu.Lock(); e.busy != nil; a.mu.Lock() {
		busy := e.busy
		a.mu.Unlock()
		<-busy
	}
}

// report ends a task; failed says that there has to be another attempt.
func (e *entry) report(now int64, failed bool, retry int64) {
	e.task = false
	e.failures, e.tried, e.retry = 0, now, 0
	if failed {
		e.retry = retry
	}
}

// Installed reports that every switch on the circuit's path has confirmed it. A
// pending allocation is active from this second on, and runs for its whole
// duration from now if there is room for that; else it ends as planned.
//
// The error is Internal if the store failed; the task then comes again.
func (a *Allocator) Installed(t Task) error {
	e := t.entry
	a.await(e)
	moment := a.cfg.Now()
	e.report(moment.UnixNano(), false, 0)
	e.proof = t.Circuit
	for _, n := range e.network {
		if sameCircuit(n.circuit, t.Circuit) {
			e.network = []installed{n}
			break
		}
	}
	a.rehold(e)
	next := a.activated(e, seconds(moment))
	return a.conclude(e, next)
}

// activated is the state after the entry's circuit was confirmed; nil if that
// changes nothing, as when it has ended or become another circuit meanwhile.
func (a *Allocator) activated(e *entry, now int64) *record {
	c := e.record()
	if !e.live() || !sameCircuit(e.proof, c.Circuit()) || !c.Window.Contains(now) || c.State == Active && c.Reason == "" {
		return nil
	}
	next := *c
	next.State, next.Reason = Active, ""
	if !c.Started {
		next.Started = true
		next.Window.Start = now
		if late := (Window{now, now + c.Duration}); late.End > c.Window.End && a.roomFor(e, late) {
			next.Window = late
		}
	}
	return &next
}

// roomFor reports whether the allocation may have another window on its path.
func (a *Allocator) roomFor(e *entry, w Window) (ok bool) {
	a.without(e, func() {
		d, c := a.desk(), e.record()
		job := errand{Request: c.Request, rivals: a.books.rivals(c.Key)}
		ok = d.fits(job, c.Path, w) && !d.rivalled(job, w) && a.checkTotal(c.Request, w, a.cfg.Limits(c.ProjectID)) == nil
	})
	return ok
}

// conclude commits what follows from a report. The lock is held and let go.
func (a *Allocator) conclude(e *entry, next *record) error {
	if next == nil {
		a.reschedule(e)
		a.signal()
		a.mu.Unlock()
		return nil
	}
	a.begin(e, next)
	a.mu.Unlock()
	err := a.commit(e)
	if err == nil {
		return nil
	}
	a.mu.Lock()
	e.failures++
	e.retry = a.cfg.Now().UnixNano() + leastRetry
	a.reschedule(e)
	a.mu.Unlock()
	return err.in("report")
}

// Removed reports that the network holds nothing of the allocation any more,
// except perhaps a switch that is away and loses it on its return. What the
// entries had held is free, and an allocation whose window is over, or that nobody
// has asked for again, is complete.
//
// The error is Internal if the store failed; a task then comes again.
func (a *Allocator) Removed(t Task) error {
	e := t.entry
	a.await(e)
	moment := a.cfg.Now()
	e.report(moment.UnixNano(), false, 0)
	a.leaving.set(e, nil)
	e.network, e.proof = nil, path.Circuit{}
	a.rehold(e)
	a.resume()
	if e.gone {
		a.drop(e)
		a.mu.Unlock()
		return nil
	}
	var next *record
	if c, now := e.record(), seconds(moment); e.live() && (c.lapsed(now) || c.Window.End != 0 && c.Window.End <= now) {
		done := *c
		done.State, done.Reason = Complete, a.verdict(c, now)
		next = &done
	}
	return a.conclude(e, next)
}

// verdict is the Reason of an allocation that has come to its end.
func (a *Allocator) verdict(c *record, now int64) string {
	if c.lapsed(now) {
		return fmt.Sprintf("given up: its lease of %d s ended before it began and was not renewed", c.Lease)
	}
	if c.State == Active {
		s := a.desk().graph.Snapshot()
		for _, h := range c.Path {
			if !s.Switches[h.DPID].Connected {
				return fmt.Sprintf("switch %s was not connected at the end; it loses the entries when it returns", h.DPID)
			}
		}
		return ""
	}
	text := "its window passed before its path could be installed"
	if c.Started {
		text = "its path was lost before its end"
	}
	if c.Reason != "" {
		text += ": " + c.Reason
	}
	return text
}

// Failed reports that a task came to nothing and is to be tried again, at the
// time given or when the network changes. An active allocation whose latest
// path was not confirmed is pending until it is.
func (a *Allocator) Failed(t Task, cause error, again time.Time) error {
	e := t.entry
	a.await(e)
	e.report(a.cfg.Now().UnixNano(), true, again.UnixNano())
	e.failures = min(t.Failures+1, math.MaxInt32)
	a.waiting[e] = true
	var next *record
	if c := e.record(); e.live() && (t.Do == Remove || sameCircuit(t.Circuit, c.Circuit())) {
		late := *c
		if late.Reason = "not installed yet: " + cause.Error(); t.Do == Remove {
			late.Reason = "its entries are not out yet: " + cause.Error()
		} else {
			late.State = Pending
		}
		next = unlessSame(c, &late)
	}
	return a.conclude(e, next)
}

// Circuits are the circuits whose entries are to stay in the switches over a
// restart of the daemon: those of allocations that have started, are not over
// and have a path.
func (a *Allocator) Circuits() []path.Circuit {
	a.mu.RLock()
	defer a.mu.RUnlock()
	now := seconds(a.cfg.Now())
	var held []path.Circuit
	for e := range a.all.after(0) {
		if e.restorable(now) {
			held = append(held, e.view().Circuit())
		}
	}
	return held
}

// leaving is what the network holds past its time: what ends at a moment is
// still there when its successor is due at that moment. What is on the agenda
// and in step need not be counted, since there what leaves comes first.
type leaving struct {
	links map[topology.LinkID]int // circuits with a rate, by link
	keys  map[path.FlowKey]int
}

func newLeaving() leaving {
	return leaving{links: map[topology.LinkID]int{}, keys: map[path.FlowKey]int{}}
}

// set says what of an entry is leaving.
func (l *leaving) set(e *entry, circuits []installed) {
	l.count(e.leaving, -1)
	e.leaving = circuits
	l.count(e.leaving, 1)
}

func (l *leaving) count(circuits []installed, by int) {
	for _, n := range circuits {
		if n.circuit.Rate > 0 {
			for _, id := range n.circuit.Path.Links() {
				tally(l.links, id, by)
			}
		}
		tally(l.keys, canonical(n.circuit.Key), by)
	}
}

func tally[K comparable](m map[K]int, k K, by int) {
	if m[k] += by; m[k] == 0 {
		delete(m, k)
	}
}

// blocks reports whether something that is leaving has the same traffic, so
// that taking it out could take c's entries with it, or a rate on c's path.
func (l *leaving) blocks(c *record) bool {
	for k := range l.keys {
		if k.Conflicts(c.Key) {
			return true
		}
	}
	if c.Bandwidth == 0 || len(l.links) == 0 {
		return false
	}
	for _, id := range c.Path.BothWays() {
		if l.links[id] > 0 {
			return true
		}
	}
	return false
}
