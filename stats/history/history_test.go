package history

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// near reports whether two numbers differ by no more than float32 does.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-5*(1+math.Abs(a)+math.Abs(b)) }

// A model holds the values of every millisecond, and nothing cleverer.
type model map[int64]Values

func (m model) add(r Run, last int64) (newLast int64) {
	if !r.Values.known() {
		return last
	}
	from := r.From
	if from < last && r.To > last {
		from = last
	} else if from < last {
		for at := range m {
			if at >= from {
				delete(m, at)
			}
		}
	}
	for at := from; at < r.To; at++ {
		m[at] = r.Values
	}
	return r.To
}

func (m model) cells(from, to int64) (c Cells) {
	for at := from; at < to; at++ {
		v, ok := m[at]
		for i := range v {
			if ok && v[i] == v[i] {
				c[i].add(v[i], 1)
			}
		}
	}
	return c
}

func equal(t *rapid.T, what string, got, want Cells) {
	t.Helper()
	for i := range got {
		if got[i].Known != want[i].Known || !near(got[i].Mean(), want[i].Mean()) || got[i].Max != want[i].Max {
			t.Fatalf("%s, channel %d: got mean %g over %d ms, max %g; want %g over %d ms, max %g", what, i,
				got[i].Mean(), got[i].Known, got[i].Max, want[i].Mean(), want[i].Known, want[i].Max)
		}
	}
}

func drawValues(t *rapid.T) (v Values) {
	for i := range v {
		switch rapid.IntRange(0, 4).Draw(t, "sort") {
		case 0:
			v[i] = float32(math.NaN())
		case 1:
			v[i] = 0
		default:
			v[i] = float32(rapid.IntRange(0, 1000).Draw(t, "value"))
		}
	}
	return v
}

// drawRuns returns runs as a poller makes them, with gaps, jitter and a clock
// that is set.
func drawRuns(t *rapid.T, at int64) (runs []Run) {
	for range rapid.IntRange(1, 30).Draw(t, "runs") {
		switch rapid.IntRange(0, 9).Draw(t, "event") {
		case 0:
			at += int64(rapid.IntRange(0, 400).Draw(t, "gap"))
		case 1:
			at -= int64(rapid.IntRange(0, 300).Draw(t, "back"))
		}
		span := int64(rapid.IntRange(1, 120).Draw(t, "span"))
		runs = append(runs, Run{at, at + span, drawValues(t)})
		at += span
	}
	return runs
}

func TestRecentAgainstEveryMillisecond(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r Recent
		m, last := model{}, int64(math.MinInt64)
		for _, run := range drawRuns(t, 10_000) {
			r.Add(run, 1000)
			last = m.add(run, last)
			from := int64(rapid.IntRange(9_000, 14_000).Draw(t, "from"))
			to := from + int64(rapid.IntRange(1, 3_000).Draw(t, "length"))
			equal(t, "cells", r.Cells(from, to), m.cells(from, to))
		}
		for i := 1; i < r.Len(); i++ {
			if r.at(i-1).To > r.at(i).From {
				t.Fatalf("run %v overlaps %v", *r.at(i - 1), *r.at(i))
			}
		}
	})
}

func TestRecentHoldsNoMoreThanMost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 20).Draw(t, "most")
		var r Recent
		var all []Run
		at := int64(0)
		for i := range rapid.IntRange(0, 60).Draw(t, "runs") {
			run := Run{at, at + 10, Values{float32(i)}}
			r.Add(run, most)
			all, at = append(all, run), at+10
			if r.Len() > most || r.Size() > max(most, 4) && r.Size() > most {
				t.Fatalf("%d runs in memory for %d; %d at most", r.Len(), r.Size(), most)
			}
		}
		if got, want := r.Runs(nil, 0, at), all[max(0, len(all)-most):]; !slices.Equal(got, want) {
			t.Fatalf("got %v, want the last %d: %v", got, most, want)
		}
	})
}

