package allocator

import (
	"fmt"
	"time"

	"conga/controller/path"
)

// revertAfter is how long the first path of what uses its backup has to be
// whole before it is used again.
const revertAfter = 10 * time.Second

// worksLocked reports whether a path can carry a circuit's traffic now.
func (a *Allocator) worksLocked(k path.FlowKey, p path.Path) bool {
	_, alive := path.Alive(a.seen, p)
	return alive && path.Elsewhere(a.seen, k, p) == ""
}

// bareLocked reports whether an allocation that has started should have another
// backup than it has: it has none, or not a whole one although it uses its
// first path. What uses its backup waits for the first path.
func (a *Allocator) bareLocked(c *record) bool {
	return c.Started && c.Protected && len(c.Path) > 0 && !c.Swapped && !a.worksLocked(c.Key, c.Backup)
}

// revertsLocked reports whether an allocation that uses its backup is to use
// its first path again: that has been whole for long enough. If it is whole for
// less, it is looked at again then.
func (a *Allocator) revertsLocked(it *item, c *record) bool {
	if !c.Swapped || len(c.Path) == 0 {
		return false
	}
	now := a.nowNanos()
	switch whole := a.worksLocked(c.Key, c.Backup); {
	case !whole && it.whole != 0:
		it.own().whole = 0
		a.rescheduleLocked(it)
	case whole && (it.whole == 0 || it.whole > now): // the clock may have been set
		it.own().whole = now
		a.rescheduleLocked(it)
	case whole:
		return now-it.whole >= nanos(revertAfter)
	}
	return false
}

// protectLocked returns the state of a protected allocation that has started
// after a fault of one of its paths, or the end of one: with the other path in
// use, or with another backup, for the rest of its window. settled is true if
// it needs nothing else; the state is nil if that is the one that it has.
func (a *Allocator) protectLocked(it *item, c *record, pl planner, rest Window) (next *record, settled bool) {
	if !c.Protected || len(c.Path) == 0 || it.displaced {
		return nil, false
	}
	now := *c
	works := a.worksLocked(c.Key, c.Path)
	now.Reason = movingFor("its first path has been whole for 10 s")
	if !works {
		now.Reason = movingFor(a.faultLocked(it, c, rest.Start))
	}
	switch {
	case !works && a.worksLocked(c.Key, c.Backup), works && a.revertsLocked(it, c):
		now.Path, now.Backup, now.Swapped = c.Backup, c.Path, !c.Swapped
		return &now, true
	case !works || a.onlyStrayLocked(c):
		return nil, false
	case a.bareLocked(c):
		if now.Backup = pl.backup(c.Request, c.Path, rest); now.Backup == nil || c.State != Active {
			return nil, true
		}
		now.Reason = movingFor("it gets a backup path")
		return &now, true
	}
	return nil, true
}

// findAnyhow returns a path as find does; where a protected demand finds none
// with a backup, any that there is: that is better than none.
func (pl planner) findAnyhow(d *demand, w Window) (path.Path, bool) {
	p, ok := pl.find(*d, w)
	if !ok && d.Protected {
		d.Protected = false
		p, ok = pl.find(*d, w)
	}
	return p, ok
}

// unprotectedLocked returns how an active allocation lacks protection, in words
// for the user; "" if it has what it asked for.
func (a *Allocator) unprotectedLocked(v *Allocation) string {
	if !v.Protected || v.State != Active {
		return ""
	}
	fault, alive := path.Alive(a.seen, v.Backup)
	switch {
	case v.Swapped && alive:
		return "uses its backup path until the first one has been whole for 10 s"
	case v.Swapped:
		return fmt.Sprintf("uses its backup path, since %s", fault)
	case len(v.Backup) == 0:
		return "has no backup path, since none is without a link in common with its path"
	case !alive:
		return fmt.Sprintf("its backup path is cut: %s", fault)
	}
	return ""
}
