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
	a.byID[r.ID] = e
	a.seq, a.revision = max(a.seq, r.Seq), max(a.revision, r.Revision)
	if e.live() {
		a.handles[r.Handle] = e
		a.alive.add(e)
	}
	a.enlist(e)
	a.refile(e, nil)
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

// enlist puts a visible entry on the lists of everything.
func (a *Allocator) enlist(e *entry) {
	a.all.add(e)
	a.rollOf(e.cur.ProjectID).add(e)
}

func (a *Allocator) rollOf(project string) *roll {
	r := a.projects[project]
	if r == nil {
		r = &roll{}
		a.projects[project] = r
	}
	return r
}

// hold finds a visible entry, waits until no change of it is under way and
// returns with the lock held. With an error the lock is not held.
func (a *Allocator) hold(ctx context.Context, id string) (*entry, *Error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, &Error{Kind: Internal, Err: err}
		}
		a.mu.Lock()
		e := a.byID[id]
		if e == nil || !e.visible() {
			a.mu.Unlock()
			return nil, notFound(id)
		}
		if e.busy == nil {
			return e, nil
		}
		busy := e.busy
		a.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
		}
	}
}

// begin starts a change: next is to become the entry's state, nil deletes it.
// The books hold old and new from here on. The lock is held.
func (a *Allocator) begin(e *entry, next *record) {
	if next != nil && !renews(&e.cur, next) {
		a.revision++
		next.Revision = a.revision
	}
	e.next, e.busy, e.asOf = next, make(chan struct{}), a.plan.observed
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
		op := store.Op{Bucket: store.Allocations, Key: e.cur.ID}
		if e.next != nil {
			value, err := e.next.encode()
			if err != nil {
				return nil, err
			}
			op.Value = value
		}
		along, err := a.alongside(e)
		if err != nil {
			return nil, err
		}
		ops = append(append(ops, op), along...)
	}
	return ops, nil
}

// finish makes a begun change true, or takes it back.
func (a *Allocator) finish(e *entry, saved bool) {
	old, next := e.cur, e.next
	created := !e.exists
	e.next, e.along = nil, nil
	close(e.busy)
	e.busy = nil
	switch {
	case saved && next == nil:
		e.gone = true
		a.delist(e, old.State != Complete)
	case saved:
		e.cur, e.exists = *next, true
		a.relist(e, &old, created)
	case created:
		e.gone = true // it never was
	}
	e.parked = false // what it waited for may be another thing now
	a.refile(e, &old)
	a.rehold(e)
	if saved && a.cfg.Notify != nil && (next == nil || created || !renews(&old, next)) {
		a.cfg.Notify(e.view(), next == nil)
	}
	if e.gone && len(e.network) == 0 && !e.task {
		a.drop(e)
		return
	}
	a.reschedule(e)
	if e.due < a.announced {
		a.signal()
	}
	if e.missed || !saved || e.asOf != a.plan.observed {
		e.missed = false
		a.look(e) // what has happened meanwhile has passed over this entry
	}
}

// relist moves an entry between lists after a change.
func (a *Allocator) relist(e *entry, old *record, created bool) {
	switch {
	case created:
		a.enlist(e)
		a.alive.add(e)
	case old.ProjectID != e.cur.ProjectID:
		project := old.ProjectID
		a.rollOf(project).left(func(e *entry) bool { return e.visible() && e.cur.ProjectID == project })
		a.rollOf(e.cur.ProjectID).add(e)
	}
	if !created && old.State != Complete && e.cur.State == Complete {
		a.alive.left((*entry).live)
		delete(a.handles, e.cur.Handle)
	}
}

// delist takes a deleted entry off the lists.
func (a *Allocator) delist(e *entry, wasLive bool) {
	project := e.cur.ProjectID
	a.all.left((*entry).visible)
	a.rollOf(project).left(func(e *entry) bool { return e.visible() && e.cur.ProjectID == project })
	if wasLive {
		a.alive.left((*entry).live)
	}
}

// drop forgets an entry altogether.
func (a *Allocator) drop(e *entry) {
	a.agenda.put(e, never)
	delete(a.failed, e)
	a.watched.put(e, never)
	a.depart(e, nil)
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
	a.released(old, h)
}

func same(a, b holding) bool {
	return slices.Equal(a.links, b.links) && slices.Equal(a.key, b.key) &&
		slices.Equal(a.project, b.project) && slices.Equal(a.projects, b.projects)
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
