package allocator

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// sound checks what a timeline says of itself.
func (l *timeline) sound(t failer) {
	t.Helper()
	level := int64(0)
	for i := range l.blocks {
		s := l.blocks[i]
		if s.before != level || len(s.at) == 0 || len(s.at) != len(s.by) || max(cap(s.at), cap(s.by)) > timelineBlock || !slices.IsSorted(s.at) {
			t.Fatalf("stretch %d of %d: %+v after level %d", i, len(l.blocks), s, level)
		}
		if i > 0 && l.blocks[i-1].last() >= s.base {
			t.Fatalf("stretch %d begins at %d, before the end of the last one", i, s.base)
		}
		high, low := s.high, s.low
		if s.refresh(); s.high != high || s.low != low || slices.Contains(s.by, 0) {
			t.Fatalf("stretch %d has the extremes %d and %d, or a change of nothing: %+v", i, high, low, s)
		}
		level = s.end()
	}
	if level != 0 {
		t.Fatalf("it ends at %d", level)
	}
}

// TestTimelineAgainstPaper adds and removes hundreds of reservations, so that
// stretches are split and joined, and compares with the function drawn on
// paper.
func TestTimelineAgainstPaper(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const end, last = 1700, 1000
		var l timeline
		var paper [end]int64
		var held []reservation[int]
		scale := rapid.SampledFrom([]Seconds{1, 1 << 22, 1 << 40}).Draw(t, "scale") // seconds a square
		real := func(w Window) Window { return Window{w.Start * scale, w.End * scale} }
		change := func(w Window, by int64) {
			l.add(real(w), by)
			for i := w.Start; i < w.End; i++ {
				paper[i] += by
			}
		}
		draw := func() Window {
			start := secondsRange(0, last).Draw(t, "start")
			return Window{start, start + secondsRange(1, rapid.SampledFrom([]Seconds{4, 300}).Draw(t, "most")).Draw(t, "length")}
		}
		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			for range rapid.IntRange(0, 120).Draw(t, "claims") {
				x := reservation[int]{window: draw(), rate: 1}
				change(x.window, 1)
				held = append(held, x)
			}
			for n := rapid.IntRange(0, len(held)).Draw(t, "removals"); n > 0; n-- {
				i := rapid.IntRange(0, len(held)-1).Draw(t, "which")
				change(held[i].window, -1)
				held = slices.Delete(held, i, i+1)
			}
			l.sound(t)
			for range 6 {
				w, room := draw(), rapid.Int64Range(0, 60).Draw(t, "room")
				if got, want := l.peak(real(w)), slices.Max(paper[w.Start:w.End]); got != want {
					t.Fatalf("the peak of %v is %d, want %d", w, got, want)
				}
				want := w
				for want.End < end && slices.Max(paper[want.Start:want.End]) > room {
					want.Start, want.End = want.Start+1, want.End+1
				}
				if got := l.fit(real(w), room); got != want.Start*scale {
					t.Fatalf("%v with room %d fits at %d, want %d", w, room, got/scale, want.Start)
				}
				latest := w
				for latest.End > 0 && slices.Max(paper[max(0, latest.Start):latest.End]) > room {
					latest.Start, latest.End = latest.Start-1, latest.End-1
				}
				if got := l.fitBefore(real(w), room); got != latest.Start*scale {
					t.Fatalf("%v with room %d fits at %d at the latest, want %d", w, room, got/scale, latest.Start)
				}
				until := w.End
				for until > w.Start && paper[until-1] <= room {
					until--
				}
				if got := max(w.Start*scale, l.aboveUntil(real(w), room)); got != until*scale {
					t.Fatalf("%v is above %d until %d, want %d", w, room, got/scale, until)
				}
				enough := secondsRange(w.Start, 2*last).Draw(t, "enough") * scale
				behind := l.seek(mark{}, secondsRange(0, w.Start).Draw(t, "behind")*scale)
				from, until, at := l.gap(real(w), room, enough, behind)
				if exact := want.Start * scale; from > exact || from < min(exact, enough) || from < exact && from != until || l.seek(at, from) != l.seek(mark{}, from) {
					t.Fatalf("%v with room %d fits at %d, not at %d, which is enough from %d on; at %+v", w, room, want.Start, from/scale, enough/scale, at)
				}
				for want.End < end && want.Start*scale < until {
					if slices.Max(paper[want.Start:want.End]) > room {
						t.Fatalf("%v with room %d fits until %d, but not at %d", w, room, until/scale, want.Start)
					}
					want.Start, want.End = want.Start+1, want.End+1
				}
			}
			sameBuilt(t, &l, held, real)
		}
		for _, x := range held {
			change(x.window, -1)
		}
		if len(l.blocks) != 0 {
			t.Fatalf("something is left when all is removed: %+v", l)
		}
	})
}

