package allocator

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// TestAnyHistory drives the allocator with whatever may happen, in any order,
// and checks after each step that nothing is over-admitted, that the calendars
// say what the allocations hold, and that a restart comes back with the same.
func TestAnyHistory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{world: drawWorld(rt), out: map[string]Task{}, in: map[string][]path.Circuit{}}
		h.tells = rapid.Bool().Draw(rt, "snapshots tell what is the same")
		h.vary(rt)
		h.start()
		actions := map[string]func(*rapid.T){
			"create": h.create, "update": h.update, "delete": h.delete, "release": h.release, "time": h.time, "due": h.due,
			"report": h.report, "plan": h.planOne, "network": h.network, "settle": func(*rapid.T) { h.a.Settled() },
			"host": h.host, "restart": h.restart, "store": h.breakStore, "rest": h.rest,
			"limit": h.limit, "prune": h.prune, "agenda": func(*rapid.T) { h.checkDeparture() },
			"announce": func(t *rapid.T) { h.quiet = rapid.Bool().Draw(t, "quiet") },
			"":         h.check,
		}
		for range rapid.IntRange(1, 12).Draw(rt, "rounds") { // a long history meets more
			rt.Repeat(actions)
		}
	})
}

// TestAnyHistoryInSteps does the same in a network in which volumes pass beside
// much else, so that many have a profile.
func TestAnyHistoryInSteps(t *testing.T) {
	stepped, changed := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{world: drawBusy(rt), out: map[string]Task{}, in: map[string][]path.Circuit{}, tight: 1}
		h.cfg.Limits = func(project string) Limits { return h.limits[project] }
		h.limits = map[string]Limits{}
		rates := map[string]bitrate.Rate{}
		h.cfg.Notify = func(v Allocation, _ bool) {
			if was, ok := rates[v.ID]; ok && v.State == Active && v.Bandwidth != was && len(v.Profile) > 0 {
				changed++
			}
			if rates[v.ID] = v.Bandwidth; len(v.Profile) > 0 {
				stepped++
			}
		}
		h.start()
		actions := map[string]func(*rapid.T){
			"create": h.create, "create another": h.create, "update": h.update, "release": h.release, "time": h.time,
			"due": h.due, "due again": h.due, "report": h.report, "report again": h.report, "plan": h.planOne, "network": h.network,
			"restart": h.restart, "store": h.breakStore, "rest": h.rest, "rest again": h.rest, "limit": h.limit,
			"agenda": func(*rapid.T) { h.checkDeparture() },
			"":       h.check,
		}
		for range rapid.IntRange(1, 12).Draw(rt, "rounds") {
			rt.Repeat(actions)
		}
	})
	t.Logf("%d states with a profile, %d changes of the rate", stepped, changed)
}

type history struct {
	*world
	cables    []topology.Link
	out       map[string]Task           // handed out
	in        map[string][]path.Circuit // what the switches may hold
	limits    map[string]Limits
	varies    bool // links may carry less than is on them
	restarted bool // and no rest since then
	scavenge  bool // half of what is asked for is for what is spare
	tight     int  // requests so far, if they are for parts of a busy network and volumes beside them; 0: they are not
}

// start opens the allocator on the network as it has been drawn.
func (h *history) start() {
	h.open()
	for _, from := range slices.SortedFunc(maps.Keys(h.snap.Links), topology.ComparePorts) {
		h.cables = append(h.cables, h.snap.Links[from])
	}
}

// check holds all that is derived, and what the switches may hold, against the
// allocations.
func (h *history) check(*rapid.T) {
	h.checkCalendars()
	h.checkIndexes()
	h.checkLoads()
	h.checkNetwork()
	h.checkLeeway()
}

// checkNetwork: what the switches may hold at this moment fits on the links,
// and no two circuits of theirs match the same packets.
func (h *history) checkNetwork() {
	load := map[topology.LinkID]bitrate.Rate{}
	for id, circuits := range h.in {
		most := map[topology.LinkID]bitrate.Rate{}
		for _, c := range circuits {
			for _, l := range c.Links() {
				most[l], most[l.Reverse()] = max(most[l], c.Rate), max(most[l.Reverse()], c.Back())
			}
			for other, theirs := range h.in {
				for _, o := range theirs {
					if other != id && o.Key.Conflicts(c.Key) {
						h.Fatalf("%s and %s are in the network for the same traffic", id, other)
					}
				}
			}
		}
		if v, err := h.a.Get(id); h.restarted && err == nil && v.scavenges() {
			continue // it may have more than is spare until it has been looked at
		}
		for l, rate := range most {
			load[l] += rate
		}
	}
	for l, rate := range load {
		if most := h.a.share.of(h.capacity(l)); rate > most && !h.varies {
			h.Fatalf("the network holds %d on %s, which carries %d", rate, l, most)
		}
	}
}

