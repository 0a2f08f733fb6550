package allocator

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// entrant is an element of a heap that notes where it is.
type entrant struct{ rank, at int }

func (e *entrant) before(o *entrant) bool { return e.rank < o.rank }

func (e *entrant) moved(i int) { e.at = i }

// TestHeapAgainstList does to a heap what can be done to it: the first is
// always one that no other goes before, each element knows where it is, and all
// come off in order.
func TestHeapAgainstList(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var h minHeap[*entrant]
		rank := rapid.IntRange(0, 20)
		pick := func() int { return rapid.IntRange(0, len(h)-1).Draw(rt, "which") }
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			before := len(h)
			switch step := rapid.IntRange(0, 4).Draw(rt, "step"); {
			case step < 2 || before == 0:
				x := &entrant{rank.Draw(rt, "rank"), -1}
				if h.push(x); len(h) != before+1 || x.at < 0 {
					rt.Fatalf("%d are there after %d and one; it is at %d", len(h), before, x.at)
				}
			case step == 2:
				i := pick()
				x := h[i]
				if got := h.remove(i); got != x || x.at != -1 || len(h) != before-1 {
					rt.Fatalf("taken off is %+v, not %+v; %d are left of %d", got, x, len(h), before)
				}
			case step == 3:
				i := pick()
				h[i].rank = rank.Draw(rt, "rank")
				h.fix(i)
			default:
				for range rapid.IntRange(0, 5).Draw(rt, "changes") {
					h[pick()].rank = rank.Draw(rt, "rank")
				}
				h.order()
			}
			for i, x := range h {
				if x.at != i || x.rank < h[0].rank {
					rt.Fatalf("%+v is at %d, behind %+v", x, i, h[0])
				}
			}
		}
		var ranks []int
		for len(h) > 0 {
			ranks = append(ranks, h.remove(0).rank)
		}
		if !slices.IsSortedFunc(ranks, cmp.Compare[int]) {
			rt.Fatalf("they come off as %v", ranks)
		}
	})
}

// TestHeapOfMany orders what was put into a heap in any order at once.
func TestHeapOfMany(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var h minHeap[*entrant]
		ranks := rapid.SliceOfN(rapid.IntRange(0, 1000), 0, 100).Draw(rt, "ranks")
		for _, r := range ranks {
			h = append(h, &entrant{rank: r})
		}
		h.order()
		slices.Sort(ranks)
		for i, want := range ranks {
			if got := h.remove(0).rank; got != want {
				rt.Fatalf("the %d. is %d, want %d", i+1, got, want)
			}
		}
	})
}
