package allocator

import (
	"context"
	"fmt"
	"net/netip"

	"conga/controller/path"
	"conga/controller/topology"
)

const (
	// planNear is how many seconds before its start a planned allocation gets
	// another path if its own is not alive. Earlier than that a path that has
	// died may yet come back, and moving about would only cost.
	planNear = 60
	// planBatch is how many allocations are placed before the lock is let go, and
	// planLooks how many are looked at. Where many are queued more of them are
	// placed, a planShare of the queue up to planMost: each batch is saved by
	// itself, and to wait for the store takes longer than to find a path.
	planBatch = 64
	planMost  = 256
	planShare = 4
	planLooks = 1024
)

// Plan looks again at what waits or has lost its path: it reroutes what runs,
// plans what had no place, oldest first, and moves what was planned without a
// requested start to an earlier window if one is free now. One call does one
// batch; more says that another call has something to do. Calls at the same time
// share the work: one saves its batch while another places the next.
//
// The error is Internal if the store failed; what was to be changed is then looked
// at again.
func (a *Allocator) Plan(ctx context.Context) (more bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	a.mu.Lock()
	changed := a.planSome()
	if more = !a.plan.idle(); more {
		a.signal() // the next batch need not wait until this one is saved
	}
	a.mu.Unlock()
	if err := a.commit(changed...); err != nil {
		return true, err.in("plan")
	}
	return more, nil
}

