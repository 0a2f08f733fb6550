package path

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The least sum comes first, and no element of the heap is below a greater one.
func TestCostsAreOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q costs
		var in, out []uint64
		for range rapid.IntRange(0, 40).Draw(t, "pushed") {
			sum := rapid.Uint64Range(0, 9).Draw(t, "sum")
			in = append(in, sum)
			q.push(cost{sum: sum})
			q.check(t)
		}
		for len(q) > 0 {
			out = append(out, q.pop().sum)
			q.check(t)
		}
		if slices.Sort(in); !slices.Equal(in, out) {
			t.Fatalf("pushed %v, popped %v", in, out)
		}
	})
}

func (q costs) check(t *rapid.T) {
	for i := 1; i < len(q); i++ {
		if q[i].sum < q[(i-1)/2].sum {
			t.Fatalf("not a heap: %v", q)
		}
	}
}

// Distances are kept for as many destinations as memory is set aside for, and
// what is kept is not computed again.
func TestDistancesAreBounded(t *testing.T) {
	const fit = 4
	for _, beyond := range []int{0, 1} { // one switch more than fits so often
		g := &Graph{nodes: make([]node, maxBounds/fit+beyond), bounds: newBounds(nil)}
		most := fit - beyond
		for last := range int32(fit + 2) {
			d := g.towards(last)
			if d[last] != 0 || d[(last+1)%fit] != unreachable || len(d) != len(g.nodes) {
				t.Fatalf("wrong distances to %d", last)
			}
			if n := len(g.bounds.to); n != min(int(last)+1, most) {
				t.Errorf("%d switches: the distances to %d are kept after %d questions, want at most %d", len(g.nodes), n, last+1, most)
			}
			if again := g.towards(last); &again[0] != &d[0] {
				t.Errorf("the distances to %d are computed again", last)
			}
		}
	}
}

// A graph takes over what the one before knew, but not for ever: each may make
// it looser.
func TestDistancesAreInherited(t *testing.T) {
	b := newBounds(nil)
	b.to[3] = []uint32{1}
	for i := range maxInherited {
		heir := newBounds(b)
		if len(heir.to) != 1 {
			t.Fatalf("heir %d has nothing", i+1)
		}
		heir.to[4] = []uint32{2}
		if len(b.to) != 1 {
			t.Fatalf("heir %d has changed what it inherited from", i+1)
		}
		delete(heir.to, 4)
		b = heir
	}
	if heir := newBounds(b); len(heir.to) != 0 {
		t.Errorf("the %d. heir has old distances still", maxInherited+1)
	}
}

func TestSeconds(t *testing.T) {
	for _, s := range []Seconds{0, 1, -1, 1_800_000_000} {
		if got := s.Time(); got.Unix() != int64(s) || SecondsOf(got) != s || SecondsOf(got.Add(time.Second-1)) != s {
			t.Errorf("%d s is %v", s, got)
		}
	}
}
