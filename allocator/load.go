package allocator

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"conga/allocator/store"
	"conga/controller/topology"
)

// load reads what is live into the allocator, and moves what is complete into
// the history. Nothing else uses the allocator yet.
func (a *Allocator) load(ctx context.Context) error {
	if err := a.loadHistory(ctx); err != nil {
		return err
	}
	defer collectLess()()
	l := loader{Allocator: a, now: a.now()}
	if err := l.read(ctx); err != nil {
		return err
	}
	if err := l.index(); err != nil {
		return err
	}
	for _, it := range l.live {
		l.ranBeforeLocked(it, l.now)
	}
	return a.migrate(ctx, l.done)
}

// loadingGC is the garbage collector's percentage while allocations are loaded:
// what is read stays, so that looking for garbage again and again finds little.
const loadingGC = 300

// collectLess has garbage collected less often until restore is called, unless
// it is less often already. A memory limit holds all the same.
func collectLess() (restore func()) {
	before := debug.SetGCPercent(loadingGC)
	if before < 0 || before > loadingGC {
		debug.SetGCPercent(before)
	}
	return func() { debug.SetGCPercent(before) }
}

// inParallel starts a worker on each processor, and hands each the numbers
// below n one by one as it asks for them.
func inParallel(workers *sync.WaitGroup, n int, worker func(numbers iter.Seq[int])) {
	var next atomic.Int64
	numbers := func(yield func(int) bool) {
		for i := int(next.Add(1)) - 1; i < n && yield(i); i = int(next.Add(1)) - 1 {
		}
	}
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() { worker(numbers) })
	}
}

// loader takes in what the store holds: it reads all of it, and then makes the
// indexes and calendars.
type loader struct {
	*Allocator
	now     Seconds
	readers []*reader
	live    []*item
	done    []string // IDs of what is complete and not in the history yet
}

// reader holds what one of several goroutines has read that read at the same
// time.
type reader struct {
	*loader
	cursor        decoder
	live          []*item
	done          []string
	users         map[topology.LinkID]*chunks // the items that use each cable
	seq, revision uint64                      // the highest ones
}

// chunks is a list of items in parts, which need not be moved when it grows.
type chunks [][]*item

func (p *chunks) add(it *item) {
	last := len(*p) - 1
	if last < 0 || len((*p)[last]) == cap((*p)[last]) {
		last++
		*p = append(*p, make([]*item, 0, 16<<min(last, 6)))
	}
	(*p)[last] = append((*p)[last], it)
}

// firstDigits are where the store is cut into parts that are read at the same
// time. IDs are UUIDs mostly, so that about as many begin with each digit.
const firstDigits = "123456789abcdef"

// read takes in all records.
func (l *loader) read(ctx context.Context) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var reading sync.WaitGroup
	found := make(chan *reader, runtime.GOMAXPROCS(0))
	inParallel(&reading, len(firstDigits)+1, func(parts iter.Seq[int]) {
		r := &reader{loader: l, cursor: decoder{names: map[string]string{}}, users: map[topology.LinkID]*chunks{}}
		for i := range parts {
			if err := r.read(ctx, i); err != nil {
				fail(err)
			}
		}
		found <- r
	})
	reading.Wait()
	close(found)
	for r := range found {
		l.readers = append(l.readers, r)
		l.live, l.done = append(l.live, r.live...), append(l.done, r.done...)
		l.seq, l.revision = max(l.seq, r.seq), max(l.revision, r.revision)
	}
	slices.Sort(l.done)
	return context.Cause(ctx)
}

// read reads the i-th part.
func (r *reader) read(ctx context.Context, i int) error {
	var span store.Span
	if i > 0 {
		span.From = firstDigits[i-1 : i]
	}
	if i < len(firstDigits) {
		span.To = firstDigits[i : i+1]
	}
	var rec record
	return r.cfg.Store.Range(ctx, store.Allocations, span, func(key string, value []byte) error {
		rec = record{}
		if err := r.cursor.record(&rec, key, value); err != nil {
			return err
		}
		if rec.State == Complete {
			r.done = append(r.done, rec.ID)
		} else {
			r.adopt(&rec)
		}
		return nil
	})
}

// adopt makes an item of a record of what is live, and keeps nothing else of
// it.
func (r *reader) adopt(rec *record) {
	rec.grantGrace(r.now)
	it := r.none.newItem()
	it.pack(rec)
	it.slim()
	it.exists = true
	if it.restorable(r.now) {
		// The network was told to hold it; whether it does is confirmed by
		// installing it once more.
		it.own().network = []installed{{it.record().circuitAt(r.now), rec.stepAt(r.now).Window}}
	}
	r.live = append(r.live, it)
	r.seq, r.revision = max(r.seq, rec.Seq, rec.Asked), max(r.revision, rec.Revision)
	it.indexed = len(rec.Path) > 0
	var links [32]topology.LinkID
	for _, id := range it.appendLinks(links[:0]) {
		id = cableOf(id)
		users := r.users[id]
		if users == nil {
			users = new(chunks)
			r.users[id] = users
		}
		users.add(it)
	}
}

// migrate moves complete records from among the live ones into the history. A
// batch is moved whole or not at all, so that a crash leaves the rest for the
// next time.
func (a *Allocator) migrate(ctx context.Context, ids []string) error {
	for batch := range slices.Chunk(ids, pruneBatch) {
		var done []*record
		for _, id := range batch {
			value, err := a.cfg.Store.Get(ctx, store.Allocations, id)
			if err == nil && value == nil {
				err = errors.New("it has gone while it was read")
			}
			if err != nil {
				return fmt.Errorf("allocator: record %q: %w", id, err)
			}
			r, err := decodeRecord(id, value)
			if err != nil {
				return err
			}
			done = append(done, r)
		}
		if err := a.move(ctx, done); err != nil {
			return fmt.Errorf("allocator: complete allocations could not be moved into the history: %w", err)
		}
		for _, r := range done {
			a.seq, a.revision = max(a.seq, r.Seq), max(a.revision, r.Revision)
			a.completed.count(r.ProjectID, 1)
		}
	}
	return nil
}

// move moves complete records from where the live ones are into the history,
// all or none of them. Stores written before there was a history have them
// there.
func (a *Allocator) move(ctx context.Context, done []*record) error {
	if len(done) == 0 {
		return nil
	}
	now := a.now()
	ops := make([]store.Op, 0, 9*len(done))
	for _, r := range done {
		if r.Done == 0 {
			r.Done = min(now, max(r.Created, r.Window.End, r.LeaseEnd))
		}
		archive, err := r.intoHistory()
		if err != nil {
			return err
		}
		ops = append(append(ops, store.Op{Bucket: store.Allocations, Key: r.ID}), archive...)
	}
	return a.cfg.Store.Commit(ctx, ops...)
}
