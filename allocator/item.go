package allocator

import (
	"math"
	"slices"
	"time"

	"conga/controller/path"
)

// item is what the allocator knows of one allocation. The allocator's lock
// guards all of it.
//
// Most allocations are planned and wait for their time, so what those do not
// need is in extra. It is read as if it were here, and written through
// [item.own].
type item struct {
	packed // as committed
	*extra

	due         nanos // when to look at it next
	agendaIndex int32 // index in the agenda, -1 if not there

	exists   bool // what is kept is committed; false only while the creation is
	deleted  bool // deleted; kept until its flow entries are out
	released bool // with deleted: it is in the history
	historic bool // read from the history, to be removed from there
	quiet    bool // its removal is no event

	// What the plan is to do about it.
	queued    bool    // to be looked at
	missed    bool    // to be looked at when the change under way is done
	indexed   bool    // on the index of what paths use
	displaced bool    // a link of its path carries less than is reserved, and it is not among the first
	astray    [2]bool // source, destination: not known to be where the path ends, or a prefix
	doubtful  bool    // its path is dead, and is to be replaced if it still is shortly before the start

	// What the scheduler does about it.
	task     bool // handed out by Due, not reported back yet
	removing bool // the last task was to take it out
	parked   bool // its installation waits for something other than time
}

// extra is what an item has while something is done about it, or if it is
// unusual.
type extra struct {
	hops   *hopTable // the allocator's
	none   *extra    // the one that all items share that have nothing in it; it is never written
	rare   rare
	record *record // the committed state, so that it need not be unfolded; nil: it must be

	next      *record       // on its way to the store; nil: none, or deletion
	busy      chan struct{} // not nil while a commit is under way; closed when it is done
	asOf      uint64        // which change of the network had been taken in when the commit began
	deletedBy string        // with next, if that is nil: the user who releases it, if not its own
	along     []Along       // what is saved together with next
	hides     *item         // with historic: the released one whose circuits are not out yet

	reserved  *reservations // what the calendars have of it; nil: what the committed state holds
	network   []installed   // circuits that the network may hold, the last one handed out last
	confirmed path.Circuit  // the circuit that every switch has confirmed; zero: none
	waitsFor  []*waitList   // what it waits for
	lost      path.Path     // of the committed state: the path that it had, while it has none
	backup    path.Path     // of the committed state
	profile   []Step        // of the committed state
	whole     nanos         // since when the first path of what uses its backup is whole; 0: it is not
	stages    []stage       // by which it leaves its path before that is closed
	early     Seconds       // since when it runs, where the clock was set to before its window; 0: its window says

	leaving   []installed // in the network past its time, counted in the allocator's leaving
	expiresAt nanos       // when more of it will be past its time; 0: not watched
	failures  int         // attempts in a row that came to nothing
	tried     nanos       // when the last of them ended
	retry     nanos       // not before
	barred    nanos       // a scavenger gets no path before
}

func newExtra() *extra {
	x := &extra{hops: newHopTable()}
	x.none = x
	return x
}

// newItem returns an item without a committed state.
func (x *extra) newItem() *item { return &item{extra: x.none, agendaIndex: -1} }

// own returns the extra as this item's own, so that it can be written.
func (it *item) own() *extra {
	if it.extra == it.none {
		it.extra = &extra{hops: it.hops, none: it.none, record: it.unpack()}
	}
	return it.extra
}

// slim gives back an extra in which nothing is left, and the record of an item
// about which nothing is done.
func (it *item) slim() {
	switch {
	case it.extra == it.none:
	case it.extra.idle():
		it.extra = it.none
	case len(it.network) == 0 && it.next == nil:
		it.extra.record = nil
	}
}

// idle reports whether there is nothing in the extra.
func (x *extra) idle() bool {
	return x.rare == rare{} && x.next == nil && x.busy == nil && len(x.along) == 0 &&
		x.reserved == nil && len(x.network) == 0 && x.confirmed.Handle == 0 && len(x.waitsFor) == 0 && len(x.lost) == 0 && len(x.backup) == 0 && len(x.profile) == 0 && x.whole == 0 && x.early == 0 && len(x.stages) == 0 &&
		len(x.leaving) == 0 && x.expiresAt == 0 && x.failures == 0 && x.tried == 0 && x.retry == 0 && x.barred == 0 && x.deletedBy == "" && x.hides == nil
}

// visible reports whether users see the item.
func (it *item) visible() bool { return it.exists && !it.deleted }

// past reports whether an allocation that was looked for among the live ones is
// in the history, if there is one: it is not here, or was released, and only
// its circuits are left here.
func (it *item) past() bool { return it == nil || it.deleted && it.released }

// live reports whether the allocation is visible and not complete.
func (it *item) live() bool { return it.visible() && it.state() != Complete }

// overdue reports whether nothing of the item should be in the network now.
func (it *item) overdue(now nanos) bool {
	w := it.window()
	return !it.live() || !it.hasPath() || !it.started && nanosOf(w.Start) > now || nanosOf(w.End) <= now
}

// stale returns the circuits of the item that the network may hold past their
// time, so that the calendars do not count them any more.
func (it *item) stale(now nanos) []installed {
	if it.overdue(now) {
		return it.network
	}
	var old []installed
	c := it.record()
	runs := c.circuitAt(secondOf(now))
	for _, n := range it.network {
		if nanosOf(n.window.End) > now || len(c.Profile) > 0 && alike(n.circuit, runs) && n.circuit.Rate <= runs.Rate {
			continue
		}
		if !sameCircuit(n.circuit, runs) {
			old = append(old, n)
		}
	}
	return old
}

