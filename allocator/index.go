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
	"conga/bitrate"
	"conga/controller/path"
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
	l.takeScavengers()
	l.lookAtExceptions()
	return nil
}

// takeScavengers lists scavengers, once nothing else is made, and enters what
// they have into their calendars.
func (l *loader) takeScavengers() {
	for _, it := range l.live {
		if it.scavenges() {
			l.enrolLocked(it, true)
			l.calendars.add(it.reservations())
		}
	}
}

// inOrder returns items in order of creation.
func inOrder(items []*item) []*item {
	type numbered struct { // to compare them needs no look at each
		seq  uint64
		item *item
	}
	order := make([]numbered, len(items))
	for i, it := range items {
		order[i] = numbered{it.seq(), it}
	}
	slices.SortFunc(order, func(a, b numbered) int { return cmp.Compare(a.seq, b.seq) })
	sorted := make([]*item, len(items))
	for i, o := range order {
		sorted[i] = o.item
	}
	return sorted
}

// identify makes the index of IDs and the calendar of keys.
func (l *loader) identify(items []*item) {
	l.byID = make(map[ident]*item, len(items))
	for _, it := range items {
		l.byID[it.ident] = it
		if w := it.window(); !it.scavenges() && w != (Window{}) {
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
		if !it.scavenges() {
			l.calendars.active[it.project()]++
		}
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
	makeCalendars(making, slices.Collect(maps.Keys(l.cables.byID)), func(id topology.LinkID, m *maker) func() {
		var parts [][]*item
		for _, r := range l.readers {
			if p := r.users[id]; p != nil {
				parts = append(parts, *p...)
			}
		}
		c := l.cables.byID[id]
		c.list = slices.Concat(parts...)
		c.size = len(c.list)
		made := m.road(id, c.list)
		if len(made.forth.blocks) == 0 && made.back == nil {
			return nil
		}
		return func() { l.calendars.links[id] = made }
	})
}

// road returns what the committed states of items reserve of a cable.
func (m *maker) road(id topology.LinkID, users []*item) *road {
	r := &road{}
	for _, it := range users {
		r.oneWay += it.oneWay(id)
	}
	rate := func(way int) func(*item, bitrate.Rate) bitrate.Rate {
		return func(it *item, rate bitrate.Rate) bitrate.Rate { return it.ratesOn(id, rate)[way] }
	}
	r.forth = m.line(slices.Values(users), rate(0))
	if r.oneWay > 0 {
		back := m.line(slices.Values(users), rate(1))
		r.back = &back
	}
	return r
}

// oneWay returns how many reservations an item has on one direction of a cable.
func (it *item) oneWay(id topology.LinkID) (n int) {
	if !it.rare.reverse.Apart || it.window().empty() {
		return 0
	}
	r := it.record()
	for _, x := range linkReservations(path.LinksOf(r.Path, r.Backup), r.Steps(), r.Reverse) {
		if x.on.oneWay && cableOf(x.on.id) == id {
			n++
		}
	}
	return n
}

// makeProjectCalendars makes the calendars of projects.
func (l *loader) makeProjectCalendars(making *sync.WaitGroup) {
	makeCalendars(making, slices.Collect(maps.Keys(l.projects)), func(project string, m *maker) func() {
		line := m.line(l.projects[project].after(0), (*item).held)
		if len(line.blocks) == 0 {
			return nil
		}
		return func() { l.calendars.projects[project] = &line }
	})
}

// makeCalendars makes the calendars of things. What make returns, if anything,
// puts that of one where it belongs, one at a time.
func makeCalendars[K comparable](making *sync.WaitGroup, things []K, make func(K, *maker) (enter func())) {
	var mu sync.Mutex
	inParallel(making, len(things), func(mine iter.Seq[int]) {
		var m maker
		for i := range mine {
			if enter := make(things[i], &m); enter != nil {
				mu.Lock()
				enter()
				mu.Unlock()
			}
		}
	})
}

// maker makes timelines, one after the other.
type maker struct{ changes, spare []change }

// line returns what the committed states of items reserve over time, of which
// rate returns how much.
func (m *maker) line(users iter.Seq[*item], rate func(*item, bitrate.Rate) bitrate.Rate) (line timeline) {
	m.changes = m.changes[:0]
	hold := func(w Window, rate int64) {
		if rate > 0 && !w.empty() {
			m.changes = append(m.changes, change{w.Start, rate}, change{w.End, -rate})
		}
	}
	for it := range users {
		if it.scavenges() {
			continue
		}
		if len(it.profile) == 0 {
			hold(it.window(), int64(rate(it, it.bandwidth)))
			continue
		}
		for _, s := range it.steps() {
			hold(s.Window, int64(rate(it, s.Rate)))
		}
	}
	m.spare = slices.Grow(m.spare[:0], len(m.changes))[:len(m.changes)]
	sortChanges(m.changes, m.spare)
	line.build(m.changes)
	return line
}
