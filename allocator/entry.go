package allocator

import (
	"container/heap"
	"math"
	"slices"
	"time"

	"conga/controller/path"
)

// entry is what the allocator knows of one allocation. The allocator's lock
// guards all of it.
//
// Most are planned and wait for their time, so what they have no need of is apart.
// Reading it needs no distinction; it is written through [entry.own].
type entry struct {
	kept // as committed
	*extra

	due  int64 // when to look at it next, UNIX nanoseconds
	slot int32 // index in the agenda, -1 if not there

	exists bool // what is kept is committed; false only while the creation is
	gone   bool // deleted; kept until its flow entries are out
	past   bool // read from the history, to be removed from there
	quiet  bool // its removal is no event

	// What the plan is to do about it.
	queued   bool    // to be looked at
	missed   bool    // to be looked at when the change under way is done
	tied     bool    // on the index of what paths use
	astray   [2]bool // source, destination: not known to be where the path ends
	doubtful bool    // its path is dead, and is to be replaced if it still is shortly before the start

	// What the scheduler does about it.
	task     bool // handed out by Due, not reported back yet
	removing bool // the last task was to take it out
	parked   bool // its installation waits for something other than time
}

// extra is what an entry has while something is done about it, or if it is unusual.
type extra struct {
	ways   *wayBook // the allocator's
	none   *extra   // the one that all entries share that have nothing in it; it is never written
	rare   rare
	record *record // the committed state, so that it need not be unfolded; nil: it must be

	next  *record       // on its way to the store; nil: none, or deletion
	busy  chan struct{} // not nil while a commit is under way; closed when it is done
	asOf  uint64        // which change of the network had been taken in when the commit began
	along []Along       // what is saved together with next

	held    *holding     // what the books have of it; nil: what the committed state holds
	network []installed  // circuits that the network may hold, the last one handed out last
	proof   path.Circuit // the circuit that every switch has confirmed; zero: none
	crowds  []*crowd     // what it waits for

	leaving  []installed // in the network past its time, counted in the allocator's leaving
	watched  int64       // when more of it will be past its time, UNIX nanoseconds; 0: not watched
	failures int         // attempts in a row that came to nothing
	tried    int64       // when the last of them ended, UNIX nanoseconds
	retry    int64       // not before, UNIX nanoseconds
}

func newExtra() *extra {
	x := &extra{ways: newWayBook()}
	x.none = x
	return x
}

// makeEntry makes an entry without a committed state.
func (x *extra) makeEntry() *entry { return &entry{extra: x.none, slot: -1} }

// own is the extra as this entry's own, so that it can be written.
func (e *entry) own() *extra {
	if e.extra == e.none {
		e.extra = &extra{ways: e.ways, none: e.none, record: e.unfold()}
	}
	return e.extra
}

// slim gives back an extra in which nothing is left, and the record of an entry about
// which nothing is done.
func (e *entry) slim() {
	switch {
	case e.extra == e.none:
	case e.extra.idle():
		e.extra = e.none
	case len(e.network) == 0 && e.next == nil:
		e.extra.record = nil
	}
}

// idle reports whether there is nothing in it.
func (x *extra) idle() bool {
	return x.rare == rare{} && x.next == nil && x.busy == nil && len(x.along) == 0 &&
		x.held == nil && len(x.network) == 0 && x.proof.Handle == 0 && len(x.crowds) == 0 &&
		len(x.leaving) == 0 && x.watched == 0 && x.failures == 0 && x.tried == 0 && x.retry == 0
}

// visible reports whether users see the entry.
func (e *entry) visible() bool { return e.exists && !e.gone }

// live reports whether the allocation still has something before it.
func (e *entry) live() bool { return e.visible() && e.state() != Complete }

// overdue reports whether nothing of the entry should be in the network now.
func (e *entry) overdue(now int64) bool {
	w := e.window()
	return !e.live() || !e.hasPath() || nanos(w.Start) > now || nanos(w.End) <= now
}

