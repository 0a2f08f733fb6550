package allocator

import (
	"maps"
	"slices"
	"time"

	"conga/controller/path"
	"conga/controller/topology"
)

// checkIndexes looks through all items, and compares what it finds with the
// indexes, the queues and the agenda.
func (w *world) checkIndexes() {
	w.Helper()
	w.a.mu.Lock()
	defer w.a.mu.Unlock()
	items := slices.Collect(maps.Values(w.a.byID))
	w.checkCables(items)
	w.checkAstray(items)
	w.checkWaitLists(items)
	w.checkLeaving(items)
	w.checkAgenda(items)
	w.checkCounts("all", &w.a.all)
	for id, list := range w.a.projects {
		w.checkCounts("those of project "+id, list)
	}
	for id, list := range w.a.series {
		w.checkCounts("those of series "+id, list)
	}
}

// checkCounts compares what a list counts with what is on it.
func (w *world) checkCounts(name string, l *itemList) {
	w.Helper()
	size, active := 0, 0
	for _, b := range l.blocks {
		own := 0
		for _, it := range b.list {
			if it.state() == Active {
				own++
			}
		}
		if b.active != own {
			w.Fatalf("a block of %s counts %d active ones, and has %d", name, b.active, own)
		}
		size, active = size+len(b.list), active+own
	}
	if l.size != size || l.active != active {
		w.Fatalf("%s are counted as %d, %d active; there are %d, %d active", name, l.size, l.active, size, active)
	}
}

// checkCables compares the index of cables with the paths of all items.
func (w *world) checkCables(items []*item) {
	w.Helper()
	users := map[topology.LinkID]map[*item]bool{}
	for _, it := range items {
		if it.indexed != (it.live() && it.hasPath()) {
			w.Fatalf("%s, which is %s and has the path %v, is on the index: %v", it.id(), it.state(), it.path(), it.indexed)
		}
		if !it.indexed {
			continue
		}
		sound, cut := true, false
		own := it.path().Links()
		for i, l := range it.appendLinks(nil) {
			id := cableOf(l)
			if users[id] == nil {
				users[id] = map[*item]bool{}
			}
			users[id][it] = true
			c := w.a.cables.byID[id]
			if c == nil {
				w.Fatalf("the cable %s of %s is not on the index", id, it.id())
			}
			if i < len(own) { // else it is the backup's
				sound, cut = sound && c.state == 0, cut || c.state == severed
			}
		}
		if _, alive := path.Alive(w.a.seen, it.path()); alive != sound || path.Severed(w.a.seen, it.path()) != cut {
			w.Fatalf("%s is alive: %v, its cables are sound: %v; one is severed: %v", it.path(), alive, sound, cut)
		}
	}
	bySwitch := map[topology.PortID]int{}
	for id, c := range w.a.cables.byID {
		w.checkSet("the cable "+id.String(), &c.itemSet, items, func(it *item) bool { return users[id][it] })
		if c.id != id || c.size == 0 {
			w.Fatalf("the cable %s is kept as %s for %d items", c.id, id, c.size)
		}
		for _, it := range items {
			if c.uses(it) != users[id][it] {
				w.Fatalf("%s uses %s: %v", it.path(), id, c.uses(it))
			}
		}
		for _, port := range []topology.PortID{id.From, id.To} {
			if found := w.a.cables.at(port); port != topology.External && !slices.Contains(found, c) {
				w.Fatalf("%s does not end at %s, where %d others do", id, port, len(found))
			}
		}
		ends := map[topology.PortID]bool{{DPID: id.From.DPID}: id.From != topology.External, {DPID: id.To.DPID}: true}
		for d, yes := range ends {
			if yes {
				bySwitch[d]++
			}
		}
	}
	for d, list := range w.a.cables.bySwitch {
		if len(list) != bySwitch[d] || len(list) == 0 {
			w.Fatalf("%d cables end at switch %s, not %d", bySwitch[d], d.DPID, len(list))
		}
	}
	for id := range users {
		port := topology.PortID{DPID: id.To.DPID, Port: id.To.Port}
		for _, c := range w.a.cables.at(port) {
			if c.id.From != port && c.id.To != port {
				w.Fatalf("%s is said to end at %s", c.id, port)
			}
		}
	}
}

