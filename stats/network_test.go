package stats_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"conga/bitrate"
	"conga/controller"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
	"conga/stats"
)

const patience = 20 * time.Second

// lab is a controller with emulated switches, and a poller that looks at them.
type lab struct {
	*testing.T
	c    *controller.Controller
	p    *stats.Poller
	net  *ofswitch.Network
	stop func() // the poller
}

func newLab(t *testing.T, n *ofswitch.Network) *lab {
	t.Helper()
	l := &lab{T: t, net: n}
	t.Cleanup(func() { n.Close() })
	c, err := controller.New(controller.Config{
		Listen: "127.0.0.1:0", Priority: controller.Priority{Meter: true},
		Removed: func(d openflow.DPID, fr *openflow.FlowRemoved) { l.p.Removed(d, fr) },
	})
	if err == nil {
		l.c = c
		l.p, err = stats.New(t.Context(), stats.Config{Source: c, Interval: 50 * time.Millisecond})
	}
	if err == nil {
		err = c.Listen()
	}
	if err != nil {
		t.Fatal(err)
	}
	run := func(f func(context.Context) error) (stop func()) {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- f(ctx); close(done) }()
		stop = func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		t.Cleanup(stop)
		return stop
	}
	run(c.Run)
	l.stop = run(l.p.Run)
	n.Start(t.Context(), c.Addr().String())
	return l
}

// until waits for what must happen.
func (l *lab) until(what string, ok func(*topology.Snapshot) bool) {
	l.Helper()
	for deadline := time.Now().Add(patience); !ok(l.c.Snapshot()); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			l.Fatal("still waiting: ", what)
		}
	}
}

// circuit has the traffic between two hosts on its best path, once both are
// known.
func (l *lab) circuit(id string, handle uint32, from, to string, rate bitrate.Rate) path.Circuit {
	l.Helper()
	c := path.Circuit{ID: id, Handle: handle, Rate: rate, Key: path.FlowKey{Src: path.Host(l.net.Host(from).Addr()), Dst: path.Host(l.net.Host(to).Addr())}}
	l.until("a path", func(s *topology.Snapshot) (ok bool) {
		ctx, cancel := context.WithTimeout(l.Context(), 200*time.Millisecond)
		defer cancel()
		_, _ = l.net.Host(from).Ping(ctx, c.Key.Dst.Addr())
		a, okA := s.Locate(c.Key.Src.Addr())
		b, okB := s.Locate(c.Key.Dst.Addr())
		c.Path, ok = path.Find(s, path.Query{From: a, To: b, Rate: rate})
		return ok && okA && okB
	})
	return c
}

func (l *lab) install(c path.Circuit) {
	l.Helper()
	l.p.Install(c)
	ctx, cancel := context.WithTimeout(l.Context(), patience)
	defer cancel()
	if err := l.c.Install(ctx, c); err != nil {
		l.Fatal(err)
	}
}

// send sends so many datagrams of 500 bytes and waits for them to be where they
// go.
func (l *lab) send(from, to string, n int, rate uint64) {
	l.Helper()
	dst := l.net.Host(to).Addr()
	tr := ofswitch.Traffic{Rate: rate, Size: 500, Duration: time.Duration(n) * 4000 * time.Second / time.Duration(rate)}
	sent, err := l.net.Host(from).SendUDP(l.Context(), netip.AddrPortFrom(dst, 9), tr)
	if err == nil {
		err = l.net.Settle(l.Context())
	}
	if err != nil || sent.Packets != uint64(n) {
		l.Fatalf("%d of %d packets sent: %v", sent.Packets, n, err)
	}
}

func (l *lab) want(id string, ok func(stats.Allocation) bool) {
	l.Helper()
	var a stats.Allocation
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if a = l.p.Allocation(id); ok(a) {
			return
		}
		if time.Now().After(deadline) {
			l.Fatalf("the numbers stay %+v", a)
		}
	}
}

// Traffic of known volume, over moves and a removal, is counted to the packet,
// but for one a move that may be on its way when the old exit entry goes: it
// arrives as best effort.
func TestKnownTrafficIsCountedToThePacket(t *testing.T) {
	l := newLab(t, ofswitch.Diamond(ofswitch.TopologyConfig{Switch: ofswitch.Config{MaxMeters: 0xffff0000}}))
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	l.install(c)
	l.send("h1", "h2", 300, 8e6)
	l.want("a", func(a stats.Allocation) bool {
		return a.Forward.Entered == (stats.Volume{Packets: 300, Bytes: 150000}) && a.Forward.Delivered == a.Forward.Entered
	})
	l.want("a", func(a stats.Allocation) bool { return a.Forward.EnteredRate != nil && !a.Stale && !a.At.IsZero() })
	base := l.p.Allocation("a").Reverse.Entered // nothing but what the hosts said of themselves at first

	other := c
	other.Path = path.Path{c.Path[0], {DPID: 5 - c.Path[1].DPID, In: 1, Out: 2}, c.Path[2]}
	other.Path[0].Out, other.Path[2].In = 5-c.Path[0].Out, 5-c.Path[2].In
	sent := make(chan struct{})
	go func() { defer close(sent); l.send("h1", "h2", 400, 8e6) }()
	const moves = 6
	for i := range moves {
		// What is on its way when the old entries go is counted by none.
		if err := l.net.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.install([]path.Circuit{other, c}[i%2])
	}
	<-sent
	l.send("h2", "h1", 100, 8e6)
	l.stop() // from here on only flow-removed messages count
	l.send("h1", "h2", 50, 8e6)
	if err := l.c.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	l.want("a", func(a stats.Allocation) bool {
		return a.Forward.Entered == (stats.Volume{Packets: 750, Bytes: 375000}) &&
			a.Forward.Delivered.Packets >= 750-moves && a.Forward.Delivered.Packets <= 750 &&
			a.Reverse.Entered == base.Plus(stats.Volume{Packets: 100, Bytes: 50000}) && a.Reverse.Delivered == a.Reverse.Entered
	})
}

