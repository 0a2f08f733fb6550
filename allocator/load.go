package allocator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"

	"conga/allocator/store"
	"conga/controller/path"
	"conga/controller/topology"
)

// load reads what is live into the allocator, and moves what is complete into the
// history. Nothing else uses the allocator yet.
func (a *Allocator) load(ctx context.Context) error {
	if err := a.loadHistory(ctx); err != nil {
		return err
	}
	l := loader{Allocator: a, now: seconds(a.cfg.Now())}
	defer collectLess()()
	if err := l.read(ctx); err != nil {
		return err
	}
	built := l.enter()
	err := l.list()
	if err == nil {
		for _, e := range l.live {
			a.refile(e, nil)
			a.reschedule(e)
			e.slim()
		}
	}
	built()
	if err != nil {
		return err
	}
	for _, e := range l.live {
		if len(e.network) > 0 {
			a.rehold(e)
		}
	}
	return a.migrate(ctx, l.done)
}

// loadingGC is the garbage collector's percentage while allocations are loaded: what is
// read stays, so that looking for garbage again and again finds little.
const loadingGC = 300

// collectLess has garbage collected less often until restore is called, unless it is
// already so. A memory limit holds all the same.
func collectLess() (restore func()) {
	before := debug.SetGCPercent(loadingGC)
	if before < 0 || before > loadingGC {
		debug.SetGCPercent(before)
	}
	return func() { debug.SetGCPercent(before) }
}

// loader takes in what the store holds, and builds lists and calendars at once.
type loader struct {
	*Allocator
	now     int64
	live    []*entry
	done    []string // IDs of what is complete and not in the history yet
	ledgers []*ledger
}

// ledger is what one decoder has found to be claimed.
type ledger struct {
	links    map[topology.LinkID]*pile
	projects map[string]*pile
}

// note takes down what a record claims over time.
func (g *ledger) note(r *record) {
	w, rate := r.Window, int64(r.Bandwidth)
	if r.State == Complete || w.Start >= w.End || rate == 0 {
		return
	}
	var space [32]topology.LinkID
	for _, id := range r.Path.AppendLinks(space[:0]) {
		noteOn(g.links, cableOf(id), w, rate)
	}
	noteOn(g.projects, r.ProjectID, w, rate)
}

func noteOn[K comparable](m map[K]*pile, on K, w Window, rate int64) {
	p := m[on]
	if p == nil {
		p = new(pile)
		m[on] = p
	}
	p.add(change{w.Start, rate}, change{w.End, -rate})
}

// pile is a list of changes in parts, which need not be moved when it grows.
type pile [][]change

func (p *pile) add(a, b change) {
	last := len(*p) - 1
	if last < 0 || len((*p)[last])+2 > cap((*p)[last]) {
		last++
		*p = append(*p, make([]change, 0, 16<<min(last, 6)))
	}
	(*p)[last] = append((*p)[last], a, b)
}

// rawPage is part of the store on its way through the decoders.
type rawPage struct {
	keys   []string
	values []byte // one after the other
	ends   []int  // where each of them ends
	out    []record
	err    error
	ready  chan struct{}
}

// rawSize is how many records are decoded at a time.
const rawSize = 1000

// read takes in all records. They are decoded beside the reading, on all processors,
// and taken in in the order of the store.
func (l *loader) read(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	n := runtime.GOMAXPROCS(0)
	work, order := make(chan *rawPage, n), make(chan *rawPage, 4*n)
	var decoders sync.WaitGroup
	defer decoders.Wait()
	for range n {
		g := &ledger{map[topology.LinkID]*pile{}, map[string]*pile{}}
		l.ledgers = append(l.ledgers, g)
		decoders.Go(func() {
			c := cursor{names: map[string]string{}}
			for p := range work {
				p.decode(&c, g)
			}
		})
	}
	var scanned error
	go func() {
		defer close(order)
		defer close(work)
		scanned = l.scan(ctx, func(p *rawPage) bool {
			select {
			case order <- p:
				work <- p
				return true
			case <-ctx.Done():
				return false
			}
		})
	}()
	var failed error
	for p := range order {
		if <-p.ready; failed == nil {
			failed = l.take(p)
		}
		if failed != nil {
			cancel()
		}
	}
	if failed != nil {
		return failed
	}
	return scanned
}

// scan cuts the bucket into pages. send reports whether it is to go on.
func (l *loader) scan(ctx context.Context, send func(*rawPage) bool) error {
	fresh := func() *rawPage {
		return &rawPage{keys: make([]string, 0, rawSize), ends: make([]int, 0, rawSize), ready: make(chan struct{})}
	}
	p := fresh()
	err := l.cfg.Store.Scan(ctx, store.Allocations, func(key string, value []byte) error {
		p.keys, p.values = append(p.keys, key), append(p.values, value...)
		p.ends = append(p.ends, len(p.values))
		if len(p.keys) < rawSize {
			return nil
		}
		if !send(p) {
			return context.Canceled
		}
		p = fresh()
		return nil
	})
	if err == nil && len(p.keys) > 0 && !send(p) {
		return context.Canceled
	}
	return err
}

