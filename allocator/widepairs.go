package allocator

import (
	"net/netip"

	"conga/controller/path"
)

// widePairs are the pairs of which a side is a prefix, and what is reserved
// between them. What a key meets is found by the prefixes that it is in, of
// whichever lengths there are; what it meets crosswise, narrower at one side
// and wider at the other, by the wider side and the length of the other.
type widePairs struct {
	traffic map[hosts]traffic
	across  map[wideSide]*prefixSet // the other sides
	lengths [2][129]int             // how many pairs have a side of a length, by family
}

// wideSide is a side of pairs that is a prefix, and how long their other one
// is. All these pairs are as narrow.
type wideSide struct {
	prefix path.Prefix
	index  int // of the side
	bits   int // of the other
}

func newWidePairs() widePairs {
	return widePairs{traffic: map[hosts]traffic{}, across: map[wideSide]*prefixSet{}}
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
	for i, side := range h {
		n := &w.lengths[side.Addr().BitLen()/128][side.Bits()]
		if had {
			*n--
		} else {
			*n++
		}
		if side.IsHost() {
			continue
		}
		key := wideSide{side, i, h[1-i].Bits()}
		others := w.across[key]
		if others == nil {
			others = &prefixSet{}
			w.across[key] = others
		}
		if !had {
			others.add(h[1-i])
			continue
		}
		if others.remove(h[1-i]); others.empty() {
			delete(w.across, key)
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
	for side, wider := range [...][]path.Prefix{low, high} {
		for _, p := range wider {
			if p != h[side] {
				list = w.crosswise(list, h, side, p)
			}
		}
	}
	return list
}

// crosswise appends the pairs that have a wider prefix at a side of h, within
// the other side are narrower, and are less narrow all the same.
func (w *widePairs) crosswise(list []hosts, h hosts, side int, wider path.Prefix) []hosts {
	least, other := narrownessOf(h), h[1-side]
	for bits, pairs := range &w.lengths[other.Addr().BitLen()/128] {
		if pairs == 0 || bits <= other.Bits() {
			continue
		}
		var pair hosts
		pair[side] = wider
		if pair[1-side] = path.PrefixOf(netip.PrefixFrom(other.Addr(), bits)); narrownessOf(pair) >= least {
			continue
		}
		if others := w.across[wideSide{wider, side, bits}]; others != nil {
			others.within(other, func(p path.Prefix) {
				pair[1-side] = p
				list = append(list, pair)
			})
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
