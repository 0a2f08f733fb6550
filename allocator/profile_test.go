package allocator

import (
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
)

// drawLevels returns what a path has free from a moment on.
func drawLevels(t *rapid.T, most int) (levels []Step) {
	at := secondsRange(0, 3).Draw(t, "first")
	for range rapid.IntRange(1, most).Draw(t, "levels") {
		end := at + secondsRange(1, 3).Draw(t, "seconds")
		levels = append(levels, Step{Window{at, end}, bitrate.Rate(rapid.IntRange(0, 5).Draw(t, "free"))})
		at = end
	}
	return levels
}

// shapeByHand returns the first end by which a volume has passed, and in how
// many steps, by going through all rates second by second; no end is 0.
func shapeByHand(levels []Step, volume uint64, floor, most bitrate.Rate, steps int, prompt bool) (end Seconds, fewest int) {
	type state struct {
		rate  bitrate.Rate
		steps int
	}
	running := map[state]uint64{} // the most bits that have passed
	for _, l := range levels {
		for t := l.Start; t < l.End; t++ {
			next := map[state]uint64{}
			put := func(s state, bits uint64) {
				if s.steps <= steps {
					next[s] = max(next[s], bits+uint64(s.rate))
				}
			}
			for rate := max(1, floor); rate <= min(l.Rate, most); rate++ {
				for s, bits := range running {
					if s.rate != rate {
						s = state{rate, s.steps + 1}
					}
					put(s, bits)
				}
				if !prompt || t == levels[0].Start {
					put(state{rate, 1}, 0)
				}
			}
			running = next
			for s, bits := range running {
				if bits >= 8*volume && (fewest == 0 || s.steps < fewest) {
					end, fewest = t+1, s.steps
				}
			}
			if end != 0 {
				return end, fewest
			}
		}
	}
	return 0, 0
}

// freeAt returns the rate of the step that a second is in.
func freeAt(steps []Step, t Seconds) bitrate.Rate {
	for _, s := range steps {
		if s.Contains(t) {
			return s.Rate
		}
	}
	return 0
}

// checkShape checks that a profile is one.
func checkShape(t *rapid.T, steps, levels []Step, volume uint64, floor, most bitrate.Rate) {
	bits := uint64(0)
	for i, s := range steps {
		if s.empty() || i > 0 && (s.Start != steps[i-1].End || s.Rate == steps[i-1].Rate) {
			t.Fatalf("%v does not follow", steps)
		}
		if s.Rate < max(1, floor) || s.Rate > most {
			t.Fatalf("%v is out of bounds", steps)
		}
		for at := s.Start; at < s.End; at++ {
			if free := freeAt(levels, at); s.Rate > free {
				t.Fatalf("%v has %d at %d, where %d is free", steps, s.Rate, at, free)
			}
			bits += uint64(s.Rate)
		}
	}
	if bits < 8*volume {
		t.Fatalf("%v carries %d bits, not %d", steps, bits, 8*volume)
	}
}

// TestShapeIsExact: a volume passes as early as it can in so many steps, and in
// no more than it needs; or it does not pass at all.
func TestShapeIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		levels := drawLevels(t, 12)
		volume := uint64(rapid.IntRange(1, 9).Draw(t, "bytes"))
		floor := bitrate.Rate(rapid.IntRange(1, 3).Draw(t, "floor"))
		most := floor + bitrate.Rate(rapid.IntRange(0, 4).Draw(t, "more"))
		steps := rapid.IntRange(1, 8).Draw(t, "steps")
		prompt := rapid.Bool().Draw(t, "at once")
		got := shape(levels, volume, floor, most, steps, MaxDuration, prompt)
		end, fewest := shapeByHand(levels, volume, floor, most, steps, prompt)
		if len(got) != fewest || len(got) > 0 && got[len(got)-1].End != end {
			t.Fatalf("%v; by hand %d steps until %d", got, fewest, end)
		}
		if len(got) == 0 {
			return
		}
		if prompt && got[0].Start != levels[0].Start {
			t.Fatalf("%v does not begin at once", got)
		}
		checkShape(t, got, levels, volume, floor, most)
	})
}

// TestShapeWithinItsBounds: where there are more levels than are told apart, or
// a profile may not last as long as they do, what is found is one all the same.
func TestShapeWithinItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		levels := drawLevels(t, 3*maxLevels)
		longest := secondsRange(1, 300).Draw(t, "longest")
		volume := uint64(rapid.IntRange(1, 60).Draw(t, "bytes"))
		got := shape(levels, volume, 1, 5, MaxProfile, longest, false)
		if len(got) == 0 {
			return
		}
		if got[len(got)-1].End-got[0].Start > longest {
			t.Fatalf("%v lasts longer than %d", got, longest)
		}
		checkShape(t, got, levels, volume, 1, 5)
	})
}

// TestShapeEffort: one path takes no more effort than a whole search may,
// however many starts there are at which its volume might just pass.
func TestShapeEffort(t *testing.T) {
	var levels []Step
	for i := range Seconds(maxLevels) {
		levels = append(levels, Step{Window{10 * i, 10*i + 10}, bitrate.Rate(1000 + 37*(i*i%11))})
	}
	longest := Seconds(10 * (maxLevels - maxLevels/4))
	most := 0
	for volume := int64(9e5); volume < 11e5; volume += 1e4 {
		s := shaping{floor: 1, highest: 1 << 40, volume: volume, steps: MaxProfile, longest: longest}
		s.shape(levels)
		if most = max(most, s.looks); s.looks > maxLooks+s.once() {
			t.Errorf("%d bits take %d looks", volume, s.looks)
		}
	}
	if most < maxLooks {
		t.Errorf("at most %d looks: nothing was bounded", most)
	}
}

// once returns how many pairs of levels one start takes at most.
func (s *shaping) once() int { return 3 * 2 * s.steps * maxLevels * maxLevels / 2 }

// TestShapeOfLargeNumbers: volumes and rates as large as there may be.
func TestShapeOfLargeNumbers(t *testing.T) {
	half := []Step{{Window{0, 1}, 8 * MaxVolume / 2}, {Window{1, MaxDuration}, 8 * MaxVolume / 4}}
	got := shape(half, MaxVolume, 1, 1<<62, MaxProfile, MaxDuration, true)
	if len(got) != 2 || got[1] != (Step{Window{1, 3}, 8 * MaxVolume / 4}) {
		t.Errorf("%v", got)
	}
	if got := shape(half[:1], MaxVolume, 1, 1<<62, MaxProfile, MaxDuration, true); got != nil {
		t.Errorf("%v", got)
	}
	// What has passed and what would pass are more together than a number has.
	half = []Step{{Window{0, 3}, 8 * MaxVolume / 4}, {Window{3, 6}, MaxVolume * 3 / 2}}
	got = shape(half, MaxVolume, 1, 1<<62, MaxProfile, MaxDuration, true)
	if len(got) != 2 || got[1] != (Step{Window{3, 5}, MaxVolume}) {
		t.Errorf("%v", got)
	}
}
