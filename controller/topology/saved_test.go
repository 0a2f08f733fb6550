package topology

import (
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"conga/openflow"
)

// With what the run before saved, that which decides the entries of a switch is
// the same as soon as the switch connects, in whatever order the switches do.
func TestSavedNetworkMakesARestartInvisible(t *testing.T) {
	b := ring(Config{})
	for d := openflow.DPID(1); d <= 4; d++ {
		b.HostSeen(0, at(d, 3), openflow.MAC{0, byte(d)}, []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(d)})}, true, t0)
	}
	before := b.Snapshot(t0.Add(3 * time.Second))

	restart := t0.Add(time.Minute)
	again := NewBuilder(Config{}, restart)
	again.Recall(b.Saved(), restart)
	for _, d := range []openflow.DPID{3, 1, 4, 2} {
		again.SwitchUp(Switch{DPID: d, Tables: 254, Meters: 100}, ports(3), restart)
		s := again.Snapshot(restart)
		if !reflect.DeepEqual(s.Switches[d].Ports, before.Switches[d].Ports) {
			t.Errorf("ports of switch %v: %v; were %v", d, s.Switches[d].Ports, before.Switches[d].Ports)
		}
		if !reflect.DeepEqual(s.Tree, before.Tree) || !reflect.DeepEqual(maps.Collect(s.Hosts.All()), maps.Collect(before.Hosts.All())) || len(s.Links) != len(before.Links) {
			t.Errorf("after switch %v the network looks different", d)
		}
	}

	late := NewBuilder(Config{}, restart)
	late.Recall(b.Saved(), restart)
	up(late, 1, 3, restart)
	late.Snapshot(restart)
	pass(late, time.Minute)
	if s := late.Snapshot(restart.Add(time.Minute)); len(s.Links) != 0 {
		t.Errorf("links to switches that never connected are still used: %v", s.Links)
	}
}

func TestPortTowardsAnAbsentSwitchIsNoEdge(t *testing.T) {
	down := openflow.Port{No: 2, State: openflow.PortStateLinkDown}
	for name, happens := range map[string]func(b *Builder, now time.Time) *Builder{
		"its carrier flaps": func(b *Builder, now time.Time) *Builder {
			b.PortChanged(1, openflow.PortModified, down, now)
			b.PortChanged(1, openflow.PortModified, openflow.Port{No: 2}, now)
			return b
		},
		"the controller restarts": func(b *Builder, now time.Time) *Builder {
			again := NewBuilder(Config{}, now)
			again.Recall(b.Saved(), now)
			up(again, 1, 3, now)
			return again
		},
		"the controller restarts twice": func(b *Builder, now time.Time) *Builder {
			for range 2 {
				again := NewBuilder(Config{}, now)
				again.Recall(b.Saved(), now)
				pass(again, time.Minute)
				b = again
			}
			up(b, 1, 3, now)
			return b
		},
	} {
		b := ring(Config{})
		now := t0.Add(time.Minute)
		b.SwitchDown(2, now)
		pass(b, time.Minute)
		b = happens(b, now.Add(time.Minute))
		pass(b, 2*time.Minute)
		if p, _ := b.Snapshot(now).Port(at(1, 2)); p.Role == Edge {
			t.Errorf("%s: the port towards a switch that may still forward is an edge", name)
		}
	}
}

func TestPortThatIsDeletedAndAddedIsLookedAtAfresh(t *testing.T) {
	b := NewBuilder(Config{}, t0)
	b.Recall(Saved{Ports: []SavedPort{{PortID: at(1, 1), Role: Edge}}}, t0)
	up(b, 1, 1, t0)
	if p, _ := b.Snapshot(t0).Port(at(1, 1)); p.Role != Edge {
		t.Errorf("a remembered edge port is %v", p.Role)
	}
	b.PortChanged(1, openflow.PortDeleted, openflow.Port{No: 1}, t0)
	b.PortChanged(1, openflow.PortAdded, openflow.Port{No: 1}, t0)
	if p, _ := b.Snapshot(t0).Port(at(1, 1)); p.Role != Undetermined {
		t.Errorf("a new port is %v at once", p.Role)
	}
}

func TestSavedNetworkGivesWayToWhatIsSeen(t *testing.T) {
	past := Saved{
		Links: []SavedLink{{LinkID: LinkID{From: at(1, 1), To: at(2, 1)}}, {LinkID: LinkID{From: at(2, 1), To: at(1, 1)}}},
		Ports: []SavedPort{{PortID: at(1, 1), Role: Trunk, Far: at(2, 1)}, {PortID: at(2, 1), Role: Trunk, Far: at(1, 1)}},
	}
	b := NewBuilder(Config{}, t0)
	b.Recall(past, t0)
	for d := openflow.DPID(1); d <= 3; d++ {
		up(b, d, 1, t0)
	}
	plug(b, at(1, 1), at(3, 1), t0) // while the daemon was down the cable was moved
	pass(b, 2*time.Second)
	if p, _ := b.Snapshot(t0).Port(at(2, 1)); p.Role != Edge {
		t.Errorf("the port that the cable left is %v", p.Role)
	}

	b = NewBuilder(Config{}, t0)
	b.Recall(past, t0)
	b.SwitchUp(Switch{DPID: 1}, []openflow.Port{{No: 1, State: openflow.PortStateLinkDown}}, t0)
	if s := b.Snapshot(t0); len(s.Links) != 0 || s.Switches[1].Ports[1].Role != Undetermined {
		t.Errorf("a port without carrier is %v and has links %v", s.Switches[1].Ports[1].Role, s.Links)
	}
}