// TestPointsAgainstRuns sums up runs as a daemon does over hours, through what
// is written down, and compares each step with the runs themselves.
func TestPointsAgainstRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := 500_000 * Hour
		var all Recent
		for at := start; at < start+5*Hour; {
			at += rapid.SampledFrom([]int64{0, 0, 0, 7, 130, 4000}).Draw(t, "gap") * Second
			span := int64(rapid.IntRange(500, 900_000).Draw(t, "span"))
			all.Add(Run{at, at + span, drawValues(t)}, 1<<20)
			at += span
		}
		now := start + 5*Hour
		rolled := now - int64(rapid.IntRange(1, 70).Draw(t, "pending"))*Minute
		rolled -= rolled % Minute
		s := Sources{Recent: &Recent{}, MinutesFrom: start, HoursFrom: start}
		for _, run := range all.Runs(nil, rolled, now) {
			s.Recent.Add(run, 1<<20)
		}
		written := func(c Cells, from, length int64) Cells {
			got, ok := ParseCells(AppendCells(nil, &c, 7, from, length), 7, from, length)
			if !ok {
				t.Fatal("what was written cannot be read")
			}
			return got
		}
		for m := start; m < rolled; m += Minute {
			s.Minutes = append(s.Minutes, written(all.Cells(m, m+Minute), m, Minute))
		}
		for h := start; h+Hour <= rolled; h += Hour {
			var c Cells
			for i := range int64(60) {
				c.Merge(&s.Minutes[(h-start)/Minute+i])
			}
			s.Hours = append(s.Hours, written(c, h, Hour))
		}
		step := rapid.SampledFrom([]int64{Minute, 5 * Minute, Hour, 2 * Hour}).Draw(t, "step")
		for i, got := range s.Points(start, step, int(5*Hour/step)) {
			from := start + int64(i)*step
			want := all.Cells(from, from+step)
			for c := range got {
				// 60 ms of each hour is how exactly it is known how much is.
				if d := got[c].Known - want[c].Known; d > 120 || d < -120 || got[c].Max != want[c].Max {
					t.Fatalf("step %d, channel %d: got %+v, want %+v", i, c, got[c], want[c])
				}
				if diff := math.Abs(got[c].Mean() - want[c].Mean()); want[c].Known > 60_000 && diff > 1e-3*float64(want[c].Max)+1e-5 {
					t.Fatalf("step %d, channel %d: mean %g, want %g", i, c, got[c].Mean(), want[c].Mean())
				}
			}
		}
	})
}

func TestAGapIsNeverZero(t *testing.T) {
	var r Recent
	r.Add(Run{0, 5000, Values{8, 8, 8, float32(math.NaN())}}, 100)
	r.Add(Run{65_000, 70_000, Values{}}, 100)
	s := Sources{Recent: &r}
	points := s.Points(0, Second, 70)
	for i, p := range points {
		if want := i < 5 || i >= 65; p[0].Known > 0 != want {
			t.Errorf("second %d: known for %d ms", i, p[0].Known)
		}
	}
	if p := points[2]; p[0].Mean() != 8 || p[3].Known != 0 {
		t.Errorf("second 2 is %+v", p)
	}
	if p := s.Points(0, Minute, 2); p[0][0].Mean() != 8 || p[0][0].Known != 5000 || p[1][0].Mean() != 0 || p[1][0].Known != 5000 {
		t.Errorf("minutes are %+v", p)
	}
}

func TestCellsOfOthersReadAsGaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Cells{{Sum: 8000, Known: 1000, Max: 9}}
		from := rapid.Int64Range(0, 1<<40).Draw(t, "from")
		id := rapid.Uint32Range(1, 1<<20).Draw(t, "id")
		b := AppendCells(nil, &c, id, from, Minute)
		if _, ok := ParseCells(b, id, from, Minute); !ok {
			t.Fatal("what was written cannot be read")
		}
		for what, ok := range map[string]bool{
			"another subject":  second(ParseCells(b, id+1, from, Minute)),
			"an earlier round": second(ParseCells(b, id, from+KeepMinutes, Minute)),
			"another length":   second(ParseCells(b, id, from, Hour)),
			"nothing":          second(ParseCells(make([]byte, CellsSize), id, from, Minute)),
		} {
			if ok {
				t.Errorf("%s reads as a cell", what)
			}
		}
		b[rapid.IntRange(0, len(b)-1).Draw(t, "byte")] ^= byte(rapid.IntRange(1, 255).Draw(t, "noise"))
		if _, ok := ParseCells(b, id, from, Minute); ok {
			t.Error("a damaged cell can be read")
		}
	})
}

