package allocator

import (
	"math"
	"math/bits"

	"conga/bitrate"
)

// MaxProfile is how many steps a profile has at most.
const MaxProfile = 8

const (
	// maxLevels is how many levels of what a path has free are told apart when
	// a profile is sought.
	maxLevels = 128
	// maxLooks is after how many pairs of levels one path's starts are looked
	// at no more, and after half of that only until there is a profile.
	maxLooks = maxEffort
)

// A shaping is the search for the profile with which a volume passes over one
// path first.
//
// It is exact. Whatever the end, a volume is greatest in steps that begin and
// end where the path's rate changes, each at the least rate that is free in it:
// of two steps the faster one may as well begin earlier, or end later, until
// less is free. So the greatest volume by each such moment is found for one
// step more from those for one step less. What is free and not used by then is
// lost for good: where more is lost than is left over, no step goes on.
type shaping struct {
	floor   bitrate.Rate // no rate of a step is less
	highest bitrate.Rate // and none is more
	volume  int64        // bits
	steps   int          // at most
	longest Seconds      // that it may last
	prompt  bool         // it begins when the first level does
	soonest Seconds      // it is known that it does not end before
	looks   int          // how many pairs of levels were looked at

	levels []Step    // what is free, without a gap; no rate of a step is more
	free   []float64 // what they have before each of them, and in all, in bits
	spare  float64   // how much of that may be lost, and a little more
	most   [][]int64 // by steps, and the level before which they end: bits that have passed; -1: it cannot be
	from   [][]int   // the level with which the last of these steps begins
}

// shape returns the steps, at most so many, in which a volume in bytes has
// passed first over a path that has the levels free, at rates from floor, which
// is not 0, to most; of those with that end it has the fewest. nil: it does not
// pass.
// Levels follow on each other, and the profile lasts longest seconds at most.
func shape(levels []Step, volume uint64, floor, most bitrate.Rate, steps int, longest Seconds, prompt bool) (best []Step) {
	s := shaping{floor: floor, highest: most, volume: int64(8 * volume), steps: steps, longest: longest, prompt: prompt}
	return s.shape(levels)
}

// shape returns the profile for what a path has free, as [shape] does.
//
// Where the levels last longer than it may, only starts at which a level begins
// are looked at, as many as [maxLooks] allows.
func (s *shaping) shape(levels []Step) (best []Step) {
	s.levels = coarse(s.trimmed(levels))
	n := len(s.levels)
	if n == 0 || s.levels[n-1].End-s.levels[0].Start <= s.longest {
		return s.solve(s.prompt)
	}
	all, before := s.levels, s.looks
	for i := range all {
		if looks := s.looks - before; looks >= maxLooks || looks >= maxLooks/2 && best != nil {
			break
		}
		w := Window{all[i].Start, all[i].Start + s.longest}
		if len(best) > 0 {
			w.End = min(w.End, best[len(best)-1].End)
		}
		s.levels = clipped(all[i:], w)
		got := s.solve(true)
		if len(got) > 0 && (best == nil || got[len(got)-1].End < best[len(best)-1].End) {
			best = got
		}
		if s.prompt {
			break
		}
	}
	return best
}

// trimmed returns levels that are no higher than the highest rate, nor than
// what passes all at once, and 0 where they are lower than the least rate.
func (s *shaping) trimmed(levels []Step) []Step {
	most := min(s.highest, max(s.floor, bitrate.Rate(s.volume)))
	out := make([]Step, 0, len(levels))
	for _, l := range levels {
		if l.Rate = min(l.Rate, most); l.Rate < s.floor {
			l.Rate = 0
		}
		if !l.empty() {
			out = appendStep(out, l)
		}
	}
	return out
}

