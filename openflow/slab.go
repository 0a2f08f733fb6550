package openflow

// A slab is zeroed memory from which slices of a message are cut, so that many
// of them are one allocation.
type slab[T any] struct {
	free  []T
	whole []T // what was allocated last; free is its end
	chunk int // how many elements to allocate when free runs out, if more than needed
}

// take cuts n elements off the slab, and allocates where it has too few.
func (s *slab[T]) take(n int) []T {
	if n == 0 {
		return nil
	}
	if n > len(s.free) {
		if n >= s.chunk {
			return make([]T, n)
		}
		s.whole = make([]T, s.chunk)
		s.free = s.whole
	}
	t := s.free[:n:n]
	s.free = s.free[n:]
	return t
}

// reuse makes all of the slab free again, and zero. Where it ran out since the
// last time it has been replaced by a larger one, so that after a few messages
// it is large enough for their like.
func (s *slab[T]) reuse() {
	clear(s.whole[:len(s.whole)-len(s.free)])
	s.free = s.whole
	s.chunk = max(2*len(s.whole), slabMin)
}

// slabMin is how many elements a slab that is used again has at first.
const slabMin = 256
