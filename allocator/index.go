package allocator

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"sync"

	"conga/controller/path"
	"conga/controller/topology"
)

// index makes the indexes and calendars of all that was read. Those that have nothing
// in common are made at the same time.
func (l *loader) index() (err error) {
	var making sync.WaitGroup
	read := l.live
	making.Go(func() { l.identify(read) })
	l.drawCables(&making)
	l.live = inOrder(read)
	making.Go(func() { err = l.list() })
	l.file()
	making.Wait()
	if err != nil {
		return err
	}
	l.drawProjects(&making)
	making.Wait()
	l.amend()
	return nil
}

// inOrder are entries in order of creation.
func inOrder(entries []*entry) []*entry {
	type numbered struct { // to compare them needs no look at each
		seq   uint64
		entry *entry
	}
	order := make([]numbered, len(entries))
	for i, e := range entries {
		order[i] = numbered{e.seq(), e}
	}
	slices.SortFunc(order, func(a, b numbered) int { return cmp.Compare(a.seq, b.seq) })
	sorted := make([]*entry, len(entries))
	for i, o := range order {
		sorted[i] = o.entry
	}
	return sorted
}

// identify makes the index of IDs and that of claimed traffic.
func (l *loader) identify(entries []*entry) {
	l.byID = make(map[ident]*entry, len(entries))
	for _, e := range entries {
		l.byID[e.ident] = e
		if w := e.window(); w != (Window{}) {
			l.books.keys.add(claim[path.FlowKey]{canonical(e.key()), w, 1})
		}
	}
}

// list puts everything on the lists. The error names two records with one handle or one
// number, if there are any.
func (l *loader) list() error {
	for i, e := range l.live {
		if i > 0 && l.live[i-1].seq() == e.seq() {
			return fmt.Errorf("allocator: records %q and %q have the same handle %d, or the same number %d",
				l.live[i-1].id(), e.id(), e.handle, e.seq())
		}
		l.enlist(e)
		l.books.places[e.project()]++
	}
	for _, e := range l.live {
		if uint64(e.handle) == e.seq()&math.MaxUint32 {
			continue
		}
		other := l.handles[e.handle]
		for seq := uint64(e.handle); other == nil && seq <= l.seq; seq += 1 << 32 {
			if twin := l.all.get(seq); twin != nil && twin.handle == e.handle {
				other = twin
			}
		}
		if other != nil {
			return fmt.Errorf("allocator: records %q and %q have the same handle %d", other.id(), e.id(), e.handle)
		}
		l.handles[e.handle] = e
	}
	return nil
}

// file puts everything on the agenda, and has looked at what has no place or whose hosts
// are elsewhere.
func (l *loader) file() {
	for _, e := range l.live {
		if astray := e.tied && l.locateEnds(e); astray || !e.placed(l.now) {
			l.look(e)
		}
		l.reschedule(e)
	}
}

// amend has looked at what uses a cable that is not sound, and enters what the network
// holds beside what is committed.
func (l *loader) amend() {
	for _, c := range l.cables.byID {
		if c.state != sound {
			for _, e := range c.list { // none has left it yet
				l.look(e)
			}
		}
	}
	for _, e := range l.live {
		if len(e.network) > 0 {
			l.rehold(e)
		}
	}
}

// drawCables makes the index of what uses each cable, and the calendars of cables.
func (l *loader) drawCables(making *sync.WaitGroup) {
	for _, r := range l.readers {
		for id := range r.users {
			l.cables.lay(id, l.seen)
		}
	}
	draw(making, l.books.links.calendar, slices.Collect(maps.Keys(l.cables.byID)), func(id topology.LinkID) iter.Seq[*entry] {
		var parts [][]*entry
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

// drawProjects makes the calendars of projects.
func (l *loader) drawProjects(making *sync.WaitGroup) {
	draw(making, l.books.projects, slices.Collect(maps.Keys(l.projects)), func(project string) iter.Seq[*entry] {
		return l.projects[project].after(0)
	})
}

// draw makes a calendar of what the committed states of those entries claim that each of
// its things is used by.
func draw[K comparable](making *sync.WaitGroup, c calendar[K], things []K, users func(K) iter.Seq[*entry]) {
	var mu sync.Mutex // guards c
	deal(making, len(things), func(mine iter.Seq[int]) {
		var changes, spare []change
		for i := range mine {
			changes = appendClaims(changes[:0], users(things[i]))
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

// appendClaims appends what the committed states of entries claim over time.
func appendClaims(changes []change, entries iter.Seq[*entry]) []change {
	for e := range entries {
		if w, rate := e.window(), int64(e.bandwidth); rate > 0 && w.Start < w.End {
			changes = append(changes, change{w.Start, rate}, change{w.End, -rate})
		}
	}
	return changes
}
