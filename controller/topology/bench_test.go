package topology

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"conga/openflow"
)

// torus returns a builder with side*side switches, each joined to four others,
// and so many hosts in all.
func torus(side, hosts int) *Builder {
	b := NewBuilder(Config{MaxHosts: 1 << 20, MaxLearned: 1 << 20}, t0)
	n := side * side
	for i := range n {
		up(b, openflow.DPID(i+1), 5, t0)
	}
	id := func(row, col int) openflow.DPID { return openflow.DPID((row+side)%side*side + (col+side)%side + 1) }
	for i := range n {
		row, col := i/side, i%side
		plug(b, at(id(row, col), 1), at(id(row, col+1), 2), t0)
		plug(b, at(id(row, col), 3), at(id(row+1, col), 4), t0)
	}
	pass(b, 2*time.Second)
	for i := range hosts {
		b.HostSeen(0, at(openflow.DPID(i%n+1), 5), benchMAC(i), []netip.Addr{netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})}, true, t0)
	}
	b.Snapshot(t0)
	return b
}

func benchMAC(i int) openflow.MAC {
	return openflow.MAC{2, 0, byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}
}

// BenchmarkSnapshot makes a snapshot after one change.
func BenchmarkSnapshot(b *testing.B) {
	for _, size := range []struct{ side, hosts int }{{3, 18}, {32, 4096}, {32, 100_000}} {
		net := torus(size.side, size.hosts)
		name := fmt.Sprintf("%d-switches/%d-hosts", size.side*size.side, size.hosts)
		b.Run(name+"/host", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				h := net.hosts[HostID{MAC: benchMAC(i % size.hosts)}]
				net.touchHost(h)
				net.touchAddr(h.Addrs[0])
				net.Snapshot(t0)
			}
		})
		b.Run(name+"/link", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				p := openflow.Port{No: 1, HWAddr: openflow.MAC{2, 0, 0, 0, 0, 1}}
				if i%2 == 0 {
					p.State = openflow.PortStateLinkDown
				}
				net.PortChanged(1, openflow.PortModified, p, t0)
				if i%2 == 1 {
					plug(net, at(1, 1), at(2, 2), t0)
				}
				net.Snapshot(t0)
			}
		})
	}
}

// BenchmarkExpire measures a tick at which nothing is due.
func BenchmarkExpire(b *testing.B) {
	for _, side := range []int{3, 32} {
		net := torus(side, 0)
		b.Run(fmt.Sprintf("%d-switches", side*side), func(b *testing.B) {
			b.ReportAllocs()
			now := net.clock.wall
			for b.Loop() {
				now = now.Add(time.Nanosecond)
				net.Expire(now)
			}
		})
	}
}

// BenchmarkHostAt finds the host that has an address, among few and many.
func BenchmarkHostAt(b *testing.B) {
	for _, hosts := range []int{100, 100_000} {
		b.Run(fmt.Sprint(hosts), func(b *testing.B) {
			s := torus(3, hosts).Snapshot(t0)
			addr := netip.AddrFrom4([4]byte{10, 0, 0, 77})
			for b.Loop() {
				if id, ok := s.HostAt(addr); !ok || id.MAC != benchMAC(77) {
					b.Fatal("it is not found")
				}
			}
		})
	}
}
