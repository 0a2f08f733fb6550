package flow

import (
	"fmt"
	"net/netip"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// grid returns a square grid of side*side switches with so many hosts each.
func grid(side, hosts int) *Network {
	b := topology.NewBuilder(topology.Config{}, t0)
	n := openflow.DPID(side * side)
	for d := openflow.DPID(1); d <= n; d++ {
		ports := []openflow.Port{{No: 1}, {No: 2}, {No: 3}, {No: 4}, {No: 5}}
		b.SwitchUp(topology.Switch{DPID: d, Tables: 254, Meters: 1000}, ports, t0)
		b.SwitchReady(d, t0)
	}
	cable := func(x, y topology.PortID) {
		b.LinkSeen(x, y, t0)
		b.LinkSeen(y, x, t0)
	}
	for d := openflow.DPID(1); d <= n; d++ {
		if int(d)%side != 0 {
			cable(at(d, 1), at(d+1, 2))
		}
		if d+openflow.DPID(side) <= n {
			cable(at(d, 3), at(d+openflow.DPID(side), 4))
		}
	}
	settle(b)
	for d := openflow.DPID(1); d <= n; d++ {
		for h := range hosts {
			a := netip.AddrFrom4([4]byte{10, byte(d >> 8), byte(d), byte(h)})
			b.HostSeen(0, at(d, 5), openflow.MAC{0, 0, byte(d >> 8), byte(d), 0, byte(h)}, []netip.Addr{a}, true, t0)
		}
	}
	s := b.Snapshot(t0)
	return &Network{Snapshot: s, Routes: NewRoutes(s), Policy: Policy{Forwarding: ForwardL2, Meter: true, Mark: true, DSCP: 46}}
}

// BenchmarkCompile measures the cost of one change of the network for one
// switch of a national network: 100 switches, 1,000 hosts, 100 circuits.
func BenchmarkCompile(b *testing.B) {
	n := grid(10, 10)
	for i := range 100 {
		n.Circuits = append(n.Circuits, path.Circuit{
			ID: string(rune('a' + i)), Handle: uint32(i + 1), Rate: bitrate.Mbps, Path: path.Path{{DPID: 45, In: 1, Out: 2}},
			Key: path.FlowKey{Src: path.Host(addr(1)), Dst: path.Host(addr(2)), DstPort: path.Port(uint16(i + 1))},
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		Compile(n, 45)
	}
}

// BenchmarkRoutes measures the cost of a link that comes or goes in that
// network.
func BenchmarkRoutes(b *testing.B) {
	n := grid(10, 10)
	b.ReportAllocs()
	for b.Loop() {
		NewRoutes(n.Snapshot)
	}
}

// BenchmarkPorts measures what the entries cost of a switch with many ports of
// which it is not known yet what they are.
func BenchmarkPorts(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("ports=%d", n), func(b *testing.B) {
			sw := topology.Switch{DPID: 1, Tables: 254, Meters: 1 << 20, Ports: map[openflow.PortNo]topology.Port{}}
			for no := openflow.PortNo(1); int(no) <= n; no++ {
				sw.Ports[no] = topology.Port{ID: at(1, no), Role: topology.Undetermined}
			}
			for b.Loop() {
				newView(Policy{Forwarding: ForwardL2, Meter: true}, sw, nil, nil).base()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/port")
		})
	}
}

// BenchmarkWatch measures what the whole state costs of a switch that 50,000
// circuits cross, as it is made when one connects: new circuits each time.
func BenchmarkWatch(b *testing.B) {
	n := grid(2, 0)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		w := NewWanted(n.Policy)
		w.SetNetwork(n.Snapshot)
		for i := range 50_000 {
			id := fmt.Sprint(i)
			w.SetCircuit(id, []path.Circuit{{
				ID: id, Handle: uint32(i + 1), Path: path.Path{{DPID: 1, In: 1, Out: 5}},
				Key: path.FlowKey{
					Src: path.Host(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})),
					Dst: path.Host(netip.AddrFrom4([4]byte{10, 2, byte(i >> 8), byte(i)})),
				},
			}})
		}
		w.settle()
		b.StartTimer()
		w.Watch(1)
	}
}
