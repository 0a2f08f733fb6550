package allocator

import (
	"context"
	"slices"

	"conga/allocator/store"
)

// newEntry returns an entry that is on no list yet, with an ID and a handle of its
// own. nil means that NewID keeps returning IDs that are taken.
func (a *Allocator) newEntry() *entry {
	var r record
	for range 8 {
		if id := a.cfg.NewID(); id != "" && a.find(id) == nil {
			r.ID = id
			break
		}
	}
	if r.ID == "" {
		return nil
	}
	for { // handles of finished allocations come around after 2^32
		a.seq++
		if h := uint32(a.seq); h != 0 && !a.taken(h) {
			r.Seq, r.Handle = a.seq, h
			break
		}
	}
	e := a.none.makeEntry()
	e.keep(&r)
	a.byID[e.ident] = e
	return e
}

// find is the entry with an ID; nil if there is none.
func (a *Allocator) find(id string) *entry {
	i, _ := identOf(id)
	return a.byID[i]
}

// taken reports whether an allocation has the handle. That is the low half of its
// sequence number, but for what is in handles.
func (a *Allocator) taken(handle uint32) bool {
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

// restorable reports whether the circuit's entries are to stay over a restart.
func (e *entry) restorable(now int64) bool {
	return e.live() && e.started && e.hasPath() && now < e.window().End
}

// enlist puts a visible entry that is not complete on the lists.
func (a *Allocator) enlist(e *entry) {
	a.all.add(e)
	a.join(e, e.project())
}

func (a *Allocator) join(e *entry, project string) {
	r := a.projects[project]
	if r == nil {
		r = &roll{}
		a.projects[project] = r
	}
	r.add(e)
}

// leave takes an entry off the list of a project.
func (a *Allocator) leave(e *entry, project string, was State) {
	if r := a.projects[project]; r != nil {
		if r.remove(e, was); r.size == 0 {
			delete(a.projects, project)
		}
	}
}

// pastEntry is an entry for a record of the history that is to be removed.
func (a *Allocator) pastEntry(r *record) *entry {
	e := a.none.makeEntry()
	e.keep(r)
	e.exists, e.past = true, true
	return e
}

// hold finds a visible entry, waits until no change of it is under way and
// returns with the lock held. With an error the lock is not held. For a complete
// allocation it makes an entry, which others see once a change of it begins.
func (a *Allocator) hold(ctx context.Context, id string) (*entry, *Error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, &Error{Kind: Internal, Err: err}
		}
		a.mu.Lock()
		e, lost := a.find(id), a.lost
		switch {
		case e != nil && !e.visible():
			a.mu.Unlock()
			return nil, notFound(id)
		case e != nil && e.busy == nil:
			return e, nil
		case e != nil:
			busy := e.busy
			a.mu.Unlock()
			select {
			case <-busy:
			case <-ctx.Done():
			}
			continue
		}
		a.mu.Unlock()
		r, err := a.lookUp(ctx, id)
		switch {
		case err != nil:
			return nil, err
		case r == nil:
			return nil, notFound(id)
		}
		a.mu.Lock()
		if a.find(id) == nil && a.lost == lost {
			return a.pastEntry(r), nil
		}
		a.mu.Unlock() // it may have been deleted since it was read
	}
}

// moves reports whether a begun change moves the entry into or out of the history.
func (e *entry) moves() bool {
	return e.past || e.next != nil && e.next.State == Complete
}

// begin starts a change: next is to become the entry's state, nil deletes it.
// The books hold old and new from here on. The lock is held.
func (a *Allocator) begin(e *entry, next *record) {
	if next != nil && !renews(e.record(), next) {
		a.revision++
		next.Revision = a.revision
	}
	if next != nil && next.State == Complete {
		next.Done = seconds(a.cfg.Now())
	}
	a.pin(e)
	x := e.own()
	x.next, x.busy, x.asOf = next, make(chan struct{}), a.plan.observed
	if e.past {
		a.byID[e.ident] = e
	}
	if e.moves() {
		a.moving++
		a.moves++
	}
	a.rehold(e)
	a.reschedule(e)
}