// What a policer drops entered and was dropped; entered is dropped and
// delivered.
func TestPolicedTraffic(t *testing.T) {
	l := newLab(t, ofswitch.Linear(2, ofswitch.TopologyConfig{Switch: ofswitch.Config{MaxMeters: 0xffff0000}}))
	c := l.circuit("a", 7, "h1", "h2", 1*bitrate.Mbps)
	rival := c
	rival.ID, rival.Handle, rival.Key.Proto, rival.Key.DstPort = "b", 8, path.ProtoUDP, path.Port(99)
	l.install(c)
	l.install(rival) // shares the links, so both are policed
	l.send("h1", "h2", 1000, 20e6)
	l.want("a", func(a stats.Allocation) bool {
		f := a.Forward
		return f.Entered.Packets == 1000 && f.Dropped.Packets > 0 && f.Dropped.Plus(f.Delivered) == f.Entered && a.Reverse.Dropped.Packets == 0
	})
}

// AskAll distinguishes a switch that is away from one that refuses.
func TestAsk(t *testing.T) {
	l := newLab(t, ofswitch.Linear(2, ofswitch.TopologyConfig{}))
	l.until("the switches", func(s *topology.Snapshot) bool { return len(s.Switches) == 2 })
	all := openflow.NewMultipartRequest(openflow.AllFlows())
	if body, err := l.c.Ask(t.Context(), 1, all); err != nil {
		t.Error(err)
	} else if _, ok := body.(openflow.FlowStatsReply); !ok {
		t.Errorf("the answer is a %T", body)
	}
	ports := openflow.NewMultipartRequest(&openflow.PortStatsRequest{Port: openflow.PortAny})
	bodies, err := l.c.AskAll(t.Context(), 1, ports, openflow.NewMultipartRequest(&openflow.MeterStatsRequest{Meter: 77}), all)
	if err != nil || len(bodies) != 3 || bodies[1] != nil {
		t.Fatalf("three questions of which one is refused: %v, %v", bodies, err)
	}
	if _, ok := bodies[0].(openflow.PortStatsReply); !ok {
		t.Errorf("the first of three answers is a %T", bodies[0])
	}
	if _, err := l.c.AskAll(t.Context(), 9, all); !errors.Is(err, controller.ErrAway) {
		t.Errorf("a switch that never came: %v", err)
	}
	if _, err := l.c.Ask(t.Context(), 9, all); !errors.Is(err, controller.ErrAway) {
		t.Errorf("a switch that never came: %v", err)
	}
	absent := openflow.NewMultipartRequest(&openflow.MeterStatsRequest{Meter: 77})
	if _, err := l.c.Ask(t.Context(), 1, absent); err == nil {
		t.Error("a meter that is not there has counters")
	} else if _, refused := errors.AsType[*openflow.Error](err); !refused {
		t.Errorf("a refusal is %T: %v", err, err)
	}
	l.net.Switch(2).SetFaults(ofswitch.Faults{Refuse: true})
	l.net.Switch(2).Disconnect()
	l.until("the switch to be away", func(s *topology.Snapshot) bool { return !s.Switches[2].Connected })
	if _, err := l.c.Ask(t.Context(), 2, all); !errors.Is(err, controller.ErrAway) {
		t.Errorf("a switch that is away: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.c.Ask(ctx, 1, all); !errors.Is(err, context.Canceled) {
		t.Errorf("without patience: %v", err)
	}
}

// Ports and links are in the scrape with DPID and port only, and go when their
// switch does.
func TestTrafficMetrics(t *testing.T) {
	l := newLab(t, ofswitch.Linear(2, ofswitch.TopologyConfig{Switch: ofswitch.Config{MaxMeters: 0xffff0000}, Trunk: ofswitch.LinkConfig{Capacity: 100e6}}))
	l.install(l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps))
	r := prometheus.NewRegistry()
	if err := stats.RegisterTraffic(r, l.p, func(topology.LinkID) bitrate.Rate { return 7e6 }); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		`conga_port_receive_bytes_total{dpid="0000000000000001",port="1"} `,
		`conga_port_transmit_packets_total{dpid="0000000000000002",port="2"} `,
		`conga_link_capacity_bytes_per_second{dpid="0000000000000001",port="2"} 1.25e+07`,
		`conga_link_utilisation_ratio{dpid="0000000000000001",port="2"} `,
		`conga_link_reserved_bytes_per_second{dpid="0000000000000002",port="2"} 875000`,
		`conga_best_effort_dropped_bytes_total{dpid="0000000000000001",port="2"} `,
		`conga_switch_flow_entries{dpid="0000000000000001"} `,
		`conga_switch_sample_timestamp_seconds{dpid="0000000000000001"} `,
	} {
		l.until(name, func(*topology.Snapshot) bool { return strings.Contains(scrape(t, r), "\n"+name) })
	}
	problems, err := testutil.GatherAndLint(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	l.net.Switch(2).SetFaults(ofswitch.Faults{Refuse: true})
	l.net.Switch(2).Disconnect()
	l.until("old numbers to go", func(*topology.Snapshot) bool {
		return !strings.Contains(scrape(t, r), `conga_port_receive_bytes_total{dpid="0000000000000002"`)
	})
}
