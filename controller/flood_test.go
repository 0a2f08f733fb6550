package controller

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// One host announces addresses as fast as it can, in whatever way a switch
// takes for an announcement; the others find each other at the first try.
func TestAFloodOfAnnouncementsSilencesItsPortOnly(t *testing.T) {
	tagged := func(kind uint16, frame []byte) []byte {
		return slices.Concat(frame[:12], []byte{byte(kind >> 8), byte(kind), 0, 10}, frame[12:])
	}
	routed := func(frame []byte) []byte { frame[21] = 64; return frame }
	grouped := func(frame []byte) []byte { frame[6] |= 1; return frame }
	addressed := func(to openflow.MAC, frame []byte) []byte { copy(frame, to[:]); return frame }
	request := func(from *ofswitch.Host, i int) []byte {
		return ofswitch.ARPRequest(from.MAC(), from.Addr(), netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}))
	}
	for name, c := range map[string]struct {
		bare  bool
		frame func(from *ofswitch.Host, i int) []byte
	}{
		"with meters":          {false, request},
		"without meters":       {true, request},
		"to the controller":    {false, func(h *ofswitch.Host, i int) []byte { return addressed(topology.Asker, request(h, i)) }},
		"in a VLAN":            {false, func(h *ofswitch.Host, i int) []byte { return tagged(0x8100, request(h, i)) }},
		"in a provider's VLAN": {false, func(h *ofswitch.Host, i int) []byte { return tagged(0x88a8, request(h, i)) }},
		"from a group":         {false, func(h *ofswitch.Host, i int) []byte { return grouped(request(h, i)) }},
		"as if they were routed": {false, func(h *ofswitch.Host, i int) []byte {
			return routed(ofswitch.NeighborSolicit(h.MAC(), h.Addrs()[1], netip.AddrFrom16([16]byte{0xfd, 14: byte(i >> 8), 15: byte(i)})))
		}},
	} {
		build := func(cfg ofswitch.TopologyConfig) *ofswitch.Network {
			cfg.Switch.NoMeters = c.bare
			return hostsOn(21)(cfg)
		}
		inBubble(t, build, Config{}, func(l *lab) {
			l.settled(1, 0)
			flooder := l.net.Host("h1")
			flooder.Announce()
			ctx, stop := context.WithCancel(l.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				for i := 0; ctx.Err() == nil; i++ {
					for range 5 { // 5,000/s
						flooder.Send(c.frame(flooder, i))
					}
					time.Sleep(time.Millisecond)
				}
			}()
			time.Sleep(2 * time.Second)
			found := 0
			for i := 2; i <= 20; i++ {
				from, to := l.net.Hosts()[i], l.net.Hosts()[i-1]
				once, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
				if _, err := from.Ping(once, to.Addr()); err == nil {
					found++
				}
				cancel()
			}
			stop()
			<-done
			time.Sleep(100 * time.Millisecond) // until the snapshot shows it
			if found != 19 || l.Snapshot().Hosts.Len() != 21 {
				t.Errorf("%s: %d of 19 first pings, %d of 21 hosts known", name, found, l.Snapshot().Hosts.Len())
			}
			time.Sleep(time.Minute)
			if p, _ := l.Snapshot().Port(l.home("h1")); p.Storming {
				t.Errorf("%s: the port storms after a minute of silence", name)
			}
			l.until("every switch to hold what follows", func(s *topology.Snapshot) bool { return l.held(s) })
		})
	}
}

// What comes from a host that finds no room is carried all the same.
func TestACrowdedPortIsNotThrottled(t *testing.T) {
	inBubble(t, hostsOn(2), Config{Topology: topology.Config{MaxHosts: 4}}, func(l *lab) {
		l.settled(1, 0)
		l.pingAll()
		router, to := l.net.Host("h1"), l.net.Host("h2")
		for i := range 8 {
			mac := openflow.MAC{2, 9, 9, 9, 9, byte(i)}
			router.Send(ofswitch.ARPRequest(mac, netip.AddrFrom4([4]byte{10, 9, 0, byte(i)}), to.Addr()))
		}
		l.until("the port to be crowded", func(s *topology.Snapshot) bool {
			p, _ := s.Port(l.home("h1"))
			return p.Crowded && l.held(s)
		})
		before := to.Stats().Received.Packets
		src := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 9, 0, 7}), 9)
		for range 100 {
			for range 50 { // 5,000/s
				router.Send(ofswitch.Datagram{SrcMAC: openflow.MAC{2, 9, 9, 9, 9, 7}, DstMAC: to.MAC(), Src: src, Dst: netip.AddrPortFrom(to.Addr(), 9)}.UDP())
			}
			time.Sleep(10 * time.Millisecond)
		}
		if n := to.Stats().Received.Packets - before; n < 5000 {
			t.Errorf("%d of 5000 frames arrived", n)
		}
	})
}
