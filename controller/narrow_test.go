package controller

import (
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// cramped builds a ring of three switches with a host each, of which the second
// has room for so many entries in all.
func cramped(most int) func(ofswitch.TopologyConfig) *ofswitch.Network {
	return func(c ofswitch.TopologyConfig) *ofswitch.Network {
		n := ofswitch.NewNetwork(ofswitch.NetworkConfig{})
		for d := openflow.DPID(1); d <= 3; d++ {
			cfg := c.Switch
			if cfg.DPID = d; d == 2 {
				cfg.Habits.MostEntries = most
			}
			mac, addrs := ofswitch.HostAddrs(int(d))
			n.AddHost([]string{"h1", "h2", "h3"}[d-1], mac, addrs, n.AddSwitch(cfg), 1)
		}
		for _, ends := range [][2]openflow.DPID{{1, 2}, {2, 3}, {3, 1}} {
			n.Link(n.Switch(ends[0]), 2, n.Switch(ends[1]), 3, c.Trunk)
		}
		return n
	}
}

// A switch that has room for next to nothing, down to a single entry, does
// others no harm: what does not cross it is carried, nothing goes round, and it
// says why, once.
func TestRoomForNextToNothing(t *testing.T) {
	for _, most := range []int{1, 3, 7, 12} {
		var log warnings
		inBubble(t, cramped(most), Config{Log: slog.New(&log)}, func(l *lab) { besideTheCramped(l, most, &log) })
	}
}

func besideTheCramped(l *lab, most int, log *warnings) {
	l.until("the others to be linked", func(s *topology.Snapshot) bool {
		_, there := s.Links[portAt(3, 2)]
		_, back := s.Links[portAt(1, 3)]
		return there && back
	})
	time.Sleep(15 * time.Second)
	for range 3 {
		l.ping("h1", "h3")
		l.ping("h3", "h1")
		l.shout("h1")
		l.net.Host("h2").Send(ofswitch.ARPRequest(l.net.Host("h2").MAC(), l.net.Host("h2").Addr(), netip.MustParseAddr("10.0.9.9")))
	}
	c := l.circuit("a", 7, "h1", "h3", 40*bitrate.Mbps)
	if err := l.install(c); err != nil {
		l.Errorf("room for %d: no allocation beside it: %v", most, err)
	}
	if got := l.send("h1", "h3", 100); got.Packets != 100 {
		l.Errorf("room for %d: %d of 100 packets of the allocation arrived", most, got.Packets)
	}
	if s := l.net.Stats(); s.HopLimit+s.Overflow != 0 {
		l.Errorf("room for %d: frames went round: %+v", most, s)
	}
	mods := l.net.Switch(2).Counters().FlowMods
	time.Sleep(2 * time.Minute)
	if n := l.net.Switch(2).Counters().FlowMods - mods; n > 12*100 { // a round an audit
		l.Errorf("room for %d: %d changes are tried in two minutes", most, n)
	}
	if says := strings.Join(l.Snapshot().Switches[2].Limitations, " "); !strings.Contains(says, "full") {
		l.Errorf("room for %d: it says %q", most, says)
	}
	if n := log.count("switch has refused a change"); n == 0 || n > 20 {
		l.Errorf("room for %d: the log says %d times that something was refused", most, n)
	}
	if n := len(l.net.Switch(2).Flows(openflow.TableAll)); n > most {
		l.Errorf("it holds %d entries", n)
	}
}
