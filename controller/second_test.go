package controller

import (
	"net/netip"
	"testing"
	"time"

	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// A host that uses two network cards at a time loses nothing by the second once
// that is known, and what it sends there is not the controller's business any
// more. When the first goes down the host is at the second.
func TestAHostWithTwoCards(t *testing.T) {
	mac, addr := openflow.MAC{2, 9, 0, 0, 0, 1}, netip.MustParseAddr("10.9.0.1")
	build := func(c ofswitch.TopologyConfig) *ofswitch.Network {
		n := ofswitch.Linear(3, c)
		n.AddHost("first", mac, []netip.Addr{addr}, n.Switch(1), 30)
		n.AddHost("second", mac, nil, n.Switch(2), 31).Handle(func(ofswitch.Received) bool { return true })
		return n
	}
	inBubble(t, build, Config{}, func(l *lab) {
		l.settled(3, 2)
		first, second, to := l.net.Host("first"), l.net.Host("second"), l.net.Host("h3")
		to.Announce()
		first.Announce()
		time.Sleep(2 * time.Second)
		frame := ofswitch.Datagram{
			SrcMAC: mac, DstMAC: to.MAC(), Src: netip.AddrPortFrom(addr, 9), Dst: netip.AddrPortFrom(to.Addr(), 9),
		}.UDP()
		sent := func(n int, every time.Duration) uint64 {
			to.ResetGot()
			for range n {
				second.Send(frame)
				time.Sleep(every)
			}
			time.Sleep(time.Second)
			return to.Got(addr, 9).Packets
		}
		if n := sent(500, 10*time.Millisecond); n != 500 {
			t.Errorf("%d of 500 frames arrived at first", n)
		}
		if h, _ := l.Snapshot().HostIn(mac, 0); h.At != l.home("first") || h.Second != l.home("second") {
			t.Errorf("at %v, second port %v", h.At, h.Second)
		}
		l.until("every switch to hold what follows", l.held)
		before := l.net.Switch(2).Counters().PacketIns
		if n := sent(5000, 100*time.Microsecond); n != 5000 {
			t.Errorf("%d of 5000 frames arrived", n)
		}
		if n := l.net.Switch(2).Counters().PacketIns - before; n > 50 {
			t.Errorf("%d packet-ins", n)
		}
		first.Link().Cut()
		l.until("the host to be at its second port", func(s *topology.Snapshot) bool {
			at, _ := s.Locate(addr)
			return at == l.home("second") && l.held(s)
		})
	})
}