func (h *history) create(t *rapid.T) { h.a.Create(bg, h.request(t)) }

func (h *history) pick(t *rapid.T) string {
	list := h.list("")
	if len(list) == 0 {
		t.Skip("nothing there")
	}
	return rapid.SampledFrom(list).Draw(t, "which").ID
}

func (h *history) update(t *rapid.T) {
	r, id, c := h.request(t), h.pick(t), Change{}
	switch rapid.IntRange(0, 17).Draw(t, "field") {
	case 0:
		c.Bandwidth = &r.Bandwidth
	case 1:
		c.Duration = &r.Duration
	case 2:
		c.Key = &r.Key
	case 3:
		c.ProjectID = &r.ProjectID
	case 4:
		c.Lease = &r.Lease
	case 5:
		c.ActiveLease = &r.ActiveLease
	case 6:
		c.Earliest = &r.Earliest
	case 7:
		c.Deadline = &r.Deadline
	case 8:
		c.Volume = &r.Volume
	case 10:
		c.Include, c.MaxHops = &r.Include, &r.MaxHops
	case 11:
		c.Avoid, c.MaxLatency = &r.Avoid, &r.MaxLatency
	case 16:
		c.Protected = &r.Protected
	case 12:
		c.DisjointFrom = &r.DisjointFrom
	case 9:
		c.MaxBandwidth = &r.MaxBandwidth
	case 13:
		c.Reverse = &r.Reverse
	case 14:
		c.Hold = &r.Hold
	default:
		c.StartTime = &r.StartTime
	}
	before, _ := h.a.Get(id)
	after, err := h.a.Update(bg, id, 0, c)
	if now, _ := h.a.Get(id); err != nil && now.Revision != before.Revision || err == nil && now.Revision != after.Revision {
		t.Fatalf("%+v, %v: before %+v, after %+v", c, err, before, now)
	}
}

func (h *history) release(t *rapid.T) {
	id := h.pick(t)
	before, err := h.a.Get(id)
	if err != nil || before.State == Complete {
		h.a.Release(bg, id, 0)
		return
	}
	err = h.a.Release(By(bg, "bossa"), id, before.Revision)
	after, failed := h.a.Get(id)
	if refusedAs(err) == Internal && failed == nil && after.State == before.State && after.ChangedBy == before.ChangedBy {
		return // the store has failed
	}
	err = errors.Join(err, failed)
	if err != nil || after.State != Complete || after.Reason != "released by bossa" || after.ChangedBy != "bossa" || !h.a.Known(id) {
		t.Fatalf("released: %+v, error %v", after, err)
	}
}

func (h *history) delete(t *rapid.T) { h.a.Release(bg, h.pick(t), 0) }

func (h *history) time(t *rapid.T) { h.now += secondsRange(1, 5).Draw(t, "seconds") }

func (h *history) due(t *rapid.T) {
	tasks, _ := h.a.Due(rapid.IntRange(1, 3).Draw(t, "limit"))
	for _, task := range tasks {
		if _, twice := h.out[task.Circuit.ID]; twice {
			t.Fatalf("%s has two tasks", task.Circuit.ID)
		}
		h.out[task.Circuit.ID] = task
		if task.Do == Install {
			h.in[task.Circuit.ID] = append(h.in[task.Circuit.ID], task.Circuit)
		}
	}
}

func (h *history) report(t *rapid.T) {
	if len(h.out) == 0 {
		t.Skip("nothing to report")
	}
	id := slices.Min(slices.Collect(maps.Keys(h.out)))
	task := h.out[id]
	delete(h.out, id)
	switch {
	case rapid.IntRange(0, 4).Draw(t, "fails") == 0:
		h.a.Failed(task, errors.New("no"), h.cfg.Now().Add(2*time.Second))
	case task.Do == Install:
		h.in[id] = []path.Circuit{task.Circuit}
		h.a.Installed(task)
	default:
		delete(h.in, id)
		h.a.Removed(task)
	}
}

func (h *history) planOne(*rapid.T) { h.a.Plan(bg) }

