package allocator

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/allocator/store/storetest"
	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// asScavenger makes any request one for what is spare.
func asScavenger(t *rapid.T, r Request) Request {
	r.Class, r.Bandwidth, r.Reverse, r.StartTime, r.Hold = Scavenger, 0, path.Reverse{}, 0, 0
	r.Leeway, r.Protected, r.Duration = Leeway{}, false, max(1, r.Duration)
	r.MinBandwidth = bitrate.Rate(rapid.IntRange(0, 3).Draw(t, "least"))
	if rapid.Bool().Draw(t, "has a most") {
		r.MaxBandwidth = max(1, r.MinBandwidth) + bitrate.Rate(rapid.IntRange(0, 2).Draw(t, "more"))
	}
	return r
}

// TestAnyHistoryWithScavengers: whatever happens, and however switches answer,
// no link has more in the switches than it may, no traffic two circuits, and
// calendars and indexes are those that follow from all items.
func TestAnyHistoryWithScavengers(t *testing.T) {
	active := 0
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{world: drawWorld(rt), out: map[string]Task{}, in: map[string][]path.Circuit{}, scavenge: true}
		h.vary(rt)
		h.cfg.ScavengerGrace = 2 * time.Second
		h.cfg.Notify = func(v Allocation, _ bool) {
			if v.Class == Scavenger && v.State == Active {
				active++
			}
		}
		h.start()
		actions := map[string]func(*rapid.T){
			"create": h.create, "create another": h.create, "update": h.update, "delete": h.delete, "release": h.release, "time": h.time,
			"due": h.due, "due again": h.due, "report": h.report, "report again": h.report, "plan": h.planOne, "plan again": h.planOne,
			"network": h.network, "settle": func(*rapid.T) { h.a.Settled() }, "host": h.host, "restart": h.restart,
			"store": h.breakStore, "rest": h.rest, "rest again": h.rest, "limit": h.limit, "prune": h.prune, "lost": h.loseCircuits,
			"": func(*rapid.T) {
				h.checkCalendars()
				h.checkIndexes()
				h.checkNetwork()
			},
		}
		for range rapid.IntRange(1, 4).Draw(rt, "rounds") {
			rt.Repeat(actions)
		}
	})
	t.Logf("%d states of active scavengers", active)
}

// twins are two worlds alike, of which only the first has scavengers.
type twins struct {
	with, without *world
	normal        [][2]string // IDs of the same allocation in both
	spare         []string
	port          uint16
}

func newTwins(t *rapid.T) *twins {
	w := drawWorld(t)
	w.cfg.ScavengerGrace = 2 * time.Second
	limits := map[string]Limits{"p": drawLimits(t, 6), "q": {Weight: 3}}
	w.cfg.Limits = func(project string) Limits { return limits[project] }
	o := *w
	o.store = &memory{Memory: storetest.NewMemory()}
	o.cfg.Store, o.cfg.Network = o.store, func() *topology.Snapshot { return o.snap }
	o.cfg.Now = func() time.Time { return o.now.Time() }
	o.cfg.NewID = func() string { o.ids++; return fmt.Sprintf("id%d", o.ids) }
	tw := &twins{with: w, without: &o}
	w.open()
	o.open()
	return tw
}

// both does the same in both worlds, and then all that is due.
func (tw *twins) both(f func(*world) error) (errs [2]error) {
	for i, w := range []*world{tw.with, tw.without} {
		errs[i] = f(w)
		w.work()
	}
	return errs
}

// answer returns what a refusal says, but for its words, which name any one of
// several that are in the way.
func answer(err error) string {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return fmt.Sprint(err)
	}
	return fmt.Sprint(e.Kind, e.Field, e.Offer, e.InTheWay)
}

func (tw *twins) create(t *rapid.T) {
	r := drawRequest(t, tw.with)
	r.ProjectID = rapid.SampledFrom([]string{"p", "q"}).Draw(t, "project")
	if r.StartTime == 0 && rapid.Bool().Draw(t, "leeway") {
		r.Leeway = drawLeeway(t, tw.with.now)
	}
	var ids [2]string
	i := 0
	errs := tw.both(func(w *world) error {
		v, err := w.a.Create(bg, r)
		ids[i] = v.ID
		i++
		return err
	})
	if answer(errs[0]) != answer(errs[1]) {
		t.Fatalf("with scavengers: %v; without: %v", errs[0], errs[1])
	}
	if errs[0] == nil {
		tw.normal = append(tw.normal, ids)
	}
}

