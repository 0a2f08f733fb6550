package store

import (
	"iter"
	"math/bits"
)

// A pageSet is a set of pages, one bit each: a large store has a million.
type pageSet []uint64

func (s pageSet) has(id uint64) bool {
	return id/64 < uint64(len(s)) && s[id/64]>>(id%64)&1 != 0
}

// add adds a page of the file, so that the set is no longer than the file.
func (s *pageSet) add(id uint64) {
	if n := int(id/64) + 1; n > len(*s) {
		*s = append(*s, make(pageSet, n-len(*s))...)
	}
	(*s)[id/64] |= 1 << (id % 64)
}

// addAll adds the pages of another set.
func (s *pageSet) addAll(other pageSet) {
	if n := len(other); n > len(*s) {
		*s = append(*s, make(pageSet, n-len(*s))...)
	}
	for i, word := range other {
		(*s)[i] |= word
	}
}

// all yields the pages in order.
func (s pageSet) all() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for i, word := range s {
			for ; word != 0; word &= word - 1 {
				if !yield(uint64(64*i + bits.TrailingZeros64(word))) {
					return
				}
			}
		}
	}
}
