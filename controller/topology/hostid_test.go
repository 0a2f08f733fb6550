package topology

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"conga/openflow"
)

// double returns a network with a host at (1, 3) in VLAN 10 whose Ethernet
// address another one at (3, 3) has in VLAN 20.
func double(t *testing.T, addrs bool) (b *Builder, first, second HostID) {
	t.Helper()
	b = ring(Config{})
	own := func(a byte) (list []netip.Addr) {
		if addrs {
			list = append(list, netip.AddrFrom4([4]byte{10, 0, 0, a}))
		}
		return list
	}
	b.HostSeen(10, at(1, 3), victim, own(1), true, t0)
	for i := range 3 {
		now := t0.Add(time.Duration(5+3*i) * time.Second)
		b.HostSeen(20, at(3, 3), victim, own(2), true, now)
		ask(b, 2*time.Second, func(q Query) bool { return q.VLAN == 10 && q.At == at(1, 3) || q.VLAN == 20 && q.At == at(3, 3) })
		b.HostSeen(10, at(1, 3), victim, own(1), true, now.Add(2*time.Second))
	}
	return b, HostID{MAC: victim}, InVLAN(victim, 20)
}

// Of an Ethernet address that lives in two VLANs at two ports each host is
// known where it is, in a restart as well.
func TestTwoHostsOfOneAddress(t *testing.T) {
	b, first, second := double(t, true)
	again := NewBuilder(Config{}, t0)
	again.Recall(b.Saved(), t0)
	for name, b := range map[string]*Builder{"at first": b, "recalled": again} {
		one, other := b.hosts[first], b.hosts[second]
		if one == nil || other == nil {
			t.Fatalf("%s: hosts %v", name, b.hosts)
		}
		if one.At != at(1, 3) || other.At != at(3, 3) || other.Beside != at(1, 3) || other.VLAN != 20 {
			t.Errorf("%s: at %v and %v beside %v", name, one.At, other.At, other.Beside)
		}
		if !slices.Equal(one.Addrs, []netip.Addr{wanted}) || len(other.Addrs) != 1 {
			t.Errorf("%s: addresses %v and %v", name, one.Addrs, other.Addrs)
		}
	}
	parted := slices.ContainsFunc(b.Verdicts(), func(v Verdict) bool { return v.Outcome == Parted && v.By == second && v.From == at(3, 3) })
	var all []HostID
	for id := range b.Snapshot(t0).Hosts.All() {
		all = append(all, id)
	}
	slices.SortFunc(all, CompareHosts)
	if found, ok := HostsWith(all, victim.String()); !parted || !ok || len(found) != 2 {
		t.Errorf("found %v; said so: %v", found, parted)
	}
	if h, _ := b.last.HostIn(victim, 0); h.ID() != first {
		t.Errorf("without a tag the address is %v's", h.ID())
	}
}

// Hosts whose addresses are not known cannot be asked: the first frame from the
// old port tells that there are two.
func TestTwoHostsWithoutAddresses(t *testing.T) {
	b, first, _ := double(t, false)
	if len(b.hosts) != 2 || b.hosts[first].At == b.parted[victim][0].At {
		t.Errorf("hosts %v", b.hosts)
	}
	if moves := b.hosts[first].moves; moves > 2 {
		t.Errorf("%d moves", moves)
	}
}

// The two move apart from each other, and either may go.
func TestTwoHostsMove(t *testing.T) {
	b, first, second := double(t, true)
	now := func() time.Time { return b.clock.wall }
	ask(b, time.Minute, nil)
	b.HostSeen(20, at(2, 3), victim, nil, false, now())
	ask(b, 2*time.Second, nil) // it does not answer where it was
	if one, other := b.hosts[first], b.hosts[second]; one.At != at(1, 3) || other.At != at(2, 3) {
		t.Fatalf("at %v and %v after the second has moved", one.At, other.At)
	}
	ask(b, time.Minute, nil)
	b.HostSeen(10, at(3, 3), victim, nil, false, now())
	ask(b, 2*time.Second, nil)
	if one, other := b.hosts[first], b.hosts[second]; one.At != at(3, 3) || other.At != at(2, 3) || other.Beside != at(3, 3) {
		t.Fatalf("at %v and %v beside %v after the first has moved", one.At, other.At, other.Beside)
	}
	b.dropHosts(at(3, 3))
	if other := b.hosts[second]; b.hosts[first] != nil || other.Beside != External {
		t.Errorf("beside %v", other.Beside)
	}
	b.HostSeen(10, at(1, 3), victim, nil, false, now())
	if other := b.hosts[second]; other.Beside != at(1, 3) {
		t.Errorf("beside %v once the first is back", other.Beside)
	}
	b.dropHosts(at(2, 3))
	if len(b.parted) != 0 || len(b.hosts) != 1 {
		t.Errorf("left %v %v", b.parted, b.hosts)
	}
}

// A host that is in several VLANs behind one port is one host, and so is one
// that the configuration binds.
func TestOneHostInTwoVLANs(t *testing.T) {
	b := ring(Config{})
	b.HostSeen(10, at(1, 3), victim, []netip.Addr{wanted}, true, t0)
	b.HostSeen(20, at(1, 3), victim, []netip.Addr{netip.MustParseAddr("10.0.1.1")}, true, t0)
	b.HostSeen(20, at(3, 3), victim, []netip.Addr{wanted}, true, t0.Add(5*time.Second))
	ask(b, 2*time.Second, answers)
	if len(b.hosts) != 1 || b.hosts[HostID{MAC: victim}].At != at(1, 3) {
		t.Errorf("hosts %v", b.hosts)
	}
	b = ring(Config{Bindings: []Binding{{MAC: victim, At: at(1, 3)}}})
	b.HostSeen(20, at(3, 3), victim, nil, false, t0.Add(5*time.Second))
	ask(b, 2*time.Second, answers)
	if len(b.hosts) != 1 {
		t.Errorf("bound, hosts %v", b.hosts)
	}
}

func TestHostID(t *testing.T) {
	mac := openflow.MAC{2, 0, 0, 0, 0, 1}
	for id, want := range map[HostID]string{
		{MAC: mac}:      "02:00:00:00:00:01",
		InVLAN(mac, 20): "02:00:00:00:00:01/20",
		InVLAN(mac, 0):  "02:00:00:00:00:01/untagged",
	} {
		if id.String() != want {
			t.Errorf("%q, want %q", id, want)
		}
	}
}
