package allocator

import (
	"container/heap"
	"slices"
)

// watch is what the network may hold past its time without being on the agenda for
// it, ordered by when that comes to be: what is being changed, and what is moving.
type watch struct {
	glances glances
	size    int // how many of them count
}

// glance is when to look at an entry. It counts while that is the entry's own time.
type glance struct {
	at    int64 // UNIX nanoseconds
	entry *entry
}

type glances []glance

func (g glances) Len() int           { return len(g) }
func (g glances) Less(i, j int) bool { return g[i].at < g[j].at }
func (g glances) Swap(i, j int)      { g[i], g[j] = g[j], g[i] }
func (g *glances) Push(x any)        { *g = append(*g, x.(glance)) }
func (g *glances) Pop() any {
	last := len(*g) - 1
	x := (*g)[last]
	(*g)[last].entry, *g = nil, (*g)[:last]
	return x
}

// put has an entry looked at; never takes it off.
func (w *watch) put(e *entry, at int64) {
	if at == never {
		at = 0
	}
	if e.watched == at {
		return
	}
	if e.watched != 0 {
		w.size--
	}
	if e.own().watched = at; at != 0 {
		w.size++
		heap.Push(&w.glances, glance{at, e})
	}
	if len(w.glances) > 2*w.size+64 {
		w.glances = slices.DeleteFunc(w.glances, func(g glance) bool { return g.entry.watched != g.at })
		heap.Init(&w.glances)
	}
}

// pop takes off an entry whose time has come; nil if there is none.
func (w *watch) pop(now int64) *entry {
	for len(w.glances) > 0 && w.glances[0].at <= now {
		g := heap.Pop(&w.glances).(glance)
		if g.entry.watched == g.at {
			g.entry.own().watched = 0
			w.size--
			return g.entry
		}
	}
	return nil
}

// turning is the next moment at which time alone makes part of what the network
// holds of an entry stale, or the whole of it no longer so.
func (e *entry) turning(now int64) int64 {
	next := int64(never)
	note := func(second int64) {
		if t := nanos(second); t > now {
			next = min(next, t)
		}
	}
	note(e.window().Start)
	note(e.window().End)
	for _, n := range e.network {
		note(n.window.End)
	}
	return next
}
