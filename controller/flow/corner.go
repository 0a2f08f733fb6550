package flow

import (
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

// rival enters a circuit among those of its hosts, takes it out where it was
// before, and settles the corners of all that are there.
func (w *Wanted) rival(m *member, before []path.Circuit) {
	var pairs []hostPair
	for _, list := range [...][]path.Circuit{before, m.listed} {
		for i := range list {
			if p := hostPairOf(list[i].Key); !slices.Contains(pairs, p) {
				pairs = append(pairs, p)
			}
		}
	}
	for _, p := range pairs {
		among := slices.DeleteFunc(w.rivals[p], func(o *member) bool { return o == m })
		if slices.ContainsFunc(m.listed, func(c path.Circuit) bool { return hostPairOf(c.Key) == p }) {
			among = append(among, m)
		}
		if w.rivals[p] = among; len(among) == 0 {
			delete(w.rivals, p)
		}
	}
	for _, p := range pairs {
		for _, o := range w.rivals[p] {
			if o != m && o.handle < m.handle && (anyCorner(o.listed, before) || anyCorner(o.listed, m.listed)) {
				w.settleCorners(o)
			}
		}
	}
	w.settleCorners(m)
}

// LastInCorner returns the handle of the circuit that came last of those that
// came after the circuit with an ID and share a corner with it, for which that
// one has entries of its own. ok is false if there is none.
func (w *Wanted) LastInCorner(id string) (handle uint32, ok bool) {
	m := w.members[id]
	if m == nil || len(m.corners) == 0 {
		return 0, false
	}
	for i := range m.listed {
		for _, o := range w.rivals[hostPairOf(m.listed[i].Key)] {
			if o.handle > max(m.handle, handle) && anyCorner(m.listed, o.listed) {
				handle, ok = o.handle, true
			}
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
	for i := range m.listed {
		p := hostPairOf(m.listed[i].Key)
		if i > 0 && p == hostPairOf(m.listed[i-1].Key) {
			continue
		}
		for _, o := range w.rivals[p] {
			if o.handle > m.handle && anyCorner(m.listed, o.listed) {
				later = append(later, o.listed...)
			}
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
