package allocator

import "conga/controller/path"

// widePairs are the pairs of which a side is a prefix, and what is reserved
// between them. What a key meets is found by the prefixes that it is in, of
// whichever lengths there are; what it meets crosswise, narrower at one side
// and wider at the other, by the wider side.
type widePairs struct {
	traffic map[hosts]traffic
	at      map[path.Prefix]map[hosts]bool // by each side that is a prefix
	lengths [2][129]int                    // how many pairs have a side of a length, by family
}

func newWidePairs() widePairs {
	return widePairs{traffic: map[hosts]traffic{}, at: map[path.Prefix]map[hosts]bool{}}
}

// wide reports whether a side is a prefix.
func (h hosts) wide() bool { return !h[0].IsHost() || !h[1].IsHost() }

// set enters what is reserved of a pair.
func (w *widePairs) set(h hosts, t traffic) {
	_, had := w.traffic[h]
	put(w.traffic, h, t)
	if _, has := w.traffic[h]; has == had {
		return
	}
	for _, side := range h {
		n := &w.lengths[side.Addr().BitLen()/128][side.Bits()]
		if had {
			*n--
		} else {
			*n++
		}
		if side.IsHost() {
			continue
		}
		pairs := w.at[side]
		switch {
		case !had && pairs == nil:
			w.at[side] = map[hosts]bool{h: true}
		case !had:
			pairs[h] = true
		default:
			if delete(pairs, h); len(pairs) == 0 {
				delete(w.at, side)
			}
		}
	}
}

// meeting returns the pairs, but for h itself, that share two hosts with h and
// are no narrower.
func (w *widePairs) meeting(h hosts) (list []hosts) {
	if len(w.traffic) == 0 {
		return nil
	}
	low, high := w.covering(h[0]), w.covering(h[1])
	for _, a := range low {
		for _, b := range high {
			pair := hosts{a, b}
			if _, there := w.traffic[pair]; there && pair != h {
				list = append(list, pair)
			}
		}
	}
	if !h.wide() {
		return list // nothing is narrower at a side
	}
	least := narrownessOf(h)
	for side, wider := range [...][]path.Prefix{low, high} {
		for _, p := range wider {
			for pair := range w.at[p] {
				across := pair[side] == p && pair[side] != h[side] && pair[1-side] != h[1-side] && h[1-side].Covers(pair[1-side])
				if across && narrownessOf(pair) < least {
					list = append(list, pair)
				}
			}
		}
	}
	return list
}

func narrownessOf(h hosts) int { return path.FlowKey{Src: h[0], Dst: h[1]}.Narrowness() }

// covering returns a host or prefix, and the wider ones with lengths that there
// are.
func (w *widePairs) covering(p path.Prefix) (list []path.Prefix) {
	for n, pairs := range w.lengths[p.Addr().BitLen()/128] {
		if n < p.Bits() && pairs > 0 {
			list = append(list, p.Widen(n))
		}
	}
	return append(list, p)
}
