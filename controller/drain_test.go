package controller

import (
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// wentBy reports whether the last datagram from a host came through a switch.
func wentBy(from, to *ofswitch.Host, through openflow.DPID) bool {
	return slices.ContainsFunc(to.Got(from.Addr(), 9).Via, func(h ofswitch.Hop) bool { return h.DPID == through })
}

// Best effort leaves a switch, and a link, without losing a frame, and returns
// to it; while it is away the switch may be anything but alive. What has no
// other way stays.
func TestBestEffortLeaves(t *testing.T) {
	for _, whole := range []bool{true, false} {
		inBubble(t, ofswitch.Diamond, Config{}, func(l *lab) {
			l.settled(4, 4)
			l.pingAll()
			l.acquainted()
			hosts := l.net.Hosts()
			from, to := hosts[0], hosts[len(hosts)-1]
			p := l.circuit("way", 1, from.Name(), to.Name(), 0).Path
			through := openflow.DPID(0) // that best effort goes through
			l.send(from.Name(), to.Name(), 200)
			for _, d := range []openflow.DPID{2, 3} {
				if wentBy(from, to, d) {
					through = d
				}
			}
			if through == 0 || len(p) != 3 {
				t.Fatalf("best effort goes through neither, the path is %v", p)
			}
			drained := []path.Element{{Switch: through}}
			if !whole {
				for _, link := range l.Snapshot().Links {
					if link.ID.From.DPID == 1 && link.ID.To.DPID == through {
						drained[0] = path.Element{Cable: link.ID.Cable()}
					}
				}
			}
			to.ResetGot()
			from.ResetGot()
			var streams sync.WaitGroup
			const size, long = 500, 12 * time.Second
			tr := ofswitch.Traffic{Rate: 8 * size * 1000, Size: size, Duration: long}
			for _, pair := range [][2]*ofswitch.Host{{from, to}, {to, from}} {
				streams.Go(func() {
					if _, err := pair[0].SendUDP(l.Context(), netip.AddrPortFrom(pair[1].Addr(), 9), tr); err != nil {
						l.Error(err)
					}
				})
			}
			time.Sleep(time.Second) // of the bubble
			l.Drain(drained)
			time.Sleep(2 * time.Second)
			if wentBy(from, to, through) || whole && wentBy(to, from, through) {
				t.Error("best effort goes through it still")
			}
			link := l.net.LinkBetween(1, through)
			link.Cut()
			time.Sleep(2 * time.Second)
			link.Restore()
			l.until("the link", func(s *topology.Snapshot) bool { return len(s.Links) == 8 })
			time.Sleep(time.Second)
			l.Drain(nil)
			time.Sleep(2 * time.Second)
			streams.Wait()
			if err := l.net.Settle(l.Context()); err != nil {
				l.Error(err)
			}
			for _, pair := range [][2]*ofswitch.Host{{from, to}, {to, from}} {
				got := pair[1].Got(pair[0].Addr(), 9)
				if got.Packets != 12000 {
					t.Errorf("%s got %+v", pair[1].Name(), got)
				}
			}
		})
	}
}
