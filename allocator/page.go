package allocator

import (
	"context"
	"net/netip"

	"conga/allocator/store"
)

// Filter chooses allocations; zero fields choose all.
type Filter struct {
	Project string
	State   State
	User    string
	Series  string       // that it is an occurrence of
	Address netip.Prefix // that has the source or the destination
	After   Seconds      // the window ends later; UNIX seconds
	Before  Seconds      // the window begins earlier; UNIX seconds
}

// Page returns the allocations that the filter chooses, in the order in which
// they were created: at most so many, from the one at index skip on; and how
// many it chooses in all. It chooses by project and state alone: for what else
// a filter can say see [Allocator.Step]. What is complete is read from the
// store. The error is an *[Error] of kind Internal if that cannot be read.
func (a *Allocator) Page(ctx context.Context, f Filter, skip, most int) (page []Allocation, total int, err error) {
	skip, most = max(0, skip), max(0, most)
	if f.State == Pending || f.State == Active {
		page, total = a.livePage(f, skip, most)
		return page, total, nil
	}
	var slots []slot
	for try := 0; ; try++ {
		var steady bool
		var err *Error
		if slots, total, steady, err = a.merge(ctx, f, skip, most); err != nil {
			return nil, 0, err.in("page")
		}
		if steady || try == mergeTries {
			break
		}
	}
	page = make([]Allocation, 0, len(slots))
	for _, s := range slots {
		if s.historic == 0 {
			page = append(page, s.live)
			continue
		}
		r, err := a.readListed(ctx, s.historic)
		if err != nil {
			return nil, 0, err.in("page")
		}
		if r != nil { // else it has been deleted since
			page = append(page, r.Allocation)
		}
	}
	return page, total, nil
}

// mergeTries is how often a page is put together anew because something became
// complete, or was removed, while the store was read. After that the page may
// begin off by as many allocations as did so at that very moment.
const mergeTries = 3

// livePage returns what Page does, of what is not complete.
func (a *Allocator) livePage(f Filter, skip, most int) (page []Allocation, total int) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	r := a.listLocked(f.Project)
	if r == nil {
		return nil, 0
	}
	for _, it := range r.page(f.State, skip, most) {
		page = append(page, a.viewLocked(it))
	}
	return page, r.inState(f.State)
}

// Live returns the allocations of a project, or of all projects for "", that
// are not complete, in order of creation.
func (a *Allocator) Live(project string) []Allocation {
	a.mu.RLock()
	defer a.mu.RUnlock()
	r := a.listLocked(project)
	if r == nil {
		return nil
	}
	list := make([]Allocation, 0, r.size)
	for it := range r.after(0) {
		list = append(list, a.viewLocked(it))
	}
	return list
}

// Counts returns how many allocations of a project, or of all projects for "",
// are in each state. Every state is in the map.
func (a *Allocator) Counts(project string) map[State]int {
	counts := map[State]int{Pending: 0, Active: 0}
	a.mu.RLock()
	defer a.mu.RUnlock()
	if r := a.listLocked(project); r != nil {
		counts[Pending], counts[Active] = r.inState(Pending), r.inState(Active)
	}
	counts[Complete] = a.completed[project]
	return counts
}

// listLocked returns the list of a project, or of all for ""; nil if it has
// nothing live.
func (a *Allocator) listLocked(project string) *itemList {
	if project == "" {
		return &a.all
	}
	return a.projects[project]
}

// slot is one row of a page: a live allocation, or the sequence number of a
// complete one.
type slot struct {
	live     Allocation
	historic uint64
}

// blockCount is how many complete allocations a block of sequence numbers has.
type blockCount struct {
	block uint64
	n     int
}

