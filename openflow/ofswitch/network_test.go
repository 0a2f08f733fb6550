package ofswitch

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"conga/openflow"
)

// flood installs a hub in every switch.
func flood(n *Network) {
	for _, s := range n.Switches() {
		s.Apply(flow(0, nil, to(openflow.PortFlood)))
	}
}

func TestPingAcrossARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := Linear(3, TopologyConfig{Trunk: LinkConfig{Delay: 5 * time.Millisecond}})
		defer n.Close()
		flood(n)
		a, b := n.Host("h1"), n.Host("h3")
		for _, dst := range b.Addrs() {
			rtt, err := a.Ping(t.Context(), dst)
			if err != nil || rtt != 20*time.Millisecond {
				t.Errorf("ping %v: %v, %v", dst, rtt, err)
			}
		}
		if st := n.Host("h2").Stats(); st.Foreign.Packets == 0 || st.Broadcast.Packets == 0 {
			t.Errorf("a hub shows everything to everybody, but h2 saw %+v", st)
		}
	})
}

func TestLinkCapacity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := Linear(2, TopologyConfig{Trunk: LinkConfig{Capacity: 10_000_000, Delay: time.Millisecond}})
		defer n.Close()
		flood(n)
		a, b := n.Host("h1"), n.Host("h2")
		sent, err := a.SendUDP(t.Context(), netip.AddrPortFrom(b.Addr(), 9), Traffic{Rate: 40_000_000, Duration: 5 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := b.Got(a.Addr(), 9)
		if sent.Packets != 25_000 || math.Abs(got.Rate()-10e6) > 1e4 {
			t.Errorf("sent %+v, received %+v at %.0f bit/s", sent, got.Volume, got.Rate())
		}
		if want := []Hop{{1, 1, 2}, {2, 2, 1}}; !slices.Equal(got.Via, want) {
			t.Errorf("via %v, want %v", got.Via, want)
		}
		if dropped := n.Stats().Overflow; dropped != sent.Packets-got.Packets {
			t.Errorf("%d dropped of %d", dropped, sent.Packets-got.Packets)
		}
	})
}

func TestMeterProtectsAcrossALink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := Linear(2, TopologyConfig{Hosts: 2, Trunk: LinkConfig{Capacity: 10_000_000}})
		defer n.Close()
		flood(n)
		s := n.Switch(1)
		s.Apply(&openflow.MeterMod{ID: 1, Flags: openflow.MeterKbps, Bands: []openflow.MeterBand{
			{Type: openflow.MeterBandDrop, Rate: 2000, BurstSize: 100},
		}})
		s.Apply(flow(5, openflow.Match{openflow.InPort(1)}, openflow.Meter(1), to(openflow.PortFlood)))
		greedy, paid, b := n.Host("h1"), n.Host("h2"), n.Host("h3")
		dst := netip.AddrPortFrom(b.Addr(), 9)
		var sending sync.WaitGroup
		sending.Go(func() { greedy.SendUDP(t.Context(), dst, Traffic{Rate: 30_000_000, Duration: 4 * time.Second}) })
		sending.Go(func() { paid.SendUDP(t.Context(), dst, Traffic{Rate: 7_000_000, Duration: 4 * time.Second}) })
		sending.Wait()
		n.Settle(t.Context())
		if got := b.Got(paid.Addr(), 9); math.Abs(got.Rate()-7e6) > 1e5 {
			t.Errorf("the paid stream came at %.0f bit/s", got.Rate())
		}
		if got := b.Got(greedy.Addr(), 9); math.Abs(got.Rate()-2e6) > 1e5 {
			t.Errorf("the greedy stream came at %.0f bit/s", got.Rate())
		}
	})
}

func TestCutAndLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := Linear(2, TopologyConfig{})
		defer n.Close()
		flood(n)
		a, b := n.Host("h1"), n.Host("h2")
		trunk := n.LinkBetween(2, 1)
		ping := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			_, err := a.Ping(ctx, b.Addr())
			return err
		}
		if err := ping(); err != nil {
			t.Error(err)
		}
		trunk.Cut()
		if n.Switch(1).Ports()[1].State != openflow.PortStateLinkDown || ping() == nil {
			t.Error("the cut changed nothing")
		}
		trunk.Restore()
		if err := ping(); err != nil {
			t.Error(err)
		}
		trunk.SetConfig(LinkConfig{Loss: 1})
		if ping() == nil || n.Stats().Lost == 0 || n.Switch(1).Ports()[1].State != openflow.PortStateLive {
			t.Error("the silent loss changed nothing, or showed")
		}
		trunk.SetConfig(LinkConfig{})
		s := n.Switch(1)
		s.Apply(&openflow.PortMod{PortNo: 2, HWAddr: portMAC(1, 2), Config: openflow.PortConfigDown, Mask: openflow.PortConfigDown})
		n.Settle(t.Context())
		if n.Switch(2).Ports()[1].State != openflow.PortStateLinkDown {
			t.Error("the other end does not see the port go down")
		}
	})
}

func TestMoveHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := Linear(2, TopologyConfig{})
		defer n.Close()
		flood(n)
		a, b := n.Host("h1"), n.Host("h2")
		n.MoveHost(b, n.Switch(1), 9)
		if _, err := a.Ping(t.Context(), b.Addr()); err != nil {
			t.Error(err)
		}
		if s, port := b.At(); s.DPID() != 1 || port != 9 || n.Switch(2).Ports()[0].State != openflow.PortStateLinkDown {
			t.Error("the host is not where it moved")
		}
	})
}

// A ring of hubs is a broadcast storm. It must end, and be counted.
func TestStormEnds(t *testing.T) {
	n := Ring(4, TopologyConfig{Hosts: 2, Network: NetworkConfig{MaxQueue: 2000}})
	defer n.Close()
	flood(n)
	h := n.Host("h1")
	h.Send(ARPRequest(h.MAC(), h.Addr(), netip.MustParseAddr("10.0.0.99")))
	if err := n.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st := n.Stats(); st.HopLimit == 0 {
		t.Errorf("nobody noticed the storm: %+v", st)
	}
}

// The pipeline of ARCHITECTURE.md, installed by hand on a ring: floods leave
// over a tree only, and a frame reaches every host once.
func TestRingWithATreeHasNoLoop(t *testing.T) {
	n := Ring(5, TopologyConfig{})
	defer n.Close()
	for _, s := range n.Switches() {
		treePipeline(n, s)
	}
	for _, h := range n.Hosts() {
		before := map[string]uint64{}
		for _, other := range n.Hosts() {
			before[other.Name()] = other.Stats().Broadcast.Packets
		}
		h.Send(ARPRequest(h.MAC(), h.Addr(), netip.MustParseAddr("10.0.0.99")))
		if err := n.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, other := range n.Hosts() {
			want := uint64(1)
			if other == h {
				want = 0
			}
			if got := other.Stats().Broadcast.Packets - before[other.Name()]; got != want {
				t.Errorf("from %s: %s got %d copies, want %d", h.Name(), other.Name(), got, want)
			}
		}
	}
	for _, a := range n.Hosts() {
		for _, b := range n.Hosts() {
			if a == b {
				continue
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			if _, err := a.Ping(ctx, b.Addr()); err != nil {
				t.Errorf("%s to %s: %v", a.Name(), b.Name(), err)
			}
			cancel()
		}
	}
	for _, h := range n.Hosts() {
		if st := h.Stats(); st.Foreign.Packets != 0 {
			t.Errorf("%s got %d frames for others", h.Name(), st.Foreign.Packets)
		}
	}
	if st := n.Stats(); st.HopLimit+st.Overflow != 0 {
		t.Errorf("a loop: %+v", st)
	}
}

// treePipeline cuts the ring between the last switch and the first for floods,
// and sends known hosts the shorter way round. Hosts are on port 1.
func treePipeline(n *Network, s *Switch) {
	size, me := len(n.Switches()), int(s.DPID())
	prev, next := openflow.PortNo(2), openflow.PortNo(3)
	switch me { // Ring's ports: the first has 2 to the next and 3 to the last
	case 1:
		prev, next = 3, 2
	}
	flows := []*openflow.FlowMod{
		flow(0, nil, openflow.GotoTable(1)),
		inTable(1, flow(0, nil, openflow.GotoTable(2))),
		inTable(2, flow(100, openflow.Match{openflow.Metadata(1, 1)})),
	}
	floodTo := []openflow.PortNo{1}
	if me > 1 {
		floodTo = append(floodTo, prev)
	}
	if me < size {
		floodTo = append(floodTo, next)
	}
	offTree := prev
	if me == size {
		offTree = next
	}
	if me == 1 || me == size {
		flows = append(flows, inTable(1, flow(400, openflow.Match{openflow.InPort(offTree)},
			openflow.WriteMetadata(1, 1), openflow.GotoTable(2))))
	}
	flows = append(flows, inTable(2, flow(0, nil, to(floodTo...))))
	for i := range size {
		mac, _ := HostAddrs(i + 1)
		out := openflow.PortNo(1)
		switch ahead := (i + 1 - me + size) % size; {
		case ahead == 0:
		case ahead <= size/2:
			out = next
		default:
			out = prev
		}
		flows = append(flows, inTable(2, flow(200, openflow.Match{openflow.EthDst(mac)}, to(out))))
	}
	for _, f := range flows {
		s.Apply(f)
	}
}

func TestTopologies(t *testing.T) {
	for _, tt := range []struct {
		name                   string
		n                      *Network
		switches, links, hosts int
	}{
		{"linear", Linear(4, TopologyConfig{}), 4, 3, 4},
		{"linear without hosts", Linear(4, TopologyConfig{Hosts: -1}), 4, 3, 0},
		{"ring", Ring(5, TopologyConfig{Hosts: 2}), 5, 5, 10},
		{"diamond", Diamond(TopologyConfig{}), 4, 4, 2},
		{"fat tree", FatTree(4, TopologyConfig{}), 20, 32, 16},
	} {
		trunks := 0
		for _, l := range tt.n.Links() {
			if a, b := l.Ends(); a.Host == "" && b.Host == "" {
				trunks++
			}
		}
		if got := len(tt.n.Switches()); got != tt.switches || trunks != tt.links || len(tt.n.Hosts()) != tt.hosts {
			t.Errorf("%s: %d switches, %d links, %d hosts", tt.name, got, trunks, len(tt.n.Hosts()))
		}
		tt.n.Close()
	}
}

// hub starts a controller that takes connections and says hello, no more.
func hub(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hello, _ := openflow.Append(nil, 1, openflow.NewHello(openflow.Version))
	var conns []net.Conn
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			nc.Write(hello)
			conns = append(conns, nc)
		}
	})
	t.Cleanup(func() {
		l.Close()
		accepting.Wait()
		for _, nc := range conns {
			nc.Close()
		}
	})
	return l.Addr().String()
}

