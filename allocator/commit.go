package allocator

import (
	"context"

	"conga/allocator/store"
)

// newItemLocked returns an item that is on no list yet, with an ID and a handle
// of its own; nil if NewID keeps returning IDs that are taken.
func (a *Allocator) newItemLocked() *item {
	var r record
	for range 8 {
		if id := a.cfg.NewID(); id != "" && a.findLocked(id) == nil {
			r.ID = id
			break
		}
	}
	if r.ID == "" {
		return nil
	}
	for { // handles of finished allocations come around after 2^32
		a.seq++
		if h := uint32(a.seq); h != 0 && !a.takenLocked(h) {
			r.Seq, r.Handle = a.seq, h
			break
		}
	}
	it := a.none.newItem()
	it.pack(&r)
	a.byID[it.ident] = it
	return it
}

// findLocked returns the item with an ID; nil if there is none.
func (a *Allocator) findLocked(id string) *item {
	i, _ := identOf(id)
	return a.byID[i]
}

// takenLocked reports whether an allocation has the handle. A handle is the low
// half of a sequence number, except for the items in handles.
func (a *Allocator) takenLocked(handle uint32) bool {
	if a.handles[handle] != nil {
		return true
	}
	for seq := uint64(handle); seq < a.seq; seq += 1 << 32 {
		if a.all.get(seq) != nil {
			return true
		}
	}
	return false
}

// restorable reports whether the circuit's flow entries are to stay over a
// restart.
func (it *item) restorable(now Seconds) bool {
	return it.live() && it.started && it.hasPath() && now < it.window().End
}

// enlistLocked puts a visible item that is not complete on the lists.
func (a *Allocator) enlistLocked(it *item) {
	a.all.add(it)
	a.joinLocked(it, it.project())
	a.joinSeriesLocked(it)
}

func (a *Allocator) joinLocked(it *item, project string) {
	r := a.projects[project]
	if r == nil {
		r = &itemList{}
		a.projects[project] = r
	}
	r.add(it)
}

// leaveLocked takes an item off the list of a project.
func (a *Allocator) leaveLocked(it *item, project string, was State) {
	if r := a.projects[project]; r != nil {
		if r.remove(it, was); r.size == 0 {
			delete(a.projects, project)
		}
	}
}

// historicItem returns an item for a record of the history that is to be
// removed.
func (a *Allocator) historicItem(r *record) *item {
	it := a.none.newItem()
	it.pack(r)
	it.exists, it.historic = true, true
	return it
}

// whenIdle finds a visible allocation, waits until no change of it is under
// way, and calls f under the lock. For a complete allocation it makes an item,
// which others see once a change of it begins. The error is f's, or NotFound,
// or Internal if ctx ends first or the store fails.
func (a *Allocator) whenIdle(ctx context.Context, id string, f func(*item) *Error) *Error {
	var from aged // the record of a complete allocation, if it was read
	for {
		if err := ctx.Err(); err != nil {
			return &Error{Kind: Internal, Err: err}
		}
		busy, done, err := a.ifIdle(id, &from, f)
		if done {
			return err
		}
		if busy != nil {
			select {
			case <-busy:
			case <-ctx.Done():
			}
			continue
		}
		r, err := a.readByID(ctx, id)
		switch {
		case err != nil:
			return err
		case r == nil:
			return notFound(id)
		}
		from.records = []*record{r}
	}
}

// ifIdle does one step of whenIdle. If it is not done, the caller waits for
// busy. If that is nil, the caller reads the record from the history; it counts
// if the history has then lost no more than from says.
func (a *Allocator) ifIdle(id string, from *aged, f func(*item) *Error) (busy <-chan struct{}, done bool, _ *Error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	it := a.findLocked(id)
	switch {
	case it.past():
	case !it.visible():
		return nil, true, notFound(id)
	case it.busy != nil:
		return it.busy, false, nil
	default:
		return nil, true, f(it)
	}
	switch {
	case len(from.records) > 0 && a.lost == from.lost:
		return nil, true, f(a.historicItem(from.records[0]))
	}
	*from = aged{lost: a.lost} // it may have been deleted since it was read
	return nil, false, nil
}

