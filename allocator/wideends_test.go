package allocator

import (
	"fmt"
	"testing"
	"time"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// splitWorld returns a world in which n allocations for as many ports run
// between a host and a prefix, of which one host is elsewhere.
func splitWorld(t testing.TB, n int) *world {
	w := newWorld(t, 3, 1000)
	w.cable(1, 2, 1000)
	w.cable(1, 3, 1000)
	w.open()
	w.change(seen("10.9.0.7", edgePort(2, 3)))
	for i := range n {
		r := toPrefix(t, "10.9.0.0/16", 0)
		r.Key.Proto, r.Key.DstPort = path.ProtoTCP, path.Port(uint16(i+1))
		w.create(r)
	}
	w.all()
	w.change(seen("10.9.0.8", edgePort(3, 1)))
	w.all()
	return w
}

// The next host that shows up elsewhere concerns none of the allocations of its
// prefix: what they say is the same, and so is where they end.
func TestChangeInASplitPrefix(t *testing.T) {
	w := splitWorld(t, 20)
	reported, looked := 0, w.a.plan.looked
	w.cfg.Notify = func(Allocation, bool) { reported++ }
	w.a.cfg.Notify = w.cfg.Notify
	for _, at := range []topology.PortID{edgePort(3, 2), edgePort(3, 1), edgePort(2, 3)} {
		w.change(seen("10.9.0.9", at))
		w.plan()
	}
	w.change(gone("10.9.0.9"))
	w.plan()
	if reported > 0 || w.a.plan.looked != looked {
		t.Errorf("%d are reported, %d are looked at", reported, w.a.plan.looked-looked)
	}
	w.change(gone("10.9.0.8"))
	w.plan()
	if reported != 20 {
		t.Errorf("%d are reported, want all", reported)
	}
	reported = 0
	w.change(seen("10.9.0.7", edgePort(3, 1)))
	w.work()
	for it := range w.a.all.after(0) {
		w.wantPath(it.id(), edgePort(3, 1), "")
	}
}

// BenchmarkSplitPrefix takes in that a host of a prefix moves from one port to
// another, neither of which is where the paths of 10,000 allocations of the
// prefix end, and compares it with 100.
func BenchmarkSplitPrefix(b *testing.B) {
	ratio(b, func(n int) func() {
		w := splitWorld(b, n)
		i := 0
		var next [2]*topology.Snapshot
		for j := range next {
			w.change(seen("10.9.0.9", edgePort(3, openflow.PortNo(1+j))))
			w.plan()
			next[j] = w.snap
		}
		return func() {
			s := *next[i%2]
			s.Revision = w.snap.Revision + 1
			w.snap, i = &s, i+1
			w.a.NetworkChanged()
			w.plan()
		}
	})
}

// ratio reports how much longer something takes with 10,000 than with 100.
func ratio(b *testing.B, with func(n int) func()) {
	few, many := with(100), with(10_000)
	var took [2]time.Duration
	for b.Loop() {
		for i, do := range [...]func(){few, many} {
			start := time.Now()
			do()
			took[i] += time.Since(start)
		}
	}
	for i, n := range [...]int{100, 10_000} {
		b.ReportMetric(float64(took[i].Nanoseconds())/float64(b.N), fmt.Sprintf("ns/%d", n))
	}
	b.ReportMetric(float64(took[1])/float64(took[0]), "ratio")
}
