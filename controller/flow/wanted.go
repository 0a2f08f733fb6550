package flow

import (
	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// Wanted is what switches should hold, kept while the network and the circuits
// change: it is what [Compile] returns, at the cost of what has changed, but
// for portions that are put off; see [Wanted.CatchUp]. What is lent does not
// follow from the network; see [Wanted.Lend].
//
// Everything that contributes to a switch's rules (its ports and the tree, a
// host, a circuit) is noted as changed for just the switches that it touches,
// and only these rules are made again. Wanted is not safe for concurrent use.
type Wanted struct {
	policy   Policy
	snapshot *topology.Snapshot
	routes   *Routes

	stations map[topology.HostID]*station
	slots    []*station // the same, by their slots; nil: free
	free     []int
	homes    map[openflow.DPID]map[*station]bool // by the switch where they are

	work      []target                            // hops to be decided; see spread.go
	diverted  []target                            // that lead to another switch than they did
	away      map[openflow.DPID][]openflow.PortNo // what switches held that are not watched any more; see away.go
	lingering map[target]bool                     // entries that have to stay while others lead to them
	ease      easing                              // see ease.go
	refusals  int                                 // how many entries towards hosts are refused
	epoch     uint32                              // in which a way that was found whole is so still

	members  map[string]*member // circuits, by ID
	passing  map[openflow.DPID]map[*member]bool
	batch    int                                                // manyParts, but in tests
	rivals   map[subject][]*member                              // see corner.go
	compared uint64                                             // how often circuits were compared for corners
	sides    map[path.Prefix]map[*member]bool                   // by each host or prefix of their traffic
	lengths  path.PrefixLengths                                 // of these
	reserved map[openflow.DPID]map[openflow.PortNo]bitrate.Rate // what best effort leaves to circuits
	usages   map[openflow.DPID]map[openflow.PortNo]*usage

	resized   map[topology.PortID]bool                   // ports of which circuits may have another portion
	unsettled map[*member]bool                           // circuits that may have another portion
	later     map[*member]bool                           // circuits whose portion was put off
	loans     map[*member]bool                           // circuits that have, or ask for, a loan
	arrived   []*member                                  // circuits that have come; see LendAtFirst
	joined    []*member                                  // circuits that were alone on their ports; see LendAtFirst
	lowered   map[topology.PortID]map[openflow.DPID]bool // see Lowered
	taken     bool                                       // lowered is of what was taken

	sites   map[openflow.DPID]*site
	changed map[*site]bool
}

// NewWanted returns what is wanted of an empty network without circuits.
func NewWanted(p Policy) *Wanted {
	empty := &topology.Snapshot{}
	return &Wanted{
		policy: p, snapshot: empty, routes: NewRoutes(empty),
		stations: map[topology.HostID]*station{}, homes: map[openflow.DPID]map[*station]bool{}, lingering: map[target]bool{}, away: map[openflow.DPID][]openflow.PortNo{}, epoch: 1,
		members: map[string]*member{}, passing: map[openflow.DPID]map[*member]bool{}, batch: manyParts,
		reserved: map[openflow.DPID]map[openflow.PortNo]bitrate.Rate{},
		usages:   map[openflow.DPID]map[openflow.PortNo]*usage{},
		rivals:   map[subject][]*member{}, sides: map[path.Prefix]map[*member]bool{},
		resized: map[topology.PortID]bool{}, unsettled: map[*member]bool{}, later: map[*member]bool{}, loans: map[*member]bool{}, lowered: map[topology.PortID]map[openflow.DPID]bool{},
		sites: map[openflow.DPID]*site{}, changed: map[*site]bool{},
	}
}

// Routes returns the routes of best effort. They belong to w: only w changes
// them.
func (w *Wanted) Routes() *Routes { return w.routes }

// Unwatch ends keeping the state of a switch.
func (w *Wanted) Unwatch(dpid openflow.DPID) {
	s := w.sites[dpid]
	if s == nil {
		return
	}
	s.gone = true
	w.epoch++
	w.leaveAway(s)
	for slot, h := range s.hops {
		if x := w.slots[slot]; h.live() {
			x.live--
			w.dropStation(x)
		}
	}
	for _, refused := range s.lapses {
		if refused {
			w.refusals--
		}
	}
	w.dueLingering()
	for m := range w.passing[dpid] {
		m.setPart(s, nil)
	}
	for m := range s.members { // that have gone elsewhere, and of which that was not taken
		m.setPart(s, nil)
	}
	delete(w.sites, dpid)
	delete(w.changed, s)
}

// Take calls f with what has changed since the last call for each switch that
// is watched. It is the state of a generation, which is confirmed with
// [Wanted.Confirmed]: what waits for that is taken later.
func (w *Wanted) Take(generation uint64, f func(openflow.DPID, Patch)) {
	w.settle()
	w.spread(generation)
	w.taken = true
	for s := range w.changed {
		p := newPatch(8 * len(s.members))
		if w.refresh(s, p); !p.Empty() {
			f(s.dpid, p)
		}
	}
	for s := range w.changed {
		s.touched = false
	}
	clear(w.changed)
}

// touch notes that something has changed for a switch, and returns its site;
// nil if it is not watched.
func (w *Wanted) touch(dpid openflow.DPID) *site {
	s := w.sites[dpid]
	if s != nil && !s.touched {
		s.touched = true
		w.changed[s] = true
	}
	return s
}

// SetNetwork makes a snapshot the network that everything follows from.
func (w *Wanted) SetNetwork(now *topology.Snapshot) {
	old := w.snapshot
	d, ok := now.Since(old.Revision)
	if !ok {
		d = topology.Diff(old, now)
	}
	w.snapshot = now
	for _, id := range d.Hosts {
		w.moveHost(id)
	}
	w.lookAtEnds(old, d.Hosts)
	w.reroute(d.Links)
	for _, dpid := range d.Switches {
		w.changeSwitch(dpid, old.Switches[dpid], now.Switches[dpid])
	}
	for _, id := range d.Tree {
		if s := w.touch(id.DPID); s != nil {
			s.base = true
		}
	}
}

// reroute takes note that links have changed.
func (w *Wanted) reroute(links []topology.PortID) {
	if len(links) == 0 {
		return
	}
	w.epoch++
	w.dueLingering()
	w.routes.Update(w.snapshot, links, func(from, to openflow.DPID) {
		if s := w.sites[from]; s != nil {
			for x := range w.homes[to] {
				w.due(s, x)
			}
		}
	})
	for _, id := range links {
		if l, ok := w.snapshot.Links[id]; ok {
			w.relink(id, l.ID.To.DPID)
		}
	}
}

// moveHost takes note that a host has come, gone or moved.
func (w *Wanted) moveHost(id topology.HostID) {
	at := topology.External
	h, there := w.snapshot.Hosts.Get(id)
	if there {
		at = h.At
	}
	x := w.stations[id]
	if x != nil {
		w.moveBeside(x, h.Beside)
		w.moveSecond(x, h.Second)
	}
	switch {
	case x == nil && at == topology.External, x != nil && x.at == at:
		return
	case x == nil:
		x = w.addStation(id)
		w.moveBeside(x, h.Beside)
		w.moveSecond(x, h.Second)
	case x.at != topology.External:
		w.leaveHome(x)
	}
	if x.at = at; at != topology.External {
		if w.homes[at.DPID] == nil {
			w.homes[at.DPID] = map[*station]bool{}
		}
		w.homes[at.DPID][x] = true
		if s := w.touch(at.DPID); s != nil {
			s.stations[x] = true
			w.due(s, x)
		}
	}
	if x.live > 0 {
		w.epoch++
		for _, s := range w.sites {
			w.due(s, x)
		}
	}
	w.dropStation(x)
}

// moveBeside takes note of where the host is that has the Ethernet address of
// one in all other VLANs.
func (w *Wanted) moveBeside(x *station, at topology.PortID) {
	if x.beside == at {
		return
	}
	if s := w.touch(x.beside.DPID); s != nil {
		s.left[besideKey(x)] = true
	}
	x.beside = at
	if s := w.touch(at.DPID); s != nil {
		s.stations[x] = true
	}
}

// moveSecond takes note of the second port of a host.
func (w *Wanted) moveSecond(x *station, at topology.PortID) {
	if x.second == at {
		return
	}
	if s := w.touch(x.second.DPID); s != nil {
		s.left[secondKey(x)] = true
	}
	x.second = at
	if s := w.touch(at.DPID); s != nil {
		s.stations[x] = true
	}
}

func (w *Wanted) leaveHome(x *station) {
	home := w.homes[x.at.DPID]
	if delete(home, x); len(home) == 0 {
		delete(w.homes, x.at.DPID)
		w.routes.Forget(x.at.DPID)
	}
	if s := w.touch(x.at.DPID); s != nil {
		s.left[fromKey(x.id, x.at.Port)] = true
	}
}

// changeSwitch takes note that a switch or its ports have changed.
func (w *Wanted) changeSwitch(dpid openflow.DPID, old, now topology.Switch) {
	if now.Ports == nil { // it is forgotten
		delete(w.away, dpid)
	}
	for no := range w.usages[dpid] {
		w.resized[topology.PortID{DPID: dpid, Port: no}] = true
	}
	s := w.touch(dpid)
	if s == nil {
		return
	}
	s.base = true
	if old.Tables != now.Tables || old.Meters != now.Meters || old.Lacks != now.Lacks {
		s.all = true
		for m := range w.passing[dpid] {
			s.members[m] = true
		}
		return
	}
	turned := map[openflow.PortNo]bool{} // ports whose circuits' rules are others
	look := func(no openflow.PortNo) {
		p, q := old.Ports[no], now.Ports[no]
		if usable(p) != usable(q) || p.Up != q.Up || p.Role != q.Role {
			s.ports[no] = true
		}
		if !sameQueue(p.Queue, q.Queue) {
			turned[no] = true
		}
	}
	for no := range old.Ports {
		look(no)
	}
	for no := range now.Ports {
		if _, had := old.Ports[no]; !had {
			look(no)
		}
	}
	if len(turned) == 0 {
		return
	}
	for m := range w.passing[dpid] {
		if m.uses(dpid, turned) {
			s.members[m] = true
		}
	}
}

func sameQueue(a, b *uint32) bool { return a == b || a != nil && b != nil && *a == *b }

// SetCircuit makes a circuit wanted as it is listed: once, or, while it moves,
// with all its paths in order of precedence. Not listed at all it is not wanted
// any more. Circuits with lower handles precede others.
func (w *Wanted) SetCircuit(id string, listed []path.Circuit) {
	m := w.members[id]
	if m == nil {
		if len(listed) == 0 {
			return
		}
		m = newMember(id)
		w.members[id] = m
		w.arrived = append(w.arrived, m)
	}
	was, before, shared := m.listed, m.switches, m.shared > 0
	w.release(m)
	m.list(listed)
	w.pass(m, before)
	w.rival(m, was)
	w.setEnds(m)
	if len(listed) == 0 {
		delete(w.members, id)
	} else {
		w.occupy(m)
	}
	all := shared != (m.shared > 0)
	if all && !shared && len(was) > 0 {
		w.joined = append(w.joined, m)
	}
	for _, list := range [...][]openflow.DPID{before, m.switches} {
		for _, dpid := range list {
			if all || !sameVisits(was, listed, dpid) {
				w.touchMemberAt(m, dpid)
			}
		}
	}
	w.touchPolicers(m) // they depend on all of its path
}
