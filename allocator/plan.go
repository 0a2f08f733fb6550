package allocator

import (
	"context"
	"slices"
	"strings"

	"conga/controller/path"
	"conga/controller/topology"
)

const (
	// planNear is how many seconds before its start a planned allocation gets
	// another path if its own is not alive. Earlier than that a path that has
	// died may yet come back, and moving about would only cost.
	planNear = 60
	// planBatch is how many allocations are planned before the lock is let go,
	// and planLooks how many are looked at. Where many are queued more of them
	// are planned, a planShare of the queue up to planMost: each batch is saved
	// by itself, and to wait for the store takes longer than to find a path.
	planBatch = 64
	planMost  = 256
	planShare = 4
	planLooks = 1024
)

// Plan looks again at what waits or has lost its path: it reroutes what runs,
// plans what had no window, oldest first, and moves what was planned without a
// requested start to an earlier window if one is free now. One call does one
// batch; more says that another call has something to do. Calls at the same
// time share the work: one saves its batch while another plans the next.
//
// The error is Internal if the store failed; what was to be changed is then
// looked at again.
func (a *Allocator) Plan(ctx context.Context) (more bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	a.mu.Lock()
	changed := a.planSomeLocked()
	if more = !a.plan.idle(); more {
		a.signal() // the next batch need not wait until this one is saved
	}
	a.mu.Unlock()
	if err := a.commit(changed...); err != nil {
		return true, err.in("plan")
	}
	return more, nil
}

// planSomeLocked looks at one batch of what is queued and returns what it
// changes.
func (a *Allocator) planSomeLocked() (changed []*item) {
	a.observeLocked()
	now := a.now()
	changed = a.scavengeLocked(now)
	before, found, most := a.plan.searched, uint64(0), a.planSizeLocked()
	for range planLooks {
		it := a.dequeueLocked()
		if it == nil {
			break
		}
		a.plan.looked++
		if next := a.reconsiderLocked(it, now); next != nil {
			a.beginLocked(it, next)
			if changed = append(changed, it); len(next.Path) > 0 {
				found++
			}
		}
		// A search that finds nothing takes the longest.
		if found >= most || a.plan.searched-before-found >= planBatch {
			break
		}
	}
	return changed
}

// planSizeLocked returns how many allocations the next batch places at most.
func (a *Allocator) planSizeLocked() uint64 {
	return uint64(min(max(len(a.plan.heap)/planShare, planBatch), planMost))
}

// reconsiderLocked returns an item's state with a better window or path than it
// has; nil if there is none, or it needs none. An item that goes on wanting one
// is looked at again when something that stood in its way has gone.
func (a *Allocator) reconsiderLocked(it *item, now Seconds) *record {
	c, begun := it.record(), it.began(now)
	if begun != nil {
		c = begun
	}
	if !a.wantsLocked(it, c, now) {
		a.stopWaitingLocked(it)
		return begun
	}
	a.plan.searched++
	var block obstacles
	var next *record
	if c.Started {
		next = a.rerouteLocked(it, c, now, &block)
	} else {
		next = a.replanLocked(it, c, now, &block)
	}
	if next == nil {
		next = begun
	}
	then := c
	if next != nil {
		then = next
	}
	if then.placed(now) && !a.faultyLocked(a.seen, then) && !a.bareLocked(then) && (len(it.stages) > 0 || !a.crossesLocked(then, now)) {
		a.stopWaitingLocked(it)
		return next
	}
	a.awaitLocked(it, a.completeLocked(&block, then))
	return next
}

// completeLocked adds to the obstacles what may help whatever has stood in the
// way, and returns them: a host that is seen elsewhere, the port of one that
// comes up, a new link.
func (a *Allocator) completeLocked(o *obstacles, c *record) *obstacles {
	o.wiring = true
	for i, side := range sidesOf(c.Key) {
		o.sides = append(o.sides, side)
		if at, ok := c.end(a.seen, c.Key, i); ok {
			o.link(topology.LinkID{To: at})
		}
	}
	return o
}

// wantsLocked reports whether an allocation should have another window or path
// than it has.
func (a *Allocator) wantsLocked(it *item, c *record, now Seconds) bool {
	if c.over(now) {
		return false // it is about to end
	}
	if len(c.Path) == 0 || c.missed(now) || a.displacedLocked(it, c, now) || a.threatenedLocked(it, c, now) {
		return true
	}
	if a.faultyLocked(a.seen, c) {
		if c.Window.Start <= now+planNear || a.onlyStrayLocked(c) {
			return true
		}
		if !it.doubtful { // the path may yet come back
			it.doubtful = true
			a.rescheduleLocked(it)
		}
	}
	if c.Started && (a.bareLocked(c) || a.revertsLocked(it, c)) {
		return true
	}
	return c.movable(now)
}

// faultyLocked reports whether the path can be judged and is not alive, does
// not lead to its hosts or does not meet its constraints.
func (a *Allocator) faultyLocked(s *topology.Snapshot, c *record) bool {
	if !a.settled && !path.Met(s, c.Path) {
		return false
	}
	_, alive := path.Alive(s, c.Path)
	if !c.Started && len(c.Backup) > 0 && alive {
		_, alive = path.Alive(s, c.Backup)
	}
	return !alive || path.Elsewhere(s, c.Key, c.Path) != "" || a.strayLocked(s, &c.Allocation) != ""
}

// lostLocked reports whether the path can be judged and is not alive, or does
// not lead to its hosts.
func (a *Allocator) lostLocked(c *record) bool {
	if !a.settled && !path.Met(a.seen, c.Path) {
		return false
	}
	_, alive := path.Alive(a.seen, c.Path)
	return !alive || path.Elsewhere(a.seen, c.Key, c.Path) != ""
}