// commit saves the changes that have begun, all or none, and finishes them. It
// is called without the lock, so that commits under way at the same time can
// share one sync. A caller that gives up does not stop it: the outcome must be
// known.
func (a *Allocator) commit(entries ...*entry) *Error {
	if len(entries) == 0 {
		return nil
	}
	ops, err := a.commitOps(entries)
	if err == nil {
		err = a.cfg.Store.Commit(context.Background(), ops...)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range entries {
		a.finish(e, err == nil)
	}
	if err == nil {
		return nil
	}
	a.cfg.Log.Error("allocations could not be saved", "count", len(entries), "err", err)
	return &Error{Kind: Internal, Err: errInternal}
}

func (a *Allocator) commitOps(entries []*entry) ([]store.Op, error) {
	ops := make([]store.Op, 0, 2*len(entries))
	for _, e := range entries {
		// Begun entries are not changed by others, so this needs no lock.
		changes, err := e.ops()
		if err != nil {
			return nil, err
		}
		along, err := a.alongside(e)
		if err != nil {
			return nil, err
		}
		ops = append(append(ops, changes...), along...)
	}
	return ops, nil
}

// ops are the operations on the store that make up a begun change.
func (e *entry) ops() ([]store.Op, error) {
	op := store.Op{Bucket: store.Allocations, Key: e.id()}
	switch {
	case e.past:
		return e.record().forget(), nil
	case e.next == nil:
		return []store.Op{op}, nil
	case e.next.State == Complete:
		archive, err := e.next.archive()
		return append(archive, op), err
	}
	value, err := e.next.encode()
	op.Value = value
	return []store.Op{op}, err
}

// finish makes a begun change true, or takes it back.
func (a *Allocator) finish(e *entry, saved bool) {
	old, next := e.record(), e.next
	created := !e.exists
	if e.moves() {
		a.moving--
		a.moves++
	}
	x := e.own()
	close(x.busy)
	x.next, x.along, x.busy = nil, nil, nil
	switch {
	case saved && next == nil:
		e.gone = true
		a.delist(e)
	case saved:
		e.keep(next)
		e.exists = true
		a.relist(e, old, created)
	case created:
		e.gone = true // it never was
	}
	e.parked = false // what it waited for may be another thing now
	a.refile(e, old)
	a.rehold(e)
	if saved && a.cfg.Notify != nil && !e.quiet && (next == nil || created || !renews(old, next)) {
		a.cfg.Notify(e.view(), next == nil)
	}
	if saved && e.quiet && a.cfg.Pruned != nil {
		a.cfg.Pruned(old.ID)
	}
	if e.past || e.exists && e.state() == Complete || e.gone && len(e.network) == 0 && !e.task {
		a.drop(e)
		return
	}
	a.reschedule(e)
	e.slim()
	if e.missed || !saved || x.asOf != a.plan.observed {
		e.missed = false
		a.look(e) // what has happened meanwhile has passed over this entry
	}
}

// relist moves an entry between lists after a change.
func (a *Allocator) relist(e *entry, old *record, created bool) {
	switch {
	case created:
		a.enlist(e)
		return
	case e.state() == Complete:
		a.all.remove(e, old.State)
		a.leave(e, old.ProjectID, old.State)
		a.past.count(e.project(), 1)
		return
	}
	a.all.turn(e, old.State, e.state())
	if old.ProjectID != e.project() {
		a.leave(e, old.ProjectID, old.State)
		a.join(e, e.project())
	} else {
		a.projects[e.project()].turn(e, old.State, e.state())
	}
}

// delist takes a deleted entry off the lists.
func (a *Allocator) delist(e *entry) {
	if e.past {
		a.past.count(e.project(), -1)
		a.lost++
		return
	}
	a.handles[e.handle] = e // until its entries are out
	a.all.remove(e, e.state())
	a.leave(e, e.project(), e.state())
}

// drop forgets an entry altogether.
func (a *Allocator) drop(e *entry) {
	a.agenda.put(e, never)
	delete(a.failed, e)
	a.watched.put(e, never)
	a.depart(e, nil)
	delete(a.byID, e.ident)
	if a.handles[e.handle] == e {
		delete(a.handles, e.handle)
	}
}

// rehold brings the books in line with what the entry keeps from others now.
func (a *Allocator) rehold(e *entry) {
	old := e.holds()
	h, plain := e.holdings()
	changed := !same(old, h)
	switch {
	case plain && e.busy == nil:
		if e.held != nil {
			e.own().held = nil
		}
	case e.held == nil || changed:
		e.own().held = &h
	}
	if changed {
		a.books.replace(old, h)
		a.released(old, h)
	}
}

// pin writes down what the books have of an entry whose state is about to change.
func (a *Allocator) pin(e *entry) {
	if e.held == nil {
		h := e.holds()
		e.own().held = &h
	}
}

func same(a, b holding) bool {
	return slices.Equal(a.links, b.links) && slices.Equal(a.key, b.key) &&
		slices.Equal(a.project, b.project) && slices.Equal(a.projects, b.projects)
}

// without runs f while the entry's own holding is struck from the books, as it
// is when the entry's place is decided anew.
func (a *Allocator) without(e *entry, f func()) {
	held := e.holds()
	a.books.strike(held)
	f()
	a.books.enter(held)
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
