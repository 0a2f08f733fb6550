package allocator

import (
	"context"
	"fmt"

	"conga/controller/path"
	"conga/controller/topology"
)

const (
	// planNear is how many seconds before its start a planned allocation gets
	// another path if its own is not alive. Earlier than that a path that has
	// died may yet come back, and moving about would only cost.
	planNear = 60
	// planBatch is how many allocations are placed before the lock is let go.
	planBatch = 128
)

// planning is what has been asked of Plan, and how far it has got.
type planning struct {
	asked   uint64             // counts the reasons to plan
	pending bool               // something was asked since the last pass began
	freed   bool               // something that was held no longer is
	network bool               // paths may have appeared or died
	pass    *pass              // the pass under way
	seen    *topology.Snapshot // when the network last changed
}

// pass walks the live allocations in order of creation, twice: first those that
// have started, which must not lose their place to others, then those that wait.
type pass struct {
	freed, network bool
	waiting        bool // the second walk
	after          uint64
}

// ask asks for a pass, because of what the flag says, if there is one.
func (a *Allocator) ask(why *bool) {
	a.plan.asked++
	a.plan.pending = true
	if why != nil {
		*why = true
	}
	a.signal()
}

// NetworkChanged tells that the network is not what it was: the snapshot is a
// new one, or a circuit was lost or has come back. What waits for the network is
// looked at again, by Due and by Plan.
func (a *Allocator) NetworkChanged() {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.desk().graph.Snapshot()
	if a.plan.seen == nil || !path.SameGraph(a.plan.seen, now) {
		a.plan.network = true
	}
	a.plan.seen = now
	a.ask(nil)
	a.resume()
}

// Settled tells that the network has had the time to connect after the start.
// Until then nothing that has a path is moved or torn down because one of its
// switches has not connected yet.
func (a *Allocator) Settled() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.settled {
		a.settled = true
		a.ask(&a.plan.network)
		a.resume()
	}
}

// Plan looks again at what waits or has lost its path: it reroutes what runs,
// plans what had no place, oldest first, and moves what was planned without a
// requested start to an earlier window if one is free now. One call does one
// batch; more says that another call has something to do.
//
// The error is Internal if the store failed; then the pass starts over.
func (a *Allocator) Plan(ctx context.Context) (more bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	a.mu.Lock()
	changed := a.planSome()
	more = a.plan.pass != nil || a.plan.pending
	a.mu.Unlock()
	if err := a.commit(changed...); err != nil {
		a.mu.Lock()
		a.plan.pass = nil
		a.plan.network = true
		a.ask(&a.plan.freed)
		a.mu.Unlock()
		return true, err.in("plan")
	}
	return more, nil
}

// planSome does one batch of the pass under way and returns what it changed.
func (a *Allocator) planSome() (changed []*entry) {
	if a.plan.pass == nil {
		if !a.plan.pending {
			return nil
		}
		a.plan.pass = &pass{freed: a.plan.freed, network: a.plan.network}
		a.plan.pending, a.plan.freed, a.plan.network = false, false, false
	}
	p, now, placed := a.plan.pass, seconds(a.cfg.Now()), 0
	for {
		for e := range a.all.after(p.after) {
			p.after = e.seq()
			if e.busy != nil || !e.live() || e.record().Started == p.waiting || !a.concerned(e, p, now) {
				continue
			}
			var next *record
			a.without(e, func() {
				if e.record().Started {
					next = a.reroute(e.record(), now)
				} else {
					next = a.replan(e.record(), p, now)
				}
			})
			if next != nil {
				a.begin(e, next)
				changed = append(changed, e)
			}
			if placed++; placed == planBatch {
				return changed
			}
		}
		if p.waiting {
			a.plan.pass = nil
			return changed
		}
		p.waiting, p.after = true, 0
	}
}

// concerned reports, cheaply, whether a pass has to look at an entry.
func (a *Allocator) concerned(e *entry, p *pass, now int64) bool {
	c := e.record()
	switch s := a.desk().graph.Snapshot(); {
	case c.Window.End != 0 && c.Window.End <= now:
		return false // it is about to end
	case len(c.Path) == 0:
		return true
	case c.Window.Start <= now+planNear && a.faulty(s, c):
		return true
	default:
		return c.movable(now) && (p.freed || p.network)
	}
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
func (a *Allocator) reroute(c *record, now int64) *record {
	d := a.desk()
	s := d.graph.Snapshot()
	next := *c
	fault := "its path is lost"
	if len(c.Path) > 0 {
		fault, _ = path.Alive(s, c.Path)
		if fault == "" {
			fault = elsewhere(s, c)
		}
	}
	rest := Window{now, c.Window.End}
	r := c.Request
	r.Duration = rest.End - rest.Start
	from, to, _, why := locate(s, c.Key)
	if why == "" {
		e := errand{Request: r, from: from, to: to}
		if p, ok := d.find(e, rest); ok {
			next.Path, next.Reason = p, moving
			return &next
		}
		why = d.refusal(e, rest)
	}
	next.State, next.Reason = Pending, fmt.Sprintf("%s; %s", fault, why)
	if len(c.Path) > 0 && (path.Severed(s, c.Path) || elsewhere(s, c) != "") {
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
func (a *Allocator) replan(c *record, p *pass, now int64) *record {
	d := a.desk()
	if c.Window != (Window{}) {
		if !a.faulty(d.graph.Snapshot(), c) || c.Window.Start > now+planNear {
			return a.sooner(c, now)
		}
		if next := a.otherPath(d, c, now); next != nil {
			return next
		}
	}
	next := *c
	s, err := d.place(c.Request, now)
	if err == nil {
		err = a.checkTotal(c.Request, s.window, a.cfg.Limits(c.ProjectID))
	}
	if err != nil {
		s = spot{reason: err.Err.Error()}
	}
	next.Window, next.Path, next.Reason = s.window, s.path, s.reason
	return unlessSame(c, &next)
}

// otherPath keeps a planned window on another path; nil if none has room.
func (a *Allocator) otherPath(d desk, c *record, now int64) *record {
	from, to, _, reason := locate(d.graph.Snapshot(), c.Key)
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
func (a *Allocator) sooner(c *record, now int64) *record {
	d := a.desk()
	from, to, _, reason := locate(d.graph.Snapshot(), c.Key)
	if !c.movable(now) || reason != "" {
		return nil
	}
	e := errand{Request: c.Request, from: from, to: to, rivals: d.books.rivals(c.Key)}
	p, w, ok := d.earliest(e, now, c.Window.Start)
	if !ok || a.checkTotal(c.Request, w, a.cfg.Limits(c.ProjectID)) != nil {
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