// checkSet checks that a set has the items that belong, and has not kept many
// others.
func (w *world) checkSet(name string, s *itemSet, items []*item, belongs func(*item) bool) {
	w.Helper()
	n := 0
	for _, it := range items {
		if belongs(it) {
			if n++; !slices.Contains(s.list, it) {
				w.Fatalf("%s: %s is missing", name, it.id())
			}
		}
	}
	if s.size != n || len(s.list) > 2*n+setSlack {
		w.Fatalf("%s has %d items, not %d, and keeps %d", name, n, s.size, len(s.list))
	}
}

// checkAstray compares the index of what is astray with where hosts are.
func (w *world) checkAstray(items []*item) {
	w.Helper()
	for _, it := range items {
		var ends [2]topology.PortID
		if it.indexed {
			ends = it.ends()
		}
		for i, side := range sidesOf(it.key()) {
			at, known := path.Home(w.a.seen, side)
			if it.astray[i] != (it.indexed && !(known && at == ends[i] && side.IsHost())) {
				w.Fatalf("%s is at %s, known: %v; it is astray of %s: %v", side, at, known, ends[i], it.astray[i])
			}
			if it.astray[i] && side.IsHost() && w.a.cables.astray[side] == nil {
				w.Fatalf("%s is not on the index of what is astray", side)
			}
			if it.astray[i] && !side.IsHost() && !slices.Contains(w.a.cables.wide.of(side, ends[i]), it) {
				w.Fatalf("%s is not on the index of prefixes", side)
			}
		}
	}
	for side, s := range w.a.cables.astray {
		w.checkSet("astray of "+side.String(), s, items, func(it *item) bool {
			k := it.key()
			return it.astray[0] && k.Src == side || it.astray[1] && k.Dst == side
		})
		if s.size == 0 || !side.IsHost() {
			w.Fatalf("nothing is astray of %s", side)
		}
	}
	for side, ends := range w.a.cables.wide {
		for at, s := range ends {
			w.checkSet(side.String()+" at "+at.String(), s, items, func(it *item) bool { return isAt(it, side, at) })
			if s.size == 0 || len(w.a.cables.wide.of(side, at)) != s.size || side.IsHost() {
				w.Fatalf("%d paths of %s end at %s", s.size, side, at)
			}
		}
		if len(ends) == 0 {
			w.Fatalf("no path of %s ends anywhere", side)
		}
	}
}

// checkWaitLists compares the lists of what waits with what all items wait for.
func (w *world) checkWaitLists(items []*item) {
	w.Helper()
	lists := []*waitList{&w.a.waiting.wiring, &w.a.waiting.any}
	for _, of := range [][]*waitList{
		slices.Collect(maps.Values(w.a.waiting.links)), slices.Collect(maps.Values(w.a.waiting.keys)),
		slices.Collect(maps.Values(w.a.waiting.projects)), slices.Collect(maps.Values(w.a.waiting.sides)),
	} {
		for _, c := range of {
			if c.size == 0 {
				w.Fatal("nothing waits, and a list is kept")
			}
		}
		lists = append(lists, of...)
	}
	for _, c := range lists {
		w.checkSet("a wait list", &c.itemSet, items, func(it *item) bool { return slices.Contains(it.waitsFor, c) })
		if c.dirty != slices.Contains(w.a.plan.dirty, c) {
			w.Fatalf("a list is to be looked at: %v; it is queued: %v", c.dirty, !c.dirty)
		}
	}
	for _, it := range items {
		for i, c := range it.waitsFor {
			if !slices.Contains(lists, c) || slices.Contains(it.waitsFor[:i], c) || !it.live() {
				w.Fatalf("%s, which is %s, waits on a list that is not kept, or twice", it.id(), it.state())
			}
		}
	}
}

