package allocator

import (
	"fmt"
	"math"
	"time"

	"conga/controller/path"
)

// Result is how a task went. If Err is not nil it came to nothing and is to be
// tried again, at Again or when the network changes.
type Result struct {
	Task  Task
	Err   error
	Again time.Time
}

// reportBatch is how many results are saved in one transaction at most.
const reportBatch = 256

// Report tells how tasks went. It does what Installed, Removed and Failed do, one
// after the other, and what follows from results that are reported together is
// saved together.
//
// The error is Internal if the store failed; the tasks then come again.
func (a *Allocator) Report(results ...Result) error {
	var failed *Error
	for len(results) > 0 {
		n := min(len(results), reportBatch)
		if err := a.reportSome(results[:n]); err != nil {
			failed = err.in("report")
		}
		results = results[n:]
	}
	if failed != nil {
		return failed
	}
	return nil
}

// Installed reports that every switch on the circuit's path has confirmed it. A
// pending allocation is active from this second on, and runs for its whole
// duration from now if there is room for that; else it ends as planned.
//
// The error is Internal if the store failed; the task then comes again.
func (a *Allocator) Installed(t Task) error { return a.Report(Result{Task: t}) }

// Removed reports that the network holds nothing of the allocation any more,
// except perhaps a switch that is away and loses it on its return. What the
// entries had held is free, and an allocation whose window is over, or whose
// lease has ended, is complete.
//
// The error is Internal if the store failed; a task then comes again.
func (a *Allocator) Removed(t Task) error { return a.Report(Result{Task: t}) }

// Failed reports that a task came to nothing and is to be tried again, at the
// time given or when the network changes. An active allocation whose latest
// path was not confirmed is pending until it is.
func (a *Allocator) Failed(t Task, cause error, again time.Time) error {
	return a.Report(Result{Task: t, Err: cause, Again: again})
}

// reportSome takes in results. Those of entries of which a change is under way
// wait for that, and for the others.
func (a *Allocator) reportSome(results []Result) (failed *Error) {
	for len(results) > 0 {
		var begun []*entry
		var later []Result
		a.mu.Lock()
		for _, r := range results {
			e := r.Task.entry
			if e.busy != nil {
				later = append(later, r)
			} else if next := a.conclude(r); next != nil {
				a.begin(e, next)
				begun = append(begun, e)
			}
		}
		var busy <-chan struct{}
		if len(later) > 0 {
			busy = later[0].Task.entry.busy
		}
		a.signal()
		a.mu.Unlock()
		if err := a.commit(begun...); err != nil {
			a.postpone(begun)
			failed = err
		}
		if len(later) > 0 {
			<-busy
		}
		results = later
	}
	return failed
}

// conclude takes in one result and returns the state that follows from it, nil if
// none does.
func (a *Allocator) conclude(r Result) (next *record) {
	e, moment := r.Task.entry, a.cfg.Now()
	e.task = false
	x := e.own()
	x.failures, x.tried, x.retry = 0, moment.UnixNano(), 0
	switch {
	case r.Err != nil:
		next = a.failure(e, r)
	case r.Task.Do == Install:
		next = a.installed(e, r.Task, seconds(moment))
	default:
		if next = a.removed(e, seconds(moment)); e.gone {
			a.drop(e)
			return nil
		}
	}
	if next == nil {
		a.reschedule(e)
	}
	return next
}

// postpone has reports that could not be saved come again.
func (a *Allocator) postpone(entries []*entry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range entries {
		x := e.own()
		x.failures++
		x.retry = max(x.retry, a.cfg.Now().UnixNano()+leastRetry)
		a.reschedule(e)
	}
}

func (a *Allocator) installed(e *entry, t Task, now int64) *record {
	e.own().proof = t.Circuit
	for _, n := range e.network {
		if sameCircuit(n.circuit, t.Circuit) {
			e.own().network = []installed{n}
			break
		}
	}
	a.rehold(e)
	return a.activated(e, now)
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

func (a *Allocator) removed(e *entry, now int64) *record {
	a.depart(e, nil)
	x := e.own()
	x.network, x.proof = nil, path.Circuit{}
	a.rehold(e)
	a.retry()
	if c := e.record(); e.live() && (c.lapsed(now) || c.Window.End != 0 && c.Window.End <= now) {
		done := *c
		done.State, done.Reason = Complete, a.verdict(c, now)
		return &done
	}
	return nil
}

// verdict is the Reason of an allocation that has come to its end.
func (a *Allocator) verdict(c *record, now int64) string {
	if c.lapsed(now) {
		return fmt.Sprintf("given up: its lease of %d s ended before it began and was not renewed", c.Lease)
	}
	if c.State == Active {
		for _, h := range c.Path {
			if !a.seen.Switches[h.DPID].Connected {
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

func (a *Allocator) failure(e *entry, r Result) *record {
	a.observe()
	if c := e.record(); r.Task.Do != Remove && e.live() && (!sameCircuit(r.Task.Circuit, c.Circuit()) || a.faulty(a.seen, c)) {
		a.look(e) // it has another path, or is about to have one, which need not wait
		return nil
	}
	e.own().retry = r.Again.UnixNano()
	e.own().failures = min(r.Task.Failures+1, math.MaxInt32)
	a.failed[e] = true
	c := e.record()
	if !e.live() || r.Task.Do != Remove && !sameCircuit(r.Task.Circuit, c.Circuit()) {
		return nil
	}
	late := *c
	if late.Reason = "not installed yet: " + r.Err.Error(); r.Task.Do == Remove {
		late.Reason = "its entries are not out yet: " + r.Err.Error()
	} else {
		late.State = Pending
	}
	return unlessSame(c, &late)
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
