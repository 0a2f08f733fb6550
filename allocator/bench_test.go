package allocator

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
	"conga/openflow"
)

// campus returns a world of 20 switches: 4 in a ring, each with 4 below it.
func campus(b *testing.B) *world {
	w := newWorld(b, 20, 100*bitrate.Gbps)
	for d := openflow.DPID(1); d <= 4; d++ {
		w.cable(d, d%4+1, 100*bitrate.Gbps)
		for leaf := range openflow.DPID(4) {
			w.cable(d, 5+4*(d-1)+leaf, 100*bitrate.Gbps)
		}
	}
	var ids atomic.Int64
	w.cfg.NewID = func() string { return fmt.Sprint(ids.Add(1)) }
	w.open()
	return w
}

// request returns the i-th of many different requests across the campus.
func request(i int64) Request {
	r := ask(5+int(i%16), 1, 5+int((i/16+3)%16), 2, bitrate.Rate(1+i%1000), 3600)
	r.Key.Proto, r.Key.SrcPort, r.Key.DstPort = path.ProtoTCP, path.Port(uint16(i%50000+1)), path.Port(uint16(i/50000+1))
	return r
}

// BenchmarkCreate admits requests beside n that are there already; the store
// costs nothing here.
func BenchmarkCreate(b *testing.B) {
	for _, n := range []int64{0, 100_000} {
		b.Run(fmt.Sprintf("beside=%d", n), func(b *testing.B) {
			w := campus(b)
			for i := range n {
				r := request(i)
				r.StartTime = w.now + Seconds(3600*(i%4000))
				w.create(r)
			}
			var next atomic.Int64
			next.Store(n)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if _, err := w.a.Create(bg, request(next.Add(1))); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkSameHosts does what a load generator does that knows two hosts:
// every request but the first has to queue.
func BenchmarkSameHosts(b *testing.B) {
	w := campus(b)
	b.ReportAllocs()
	for b.Loop() {
		w.create(ask(5, 1, 6, 2, 0, 1))
	}
}

// BenchmarkReroute finds other paths for 1,000 allocations when a cable is cut.
func BenchmarkReroute(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		w := campus(b)
		w.a.Settled()
		for i := range int64(1000) {
			w.create(request(i))
		}
		w.work()
		for _, l := range w.snap.Links {
			if l.ID.From.DPID == 1 && l.ID.To.DPID == 2 {
				b.StartTimer()
				w.change(cut(l.ID))
				w.plan()
				break
			}
		}
	}
}

// BenchmarkPrefixes looks for what is in the way of a request where 100,000
// pairs of a prefix and a host are reserved, all of one prefix: of two hosts
// among them, and of a pair that is across some of them.
func BenchmarkPrefixes(b *testing.B) {
	books := newCalendars()
	wide := path.Host(host(1, 0)).Widen(24)
	for i := range 100_000 {
		r := Request{ProjectID: "p", Bandwidth: 1, Key: path.FlowKey{Src: wide, Dst: path.Host(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}))}}
		books.add(reservations{key: []reservation[ownedKey]{{ownedKeyOf(&r), Window{0, 100}, 1}}})
	}
	for name, k := range map[string]path.FlowKey{
		"hosts":  {Src: path.Host(host(1, 7)), Dst: path.Host(netip.AddrFrom4([4]byte{11, 0, 7, 7}))},
		"across": {Src: path.Host(host(1, 7)), Dst: path.Host(netip.AddrFrom4([4]byte{11, 0, 7, 0})).Widen(28)},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				books.conflicting(Request{ProjectID: "q", Bandwidth: 1, Key: k})
			}
		})
	}
}