// view returns the committed state, the caller's to keep and to change.
func (it *item) view() Allocation {
	v := it.record().Allocation
	v.Path, v.Backup, v.Profile = slices.Clone(v.Path), slices.Clone(v.Backup), slices.Clone(v.Profile)
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

// nextAction returns what the item needs next and from when on. Nothing at some
// moment is to be planned anew then.
func (it *item) nextAction(now nanos) (what Action, at nanos) {
	what, at = it.nextInWindow(now)
	lapse, may := it.lapse()
	if end := max(nanosOf(lapse), it.retry); may && !it.deleted && it.live() && (end < at || end <= now) {
		if len(it.network) > 0 {
			return Remove, end
		}
		return Expire, end
	}
	return what, at
}

// nextInWindow returns what nextAction would if the allocation had no lease.
func (it *item) nextInWindow(now nanos) (what Action, at nanos) {
	leave, again := Expire, it.retry
	if len(it.network) > 0 {
		leave = Remove
		if !it.removing {
			again = 0 // what failed was the installation; the removal does not wait for that
		}
	}
	w, pending := it.window(), it.state() == Pending
	early := !it.started && nanosOf(w.Start) > now // the clock may have been set to before the start of what runs
	switch {
	case it.deleted:
		return leave, again
	case !it.live():
		return Nothing, neverNanos
	case w == Window{} || !it.hasPath() || pending && early:
		if leave == Remove {
			return Remove, it.retry
		}
	}
	if w == (Window{}) {
		if end := it.record().limit(); end != 0 {
			return leave, max(nanosOf(end), again)
		}
		return Nothing, neverNanos
	}
	if l := it.life(); leave == Expire && !l.started && l.start == 0 && nanosOf(w.End) <= now {
		return l.nextUnmet(now, again)
	}
	end := w.End
	if it.rare.leeway.Volume != 0 {
		end = it.record().limit()
	}
	what, at = leave, max(nanosOf(end), again)
	if it.hasPath() && !it.parked && it.rare.hold == 0 {
		if t := it.nextInstall(now); t < nanosOf(w.End) && now < nanosOf(w.End) {
			return Install, t
		}
	}
	return what, at
}

// nextInstall returns from when on a circuit of the item is to be installed, if
// nothing is in the way; neverNanos if it has the one that it is to have.
func (it *item) nextInstall(now nanos) nanos {
	c := it.record()
	step := c.stepAt(secondOf(now))
	switch {
	case c.State == Pending || moves(c.Reason) || !sameCircuit(it.confirmed, c.circuitAt(secondOf(now))):
	case step.End < c.Window.End:
		return max(nanosOf(step.End), it.retry)
	default:
		return neverNanos
	}
	if it.started && step.Start <= c.Window.Start {
		return it.retry
	}
	return max(nanosOf(step.Start), it.retry)
}

// nextUnmet returns what is next of what has not started in its window, which
// has ended, and was to run as early as it fits: at first it is planned anew.
func (l life) nextUnmet(now, again nanos) (what Action, at nanos) {
	late := nanosOf(l.lastStart + 1)
	if l.missed(Seconds(now / nanos(time.Second))) {
		return Nothing, late // it is planned anew, or over by then
	}
	return Expire, max(nanosOf(l.window.End), again, late)
}

// retrySecond returns the first second in which what has failed is tried again.
func (it *item) retrySecond() Seconds {
	return Seconds((it.retry + nanos(time.Second) - 1) / nanos(time.Second))
}

func sameCircuit(a, b path.Circuit) bool {
	return a.ID == b.ID && a.Same(&b)
}

// nanos is a moment in nanoseconds since the UNIX epoch. Tasks are due at such
// moments; windows are in [Seconds].
type nanos int64

// neverNanos is later than every other moment.
const neverNanos nanos = math.MaxInt64

// nanosOf returns a moment in nanoseconds; windows end long before that
// overflows.
func nanosOf(s Seconds) nanos {
	if s > math.MaxInt64/Seconds(time.Second) {
		return neverNanos
	}
	return nanos(s) * nanos(time.Second)
}

// secondOf returns the second that a moment is in.
func secondOf(at nanos) Seconds { return Seconds(at / nanos(time.Second)) }

// now returns the time on the allocator's clock.
func (a *Allocator) now() Seconds { return path.SecondsOf(a.cfg.Now()) }

// nowNanos returns what now does, in nanoseconds.
func (a *Allocator) nowNanos() nanos { return nanos(a.cfg.Now().UnixNano()) }

// agenda orders items by when they are due; of those due at the same moment,
// what the network holds comes first, since it may have to go first.
type agenda struct{ minHeap[*item] }

func (it *item) before(o *item) bool {
	if it.due != o.due {
		return it.due < o.due
	}
	if x, y := len(it.network) > 0, len(o.network) > 0; x != y {
		return x
	}
	return it.number < o.number
}

func (it *item) moved(i int) { it.agendaIndex = int32(i) }

// put sets when an item is due; neverNanos takes it off the agenda.
func (g *agenda) put(it *item, due nanos) {
	it.due = due
	switch {
	case due == neverNanos && it.agendaIndex >= 0:
		g.remove(int(it.agendaIndex))
	case due == neverNanos:
	case it.agendaIndex >= 0:
		g.fix(int(it.agendaIndex))
	default:
		g.push(it)
	}
}
