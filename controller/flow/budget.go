package flow

import (
	"cmp"
	"slices"

	"conga/controller/path"
	"conga/controller/purpose"
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

// budget returns what the meters of the switch are for. It is asked for with
// each port, and looks at all of them, so it is reckoned once.
func (v *view) budget() budget {
	if v.few == nil {
		b := v.reckonBudget()
		v.few = &b
	}
	return *v.few
}

func (v *view) reckonBudget() budget {
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
		return budget{ups: 2, storms: true, shared: true, alone: v.named(), policers: left - 2*ports - 3}
	case left >= ports+spareMeters:
		return budget{ups: 2, shared: true, alone: v.named(), policers: left - ports - 3}
	case left >= 2:
		return budget{ups: 1, shared: true, policers: left - 2}
	}
	return budget{shared: left == 1}
}

// named reports whether every port's number fits into the identifier of a
// meter.
func (v *view) named() bool {
	for no := range v.sw.Ports {
		if _, ok := purpose.PortID(no); !ok {
			return false
		}
	}
	return true
}

// manyPolicers is for how many policers the circuits of a switch are not put
// into order: it never has as many.
const manyPolicers = 1 << 16

// A roster is the circuits that are to be policed in a switch, in order of
// their handles. The first have policers, as many as there are.
type roster struct {
	kept    bool // else all have theirs
	members []*member
	meters  []uint8 // of each: how many it has, one a direction that enters there
	sum     int     // of these
	bound   uint32  // the first handle without a policer; 0: all have theirs
}

func byHandle(a, b *member) int {
	return cmp.Or(cmp.Compare(a.handle, b.handle), cmp.Compare(a.id, b.id))
}

// has reports whether a circuit that is to be policed has a policer.
func (l *roster) has(handle uint32) bool { return l.bound == 0 || handle < l.bound }

// set takes note of how many policers a circuit is to have.
func (l *roster) set(m *member, meters uint8) {
	i, there := slices.BinarySearchFunc(l.members, m, byHandle)
	if there {
		l.sum -= int(l.meters[i])
	}
	l.sum += int(meters)
	switch {
	case meters > 0 && there:
		l.meters[i] = meters
	case meters > 0:
		l.members, l.meters = slices.Insert(l.members, i, m), slices.Insert(l.meters, i, meters)
	case there:
		l.members, l.meters = slices.Delete(l.members, i, i+1), slices.Delete(l.meters, i, i+1)
	}
}

// first returns the first of the circuits for which there is no room where
// there are most meters at most; all of those that come before have theirs. ok
// is false if there is room for all.
func (l *roster) first(most int) (m *member, ok bool) {
	if l.sum <= most {
		return nil, false
	}
	for i, n := range l.meters {
		if most -= int(n); most < 0 {
			return l.members[i], true
		}
	}
	return nil, false
}

// limit says how many have policers, and calls turned with those that thereby
// have or lose one.
func (l *roster) limit(most int, turned func(*member)) {
	was := l.bound
	l.bound = 0
	if m, ok := l.first(most); ok {
		l.bound = max(m.handle, 1)
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

// policersAt returns how many policers a circuit is to have in a switch.
func (m *member) policersAt(s *site) uint8 {
	if m.shared == 0 || !s.view.metering() {
		return 0
	}
	return policersOf(m.listed, s.dpid)
}

// policersOf returns how many policers a circuit as it is listed has in a
// switch.
func policersOf(listed []path.Circuit, dpid openflow.DPID) (n uint8) {
	var forth, back bool
	for i := range listed {
		there, andBack := policedAt(&listed[i], dpid)
		forth, back = forth || there, back || andBack
	}
	for _, is := range [...]bool{forth, back} {
		if is {
			n++
		}
	}
	return n
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
		var meters uint8
		if w.members[m.id] == m && slices.Contains(m.switches, s.dpid) {
			meters = m.policersAt(s)
		}
		s.roster.set(m, meters)
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
	for id, listed := range byID(n.Circuits) {
		if _, policed := n.Policed[id]; policed && v.metering() {
			l.set(&member{id: id, handle: listed[0].Handle}, policersOf(listed, v.sw.DPID))
		}
	}
	l.limit(v.budget().policers, func(*member) {})
	return l.bound
}
