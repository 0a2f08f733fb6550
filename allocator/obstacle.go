package allocator

import (
	"slices"

	"conga/controller/path"
	"conga/controller/topology"
)

// obstacles are what stood in the way of a better window or path when one was
// sought. As long as none of them gives way, there can be no better one: time
// alone makes none.
type obstacles struct {
	links   []topology.LinkID // cables without room
	keys    []path.FlowKey    // traffic that others have reserved
	project string            // whose limit is exhausted
	sides   []path.Prefix     // hosts and prefixes whose port is not known, or could be another
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
		o.anyLink()
		return
	}
	o.links = append(o.links, id)
}

// anyLink notes that any link may have been in the way.
func (o *obstacles) anyLink() {
	if o != nil {
		o.links, o.many = nil, true
	}
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

// waitList is the set of items that wait for one obstacle to give way.
type waitList struct {
	itemSet
	on     any    // the obstacle: a link, traffic, a project, or a host or prefix; nil: any of many
	forget func() // takes it off the index
	dirty  bool   // something has given way since the members were queued
	freed  Window // the hull of what has
}

// waitLists is the index of waiting items by what they wait for.
type waitLists struct {
	links    map[topology.LinkID]*waitList
	keys     map[path.FlowKey]*waitList
	projects map[string]*waitList
	sides    map[path.Prefix]*waitList
	wiring   waitList
	any      waitList // any link
}

func newWaitLists() waitLists {
	return waitLists{
		links: map[topology.LinkID]*waitList{}, keys: map[path.FlowKey]*waitList{},
		projects: map[string]*waitList{}, sides: map[path.Prefix]*waitList{},
		wiring: waitList{forget: func() {}}, any: waitList{forget: func() {}},
	}
}

// lists returns a list for each of the obstacles that time may remove, on which
// nothing waits.
func (o *obstacles) lists() (all []*waitList) {
	if o == nil {
		return nil
	}
	for _, id := range o.links {
		all = append(all, &waitList{on: id})
	}
	for _, k := range o.keys {
		all = append(all, &waitList{on: k})
	}
	if o.project != "" {
		all = append(all, &waitList{on: o.project})
	}
	return all
}

// waitListOf returns the list of what waits for an obstacle, which is made if
// there is none.
func waitListOf[K comparable](m map[K]*waitList, k K) *waitList {
	c := m[k]
	if c == nil {
		c = &waitList{on: k, forget: func() { delete(m, k) }}
		m[k] = c
	}
	return c
}

// awaitLocked has the item looked at again when one of the obstacles gives way,
// and not when others do.
func (a *Allocator) awaitLocked(it *item, o *obstacles) {
	before := it.waitsFor
	now := make([]*waitList, 0, len(o.links)+len(o.keys)+len(o.sides)+3)
	for _, id := range o.links {
		now = append(now, waitListOf(a.waiting.links, id))
	}
	for _, k := range o.keys {
		now = append(now, waitListOf(a.waiting.keys, k))
	}
	if o.project != "" {
		now = append(now, waitListOf(a.waiting.projects, o.project))
	}
	for _, side := range o.sides {
		now = append(now, waitListOf(a.waiting.sides, side))
		a.prefixes.Note(side)
	}
	if o.wiring {
		now = append(now, &a.waiting.wiring)
	}
	if o.many {
		now = append(now, &a.waiting.any)
	}
	for _, c := range now {
		if !slices.Contains(before, c) {
			c.add(it)
		}
	}
	it.own().waitsFor = now
	for _, c := range before {
		if !slices.Contains(now, c) {
			c.dropOne()
		}
	}
}

// stopWaitingLocked takes an item that waits for nothing any more off the
// index.
func (a *Allocator) stopWaitingLocked(it *item) {
	before := it.waitsFor
	if len(before) == 0 {
		return
	}
	it.own().waitsFor = nil
	for _, c := range before {
		c.dropOne()
	}
}

func (c *waitList) belongs(it *item) bool { return slices.Contains(it.waitsFor, c) }

func (c *waitList) dropOne() {
	if c.drop(c.belongs); c.size == 0 {
		c.forget()
	}
}

// giveWayLocked has the items of a list looked at that can profit from what was
// freed during a window.
func (a *Allocator) giveWayLocked(c *waitList, freed Window) {
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

// LimitsChanged tells the allocator that [Config.Limits] may answer differently
// from now on. What waits for a project's limit is looked at again.
func (a *Allocator) LimitsChanged() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.spareChangedLocked()
	for _, c := range a.waiting.projects {
		a.giveWayLocked(c, always)
	}
}

// always is a window from which everything that waits can profit.
var always = Window{0, never}

// queueFreedLocked queues the items of the lists whose obstacles have given
// way.
func (a *Allocator) queueFreedLocked() {
	if len(a.plan.dirty) == 0 {
		return
	}
	dirty, now := a.plan.dirty, a.now()
	a.plan.dirty = nil
	for _, c := range dirty {
		c.dirty = false
		for _, it := range c.list {
			if c.belongs(it) && it.profits(c.freed, now) {
				a.lookLocked(it)
			}
		}
	}
}

// profits reports whether an item can have a better window or path because of
// something that was freed. A planned window only moves to an earlier one; an
// item that has no window, or has started, may fit wherever others have left.
func (it *item) profits(freed Window, now Seconds) bool {
	if it.started || it.window() == (Window{}) {
		return true
	}
	return freed.Overlaps(Window{now, it.window().End})
}

// releasedLocked has those items looked at that can profit when one item's
// reservations become others.
func (a *Allocator) releasedLocked(old, now reservations) {
	for i, x := range old.links {
		if w, some := x.without(now.links, i); some {
			a.giveWayLocked(a.waiting.links[cableOf(x.on.id)], w)
			a.giveWayLocked(&a.waiting.any, w)
		}
	}
	for i, x := range old.key {
		if w, some := x.without(now.key, i); some {
			a.giveWayLocked(a.waiting.keys[x.on.FlowKey], w)
		}
	}
	for i, x := range old.project {
		if w, some := x.without(now.project, i); some {
			a.giveWayLocked(a.waiting.projects[x.on], w)
		}
	}
}

// without returns the part of the reservation's window in which the others, of
// the same allocation, do not hold as much on the same thing, or a larger
// window; some is false if there is no such part. The one that is like it is
// most likely at index like.
func (x reservation[K]) without(others []reservation[K], like int) (rest Window, some bool) {
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

// awaitBetterLocked has an item that is to become next looked at again when
// what keeps it from a better window gives way, if it can have one.
func (a *Allocator) awaitBetterLocked(it *item, next *record, block *obstacles) {
	if !next.placed(a.now()) && block != nil {
		a.awaitLocked(it, a.completeLocked(block, next))
	}
}

// placed reports whether the allocation keeps its window and path as long as
// the network is as it is.
func (r *record) placed(now Seconds) bool {
	return len(r.Path) > 0 && r.life().placed(now)
}

func (l life) placed(now Seconds) bool {
	return l.best(now) && !l.missed(now) || !l.started && l.start != 0
}

// best reports whether the window cannot become a better one as time is now:
// where CONGA picks the rate, a higher one may end it sooner until it starts.
func (l life) best(now Seconds) bool {
	return l.window.Start <= now || l.window.Start <= l.earliest && !l.picks
}
