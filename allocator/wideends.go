package allocator

import (
	"cmp"
	"slices"

	"conga/controller/path"
	"conga/controller/topology"
)

// wideEnds is the index of live allocations that have a path by the prefixes
// that they are about, and of these by where their paths end. What a host's
// change means is the same for all that end at one port, so it is asked once a
// port, and costs no more than what it means something for.
type wideEnds map[path.Prefix]map[topology.PortID]*itemSet

// enter puts an item on the index, with the prefix at a side of its key and
// where that side's end of its path is.
func (x wideEnds) enter(it *item, side path.Prefix, at topology.PortID) {
	ends := x[side]
	if ends == nil {
		ends = map[topology.PortID]*itemSet{}
		x[side] = ends
	}
	set := ends[at]
	if set == nil {
		set = &itemSet{}
		ends[at] = set
	}
	set.add(it)
}

// leave takes an item off the index that has been marked as not being there.
func (x wideEnds) leave(side path.Prefix, at topology.PortID) {
	ends := x[side]
	set := ends[at]
	if set.drop(func(it *item) bool { return isAt(it, side, at) }); set.size > 0 {
		return
	}
	if delete(ends, at); len(ends) == 0 {
		delete(x, side)
	}
}

// isAt reports whether an item is on the index with a prefix and a port.
func isAt(it *item, side path.Prefix, at topology.PortID) bool {
	if !it.indexed {
		return false
	}
	ends := it.ends()
	for i, own := range sidesOf(it.key()) {
		if it.astray[i] && own == side && ends[i] == at {
			return true
		}
	}
	return false
}

// of returns those of an index with a prefix and a port, each once.
func (x wideEnds) of(side path.Prefix, at topology.PortID) (found []*item) {
	set := x[side][at]
	for _, it := range set.list {
		if isAt(it, side, at) {
			found = append(found, it)
		}
	}
	if len(found) > set.size { // what left and came back is there twice
		slices.SortFunc(found, func(a, b *item) int { return cmp.Compare(a.seq(), b.seq()) })
		found = slices.Compact(found)
	}
	return found
}

// rehostedPrefixLocked takes in that hosts of a prefix may be somewhere else.
// That concerns the paths that end where none is any more. Of those that end
// where others are it is said when hosts begin or cease to be elsewhere; which
// ones these are shows whenever it is asked.
func (a *Allocator) rehostedPrefixLocked(old, now *topology.Snapshot, side path.Prefix) {
	was, is := homeOf(old, side), homeOf(now, side)
	if was == is {
		return
	}
	a.giveWayLocked(a.waiting.sides[side], always)
	for at := range a.cables.wide[side] {
		moved := was.leaves(at) != is.leaves(at) || is.leaves(at) && was.at != is.at
		if !moved && was.split == is.split {
			continue
		}
		for _, it := range a.cables.wide.of(side, at) {
			if it.busy == nil && it.state() == Active && was.split != is.split {
				a.notifyLocked(it, it.record(), "") // it is said what is not carried
			}
			if moved {
				a.lookLocked(it)
				a.unparkLocked(it)
			}
		}
	}
}

// leaves reports whether all known hosts are behind one port, and that is not
// where a path ends.
func (h home) leaves(end topology.PortID) bool { return h.known && h.at != end }
