package allocator

import (
	"fmt"
	"math"
	"slices"
	"strings"
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

// notInstalled and notOut are how the reasons begin of what could not be done.
const (
	notInstalled = "not installed yet: "
	notOut       = "its entries are not out yet: "
)

// reportBatch is how many results are saved in one transaction at most.
const reportBatch = 1024

// Report takes in how tasks went. It does what Installed, Removed and Failed
// do, one after the other, and what follows from results that are reported
// together is saved together.
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
// except perhaps a switch that is away and loses it on its return. What it had
// reserved is free, and an allocation whose window is over, or whose lease has
// ended, is complete.
//
// The error is Internal if the store failed; a task then comes again.
func (a *Allocator) Removed(t Task) error { return a.Report(Result{Task: t}) }

// Failed reports that a task came to nothing and is to be tried again, at the
// time given or when the network changes. An active allocation whose latest
// path was not confirmed is pending until it is.
func (a *Allocator) Failed(t Task, cause error, again time.Time) error {
	return a.Report(Result{Task: t, Err: cause, Again: again})
}

// reportSome takes in results. Those of items of which a change is under way
// wait for that, and for the others.
func (a *Allocator) reportSome(results []Result) (failed *Error) {
	for len(results) > 0 {
		var begun []*item
		var later []Result
		a.mu.Lock()
		for _, r := range results {
			it := r.Task.item
			if it.busy != nil {
				later = append(later, r)
			} else if next := a.concludeLocked(r); next != nil {
				a.beginLocked(it, next)
				begun = append(begun, it)
			}
		}
		var busy <-chan struct{}
		if len(later) > 0 {
			busy = later[0].Task.item.busy
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

// concludeLocked takes in one result and returns the state that follows from
// it; nil if none does.
func (a *Allocator) concludeLocked(r Result) (next *record) {
	it, moment := r.Task.item, a.cfg.Now()
	it.task = false
	x := it.own()
	x.failures, x.tried = 0, nanos(moment.UnixNano())
	a.retryAtLocked(it, 0)
	switch {
	case r.Err != nil:
		next = a.failedLocked(it, r)
	case r.Task.Do == Install:
		next = a.installedLocked(it, r.Task, path.SecondsOf(moment))
	default:
		if next = a.removedLocked(it, path.SecondsOf(moment)); it.deleted {
			a.dropLocked(it)
			return nil
		}
	}
	if next == nil {
		a.rescheduleLocked(it)
	}
	return next
}

// postpone has reports that could not be saved come again.
func (a *Allocator) postpone(items []*item) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, it := range items {
		x := it.own()
		x.failures++
		x.retry = max(x.retry, a.nowNanos()+leastRetry)
		a.rescheduleLocked(it)
	}
}

func (a *Allocator) installedLocked(it *item, t Task, now Seconds) *record {
	it.own().confirmed = t.Circuit
	for _, n := range slices.Backward(it.network) {
		if sameCircuit(n.circuit, t.Circuit) {
			it.own().network = []installed{n}
			break
		}
	}
	a.reserveLocked(it)
	return a.activatedLocked(it, now)
}

// activatedLocked returns the state after the item's circuit was confirmed; nil
// if that changes nothing, as when the allocation has ended, has another
// circuit by now, or waits since its path was lost while this was under way.
func (a *Allocator) activatedLocked(it *item, now Seconds) *record {
	c := it.record()
	if c.State == Pending && a.lostLocked(c) {
		return nil
	}
	if !it.live() || !sameCircuit(it.confirmed, c.circuitAt(now)) || now >= c.Window.End || !c.Started && now < c.Window.Start {
		return nil
	}
	if c.State == Active && (c.Reason == "" || c.scavenges()) && c.Bandwidth == it.confirmed.Rate {
		return nil
	}
	next := *c
	next.State, next.Reason, next.Bandwidth = Active, "", it.confirmed.Rate
	if !c.Started {
		next.Started = true
		next.Window.Start = now
		next.LeaseEnd = leaseEnd(c.ActiveLease, now)
		if late := (Window{now, c.latestEnd(now)}); len(c.Profile) == 0 && late.End > c.Window.End && a.roomForLocked(it, c.Request, late) {
			next.Window = late
		}
	}
	if c.State == Pending {
		a.beginVolumeLocked(it, &next, now)
	}
	return &next
}

// roomForLocked reports whether the allocation may have another window, or
// rate, on its path.
func (a *Allocator) roomForLocked(it *item, r Request, w Window) (ok bool) {
	if r.scavenges() {
		return true // it goes on as long as there is room, see scavengeLocked
	}
	a.withoutLocked(it, func() {
		pl, c := a.plannerLocked(), it.record()
		d := demand{Request: r, conflicting: a.calendars.conflicting(r)}
		d.from, d.to = c.Path.Ends()
		ok = (pl.fitsPair(d, c, w) || len(c.Backup) == 0 && pl.fits(d, c.Path, w)) && !pl.taken(d, w) && a.checkTotalLocked(r, w, a.cfg.Limits(c.ProjectID), c) == nil
	})
	return ok
}

func (a *Allocator) removedLocked(it *item, now Seconds) *record {
	a.departLocked(it, nil)
	x := it.own()
	x.network, x.confirmed = nil, path.Circuit{}
	a.reserveLocked(it)
	a.retryLocked()
	c := it.record()
	next := *c
	switch {
	case !it.live():
		return nil
	case c.lapsed(now), c.over(now):
		next.State, next.Reason = Complete, a.endReasonLocked(c, now)
		if c.Started {
			next.Window.End = max(c.Window.Start, min(c.Window.End, now))
		}
	case c.State == Active:
		next.State, next.Reason = Pending, "its entries were taken out at its end, before which the clock was set then"
	case strings.HasPrefix(c.Reason, notOut):
		next.Reason = ""
	}
	return unlessSame(c, &next)
}

// endReasonLocked returns the Reason of an allocation that has come to its end.
func (a *Allocator) endReasonLocked(c *record, now Seconds) string {
	if c.lapsed(now) {
		return c.lapseReason()
	}
	if c.State == Active {
		for _, h := range c.Path {
			if !a.seen.Switches[h.DPID].Connected {
				return fmt.Sprintf("switch %s was not connected at the end; it loses the entries when it returns", h.DPID)
			}
		}
		return joined(lateStart(&c.Allocation), c.overrun())
	}
	text := "its window passed before its path could be installed"
	if c.Started {
		text = "its path was lost before its end"
	}
	switch {
	case !c.Started && c.Deadline != 0 && c.picksRate():
		text = fmt.Sprintf("it has not begun, and its volume cannot pass by its deadline, %s, any more", clock(c.Deadline))
	case !c.Started && c.Deadline != 0:
		text = fmt.Sprintf("it has not begun, and cannot last %d s by its deadline, %s, any more", c.Duration, clock(c.Deadline))
	case c.Window == (Window{}):
		w := Window{c.StartTime, c.limit()}
		text = fmt.Sprintf("its window from %s to %s passed before a path was found", clock(w.Start), clock(w.End))
	}
	if _, _, _, why := c.locate(a.seen); c.Window == (Window{}) && why != "" {
		return text + ": " + why
	}
	if c.Started && c.Volume != 0 {
		text = joined(text, c.overrun())
	}
	if c.Reason != "" {
		text += ": " + c.Reason
	}
	return text
}

// lapseReason returns the Reason of an allocation whose lease has ended.
func (r *record) lapseReason() string {
	switch {
	case r.Started:
		return fmt.Sprintf("released: its lease of %d s ended and was not renewed", r.ActiveLease)
	case r.Hold != 0:
		return fmt.Sprintf("given up: it was held for %d s and was not committed", r.Hold)
	}
	return fmt.Sprintf("given up: its lease of %d s ended before it began and was not renewed", r.Lease)
}

// joined returns texts as one, without those that are empty.
func joined(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(text string) bool { return text == "" }), "; ")
}

func (a *Allocator) failedLocked(it *item, r Result) *record {
	a.observeLocked()
	now := a.now()
	if c := it.record(); r.Task.Do != Remove && it.live() && (!sameCircuit(r.Task.Circuit, c.circuitAt(now)) || a.faultyLocked(a.seen, c)) {
		a.lookLocked(it) // it has another path, or is about to have one, which need not wait
		return nil
	}
	it.own().retry = nanos(r.Again.UnixNano())
	it.own().failures = min(r.Task.Failures+1, math.MaxInt32)
	a.failed[it] = true
	c := it.record()
	if !it.live() || r.Task.Do != Remove && !sameCircuit(r.Task.Circuit, c.circuitAt(now)) {
		return nil
	}
	late := *c
	if late.Reason = notInstalled + r.Err.Error(); r.Task.Do == Remove {
		late.Reason = notOut + r.Err.Error()
	} else {
		late.pause(now)
		late.State = Pending
	}
	return unlessSame(c, &late)
}

// CircuitsLost reports that the network does not hold circuits any more that
// were installed, by their allocations' IDs. They are installed again, or
// pending with the reason why that fails.
func (a *Allocator) CircuitsLost(ids []string) {
	if len(ids) == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		it := a.findLocked(id)
		if it == nil || !it.live() || it.confirmed.Handle == 0 {
			continue
		}
		it.own().confirmed = path.Circuit{}
		a.rescheduleLocked(it)
	}
	a.signal()
}

// Circuits returns the circuits whose flow entries are to stay in the switches
// over a restart of the daemon: those of allocations that have started, are not
// over and have a path, but for scavengers whose traffic is reserved by now.
func (a *Allocator) Circuits() []path.Circuit {
	a.mu.RLock()
	defer a.mu.RUnlock()
	now := a.now()
	var held []path.Circuit
	for it := range a.all.after(0) {
		if it.restorable(now) && !a.givesWayLocked(it) {
			v := it.view()
			held = append(held, v.circuitAt(now))
		}
	}
	return held
}