func second(_ Cells, ok bool) bool { return ok }

func TestRunsAreReadUpToTheFirstThatIsNotWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []Reported
		var b []byte
		ends, counts := []int{0}, []int{0}
		now := int64(1 << 40)
		for range rapid.IntRange(1, 5).Draw(t, "pieces") {
			var some []Reported
			for range rapid.IntRange(0, 4).Draw(t, "runs") {
				from := now - int64(rapid.IntRange(1, 1_000_000).Draw(t, "ago"))
				some = append(some, Reported{rapid.Uint32().Draw(t, "id"), Run{from, from + 5000, Values{1, 2, 3, 4}}})
			}
			now += Minute
			b, all = AppendRuns(b, some, now-Hour, now), append(all, some...)
			ends, counts = append(ends, len(b)), append(counts, len(all))
		}
		cut := rapid.IntRange(0, len(b)).Draw(t, "cut")
		whole := 0
		for whole+1 < len(ends) && ends[whole+1] <= cut {
			whole++
		}
		var got []Reported
		ParseRuns(b[:cut], func(r Reported) { got = append(got, r) })
		if !slices.Equal(got, all[:counts[whole]]) {
			t.Fatalf("of %d bytes of %d came %v, want %v", cut, len(b), got, all[:counts[whole]])
		}
	})
}

func FuzzParse(f *testing.F) {
	s := NewSlots(4)
	s.Take("port 0000000000000001:1", 5)
	f.Add(AppendSlots(nil, s, 7))
	f.Add(AppendRuns(nil, []Reported{{1, Run{0, 5, Values{}}}}, 60_000, 70_000))
	f.Fuzz(func(t *testing.T, b []byte) {
		ParseRuns(b, func(Reported) {})
		if s, hours, err := ParseSlots(b, 4); err == nil {
			again, hoursAgain, err := ParseSlots(AppendSlots(nil, s, hours), 4)
			if err != nil || hours != hoursAgain || !slices.Equal(s.List(), again.List()) {
				t.Errorf("%q was written as something else: %v", b, err)
			}
		}
	})
}

// TestSlots holds slots against what they promise: never more than there may
// be, no index and no ID twice, and no subject loses its slot within the hour.
func TestSlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 8).Draw(t, "most")
		s, now := NewSlots(most), int64(1000*Hour)
		ids := map[uint32]string{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += int64(rapid.IntRange(0, 40).Draw(t, "minutes")) * Minute
			seen := map[string]int64{}
			for _, one := range s.List() {
				seen[one.Key] = one.Seen
			}
			key := string(rune('a' + rapid.IntRange(0, 20).Draw(t, "key")))
			lessers := 0
			if rapid.Bool().Draw(t, "lesser") {
				key = Lesser + key
			}
			for key := range seen {
				lessers += lesser(key)
			}
			slot, lost := s.Take(key, now)
			halfFull := lesser(key) == 1 && lessers >= (most+1)/2
			for _, gone := range lost {
				if now-seen[gone] <= goneAfter {
					t.Fatalf("%q lost its slot %d minutes after it was seen", gone, (now-seen[gone])/Minute)
				}
				if halfFull && lesser(gone) == 0 {
					t.Fatalf("%q lost its slot, which is none for %q", gone, key)
				}
			}
			if slot == nil {
				for other, at := range seen {
					if now-at > goneAfter+Minute && (!halfFull || lesser(other) == 1) {
						t.Fatalf("no slot for %q, though %q is gone", key, other)
					}
				}
				continue
			}
			slot.Seen = now
			if owner, used := ids[slot.ID]; used && owner != key {
				t.Fatalf("ID %d is of %q and of %q", slot.ID, owner, key)
			}
			if _, had := seen[key]; !had && ids[slot.ID] != "" {
				t.Fatalf("%q has an old ID anew", key)
			}
			ids[slot.ID] = key
			if rapid.Bool().Draw(t, "restart") {
				restored, _, err := ParseSlots(AppendSlots(nil, s, 0), most)
				if err != nil || !slices.Equal(restored.List(), s.List()) {
					t.Fatalf("a restart has %v for %v: %v", restored, s.List(), err)
				}
				s = restored
			}
			taken, lessers := map[int]bool{}, 0
			for _, one := range s.List() {
				lessers += lesser(one.Key)
				if taken[one.Index] || one.Index >= most {
					t.Fatalf("index %d of %d twice, or too high", one.Index, most)
				}
				taken[one.Index] = true
			}
			if lessers > (most+1)/2 {
				t.Fatalf("%d lesser subjects of %d", lessers, most)
			}
		}
	})
}

