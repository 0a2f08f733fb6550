package allocator

import (
	"math"
	"math/bits"

	"conga/bitrate"
)

// MaxProfile is how many steps a profile has at most.
const MaxProfile = 8

// maxLevels is how many levels of what a path has free are told apart when a
// profile is sought.
const maxLevels = 128

// A shaping is the search for the profile with which a volume passes over one
// path first.
//
// It is exact. Whatever the end, a volume is greatest in steps that begin and
// end where the path's rate changes, each at the least rate that is free in it:
// of two steps the faster one may as well begin earlier, or end later, until
// less is free. So the greatest volume by each such moment is found for one
// step more from those for one step less.
type shaping struct {
	levels []Step       // what is free, without a gap; no rate of a step is more
	floor  bitrate.Rate // and none is less
	volume int64        // bits
	steps  int          // at most
	prompt bool         // it begins when the first level does

	most [][]int64 // by steps, and the level before which they end: bits that have passed; -1: it cannot be
	from [][]int   // the level with which the last of these steps begins
}

// shape returns the steps, at most so many, in which a volume in bytes has
// passed first over a path that has the levels free, at rates from floor, which
// is not 0, to most; of those with that end it has the fewest. nil: it does not
// pass.
// Levels follow on each other, and the profile lasts longest seconds at most.
//
// Where the levels last longer than that, only starts at which a level begins
// are looked at.
func shape(levels []Step, volume uint64, floor, most bitrate.Rate, steps int, longest Seconds, prompt bool) (best []Step) {
	s := shaping{floor: floor, volume: int64(8 * volume), steps: steps, prompt: prompt}
	s.levels = s.bounded(levels, most)
	n := len(s.levels)
	if n == 0 || s.levels[n-1].End-s.levels[0].Start <= longest {
		return s.solve()
	}
	all := s.levels
	s.prompt = true
	for i := range all {
		s.levels = clipped(all[i:], Window{all[i].Start, all[i].Start + longest})
		got := s.solve()
		if len(got) > 0 && (best == nil || got[len(got)-1].End < best[len(best)-1].End) {
			best = got
		}
		if prompt {
			break
		}
	}
	return best
}

// bounded returns levels that are no higher than most, nor than what passes
// all at once, and 0 where they are lower than the least rate. Of too many
// those beside each other become one, with what both have.
func (s *shaping) bounded(levels []Step, most bitrate.Rate) (out []Step) {
	most = min(most, max(s.floor, bitrate.Rate(s.volume)))
	for _, l := range levels {
		if l.Rate = min(l.Rate, most); l.Rate < s.floor {
			l.Rate = 0
		}
		if l.empty() {
			continue
		}
		out = appendStep(out, l)
	}
	for len(out) > maxLevels {
		half := out[:0]
		for i := 0; i < len(out); i += 2 {
			l := out[i]
			if i+1 < len(out) {
				l.End, l.Rate = out[i+1].End, min(l.Rate, out[i+1].Rate)
			}
			half = appendStep(half, l)
		}
		out = half
	}
	return out
}

// appendStep appends a step, or makes the last one longer by it.
func appendStep(list []Step, s Step) []Step {
	if n := len(list); n > 0 && list[n-1].Rate == s.Rate && list[n-1].End == s.Start {
		list[n-1].End = s.End
		return list
	}
	return append(list, s)
}

// clipped returns the parts of steps that are in a window.
func clipped(steps []Step, w Window) (in []Step) {
	for _, s := range steps {
		s.Start, s.End = max(s.Start, w.Start), min(s.End, w.End)
		if !s.empty() {
			in = append(in, s)
		}
	}
	return in
}

// solve returns what shape does, if its length does not matter.
func (s *shaping) solve() []Step {
	if s.area(0, len(s.levels)) < s.volume {
		return nil
	}
	s.begin()
	var got shapeEnd
	for k := range s.steps {
		if e := s.first(k); e.end != 0 && (got.end == 0 || e.end < got.end) {
			got = e
		}
		s.extend()
	}
	if got.end == 0 {
		return nil
	}
	return s.steppedTo(got)
}

// area returns how much passes in all levels from one to another, if a step is
// as short as one likes, in bits; no more than the volume.
func (s *shaping) area(from, to int) (bits int64) {
	for _, l := range s.levels[from:to] {
		bits = s.plus(bits, l.Rate, l.End-l.Start)
	}
	return bits
}

// plus returns bits and what a rate carries in so many seconds, but no more
// than the volume.
func (s *shaping) plus(done int64, rate bitrate.Rate, seconds Seconds) int64 {
	hi, lo := bits.Mul64(uint64(rate), uint64(seconds))
	if hi != 0 || lo >= uint64(s.volume-done) { // their sum might overflow
		return s.volume
	}
	return done + int64(lo)
}

// begin notes what has passed in no steps.
func (s *shaping) begin() {
	none := make([]int64, len(s.levels))
	for j := range none {
		if j > 0 && s.prompt {
			none[j] = -1
		}
	}
	s.most, s.from = [][]int64{none}, [][]int{nil}
}

// extend finds the most that has passed before each level in one step more.
func (s *shaping) extend() {
	before := s.most[len(s.most)-1]
	most, from := make([]int64, len(s.levels)), make([]int, len(s.levels))
	for j := range most {
		most[j] = -1
	}
	for i := range before {
		if before[i] < 0 {
			continue
		}
		low := bitrate.Rate(math.MaxInt64)
		for j := i + 1; j < len(s.levels); j++ {
			if low = min(low, s.levels[j-1].Rate); low == 0 {
				break
			}
			if sum := s.plus(before[i], low, s.levels[j].Start-s.levels[i].Start); sum > most[j] {
				most[j], from[j] = sum, i
			}
		}
	}
	s.most, s.from = append(s.most, most), append(s.from, from)
}

// shapeEnd is a last step.
type shapeEnd struct {
	before int     // steps
	level  int     // with which it begins
	end    Seconds // 0: there is none
}

// first returns the last step that ends first, after so many others.
func (s *shaping) first(before int) (got shapeEnd) {
	for i, done := range s.most[before] {
		if done < 0 || done >= s.volume {
			continue
		}
		low, start := bitrate.Rate(math.MaxInt64), s.levels[i].Start
		for _, l := range s.levels[i:] {
			if low = min(low, l.Rate); low == 0 || got.end != 0 && l.Start >= got.end {
				break
			}
			left := uint64(s.volume - done)
			end := start + Seconds((left-1)/uint64(low)) + 1
			if end <= l.End {
				if got.end == 0 || end < got.end {
					got = shapeEnd{before, i, end}
				}
				break
			}
		}
	}
	return got
}

// steppedTo returns the steps up to a last one, which has no higher rate than
// it needs.
func (s *shaping) steppedTo(e shapeEnd) []Step {
	steps := make([]Step, e.before+1)
	start := s.levels[e.level].Start
	left, seconds := uint64(s.volume-s.most[e.before][e.level]), uint64(e.end-start)
	steps[e.before] = Step{Window{start, e.end}, max(s.floor, bitrate.Rate((left-1)/seconds+1))}
	for k, to := e.before, e.level; k > 0; k-- {
		i := s.from[k][to]
		steps[k-1] = Step{Window{s.levels[i].Start, s.levels[to].Start}, s.low(i, to)}
		to = i
	}
	return steps
}

// low returns the least rate of some levels.
func (s *shaping) low(from, to int) bitrate.Rate {
	low := s.levels[from].Rate
	for _, l := range s.levels[from:to] {
		low = min(low, l.Rate)
	}
	return low
}
