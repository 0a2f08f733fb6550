package topology

import (
	"maps"
	"net/netip"
	"testing"
	"time"

	"conga/bitrate"
	"conga/openflow"
)

var t0 = time.Unix(1_800_000_000, 0)

func at(d openflow.DPID, p openflow.PortNo) PortID { return PortID{DPID: d, Port: p} }

func ports(n int) (out []openflow.Port) {
	for i := range n {
		no := openflow.PortNo(i + 1)
		out = append(out, openflow.Port{No: no, Name: "p", HWAddr: openflow.MAC{2, 0, 0, 0, 0, byte(no)}})
	}
	return out
}

func up(b *Builder, d openflow.DPID, n int, now time.Time) {
	b.SwitchUp(Switch{DPID: d, Tables: 254, Meters: 100}, ports(n), now)
	b.SwitchReady(d, now)
}

func plug(b *Builder, x, y PortID, now time.Time) {
	b.LinkSeen(x, y, now)
	b.LinkSeen(y, x, now)
}

// pass lets time pass as the controller does: it sends probes, which have no
// answer, and calls Expire again and again.
func pass(b *Builder, d time.Duration) {
	const tick = 100 * time.Millisecond
	now := b.clock.wall
	for end := now.Add(d); now.Before(end); {
		if now = now.Add(tick); now.After(end) {
			now = end
		}
		for dpid, sw := range b.switches {
			for no := range sw.ports {
				b.Probed(PortID{DPID: dpid, Port: no}, now)
			}
		}
		b.Expire(now)
	}
}

func hostOf(s *Snapshot, mac openflow.MAC) Host {
	h, _ := s.HostIn(mac, 0)
	return h
}

// ring returns four switches in a ring on ports 1 and 2, with a host port each
// on 3.
func ring(cfg Config) *Builder {
	b := NewBuilder(cfg, t0)
	for d := openflow.DPID(1); d <= 4; d++ {
		up(b, d, 3, t0)
	}
	for d := openflow.DPID(1); d <= 4; d++ {
		plug(b, at(d, 2), at(d%4+1, 1), t0)
	}
	pass(b, 2*time.Second)
	return b
}

func TestPortsAreUndeterminedUntilProbed(t *testing.T) {
	b := NewBuilder(Config{}, t0)
	b.SwitchUp(Switch{DPID: 1}, ports(1), t0)
	pass(b, time.Hour)
	if r := b.Snapshot(t0).Switches[1].Ports[1].Role; r != Undetermined {
		t.Errorf("before the switch holds its entries the port is %v", r)
	}
	ready := t0.Add(time.Hour)
	b.SwitchReady(1, ready)
	pass(b, 900*time.Millisecond)
	if r := b.Snapshot(t0).Switches[1].Ports[1].Role; r != Undetermined {
		t.Errorf("before the probe time is over the port is %v", r)
	}
	pass(b, 100*time.Millisecond)
	if r := b.Snapshot(t0).Switches[1].Ports[1].Role; r != Edge {
		t.Errorf("after the probe time the port is %v", r)
	}
}

func TestLinksNeedBothDirections(t *testing.T) {
	b := NewBuilder(Config{}, t0)
	up(b, 1, 1, t0)
	up(b, 2, 1, t0)
	b.LinkSeen(at(1, 1), at(2, 1), t0)
	s := b.Snapshot(t0)
	if len(s.Links) != 0 {
		t.Errorf("a link seen one way is used: %v", s.Links)
	}
	if s.Switches[1].Ports[1].Role != Trunk || s.Switches[2].Ports[1].Role != Trunk {
		t.Error("a port behind which a probe was seen is still taken for an edge")
	}
	b.LinkSeen(at(2, 1), at(1, 1), t0)
	if s := b.Snapshot(t0); len(s.Links) != 2 || len(s.Tree) != 2 {
		t.Errorf("links %v, tree %v; want one cable", s.Links, s.Tree)
	}
}

