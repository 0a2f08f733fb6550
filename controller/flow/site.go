package flow

import (
	"slices"

	"conga/controller/topology"
	"conga/openflow"
)

// site is a switch whose state is kept: what its rules were made from last, and
// what has changed since.
type site struct {
	dpid       openflow.DPID
	view       *view
	rules      map[openflow.EntryKey]*Rule // of view.base
	contenders map[openflow.EntryKey]*contender
	meters     map[openflow.MeterID][]policed
	groups     map[openflow.GroupID]*siteGroup
	roster     roster

	touched           bool // something of what follows
	base, limits, all bool // ports, tree or tables; reservations; everything about hosts
	members           map[*member]bool
	policers          map[*member]bool // circuits whose policers alone may be others
	stations          map[*station]bool
	ports             map[openflow.PortNo]bool
	left              map[openflow.EntryKey]bool // rules about hosts that have left a port

	hops     []hop                             // by the slots of hosts
	asked    []asked                           // of these, what is not confirmed, in order
	lapses   map[*station]bool                 // hosts whose entry is not there as it should be; true: it is refused
	far      map[openflow.PortNo]openflow.DPID // the switch to which each port led last
	compared bool                              // it is known what the switch held when it was watched
	gone     bool                              // it is not watched any more
}

// policed is a circuit that wants a policer, in the order of contenders.
type policed struct {
	member *member
	Meter
}

func newSite(dpid openflow.DPID) *site {
	return &site{
		dpid: dpid, rules: map[openflow.EntryKey]*Rule{}, contenders: map[openflow.EntryKey]*contender{}, meters: map[openflow.MeterID][]policed{}, groups: map[openflow.GroupID]*siteGroup{},
		members: map[*member]bool{}, policers: map[*member]bool{}, stations: map[*station]bool{},
		ports: map[openflow.PortNo]bool{}, left: map[openflow.EntryKey]bool{}, lapses: map[*station]bool{}, far: map[openflow.PortNo]openflow.DPID{},
	}
}

// refresh makes again what has changed and adds to p how the state has.
func (w *Wanted) refresh(s *site, p Patch) {
	w.refreshView(s, p)
	w.enrol(s)
	for m := range s.members {
		w.refreshMember(s, m, p)
		delete(s.policers, m)
	}
	clear(s.members)
	for m := range s.policers {
		if part := m.part(s); part != nil {
			was := part.meters
			part.meters = s.makePolicers(s.view, m)
			s.replaceMeters(m, was, part.meters, p)
		}
	}
	clear(s.policers)
	for k := range s.left {
		p.Rules[k] = nil
	}
	clear(s.left)
	w.refreshHosts(s, p)
}

// refreshView makes the view and the base rules again if they may be others.
func (w *Wanted) refreshView(s *site, p Patch) {
	if !s.base && !s.limits {
		return
	}
	old := s.view
	if s.base || old == nil {
		s.view = newView(w.policy, w.snapshot.Switches[s.dpid], w.snapshot.Tree, w.reserved[s.dpid])
	} else {
		s.view = old.reserving(w.reserved[s.dpid])
	}
	if s.base || old.flood != s.view.flood {
		s.replaceBase(s.view.base(), p)
		for x := range w.homes[s.dpid] {
			if !usable(s.view.sw.Ports[x.at.Port]) {
				s.stations[x] = true
			}
		}
	}
	switch {
	case old == nil:
		old = &view{}
	case old.hostTable() != s.view.hostTable():
		w.leaveTable(s, old)
	}
	for id, m := range s.view.meters {
		if was, ok := old.meters[id]; !ok || was != m {
			p.Meters[id] = &m
		}
	}
	for id := range old.meters {
		if _, ok := s.view.meters[id]; !ok {
			p.Meters[id] = nil
		}
	}
	s.regroup(p)
	w.relimit(s, old)
	s.base, s.limits = false, false
}

// relimit notes the ports that have or lose a best-effort meter.
func (w *Wanted) relimit(s *site, old *view) {
	turned := map[openflow.PortNo]bool{}
	for no, id := range s.view.limits {
		if old.limits[no] != id {
			turned[no] = true
		}
	}
	for no := range old.limits {
		if _, ok := s.view.limits[no]; !ok {
			turned[no] = true
		}
	}
	if len(turned) == 0 {
		return
	}
	for no := range turned {
		s.ports[no] = true
	}
	for m := range w.passing[s.dpid] {
		if m.unratedAt(s.dpid, turned) {
			s.members[m] = true
		}
	}
}

// leaveTable notes the rules about hosts as they were with an old view, which
// had them in other tables.
func (w *Wanted) leaveTable(s *site, old *view) {
	leave := func(x *station) {
		s.left[x.toKey(old)] = true
		if x.at.DPID == s.dpid {
			s.left[fromKey(x.id, x.at.Port)] = true
		}
		if x.beside.DPID == s.dpid {
			s.left[besideKey(x)] = true
		}
		if x.second.DPID == s.dpid {
			s.left[secondKey(x)] = true
		}
	}
	for _, x := range w.stations {
		leave(x)
	}
	for x := range s.stations { // some of them have gone
		leave(x)
	}
}