func (h *history) network(t *rapid.T) {
	if len(h.cables) > 0 && rapid.Bool().Draw(t, "cable") {
		l := rapid.SampledFrom(h.cables).Draw(t, "cable")
		if _, up := h.snap.Link(l.ID); up {
			h.change(cut(l.ID))
		} else {
			h.change(mend(l.ID, l.Capacity))
		}
		return
	}
	d := openflow.DPID(rapid.IntRange(1, len(h.snap.Switches)).Draw(t, "switch"))
	h.change(connected(d, rapid.Bool().Draw(t, "connected")))
}

// restart comes back from a crash: tasks under way are lost.
// saved is every allocation with the reason that is in the store: what an
// allocation waits for is found anew after a restart.
func (h *history) saved() []Allocation {
	list := h.list("")
	h.a.mu.RLock()
	defer h.a.mu.RUnlock()
	for i := range list {
		if it := h.a.findLocked(list[i].ID); it != nil && it.live() {
			list[i].Reason = it.record().Reason
		}
	}
	return list
}

func (h *history) restart(t *rapid.T) {
	before := h.saved()
	h.open()
	h.restarted = true
	clear(h.out)
	clear(h.in)
	for _, c := range h.a.Circuits() {
		h.in[c.ID] = []path.Circuit{c}
	}
	after := h.saved()
	if len(before) != len(after) {
		t.Fatalf("%d allocations before the restart, %d after", len(before), len(after))
	}
	for i, v := range before {
		w := after[i]
		v.LeaseEnd = max(v.LeaseEnd, w.LeaseEnd) // it may get some grace
		if !reflect.DeepEqual(v, w) {
			t.Fatalf("before %+v, after %+v", v, w)
		}
	}
}

func (h *history) breakStore(t *rapid.T) {
	if h.store.fail = nil; rapid.IntRange(0, 2).Draw(t, "broken") == 0 {
		h.store.fail = errors.New("disk full")
	}
}

// checkCalendars makes the calendars anew from the items and compares.
func (w *world) checkCalendars() {
	w.Helper()
	w.a.mu.Lock()
	defer w.a.mu.Unlock()
	for _, it := range w.a.byID {
		if h, plain := it.required(); it.busy == nil && (!same(it.reservations(), h) || plain != (it.reserved == nil)) {
			w.Fatalf("%s holds %+v, should hold %+v", it.id(), it.reservations(), h)
		}
		w.a.calendars.remove(it.reservations())
	}
	if !w.a.none.idle() || w.a.none.asOf != 0 {
		w.Fatalf("what all items share was written: %+v", w.a.none)
	}
	if b := w.a.calendars; len(b.links)+len(b.projects)+b.keys.size()+len(b.active)+len(b.spare.links)+b.spare.keys.size()+len(b.spare.active) != 0 {
		w.Fatalf("the calendars hold what no item does: %+v", b)
	}
	for _, it := range w.a.byID {
		w.a.calendars.add(it.reservations())
	}
}

// checkLoads adds up, by hand, what the allocations that users see hold from
// now on, and compares it with what the links carry. What is past may have been
// on another path or at another rate.
func (w *world) checkLoads() {
	w.Helper()
	load := map[topology.LinkID]map[Seconds]bitrate.Rate{}
	list := w.list("")
	for i := range list {
		list[i].Window.Start = max(list[i].Window.Start, w.now)
	}
	for i, v := range list {
		if v.State == Complete {
			continue
		}
		for _, o := range list[:i] {
			if o.State != Complete && o.Window.Overlaps(v.Window) && o.Key.Conflicts(v.Key) {
				w.Fatalf("%s and %s have the same traffic at the same time", o.ID, v.ID)
			}
		}
		for _, link := range path.LinksOf(v.Path, v.Backup) {
			for _, s := range v.Steps() {
				for id, rate := range map[topology.LinkID]bitrate.Rate{link: s.Rate, link.Reverse(): v.Reverse.Of(s.Rate)} {
					if load[id] == nil {
						load[id] = map[Seconds]bitrate.Rate{}
					}
					for t := s.Start; t < s.End; t++ {
						load[id][t] += rate
					}
				}
			}
		}
	}
	for id, seconds := range load {
		capacity := w.capacity(id)
		for t, sum := range seconds {
			if sum > w.a.share.of(capacity) {
				w.Fatalf("%s carries %d of %d at %d", id, sum, w.a.share.of(capacity), t-1_000_000)
			}
		}
	}
}

// capacity returns the capacity of a link, even while it is down.
func (w *world) capacity(id topology.LinkID) bitrate.Rate {
	at := id.From
	if at == topology.External {
		at = id.To
	}
	p, _ := w.snap.Port(at)
	return p.Capacity
}
