package allocator

import (
	"slices"
	"sort"
	"time"

	"conga/controller/path"
	"conga/controller/topology"
)

// DefaultDrainLead is what [Config.DrainLead] is if it is 0: switches have
// confirmed another path by then.
const DefaultDrainLead = time.Minute

// maxStages is how often one allocation is planned to move at most.
const maxStages = 32

// lead returns the configured DrainLead in seconds, at least one.
func (a *Allocator) lead() Seconds { return max(1, Seconds(a.cfg.DrainLead/time.Second)) }

// A stage is a path that an allocation is to have in a part of its window that
// is to come. The first one begins when it leaves its path, and each begins
// when the one before ends. They are reserved, and not saved: they follow from
// what is.
type stage struct {
	window Window
	path   path.Path
	backup path.Path
}

// equal reports whether stages are the same.
func (l stage) equal(o stage) bool {
	return l.window == o.window && l.path.Equal(o.path) && l.backup.Equal(o.backup)
}

// links returns the links of the stage, each in one direction.
func (l *stage) links() []topology.LinkID { return path.LinksOf(l.path, l.backup) }

// rest returns what is left of the window for which a path is held.
func (r *record) rest(now Seconds) Window { return Window{max(now, r.Window.Start), r.limit()} }

// crossesLocked reports whether a path is closed in what is left of its window.
func (a *Allocator) crossesLocked(c *record, now Seconds) bool {
	if !a.calendars.room.some() || c.Window == (Window{}) {
		return false
	}
	_, crosses := a.calendars.room.first(path.LinksOf(c.Path, c.Backup), c.rest(now))
	return crosses
}

// threatenedLocked reports whether an allocation is to have other stages than
// it has, or it is time for the first of them.
func (a *Allocator) threatenedLocked(it *item, c *record, now Seconds) bool {
	room, rest := &a.calendars.room, c.rest(now)
	switch {
	case len(it.stages) == 0 && !room.some():
		return false
	case len(c.Path) == 0, c.State == Complete, c.scavenges(), rest.empty():
		return false
	case len(it.stages) == 0:
		return a.crossesLocked(c, now)
	case it.stages[0].window.Start <= now, it.stages[len(it.stages)-1].window.End < rest.End, !a.crossesLocked(c, now):
		return true
	}
	if room.closedIn(path.LinksOf(c.Path, c.Backup), Window{rest.Start, it.stages[0].window.Start}) {
		return true
	}
	return slices.ContainsFunc(it.stages, func(l stage) bool { return room.closedIn(l.links(), l.window) })
}

// mayBeThreatenedLocked reports whether an item is to be looked at after a
// change, since it may be threatened.
func (a *Allocator) mayBeThreatenedLocked(it *item) bool {
	return (a.calendars.room.some() || len(it.stages) > 0) && a.threatenedLocked(it, it.record(), a.now())
}

// closedIn reports whether one of some links is closed in part of a window.
func (c *closures) closedIn(links []topology.LinkID, w Window) bool {
	_, ok := c.first(links, w)
	return ok
}

// evadeLocked plans how an allocation whose path is to be closed leaves it
// before that: by stages, which it reserves. It returns the state with the
// first of them if it is time for it, else nil. If nothing leads beside the
// closure it has no stages, and stays on its path.
func (a *Allocator) evadeLocked(it *item, c *record, now Seconds, block *obstacles) *record {
	room, rest := &a.calendars.room, c.rest(now)
	first, crosses := room.first(path.LinksOf(c.Path, c.Backup), rest)
	if !crosses {
		a.setStagesLocked(it, nil)
		return nil
	}
	start := max(rest.Start, first.Start-a.lead())
	stages, whole := a.stagesLocked(it, c, Window{start, rest.End}, block)
	if !whole {
		a.setStagesLocked(it, nil)
		return nil
	}
	if start > now {
		a.setStagesLocked(it, stages)
		return nil
	}
	it.own().stages = stages // the first of them is taken when the change begins
	a.staged[it] = true
	next := *c
	next.Path, next.Backup, next.Swapped = stages[0].path, stages[0].backup, false
	if next.Reason = ""; c.Started {
		next.Reason = movingFor(room.why(path.LinksOf(c.Path, c.Backup), rest))
	}
	return &next
}

