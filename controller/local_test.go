package controller

import (
	"net/netip"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// The machine that a switch runs on is a host, by the address on the bridge.
func TestSwitchsOwnStackIsAHost(t *testing.T) {
	build := func(c ofswitch.TopologyConfig) *ofswitch.Network {
		n := ofswitch.Linear(2, c)
		mac, addrs := ofswitch.HostAddrs(3)
		n.AddHost("bridge", mac, addrs, n.Switch(1), openflow.PortLocal)
		made := []netip.Addr{netip.MustParseAddr("fe80::9")}
		n.AddHost("idle", openflow.MAC{2, 0, 0, 0, 0, 9}, made, n.Switch(2), openflow.PortLocal)
		return n
	}
	inBubble(t, build, Config{}, func(l *lab) {
		l.settled(2, 1)
		idle := l.net.Host("idle")
		idle.Send(ofswitch.NeighborSolicit(idle.MAC(), idle.Addr(), netip.MustParseAddr("fe80::2")))
		for _, pair := range [][2]string{{"bridge", "h2"}, {"h2", "bridge"}, {"h1", "bridge"}, {"h1", "h2"}} {
			l.ping(pair[0], pair[1])
		}
		l.until("the bridge's host to be known", func(s *topology.Snapshot) bool {
			at, ok := s.Locate(l.net.Host("bridge").Addr())
			return ok && at == topology.PortID{DPID: 1, Port: openflow.PortLocal} && l.held(s)
		})
		if _, known := l.Snapshot().HostIn(idle.MAC(), 0); known {
			l.Error("a bridge without an address that it was given is taken for a host")
		}
		c := l.circuit("a", 7, "bridge", "h2", 40*bitrate.Mbps)
		if err := l.install(c); err != nil {
			l.Fatal(err)
		}
		if got := l.send("bridge", "h2", 100); got.Packets != 100 {
			l.Errorf("%d of 100 packets arrived", got.Packets)
		}
		counted := uint64(0)
		for _, f := range l.net.Switch(1).Flows(openflow.TableAll) {
			if in, _ := f.Match.Get(openflow.FieldInPort); f.Cookie == purpose.MakeCookie(purpose.Allocation, 7) && in.Uint64() == uint64(openflow.PortLocal) {
				counted += f.PacketCount
			}
		}
		if counted != 100 {
			l.Errorf("the allocation's entries have carried %d packets; want 100", counted)
		}
		time.Sleep(3 * time.Second)
		l.until("nothing more to be changed", l.held)
	})
}
