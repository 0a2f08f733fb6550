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
	shared   int                              // how many of these ports another circuit with a rate uses too
	least    uint32                           // what its policers let through at least, in kbit/s
	before   uint32                           // least, before it was listed anew; 0: settled since
	parts    []*part                          // in the switches that are watched
	selected []selected                       // see selections
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

// selected is how traffic of a circuit is selected that comes in by a port.
// Switches share it: most of a path's have few ports.
type selected struct {
	key  path.FlowKey
	in   openflow.PortNo
	list []selection
}

// selections returns what the function of that name does, made once.
func (m *member) selections(key path.FlowKey, in openflow.PortNo) []selection {
	for i := range m.selected {
		if s := &m.selected[i]; s.in == in && s.key == key {
			return s.list
		}
	}
	m.selected = append(m.selected, selected{key, in, selections(key, in)})
	return m.selected[len(m.selected)-1].list
}

// selects reports whether a path of the circuit has traffic come in by a port
// with a key.
func (m *member) selects(key path.FlowKey, in openflow.PortNo) bool {
	return slices.ContainsFunc(m.listed, func(c path.Circuit) bool {
		forth, back := c.Key == key, c.Key.Reverse() == key
		return (forth || back) && slices.ContainsFunc(c.Path, func(h path.Hop) bool {
			return forth && h.In == in || back && h.Out == in
		})
	})
}

// list sets how the circuit is wanted.
func (m *member) list(listed []path.Circuit) {
	m.listed, m.switches = listed, nil
	m.held = claims(listed)
	m.selected = slices.DeleteFunc(m.selected, func(s selected) bool { return !m.selects(s.key, s.in) })
	if len(listed) > 0 {
		m.handle = listed[0].Handle
	}
	for _, c := range listed {
		for _, h := range c.Path {
			if !slices.Contains(m.switches, h.DPID) {
				m.switches = append(m.switches, h.DPID)
			}
		}
	}
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
	m.shared, m.least, m.before = 0, 0, max(m.least, m.before)
	for p, rate := range m.held {
		w.reserve(p, rate)
		w.join(p, m, rate)
	}
	w.unsettled[m] = true
}

// release undoes claim.
func (w *Wanted) release(m *member) {
	for _, dpid := range m.switches {
		if delete(w.passing[dpid], m); len(w.passing[dpid]) == 0 {
			delete(w.passing, dpid)
		}
	}
	for p, rate := range m.held {
		w.exceed(p, -beyond(rate, m.least))
		w.reserve(p, -rate)
		w.leave(p, m, rate)
	}
	delete(w.unsettled, m)
	delete(w.later, m)
}