// A probe that waited while its link went, or moved, brings no link back.
func TestLateProbesMakeNoLink(t *testing.T) {
	b := NewBuilder(Config{}, t0)
	up(b, 1, 2, t0)
	up(b, 2, 2, t0)
	if b.LinkHeard(at(1, 1), at(2, 1), t0) {
		t.Error("a link that is not known is heard of")
	}
	plug(b, at(1, 1), at(2, 1), t0)
	if !b.LinkHeard(at(1, 1), at(2, 1), t0) || !b.LinkHeard(at(2, 1), at(1, 1), t0) {
		t.Error("a link that is known is not heard of")
	}
	plug(b, at(1, 1), at(2, 2), t0)
	if b.LinkHeard(at(1, 1), at(2, 1), t0) || !b.LinkHeard(at(1, 1), at(2, 2), t0) {
		t.Error("the link is heard of where it was")
	}
	b.cut(at(1, 1))
	if b.LinkHeard(at(1, 1), at(2, 2), t0) || len(b.Snapshot(t0).Links) != 0 {
		t.Error("the link that was cut is back")
	}
}

func TestTreeOfRingLeavesOneCableOut(t *testing.T) {
	b := ring(Config{})
	s := b.Snapshot(t0)
	if len(s.Links) != 8 || len(s.Tree) != 6 {
		t.Fatalf("%d links and %d tree ports; want 8 and 6", len(s.Links), len(s.Tree))
	}
	before := maps.Clone(s.Tree)

	var cut LinkID
	for from := range s.Tree {
		cut = s.Links[from].ID
		break
	}
	down := openflow.Port{No: cut.From.Port, State: openflow.PortStateLinkDown}
	b.PortChanged(cut.From.DPID, openflow.PortModified, down, t0)
	s = b.Snapshot(t0)
	if len(s.Links) != 6 || len(s.Tree) != 6 || s.Tree[cut.From] {
		t.Fatalf("after a cut: %d links and %d tree ports; want 6 and 6", len(s.Links), len(s.Tree))
	}
	during := maps.Clone(s.Tree)

	b.PortChanged(cut.From.DPID, openflow.PortModified, openflow.Port{No: cut.From.Port}, t0)
	plug(b, cut.From, cut.To, t0)
	s = b.Snapshot(t0)
	if len(s.Links) != 8 || !maps.Equal(s.Tree, during) {
		t.Errorf("the tree moved when the link came back: before the cut %v, then %v, now %v", before, during, s.Tree)
	}
}

func TestTrunkStaysTrunkWhileItsNeighbourIsAway(t *testing.T) {
	b := ring(Config{})
	b.SwitchDown(2, b.clock.wall)
	pass(b, 100*time.Millisecond)
	if _, ok := b.Snapshot(t0).Links[at(1, 2)]; !ok {
		t.Error("a lost channel took the links of its switch along at once")
	}
	pass(b, 3*time.Second)
	later := b.clock.wall
	s := b.Snapshot(later)
	if p, _ := s.Port(at(1, 2)); p.Role != Trunk {
		t.Errorf("the port towards a silent switch is %v; flooding there could close the ring", p.Role)
	}
	if _, ok := s.Links[at(1, 2)]; ok {
		t.Error("the link to a switch that is away for long is used")
	}
	up(b, 2, 3, later)
	if s := b.Snapshot(later); len(s.Links) != 8 {
		t.Errorf("%d links right after the switch returned; want 8", len(s.Links))
	}
}

func TestSilentLinkIsDoubted(t *testing.T) {
	b := ring(Config{})
	pass(b, 5*time.Second)
	later := b.clock.wall
	for d := openflow.DPID(2); d <= 4; d++ { // all but the cable 1-2
		plug(b, at(d, 2), at(d%4+1, 1), later)
	}
	pass(b, 6*time.Second)
	if s := b.Snapshot(later); len(s.Links) != 6 {
		t.Fatalf("%d links; want 6", len(s.Links))
	}
	pass(b, 15*time.Second)
	if p, _ := b.Snapshot(later).Port(at(1, 2)); p.Role != Undetermined {
		t.Errorf("a port whose probes may just have drowned is %v", p.Role)
	}
	pass(b, 6*time.Minute)
	if p, _ := b.Snapshot(later).Port(at(1, 2)); p.Role != Edge {
		t.Errorf("a port that stayed silent is %v", p.Role)
	}
}

