package allocator

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"sync"

	"conga/allocator/store"
	"conga/controller/topology"
)

// index makes the indexes and calendars of all that was read. Those that have
// nothing in common are made at the same time.
func (l *loader) index() (err error) {
	var making sync.WaitGroup
	read := l.live
	making.Go(func() { l.identify(read) })
	l.makeLinkCalendars(&making)
	l.live = inOrder(read)
	making.Go(func() { err = l.enlistAll() })
	l.schedule()
	making.Wait()
	if err != nil {
		return err
	}
	l.makeProjectCalendars(&making)
	making.Wait()
	l.lookAtExceptions()
	return nil
}

// inOrder returns items in order of creation.
func inOrder(items []*item) []*item {
	type numbered struct { // to compare them needs no look at each
		seq   uint64
		entry *item
	}
	order := make([]numbered, len(items))
	for i, it := range items {
		order[i] = numbered{it.seq(), it}
	}
	slices.SortFunc(order, func(a, b numbered) int { return cmp.Compare(a.seq, b.seq) })
	sorted := make([]*item, len(items))
	for i, o := range order {
		sorted[i] = o.entry
	}
	return sorted
}

// identify makes the index of IDs and the calendar of keys.
func (l *loader) identify(items []*item) {
	l.byID = make(map[ident]*item, len(items))
	for _, it := range items {
		l.byID[it.ident] = it
		if w := it.window(); w != (Window{}) {
			l.calendars.keys.add(reservation[ownedKey]{it.ownedKey(), w, 1})
		}
	}
}

// enlistAll puts everything on the lists. The error names two records with one
// handle or one number, if there are any.
func (l *loader) enlistAll() error {
	for i, it := range l.live {
		if i > 0 && l.live[i-1].seq() == it.seq() {
			return sameNumber(l.live[i-1].id(), it.id(), "number", it.seq())
		}
		l.enlistLocked(it)
		l.calendars.active[it.project()]++
		if it.rare.constraints.DisjointFrom != "" {
			l.registerLocked(it)
		}
	}
	for _, it := range l.live {
		if uint64(it.handle) == it.seq()&math.MaxUint32 {
			continue
		}
		other := l.handles[it.handle]
		for seq := uint64(it.handle); other == nil && seq <= l.seq; seq += 1 << 32 {
			if twin := l.all.get(seq); twin != nil && twin.handle == it.handle {
				other = twin
			}
		}
		if other != nil {
			return sameNumber(other.id(), it.id(), "handle", uint64(it.handle))
		}
		l.handles[it.handle] = it
	}
	return nil
}

// sameNumber returns the error of two records of which one must be damaged.
func sameNumber(one, other, what string, n uint64) error {
	return store.Unreadable(store.Allocations, other, fmt.Errorf("it has the same %s %d as %q", what, n, one))
}

// schedule puts everything on the agenda, and has looked at what needs a path
// or a window, or whose hosts are elsewhere.
func (l *loader) schedule() {
	for _, it := range l.live {
		if astray := it.indexed && l.locateEndsLocked(it); astray || !it.placed(l.now) {
			l.lookLocked(it)
		}
		l.rescheduleLocked(it)
	}
}

// lookAtExceptions has looked at what uses a cable that is not sound.
func (l *loader) lookAtExceptions() {
	for _, c := range l.cables.byID {
		l.measureLocked(c)
		if c.state != sound {
			for _, it := range c.list { // none has left it yet
				l.lookLocked(it)
			}
		}
	}
}

// makeLinkCalendars makes the index of what uses each cable, and the calendars
// of cables.
func (l *loader) makeLinkCalendars(making *sync.WaitGroup) {
	for _, r := range l.readers {
		for id := range r.users {
			l.cables.obtain(id, l.seen)
		}
	}
	makeCalendars(making, l.calendars.links.calendar, slices.Collect(maps.Keys(l.cables.byID)), func(id topology.LinkID) iter.Seq[*item] {
		var parts [][]*item
		for _, r := range l.readers {
			if p := r.users[id]; p != nil {
				parts = append(parts, *p...)
			}
		}
		c := l.cables.byID[id]
		c.list = slices.Concat(parts...)
		c.size = len(c.list)
		return slices.Values(c.list)
	})
}

// makeProjectCalendars makes the calendars of projects.
func (l *loader) makeProjectCalendars(making *sync.WaitGroup) {
	makeCalendars(making, l.calendars.projects, slices.Collect(maps.Keys(l.projects)), func(project string) iter.Seq[*item] {
		return l.projects[project].after(0)
	})
}

// makeCalendars makes a calendar of what the committed states of items reserve;
// users returns the items that use one of its things.
func makeCalendars[K comparable](making *sync.WaitGroup, c calendar[K], things []K, users func(K) iter.Seq[*item]) {
	var mu sync.Mutex // guards c
	inParallel(making, len(things), func(mine iter.Seq[int]) {
		var changes, spare []change
		for i := range mine {
			changes = appendChanges(changes[:0], users(things[i]))
			spare = slices.Grow(spare[:0], len(changes))[:len(changes)]
			sortChanges(changes, spare)
			var line timeline
			if line.build(changes); len(line.blocks) > 0 {
				mu.Lock()
				c[things[i]] = &line
				mu.Unlock()
			}
		}
	})
}

// appendChanges appends what the committed states of items reserve over time.
func appendChanges(changes []change, entries iter.Seq[*item]) []change {
	for it := range entries {
		if w, rate := it.window(), int64(it.bandwidth); rate > 0 && w.Start < w.End {
			changes = append(changes, change{w.Start, rate}, change{w.End, -rate})
		}
	}
	return changes
}
