package path_test

import (
	"testing"

	"pgregory.net/rapid"

	"conga/controller/path"
	"conga/openflow"
)

// TestFewAgainstBruteForce finds all paths that meet constraints, each once, or
// says that there are too many.
func TestFewAgainstBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := drawNet(t)
		drawLatencies(t, n)
		var c *path.Constraints
		if rapid.Bool().Draw(t, "constrained") {
			c = drawConstraints(t, n)
			c.Protected = false
		}
		q := path.Query{From: edgeOf(1, 1), To: edgeOf(openflow.DPID(rapid.IntRange(1, len(n.Switches)).Draw(t, "to")), 2)}
		want, will := map[string]bool{}, 0
		bestOf(&n.Snapshot, q, func(p path.Path) bool {
			if want[p.String()] = true; c == nil || meets(&n.Snapshot, c, p) {
				will++
			} else {
				want[p.String()] = false
			}
			return false
		})
		most := rapid.IntRange(0, 9).Draw(t, "at most")
		got, ok := path.NewGraph(&n.Snapshot).Few(q.From, q.To, c, most)
		if ok != (len(want) <= most) {
			t.Fatalf("all found is %v; there are %d, and at most %d are few", ok, len(want), most)
		}
		if !ok {
			return
		}
		if len(got) != will {
			t.Fatalf("%d paths, not %d of %d", len(got), will, len(want))
		}
		seen := map[string]bool{}
		for _, p := range got {
			if !want[p.String()] || seen[p.String()] {
				t.Fatalf("%v is none of them, or twice", p)
			}
			seen[p.String()] = true
		}
	})
}