func TestMovedCableReplacesOldLink(t *testing.T) {
	b := NewBuilder(Config{}, t0)
	for d := openflow.DPID(1); d <= 3; d++ {
		up(b, d, 1, t0)
	}
	plug(b, at(1, 1), at(2, 1), t0)
	plug(b, at(1, 1), at(3, 1), t0)
	s := b.Snapshot(t0)
	if len(s.Links) != 2 || s.Links[at(1, 1)].ID.To != at(3, 1) {
		t.Errorf("links after the cable moved: %v", s.Links)
	}
}

func TestHosts(t *testing.T) {
	b := ring(Config{MaxHosts: 2})
	mac := openflow.MAC{0, 1, 2, 3, 4, 5}
	ip, ip6 := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::1")
	if b.HostSeen(0, at(1, 1), mac, nil, true, t0) {
		t.Error("a host was learned on a trunk")
	}
	if !b.HostSeen(0, at(1, 3), mac, []netip.Addr{ip}, true, t0) || b.HostSeen(0, at(1, 3), mac, []netip.Addr{ip}, true, t0) {
		t.Error("a host is news the first time, and only then")
	}
	if !b.HostSeen(0, at(1, 3), mac, []netip.Addr{ip6}, true, t0) {
		t.Error("another address is no news")
	}
	s := b.Snapshot(t0)
	if p, ok := s.Locate(netip.MustParseAddr("::ffff:10.0.0.1")); !ok || p != at(1, 3) {
		t.Errorf("located at %v, %v", p, ok)
	}
	if b.HostSeen(0, at(2, 3), mac, nil, true, t0) {
		t.Error("a host that has just come moves on at once")
	}
	later := t0.Add(time.Second)
	if b.HostSeen(0, at(2, 3), mac, nil, true, later) {
		t.Error("a host has moved before it was asked where it was")
	}
	ask(b, 500*time.Millisecond, nil)
	if p, _ := b.Snapshot(t0).Locate(ip6); p != at(2, 3) {
		t.Errorf("after the move located at %v", p)
	}
	if p, _ := s.Locate(ip6); p != at(1, 3) {
		t.Error("an old snapshot has changed")
	}
	other := openflow.MAC{0, 1, 2, 3, 4, 6}
	later = later.Add(time.Minute)
	b.HostSeen(0, at(4, 3), other, []netip.Addr{ip}, false, later)
	if p, _ := b.Snapshot(t0).Locate(ip); p != at(2, 3) {
		t.Error("the source of a packet was enough to take an address")
	}
	b.HostSeen(0, at(4, 3), other, []netip.Addr{ip}, true, later)
	ask(b, 500*time.Millisecond, nil)
	s = b.Snapshot(t0)
	if p, _ := s.Locate(ip); p != at(4, 3) || len(hostOf(s, mac).Addrs) != 1 {
		t.Errorf("the address is at %v and its old owner has %v", p, hostOf(s, mac).Addrs)
	}
	b.HostSeen(0, at(4, 3), openflow.MAC{0, 1, 2, 3, 4, 7}, nil, true, later)
	if b.HostSeen(0, at(4, 3), openflow.MAC{0, 1, 2, 3, 4, 8}, nil, true, later) || b.HostSeen(0, at(4, 3), mac, nil, true, later) {
		t.Error("a port has more hosts than it may")
	}
	if !b.HostSeen(0, at(4, 3), openflow.MAC{0, 1, 2, 3, 4, 8}, nil, true, later.Add(time.Hour)) {
		t.Error("a host that has been silent for an hour keeps others out")
	}
}

