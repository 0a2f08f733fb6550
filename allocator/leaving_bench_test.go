package allocator

import (
	"fmt"
	"net/netip"
	"testing"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// BenchmarkSuccession has as many circuits leave a cable as wait for it, one
// after the other, as when one lot of allocations ends in the moment in which
// the next begins. ns/one should not grow with how many there are.
func BenchmarkSuccession(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				l := newLeaving()
				l.most = 2

				circuits := make([]path.Circuit, n)
				cable := topology.LinkID{From: topology.PortID{DPID: 1, Port: 2}, To: topology.PortID{DPID: 2, Port: 1}}
				for i := range circuits {
					circuits[i] = path.Circuit{
						Rate: 1_000_000, Path: path.Path{{DPID: openflow.DPID(1), In: 1, Out: 2}, {DPID: 2, In: 1, Out: 2}},
						Key: path.FlowKey{Src: path.Host(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})), Dst: path.Host(netip.AddrFrom4([4]byte{10, 2, 0, 1}))},
					}
					l.add(circuits[i])
				}
				x := l.links[cableOf(cable)]
				if x == nil || x.circuits != n {
					b.Fatalf("the circuits do not leave by the cable: %+v", l.links)
				}
				for range n {
					x.queue = append(x.queue, &item{extra: &extra{}})
				}
				woken := 0
				b.StartTimer()
				for _, c := range circuits {
					woken += len(l.remove(c))
				}
				if woken != n {
					b.Fatalf("%d of %d woken", woken, n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/one")
		})
	}
}
