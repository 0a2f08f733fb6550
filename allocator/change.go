package allocator

import (
	"cmp"
	"slices"
)

// change is a moment at which a level changes.
type change struct {
	at Seconds
	by int64
}

// radixBits is how many bits of a moment are sorted by in one pass, and
// radixLeast how many changes are worth that.
const (
	radixBits  = 11
	radixLeast = 512
)

// sortChanges puts changes in order of time; spare has the same length and is
// overwritten. Many changes are sorted digit by digit, which takes fewer steps
// than comparing them, since all are within a few years.
func sortChanges(list, spare []change) {
	if len(list) < radixLeast {
		slices.SortFunc(list, func(a, b change) int { return cmp.Compare(a.at, b.at) })
		return
	}
	first, last := list[0].at, list[0].at
	for _, c := range list {
		first, last = min(first, c.at), max(last, c.at)
	}
	from, to := list, spare
	for shift := 0; uint64(last-first)>>shift > 0; shift += radixBits {
		var place [1<<radixBits + 1]int // where the changes with each digit go
		for _, c := range from {
			place[uint64(c.at-first)>>shift&(1<<radixBits-1)+1]++
		}
		for i := 1; i < len(place); i++ {
			place[i] += place[i-1]
		}
		for _, c := range from {
			digit := uint64(c.at-first) >> shift & (1<<radixBits - 1)
			to[place[digit]] = c
			place[digit]++
		}
		from, to = to, from
	}
	if &from[0] != &list[0] {
		copy(list, from)
	}
}