func TestManySwitchesAreLean(t *testing.T) {
	const switches = 300
	addr := hub(t)
	n := NewNetwork(NetworkConfig{})
	defer n.Close()
	before := runtime.NumGoroutine()
	for i := range switches {
		s := n.AddSwitch(Config{DPID: openflow.DPID(i + 1)})
		s.AddPort(1, "p", 1)
	}
	n.Start(t.Context(), addr)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := n.WaitConnected(ctx); err != nil {
		t.Fatal(err)
	}
	if got := float64(runtime.NumGoroutine()-before) / switches; got > 2.1 {
		t.Errorf("%.1f goroutines a switch", got)
	}
}

func ExampleNetwork() {
	n := Diamond(TopologyConfig{})
	defer n.Close()
	for _, f := range []struct {
		at  openflow.DPID
		in  openflow.PortNo
		out openflow.PortNo
	}{{1, 1, 3}, {3, 1, 2}, {4, 3, 1}, {4, 1, 2}, {2, 2, 1}, {1, 2, 1}} {
		n.Switch(f.at).Apply(&openflow.FlowMod{
			Match: openflow.Match{openflow.InPort(f.in)}, BufferID: openflow.NoBuffer,
			Instructions: []openflow.Instruction{openflow.ApplyActions(openflow.Output(f.out, 0))},
		})
	}
	h1, h2 := n.Host("h1"), n.Host("h2")
	frames, stop := h2.Recv(10)
	defer stop()
	_, err := h1.Ping(context.Background(), h2.Addr())
	fmt.Println(err, (<-frames).Via)
	// Output: <nil> [{0000000000000001 1 3} {0000000000000003 1 2} {0000000000000004 3 1}]
}

func BenchmarkForward(b *testing.B) {
	s := New(Config{DPID: 1})
	s.AddPort(1, "a", 1)
	s.AddPort(2, "b", 1)
	for i := range 1000 {
		s.Apply(flow(20, openflow.Match{openflow.EthDst(openflow.MAC{2, 1, 0, 0, byte(i >> 8), byte(i)})}, to(1)))
	}
	s.Apply(flow(10, openflow.Match{openflow.EthType(0x800), openflow.IPv4Dst(udp4.Dst.Addr())}, to(2)))
	frame := udp4.UDP()
	for b.Loop() {
		s.Inject(1, frame)
	}
}
