package flow

import (
	"iter"
	"slices"

	"conga/controller/path"
)

// Two circuits may share a corner of their traffic: each has a field that the
// other leaves open, and none is more specific, so that their entries would
// have the same priority and a switch could take either. The circuit that came
// first has an entry of its own for the corner, above both. It goes with that
// circuit, and the other one has the corner then. A packet may be in a corner
// of the first with a second circuit, and in one of the second with a third:
// the first has an entry for what all three share, above these. Between a
// circuit with a rate and one without there is no corner to be settled: the
// rate decides.

// A corner is traffic that a circuit has before circuits that came later.
type corner struct {
	of   path.FlowKey // the circuit's
	key  path.FlowKey // the corner's, as seen from the same source
	prio uint16
}

// A hostPair is two hosts or prefixes, the lower one first. Circuits of others
// share no corner.
type hostPair [2]path.Prefix

// hostPairOf returns the hosts or prefixes of a key.
func hostPairOf(k path.FlowKey) hostPair {
	if k.Dst.Less(k.Src) {
		return hostPair{k.Dst, k.Src}
	}
	return hostPair{k.Src, k.Dst}
}

// cornersOf returns the corners of a circuit as it is listed. later are the
// circuits of the same hosts that came later.
func cornersOf(listed, later []path.Circuit) (corners []corner) {
	for i := range listed {
		c := listed[i]
		var rivals []path.FlowKey
		for _, o := range later {
			if (o.Rate > 0) == (c.Rate > 0) && !slices.Contains(rivals, o.Key) {
				rivals = append(rivals, o.Key)
			}
		}
		c.Key.Corners(rivals, func(k path.FlowKey, twice bool) {
			x := corner{c.Key, k, priorityOf(c) + 1}
			if twice {
				x.prio++
			}
			if !slices.Contains(corners, x) {
				corners = append(corners, x)
			}
		})
	}
	return corners
}

// withCorners returns a list of selections of traffic of a circuit, and those
// of its corners.
func withCorners(list []selection, corners []corner, c path.Circuit, of incoming) []selection {
	for _, x := range corners {
		if x.of != c.Key || x.prio-priorityOf(c) > 2 {
			continue
		}
		if of.key != c.Key {
			x.key = x.key.Reverse()
		}
		for _, m := range matches(x.key, of.in, of.exact) {
			m = of.only(m)
			list = append(slices.Clip(list), selection{match: m, key: m.Key(), prio: x.prio})
		}
	}
	return list
}

// rivals returns the circuits of a network by their hosts.
func (n *Network) rivals() map[hostPair][]path.Circuit {
	all := map[hostPair][]path.Circuit{}
	for _, c := range n.Circuits {
		all[hostPairOf(c.Key)] = append(all[hostPairOf(c.Key)], c)
	}
	return all
}

// cornersOf returns the corners of one of the circuits.
func (n *Network) cornersOf(c path.Circuit, rivals map[hostPair][]path.Circuit) []corner {
	var later []path.Circuit
	for _, o := range rivals[hostPairOf(c.Key)] {
		if o.Handle > c.Handle {
			later = append(later, o)
		}
	}
	return cornersOf([]path.Circuit{c}, later)
}

// A subject is which of protocol and ports keys between two hosts or prefixes
// give: ports of the lower side, and of the higher one.
type subject struct {
	hostPair
	proto, low, high bool
}

// subjectOf returns that of a key; ok is false if it shares a corner with no
// other key, since it gives all or nothing.
func subjectOf(k path.FlowKey) (s subject, ok bool) {
	pair, n := hostPairOf(k), k.Specificity()
	if pair[0] != k.Src {
		k = k.Reverse()
	}
	return subject{pair, k.Proto != path.ProtoAny, !k.SrcPort.Any(), !k.DstPort.Any()}, n == 1 || n == 2
}

// subjectsOf returns those of circuits, each once.
func subjectsOf(circuits []path.Circuit) (out []subject) {
	for i := range circuits {
		if s, ok := subjectOf(circuits[i].Key); ok && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// rivals returns the subjects whose keys may share corners with those of one:
// they give as much of the same hosts' traffic, and not the same.
func (s subject) rivals() [2]subject {
	return [2]subject{{s.hostPair, s.high, s.proto, s.low}, {s.hostPair, s.low, s.high, s.proto}}
}

// rival enters a circuit among those of its subjects, takes it out where it was
// before, and settles the corners of all that may share some with it.
func (w *Wanted) rival(m *member, before []path.Circuit) {
	was, is := subjectsOf(before), subjectsOf(m.listed)
	for _, s := range was {
		if !slices.Contains(is, s) {
			among := slices.DeleteFunc(w.rivals[s], func(o *member) bool { return o == m })
			if w.rivals[s] = among; len(among) == 0 {
				delete(w.rivals, s)
			}
		}
	}
	for _, s := range is {
		if !slices.Contains(was, s) {
			w.rivals[s] = append(w.rivals[s], m)
		}
	}
	for o := range w.rivalsOf(append(was, is...)) {
		if o != m && o.handle < m.handle && (anyCorner(o.listed, before) || anyCorner(o.listed, m.listed)) {
			w.settleCorners(o)
		}
	}
	w.settleCorners(m)
}

// rivalsOf returns the circuits that may share corners with those of some
// subjects.
func (w *Wanted) rivalsOf(subjects []subject) iter.Seq[*member] {
	return func(yield func(*member) bool) {
		for _, s := range subjects {
			for _, x := range s.rivals() {
				for _, o := range w.rivals[x] {
					w.compared++
					if !yield(o) {
						return
					}
				}
			}
		}
	}
}

// LastInCorner returns the handle of the circuit that came last of those that
// came after the circuit with an ID and share a corner with it, for which that
// one has entries of its own. ok is false if there is none.
func (w *Wanted) LastInCorner(id string) (handle uint32, ok bool) {
	m := w.members[id]
	if m == nil || len(m.corners) == 0 {
		return 0, false
	}
	for o := range w.rivalsOf(subjectsOf(m.listed)) {
		if o.handle > max(m.handle, handle) && anyCorner(m.listed, o.listed) {
			handle, ok = o.handle, true
		}
	}
	return handle, ok
}

// anyCorner reports whether circuits as they are listed share a corner.
func anyCorner(a, b []path.Circuit) bool {
	for i := range a {
		for j := range b {
			if _, ok := a[i].Key.Corner(b[j].Key); ok {
				return true
			}
		}
	}
	return false
}

// settleCorners has the rules of a circuit made again if it has other corners.
func (w *Wanted) settleCorners(m *member) {
	var later []path.Circuit
	for o := range w.rivalsOf(subjectsOf(m.listed)) {
		if o.handle > m.handle && anyCorner(m.listed, o.listed) {
			later = append(later, o.listed...)
		}
	}
	if now := cornersOf(m.listed, later); !sameCorners(now, m.corners) {
		m.corners = now
		w.touchMember(m)
	}
}

// sameCorners reports whether two lists have the same corners, in any order.
func sameCorners(a, b []corner) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(c corner) bool { return !slices.Contains(b, c) })
}
