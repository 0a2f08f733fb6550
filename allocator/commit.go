package allocator

import (
	"context"
	"slices"

	"conga/allocator/store"
)

// newEntry makes an entry that nobody sees yet, with an ID and a handle of its
// own. nil means that NewID keeps returning IDs that are taken.
func (a *Allocator) newEntry() *entry {
	e := &entry{slot: -1}
	for range 8 {
		if id := a.cfg.NewID(); id != "" && a.byID[id] == nil {
			e.cur.ID = id
			break
		}
	}
	if e.cur.ID == "" {
		return nil
	}
	for { // handles of finished allocations come around after 2^32
		a.seq++
		if h := uint32(a.seq); h != 0 && a.handles[h] == nil {
			e.cur.Seq, e.cur.Handle = a.seq, h
			break
		}
	}
	a.byID[e.cur.ID], a.handles[e.cur.Handle] = e, e
	return e
}

// adopt takes in a record from the store.
func (a *Allocator) adopt(r *record) {
	e := &entry{cur: *r, exists: true, slot: -1}
	a.byID[r.ID], a.handles[r.Handle] = e, e
	a.seq, a.revision = max(a.seq, r.Seq), max(a.revision, r.Revision)
	a.enlist(e)
	if e.restorable(seconds(a.cfg.Now())) {
		// The network was told to hold it; whether it does is confirmed by
		// installing it once more.
		e.network = []installed{{r.Circuit(), r.Window}}
	}
	a.rehold(e)
	a.reschedule(e)
}

// restorable reports whether the circuit's entries are to stay over a restart.
func (e *entry) restorable(now int64) bool {
	return e.live() && e.cur.Started && len(e.cur.Path) > 0 && now < e.cur.Window.End
}

// enlist puts a visible entry that is not complete on the lists.
func (a *Allocator) enlist(e *entry) {
	a.all.add(e)
	a.join(e, e.cur.ProjectID)
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
func pastEntry(r *record) *entry { return &entry{cur: *r, exists: true, past: true, slot: -1} }

// hold finds a visible entry, waits until no change of it is under way and
// returns with the lock held. With an error the lock is not held. For a complete
// allocation it makes an entry, which others see once a change of it begins.
func (a *Allocator) hold(ctx context.Context, id string) (*entry, *Error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, &Error{Kind: Internal, Err: err}
		}
		a.mu.Lock()
		e, lost := a.byID[id], a.lost
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
		if a.byID[id] == nil && a.lost == lost {
			return pastEntry(r), nil
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
	if next != nil && !renews(&e.cur, next) {
		a.revision++
		next.Revision = a.revision
	}
	if next != nil && next.State == Complete {
		next.Done = seconds(a.cfg.Now())
	}
	e.next, e.busy, e.asOf = next, make(chan struct{}), a.plan.asked
	if e.past {
		a.byID[e.cur.ID] = e
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
	a.cfg.Logger.Error("allocations could not be saved", "count", len(entries), "error", err)
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
	op := store.Op{Bucket: store.Allocations, Key: e.cur.ID}
	switch {
	case e.past:
		return e.cur.forget(), nil
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
	old, next := e.cur, e.next
	created := !e.exists
	if e.moves() {
		a.moving--
		a.moves++
	}
	e.next, e.along = nil, nil
	close(e.busy)
	e.busy = nil
	switch {
	case saved && next == nil:
		e.gone = true
		a.delist(e)
	case saved:
		e.cur, e.exists = *next, true
		a.relist(e, &old, created)
	case created:
		e.gone = true // it never was
	}
	e.parked = false // what it waited for may be another thing now
	a.rehold(e)
	if saved && a.cfg.Notify != nil && !e.quiet && (next == nil || created || !renews(&old, next)) {
		a.cfg.Notify(e.view(), next == nil)
	}
	if saved && e.quiet && a.cfg.Pruned != nil {
		a.cfg.Pruned(old.ID)
	}
	if e.past || e.exists && e.cur.State == Complete || e.gone && len(e.network) == 0 && !e.task {
		a.drop(e)
		return
	}
	a.reschedule(e)
	if e.due < a.announced {
		a.signal()
	}
	if e.asOf != a.plan.asked {
		a.ask(nil) // what was asked for meanwhile has passed over this entry
	}
}

// relist moves an entry between lists after a change.
func (a *Allocator) relist(e *entry, old *record, created bool) {
	switch {
	case created:
		a.enlist(e)
		return
	case e.cur.State == Complete:
		a.all.remove(e, old.State)
		a.leave(e, old.ProjectID, old.State)
		a.past.count(e.cur.ProjectID, 1)
		return
	}
	a.all.turn(e, old.State, e.cur.State)
	if old.ProjectID != e.cur.ProjectID {
		a.leave(e, old.ProjectID, old.State)
		a.join(e, e.cur.ProjectID)
	} else {
		a.projects[e.cur.ProjectID].turn(e, old.State, e.cur.State)
	}
}

// delist takes a deleted entry off the lists.
func (a *Allocator) delist(e *entry) {
	if e.past {
		a.past.count(e.cur.ProjectID, -1)
		a.lost++
		return
	}
	a.all.remove(e, e.cur.State)
	a.leave(e, e.cur.ProjectID, e.cur.State)
}

// drop forgets an entry altogether.
func (a *Allocator) drop(e *entry) {
	a.agenda.put(e, never)
	delete(a.waiting, e)
	delete(a.watched, e)
	a.leaving.set(e, nil)
	delete(a.byID, e.cur.ID)
	if a.handles[e.cur.Handle] == e {
		delete(a.handles, e.cur.Handle)
	}
}

// rehold brings the books in line with what the entry keeps from others now.
func (a *Allocator) rehold(e *entry) {
	old, h := e.held, e.holdings()
	if same(old, h) {
		return
	}
	a.books.strike(old)
	a.books.enter(h)
	e.held = h
	if lacks(h.links, old.links) || lacks(h.key, old.key) || lacks(h.project, old.project) {
		a.ask(&a.plan.freed)
	}
}

func same(a, b holding) bool {
	return slices.Equal(a.links, b.links) && slices.Equal(a.key, b.key) &&
		slices.Equal(a.project, b.project) && slices.Equal(a.projects, b.projects)
}

// lacks reports whether something that was held no longer is, in that form.
func lacks[K comparable](now, old []claim[K]) bool {
	if slices.Equal(now, old) {
		return false
	}
	return slices.ContainsFunc(old, func(x claim[K]) bool { return !slices.Contains(now, x) })
}

// without runs f while the entry's own holding is struck from the books, as it
// is when the entry's place is decided anew.
func (a *Allocator) without(e *entry, f func()) {
	a.books.strike(e.held)
	f()
	a.books.enter(e.held)
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
