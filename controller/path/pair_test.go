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

// TestBetterOfAPair: where the best path leaves no backup, the better one of
// the best pair is taken, in whichever order its cables were found.
func TestBetterOfAPair(t *testing.T) {
	cables := []struct {
		a, b   openflow.DPID
		metric uint32
	}{{1, 2, 1}, {2, 3, 1}, {3, 6, 1}, {1, 4, 2}, {4, 3, 2}, {2, 5, 4}, {5, 6, 4}}
	for range cables {
		cables = append(cables[1:], cables[0])
		n := newNet(6)
		for _, x := range cables {
			n.cable(x.a, x.b, gig, gig, x.metric)
		}
		q := path.Query{From: edgeOf(1, 1), To: edgeOf(6, 2), Constraints: &path.Constraints{Protected: true}}
		p, ok := path.Find(&n.Snapshot, q)
		if want := []openflow.DPID{1, 4, 3, 6}; !ok || !slices.Equal(switches(p), want) {
			t.Errorf("from cable %+v on: over %v, want %v", cables[0], switches(p), want)
		}
	}
}

// TestBackupMeetsConstraints: a backup meets the constraints of its path, but
// for what that includes.
func TestBackupMeetsConstraints(t *testing.T) {
	n := newNet(4)
	direct := n.cable(1, 4, gig, gig, 1)
	for _, via := range []openflow.DPID{2, 3} {
		n.cable(1, via, gig, gig, uint32(via))
		n.cable(via, 4, gig, gig, uint32(via))
	}
	q := path.Query{From: edgeOf(1, 1), To: edgeOf(4, 1)}
	g := path.NewGraph(&n.Snapshot)
	p, _ := g.Find(q)
	for _, x := range []struct {
		c    *path.Constraints
		want []openflow.DPID
	}{
		{nil, []openflow.DPID{1, 2, 4}}, {&path.Constraints{Avoid: []path.Element{{Switch: 2}}}, []openflow.DPID{1, 3, 4}},
		{&path.Constraints{MaxHops: 2}, nil}, {&path.Constraints{Include: []path.Element{{Cable: direct}}}, []openflow.DPID{1, 2, 4}},
	} {
		q.Constraints = x.c
		if b, ok := g.Backup(q, p); ok != (x.want != nil) || !slices.Equal(switches(b), x.want) {
			t.Errorf("%+v: backup over %v, want %v", x.c, switches(b), x.want)
		}
	}
	if b, ok := g.Backup(q, p[:1]); ok {
		t.Errorf("within a switch the backup is %v", b)
	}
}
