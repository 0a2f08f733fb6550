package topology

import (
	"net/netip"
	"testing"
	"time"

	"conga/openflow"
)

// flood has so many hosts that were never heard before speak at a port, each
// with an address, and returns how many were learned.
func flood(b *Builder, p PortID, first, n int) (learned int) {
	for i := first; i < first+n; i++ {
		mac := openflow.MAC{2, byte(p.Port), byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}
		if b.HostSeen(0, p, mac, []netip.Addr{netip.AddrFrom4([4]byte{byte(10 + p.Port), byte(i >> 16), byte(i >> 8), byte(i)})}, true, b.clock.wall) {
			learned++
		}
	}
	return learned
}

// A network that is full shares its room among the ports: those with most give
// way to those with fewer, and a flood on some takes nothing from the others.
func TestFullNetworkIsShared(t *testing.T) {
	const most, honest, flooded = 100, 3, 10
	b := NewBuilder(Config{MaxLearned: most, MaxHosts: 60, HostSilence: time.Minute, Bindings: []Binding{{MAC: openflow.MAC{4}, At: at(1, 1)}}}, t0)
	up(b, 1, 20, t0)
	pass(b, 2*time.Second)
	if flood(b, at(1, 20), 0, honest) != honest || flood(b, at(1, 1), 0, 1000) != 59 {
		t.Error("there is room, and hosts are not learned") // one of the 60 is bound
	}
	for round := range 3 {
		for p := openflow.PortNo(1); p <= flooded; p++ {
			flood(b, at(1, p), 1000*round, 1000)
		}
	}
	u := b.Unlearned()
	if b.learned() != most || len(b.byAddr) != most || u.Network == 0 || u.Displaced == 0 {
		t.Errorf("%d hosts, %d addresses are learned: %+v", b.learned(), len(b.byAddr), u)
	}
	for p := openflow.PortNo(1); p <= flooded; p++ {
		if n := b.behind[1][p].learned(); n < (most-honest)/flooded || n > (most-honest)/flooded+1 {
			t.Errorf("%d hosts are learned at port %d of those that are flooded", n, p)
		}
	}
	if n := b.behind[1][20].learned(); n != honest {
		t.Errorf("%d hosts are left where nothing is flooded", n)
	}
	if flood(b, at(1, 1), 9000, 1000) != 0 || b.Unlearned().Displaced != u.Displaced {
		t.Error("a port with its share takes from others")
	}
	if s := b.Snapshot(b.clock.wall); !s.Switches[1].Ports[1].Crowded || s.Switches[1].Ports[20].Crowded || s.Hosts.Len() != most+1 {
		t.Errorf("crowded ports: %+v", s.Switches[1].Ports)
	}
	if flood(b, at(1, 19), 0, 5) != 5 || flood(b, at(1, 20), honest, 1) != 1 || b.learned() != most {
		t.Error("no room is made for the hosts of ports that have fewer")
	}
	if _, there := b.hosts[HostID{MAC: openflow.MAC{4}}]; !there {
		t.Error("a host that the configuration binds has made room")
	}
	// Hosts move within a full network, and what is silent gives way.
	mac := openflow.MAC{2, 20}
	pass(b, 2*time.Second)
	b.HostSeen(0, at(1, 18), mac, nil, true, b.clock.wall)
	ask(b, time.Second, nil)
	if h := b.hosts[HostID{MAC: mac}]; h == nil || h.At != at(1, 18) || b.learned() != most {
		t.Errorf("a host cannot move: %+v", h)
	}
	pass(b, time.Minute)
	if flood(b, at(1, 1), 20000, 5) != 5 || b.learned() > most {
		t.Error("hosts that are silent keep others out")
	}
}

// Addresses have a bound over all hosts, beyond what each may have.
func TestFullNetworkOfAddresses(t *testing.T) {
	b := NewBuilder(Config{MaxLearned: 10, HostSilence: time.Minute}, t0)
	up(b, 1, 20, t0)
	pass(b, 2*time.Second)
	speak := func(host byte) (learned int) {
		for i := range 200 {
			if b.HostSeen(0, at(1, 1), openflow.MAC{2, host}, []netip.Addr{netip.AddrFrom4([4]byte{10, 0, host, byte(i)})}, true, b.clock.wall) {
				learned++
			}
		}
		return learned
	}
	if n := speak(0); n != fewAddrs/2*10 {
		t.Errorf("a host alone has %d addresses", n)
	}
	for host := byte(1); host < 10; host++ {
		if n := speak(host); n != fewAddrs {
			t.Errorf("a host has %d addresses when most are taken", n)
		}
	}
}

// What an earlier run saved is not taken in beyond the bound.
func TestFullNetworkIsRecalled(t *testing.T) {
	b := ring(Config{})
	flood(b, at(1, 3), 0, 5)
	saved := b.Saved()
	again := NewBuilder(Config{MaxLearned: 3}, t0)
	again.Recall(saved, t0)
	if again.learned() != 3 {
		t.Errorf("%d hosts are recalled", again.learned())
	}
}

// checkFullest reports what is wrong with the order of ports by hosts.
func (b *Builder) checkFullest() string {
	n, hosts := 0, 0
	for _, ports := range b.behind {
		for _, c := range ports {
			n, hosts = n+1, hosts+len(c.hosts)
			if b.fullest[c.index] != c || c.learned() > b.fullest[0].learned() {
				return "a port is in the wrong position"
			}
		}
	}
	if n != len(b.fullest) || hosts != len(b.hosts) || b.learned() > b.cfg.MaxLearned {
		return "ports or hosts are counted wrongly, or more are learned than may be"
	}
	return ""
}