func TestLocateBelievesTheOperatorFirst(t *testing.T) {
	host, wide := netip.MustParsePrefix("10.0.0.9/32"), netip.MustParsePrefix("10.0.0.0/8")
	b := ring(Config{Attachments: []Attachment{{Prefix: wide, At: at(3, 3)}, {Prefix: netip.MustParsePrefix("10.0.0.0/24"), At: at(2, 3)}, {Prefix: host, At: at(4, 3)}}})
	b.HostSeen(0, at(1, 3), openflow.MAC{0, 1}, []netip.Addr{netip.MustParseAddr("10.0.0.1"), host.Addr(), netip.MustParseAddr("192.0.2.7")}, true, t0)
	s := b.Snapshot(t0)
	for addr, want := range map[string]PortID{
		"10.0.0.9":  at(4, 3), // configured for the host itself
		"10.0.0.1":  at(2, 3), // configured, though seen elsewhere
		"10.9.9.9":  at(3, 3), // a shorter prefix
		"192.0.2.7": at(1, 3), // seen
	} {
		if got, ok := s.Locate(netip.MustParseAddr(addr)); !ok || got != want {
			t.Errorf("%s located at %v, %v; want %v", addr, got, ok, want)
		}
	}
	if _, ok := s.Locate(netip.MustParseAddr("192.0.2.1")); ok {
		t.Error("an address that nothing explains is located")
	}
}

func TestCapacities(t *testing.T) {
	b := NewBuilder(Config{DefaultCapacity: bitrate.Gbps, Links: []LinkOverride{{A: at(1, 2), B: at(2, 1), Capacity: 100 * bitrate.Mbps, Metric: 7}}}, t0)
	real := openflow.Port{No: 1, CurrSpeed: 40_000_000, Supported: openflow.PortFeature40GFull}
	veth := openflow.Port{No: 3, CurrSpeed: 10_000_000, Curr: openflow.PortFeature10GFull | openflow.PortFeatureCopper}
	b.SwitchUp(Switch{DPID: 1}, []openflow.Port{real, {No: 2}, veth, {No: openflow.PortLocal}, {No: openflow.PortFlood}}, t0)
	up(b, 2, 1, t0)
	plug(b, at(1, 2), at(2, 1), t0)
	s := b.Snapshot(t0)
	for no, want := range map[openflow.PortNo]bitrate.Rate{1: 40 * bitrate.Gbps, 2: 100 * bitrate.Mbps, 3: bitrate.Gbps} {
		if got := s.Switches[1].Ports[no].Capacity; got != want {
			t.Errorf("port %d has %v; want %v", no, got, want)
		}
	}
	if len(s.Switches[1].Ports) != 4 {
		t.Error("a reserved port but LOCAL is taken for a port of the network, or LOCAL is not")
	}
	for _, from := range []PortID{at(1, 2), at(2, 1)} {
		if l := s.Links[from]; l.Capacity != 100*bitrate.Mbps || l.Metric != 7 {
			t.Errorf("link %v has capacity %v and metric %d", l.ID, l.Capacity, l.Metric)
		}
	}
}

func TestPortThatHearsItselfIsClosed(t *testing.T) {
	b := ring(Config{})
	b.LinkSeen(at(1, 3), at(1, 3), t0)
	if p, _ := b.Snapshot(t0).Port(at(1, 3)); p.Role != Undetermined {
		t.Errorf("a port that hears its own probes is %v", p.Role)
	}
}

func TestSwitchWithoutTracesIsForgotten(t *testing.T) {
	b := ring(Config{})
	for d := openflow.DPID(100); d < 200; d++ {
		up(b, d, 4, t0)
		b.SwitchDown(d, t0)
	}
	if s := b.Snapshot(t0); len(s.Switches) != 4 {
		t.Errorf("%d switches are kept", len(s.Switches))
	}
}

func TestControllerOutOfSightIsNotTheSwitchesFault(t *testing.T) {
	b := ring(Config{})
	for d := openflow.DPID(1); d <= 4; d++ {
		b.SwitchDown(d, t0)
	}
	pass(b, time.Minute)
	later := b.clock.wall
	up(b, 1, 3, later)
	pass(b, 5*time.Second)
	if s := b.Snapshot(later); len(s.Links) != 8 {
		t.Errorf("%d links count when the first switch is back; want all 8", len(s.Links))
	}
	pass(b, 15*time.Second)
	if s := b.Snapshot(later); len(s.Links) != 0 {
		t.Errorf("%d links to switches that did not come back count", len(s.Links))
	}
}
