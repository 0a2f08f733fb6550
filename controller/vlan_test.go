package controller

import (
	"net/netip"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// doubled builds a row of three switches with two pairs of hosts, each in a
// VLAN of its own, of which one of each has the same Ethernet address: a10 at
// the first switch, a20 at the last. b10 and b20 are at the second.
func doubled(c ofswitch.TopologyConfig) *ofswitch.Network {
	n := ofswitch.Linear(3, c)
	same := openflow.MAC{2, 9, 0, 0, 0, 1}
	for i, h := range []struct {
		name string
		mac  openflow.MAC
		sw   openflow.DPID
		vlan uint16
	}{{"a10", same, 1, 10}, {"a20", same, 3, 20}, {"b10", openflow.MAC{2, 9, 0, 0, 0, 2}, 2, 10}, {"b20", openflow.MAC{2, 9, 0, 0, 0, 3}, 2, 20}} {
		addr := netip.AddrFrom4([4]byte{10, 9, 0, byte(i + 1)})
		n.AddHost(h.name, h.mac, []netip.Addr{addr}, n.Switch(h.sw), openflow.PortNo(30+i)).SetVLAN(h.vlan)
	}
	return n
}

// Hosts that have the same Ethernet address in different VLANs both get all
// their frames, each has its allocations, and each may move.
func TestOneAddressInTwoVLANs(t *testing.T) {
	k := &keeper{}
	inBubble(t, doubled, Config{SavedNetwork: k}, func(l *lab) {
		l.settled(3, 2)
		l.parted()
		l.apart("at first")
		for i, pair := range []string{"10", "20"} {
			if err := l.install(l.circuit(pair, uint32(7+i), "b"+pair, "a"+pair, 10*bitrate.Mbps)); err != nil {
				l.Fatal(err)
			}
		}
		l.apart("with allocations")
		time.Sleep(2 * time.Second)
		l.net.MoveHost(l.net.Host("a20"), l.net.Switch(1), 40)
		time.Sleep(5 * time.Second) // until the new port is open
		l.net.Host("a20").Announce()
		l.until("a20 to be found where it has moved", func(s *topology.Snapshot) bool {
			h, _ := s.HostIn(l.net.Host("a20").MAC(), 20)
			return h.At == l.home("a20") && l.held(s)
		})
		for _, id := range []string{"10", "20"} {
			if err := l.Remove(l.Context(), id); err != nil {
				l.Fatal(err)
			}
		}
		l.apart("after it has moved")
		l.stop()
		l = l.again(Config{SavedNetwork: k})
		l.settled(3, 2)
		l.apart("after a restart")
	})
}

// parted has both hosts found.
func (l *lab) parted() {
	for range 6 {
		for _, name := range []string{"a10", "a20", "b10", "b20"} {
			l.net.Host(name).Announce()
		}
		time.Sleep(2 * time.Second)
	}
	l.until("both hosts to be known", func(s *topology.Snapshot) bool {
		mac := l.net.Host("a10").MAC()
		x, _ := s.HostIn(mac, 10)
		y, _ := s.HostIn(mac, 20)
		return x.At == l.home("a10") && y.At == l.home("a20") && l.held(s)
	})
}

// apart checks that frames of either VLAN get to where they belong, and are not
// flooded.
func (l *lab) apart(when string) {
	for _, pair := range []string{"10", "20"} {
		if got := l.send("b"+pair, "a"+pair, 200); got.Packets != 200 {
			l.Errorf("%s %d of 200 packets arrived in VLAN %s", when, got.Packets, pair)
		}
		if got := l.send("a"+pair, "b"+pair, 200); got.Packets != 200 {
			l.Errorf("%s %d of 200 packets came back in VLAN %s", when, got.Packets, pair)
		}
	}
	if foreign := l.net.Host("h1").Stats().Foreign.Packets; foreign > 40 {
		l.Errorf("%s %d frames of others got to a host", when, foreign)
	}
}
