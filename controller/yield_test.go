package controller

import (
	"net/netip"
	"slices"
	"testing"

	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// In a switch with one table, which is full of hosts, allocations find room all
// the same, also after it has connected anew, and best effort still arrives.
func TestHostsGiveWayToCircuits(t *testing.T) {
	build := func(c ofswitch.TopologyConfig) *ofswitch.Network {
		c.Switch.Tables = 1
		return narrow(40)(c)
	}
	inBubble(t, build, Config{}, func(l *lab) {
		l.settled(2, 1)
		for _, name := range []string{"h1", "h2"} {
			l.net.Host(name).Announce()
		}
		l.until("both ends to be known", func(s *topology.Snapshot) bool {
			_, one := s.Locate(l.net.Host("h1").Addr())
			_, other := s.Locate(l.net.Host("h2").Addr())
			return one && other
		})
		for i := range byte(80) {
			addr := netip.AddrFrom4([4]byte{10, 3, 0, i + 1})
			l.net.Host("h2").Send(ofswitch.ARPRequest(openflow.MAC{2, 3, 0, 0, 0, i}, addr, addr))
		}
		l.until("tables to be full of hosts", func(s *topology.Snapshot) bool {
			return s.Hosts.Len() > 40 && len(l.net.Switch(1).Flows(openflow.TableAll)) == 40
		})
		list := many(l, 6)
		for i, c := range list {
			if err := l.install(c); err != nil {
				l.Fatalf("circuit %d finds no room beside hosts: %v", i, err)
			}
		}
		check := func(when string) {
			l.Helper()
			l.until(when+", that all are there", func(*topology.Snapshot) bool { in, _ := whole(l, list); return in == len(list) })
			l.pingAll()
		}
		check("at first")
		if !slices.ContainsFunc(l.net.Switch(1).Flows(openflow.TableAll), func(f openflow.FlowStats) bool { return f.Priority == 0 }) {
			l.Error("nothing floods any more")
		}
		l.net.Switch(1).Disconnect()
		l.settledTrunks(2, 1)
		check("after it has connected anew")
	})
}