// coarse returns levels, in their own memory, of which there are no more than
// are told apart: of too many those beside each other become one, with what
// both have.
func coarse(levels []Step) []Step {
	for len(levels) > maxLevels {
		half := levels[:0]
		for i := 0; i < len(levels); i += 2 {
			l := levels[i]
			if i+1 < len(levels) {
				l.End, l.Rate = levels[i+1].End, min(l.Rate, levels[i+1].Rate)
			}
			half = appendStep(half, l)
		}
		levels = half
	}
	return levels
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

// solve returns what shape does, if its length does not matter. Little may be
// lost at first, then more: the less it is the fewer steps there are to look
// at, and the profile that ends first loses least.
func (s *shaping) solve(prompt bool) []Step {
	soonest := s.begin(prompt)
	if soonest == 0 {
		return nil
	}
	soonest = max(soonest, s.soonest)
	all := s.free[len(s.levels)] - float64(s.volume)
	for part := 16.0; ; part /= 4 {
		s.most, s.from = s.most[:1], s.from[:1]
		got := s.within(all/part, soonest)
		if got.end != 0 && (part == 1 || s.freeBy(got.end)-float64(s.volume) <= all/part) {
			return s.steppedTo(got)
		}
		if part == 1 {
			return nil
		}
	}
}

// within returns the end of the profile that ends first and loses no more bits
// of what is free than may be lost.
func (s *shaping) within(lost float64, soonest Seconds) (got shapeEnd) {
	s.allow(lost)
	for k := range s.steps {
		if e := s.first(k); e.end != 0 && (got.end == 0 || e.end < got.end) {
			got = e
			s.allow(min(lost, s.freeBy(e.end)-float64(s.volume)))
		}
		if got.end == soonest || k == s.steps-1 {
			return got
		}
		s.extend()
	}
	return got
}

// begin notes what there is, and what has passed in no steps. It returns the
// end of a level or an earlier moment before which no volume ends; 0 if it does
// not pass however many steps there are.
func (s *shaping) begin(prompt bool) (soonest Seconds) {
	done, sum := int64(0), 0.0
	s.free = append(s.free[:0], 0)
	none := make([]int64, len(s.levels))
	for i, l := range s.levels {
		if i > 0 && prompt {
			none[i] = -1
		}
		if soonest == 0 && l.Rate > 0 && s.plus(done, l.Rate, l.End-l.Start) == s.volume {
			soonest = l.Start + Seconds((uint64(s.volume-done)-1)/uint64(l.Rate)) + 1
		}
		done = s.plus(done, l.Rate, l.End-l.Start)
		sum += float64(l.Rate) * float64(l.End-l.Start)
		s.free = append(s.free, sum)
	}
	s.most, s.from = append(s.most[:0], none), append(s.from[:0], nil)
	return soonest
}

// freeBy returns what levels have up to a moment, in bits.
func (s *shaping) freeBy(end Seconds) float64 {
	for i, l := range s.levels {
		if end <= l.End {
			return s.free[i] + float64(l.Rate)*float64(end-l.Start)
		}
	}
	return s.free[len(s.levels)]
}

// allow notes how many bits may be lost of what is free. Sums of so many rates
// are not exact, which must not make it less.
func (s *shaping) allow(lost float64) { s.spare = lost + s.free[len(s.levels)]*1e-9 + 1 }

// plus returns bits and what a rate carries in so many seconds, but no more
// than the volume.
func (s *shaping) plus(done int64, rate bitrate.Rate, seconds Seconds) int64 {
	hi, lo := bits.Mul64(uint64(rate), uint64(seconds))
	if hi != 0 || lo >= uint64(s.volume-done) { // their sum might overflow
		return s.volume
	}
	return done + int64(lo)
}

// extend finds the most that has passed before each level in one step more.
func (s *shaping) extend() {
	before := s.most[len(s.most)-1]
	most, from := make([]int64, len(s.levels)), make([]int, len(s.levels))
	for j := range most {
		most[j] = -1
	}
	for i := range before {
		if before[i] < 0 || s.free[i]-float64(before[i]) > s.spare {
			continue
		}
		low, start, bound := bitrate.Rate(math.MaxInt64), s.levels[i].Start, s.spare+float64(before[i])
		for j := i + 1; j < len(s.levels); j++ {
			s.looks++
			span := s.levels[j].Start - start
			if low = min(low, s.levels[j-1].Rate); low == 0 || s.free[j]-float64(low)*float64(span) > bound {
				break
			}
			if sum := s.plus(before[i], low, span); sum > most[j] {
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
		if done < 0 || done >= s.volume || s.free[i]-float64(done) > s.spare {
			continue
		}
		low, start := bitrate.Rate(math.MaxInt64), s.levels[i].Start
		for j := i; j < len(s.levels); j++ {
			s.looks++
			l := &s.levels[j]
			if low = min(low, l.Rate); low == 0 || got.end != 0 && l.Start >= got.end || s.free[j]-float64(low)*float64(l.Start-start) > s.spare+float64(done) {
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
