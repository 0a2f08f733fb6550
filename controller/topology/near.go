package topology

// nearPairs are the pairs of ports between which near probes pass without a
// cable: how many hearings, one or two, each port has of each other, so that
// those of a port are found without a look at all.
type nearPairs map[PortID]map[PortID]int

// add counts a hearing, or with -1 one less.
func (n nearPairs) add(x, y PortID, by int) {
	for _, pair := range [][2]PortID{{x, y}, {y, x}} {
		others := n[pair[0]]
		if others == nil {
			others = map[PortID]int{}
			n[pair[0]] = others
		}
		if others[pair[1]] += by; others[pair[1]] == 0 {
			delete(others, pair[1])
		}
		if len(others) == 0 {
			delete(n, pair[0])
		}
		if x == y {
			return
		}
	}
}

// third reports whether one of two ports is near a port that is neither.
func (n nearPairs) third(x, y PortID) bool {
	for _, id := range [...]PortID{x, y} {
		for other := range n[id] {
			if other != x && other != y {
				return true
			}
		}
	}
	return false
}

// hearNear notes that near probes pass from one port to another.
func (b *Builder) hearNear(from, to PortID, h *hearing) {
	if !h.near {
		h.near = true
		b.near.add(from, to, 1)
		b.touchHearings()
	}
}

// dropHearing forgets that a port hears another.
func (b *Builder) dropHearing(from, to PortID) {
	tos := b.heard[from]
	h := tos[to]
	if h == nil {
		return
	}
	if h.near {
		b.near.add(from, to, -1)
	}
	if delete(tos, to); len(tos) == 0 {
		delete(b.heard, from)
	}
	b.touchHearings()
}

// touchHearings has the segments looked at with the next snapshot.
func (b *Builder) touchHearings() { b.changed.any, b.changed.hearings = true, true }