func (tw *twins) change(t *rapid.T) {
	if len(tw.normal) == 0 {
		t.Skip("nothing there")
	}
	r, ids, c := drawRequest(t, tw.with), rapid.SampledFrom(tw.normal).Draw(t, "which"), Change{}
	switch rapid.IntRange(0, 3).Draw(t, "field") {
	case 0:
		c.Bandwidth = &r.Bandwidth
	case 1:
		c.Duration = &r.Duration
	case 2:
		c.Key = &r.Key
	}
	i := 0
	errs := tw.both(func(w *world) error {
		id := ids[i]
		i++
		if c == (Change{}) {
			return w.a.Release(bg, id, 0)
		}
		_, err := w.a.Update(bg, id, 0, c)
		return err
	})
	if answer(errs[0]) != answer(errs[1]) {
		t.Fatalf("with scavengers: %v; without: %v", errs[0], errs[1])
	}
}

func (tw *twins) time(t *rapid.T) {
	n := secondsRange(1, 4).Draw(t, "seconds")
	tw.both(func(w *world) error { w.pass(n); return nil })
}

func (tw *twins) network(t *rapid.T) {
	links := slices.SortedFunc(maps.Keys(tw.without.snap.Links), topology.ComparePorts)
	if len(links) == 0 {
		t.Skip("no cables")
	}
	id := tw.without.snap.Links[rapid.SampledFrom(links).Draw(t, "cable")].ID
	c := bitrate.Rate(rapid.IntRange(0, 6).Draw(t, "capacity"))
	tw.both(func(w *world) error {
		if c == 0 {
			w.change(cut(id))
		} else {
			w.change(mend(id, c))
		}
		return nil
	})
}

// scavenge asks for what is spare, changes that, or gives it up.
func (tw *twins) scavenge(t *rapid.T) {
	w := tw.with
	r := asScavenger(t, drawRequest(t, w))
	r.ProjectID, r.Duration = rapid.SampledFrom([]string{"p", "q"}).Draw(t, "project"), r.Duration*10
	tw.port++ // no other has its traffic
	r.Key.Proto, r.Key.SrcPort, r.Key.DstPort = path.ProtoTCP, path.Port(1000+tw.port), path.Port(80)
	switch which := rapid.IntRange(0, len(tw.spare)).Draw(t, "which"); {
	case which == len(tw.spare):
		if v, err := w.a.Create(bg, r); err == nil {
			tw.spare = append(tw.spare, v.ID)
		}
	case rapid.Bool().Draw(t, "release"):
		w.a.Release(bg, tw.spare[which], 0)
	default:
		w.a.Update(bg, tw.spare[which], 0, Change{MinBandwidth: &r.MinBandwidth, MaxBandwidth: &r.MaxBandwidth})
	}
	w.work()
}

// check compares what reserves in both worlds, and adds up what links have now.
func (tw *twins) check(t *rapid.T) {
	load := map[topology.LinkID]bitrate.Rate{}
	add := func(v Allocation) {
		for _, id := range v.Path.Links() {
			load[id], load[id.Reverse()] = load[id]+v.Bandwidth, load[id.Reverse()]+v.Reverse.Of(v.Bandwidth)
		}
	}
	for _, ids := range tw.normal {
		a, errA := tw.with.a.Get(ids[0])
		b, errB := tw.without.a.Get(ids[1])
		if answer(errA) != answer(errB) || a.State != b.State || a.Window != b.Window || !a.Path.Equal(b.Path) || a.Bandwidth != b.Bandwidth {
			t.Fatalf("with scavengers:\n%+v, %v\nwithout:\n%+v, %v", a, errA, b, errB)
		}
		if a.State == Active {
			add(a)
		}
	}
	scavengers := 0
	for _, id := range tw.spare {
		if v, err := tw.with.a.Get(id); err == nil && v.State == Active {
			add(v)
			scavengers++
		}
	}
	for id, rate := range load {
		l, there := tw.with.snap.Link(id)
		if most := tw.with.a.share.of(l.Capacity); there && rate > most && scavengers > 0 && tw.holds(id) {
			t.Fatalf("%s has %d of %d", id, rate, most)
		}
	}
}

// holds reports whether a scavenger has a link.
func (tw *twins) holds(id topology.LinkID) bool {
	return tw.with.a.calendars.spare.links.peak(id, Window{tw.with.now, tw.with.now + 1}) > 0
}

