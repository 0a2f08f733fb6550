package path_test

import (
	"slices"
	"testing"

	"conga/controller/path"
	"conga/openflow"
)

// TestTrap: where the shortest path leaves no backup another pair is found.
func TestTrap(t *testing.T) {
	n := newNet(6)
	for _, x := range [][2]openflow.DPID{{1, 2}, {2, 3}, {3, 6}, {1, 4}, {4, 3}, {2, 5}, {5, 6}} {
		n.cable(x[0], x[1], gig, gig, 1)
	}
	q := path.Query{From: edgeOf(1, 1), To: edgeOf(6, 2), Constraints: &path.Constraints{Protected: true}}
	g := path.NewGraph(&n.Snapshot)
	p, ok := g.Find(q)
	b, has := g.Backup(q, p)
	if _, shared := p.Shares(b); !ok || !has || shared || len(p) != 4 || len(b) != 4 {
		t.Fatalf("%v and %v", p, b)
	}
}

// TestBestOfPairs: of two paths without a cable in common the better one is the
// best that has another beside it, not one of those that are best together; the
// rate that is asked for does not matter where the widest are sought.
func TestBestOfPairs(t *testing.T) {
	n := newNet(4)
	for _, x := range []struct {
		a, b   openflow.DPID
		metric uint32
	}{{1, 2, 1}, {2, 3, 1}, {3, 4, 1}, {1, 3, 3}, {2, 4, 3}, {1, 4, 20}} {
		n.cable(x.a, x.b, gig, gig, x.metric)
	}
	q := path.Query{From: edgeOf(1, 1), To: edgeOf(4, 2), Constraints: &path.Constraints{Protected: true}}
	g := path.NewGraph(&n.Snapshot)
	p, ok := g.Find(q)
	b, has := g.Backup(q, p)
	if !ok || !has || !slices.Equal(switches(p), []openflow.DPID{1, 2, 3, 4}) || !slices.Equal(switches(b), []openflow.DPID{1, 4}) {
		t.Fatalf("%v and %v", p, b)
	}
	q.Rate = 100 * gig
	if p, width, ok := g.Widest(q); !ok || width != gig || len(p) == 0 {
		t.Errorf("the widest is %v, with %s", p, width)
	}
}