// merge puts a page together of what is live and what is in the store. The
// store is read without the lock; steady is false if something moved from the
// one to the other meanwhile.
func (a *Allocator) merge(ctx context.Context, f Filter, skip, most int) (page []slot, total int, steady bool, err *Error) {
	a.mu.RLock()
	moves, none := a.moves, a.completed[f.Project] == 0 && a.moving == 0
	a.mu.RUnlock()
	var blocks []blockCount
	var seqs []uint64
	if !none {
		if blocks, err = a.historicBlocks(ctx, f.Project); err != nil {
			return nil, 0, false, err
		}
	}
	m := &merger{skip: skip, most: most, view: a.viewLocked}
	a.mu.RLock()
	m.list = a.mergedListLocked(f)
	start := m.begin(blocks)
	a.mu.RUnlock()
	if len(blocks) > 0 {
		if seqs, err = a.historicSeqs(ctx, f.Project, start, historyBlock+most); err != nil {
			return nil, 0, false, err
		}
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	m.list = a.mergedListLocked(f)
	m.enter(start)
	for _, seq := range seqs {
		m.pass(seq)
	}
	m.pass(1<<64 - 1)
	return m.page, m.list.size + a.completed[f.Project], a.moves == moves && a.moving == 0, nil
}

// mergedListLocked returns the list of what is live of a page.
func (a *Allocator) mergedListLocked(f Filter) *itemList {
	if r := a.listLocked(f.Project); r != nil && f.State == "" {
		return r
	}
	return &itemList{}
}

// historicBlocks reads and returns where in the order of creation a project's
// complete allocations are.
func (a *Allocator) historicBlocks(ctx context.Context, project string) (blocks []blockCount, _ *Error) {
	err := a.cfg.Store.Range(ctx, store.History, after(projectKey("c", project), 0), func(key string, value []byte) error {
		blocks = append(blocks, blockCount{numberOf(key), int(store.Count(value))})
		return nil
	})
	return blocks, a.unread(err)
}

// historicSeqs reads and returns the sequence numbers of at most so many
// complete allocations.
func (a *Allocator) historicSeqs(ctx context.Context, project string, from uint64, most int) (seqs []uint64, _ *Error) {
	keys := projectKey("p", project)
	if project == "" {
		keys = "r"
	}
	err := a.cfg.Store.Range(ctx, store.History, after(keys, from), func(key string, _ []byte) error {
		if seqs = append(seqs, numberOf(key)); len(seqs) == most {
			return store.ErrStop
		}
		return nil
	})
	return seqs, a.unread(err)
}

// merger merges two ascending lists from a position on: one into which it can
// count, and one of which it learns block by block.
type merger struct {
	list       *itemList
	skip, most int
	before     int // complete ones before the position where it begins
	at         listPosition
	position   int // of what comes next, in the merged list
	page       []slot
	view       func(*item) Allocation
}

// begin finds the last block that begins at or before the page, and returns its
// first sequence number.
func (m *merger) begin(blocks []blockCount) (start uint64) {
	past, at := 0, m.list.positionOf(0)
	live := 0
	for _, b := range blocks {
		first := b.block * historyBlock
		live += at.advance(first, 1<<62)
		if past+live > m.skip {
			break
		}
		start, m.before = first, past
		past += b.n
	}
	return start
}

// enter goes to where the merging begins.
func (m *merger) enter(start uint64) {
	m.at = m.list.positionOf(start)
	m.position = m.before + m.list.rank(start)
}

// pass takes the live allocations before a complete one, and that one.
func (m *merger) pass(seq uint64) {
	for len(m.page) < m.most {
		it := m.at.peek()
		if it == nil || it.seq() >= seq {
			break
		}
		if far := m.skip - m.position; far > 0 {
			m.position += m.at.advance(seq, far)
			continue
		}
		m.page = append(m.page, slot{live: m.view(it)})
		m.at.next()
		m.position++
	}
	if it := m.at.peek(); seq == 1<<64-1 || it != nil && it.seq() == seq {
		return // it is on its way from the one to the other, and counts as live
	}
	if m.position >= m.skip && len(m.page) < m.most {
		m.page = append(m.page, slot{historic: seq})
	}
	m.position++
}

// Past calls f with the ID of every complete allocation of a project, or of all
// projects for "", in no order. Their records are not read. The error is f's,
// or an *[Error] of kind Internal if the store cannot be read.
func (a *Allocator) Past(ctx context.Context, project string, f func(id string) error) error {
	keys, last := "i", store.Span{From: "i", To: "j"}
	if project != "" {
		keys, last = "p", after(projectKey("p", project), 0)
	}
	var failed error
	err := a.cfg.Store.Range(ctx, store.History, last, func(key string, value []byte) error {
		id := string(value)
		if keys == "i" {
			id = key[1:]
		}
		failed = f(id)
		return failed
	})
	if err != nil && failed == nil {
		return a.unread(err).in("past")
	}
	return failed
}
