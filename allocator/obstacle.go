package allocator

import (
	"net/netip"
	"slices"

	"conga/controller/path"
	"conga/controller/topology"
)

// obstacles are what stood in the way of a better place when one was sought. As
// long as none of them gives way, no better place can have come up: time alone
// makes none.
type obstacles struct {
	links   []topology.LinkID // cables without room
	keys    []path.FlowKey    // traffic that others have claimed
	project string            // whose limit is exhausted
	addrs   []netip.Addr      // whose place is not known, or could be another
	wiring  bool              // another way through the network would help
	many    bool              // more links than are kept: any link may be one
}

// maxObstacles is how many links are told apart. Behind more of them whatever
// becomes free is taken for one.
const maxObstacles = 32

func (o *obstacles) link(id topology.LinkID) {
	if o == nil || o.many {
		return
	}
	if id = cableOf(id); slices.Contains(o.links, id) {
		return
	}
	if len(o.links) == maxObstacles {
		o.links, o.many = nil, true
		return
	}
	o.links = append(o.links, id)
}

func (o *obstacles) key(k path.FlowKey) {
	if o != nil && !slices.Contains(o.keys, k) {
		o.keys = append(o.keys, k)
	}
}

func (o *obstacles) limit(project string) {
	if o != nil {
		o.project = project
	}
}

// crowd is the set of entries that wait for one obstacle to give way.
type crowd struct {
	roster
	forget func() // takes it off the index
	dirty  bool   // something has given way since the members were queued
	freed  Window // the hull of what has
}

// crowds is the index of waiting entries by what they wait for.
type crowds struct {
	links    map[topology.LinkID]*crowd
	keys     map[path.FlowKey]*crowd
	projects map[string]*crowd
	addrs    map[netip.Addr]*crowd
	wiring   crowd
	any      crowd // any link
}

func newCrowds() crowds {
	return crowds{
		links: map[topology.LinkID]*crowd{}, keys: map[path.FlowKey]*crowd{},
		projects: map[string]*crowd{}, addrs: map[netip.Addr]*crowd{},
		wiring: crowd{forget: func() {}}, any: crowd{forget: func() {}},
	}
}

// of is the crowd before an obstacle, made if there is none.
func of[K comparable](m map[K]*crowd, k K) *crowd {
	c := m[k]
	if c == nil {
		c = &crowd{forget: func() { delete(m, k) }}
		m[k] = c
	}
	return c
}

// wait has the entry looked at again when one of the obstacles gives way, and
// not when others do.
func (a *Allocator) wait(e *entry, o *obstacles) {
	before := e.crowds
	var now []*crowd
	for _, id := range o.links {
		now = append(now, of(a.crowds.links, id))
	}
	for _, k := range o.keys {
		now = append(now, of(a.crowds.keys, k))
	}
	if o.project != "" {
		now = append(now, of(a.crowds.projects, o.project))
	}
	for _, addr := range o.addrs {
		now = append(now, of(a.crowds.addrs, addr))
	}
	if o.wiring {
		now = append(now, &a.crowds.wiring)
	}
	if o.many {
		now = append(now, &a.crowds.any)
	}
	for _, c := range now {
		if !slices.Contains(before, c) {
			c.join(e)
		}
	}
	e.own().crowds = now
	for _, c := range before {
		if !slices.Contains(now, c) {
			c.part()
		}
	}
}

// stop takes an entry that waits for nothing any more off the index.
func (a *Allocator) stop(e *entry) {
	before := e.crowds
	if len(before) == 0 {
		return
	}
	e.own().crowds = nil
	for _, c := range before {
		c.part()
	}
}

func (c *crowd) belongs(e *entry) bool { return slices.Contains(e.crowds, c) }

func (c *crowd) part() {
	if c.leave(c.belongs); c.size == 0 {
		c.forget()
	}
}

// giveWay has the members of a crowd looked at, as far as they can profit from
// what was freed.
func (a *Allocator) giveWay(c *crowd, freed Window) {
	if c == nil || c.size == 0 {
		return
	}
	if c.dirty {
		c.freed = Window{min(c.freed.Start, freed.Start), max(c.freed.End, freed.End)}
		return
	}
	c.dirty, c.freed = true, freed
	a.plan.dirty = append(a.plan.dirty, c)
	a.signal()
}

// LimitsChanged tells that [Config.Limits] may answer differently from now on. What
// waits for a project's limit is looked at again.
func (a *Allocator) LimitsChanged() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.crowds.projects {
		a.giveWay(c, always)
	}
}

// always is a window from which all that waits can profit.
var always = Window{0, never}

// muster queues the members of the crowds whose obstacles have given way.
func (a *Allocator) muster() {
	if len(a.plan.dirty) == 0 {
		return
	}
	dirty, now := a.plan.dirty, seconds(a.cfg.Now())
	a.plan.dirty = nil
	for _, c := range dirty {
		c.dirty = false
		for _, e := range c.list {
			if c.belongs(e) && e.profits(c.freed, now) {
				a.look(e)
			}
		}
	}
}

// profits reports whether an entry can have a better place because of something
// that was freed. What is planned only moves to an earlier window, and what has
// no window, or has started, may fit wherever others have left.
func (e *entry) profits(freed Window, now int64) bool {
	if e.started || e.window() == (Window{}) {
		return true
	}
	return freed.Overlaps(Window{now, e.window().End})
}

// released has those looked at that can profit from a holding that has become
// another one.
func (a *Allocator) released(old, now holding) {
	if len(a.crowds.links)+a.crowds.any.size > 0 {
		for i, x := range old.links {
			if w, some := x.without(now.links, i); some {
				a.giveWay(a.crowds.links[cableOf(x.on)], w)
				a.giveWay(&a.crowds.any, w)
			}
		}
	}
	if len(a.crowds.keys) > 0 {
		for i, x := range old.key {
			if w, some := x.without(now.key, i); some {
				a.giveWay(a.crowds.keys[x.on], w)
			}
		}
	}
	if len(a.crowds.projects) > 0 {
		for i, x := range old.project {
			if w, some := x.without(now.project, i); some {
				a.giveWay(a.crowds.projects[x.on], w)
			}
		}
	}
}

// without is the part of the claim's window in which the others, made by the same
// allocation, do not hold as much on the same thing, or a larger window. The one
// that is like it is most likely at index like.
func (x claim[K]) without(others []claim[K], like int) (rest Window, some bool) {
	if like < len(others) && others[like] == x {
		return Window{}, false
	}
	rest = x.window
	for _, o := range others {
		if o.on != x.on || o.rate < x.rate {
			continue
		}
		if o.window.Start <= rest.Start {
			rest.Start = max(rest.Start, o.window.End)
		}
		if o.window.End >= rest.End {
			rest.End = min(rest.End, o.window.Start)
		}
	}
	return rest, rest.Start < rest.End
}

// attend has an entry that is to become next looked at again when what keeps it
// from a better place gives way, if it can have one.
func (a *Allocator) attend(e *entry, next *record, block *obstacles) {
	if !next.placed(seconds(a.cfg.Now())) && block != nil {
		a.wait(e, a.complete(block, next))
	}
}

// placed reports whether the allocation has the place that it keeps, as long as
// the network is as it is.
func (r *record) placed(now int64) bool { return len(r.Path) > 0 && !r.movable(now) }
