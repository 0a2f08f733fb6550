package topology

import (
	"hash/maphash"
	"iter"
	"slices"
)

// A Map is an immutable map: With and Without return another one, which shares
// with it all but a few hundred bytes. The zero Map is empty. It is safe for
// concurrent use.
type Map[K comparable, V any] struct{ root *branch[K, V] }

// A branch is a leaf with pairs, or an inner node with kids, picked by the next
// four bits of a key's hash.
type branch[K comparable, V any] struct {
	size  int // pairs in it and below
	pairs []pair[K, V]
	kids  *[fanOut]*branch[K, V]
}

type pair[K comparable, V any] struct {
	key   K
	value V
}

const (
	fanBits  = 4
	fanOut   = 1 << fanBits
	leafSize = 8  // pairs of a leaf; more are spread over kids
	hashBits = 64 // where these end a leaf grows without bound
)

var hashSeed = maphash.MakeSeed()

// MapOf returns a map with the pairs of m.
func MapOf[K comparable, V any](m map[K]V) (out Map[K, V]) {
	for k, v := range m {
		out = out.With(k, v)
	}
	return out
}

// Len returns the number of pairs.
func (m Map[K, V]) Len() int {
	if m.root == nil {
		return 0
	}
	return m.root.size
}

// Get returns the value at key; ok is false if there is none.
func (m Map[K, V]) Get(key K) (value V, ok bool) {
	if m.root == nil {
		return value, false
	}
	at := m.root
	for hash := maphash.Comparable(hashSeed, key); at != nil && at.kids != nil; hash >>= fanBits {
		at = at.kids[hash%fanOut]
	}
	if i := at.find(key); i >= 0 {
		return at.pairs[i].value, true
	}
	return value, false
}

// All returns the pairs, in no order.
func (m Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { m.root.each(yield) }
}

// With returns the map with value at key.
func (m Map[K, V]) With(key K, value V) Map[K, V] {
	return Map[K, V]{m.root.with(pair[K, V]{key, value}, maphash.Comparable(hashSeed, key), 0)}
}

// Without returns the map without key.
func (m Map[K, V]) Without(key K) Map[K, V] {
	return Map[K, V]{m.root.without(key, maphash.Comparable(hashSeed, key))}
}

// find returns the index of key in a leaf; -1 if it is not there.
func (b *branch[K, V]) find(key K) int {
	if b == nil {
		return -1
	}
	return slices.IndexFunc(b.pairs, func(e pair[K, V]) bool { return e.key == key })
}

func (b *branch[K, V]) each(yield func(K, V) bool) bool {
	if b == nil {
		return true
	}
	for i := range b.pairs {
		if !yield(b.pairs[i].key, b.pairs[i].value) {
			return false
		}
	}
	if b.kids != nil {
		for _, kid := range b.kids {
			if !kid.each(yield) {
				return false
			}
		}
	}
	return true
}

// with returns the branch with a pair. hash is what is left of the key's hash,
// used how many of its bits were used.
func (b *branch[K, V]) with(e pair[K, V], hash uint64, used int) *branch[K, V] {
	if b == nil {
		return &branch[K, V]{size: 1, pairs: []pair[K, V]{e}}
	}
	if b.kids != nil {
		kids := *b.kids
		was := kids[hash%fanOut].len()
		kid := kids[hash%fanOut].with(e, hash>>fanBits, used+fanBits)
		kids[hash%fanOut] = kid
		return &branch[K, V]{size: b.size - was + kid.size, kids: &kids}
	}
	out := &branch[K, V]{pairs: slices.Clone(b.pairs)}
	if i := out.find(e.key); i >= 0 {
		out.pairs[i] = e
	} else {
		out.pairs = append(out.pairs, e)
	}
	out.size = len(out.pairs)
	if out.size <= leafSize || used >= hashBits {
		return out
	}
	return out.split(used)
}

// split spreads the pairs of a leaf over kids.
func (b *branch[K, V]) split(used int) *branch[K, V] {
	out := &branch[K, V]{size: b.size, kids: new([fanOut]*branch[K, V])}
	for _, e := range b.pairs {
		hash := maphash.Comparable(hashSeed, e.key) >> used
		kid := &out.kids[hash%fanOut]
		*kid = (*kid).with(e, hash>>fanBits, used+fanBits)
	}
	return out
}

func (b *branch[K, V]) without(key K, hash uint64) *branch[K, V] {
	if b == nil {
		return nil
	}
	if b.kids != nil {
		old := b.kids[hash%fanOut]
		kid := old.without(key, hash>>fanBits)
		if kid == old {
			return b
		}
		kids := *b.kids
		kids[hash%fanOut] = kid
		out := &branch[K, V]{size: b.size - old.len() + kid.len(), kids: &kids}
		return out.join()
	}
	i := b.find(key)
	switch {
	case i < 0:
		return b
	case len(b.pairs) == 1:
		return nil
	}
	out := slices.Delete(slices.Clone(b.pairs), i, i+1)
	return &branch[K, V]{size: len(out), pairs: out}
}

// join makes a leaf of an inner node that has become small.
func (b *branch[K, V]) join() *branch[K, V] {
	if b.size > leafSize/2 {
		return b
	}
	leaf := &branch[K, V]{size: b.size}
	b.each(func(k K, v V) bool {
		leaf.pairs = append(leaf.pairs, pair[K, V]{k, v})
		return true
	})
	if leaf.size == 0 {
		return nil
	}
	return leaf
}

func (b *branch[K, V]) len() int {
	if b == nil {
		return 0
	}
	return b.size
}
