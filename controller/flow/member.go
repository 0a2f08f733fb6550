package flow

import (
	"slices"

	"conga/bitrate"
	"conga/controller/path"
	"conga/openflow"
)

// member is a circuit as it is wanted, and what follows from it everywhere.
type member struct {
	id        string
	handle    uint32
	listed    []path.Circuit
	switches  []openflow.DPID
	held      []use
	shared    int           // how many of these ports another circuit with a rate uses too, or best effort contests
	contested bool          // one of these is best effort's; see contest.go
	least     PerDirection  // what its policers let through at least
	portion   uint32        // of that, what it has anyhow; see Policy.portion
	lent      PerDirection  // what they let through if that is more; see loan.go
	before    uint32        // portion, before it was listed anew; 0: settled since
	demand    *demand       // of what is lent; nil: none
	parts     []*part       // in the switches that are watched
	selected  []selected    // see selections
	corners   []corner      // that it has before others
	apart     []apart       // hosts that are not behind an end of one of its paths
	vlans     []tagged      // where the tags of its traffic change
	sides     []path.Prefix // of its keys, each once
}

// part is what a circuit contributes to one switch.
type part struct {
	site   *site
	rules  []*Rule
	meters []namedMeter
	groups []openflow.GroupID
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

// selected is how traffic of a circuit is selected that comes in by a port.
// Switches share it: most of a path's have few ports.
type selected struct {
	incoming
	list []selection
}

// selections returns what the function of that name does, made once.
func (m *member) selections(x incoming) []selection {
	for i := range m.selected {
		if s := &m.selected[i]; s.incoming == x {
			return s.list
		}
	}
	m.selected = append(m.selected, selected{x, selections(x)})
	return m.selected[len(m.selected)-1].list
}

// allSelections returns what selections does, and the corners of the circuit as
// it is listed once.
func (m *member) allSelections(c path.Circuit, x incoming) []selection {
	return withApart(withCorners(m.selections(x), m.corners, c, x), m.apartFrom(c), c, x)
}

// selects reports whether a path of the circuit has traffic come in by a port
// with a key.
func (m *member) selects(key path.FlowKey, in openflow.PortNo) bool {
	return slices.ContainsFunc(m.listed, func(c path.Circuit) bool {
		forth, back := c.Key == key, c.Key.Reverse() == key
		comesIn := func(h path.Hop) bool { return forth && h.In == in || back && h.Out == in }
		return slices.ContainsFunc(c.Path, comesIn) || slices.ContainsFunc(c.Backup, comesIn)
	})
}

// list sets how the circuit is wanted.
func (m *member) list(listed []path.Circuit) {
	m.listed, m.switches = listed, nil
	m.held = usesOf(listed)
	m.selected = slices.DeleteFunc(m.selected, func(s selected) bool { return !m.selects(s.key, s.in) })
	if len(listed) > 0 {
		m.handle = listed[0].Handle
	}
	for _, c := range listed {
		for _, p := range c.Ways() {
			for _, h := range p {
				if !slices.Contains(m.switches, h.DPID) {
					m.switches = append(m.switches, h.DPID)
				}
			}
		}
	}
}

// uses reports whether a path of the circuit uses one of these ports.
func (m *member) uses(dpid openflow.DPID, ports map[openflow.PortNo]bool) bool {
	for _, c := range m.listed {
		for _, p := range c.Ways() {
			if slices.ContainsFunc(p, func(h path.Hop) bool { return h.DPID == dpid && (ports[h.In] || ports[h.Out]) }) {
				return true
			}
		}
	}
	return false
}

// unratedAt reports whether a path of the circuit without a rate, or with none
// back, uses one of these ports.
func (m *member) unratedAt(dpid openflow.DPID, ports map[openflow.PortNo]bool) bool {
	return slices.ContainsFunc(m.listed, func(c path.Circuit) bool { return c.Rate == 0 || c.Back() == 0 }) && m.uses(dpid, ports)
}

// touchMember has the rules of a circuit made again in all its switches.
func (w *Wanted) touchMember(m *member) {
	for _, dpid := range m.switches {
		w.touchMemberAt(m, dpid)
	}
}

// touchMemberAt has the rules of a circuit made again in one switch.
func (w *Wanted) touchMemberAt(m *member, dpid openflow.DPID) {
	if s := w.touch(dpid); s != nil {
		s.members[m] = true
	}
}

// touchPolicers has the policers of a circuit made again.
func (w *Wanted) touchPolicers(m *member) {
	for i := range m.listed {
		if p := m.listed[i].Path; len(p) > 0 {
			for _, dpid := range [...]openflow.DPID{p[0].DPID, p[len(p)-1].DPID} {
				if s := w.touch(dpid); s != nil {
					s.policers[m] = true
				}
			}
		}
	}
}

// pass enters a circuit among those that pass by its switches, and takes it out
// where it passed before.
func (w *Wanted) pass(m *member, before []openflow.DPID) {
	for _, dpid := range before {
		if slices.Contains(m.switches, dpid) {
			continue
		}
		if delete(w.passing[dpid], m); len(w.passing[dpid]) == 0 {
			delete(w.passing, dpid)
		}
	}
	for _, dpid := range m.switches {
		if slices.Contains(before, dpid) {
			continue
		}
		if w.passing[dpid] == nil {
			w.passing[dpid] = map[*member]bool{}
		}
		w.passing[dpid][m] = true
	}
}

// occupy enters a circuit at the ports that it uses.
func (w *Wanted) occupy(m *member) {
	m.before = max(m.portion, m.before)
	m.shared, m.least, m.portion = 0, PerDirection{}, 0
	for i := range m.held {
		w.reserve(m.held[i].port, m.held[i].rate)
		w.join(m, &m.held[i])
	}
	if m.contested {
		m.shared++
	}
	for d := range m.lent {
		if !m.leaves(direction(d)) {
			m.lent[d] = 0 // it has no rate there any more
		}
	}
	w.unsettled[m] = true
	if m.demand != nil {
		w.loans[m] = true
	}
}

// leaves reports whether the circuit has a rate in a direction.
func (m *member) leaves(d direction) bool {
	return slices.ContainsFunc(m.held, func(u use) bool { return u.in[d] })
}

// release undoes occupy.
func (w *Wanted) release(m *member) {
	for i := range m.held {
		u := &m.held[i]
		u.of.lent -= u.beyond(m.least) - beyond(u.rate, m.portion)
		w.exceed(u, -u.beyond(m.least))
		w.reserve(u.port, -u.rate)
		w.leave(m, u)
	}
	delete(w.unsettled, m)
	delete(w.later, m)
	delete(w.loans, m)
}

// A visit is what the rules of a circuit in one switch follow from.
type visit struct {
	key         path.FlowKey
	handle      uint32
	rate        bitrate.Rate
	reverse     path.Reverse
	hop         path.Hop
	backup      path.Hop // of a circuit that has one
	spare       bool     // the hop is the backup's
	first, last bool     // of the path
}

// appendVisits appends how a circuit as it is listed visits a switch.
func appendVisits(to []visit, listed []path.Circuit, dpid openflow.DPID) []visit {
	for i := range listed {
		c := &listed[i]
		for n, p := range c.Ways() {
			for j, h := range p {
				if h.DPID == dpid {
					to = append(to, visit{c.Key, c.Handle, c.Rate, c.Reverse, h, c.Backup.At(dpid), n > 0, j == 0, j == len(p)-1})
				}
			}
		}
	}
	return to
}

// sameVisits reports whether two lists of a circuit have it visit a switch in
// the same way.
func sameVisits(a, b []path.Circuit, dpid openflow.DPID) bool {
	var room [2][4]visit
	return slices.Equal(appendVisits(room[0][:0], a, dpid), appendVisits(room[1][:0], b, dpid))
}
