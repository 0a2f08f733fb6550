package allocator

import (
	"slices"
	"sort"

	"conga/controller/path"
)

// prefixSet is a set of prefixes of one length and family, in their order: it
// costs little to change, and those within a wider prefix are found without a
// look at others. The zero value is empty.
type prefixSet struct {
	blocks [][]path.Prefix // in order, none empty
}

// prefixBlock is how many prefixes a block has at most.
const prefixBlock = 256

// block returns the index of the block that has a prefix, if one does.
func (s *prefixSet) block(p path.Prefix) int {
	after := sort.Search(len(s.blocks), func(i int) bool { return p.Less(s.blocks[i][0]) })
	return max(after-1, 0)
}

func (s *prefixSet) empty() bool { return len(s.blocks) == 0 }

// add puts a prefix into the set, in which it must not be.
func (s *prefixSet) add(p path.Prefix) {
	if s.empty() {
		s.blocks = [][]path.Prefix{{p}}
		return
	}
	b := s.block(p)
	list := s.blocks[b]
	i := below(list, p)
	if list = slices.Insert(list, i, p); len(list) <= prefixBlock {
		s.blocks[b] = list
		return
	}
	half := len(list) / 2
	s.blocks[b] = list[:half:half]
	s.blocks = slices.Insert(s.blocks, b+1, slices.Clone(list[half:]))
}

// remove takes a prefix out of the set, in which it must be.
func (s *prefixSet) remove(p path.Prefix) {
	b := s.block(p)
	list := s.blocks[b]
	i := below(list, p)
	if list = slices.Delete(list, i, i+1); len(list) > 0 {
		s.blocks[b] = list
		return
	}
	s.blocks = slices.Delete(s.blocks, b, b+1)
}

// within calls yield with those that are in a prefix which is not longer.
func (s *prefixSet) within(whole path.Prefix, yield func(path.Prefix)) {
	if s.empty() {
		return
	}
	b := s.block(whole)
	for i := below(s.blocks[b], whole); b < len(s.blocks); b, i = b+1, 0 {
		for _, p := range s.blocks[b][i:] {
			if !whole.Covers(p) {
				return
			}
			yield(p)
		}
	}
}

// below returns how many prefixes of a list in order come before one.
func below(list []path.Prefix, p path.Prefix) int {
	return sort.Search(len(list), func(i int) bool { return !list[i].Less(p) })
}