// rest lets a little time go by, after which no scavenger waits, or has less
// than it may, while there is room.
func (tw *twins) rest(t *rapid.T) {
	tw.both(func(w *world) error { w.pass(3); return nil })
	w := tw.with
	for _, id := range tw.spare {
		v, err := w.a.Get(id)
		if err != nil || v.State == Complete || strings.Contains(v.Reason, "traffic") || strings.Contains(v.Reason, "gives way") {
			continue
		}
		links, floor := w.spareLinks(), max(1, v.MinBandwidth)
		more := floor
		if most := w.cfg.Limits(v.ProjectID).Bandwidth; most != nil {
			held := w.a.calendars.projects.peak(v.ProjectID, Window{w.now, w.now + spareLead + 2})
			for _, other := range tw.spare {
				if o, err := w.a.Get(other); err == nil && o.State != Complete && o.ProjectID == v.ProjectID {
					held += o.Bandwidth
				}
			}
			more = *most - min(*most, held)
		}
		from, to, _, reason := locate(w.snap, v.Key)
		switch {
		case v.State == Pending && reason == "" && from != to && more >= floor && w.leads(links, from, to, floor, nil):
			t.Fatalf("%+v waits while a path has room", v)
		case v.State == Active && (v.MaxBandwidth == 0 || v.Bandwidth < v.MaxBandwidth):
			least := bitrate.Rate(1 << 62)
			for _, id := range v.Path.Links() {
				least = min(least, links[id], links[id.Reverse()])
			}
			if w.cfg.Limits(v.ProjectID).Bandwidth != nil {
				least = min(least, more)
			}
			if least > bitrate.Rate(len(tw.spare)) {
				t.Fatalf("%+v has %d, and could have %d more", v, v.Bandwidth, least)
			}
		}
	}
}

// spareLinks returns, worked out by hand, what links have left beside what is
// reserved for a grace, and what scavengers have.
func (w *world) spareLinks() map[topology.LinkID]bitrate.Rate {
	left := map[topology.LinkID]bitrate.Rate{}
	ids := slices.Collect(maps.Values(w.snap.Links))
	for d, sw := range w.snap.Switches {
		for no, p := range sw.Ports {
			if at := (topology.PortID{DPID: d, Port: no}); p.Role == topology.Edge {
				ids = append(ids, topology.Link{ID: topology.LinkID{To: at}, Capacity: p.Capacity}, topology.Link{ID: topology.LinkID{From: at}, Capacity: p.Capacity})
			}
		}
	}
	for _, l := range ids {
		most, peak := w.a.share.of(l.Capacity), bitrate.Rate(0)
		for t := w.now; t < w.now+spareLead+2; t++ {
			peak = max(peak, w.a.calendars.links.peak(l.ID, Window{t, t + 1}))
		}
		peak += w.a.calendars.spare.links.peak(l.ID, Window{w.now, w.now + 1})
		left[l.ID] = most - min(most, peak)
	}
	return left
}

// leads reports whether any path from a port to another has a rate left, both
// ways.
func (w *world) leads(left map[topology.LinkID]bitrate.Rate, from, to topology.PortID, rate bitrate.Rate, seen []topology.PortID) bool {
	for _, at := range []topology.PortID{from, to} {
		if len(seen) == 0 && (left[topology.LinkID{To: at}] < rate || left[topology.LinkID{From: at}] < rate) {
			return false
		}
	}
	if from.DPID == to.DPID {
		return true
	}
	for _, l := range w.snap.Links {
		visited := slices.ContainsFunc(seen, func(p topology.PortID) bool { return p.DPID == l.ID.To.DPID })
		if l.ID.From.DPID == from.DPID && !visited && left[l.ID] >= rate && left[l.ID.Reverse()] >= rate && w.leads(left, l.ID.To, to, rate, append(seen, from)) {
			return true
		}
	}
	return false
}

// TestScavengersAreNotNoticed does the same in two networks, one of which has
// scavengers, too: what reserves is answered, planned, installed and ends there
// as in the other. Nothing has more than it may, and no scavenger waits, or has
// less than it may, where there is room for as long as a grace.
func TestScavengersAreNotNoticed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tw := newTwins(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"create": tw.create, "change": tw.change, "time": tw.time, "network": tw.network, "rest": tw.rest,
			"scavenge": tw.scavenge, "scavenge again": tw.scavenge, "": tw.check,
		})
	})
}