// checkLeaving compares the index of what is leaving with all items, and the
// queue of what will have to leave.
func (w *world) checkLeaving(items []*item) {
	w.Helper()
	l, now := &w.a.leaving, w.a.nowNanos()
	links, pairs, counted := map[topology.LinkID]int{}, map[path.FlowKey]int{}, 0
	for _, it := range items {
		for _, n := range it.leaving {
			if n.circuit.Rate > 0 {
				for _, id := range n.circuit.Links() {
					links[cableOf(id)]++
				}
			}
			pairs[canonical(n.circuit.Key)]++
		}
		next := it.nextExpiry(now)
		if holds := len(it.network) > 0 || it.recedes(); holds && next != neverNanos && (it.expiresAt == 0 || it.expiresAt > next) {
			w.Fatalf("%s is looked at at %d, not at %d", it.id(), it.expiresAt, next)
		}
		if it.expiresAt != 0 {
			if counted++; len(it.network) == 0 && !it.recedes() || !slices.Contains(w.a.expiring.heap, expiry{it.expiresAt, it}) {
				w.Fatalf("%s has %d circuits, and is to be looked at at %d", it.id(), len(it.network), it.expiresAt)
			}
		}
	}
	if counted != w.a.expiring.size || len(w.a.expiring.heap) > 2*counted+65 {
		w.Fatalf("%d are in the network, not %d; %d are kept", counted, w.a.expiring.size, len(w.a.expiring.heap))
	}
	keys := 0
	for pair, of := range l.pairs {
		for k, n := range of {
			if keys++; hostsOf(k) != pair || pairs[k] != n || n == 0 {
				w.Fatalf("%d circuits with %v are leaving, not %d", pairs[k], k, n)
			}
		}
		if len(of) == 0 {
			w.Fatalf("nothing between %v is leaving", pair)
		}
	}
	for id, x := range l.links {
		if x.circuits != links[id] || x.circuits == 0 {
			w.Fatalf("%d circuits leave %s, not %d", links[id], id, x.circuits)
		}
	}
	if keys != len(pairs) || len(l.links) != len(links) {
		w.Fatalf("%d keys and %d cables are being left, not %d and %d", len(pairs), len(links), keys, len(l.links))
	}
	for pair := range l.queue {
		if l.pairs[pair] == nil {
			w.Fatalf("something waits for %v, which has left", pair)
		}
	}
}

// checkAgenda checks that all that is to be done is on the agenda, no later
// than it is due, now or when nothing but time has passed.
func (w *world) checkAgenda(items []*item) {
	w.Helper()
	now, on := w.a.nowNanos(), 0
	for _, it := range items {
		if it.agendaIndex >= 0 {
			if on++; w.a.agenda.minHeap[it.agendaIndex] != it {
				w.Fatalf("%s is not where it is said to be on the agenda", it.id())
			}
		}
		away := it.busy != nil || it.task
		if away && it.agendaIndex >= 0 {
			w.Fatalf("%s is being done, and on the agenda", it.id())
		}
		for later := range 10 {
			t := now + nanos(later)*nanos(time.Second)
			if _, at := it.nextAction(t); !away && at != neverNanos && (it.agendaIndex < 0 || it.due > at) {
				w.Fatalf("%s is due at %d as of %d, and looked at at %d", it.id(), at, t, it.due)
			}
		}
	}
	if on != len(w.a.agenda.minHeap) {
		w.Fatalf("%d are on the agenda, not %d", on, len(w.a.agenda.minHeap))
	}
	for i, it := range w.a.agenda.minHeap {
		if i > 0 && it.before(w.a.agenda.minHeap[(i-1)/2]) {
			w.Fatalf("%s goes before what is above it", it.id())
		}
	}
}

// checkDeparture checks that Due, which hands nothing out here, has noted all
// that is past its time.
func (w *world) checkDeparture() {
	w.Helper()
	w.a.Due(0)
	w.a.mu.Lock()
	defer w.a.mu.Unlock()
	now := w.a.nowNanos()
	for _, it := range w.a.byID {
		stale, runs := it.stale(now), it.record().circuitAt(w.now)
		if w.now < it.window().End && w.now >= it.window().Start && it.live() && it.hasPath() {
			for _, n := range it.leaving {
				if sameCircuit(n.circuit, runs) {
					w.Fatalf("the circuit that %s runs on is leaving", it.id())
				}
			}
		} else if len(it.leaving) != len(it.network) {
			w.Fatalf("%s should not be in the network; of %d circuits %d are leaving", it.id(), len(it.network), len(it.leaving))
		}
		if !slices.EqualFunc(it.leaving, stale, func(a, b installed) bool { return a.window == b.window && sameCircuit(a.circuit, b.circuit) }) {
			w.Fatalf("of %s %+v is leaving, not %+v", it.id(), stale, it.leaving)
		}
	}
}