func joins(p path.Path, from, to topology.PortID) bool {
	if len(p) == 0 {
		return false
	}
	a, b := p.Ends()
	return a == from && b == to
}

// replanLocked returns the state of an allocation that has not started, with
// another window or path; nil if nothing changes.
func (a *Allocator) replanLocked(it *item, c *record, now Seconds, block *obstacles) (next *record) {
	if !c.missed(now) && a.threatenedLocked(it, c, now) {
		if next, settled := a.withdrawLocked(it, c, now, block); settled {
			return next
		}
	}
	excess := ""
	if it.displaced || len(c.Lost) > 0 && (c.Key.Hosts() || strings.HasPrefix(c.Reason, narrowed)) {
		excess = a.excessLocked(it, c, now)
	}
	a.withoutLocked(it, func() {
		pl := a.plannerLocked()
		pl.obstacles = block
		planners := a.sparingLocked(pl, it)
		if c.Window != (Window{}) && !c.missed(now) {
			var settled bool
			if next, settled = a.keepWindowLocked(planners, it, c, now); settled {
				return
			}
		}
		from := max(now, it.retrySecond()) // earlier it would not be installed anyway
		for _, pl := range planners {
			if next = a.replacedLocked(pl, c, from, block); len(next.Path) > 0 {
				return
			}
		}
		if excess != "" {
			next.Reason = excess + "; " + next.Reason
			if len(c.Path) > 0 {
				next.Lost = c.Path
			}
		}
	})
	return unlessNone(c, next)
}

// keepWindowLocked looks for an earlier window for an allocation that has one,
// or for another path if it needs that. It reports whether the allocation is
// settled with what it returns, nil being what it has.
func (a *Allocator) keepWindowLocked(planners []planner, it *item, c *record, now Seconds) (next *record, settled bool) {
	if next = a.soonerLocked(planners[0], c, max(now, it.retrySecond())); next != nil {
		return next, true
	}
	far := !it.displaced && c.Window.Start > now+planNear
	if !it.displaced && !a.faultyLocked(a.seen, c) || far && !a.onlyStrayLocked(c) {
		return nil, true
	}
	next = a.otherPathLocked(planners, c, now)
	return next, next != nil || far || !it.displaced && a.onlySharesLocked(c)
}

// replacedLocked returns the state of an allocation that has not started in the
// window and on the path that a new request would have; if there is none, with
// the reason.
func (a *Allocator) replacedLocked(pl planner, c *record, now Seconds, block *obstacles) *record {
	next := *c
	limits := a.cfg.Limits(c.ProjectID)
	pl.longest = limits.longest(c.ProjectID, c)
	got, err := pl.assign(c.Request, now, limits, c)
	if err == nil {
		if err = a.checkStepsLocked(c.Request, got.steps(c.Request), limits, c); err != nil {
			block.limit(c.ProjectID)
		}
	}
	if err != nil {
		got = placement{reason: err.Err.Error()}
	}
	next.put(got)
	return &next
}

// otherPathLocked returns the state with the planned window on another path, by
// the first planner that finds one; nil if none has room.
func (a *Allocator) otherPathLocked(planners []planner, c *record, now Seconds) *record {
	from, to, _, reason := c.locate(a.seen)
	if reason != "" {
		return nil
	}
	w := Window{max(now, c.Window.Start), c.Window.End}
	for _, pl := range planners {
		d := demand{Request: c.Request, from: from, to: to}
		if len(c.Profile) > 0 {
			d = d.inSteps(clipped(c.Steps(), w))
		}
		p, ok := pl.find(d, w)
		if !ok {
			continue
		}
		next := *c
		next.Path, next.Reason = p, ""
		next.Backup, next.Swapped = pl.backup(c.Request, p, w), false
		return &next
	}
	return nil
}

// movable reports whether a planned allocation may start earlier than planned,
// because no start was asked for.
func (r *record) movable(now Seconds) bool {
	return !r.Started && r.StartTime == 0 && !r.life().best(now)
}

// soonerLocked returns the state with an earlier window; nil if none is free,
// or if the allocation may not move.
func (a *Allocator) soonerLocked(pl planner, c *record, now Seconds) *record {
	from, to, _, reason := c.locate(pl.snapshot)
	if !c.movable(now) || reason != "" {
		return nil
	}
	d := demand{Request: c.Request, from: from, to: to, conflicting: pl.calendars.conflicting(c.Request), limit: a.cfg.Limits(c.ProjectID).Bandwidth}
	next := *c
	if c.picksRate() {
		pl.longest = a.cfg.Limits(c.ProjectID).longest(c.ProjectID, c)
		got, ok := pl.quickest(d, c.first(now), never, c.Window.End-1)
		if !ok {
			return nil
		}
		r := c.Request
		r.Bandwidth = got.rate
		got.backup = pl.backup(r, got.path, got.window)
		next.put(got)
		return &next
	}
	p, w, ok := pl.earliest(d, c.first(now), c.Window.Start)
	if !ok {
		return nil
	}
	next.Window, next.Path, next.Reason = w, p, ""
	next.Backup, next.Swapped = pl.backup(c.Request, p, w), false
	return &next
}

// unlessNone returns what unlessSame does, nil also if there is no other state.
func unlessNone(c, next *record) *record {
	if next == nil {
		return nil
	}
	return unlessSame(c, next)
}

// unlessSame returns next, or nil if that is what c is already.
func unlessSame(c, next *record) *record {
	if c.State == next.State && c.Reason == next.Reason && c.Window == next.Window && c.Bandwidth == next.Bandwidth && slices.Equal(c.Profile, next.Profile) && c.Path.Equal(next.Path) && c.Backup.Equal(next.Backup) {
		return nil
	}
	return next
}
