package allocator

import (
	"math"
	"slices"
	"sort"
)

// timelineBlock is how many moments a block of a timeline has at most.
const timelineBlock = 84

// timeline is a piecewise-constant function of time: how much is reserved of
// one thing at every moment. It is zero before the first and after the last
// reservation.
//
// What is kept are the moments at which it changes, twelve bytes each, in
// blocks of some dozens. Each block knows the level before it and its highest
// and lowest level, so that whole blocks are passed over. Adding a reservation
// takes time for two blocks, and a few instructions for each block in between.
//
// Removing a reservation that was added restores the function exactly: rates
// are integers, and a moment whose changes cancel out is not kept.
type timeline struct{ blocks []stretch }

// stretch is the part of a timeline from its base to that of the next one. Its
// moments are base+at[i], ascending, and at each of them the level changes by
// by[i], which is not zero.
type stretch struct {
	base      Seconds
	before    int64 // the level before the first moment
	high, low int64 // the extremes of before and of the levels in the stretch
	at        []uint32
	by        []int64
}

// block returns the index of the stretch that t is in; 0 also for what is
// before all.
func (l *timeline) block(t Seconds) int {
	return max(0, sort.Search(len(l.blocks), func(i int) bool { return l.blocks[i].base > t })-1)
}

// add raises the level throughout the window by rate, which may be negative.
func (l *timeline) add(w Window, rate int64) {
	if rate == 0 || w.Start >= w.End {
		return
	}
	first, _ := l.step(w.Start, rate)
	last := l.block(w.End)
	for i := first + 1; i <= last; i++ {
		l.blocks[i].raise(rate)
	}
	if last, halved := l.step(w.End, -rate); halved {
		l.blocks[last+1].raise(-rate) // it was part of the stretch that was raised
	}
	l.tidy(l.block(w.End))
	l.tidy(l.block(w.Start))
}

func (s *stretch) raise(by int64) {
	s.before, s.high, s.low = s.before+by, s.high+by, s.low+by
}

// step changes the level from t on to the end of its stretch, whose index it
// returns. halved is true if that was the first half of another stretch before.
func (l *timeline) step(t Seconds, by int64) (i int, halved bool) {
	i, halved = l.room(t)
	s := &l.blocks[i]
	at := uint32(t - s.base)
	k, there := slices.BinarySearch(s.at, at)
	switch {
	case !there:
		s.insert(k, at, by)
	case s.by[k]+by == 0:
		s.at, s.by = slices.Delete(s.at, k, k+1), slices.Delete(s.by, k, k+1)
	default:
		s.by[k] += by
	}
	s.refresh()
	return i, halved
}

// room returns the index of the stretch for a moment, which is made where there
// is none or it is full. halved is true if it is the first half of what it was.
func (l *timeline) room(t Seconds) (i int, halved bool) {
	if len(l.blocks) == 0 {
		l.blocks = append(l.blocks, stretch{base: t})
		return 0, false
	}
	i = l.block(t)
	s := &l.blocks[i]
	switch {
	case t < s.base && (len(s.at) == timelineBlock || !s.rebase(t)):
		l.blocks = slices.Insert(l.blocks, 0, stretch{base: t})
	case t-s.base > math.MaxUint32, len(s.at) == timelineBlock && i == len(l.blocks)-1 && t > s.last():
		i++
		l.blocks = slices.Insert(l.blocks, i, stretch{base: t, before: s.end()})
	case len(s.at) == timelineBlock:
		l.split(i)
		if t < l.blocks[i+1].base {
			return i, true
		}
		i++
	}
	return i, false
}

// rebase has a stretch begin earlier. It reports whether it could: not if its
// moments would then be too far away.
func (s *stretch) rebase(t Seconds) bool {
	if s.last()-t > math.MaxUint32 {
		return false
	}
	for k := range s.at {
		s.at[k] += uint32(s.base - t)
	}
	s.base = t
	return true
}

func (s *stretch) last() Seconds { return s.base + Seconds(s.at[len(s.at)-1]) }

