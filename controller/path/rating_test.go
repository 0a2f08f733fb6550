package path_test

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// a tariff rates a way by the least of three figures that each link of a cable
// has: the sum of these, the more the better.
type tariff struct {
	of    map[int32][3]int // by the number that a cable is known by
	looks int              // until there is haste
}

func (t *tariff) Onward(way [3]int, number int32, _, _ *topology.Link, _ bool) (next [3]int, ok bool) {
	for i, n := range t.of[number] {
		next[i] = min(way[i], n)
	}
	t.looks--
	return next, sum(next) > 0
}

func (*tariff) Compare(a, b [3]int) int { return cmp.Compare(sum(b), sum(a)) }

func (*tariff) Covers(a, b [3]int) bool { return a[0] >= b[0] && a[1] >= b[1] && a[2] >= b[2] }

func (t *tariff) Hurry() bool { return t.looks < 0 }

func sum(n [3]int) int { return n[0] + n[1] + n[2] }

// TestBestAgainstBruteForce: the path is one that meets the constraints, and
// none that does is rated better; in haste it is one that will do.
func TestBestAgainstBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := drawNet(t)
		drawLatencies(t, n)
		c := path.Contest[[3]int]{From: edgeOf(1, 1), To: edgeOf(openflow.DPID(rapid.IntRange(1, len(n.Switches)).Draw(t, "to")), 2)}
		if rapid.Bool().Draw(t, "constrained") {
			c.Constraints = drawConstraints(t, n)
			c.Constraints.Protected = false
		}
		c.First, c.Apart = [3]int{9, 9, 9}, rapid.Bool().Draw(t, "apart")
		g := path.NewGraph(&n.Snapshot)
		rates := &tariff{of: map[int32][3]int{}, looks: rapid.SampledFrom([]int{0, 1000}).Draw(t, "looks")}
		c.Rating = rates
		hasty := rates.looks == 0
		for no := openflow.PortNo(10); no < n.next; no++ {
			for d := range n.Switches {
				if l, ok := n.Links[topology.PortID{DPID: d, Port: no}]; ok {
					figure := rapid.IntRange(0, 9)
					rates.of[numberOf(g, l.ID, c.Apart)] = [3]int{figure.Draw(t, "one"), figure.Draw(t, "two"), figure.Draw(t, "three")}
				}
			}
		}
		rate := func(p path.Path) [3]int {
			r := c.First
			for i := 1; i < len(p); i++ {
				id := topology.LinkID{From: topology.PortID{DPID: p[i-1].DPID, Port: p[i-1].Out}, To: topology.PortID{DPID: p[i].DPID, Port: p[i].In}}
				for k, n := range rates.of[numberOf(g, id, c.Apart)] {
					r[k] = min(r[k], n)
				}
			}
			return r
		}
		best := 0
		bestOf(&n.Snapshot, path.Query{From: c.From, To: c.To}, func(p path.Path) bool {
			if c.Constraints == nil || meets(&n.Snapshot, c.Constraints, p) {
				best = max(best, sum(rate(p)))
			}
			return false
		})
		p, got, ok := path.Best(g, c)
		if ok != (best > 0) {
			t.Fatalf("%v, %v; the best one has %d", p, got, best)
		}
		if !ok {
			return
		}
		if _, alive := path.Alive(&n.Snapshot, p); !alive || rate(p) != got || c.Constraints != nil && !meets(&n.Snapshot, c.Constraints, p) {
			t.Fatalf("%v has %v, not %v, or is no path that will do", p, rate(p), got)
		}
		if from, to := p.Ends(); from != c.From || to != c.To {
			t.Fatalf("%v does not lead from %v to %v", p, c.From, c.To)
		}
		if !hasty && sum(got) != best {
			t.Fatalf("%v has %v, and the best one %d", p, got, best)
		}
	})
}

// numberOf returns the number by which a search knows a link.
func numberOf(g *path.Graph, id topology.LinkID, apart bool) int32 {
	if apart {
		return g.Number(id)
	}
	return min(g.Number(id), g.Number(id.Reverse()))
}

// TestReaching: the cables of a switch, towards it.
func TestReaching(t *testing.T) {
	n := newNet(3)
	one := n.cable(1, 2, 1, 1, 1)
	two := n.cable(3, 2, 1, 1, 1)
	n.cable(1, 3, 1, 1, 1)
	g := path.NewGraph(&n.Snapshot)
	for _, apart := range [...]bool{false, true} {
		var got []topology.LinkID
		g.Reaching(edgeOf(2, 1), apart, func(number int32, a, b *topology.Link) {
			if a.ID.Reverse() != b.ID || number != numberOf(g, a.ID, apart) {
				t.Errorf("%v, %v back, has number %d", a.ID, b.ID, number)
			}
			got = append(got, a.ID)
		})
		if !slices.Equal(got, []topology.LinkID{one, two}) {
			t.Errorf("%v", got)
		}
	}
	g.Reaching(edgeOf(9, 1), false, func(int32, *topology.Link, *topology.Link) { t.Error("there is no such switch") })
}