// stale is what the network may hold of the entry past its time, so that the
// calendar does not count it any more.
func (e *entry) stale(now int64) []installed {
	if e.overdue(now) {
		return e.network
	}
	var old []installed
	for _, n := range e.network {
		if nanos(n.window.End) <= now && !sameCircuit(n.circuit, e.record().Circuit()) {
			old = append(old, n)
		}
	}
	return old
}

// view is the committed state as others may hold it.
func (e *entry) view() Allocation {
	v := e.record().Allocation
	v.Path = slices.Clone(v.Path)
	return v
}

// Action is what the scheduler is to have done about an allocation.
type Action uint8

// The actions.
const (
	Nothing Action = iota
	Install        // have its circuit in the network, then report Installed
	Remove         // have it out of the network, then report Removed
	Expire         // its window is over and the network holds nothing: report Removed
)

// nextAction is what the entry needs next and from when on, in UNIX nanoseconds.
// Nothing at some time is to be planned anew then.
func (e *entry) nextAction(now int64) (what Action, at int64) {
	what, at = e.nextInWindow(now)
	lapse, may := e.lapse()
	if end := max(nanos(lapse), e.retry); may && !e.gone && e.live() && (end < at || end <= now) {
		if len(e.network) > 0 {
			return Remove, end
		}
		return Expire, end
	}
	return what, at
}

// nextInWindow is nextAction as far as the window decides.
func (e *entry) nextInWindow(now int64) (what Action, at int64) {
	leave, again := Expire, e.retry
	if len(e.network) > 0 {
		leave = Remove
		if !e.removing {
			again = 0 // what failed was the installation; the removal does not wait for that
		}
	}
	w, pending := e.window(), e.state() == Pending
	switch {
	case e.gone:
		return leave, again
	case !e.live():
		return Nothing, math.MaxInt64
	case w == Window{} || !e.hasPath() || pending && nanos(w.Start) > now:
		if leave == Remove {
			return Remove, e.retry
		}
	}
	if w == (Window{}) {
		if at := nanos(e.record().StartTime + 1); at > now {
			return Nothing, at // from then on any window will do
		}
		return Nothing, math.MaxInt64
	}
	what, at = leave, max(nanos(w.End), again)
	if e.hasPath() && !e.parked && (pending || e.record().Reason == moving || !sameCircuit(e.proof, e.record().Circuit())) {
		if t := max(nanos(w.Start), e.retry); t < nanos(w.End) && now < nanos(w.End) {
			return Install, t
		}
	}
	return what, at
}

func sameCircuit(a, b path.Circuit) bool {
	return a.ID == b.ID && a.Handle == b.Handle && a.Key == b.Key && a.Rate == b.Rate && a.Path.Equal(b.Path)
}

// nanos is a UNIX second in nanoseconds; windows end long before that overflows.
func nanos(second int64) int64 {
	if second > math.MaxInt64/int64(time.Second) {
		return math.MaxInt64
	}
	return second * int64(time.Second)
}

// agenda orders entries by when they are due; at the same moment what leaves
// goes before what comes.
type agenda []*entry

func (g agenda) Len() int { return len(g) }
func (g agenda) Less(i, j int) bool {
	a, b := g[i], g[j]
	if a.due != b.due {
		return a.due < b.due
	}
	if x, y := len(a.network) > 0, len(b.network) > 0; x != y {
		return x
	}
	return a.number < b.number
}
func (g agenda) Swap(i, j int) {
	g[i], g[j] = g[j], g[i]
	g[i].slot, g[j].slot = int32(i), int32(j)
}
func (g *agenda) Push(x any) {
	e := x.(*entry)
	e.slot = int32(len(*g))
	*g = append(*g, e)
}
func (g *agenda) Pop() any {
	last := len(*g) - 1
	e := (*g)[last]
	(*g)[last], *g = nil, (*g)[:last]
	e.slot = -1
	return e
}

// put sets when an entry is due; math.MaxInt64 takes it off the agenda.
func (g *agenda) put(e *entry, due int64) {
	e.due = due
	switch {
	case due == math.MaxInt64 && e.slot >= 0:
		heap.Remove(g, int(e.slot))
	case due == math.MaxInt64:
	case e.slot >= 0:
		heap.Fix(g, int(e.slot))
	default:
		heap.Push(g, e)
	}
}