// moves reports whether a begun change moves the item into or out of the
// history.
func (it *item) moves() bool {
	return it.historic || it.next != nil && it.next.State == Complete
}

// beginLocked starts a change: next is to become the item's state, nil deletes
// it. From here on the calendars hold the old state and the new one.
func (a *Allocator) beginLocked(it *item, next *record) {
	if next != nil && !renews(it.record(), next) {
		a.revision++
		next.Revision = a.revision
	}
	if next != nil && next.State == Complete {
		next.Done = a.now()
	}
	if next != nil && (len(next.Path) > 0 || next.State == Complete) {
		next.Lost = nil
	}
	it.pin()
	a.advanceLocked(it, next)
	x := it.own()
	x.next, x.busy, x.asOf = next, make(chan struct{}), a.plan.observed
	if it.historic {
		x.hides, a.byID[it.ident] = a.byID[it.ident], it
	}
	if it.moves() {
		a.moving++
		a.moves++
	}
	if !it.keeps(it.record(), next) {
		a.reserveLocked(it)
	}
	a.rescheduleLocked(it)
}

// commit saves changes that have begun, all or none, and finishes them. It is
// called without the lock, so that commits under way at the same time can share
// one sync. A caller that gives up does not stop it: the outcome must be known.
func (a *Allocator) commit(items ...*item) *Error {
	if len(items) == 0 {
		return nil
	}
	return a.commitWith(nil, nil, items...)
}

