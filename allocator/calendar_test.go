package allocator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
)

// plain is the calendar as one would draw it on squared paper.
type plain [256]uint64

func (p *plain) add(w Window, rate uint64) {
	for t := w.Start; t < w.End; t++ {
		p[t] += rate
	}
}

func (p *plain) peak(w Window) uint64 {
	return slices.Max(append([]uint64{0}, p[w.Start:min(w.End, Seconds(len(p)))]...))
}

func drawWindow(t *rapid.T) Window {
	start := secondsRange(0, 40).Draw(t, "start")
	return Window{start, start + secondsRange(1, 20).Draw(t, "length")}
}

func TestCalendarAgainstPaper(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, paper := calendar[int]{}, plain{}
		var held []reservation[int]
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if len(held) > 0 && rapid.IntRange(0, 2).Draw(t, "remove") == 0 {
				i := rapid.IntRange(0, len(held)-1).Draw(t, "which")
				c.remove(held[i])
				paper.add(held[i].window, -uint64(held[i].rate))
				held = slices.Delete(held, i, i+1)
			} else {
				x := reservation[int]{7, drawWindow(t), bitrate.Rate(rapid.IntRange(1, 4).Draw(t, "rate"))}
				c.add(x)
				paper.add(x.window, uint64(x.rate))
				held = append(held, x)
			}
			w := drawWindow(t)
			if got, want := uint64(c.peak(7, w)), paper.peak(w); got != want {
				t.Fatalf("peak of %v is %d, want %d", w, got, want)
			}
			room := bitrate.Rate(rapid.IntRange(0, 8).Draw(t, "room"))
			want := w
			for want.Start < 63 && paper.peak(want) > uint64(room) {
				want.Start, want.End = want.Start+1, want.End+1
			}
			if got := c.fit(7, w, room); got != want.Start {
				t.Fatalf("%v with room %d fits at %d, want %d", w, room, got, want.Start)
			}
		}
		for _, x := range held {
			c.remove(x)
		}
		if len(c) != 0 {
			t.Fatalf("something is left when all is removed: %v", c)
		}
	})
}

func TestCalendarEdges(t *testing.T) {
	c := calendar[string]{}
	c.add(reservation[string]{"a", Window{10, 20}, 5})
	c.add(reservation[string]{"a", Window{20, 30}, 5}) // meets the first: one level stretch
	for _, tc := range []struct {
		w    Window
		want bitrate.Rate
	}{{Window{0, 10}, 0}, {Window{0, 11}, 5}, {Window{29, 40}, 5}, {Window{30, 40}, 0}, {Window{15, 15}, 0}} {
		if got := c.peak("a", tc.w); got != tc.want {
			t.Errorf("peak of %v is %v, want %v", tc.w, got, tc.want)
		}
	}
	if got := c.fit("a", Window{12, 15}, 4); got != 30 {
		t.Errorf("fits at %d, want 30", got)
	}
	if got := c.fit("a", Window{12, 15}, 5); got != 12 {
		t.Errorf("fits at %d, want 12", got)
	}
	if got := c.fit("b", Window{12, 15}, 0); got != 12 {
		t.Errorf("nothing is claimed of b, yet it fits only at %d", got)
	}
}

func TestHullAgainstPaper(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) (claims []reservation[int], paper [2]plain) {
			for on := range 2 {
				for at := Seconds(0); at < 30; {
					at += secondsRange(0, 9).Draw(t, label+" gap")
					w := Window{at, at + secondsRange(1, 9).Draw(t, label+" length")}
					x := reservation[int]{on, w, bitrate.Rate(rapid.IntRange(1, 3).Draw(t, label+" rate"))}
					claims, at = append(claims, x), w.End
					paper[on].add(x.window, uint64(x.rate))
				}
			}
			return claims, paper
		}
		a, pa := draw("a")
		b, pb := draw("b")
		c := calendar[int]{}
		both := hull(a, b)
		for i, x := range both {
			if c.add(x); i > 0 && !slices.Equal(a, b) && both[i-1].on == x.on && both[i-1].rate == x.rate && both[i-1].window.End == x.window.Start {
				t.Fatalf("%v and %v could be one", both[i-1], x)
			}
			if x.rate == 0 || x.window.Start >= x.window.End {
				t.Fatalf("%v is nothing", x)
			}
		}
		for on := range 2 {
			for s := range Seconds(60) {
				if got, want := c.peak(on, Window{s, s + 1}), max(pa[on][s], pb[on][s]); uint64(got) != want {
					t.Fatalf("hull holds %d at %d, want %d", got, s, want)
				}
			}
		}
	})
}

func TestShare(t *testing.T) {
	for _, tc := range []struct {
		share    float64
		of, want bitrate.Rate
	}{
		{0.8, 10 * bitrate.Gbps, 8 * bitrate.Gbps}, {0.29, 100, 29}, {1, 7, 7}, {0.5, 7, 3}, {0.8, 0, 0},
		{1, 1<<64 - 1, 1<<62 - 1},
	} {
		if got := shareOf(tc.share).of(tc.of); got != tc.want {
			t.Errorf("%v of %d is %d, want %d", tc.share, tc.of, got, tc.want)
		}
	}
}

// full returns a calendar of one link with n reservations over a year.
func full(n int) (calendar[int], *rand.Rand) {
	c, r := calendar[int]{}, rand.New(rand.NewPCG(1, 2))
	for range n {
		start := Seconds(r.Int64N(365 * 24 * 3600))
		c.add(reservation[int]{1, Window{start, start + 60 + Seconds(r.Int64N(7200))}, bitrate.Rate(1 + r.Int64N(1e9))})
	}
	return c, r
}

func BenchmarkCalendar(b *testing.B) {
	for _, n := range []int{100, 10_000, 100_000} {
		c, r := full(n)
		b.Run(fmt.Sprintf("peak/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				start := Seconds(r.Int64N(365 * 24 * 3600))
				c.peak(1, Window{start, start + 86400})
			}
		})
		b.Run(fmt.Sprintf("fit/%d", n), func(b *testing.B) {
			for b.Loop() {
				start := Seconds(r.Int64N(365 * 24 * 3600))
				c.fit(1, Window{start, start + 3600}, 5e9)
			}
		})
		b.Run(fmt.Sprintf("addremove/%d", n), func(b *testing.B) {
			for b.Loop() {
				start := Seconds(r.Int64N(365 * 24 * 3600))
				x := reservation[int]{1, Window{start, start + 3600}, 5}
				c.add(x)
				c.remove(x)
			}
		})
	}
}