// TestTracksAreBounded feeds more subjects than there may be for longer than
// anything is kept.
func TestTracksAreBounded(t *testing.T) {
	const most, interval = 10, 5 * time.Second
	tracks := NewTracks(NewSlots(most), interval)
	now := 1000 * Hour
	for i := range int64(2 * KeepRuns / (5 * Second)) {
		for k := range 30 {
			tracks.Add(Input{string(rune('A' + k)), Run{now, now + 5*Second, Values{float32(i), float32(k)}}}, now)
		}
		now += 5 * Second
		for _, m := range tracks.Due(now) {
			if got := len(tracks.Sum(m)); got > most {
				t.Fatalf("%d subjects summed up; %d at most", got, most)
			}
		}
		tracks.Fresh()
		tracks.Expire(now)
		if tracks.Len() > most || tracks.Runs() > most*RunsEach(interval) {
			t.Fatalf("%d tracks with room for %d runs; %d and %d at most", tracks.Len(), tracks.Runs(), most, most*RunsEach(interval))
		}
	}
	if tracks.Refused() == 0 {
		t.Error("nothing was refused")
	}
	now += KeepHours + Hour
	if tracks.Expire(now); tracks.Len() != 0 || tracks.Slots.Len() != 0 {
		t.Errorf("%d tracks and %d slots are left of subjects long gone", tracks.Len(), tracks.Slots.Len())
	}
}

// TestDueAfterTheClockWasSet has a clock go forward and back: no minute is
// summed up before it is over, and none twice but after a step back.
func TestDueAfterTheClockWasSet(t *testing.T) {
	tracks := NewTracks(NewSlots(2), 5*time.Second)
	now := 1000 * Hour
	for _, m := range tracks.Due(now) {
		tracks.Sum(m)
	}
	for _, step := range []int64{Minute, 3 * Hour, Minute, -5 * Hour, Minute, Minute} {
		now += step
		due := tracks.Due(now)
		if step == Minute && len(due) != 1 || len(due) > int(KeepRuns/Minute)+4 {
			t.Errorf("after %d minutes %d are due", step/Minute, len(due))
		}
		for _, m := range due {
			if m+Minute > now || m%Minute != 0 {
				t.Errorf("minute %d is due at %d", m, now)
			}
			tracks.Sum(m)
		}
	}
}

func TestFreshIsEachRunOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r, copied Recent
		for _, run := range drawRuns(t, 10_000) {
			r.Add(run, 1000)
			if rapid.Bool().Draw(t, "look") {
				for _, one := range r.fresh(nil) {
					copied.Replay(one, 1000)
				}
			}
		}
		for _, one := range r.fresh(nil) {
			copied.Replay(one, 1000)
		}
		for at := int64(9_000); at < 14_000; at += 37 {
			equal(t, "copy", copied.Cells(at, at+37), r.Cells(at, at+37))
		}
	})
}