// commitWith does what commit does, and saves other records with the changes.
// If err is not nil, they could not be made.
func (a *Allocator) commitWith(others []store.Op, err error, items ...*item) *Error {
	ops, failed := a.commitOps(items)
	if err == nil {
		err = failed
	}
	if err == nil {
		err = a.cfg.Store.Commit(context.Background(), append(others, ops...)...)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, it := range items {
		a.finishLocked(it, err == nil)
	}
	if err == nil {
		return nil
	}
	a.cfg.Log.Error("allocations could not be saved", "count", len(items), "err", err)
	return &Error{Kind: Internal, Err: unsavedError{err}}
}

func (a *Allocator) commitOps(items []*item) ([]store.Op, error) {
	ops := make([]store.Op, 0, 2*len(items))
	for _, it := range items {
		// A begun item is changed by its own change alone, so this needs no
		// lock.
		changes, err := it.ops()
		if err != nil {
			return nil, err
		}
		along, err := a.alongside(it)
		if err != nil {
			return nil, err
		}
		ops = append(append(ops, changes...), along...)
	}
	return ops, nil
}

// ops returns the operations on the store that make up a begun change.
func (it *item) ops() ([]store.Op, error) {
	op := store.Op{Bucket: store.Allocations, Key: it.id()}
	switch {
	case it.historic:
		return it.record().outOfHistory(), nil
	case it.next == nil:
		return []store.Op{op}, nil
	case it.next.State == Complete:
		archive, err := it.next.intoHistory()
		return append(archive, op), err
	}
	value, err := it.next.encode()
	op.Value = value
	return []store.Op{op}, err
}

// finishLocked makes a begun change the committed state, or takes it back.
func (a *Allocator) finishLocked(it *item, saved bool) {
	old, next := it.record(), it.next
	created := !it.exists
	if it.moves() {
		a.moving--
		a.moves++
	}
	x := it.own()
	close(x.busy)
	by, released := x.deletedBy, it.released
	x.next, x.along, x.busy, x.deletedBy = nil, nil, nil, ""
	switch {
	case saved && (next == nil || released):
		it.deleted = true
		a.delistLocked(it)
		if released {
			a.completed.count(next.ProjectID, 1)
		}
	case saved:
		it.pack(next)
		it.exists = true
		a.relistLocked(it, old, created)
	case created:
		it.deleted = true // it never was
	}
	it.released = released && saved
	it.parked = false // what it waited for may be another thing now
	a.reindexLocked(it, old)
	if it.reserved != nil || !it.keeps(old, next) {
		a.reserveLocked(it)
	}
	if saved && x.asOf != a.plan.observed {
		a.remeasureLocked(it)
	}
	switch {
	case !saved:
	case it.quiet && a.cfg.Pruned != nil:
		a.cfg.Pruned(old.ID)
	case !it.quiet && (next == nil || created || !renews(old, next)):
		a.notifyLocked(it, next, by)
	}
	if it.historic || it.exists && it.state() == Complete || it.deleted && len(it.network) == 0 && !it.task {
		a.dropLocked(it)
		return
	}
	a.rescheduleLocked(it)
	it.slim()
	if it.missed || !saved || a.mayBeThreatenedLocked(it) || x.asOf != a.plan.observed {
		it.missed = false
		a.lookLocked(it) // what has happened meanwhile has passed over it
	}
}

// notifyLocked tells what a saved change has made of an item; next is nil if
// the user by has deleted it.
func (a *Allocator) notifyLocked(it *item, next *record, by string) {
	if a.cfg.Notify == nil {
		return
	}
	v := a.viewLocked(it)
	switch {
	case it.released:
		v = next.Allocation
	case next == nil:
		v.ChangedBy = by
	}
	a.cfg.Notify(v, next == nil)
}

// relistLocked moves an item between lists after a change.
func (a *Allocator) relistLocked(it *item, old *record, created bool) {
	switch {
	case created:
		a.enlistLocked(it)
		a.enrolLocked(it, true)
		return
	case it.state() == Complete:
		a.all.remove(it, old.State)
		a.leaveLocked(it, old.ProjectID, old.State)
		a.leaveSeriesLocked(it, old.State)
		a.enrolLocked(it, false)
		a.completed.count(it.project(), 1)
		return
	}
	a.all.restate(it, old.State, it.state())
	if list := a.series[it.rare.series]; list != nil {
		list.restate(it, old.State, it.state())
	}
	if old.ProjectID != it.project() {
		a.leaveLocked(it, old.ProjectID, old.State)
		a.joinLocked(it, it.project())
	} else {
		a.projects[it.project()].restate(it, old.State, it.state())
	}
}

// delistLocked takes a deleted item off the lists.
func (a *Allocator) delistLocked(it *item) {
	if it.historic {
		a.completed.count(it.project(), -1)
		a.lost++
		return
	}
	a.handles[it.handle] = it // until its circuits are out
	a.all.remove(it, it.state())
	a.leaveLocked(it, it.project(), it.state())
	a.leaveSeriesLocked(it, it.state())
	a.enrolLocked(it, false)
}

// dropLocked removes an item from everything that the allocator keeps.
func (a *Allocator) dropLocked(it *item) {
	a.agenda.put(it, neverNanos)
	delete(a.failed, it)
	delete(a.staged, it)
	a.expiring.put(it, neverNanos)
	a.departLocked(it, nil)
	switch found := a.byID[it.ident]; {
	case found == it && it.hides != nil:
		a.byID[it.ident] = it.hides
	case found == it:
		delete(a.byID, it.ident)
	case found != nil && found.hides == it: // it is being taken out of the history, too
		found.own().hides = nil
	}
	if a.handles[it.handle] == it {
		delete(a.handles, it.handle)
	}
}

// signal wakes the scheduler.
func (a *Allocator) signal() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// Wake has a token when something may be due earlier than Due has said, or Plan
// has something to do. It has one reader, the scheduler.
func (a *Allocator) Wake() <-chan struct{} { return a.wake }
