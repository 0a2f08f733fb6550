package allocator

import "time"

// ClockSet tells that the clock of [Config.Now] was set, forward if by is above
// zero. Windows are moments of that clock and stay as they are: what a step
// brings to its start or its end starts or ends now. What runs goes on running
// if its start is in the future again, and does not start twice. Delays count
// on as they did. A lease is a span, too: as much of it is left as before,
// since its client asks again in its own time, and [leaseGrace] seconds at
// least.
func (a *Allocator) ClockSet(by time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	near := now + Seconds(-by/time.Second) + planNear + 1 // of starts, by the clock before
	for _, it := range a.byID {
		if it.extra != it.none {
			a.stepLocked(it, nanos(by), now)
		} else if by < 0 {
			a.rescheduleLocked(it) // what was over is not any more
		}
		a.ranBeforeLocked(it, now)
		if by < 0 && it.live() && (it.window().Start <= near || !it.placed(now)) {
			a.lookLocked(it) // it was over or near its start, or may begin sooner
		}
	}
	if by < 0 {
		for _, c := range a.cables.byID {
			c.limits = unmeasured // windows that had passed may be reserved again
			a.measureLocked(c)
		}
	}
	if by > 0 {
		a.rest(by)
	}
	a.signal()
}

// stepLocked brings what is timed about an item in line with a clock that was
// set.
func (a *Allocator) stepLocked(it *item, by nanos, now Seconds) {
	x := it.own()
	if x.tried != 0 {
		x.tried = max(1, x.tried+by)
	}
	if x.retry != 0 {
		x.retry = max(1, x.retry+by)
	}
	if x.barred != 0 {
		x.barred = max(1, x.barred+by)
	}
	if x.whole != 0 && by > 0 { // set back, it begins anew
		x.whole += by
	}
	if end, may := it.lapse(); may && it.busy == nil {
		r := *it.record()
		r.LeaseEnd = min(end+Seconds(by/nanos(time.Second)), now+r.lease())
		r.grantGrace(now)
		if r.LeaseEnd != end {
			it.pack(&r)
		}
	}
	a.rescheduleLocked(it)
}

// ranBeforeLocked reserves what an item needs that has started, and whose
// window is yet to come because the clock was set: it runs from now on, and
// others are not to be given what it takes until that is saved.
func (a *Allocator) ranBeforeLocked(it *item, now Seconds) {
	if it.live() && it.started && it.hasPath() && now < it.window().Start && (it.early == 0 || now < it.early) {
		it.own().early = now
		a.reserveLocked(it)
	}
}

// began returns the state of an item that has started, as it is to be after the
// clock was set to before its start: what runs has begun by now, and so holds
// its path from now on. It returns nil if there is nothing to change.
func (it *item) began(now Seconds) *record {
	if !it.started || it.window().Start <= now {
		return nil
	}
	next := *it.record()
	next.Window.Start = now
	return &next
}
