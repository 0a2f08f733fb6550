package flow

import (
	"cmp"
	"slices"

	"conga/controller/path"
	"conga/openflow"
)

// A budget says what a switch's meters are for. Where it has few, what is
// promised to allocations goes first: best effort shares meters, at no more
// than each port has left, and so does what goes up to the controller. No two
// circuits share a policer: one could take what is the other's.
type budget struct {
	ups      int  // of what goes up to the controller: 2, or 1 for all, or 0
	storms   bool // storming ports have meters of their own
	shared   bool // best effort has a meter, if only one for all ports
	alone    bool // each port that carries reservations has a meter of its own
	policers int  // of circuits
}

// spareMeters is how many meters a switch has beside those for its ports if it
// has no few.
const spareMeters = 16

// budget returns what the meters of the switch are for.
func (v *view) budget() budget {
	if !v.meterable() {
		return budget{}
	}
	left := int(v.sw.Meters)
	if !v.sw.Numbered {
		left-- // of the trial
	}
	ports := len(v.sw.Ports)
	switch {
	case left >= 2*ports+spareMeters:
		return budget{ups: 2, storms: true, shared: true, alone: true, policers: left - 2*ports - 3}
	case left >= ports+spareMeters:
		return budget{ups: 2, shared: true, alone: true, policers: left - ports - 3}
	case left >= 2:
		return budget{ups: 1, shared: true, policers: left - 2}
	}
	return budget{shared: left == 1}
}

// manyPolicers is for how many policers the circuits of a switch are not put
// into order: it never has as many.
const manyPolicers = 1 << 16

// A roster is the circuits that are to be policed in a switch, in order of
// their handles. The first have policers, as many as there are.
type roster struct {
	kept    bool // else all have one
	members []*member
	bound   uint32 // the first handle without a policer; 0: all have one
}

func byHandle(a, b *member) int {
	return cmp.Or(cmp.Compare(a.handle, b.handle), cmp.Compare(a.id, b.id))
}

// has reports whether a circuit that is to be policed has a policer.
func (l *roster) has(handle uint32) bool { return l.bound == 0 || handle < l.bound }

// set takes note of whether a circuit is to be policed.
func (l *roster) set(m *member, is bool) {
	i, there := slices.BinarySearchFunc(l.members, m, byHandle)
	switch {
	case is && !there:
		l.members = slices.Insert(l.members, i, m)
	case !is && there:
		l.members = slices.Delete(l.members, i, i+1)
	}
}

// limit says how many have policers, and calls turned with those that thereby
// have or lose one.
func (l *roster) limit(most int, turned func(*member)) {
	was := l.bound
	l.bound = 0
	if most < len(l.members) {
		l.bound = max(l.members[most].handle, 1)
	}
	if was == l.bound {
		return
	}
	low, high := was-1, l.bound-1 // wraps where there is no bound
	low, high = min(low, high), max(low, high)
	i, _ := slices.BinarySearchFunc(l.members, low+1, func(m *member, h uint32) int { return cmp.Compare(m.handle, h) })
	for ; i < len(l.members) && l.members[i].handle-1 < high; i++ {
		turned(l.members[i])
	}
}

// policedAt reports whether a circuit is to be policed in a switch.
func (m *member) policedAt(s *site) bool {
	if m.shared == 0 || !s.view.metering() {
		return false
	}
	return slices.ContainsFunc(m.listed, func(c path.Circuit) bool {
		return c.Rate > 0 && len(c.Path) > 0 && (c.Path[0].DPID == s.dpid || c.Path[len(c.Path)-1].DPID == s.dpid)
	})
}

// enrol brings the roster of a switch up to date, and has the entries of those
// made again that thereby have or lose a policer.
func (w *Wanted) enrol(s *site) {
	most := s.view.budget().policers
	among := s.members
	if !s.roster.kept {
		if most >= manyPolicers {
			return
		}
		s.roster.kept, among = true, w.passing[s.dpid]
	}
	for m := range among {
		passes := w.members[m.id] == m && slices.Contains(m.switches, s.dpid)
		s.roster.set(m, passes && m.policedAt(s))
	}
	s.roster.limit(most, func(m *member) { s.members[m] = true })
}

// Enforced returns how far a switch does not enforce what the policy asks for:
// whether best effort is not held back there, and from which handle on circuits
// that enter there are not held to their rates; 1 is all, 0 none.
func (w *Wanted) Enforced(dpid openflow.DPID) (unmetered bool, unpoliced uint32) {
	s := w.sites[dpid]
	if s == nil || s.view == nil || !w.policy.Meter || w.policy.Forwarding != ForwardL2 {
		return false, 0
	}
	b := s.view.budget()
	if b.policers == 0 {
		return !b.shared, 1
	}
	return !b.shared, s.roster.bound
}

// firstUnpoliced returns from which handle on circuits have no policers in a
// switch; 0: all have.
func (n *Network) firstUnpoliced(v *view) uint32 {
	var l roster
	seen := map[string]bool{}
	for _, c := range n.Circuits {
		if _, policed := n.Policed[c.ID]; !policed || seen[c.ID] || !v.metering() {
			continue
		}
		if c.Rate > 0 && len(c.Path) > 0 && (c.Path[0].DPID == v.sw.DPID || c.Path[len(c.Path)-1].DPID == v.sw.DPID) {
			seen[c.ID] = true
			l.set(&member{id: c.ID, handle: c.Handle}, true)
		}
	}
	l.limit(v.budget().policers, func(*member) {})
	return l.bound
}
