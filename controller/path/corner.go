package path

// Conflicts reports whether two keys say the same of their traffic, between the
// same prefixes and in either direction, and some of it is the same, so that
// nothing but their order could tell whose that is. Keys that say so are equal
// if neither names several ports. Of those that a packet matches and of which
// no two conflict there are three at most that are as specific as each other.
func (k FlowKey) Conflicts(o FlowKey) bool {
	if k == o {
		return true
	}
	o = k.facing(o)
	return k.Src == o.Src && k.Dst == o.Dst && k.says() == o.says() && k.overlaps(o)
}

// says returns which of protocol, source ports and destination ports are given.
func (k FlowKey) says() [3]bool {
	return [3]bool{k.Proto != ProtoAny, !k.SrcPort.Any(), !k.DstPort.Any()}
}

// Corner returns the traffic that two keys share as a corner, as seen from k's
// source: both match it, each matches other traffic as well, and none is more
// specific, so that it belongs to the circuit that came first. ok is false if
// there is none.
func (k FlowKey) Corner(o FlowKey) (corner FlowKey, ok bool) {
	if k.Specificity() != o.Specificity() || k.Conflicts(o) {
		return FlowKey{}, false
	}
	if o = k.facing(o); k.Src != o.Src || k.Dst != o.Dst {
		return FlowKey{}, false // one is more specific
	}
	return k.both(o)
}

// both returns the traffic that both keys match, as seen from k's source.
func (k FlowKey) both(o FlowKey) (shared FlowKey, ok bool) {
	if o = k.facing(o); !k.overlaps(o) {
		return FlowKey{}, false
	}
	k.Src, k.Dst = Narrower(k.Src, o.Src), Narrower(k.Dst, o.Dst)
	k.Proto = max(k.Proto, o.Proto) // where both have one it is the same
	k.SrcPort, _ = k.SrcPort.And(o.SrcPort)
	k.DstPort, _ = k.DstPort.And(o.DstPort)
	return k, true
}

// The most entries that a switch may have of a key for each direction, where it
// takes masks of ports, and where it has one for each port.
const (
	MaxMasked = 64
	MaxExact  = 256
)

// Entries returns how many entries a switch has of a key for each direction: if
// it takes masks of ports, and if it does not.
func (k FlowKey) Entries() (masked, exact int) {
	masked, exact = 1, 1
	if k.Proto == ProtoAny && k.Ported() {
		masked, exact = 2, 2
	}
	for _, p := range [...]Ports{k.SrcPort, k.DstPort} {
		if _, one := p.One(); !one {
			masked, exact = masked*len(p.Masks()), exact*p.Len()
		}
	}
	return masked, exact
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
			theirs, meet := o.Corner(p)
			if !ok || !meet {
				continue
			}
			if theirs.Src != k.Src {
				theirs = theirs.Reverse()
			}
			// Of one corner the entry of the circuit that came first is taken;
			// what is part of a larger one has to be above it.
			if all, ok := first.both(second); ok && (all != theirs || all != first && all != second) {
				corner(all, true)
			}
		}
	}
}