// Of two cables at one port, and two hosts with one address, only one can be;
// what is left out is forgotten.
func TestContradictionsAreNotRecalled(t *testing.T) {
	link := func(from, to PortID) SavedLink { return SavedLink{LinkID: LinkID{From: from, To: to}} }
	addrs := []netip.Addr{netip.MustParseAddr("10.0.0.1")}
	b := NewBuilder(Config{}, t0)
	b.Recall(Saved{
		Links: []SavedLink{link(at(1, 1), at(2, 1)), link(at(2, 1), at(1, 1)), link(at(1, 1), at(3, 1))},
		Hosts: []Host{{MAC: openflow.MAC{0, 1}, At: at(1, 3), Addrs: addrs}, {MAC: openflow.MAC{0, 2}, At: at(2, 3), Addrs: addrs}},
	}, t0)
	b.RecallCable(at(1, 1), at(4, 1), t0)
	s := b.Snapshot(t0)
	if len(s.Links) != 2 || s.Links[at(1, 1)].ID.To != at(2, 1) {
		t.Errorf("links %v; want the cable named first", s.Links)
	}
	if len(hostOf(s, openflow.MAC{0, 1}).Addrs) != 1 || len(hostOf(s, openflow.MAC{0, 2}).Addrs) != 0 {
		t.Error("two hosts have one address")
	}
	c := b.Save()
	if !slices.Equal(c.GoneLinks, []LinkID{{From: at(1, 1), To: at(3, 1)}}) || len(c.Hosts) != 1 || c.Hosts[0].MAC != (openflow.MAC{0, 2}) {
		t.Errorf("to be saved: %+v", c)
	}
}

// Two changes as one leave what they leave one after the other.
func TestSavedChangesAddUp(t *testing.T) {
	host := func(n byte, port openflow.PortNo) Host { return Host{MAC: openflow.MAC{0, n}, At: at(1, port)} }
	first := SavedChange{Saved: Saved{Hosts: []Host{host(1, 1), host(2, 1)}}, GoneHosts: []HostID{{MAC: openflow.MAC{0, 3}}, {MAC: openflow.MAC{0, 4}}}}
	later := SavedChange{Saved: Saved{Hosts: []Host{host(1, 2), host(3, 2)}}, GoneHosts: []HostID{{MAC: openflow.MAC{0, 2}}}}
	want := SavedChange{Saved: Saved{Hosts: []Host{host(1, 2), host(3, 2)}}, GoneHosts: []HostID{{MAC: openflow.MAC{0, 4}}, {MAC: openflow.MAC{0, 2}}}}
	if got := first.Then(later); !reflect.DeepEqual(got.Hosts, want.Hosts) || !slices.Equal(got.GoneHosts, want.GoneHosts) {
		t.Errorf("one after the other %+v; want %+v", got, want)
	}
	if !(SavedChange{}).Then(SavedChange{}).Empty() || first.Empty() {
		t.Error("a change is empty if and only if nothing is to be done")
	}
}

// A switch that does not come though the others have is avoided by then, and
// no longer when it has come; before nothing changes.
func TestLateSwitches(t *testing.T) {
	b := ring(Config{})
	before := b.Snapshot(t0.Add(3 * time.Second))
	late := openflow.DPID(0) // on whose two cables the tree goes
	for d := openflow.DPID(1); d <= 4; d++ {
		if before.Tree[at(d, 1)] && before.Tree[at(d, 2)] {
			late = d
		}
	}
	others := func(s *Snapshot) (links int, tree bool) { // whether the tree joins the others
		joined := 0
		for from, l := range s.Links {
			if !l.Late {
				links++
				if s.Tree[from] && from.DPID != late && l.ID.To.DPID != late {
					joined++
				}
			}
		}
		return links, joined == 2*2
	}
	restart := t0.Add(time.Minute)
	again := NewBuilder(Config{}, restart)
	again.Recall(b.Saved(), restart)
	for d := openflow.DPID(1); d <= 4; d++ {
		if d != late {
			pass(again, time.Second)
			up(again, d, 3, again.clock.wall)
		}
	}
	again.Snapshot(again.clock.wall)
	pass(again, 2900*time.Millisecond)
	if s := again.Snapshot(again.clock.wall); !reflect.DeepEqual(s.Tree, before.Tree) || !maps.Equal(s.Links, before.Links) {
		t.Errorf("while there is time links are %v and the tree is %v", s.Links, s.Tree)
	}
	pass(again, 200*time.Millisecond)
	s := again.Snapshot(again.clock.wall)
	if links, tree := others(s); links != 2*2 || !tree || len(s.Links) != 2*4 || len(s.Tree) != 2*3 {
		t.Errorf("then links are %v and the tree is %v", s.Links, s.Tree)
	}
	up(again, late, 3, again.clock.wall)
	if now := again.Snapshot(again.clock.wall); !maps.Equal(now.Links, before.Links) || !maps.Equal(now.Tree, s.Tree) {
		t.Errorf("when it has come links are %v and the tree is %v", now.Links, now.Tree)
	}
}
