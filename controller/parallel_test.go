package controller

import (
	"net/netip"
	"testing"

	"conga/bitrate"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// Of cables between the same two switches one is of the tree, so that a
// broadcast comes once; all carry allocations; and when one is cut the others
// take over.
func TestParallelCables(t *testing.T) {
	build := func(c ofswitch.TopologyConfig) *ofswitch.Network {
		n := ofswitch.Linear(2, c)
		for no := openflow.PortNo(40); no < 42; no++ {
			n.Link(n.Switch(1), no, n.Switch(2), no, c.Trunk)
		}
		return n
	}
	inBubble(t, build, Config{}, func(l *lab) {
		l.settled(2, 3)
		if n := len(l.Snapshot().Tree); n != 2 {
			t.Errorf("%d ports are of the tree", n)
		}
		l.pingAll()
		l.acquainted()
		to := l.net.Host("h2")
		from := l.net.Host("h1")
		before := to.Stats().Broadcast.Packets
		from.Send(ofswitch.ARPRequest(from.MAC(), from.Addr(), netip.MustParseAddr("10.0.9.9")))
		if err := l.net.Settle(l.Context()); err != nil {
			t.Fatal(err)
		}
		if n := to.Stats().Broadcast.Packets - before; n != 1 {
			t.Errorf("a broadcast came %d times", n)
		}
		for cut := range 2 {
			c := l.circuit("a", 7, "h1", "h2", bitrate.Mbps)
			if err := l.install(c); err != nil {
				t.Fatal(err)
			}
			if got := l.send("h1", "h2", 100); got.Packets != 100 {
				t.Errorf("%d of 100 packets arrived with %d cables cut", got.Packets, cut)
			}
			for _, link := range l.net.Links() {
				a, b := link.Ends()
				for _, end := range []ofswitch.End{a, b} {
					if end.DPID == c.Path[0].DPID && end.Port == c.Path[0].Out {
						link.Cut()
					}
				}
			}
			l.until("the cable to be gone", func(s *topology.Snapshot) bool { return len(s.Links) == 4-2*cut && l.held(s) })
			if err := l.Remove(l.Context(), "a"); err != nil {
				t.Fatal(err)
			}
			l.pingAll()
		}
	})
}