// decode reads the records of a page, and notes in the ledger what they claim.
func (p *rawPage) decode(c *cursor, g *ledger) {
	defer close(p.ready)
	p.out = make([]record, len(p.keys))
	begin := 0
	for i, key := range p.keys {
		r := &p.out[i]
		if p.err = c.record(r, key, p.values[begin:p.ends[i]]); p.err != nil {
			return
		}
		begin = p.ends[i]
		g.note(r)
	}
}

// take takes in one page.
func (l *loader) take(p *rawPage) error {
	if p.err != nil {
		return p.err
	}
	for i := range p.out {
		r := &p.out[i]
		if r.State == Complete {
			l.done = append(l.done, r.ID)
			continue
		}
		l.adopt(r)
	}
	return nil
}

// adopt takes in a record of what is live.
func (l *loader) adopt(r *record) {
	r.spare(l.now)
	e := l.none.makeEntry()
	e.keep(r)
	e.exists = true
	l.byID[e.ident] = e
	l.seq, l.revision = max(l.seq, r.Seq), max(l.revision, r.Revision)
	if e.restorable(l.now) {
		// The network was told to hold it; whether it does is confirmed by
		// installing it once more.
		e.own().network = []installed{{e.record().Circuit(), r.Window}}
	}
	l.books.places[r.ProjectID]++
	if r.Window != (Window{}) {
		l.books.keys.add(claim[path.FlowKey]{canonical(r.Key), r.Window, 1})
	}
	l.live = append(l.live, e)
}

// numbered is an entry with its sequence number beside it.
type numbered struct {
	seq   uint64
	entry *entry
}

// list puts everything on the lists, in order of creation. The error names two records
// with one handle or one number, if there are any.
func (l *loader) list() error {
	order := make([]numbered, len(l.live)) // to compare them needs no look at each
	for i, e := range l.live {
		order[i] = numbered{e.seq(), e}
	}
	slices.SortFunc(order, func(a, b numbered) int { return cmp.Compare(a.seq, b.seq) })
	for i, o := range order {
		l.live[i] = o.entry
	}
	for i, e := range l.live {
		if i > 0 && l.live[i-1].seq() == e.seq() {
			return fmt.Errorf("allocator: records %q and %q have the same handle %d, or the same number %d",
				l.live[i-1].id(), e.id(), e.handle, e.seq())
		}
		l.enlist(e)
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

// enter builds the calendars, on all processors. They are there when built returns;
// until then nothing must use them.
func (l *loader) enter() (built func()) {
	var builders sync.WaitGroup
	turn := make(chan struct{}, runtime.GOMAXPROCS(0))
	build := func(parts [][]change) *timeline {
		t := &timeline{}
		builders.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			changes := slices.Concat(parts...)
			sortChanges(changes)
			t.build(changes)
		})
		return t
	}
	links, projects := map[topology.LinkID][][]change{}, map[string][][]change{}
	for _, g := range l.ledgers {
		for id, changes := range g.links {
			links[id] = append(links[id], *changes...)
		}
		for project, changes := range g.projects {
			projects[project] = append(projects[project], *changes...)
		}
	}
	for id, parts := range links {
		n := 0
		for _, changes := range parts {
			n += len(changes) / 2
		}
		c := l.cables.lay(id, l.seen)
		c.list = slices.Grow(c.list, n+n/32) // what has claimed it is put on its index next
		l.books.links.calendar[id] = build(parts)
	}
	for project, parts := range projects {
		l.books.projects[project] = build(parts)
	}
	return builders.Wait
}

// migrate moves complete records from among the live ones into the history. A batch is
// moved or not, so that a crash leaves the rest for the next time.
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
			a.past.count(r.ProjectID, 1)
		}
	}
	return nil
}

// move brings complete records from where the live ones are into the history, all or
// none of them. Stores written before there was a history have them there.
func (a *Allocator) move(ctx context.Context, done []*record) error {
	if len(done) == 0 {
		return nil
	}
	now := seconds(a.cfg.Now())
	ops := make([]store.Op, 0, 9*len(done))
	for _, r := range done {
		if r.Done == 0 {
			r.Done = min(now, max(r.Created, r.Window.End, r.LeaseEnd))
		}
		archive, err := r.archive()
		if err != nil {
			return err
		}
		ops = append(append(ops, store.Op{Bucket: store.Allocations, Key: r.ID}), archive...)
	}
	return a.cfg.Store.Commit(ctx, ops...)
}