// sameBuilt compares a timeline with one that is built of all the reservations
// at once.
func sameBuilt(t *rapid.T, l *timeline, held []reservation[int], real func(Window) Window) {
	var changes []change
	for _, x := range held {
		w := real(x.window)
		changes = append(changes, change{w.Start, 1}, change{w.End, -1})
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	var built timeline
	built.build(changes)
	built.sound(t)
	if a, b := l.moments(), built.moments(); !slices.Equal(a, b) {
		t.Fatalf("built at once: %v, one by one: %v", b, a)
	}
}

// moments returns all changes.
func (l *timeline) moments() (list []change) {
	for _, s := range l.blocks {
		for k, at := range s.at {
			list = append(list, change{s.base + Seconds(at), s.by[k]})
		}
	}
	return list
}

func TestTimelineFar(t *testing.T) {
	var l timeline
	far := []Window{{0, 1}, {math.MaxUint32, math.MaxUint32 + 5}, {1 << 50, 1<<50 + 2}, {-1 << 40, 7}}
	for _, w := range far {
		l.add(w, 2)
		l.sound(t)
	}
	for _, w := range far {
		if got := l.peak(Window{w.End - 1, w.End}); got < 2 {
			t.Errorf("the level at the end of %v is %d", w, got)
		}
	}
	if got := l.fit(Window{0, 10}, 1); got != 7 {
		t.Errorf("fits at %d", got)
	}
	for _, w := range far {
		l.add(w, -2)
	}
	if len(l.blocks) != 0 {
		t.Errorf("left: %+v", l)
	}
}

// TestTimelineOfManyMoments changes the level by any height at many
// moments, so that stretches are full, split, joined and empty, and compares
// with a slice of the levels.
func TestTimelineOfManyMoments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const end = 500
		var l timeline
		var levels [end]int64
		type raise struct {
			w  Window
			by int64
		}
		var held []raise
		change := func(w Window, by int64) {
			l.add(w, by)
			for i := w.Start; i < w.End; i++ {
				levels[i] += by
			}
		}
		order := rapid.SampledFrom([]string{"up", "down", "any"}).Draw(t, "order")
		next := rapid.IntRange(0, 1000).Draw(t, "seed")
		random := func(n int) int { // quicker than a draw each
			next = (next*1103515245 + 12345) & math.MaxInt32
			return (next >> 8) % n
		}
		for i := range 240 {
			start := random(end - 1)
			switch order {
			case "up":
				start = i * 2
			case "down":
				start = end - 3 - i*2
			}
			x := raise{Window{Seconds(start), Seconds(min(end, start+1+random(4)))}, int64(1 + random(3))}
			change(x.w, x.by)
			held = append(held, x)
		}
		l.sound(t)
		for range rapid.IntRange(0, len(held)).Draw(t, "removals") {
			i := random(len(held))
			change(held[i].w, -held[i].by)
			held = slices.Delete(held, i, i+1)
		}
		l.sound(t)
		for range 100 {
			start := random(end - 1)
			w := Window{Seconds(start), Seconds(start + 1 + random(end-start-1))}
			if got, want := l.peak(w), slices.Max(levels[w.Start:w.End]); got != want {
				t.Fatalf("the peak of %v is %d, want %d", w, got, want)
			}
			w.End = w.Start + Seconds(1+random(20))
			room, want := int64(random(5)), w
			for want.Start < end && slices.Max(levels[want.Start:min(want.End, end)]) > room {
				want.Start, want.End = want.Start+1, want.End+1
			}
			if got := l.fit(w, room); got != want.Start {
				t.Fatalf("%v with room %d fits at %d, want %d", w, room, got, want.Start)
			}
		}
	})
}

// TestTimelineIsCompact fills timelines from either end and thins them out:
// they have few stretches, which are what reading them costs.
func TestTimelineIsCompact(t *testing.T) {
	const n = 5 * timelineBlock
	for name, window := range map[string]func(i int) Window{
		"up":   func(i int) Window { return Window{Seconds(2 * i), Seconds(2*i + 1)} },
		"down": func(i int) Window { return Window{Seconds(2 * (n - i)), Seconds(2*(n-i) + 1)} },
	} {
		var l timeline
		for i := range n {
			l.add(window(i), 1)
			l.sound(t)
		}
		if most := 11; len(l.blocks) > most {
			t.Errorf("%s: %d moments are in %d stretches, more than %d", name, 2*n, len(l.blocks), most)
		}
		for i := range n {
			if i%10 != 0 {
				l.add(window(i), -1)
				l.sound(t)
			}
		}
		if most := 5; len(l.blocks) > most {
			t.Errorf("%s: %d moments are in %d stretches, more than %d", name, n/5, len(l.blocks), most)
		}
	}
}

// A timeline reaches as far as its moments can be told from the base of their
// stretch, and farther with another stretch.
func TestTimelineAcrossStretches(t *testing.T) {
	for _, apart := range []Seconds{math.MaxUint32 - 1, math.MaxUint32, math.MaxUint32 + 1, 1 << 33} {
		for _, starts := range [][]Seconds{{0, apart}, {apart, 0}, {0, 2 * apart, apart}, {apart, 0, 2 * apart}} {
			var l timeline
			for i, start := range starts {
				l.add(Window{start, start + 3}, int64(i+1))
				l.sound(t)
			}
			for i, start := range starts {
				for at, want := range map[Seconds]int64{start - 1: 0, start: int64(i + 1), start + 2: int64(i + 1), start + 3: 0} {
					if got := l.peak(Window{at, at + 1}); got != want {
						t.Errorf("%v apart by %d: the level at %d is %d, want %d", starts, apart, at, got, want)
					}
				}
				l.add(Window{start, start + 3}, -int64(i+1))
				l.sound(t)
			}
			if len(l.blocks) != 0 {
				t.Errorf("left: %+v", l)
			}
		}
	}
}

func TestTimelineOfNothing(t *testing.T) {
	var l timeline
	l.add(Window{3, 9}, 0)
	l.add(Window{5, 5}, 2)
	l.add(Window{7, 5}, 2)
	if len(l.blocks) != 0 {
		t.Errorf("nothing was added: %+v", l)
	}
	l.add(Window{3, 9}, 2)
	if got := l.peak(Window{5, 5}); got != 0 {
		t.Errorf("the peak of no time is %d", got)
	}
	if from, until, _ := l.gap(Window{4, 6}, 2, never, mark{}); from != 4 || until != never {
		t.Errorf("what always fits does from %d until %d", from, until)
	}
	if from, until, _ := l.gap(Window{4, 6}, 1, 7, mark{}); from != 9 || until != 9 {
		t.Errorf("what does not fit before it is enough may from %d until %d", from, until)
	}
}