// evadeInTimeLocked does what evadeLocked does for an allocation that has
// started and has a path that works. settled is false if something else is
// wrong with it.
func (a *Allocator) evadeInTimeLocked(it *item, c *record, now Seconds, block *obstacles) (next *record, settled bool) {
	if !a.threatenedLocked(it, c, now) || it.displaced || !a.worksLocked(c.Key, c.Path) {
		return nil, false
	}
	next = a.evadeLocked(it, c, now, block)
	return next, next != nil || !a.bareLocked(c) && !a.revertsLocked(it, c) && !a.onlyStrayLocked(c)
}

// whileOpenLocked returns the state of an allocation that has lost its path, on
// one that will be closed before the end of its window, as the last resort; nil
// if there is none.
func (a *Allocator) whileOpenLocked(it *item, c *record, rest Window, block *obstacles) *record {
	if !a.calendars.room.some() || c.Volume != 0 && c.State != Active {
		return nil
	}
	stages, _ := a.stagesLocked(it, c, rest, block)
	if len(stages) == 0 {
		return nil
	}
	it.own().stages = stages
	a.staged[it] = true
	next := *c
	next.Path, next.Backup, next.Swapped = stages[0].path, stages[0].backup, false
	return &next
}

// stagesLocked returns the stages by which an allocation comes through a
// window, each as long as there is a path that is not closed. whole is false if
// they end before the window does. The ones that it has are kept if they will
// do.
func (a *Allocator) stagesLocked(it *item, c *record, w Window, block *obstacles) (stages []stage, whole bool) {
	from, to, _, unknown := c.locate(a.seen)
	if unknown != "" {
		return nil, false
	}
	pl := a.plannerLocked()
	pl.obstacles, pl.own = block, it.reservations().links
	f := stageFinder{a, it, c, pl, demand{Request: c.Request, from: from, to: to}, w.End}
	if had := f.kept(w); len(had) > 0 {
		return had, true
	}
	for t := w.Start; t < w.End && len(stages) < maxStages; {
		next, ok := f.next(Window{t, w.End})
		if !ok {
			return stages, false
		}
		stages, t = append(stages, next), next.window.End
	}
	return stages, stages[len(stages)-1].window.End == w.End
}

// A stageFinder looks for the stages of one allocation. A path that is taken
// for a stage is held until the end, since what is to come after it may not, so
// there must be room for it as long.
type stageFinder struct {
	*Allocator
	item   *item
	record *record
	pl     planner
	demand demand
	end    Seconds // of all stages
}

// kept returns the stages that the allocation has, for a window, if they will
// do; else nil.
func (f *stageFinder) kept(w Window) []stage {
	had := f.item.stages
	if len(had) == 0 || had[0].window.Start > w.Start || had[len(had)-1].window.End != w.End {
		return nil
	}
	stages := slices.Clone(had)
	stages[0].window.Start = w.Start
	for _, l := range stages {
		whole := (len(l.backup) > 0) == f.demand.Protected
		if _, alive := path.Alive(f.seen, l.path); !alive || !whole || l.window.empty() || f.calendars.room.closedIn(l.links(), l.window) {
			return nil
		}
		pl, d := f.until(f.pl, l.window), f.in(l.window)
		if from, to := l.path.Ends(); from != f.demand.from || to != f.demand.to || !pl.fits(d, l.path, l.window) {
			return nil
		}
		if _, alive := path.Alive(f.seen, l.backup); len(l.backup) > 0 && (!alive || !pl.fits(d, l.backup, l.window)) {
			return nil
		}
	}
	return stages
}

// in returns the demand as it is in a window.
func (f *stageFinder) in(w Window) demand {
	if len(f.record.Profile) > 0 {
		return f.demand.inSteps(clipped(f.record.Steps(), w))
	}
	return f.demand
}

// until returns a planner that looks for what is held from a window on until
// the end.
func (f *stageFinder) until(pl planner, w Window) planner {
	if w.End < f.end {
		pl.after = clipped(f.record.Steps(), Window{w.End, f.end})
	}
	return pl
}