// end returns the level after the last moment.
func (s *stretch) end() int64 {
	level := s.before
	for _, by := range s.by {
		level += by
	}
	return level
}

// insert makes a moment the k-th one. Small stretches grow as they must, and
// those that are worth it have room for all that they may hold.
func (s *stretch) insert(k int, at uint32, by int64) {
	if n := len(s.at); n == cap(s.at) {
		size := min(timelineBlock, max(2, 2*n))
		s.at = append(make([]uint32, 0, size), s.at...)
		s.by = append(make([]int64, 0, size), s.by...)
	}
	s.at, s.by = slices.Insert(s.at, k, at), slices.Insert(s.by, k, by)
}

// split halves a full stretch.
func (l *timeline) split(i int) {
	const half = timelineBlock / 2
	s := &l.blocks[i]
	right := stretch{base: s.base + Seconds(s.at[half]), at: make([]uint32, 0, timelineBlock), by: make([]int64, 0, timelineBlock)}
	for k, at := range s.at[half:] {
		right.at = append(right.at, at-s.at[half])
		right.by = append(right.by, s.by[half+k])
	}
	s.at, s.by = s.at[:half], s.by[:half]
	s.refresh()
	right.before = s.end()
	right.refresh()
	l.blocks = slices.Insert(l.blocks, i+1, right)
}

// refresh computes the extremes anew.
func (s *stretch) refresh() {
	level := s.before
	s.high, s.low = level, level
	for _, by := range s.by {
		level += by
		s.high, s.low = max(s.high, level), min(s.low, level)
	}
}

// tidy drops a stretch without moments, and joins another with those beside it
// that are small.
func (l *timeline) tidy(i int) {
	switch {
	case i >= len(l.blocks):
	case len(l.blocks[i].at) == 0:
		l.blocks = slices.Delete(l.blocks, i, i+1)
	default:
		l.join(i)
		l.join(i - 1)
	}
}

// join joins a stretch with the next one if there are both and they are small.
func (l *timeline) join(i int) {
	if i < 0 || i+1 >= len(l.blocks) {
		return
	}
	s, next := &l.blocks[i], &l.blocks[i+1]
	if len(s.at)+len(next.at) > timelineBlock/2 || next.last()-s.base > math.MaxUint32 {
		return
	}
	for k, at := range next.at {
		s.insert(len(s.at), uint32(next.base-s.base)+at, next.by[k])
	}
	s.refresh()
	l.blocks = slices.Delete(l.blocks, i+1, i+2)
}

// peak returns the highest level at any moment of the window.
func (l *timeline) peak(w Window) int64 {
	if len(l.blocks) == 0 || w.Start >= w.End {
		return 0
	}
	high := int64(0)
	for i := l.block(w.Start); i < len(l.blocks); i++ {
		s := &l.blocks[i]
		switch {
		case s.base >= w.End:
			return high
		case s.high <= high:
		case s.base > w.Start && (i+1 < len(l.blocks) && l.blocks[i+1].base <= w.End || s.last() < w.End):
			high = s.high // all of it is in the window
		default:
			high = max(high, s.peak(w))
		}
	}
	return high
}

// peak returns the highest level in the part of the window that is in the
// stretch.
func (s *stretch) peak(w Window) int64 {
	level, high := s.before, int64(0)
	for k, at := range s.at {
		t := s.base + Seconds(at)
		if t >= w.End {
			break
		}
		if t > w.Start {
			high = max(high, level)
		}
		level += s.by[k]
	}
	return max(high, level)
}

// fit returns the earliest start, not before w's, at which a window of w's
// length finds the level no higher than room throughout. Since reservations
// end, there is one.
func (l *timeline) fit(w Window, room int64) Seconds {
	from, _, _ := l.gap(w, room, never, mark{})
	return from
}

// mark is a position on a timeline: behind n moments of a stretch. The zero
// mark is before all of it.
type mark struct {
	block, n int
	level    int64 // there
}

