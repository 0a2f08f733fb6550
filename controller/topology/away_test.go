package topology

import (
	"net/netip"
	"testing"
	"time"

	"conga/openflow"
)

// stranger has a made-up switch connect, tell of a host behind it, and go.
func stranger(b *Builder, d openflow.DPID) {
	up(b, d, 1, b.clock.wall)
	pass(b, 2*time.Second)
	mac := openflow.MAC{2, 0, byte(d >> 16), byte(d >> 8), byte(d), 1}
	b.HostSeen(0, at(d, 1), mac, []netip.Addr{netip.AddrFrom4([4]byte{11, byte(d >> 16), byte(d >> 8), byte(d)})}, true, b.clock.wall)
	b.SwitchDown(d, b.clock.wall)
}

// However many made-up switches come and go, of so many is remembered what was
// behind them, also over restarts; those with links, with bound hosts, and
// those that are here stay.
func TestStrangersAreForgotten(t *testing.T) {
	bound := openflow.MAC{2, 9}
	cfg := Config{MaxAway: 20, Bindings: []Binding{{MAC: bound, At: at(2, 3)}}}
	b := ring(cfg)
	up(b, 5, 2, b.clock.wall)
	up(b, 6, 2, b.clock.wall)
	plug(b, at(5, 1), at(6, 1), b.clock.wall)
	for _, d := range []openflow.DPID{2, 5, 6} {
		b.SwitchDown(d, b.clock.wall)
	}
	saved := map[HostID]Host{}
	keep := func() {
		c := b.Save()
		for _, h := range c.Hosts {
			saved[h.ID()] = h
		}
		for _, id := range c.GoneHosts {
			delete(saved, id)
		}
	}
	for restarts := range 3 {
		for i := range openflow.DPID(100) {
			stranger(b, 1000*openflow.DPID(restarts+1)+i)
			if s := b.Snapshot(b.clock.wall); len(s.Switches) > 6+20 || len(b.behind) > 6+20 || s.Hosts.Len() > 1+20+2 {
				t.Fatalf("%d switches and %d hosts are remembered", len(s.Switches), s.Hosts.Len())
			}
			keep()
		}
		if len(saved) > 1+20+2 || len(b.past) > 6*3+20 {
			t.Errorf("%d hosts are saved, and %d ports of before are kept", len(saved), len(b.past))
		}
		last := b.Saved()
		if len(last.Links) != 4+2 { // without probes those between switches that are here are lost
			t.Errorf("%d links are left, want those of the three switches that are away", len(last.Links))
		}
		if _, ok := b.boundTo(bound); !ok || b.hosts[HostID{MAC: bound}] == nil {
			t.Error("a bound host was forgotten")
		}
		if restarts == 0 && len(b.Snapshot(b.clock.wall).Switches) < 6 {
			t.Error("a switch that is here, or has links, was forgotten")
		}
		b = NewBuilder(cfg, b.clock.wall)
		b.Recall(last, b.clock.wall)
	}
}
