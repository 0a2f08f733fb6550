package path

// Conflicts reports whether two keys are about the same traffic, in either
// direction, so that a switch could not tell whose it is.
func (k FlowKey) Conflicts(o FlowKey) bool { return k == o || k == o.Reverse() }

// Corner returns the traffic that two keys share as a corner, as seen from k's
// source: both match it, each matches other traffic as well, and none is more
// specific, so that it belongs to the circuit that came first. ok is false if
// there is none.
func (k FlowKey) Corner(o FlowKey) (corner FlowKey, ok bool) {
	if k.Specificity() != o.Specificity() || k.Conflicts(o) {
		return FlowKey{}, false
	}
	return k.both(o)
}

// both returns the traffic that both keys match, as seen from k's source.
func (k FlowKey) both(o FlowKey) (shared FlowKey, ok bool) {
	if o.Src != k.Src {
		o = o.Reverse()
	}
	if !k.overlaps(o) {
		return FlowKey{}, false
	}
	// Where one has none the other's counts; where both have one it's the same.
	k.Proto, k.SrcPort, k.DstPort = max(k.Proto, o.Proto), max(k.SrcPort, o.SrcPort), max(k.DstPort, o.DstPort)
	return k, true
}

// MaxCorners is how many other keys one may share corners with: each takes
// entries in the switches.
const MaxCorners = 32

// Corners calls corner with each of the corners that a key shares with others,
// as seen from its source, and with those that it shares with two of them at
// the same time, for which twice is true: a packet of these is in several
// corners of one.
func (k FlowKey) Corners(others []FlowKey, corner func(c FlowKey, twice bool)) {
	for i, o := range others {
		first, ok := k.Corner(o)
		if !ok {
			continue
		}
		corner(first, false)
		for _, p := range others[:i] {
			second, ok := k.Corner(p)
			if _, meet := o.Corner(p); !ok || !meet {
				continue
			}
			if all, ok := first.both(second); ok && all != first && all != second {
				corner(all, true)
			}
		}
	}
}