// seek returns the mark of a moment that is not before that of m.
func (l *timeline) seek(m mark, t Seconds) mark {
	if len(l.blocks) == 0 {
		return m
	}
	for hops := 0; m.block+1 < len(l.blocks) && l.blocks[m.block+1].base <= t; hops++ {
		if m.block++; hops == 4 {
			m.block = l.block(t)
		}
		m.n, m.level = 0, l.blocks[m.block].before
	}
	for s := &l.blocks[m.block]; m.n < len(s.at) && s.base+Seconds(s.at[m.n]) <= t; m.n++ {
		m.level += s.by[m.n]
	}
	return m
}

// after returns a moment before which the level is as it is at a mark; never if
// it stays so.
func (l *timeline) after(m mark) Seconds {
	for ; m.block < len(l.blocks); m.block, m.n = m.block+1, 0 {
		if s := &l.blocks[m.block]; m.n < len(s.at) {
			return s.base + Seconds(s.at[m.n])
		}
	}
	return never
}

// gap returns what fit does, and until when all later starts fit as well: until
// does not, or is not known to. Where nothing fits before enough, from may be
// any moment from enough on before which nothing fits, and until is the same.
// behind is a mark not after w's start, and at one not after from.
func (l *timeline) gap(w Window, room int64, enough Seconds, behind mark) (from, until Seconds, at mark) {
	from, length := w.Start, w.End-w.Start
	at = l.seek(behind, from)
	for {
		if at.level > room {
			if from, at = l.cross(at, room, never); from >= enough {
				return from, from, at
			}
		}
		end, risen := l.cross(at, room, from+length)
		switch {
		case end == never:
			return from, never, at
		case end-from >= length:
			return from, end - length + 1, at
		}
		at = risen
	}
}

// gapAhead is how many stretches are read beyond what fits, to learn until when
// it does.
const gapAhead = 2

// cross returns the first moment behind m at which the level rises above room,
// or, if it is above at m, at which it no longer is, and the mark of that
// moment; never if there is none. It reads at most gapAhead stretches that
// begin at far or later: without a crossing in those it returns the base of the
// next one, and no mark.
func (l *timeline) cross(m mark, room int64, far Seconds) (Seconds, mark) {
	above, ahead := m.level > room, gapAhead
	for ; m.block < len(l.blocks); m.block, m.n = m.block+1, 0 {
		s := &l.blocks[m.block]
		if m.n == 0 {
			if s.base >= far {
				if ahead == 0 {
					return s.base, mark{}
				}
				ahead--
			}
			m.level = s.before
			if above && s.low > room || !above && s.high <= room {
				continue
			}
		}
		if n, level, ok := s.cross(m.n, m.level, room); ok {
			return s.base + Seconds(s.at[n-1]), mark{m.block, n, level}
		}
	}
	return never, mark{}
}

// cross returns how many moments of the stretch there are up to that at which
// the level crosses room, behind n of them where it is level, and what it is
// then; ok is false if it does not cross.
func (s *stretch) cross(n int, level, room int64) (moments int, then int64, ok bool) {
	for above := level > room; n < len(s.at); {
		level += s.by[n]
		if n++; (level > room) != above {
			return n, level, true
		}
	}
	return n, level, false
}

// build makes a timeline of changes that are in order of time, of which several
// may be of one moment. Its stretches have room for some more.
func (l *timeline) build(changes []change) {
	const fill = timelineBlock * 7 / 8
	l.blocks = make([]stretch, 0, len(changes)/fill+1)
	level := int64(0)
	for len(changes) > 0 {
		s := stretch{base: changes[0].at, before: level}
		n := min(timelineBlock, len(changes))
		s.at, s.by = make([]uint32, 0, n), make([]int64, 0, n)
		for len(changes) > 0 && len(s.at) < fill && changes[0].at-s.base <= math.MaxUint32 {
			at, by := changes[0].at, int64(0)
			for len(changes) > 0 && changes[0].at == at {
				by += changes[0].by
				changes = changes[1:]
			}
			if by != 0 {
				s.at, s.by = append(s.at, uint32(at-s.base)), append(s.by, by)
				level += by
			}
		}
		if len(s.at) > 0 {
			s.refresh()
			l.blocks = append(l.blocks, s)
		}
	}
}
