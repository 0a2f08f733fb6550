package stats

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/bitrate"
)

// A wireModel is traffic between two ends, in steps of a tenth of a second,
// with what their counters show.
type wireModel struct {
	watch   lossWatch
	rate    bitrate.Rate
	offered func(step int) float64 // bytes in a step
	lost    func(step int) float64 // share
	policed bool
	frame   float64
	lag     func(exit bool, step int) int // steps by which entries are behind
	every   [2]int                        // steps between two looks at the entrance, and at the exit
	first   [2]int

	entered, dropped, left []float64 // bytes up to each step
	changes                []int     // steps in which the watch changed its mind
}

const wireStep = 100 * time.Millisecond

// run lets time pass up to a step.
func (m *wireModel) run(until int) {
	start := time.Unix(1_000_000, 0)
	for i := len(m.entered); i < until; i++ {
		in, drop, last := m.offered(i), 0.0, max(0, i-1)
		if most := float64(m.rate) / 8 * wireStep.Seconds(); m.policed && in > most {
			drop = in - most
		}
		if i == 0 {
			m.entered, m.dropped, m.left = []float64{0}, []float64{0}, []float64{0}
			continue
		}
		m.entered = append(m.entered, m.entered[last]+in)
		m.dropped = append(m.dropped, m.dropped[last]+drop)
		m.left = append(m.left, m.left[last]+(in-drop)*(1-m.lost(i)))
		now := start.Add(time.Duration(i) * wireStep)
		if i%m.every[0] == m.first[0] {
			m.watch.enter(now, now.Add(10*time.Millisecond), m.volume(m.entered[max(0, i-m.lag(false, i))]), m.volume(m.dropped[i]), m.rate)
		}
		if i%m.every[1] == m.first[1] && m.watch.leave(now, now.Add(10*time.Millisecond), m.volume(m.left[max(0, i-m.lag(true, i))]), m.rate) {
			m.changes = append(m.changes, i)
		}
	}
}

func (m *wireModel) volume(bytes float64) Volume {
	return Volume{uint64(bytes / m.frame), uint64(bytes)}
}

// lags returns lags of a counter that is brought up to date now and then, as
// those of Open vSwitch are: up to a second, and never backwards.
func lags(t *rapid.T, name string) func(step int) int {
	of := rapid.SliceOfN(rapid.IntRange(1, 10), 8, 8).Draw(t, name)
	shown := 0
	return func(step int) int {
		if step-shown >= of[step%len(of)] {
			shown = step
		}
		return min(step-shown, 10)
	}
}

func anyWire(t *rapid.T) *wireModel {
	rate := bitrate.Rate(math.Exp2(rapid.Float64Range(16, 33).Draw(t, "rate")))
	full := float64(rate) / 8 * wireStep.Seconds()
	in, out := lags(t, "lag at the entrance"), lags(t, "lag at the exit")
	every := rapid.IntRange(10, 60).Draw(t, "steps between looks")
	m := &wireModel{
		rate: rate, policed: true, frame: 1000, every: [2]int{every, every},
		first: [2]int{rapid.IntRange(0, every-1).Draw(t, "entrance"), rapid.IntRange(0, every-1).Draw(t, "exit")},
		lost:  func(int) float64 { return 0 },
	}
	// Both counters move on with every step, whether they are looked at or not.
	m.offered = func(int) float64 { return full }
	m.lag = func(exit bool, step int) int {
		if exit {
			return out(step)
		}
		return in(step)
	}
	return m
}

// Traffic that goes up and down as it likes, and floods, and loses next to
// nothing, is never taken for one that is lost.
func TestNoLossIsFoundWhereThereIsNone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyWire(t)
		full := m.offered(0)
		steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [2]float64 {
			return [2]float64{float64(rapid.IntRange(1, 150).Draw(t, "steps")), rapid.SampledFrom([]float64{0, 0, .01, .3, 1, 1, 3, 20}).Draw(t, "of the rate")}
		}), 1, 30).Draw(t, "traffic")
		var shape []float64
		for _, s := range steps {
			for range int(s[0]) {
				shape = append(shape, s[1]*full)
			}
		}
		m.offered = func(step int) float64 { return shape[step%len(shape)] }
		share := rapid.SampledFrom([]float64{0, .01, .03}).Draw(t, "lost")
		m.lost = func(int) float64 { return share }
		m.run(6000)
		if len(m.changes) > 0 {
			t.Fatalf("losses found, or over, at %v", m.changes)
		}
	})
}

// Where more is lost than may be, that is found once, and is over once it is.
func TestLossIsFoundOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyWire(t)
		m.every, m.first = [2]int{50, 50}, [2]int{rapid.IntRange(0, 49).Draw(t, "entrance"), rapid.IntRange(0, 49).Draw(t, "exit")}
		full := m.offered(0)
		load := rapid.SampledFrom([]float64{.3, .9, 1, 1.2}).Draw(t, "of the rate")
		m.offered = func(int) float64 { return load * full }
		share := rapid.SampledFrom([]float64{.15, .3, .5, 1}).Draw(t, "lost")
		const begins, ends = 1000, 6000
		m.lost = func(step int) float64 {
			if step >= begins && step < ends {
				return share
			}
			return 0
		}
		m.run(ends)
		most := map[float64]int{.15: 4000, .3: 1500, .5: 900, 1: 600}[share]
		if len(m.changes) != 1 || m.changes[0] < begins || m.changes[0] > begins+most || !m.watch.lost {
			t.Fatalf("%v is lost from %d to %d: changes at %v", share, begins, ends, m.changes)
		}
		if got := m.watch.share; got > share+.2 || got < share*.6 {
			t.Errorf("%v is lost, %v is told", share, got)
		}
		m.run(ends + 8000)
		if len(m.changes) != 2 || m.watch.lost {
			t.Fatalf("%v is lost from %d to %d: changes at %v", share, begins, ends, m.changes)
		}
		t.Logf("share %v load %v: found after %d over after %d", share, load, m.changes[0]-begins, m.changes[1]-ends)
	})
}
