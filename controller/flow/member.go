package flow

import (
	"slices"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// member is a circuit as it is wanted, and what follows from it everywhere.
type member struct {
	id       string
	handle   uint32
	listed   []path.Circuit
	switches []openflow.DPID
	held     map[topology.PortID]bitrate.Rate // see claims
	cables   []topology.LinkID                // with a rate, in one direction
	shared   int                              // of these, how many another circuit with a rate uses too
	parts    []*part                          // in the switches that are watched
}

// part is what a circuit contributes to one switch.
type part struct {
	site   *site
	rules  []*Rule
	meters []namedMeter
}

type namedMeter struct {
	id openflow.MeterID
	Meter
}

func newMember(id string) *member { return &member{id: id} }

// part returns what the circuit contributes to a switch; nil if that is
// nothing.
func (m *member) part(s *site) *part {
	for _, p := range m.parts {
		if p.site == s {
			return p
		}
	}
	return nil
}

// setPart replaces what the circuit contributes to a switch; nil is nothing.
func (m *member) setPart(s *site, now *part) {
	m.parts = slices.DeleteFunc(m.parts, func(p *part) bool { return p.site == s })
	if now != nil {
		m.parts = append(m.parts, now)
	}
}

// list sets how the circuit is wanted.
func (m *member) list(listed []path.Circuit) {
	m.listed, m.switches, m.cables = listed, nil, nil
	m.held = claims(listed)
	if len(listed) > 0 {
		m.handle = listed[0].Handle
	}
	for _, c := range listed {
		for _, h := range c.Path {
			if !slices.Contains(m.switches, h.DPID) {
				m.switches = append(m.switches, h.DPID)
			}
		}
		if c.Rate == 0 {
			continue
		}
		for _, l := range c.Path.Links() {
			if l = cable(l); !slices.Contains(m.cables, l) {
				m.cables = append(m.cables, l)
			}
		}
	}
}

// cable names a link and its reverse alike: a circuit is on both.
func cable(l topology.LinkID) topology.LinkID {
	if back := l.Reverse(); topology.CompareLinks(back, l) < 0 {
		return back
	}
	return l
}

// uses reports whether a path of the circuit uses one of these ports.
func (m *member) uses(dpid openflow.DPID, ports map[openflow.PortNo]bool) bool {
	for _, c := range m.listed {
		for _, h := range c.Path {
			if h.DPID == dpid && (ports[h.In] || ports[h.Out]) {
				return true
			}
		}
	}
	return false
}

// unratedAt reports whether a path of the circuit without a rate uses one of
// these ports.
func (m *member) unratedAt(dpid openflow.DPID, ports map[openflow.PortNo]bool) bool {
	return slices.ContainsFunc(m.listed, func(c path.Circuit) bool { return c.Rate == 0 }) && m.uses(dpid, ports)
}

// touchMember has the rules of a circuit made again in all its switches.
func (w *Wanted) touchMember(m *member) {
	for _, dpid := range m.switches {
		if s := w.touch(dpid); s != nil {
			s.members[m] = true
		}
	}
}

// claim enters a circuit wherever it counts.
func (w *Wanted) claim(m *member) {
	for _, dpid := range m.switches {
		if w.passing[dpid] == nil {
			w.passing[dpid] = map[*member]bool{}
		}
		w.passing[dpid][m] = true
	}
	for p, rate := range m.held {
		w.reserve(p, rate, 1)
	}
	m.shared = 0
	for _, l := range m.cables {
		users := w.users[l]
		if users == nil {
			users = map[*member]bool{}
			w.users[l] = users
		}
		if len(users) == 1 {
			for other := range users {
				w.share(other, 1)
			}
		}
		if users[m] = true; len(users) > 1 {
			m.shared++
		}
	}
}

// release undoes claim.
func (w *Wanted) release(m *member) {
	for _, dpid := range m.switches {
		if delete(w.passing[dpid], m); len(w.passing[dpid]) == 0 {
			delete(w.passing, dpid)
		}
	}
	for p, rate := range m.held {
		w.reserve(p, rate, -1)
	}
	for _, l := range m.cables {
		users := w.users[l]
		switch delete(users, m); len(users) {
		case 0:
			delete(w.users, l)
		case 1:
			for other := range users {
				w.share(other, -1)
			}
		}
	}
}

// share counts a cable that a circuit has begun or ceased to share.
func (w *Wanted) share(m *member, by int) {
	before := m.shared > 0
	if m.shared += by; before != (m.shared > 0) {
		w.touchMember(m)
	}
}

// reserve adds to what is held of a port, or takes away from it.
func (w *Wanted) reserve(p topology.PortID, rate bitrate.Rate, by int) {
	ports := w.reserved[p.DPID]
	if ports == nil {
		ports = map[openflow.PortNo]bitrate.Rate{}
		w.reserved[p.DPID] = ports
	}
	if by > 0 {
		ports[p.Port] += rate
	} else if ports[p.Port] -= rate; ports[p.Port] == 0 {
		delete(ports, p.Port)
	}
	if s := w.touch(p.DPID); s != nil {
		s.limits = true
	}
}
