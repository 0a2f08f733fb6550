package flow

import (
	"slices"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// usage is what circuits with a rate make of a port.
type usage struct {
	circuits int
	reserved bitrate.Rate
	beyond   bitrate.Rate            // what the circuits get beyond their rates
	lent     bitrate.Rate            // of that, what they get beyond their portions; see loan.go
	best     bestLoad                // what best effort had to carry
	portion  uint32                  // see Policy.portion
	resized  bool                    // it is in Wanted.resized
	members  [steps]map[*member]bool // by the steps that they have
}

// usage returns what circuits make of a port.
func (w *Wanted) usage(p topology.PortID) *usage {
	ports := w.usages[p.DPID]
	if ports == nil {
		ports = map[openflow.PortNo]*usage{}
		w.usages[p.DPID] = ports
	}
	u := ports[p.Port]
	if u == nil {
		u = &usage{}
		ports[p.Port] = u
	}
	return u
}

// each calls f with each circuit that uses the port.
func (u *usage) each(f func(*member)) {
	for _, members := range u.members {
		for m := range members {
			f(m)
		}
	}
}

// A use is what a circuit holds of a port.
type use struct {
	port topology.PortID
	egress
	of *usage // there from join to leave
}

// usesOf returns what heldRates does, as a list.
func usesOf(listed []path.Circuit) (uses []use) {
	for i := range listed {
		c := &listed[i]
		uses = slices.Grow(uses, 2*len(c.Path))
		for by, rate := range c.Egress() {
			i := slices.IndexFunc(uses, func(u use) bool { return u.port == by.PortID })
			if i < 0 {
				i, uses = len(uses), append(uses, use{port: by.PortID})
			}
			uses[i].reserve(by, rate)
		}
	}
	return uses
}

// resize notes that circuits of a port may have another portion.
func (w *Wanted) resize(p topology.PortID, u *usage) {
	if !u.resized {
		u.resized = true
		w.resized[p] = true
	}
}

// join enters a circuit at a port that it uses.
func (w *Wanted) join(m *member, x *use) {
	u := w.usage(x.port)
	x.of = u
	if u.circuits == 1 {
		u.each(func(other *member) { w.share(other, 1) })
	}
	members := &u.members[m.handle%steps]
	if *members == nil {
		*members = map[*member]bool{}
	}
	(*members)[m] = true
	u.reserved += x.rate
	if u.circuits++; u.circuits > 1 {
		m.shared++
	}
	w.resize(x.port, u)
}

// leave undoes join.
func (w *Wanted) leave(m *member, x *use) {
	u, p := x.of, x.port
	x.of = nil
	delete(u.members[m.handle%steps], m)
	u.reserved -= x.rate
	switch u.circuits--; u.circuits {
	case 0:
		if delete(w.usages[p.DPID], p.Port); len(w.usages[p.DPID]) == 0 {
			delete(w.usages, p.DPID)
		}
		delete(w.resized, p)
		return
	case 1:
		u.each(func(other *member) { w.share(other, -1) })
	}
	w.resize(p, u)
}

// share counts a port that a circuit has begun or ceased to share.
func (w *Wanted) share(m *member, by int) {
	before := m.shared > 0
	if m.shared += by; before != (m.shared > 0) {
		w.touchMember(m)
		w.unsettled[m] = true
		if !before {
			w.joined = append(w.joined, m)
		}
	}
}

// settle gives new circuits the portions that follow from how ports are used.
// Those of others are put off until [Wanted.CatchUp], as long as best effort
// can make up for it: where many circuits move, portions change with each.
func (w *Wanted) settle() {
	if w.taken {
		clear(w.lowered)
		w.taken = false
	}
	for p := range w.resized {
		u, was := w.usage(p), uint32(0)
		was, u.portion = u.portion, w.portion(p, u)
		for class, members := range u.members {
			if stepped(was, uint32(class)) == stepped(u.portion, uint32(class)) {
				continue
			}
			for m := range members {
				w.unsettled[m] = true
			}
		}
	}
	for m := range w.unsettled {
		portion, had := w.portionOf(m), max(m.portion, m.before)
		if had != 0 && portion != 0 && portion != had {
			portion = had
			w.later[m] = true
		}
		m.before = 0
		w.grant(m, portion, m.lent)
	}
	for p := range w.resized {
		u := w.usage(p)
		if u.resized = false; w.tight(p, u) {
			u.each(func(m *member) { w.grant(m, min(m.portion, stepped(u.portion, m.handle)), m.lent) })
		}
	}
	for p := range w.resized {
		w.recall(p)
	}
	clear(w.resized)
	clear(w.unsettled)
}

// tight reports whether the circuits of a port must not have more than the
// portions that follow from its use. With few that costs nothing; of more, best
// effort gives up what they have, and most of the spare part at most.
func (w *Wanted) tight(p topology.PortID, u *usage) bool {
	port, known := w.snapshot.Switches[p.DPID].Ports[p.Port]
	return known && (u.circuits <= fewCircuits || u.beyond-u.lent > mostGivenUp(w.policy.spare(port, u.reserved)))
}

// PutOff reports whether circuits may have other portions than those that
// follow from how ports are used.
func (w *Wanted) PutOff() bool { return len(w.later) > 0 }

// CatchUp gives circuits the portions that were put off. Then what is kept is
// what [Compile] returns.
func (w *Wanted) CatchUp() {
	w.settle()
	for m := range w.later {
		w.grant(m, w.portionOf(m), m.lent)
	}
	clear(w.later)
}

// portion returns what each circuit may have of a port beyond its rate.
func (w *Wanted) portion(p topology.PortID, u *usage) uint32 {
	port, known := w.snapshot.Switches[p.DPID].Ports[p.Port]
	if !known {
		return unlimited
	}
	return w.policy.portion(port, u.reserved, u.circuits)
}

// portionOf returns the portion of a circuit: what its policers let through at
// least, whatever is lent to it.
func (w *Wanted) portionOf(m *member) uint32 {
	portion := uint32(unlimited)
	for i := range m.held {
		if u := m.held[i].of; m.shared > 0 && u.portion != unlimited {
			portion = min(portion, stepped(u.portion, m.handle))
		}
	}
	if portion == unlimited {
		return 0
	}
	return portion
}

// grant sets what the policers of a circuit let through at least: its portion,
// or what is lent to it.
func (w *Wanted) grant(m *member, portion uint32, lent PerDirection) {
	if m.shared == 0 {
		portion, lent = 0, PerDirection{} // it has no policers
	}
	was, least := m.least, PerDirection{max(portion, lent[forward]), max(portion, lent[reverse])}
	for i := range m.held { // what is added wraps where it becomes less
		u := &m.held[i]
		u.of.lent += u.beyond(least) - beyond(u.rate, portion) - u.beyond(was) + beyond(u.rate, m.portion)
		w.exceed(u, u.beyond(least)-u.beyond(was))
	}
	more := portion > m.portion
	if m.portion, m.lent, m.least = portion, lent, least; was == least {
		return
	}
	if more {
		for i := range m.held {
			w.recall(m.held[i].port)
		}
	}
	for i := range m.listed {
		c := &m.listed[i]
		for d, rate := range [directions]bitrate.Rate{c.Rate, c.Back()} {
			if len(c.Path) == 0 || beyond(rate, was[d]) == beyond(rate, least[d]) {
				continue
			}
			dpid := enters(c, direction(d))
			if s := w.touch(dpid); s != nil {
				s.policers[m] = true
			}
			if least[d] < was[d] {
				w.lower(m, dpid)
			}
		}
	}
}

// lower notes a switch that has to lower a policer, for the circuits whose
// coming may be why.
func (w *Wanted) lower(m *member, dpid openflow.DPID) {
	for i := range m.held {
		p := m.held[i].port
		if !w.resized[p] {
			continue
		}
		if w.lowered[p] == nil {
			w.lowered[p] = map[openflow.DPID]bool{}
		}
		w.lowered[p][dpid] = true
	}
}

// Lowered returns the switches that have to lower the policers of others, as of
// the last [Wanted.Take], because a circuit uses the same ports. Until they
// have, the meters of a link may let through more than its capacity.
func (w *Wanted) Lowered(id string) (dpids []openflow.DPID) {
	m := w.members[id]
	if m == nil || len(w.lowered) == 0 {
		return nil
	}
	seen := map[openflow.DPID]bool{}
	for i := range m.held {
		for dpid := range w.lowered[m.held[i].port] {
			if !seen[dpid] {
				seen[dpid] = true
				dpids = append(dpids, dpid)
			}
		}
	}
	return dpids
}

// exceed adds to what circuits get of a port beyond their rates.
func (w *Wanted) exceed(x *use, more bitrate.Rate) {
	u := x.of
	was := givenUp(u.beyond)
	u.beyond += more
	if is := givenUp(u.beyond); is != was {
		w.reserve(x.port, is-was)
	}
}

// reserve adds to what best effort leaves to circuits on a port.
func (w *Wanted) reserve(p topology.PortID, more bitrate.Rate) {
	ports := w.reserved[p.DPID]
	if ports == nil {
		ports = map[openflow.PortNo]bitrate.Rate{}
		w.reserved[p.DPID] = ports
	}
	if ports[p.Port] += more; ports[p.Port] == 0 {
		delete(ports, p.Port)
	}
	if u := w.usages[p.DPID][p.Port]; u != nil {
		u.best.stirred = true
	}
	if s := w.touch(p.DPID); s != nil {
		s.limits = true
	}
}
