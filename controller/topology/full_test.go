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

// A network that is full keeps whom it knew early, and shares the rest of its
// room among the ports: those with most give way to those with fewer.
func TestFullNetworkIsShared(t *testing.T) {
	const most, large, small, flooded = 100, 40, 3, 10
	b := NewBuilder(Config{MaxLearned: most, MaxHosts: 60, HostSilence: time.Minute, Bindings: []Binding{{MAC: openflow.MAC{4}, At: at(1, 1)}}}, t0)
	up(b, 1, 20, t0)
	pass(b, 2*time.Second)
	if flood(b, at(1, 20), 0, small) != small || flood(b, at(1, 17), 0, large) != large || flood(b, at(1, 1), 0, 1000) != most-small-large {
		t.Error("there is room, and hosts are not learned")
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
		if n := b.behind[1][p].late(); n != most/2/flooded {
			t.Errorf("%d hosts that came late are learned at port %d of those that are flooded", n, p)
		}
	}
	// The one has more than its share, and silent for longer than what floods.
	if n, m := len(b.behind[1][17].hosts), len(b.behind[1][20].hosts); n != large || m != small {
		t.Errorf("%d and %d hosts are left where nothing is flooded", n, m)
	}
	if flood(b, at(1, 1), 9000, 1000) != 0 || b.Unlearned().Displaced != u.Displaced {
		t.Error("a port with its share takes from others")
	}
	if s := b.Snapshot(b.clock.wall); !s.Switches[1].Ports[1].Crowded || s.Switches[1].Ports[20].Crowded || s.Hosts.Len() != most+1 {
		t.Errorf("crowded ports: %+v", s.Switches[1].Ports)
	}
	if flood(b, at(1, 19), 0, 4) != 4 || flood(b, at(1, 20), small, 1) != 1 || b.learned() != most {
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

// A switch makes up thousands of ports with a host each, for longer than silent
// hosts are kept. The hosts that were known before and speak now and then stay,
// and others get their room once they are silent.
func TestFullNetworkOfPorts(t *testing.T) {
	const most, honest, made = 400, 150, 3000
	b := NewBuilder(Config{MaxLearned: most, HostSilence: time.Minute}, t0)
	up(b, 1, 2, t0)
	up(b, 2, made, t0)
	pass(b, 2*time.Second)
	speak := func() int { flood(b, at(1, 1), 0, honest); return len(b.behind[1][1].hosts) }
	speak()
	for minute := range 4 {
		for p := openflow.PortNo(1); p <= made; p++ {
			mac := openflow.MAC{2, 0xff, byte(minute), 0, byte(p >> 8), byte(p)}
			b.HostSeen(0, at(2, p), mac, nil, true, b.clock.wall)
		}
		if n := len(b.behind[1][1].hosts); n != honest || speak() != honest || b.learned() != most {
			t.Errorf("minute %d: %d of %d hosts are left, %d in all", minute, n, honest, b.learned())
		}
		if wrong := b.checkFullest(); wrong != "" {
			t.Error(wrong)
		}
		pass(b, 30*time.Second)
	}
	pass(b, time.Minute)
	if flood(b, at(1, 2), 0, honest) != honest || b.behind[1][1] != nil {
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
	n, hosts, early := 0, 0, 0
	for _, ports := range b.behind {
		for _, c := range ports {
			n, hosts, early = n+1, hosts+len(c.hosts), early+c.early
			if b.fullest[c.index] != c || c.late() > b.fullest[0].late() {
				return "a port is in the wrong position"
			}
		}
	}
	if n != len(b.fullest) || hosts != len(b.hosts) || early != b.early || b.learned() > b.cfg.MaxLearned {
		return "ports or hosts are counted wrongly, or more are learned than may be"
	}
	return ""
}