func (s *site) replaceBase(base []*Rule, p Patch) {
	now := make(map[openflow.EntryKey]*Rule, len(base))
	for _, r := range base {
		k := r.Key()
		if was := s.rules[k]; was != nil && was.Equal(r) {
			r = was
		} else {
			p.Rules[k] = r
		}
		now[k] = r
	}
	for k := range s.rules {
		if now[k] == nil {
			p.Rules[k] = nil
		}
	}
	s.rules = now
}

// refreshMember makes the rules of a circuit again.
func (w *Wanted) refreshMember(s *site, m *member, p Patch) {
	old, now := m.part(s), &part{}
	if slices.Contains(m.switches, s.dpid) && w.members[m.id] == m {
		now = s.makePart(s.view, m)
		m.setPart(s, now)
	} else {
		m.setPart(s, nil)
	}
	if old == nil {
		old = &part{}
	}
	s.replaceRules(m, old, now, p)
	s.replaceMeters(m, old.meters, now.meters, p)
	s.replaceGroups(old.groups, now.groups, p)
}

// makePart returns what a circuit contributes to the switch, by a view of it.
func (s *site) makePart(v *view, m *member) *part {
	now := &part{site: s}
	var room [8]Rule
	list := room[:0]
	for _, c := range m.listed {
		v.circuit(c, m.vlansFrom(c.Key), m.shared > 0 && s.roster.has(m.handle), m.allSelections, func(r Rule) {
			list = append(list, r)
			if id := r.group(); id != 0 && !slices.Contains(now.groups, id) {
				now.groups = append(now.groups, id)
			}
		})
	}
	made := slices.Clone(list) // no more than there are: a switch may have many parts
	now.rules = make([]*Rule, len(made))
	for i := range made {
		now.rules[i] = &made[i]
	}
	now.meters = s.makePolicers(v, m)
	return now
}

// makePolicers returns the policers of a circuit in the switch, by a view of
// it.
func (s *site) makePolicers(v *view, m *member) (meters []namedMeter) {
	if m.shared == 0 || !s.roster.has(m.handle) {
		return nil
	}
	for _, c := range m.listed {
		v.policers(c, m.least, func(id openflow.MeterID, x Meter) { meters = append(meters, namedMeter{id, x}) })
	}
	return meters
}

func (s *site) replaceMeters(m *member, old, now []namedMeter, p Patch) {
	if len(old)+len(now) == 0 {
		return
	}
	had := map[openflow.MeterID]*Meter{}
	note := func(id openflow.MeterID) {
		if _, noted := had[id]; !noted {
			had[id] = s.policer(id)
		}
	}
	for _, x := range old {
		note(x.id)
		rest := slices.DeleteFunc(s.meters[x.id], func(c policed) bool { return c.member == m })
		if s.meters[x.id] = rest; len(rest) == 0 {
			delete(s.meters, x.id)
		}
	}
	for _, x := range now {
		note(x.id)
		list := s.meters[x.id]
		i := 0
		for i < len(list) && list[i].member.handle <= m.handle {
			i++
		}
		s.meters[x.id] = slices.Insert(list, i, policed{m, x.Meter})
	}
	for id, was := range had {
		if is := s.policer(id); (was == nil) != (is == nil) || was != nil && *was != *is {
			p.Meters[id] = is
		}
	}
}

// policer returns the policer with this identifier; nil if there is none.
func (s *site) policer(id openflow.MeterID) *Meter {
	if list := s.meters[id]; len(list) > 0 {
		m := list[0].Meter
		return &m
	}
	return nil
}

// refreshHosts makes the rules of hosts again that may be others.
func (w *Wanted) refreshHosts(s *site, p Patch) {
	for x := range s.stations {
		if w.stations[x.id] == x { // else it has gone before anything was asked for
			w.refreshHost(s, x, p)
		}
	}
	if s.all || len(s.ports) > 0 {
		for _, x := range w.slots {
			if x != nil && (s.all || s.ports[s.hopOf(x).port] || s.sendsBy(x.beside) || s.sendsBy(x.second)) {
				w.refreshHost(s, x, p)
			}
		}
	}
	s.all = false
	clear(s.stations)
	clear(s.ports)
}

// sendsBy reports whether a port by which a host may send, besides its own, is
// one of those that have changed here.
func (s *site) sendsBy(at topology.PortID) bool { return at.DPID == s.dpid && s.ports[at.Port] }

func (w *Wanted) refreshHost(s *site, x *station, p Patch) {
	if x.at.DPID == s.dpid {
		p.Rules[fromKey(x.id, x.at.Port)] = s.view.fromHost(x, x.at.Port)
	}
	if x.beside.DPID == s.dpid {
		p.Rules[besideKey(x)] = s.view.beside(x)
	}
	if x.second.DPID == s.dpid {
		p.Rules[secondKey(x)] = s.view.fromSecond(x)
	}
	p.Rules[x.toKey(s.view)] = s.view.toHost(x, s.hopOf(x).port)
}