// next returns the stage from a window's start on: over all of it or, if no
// path is open for so long, as far as one is. It is left a while before it
// closes.
func (f *stageFinder) next(w Window) (stage, bool) {
	if l, ok := f.over(w); ok {
		return l, true
	}
	ends := f.calendars.room.starts(Window{w.Start + f.lead() + 1, w.End})
	n := sort.Search(len(ends), func(i int) bool { _, ok := f.over(Window{w.Start, ends[i]}); return !ok })
	if n == 0 {
		return stage{}, false
	}
	l, ok := f.over(Window{w.Start, ends[n-1]})
	if l.window.End = w.End; ok {
		if first, closes := f.calendars.room.first(l.links(), l.window); closes {
			l.window.End = first.Start - f.lead()
		}
	}
	return l, ok
}

// over returns the stage that has all of a window.
func (f *stageFinder) over(w Window) (stage, bool) {
	asked := f.in(w)
	for _, pl := range f.sparingLocked(f.pl, f.item) {
		pl, d := f.until(pl, w), asked
		if p, ok := pl.findAnyhow(&d, w); ok {
			return stage{w, p, pl.backup(d.Request, p, w)}, true
		}
	}
	return stage{}, false
}

// setStagesLocked reserves other stages for an item than it has, of which no
// change is under way.
func (a *Allocator) setStagesLocked(it *item, stages []stage) {
	if slices.EqualFunc(stages, it.stages, stage.equal) {
		return // to reserve them again would have what waits for their room look again, this item too
	}
	it.own().stages = stages
	if a.staged[it] = true; len(stages) == 0 {
		delete(a.staged, it)
	}
	a.reserveLocked(it)
	a.rescheduleLocked(it)
}

// advanceLocked takes in, when a change begins, that an item is to have its
// first stage's path, or something for which its stages were not made.
func (a *Allocator) advanceLocked(it *item, next *record) {
	switch {
	case len(it.stages) == 0 || next != nil && holdsSame(it.record(), next):
		return
	case next != nil && next.State != Complete && next.Path.Equal(it.stages[0].path) && next.Backup.Equal(it.stages[0].backup) && len(it.stages) > 1:
		it.own().stages = it.stages[1:]
	default:
		it.own().stages = nil
		delete(a.staged, it)
	}
}

// withStages returns reservations with what stages of a state take.
func (c *record) withStages(h reservations, stages []stage) reservations {
	for _, l := range stages {
		steps := clipped(c.Steps(), Window{l.window.Start, c.limit()}) // as long as its path is held then
		h = h.hull(reservations{links: linkReservations(l.links(), steps, c.Reverse)})
	}
	return h
}

// withdrawLocked returns the state of an allocation that has not started, and
// whose path is to be closed: on another path, if there is one for all of its
// window; with stages, so that it moves later; or, if it may, in another
// window. settled is false if something else is wrong with it. Where there is
// no way it stays as it is.
func (a *Allocator) withdrawLocked(it *item, c *record, now Seconds, block *obstacles) (next *record, settled bool) {
	if !a.crossesLocked(c, now) { // any more
		a.setStagesLocked(it, nil)
		return nil, false
	}
	a.withoutLocked(it, func() {
		pl := a.plannerLocked()
		pl.obstacles = block
		planners := a.sparingLocked(pl, it)
		if next = a.soonerLocked(planners[0], c, max(now, it.retrySecond())); next == nil {
			next = a.otherPathLocked(planners, c, now)
		}
	})
	if next != nil {
		return next, true
	}
	if a.faultyLocked(a.seen, c) || it.displaced {
		return nil, false
	}
	if next = a.evadeLocked(it, c, now, block); next != nil || len(it.stages) > 0 || !c.movable(now) {
		return next, true
	}
	a.withoutLocked(it, func() {
		pl := a.plannerLocked()
		pl.obstacles = block
		for _, pl := range a.sparingLocked(pl, it) {
			if next = a.replacedLocked(pl, c, max(now, it.retrySecond()), block); len(next.Path) > 0 {
				return
			}
			next = nil
		}
	})
	return unlessNone(c, next), true
}

// movesBy reports whether it is time for the first stage.
func (it *item) movesBy(now nanos) bool {
	return len(it.stages) > 0 && nanosOf(it.stages[0].window.Start) <= now
}