// planSome looks at one batch of what is queued and returns what it changes.
func (a *Allocator) planSome() (changed []*entry) {
	a.observe()
	now := seconds(a.cfg.Now())
	before, found, most := a.plan.searched, uint64(0), a.planSize()
	for range planLooks {
		e := a.next()
		if e == nil {
			break
		}
		a.plan.looked++
		if next := a.reconsider(e, now); next != nil {
			a.begin(e, next)
			if changed = append(changed, e); len(next.Path) > 0 {
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

// planSize returns how many allocations the next batch places at most.
func (a *Allocator) planSize() uint64 {
	return uint64(min(max(len(a.plan.queue)/planShare, planBatch), planMost))
}

// reconsider is an entry's state with a better place than it has; nil if it has
// none, or needs none. What goes on wanting one is looked at again when something
// that stood in its way has gone.
func (a *Allocator) reconsider(e *entry, now int64) *record {
	c := e.record()
	if !a.wants(e, c, now) {
		a.stop(e)
		return nil
	}
	a.plan.searched++
	var block obstacles
	var next *record
	if c.Started {
		next = a.reroute(e, c, now, &block)
	} else {
		a.without(e, func() { next = a.replan(c, now, &block) })
	}
	then := c
	if next != nil {
		then = next
	}
	if then.placed(now) && !a.faulty(a.seen, then) {
		a.stop(e)
		return next
	}
	a.wait(e, a.complete(&block, then))
	return next
}

// complete adds to the obstacles what may help whatever has stood in the way: that
// a host is seen elsewhere, that the port of one comes up, a way that is new.
func (a *Allocator) complete(o *obstacles, c *record) *obstacles {
	o.wiring = true
	for _, addr := range []netip.Addr{c.Key.Src, c.Key.Dst} {
		o.addrs = append(o.addrs, addr)
		if at, ok := a.seen.Locate(addr); ok {
			o.link(topology.LinkID{To: at})
		}
	}
	return o
}

// wants reports whether an allocation should have another place than it has.
func (a *Allocator) wants(e *entry, c *record, now int64) bool {
	if c.Window.End != 0 && c.Window.End <= now {
		return false // it is about to end
	}
	if len(c.Path) == 0 {
		return true
	}
	if a.faulty(a.seen, c) {
		if c.Window.Start <= now+planNear {
			return true
		}
		if !e.doubtful { // the path may yet come back
			e.doubtful = true
			a.reschedule(e)
		}
	}
	return c.movable(now)
}

// faulty reports whether the path can be judged and found wanting.
func (a *Allocator) faulty(s *topology.Snapshot, c *record) bool {
	if !a.settled && !path.Met(s, c.Path) {
		return false
	}
	_, alive := path.Alive(s, c.Path)
	return !alive || elsewhere(s, c) != ""
}

// elsewhere says which end of the path its host has left, or "". A host that is
// not known any more counts as being where it was.
func elsewhere(s *topology.Snapshot, c *record) string {
	from, to := pathEnds(c.Path)
	if at, ok := s.Locate(c.Key.Src); ok && at != from {
		return fmt.Sprintf("%s has moved to %s", c.Key.Src, at)
	}
	if at, ok := s.Locate(c.Key.Dst); ok && at != to {
		return fmt.Sprintf("%s has moved to %s", c.Key.Dst, at)
	}
	return ""
}

func pathEnds(p path.Path) (from, to topology.PortID) {
	first, last := p[0], p[len(p)-1]
	return topology.PortID{DPID: first.DPID, Port: first.In}, topology.PortID{DPID: last.DPID, Port: last.Out}
}

func joins(p path.Path, from, to topology.PortID) bool {
	if len(p) == 0 {
		return false
	}
	a, b := pathEnds(p)
	return a == from && b == to
}

// reroute finds another path for an allocation that has started, for what is
// left of its window. If there is none the allocation waits, pending, and its
// window keeps running. It then keeps its path as long as that may still carry
// traffic, only out of CONGA's sight; else its entries are to go, so that its
// traffic gets through as best effort.
func (a *Allocator) reroute(e *entry, c *record, now int64, block *obstacles) *record {
	d := a.desk()
	d.block = block
	next := *c
	fault := "its path is lost"
	if len(c.Path) > 0 {
		fault, _ = path.Alive(d.snapshot, c.Path)
		if fault == "" {
			fault = elsewhere(d.snapshot, c)
		}
	}
	rest := Window{now, c.Window.End}
	r := c.Request
	r.Duration = rest.End - rest.Start
	from, to, _, why := locate(d.snapshot, c.Key)
	if why == "" {
		job := errand{Request: r, from: from, to: to}
		d.own = e.holds().links
		if p, ok := d.find(job, rest); ok {
			next.Path, next.Reason = p, moving
			return &next
		}
		d.own, d.block = nil, nil
		a.without(e, func() { why = d.refusal(job, rest) })
	}
	next.State, next.Reason = Pending, fmt.Sprintf("%s; %s", fault, why)
	if len(c.Path) > 0 && (path.Severed(d.snapshot, c.Path) || elsewhere(d.snapshot, c) != "") {
		next.Path = nil
	} else if len(c.Path) == 0 && c.Reason != "" {
		// The first fault says more than that the path is still lost.
		next.Reason = c.Reason
	}
	return unlessSame(c, &next)
}

// refusal is refuse in words, without offers.
func (d desk) refusal(e errand, w Window) string {
	s, err := d.refuse(e, w)
	if err != nil {
		return err.Err.Error()
	}
	return s.reason
}

// replan places an allocation that has not started yet.
func (a *Allocator) replan(c *record, now int64, block *obstacles) *record {
	d := a.desk()
	d.block = block
	if c.Window != (Window{}) {
		if next := a.sooner(d, c, now); next != nil || !a.faulty(d.snapshot, c) || c.Window.Start > now+planNear {
			return next
		}
		if next := a.otherPath(d, c, now); next != nil {
			return next
		}
	}
	next := *c
	limits := a.cfg.Limits(c.ProjectID)
	s, err := d.place(c.Request, now, limits)
	if err == nil {
		if err = a.checkTotal(c.Request, s.window, limits); err != nil {
			block.limit(c.ProjectID)
		}
	}
	if err != nil {
		s = spot{reason: err.Err.Error()}
	}
	next.Window, next.Path, next.Reason = s.window, s.path, s.reason
	return unlessSame(c, &next)
}

// otherPath keeps a planned window on another path; nil if none has room.
func (a *Allocator) otherPath(d desk, c *record, now int64) *record {
	from, to, _, reason := locate(d.snapshot, c.Key)
	if reason != "" {
		return nil
	}
	w := Window{max(now, c.Window.Start), c.Window.End}
	p, ok := d.find(errand{Request: c.Request, from: from, to: to}, w)
	if !ok {
		return nil
	}
	next := *c
	next.Path, next.Reason = p, ""
	return &next
}

// movable reports whether a planned allocation may start earlier than planned:
// no start was asked for, or the one asked for has passed without room for it.
func (r *record) movable(now int64) bool {
	return !r.Started && r.StartTime < now && r.Window.Start > now
}

// sooner is a planned allocation in an earlier window; nil if none is free, or
// if it may not move.
func (a *Allocator) sooner(d desk, c *record, now int64) *record {
	from, to, _, reason := locate(d.snapshot, c.Key)
	if !c.movable(now) || reason != "" {
		return nil
	}
	e := errand{Request: c.Request, from: from, to: to, rivals: d.books.rivals(c.Key), limit: a.cfg.Limits(c.ProjectID).Bandwidth}
	p, w, ok := d.earliest(e, now, c.Window.Start)
	if !ok {
		return nil
	}
	next := *c
	next.Window, next.Path, next.Reason = w, p, ""
	return &next
}

// unlessSame is next, or nil if that is what c is already.
func unlessSame(c, next *record) *record {
	if c.State == next.State && c.Reason == next.Reason && c.Window == next.Window && c.Path.Equal(next.Path) {
		return nil
	}
	return next
}
