package controller

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conga/bitrate"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// verdicts collects what became of claims, with the time.
type verdicts struct {
	mu   sync.Mutex
	list []topology.Verdict
	at   []time.Time
}

func (v *verdicts) add(x topology.Verdict) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.list, v.at = append(v.list, x), append(v.at, time.Now())
}

func (v *verdicts) all() []topology.Verdict {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.list
}

func linear(n int) func(ofswitch.TopologyConfig) *ofswitch.Network {
	return func(cfg ofswitch.TopologyConfig) *ofswitch.Network { return ofswitch.Linear(n, cfg) }
}

func hostsOn(n int) func(ofswitch.TopologyConfig) *ofswitch.Network {
	return func(cfg ofswitch.TopologyConfig) *ofswitch.Network {
		cfg.Hosts = n
		return ofswitch.Linear(1, cfg)
	}
}

// home returns where a host hangs.
func (l *lab) home(name string) topology.PortID {
	sw, port := l.net.Host(name).At()
	return topology.PortID{DPID: sw.DPID(), Port: port}
}

// steal has a host announce another's first address of each family.
func (l *lab) steal(thief, victim string) {
	from, to := l.net.Host(thief), l.net.Host(victim)
	for _, a := range to.Addrs() {
		if a.Is4() {
			from.Send(ofswitch.ARPRequest(from.MAC(), a, a))
		} else {
			from.Send(ofswitch.NeighborAdvert(from.MAC(), a, openflow.MAC{}, netip.Addr{}))
		}
	}
}

// With an announcement every 10 ms for five seconds the thief gets nothing, and
// the owner gets all that is sent after the first was undone.
func TestAnAddressCannotBeStolen(t *testing.T) {
	var v verdicts
	inBubble(t, linear(3), Config{Contested: v.add}, func(l *lab) {
		l.settled(3, 2)
		l.pingAll()
		l.acquainted()
		c := l.circuit("a", 7, "h1", "h3", 10*bitrate.Mbps)
		if err := l.install(c); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second) // hosts that have just come are not asked
		thief, start := l.net.Host("h2"), time.Now()
		var stolen atomic.Int32
		thief.Handle(func(r ofswitch.Received) bool {
			if len(r.Data) > 14 && r.Data[12] == 8 && r.Data[13] == 0 {
				stolen.Add(1)
			}
			return false
		})
		l.steal("h2", "h3")
		time.Sleep(100 * time.Millisecond)
		for range 500 {
			l.steal("h2", "h3")
			time.Sleep(10 * time.Millisecond)
		}
		got := l.send("h1", "h3", 500)
		if got.Packets != 500 {
			t.Errorf("%d of 500 datagrams reached the owner", got.Packets)
		}
		if n := stolen.Load(); n != 0 {
			t.Errorf("the thief got %d packets", n)
		}
		for _, a := range l.net.Host("h3").Addrs() {
			if at, _ := l.Snapshot().Locate(a); at != l.home("h3") {
				t.Errorf("%v is at %v", a, at)
			}
		}
		if list := v.all(); len(list) != 2 || list[0].Outcome != topology.Kept || list[0].From != l.home("h2") || v.at[0].Sub(start) > time.Second {
			t.Errorf("verdicts %v at %v after %v", list, v.at, start)
		}
		l.until("every switch to hold what follows", func(s *topology.Snapshot) bool { return l.held(s) })
	})
}

// What asks for a host's address as if it came from another's teaches that host
// as an advertisement would.
func TestAnAddressCannotBeStolenByAsking(t *testing.T) {
	inBubble(t, linear(3), Config{}, func(l *lab) {
		l.settled(3, 2)
		l.pingAll()
		l.acquainted()
		time.Sleep(2 * time.Second)
		asker, thief, owner := l.net.Host("h1"), l.net.Host("h2"), l.net.Host("h3")
		for range 300 {
			thief.Send(ofswitch.NeighborSolicit(thief.MAC(), owner.Addrs()[1], asker.Addrs()[1]))
			time.Sleep(10 * time.Millisecond)
		}
		if to, err := asker.Resolve(l.Context(), owner.Addrs()[1]); err != nil || to != owner.MAC() {
			t.Errorf("the address is taken to be that of %v, %v; want %v", to, err, owner.MAC())
		}
	})
}

// What is announced from another source than it names is a claim as well, but
// never believed.
func TestAnAddressCannotBeStolenInAnothersName(t *testing.T) {
	for _, flip := range []byte{0x40, 0x01} { // another host's source, and a group's
		var v verdicts
		inBubble(t, linear(3), Config{Contested: v.add}, func(l *lab) {
			l.settled(3, 2)
			l.pingAll()
			l.acquainted()
			time.Sleep(2 * time.Second)
			asker, thief, owner := l.net.Host("h1"), l.net.Host("h2"), l.net.Host("h3")
			for range 300 {
				frame := ofswitch.ARPRequest(thief.MAC(), owner.Addr(), asker.Addr())
				frame[6] ^= flip
				thief.Send(frame)
				time.Sleep(10 * time.Millisecond)
			}
			if to, err := asker.Resolve(l.Context(), owner.Addr()); err != nil || to != owner.MAC() {
				t.Errorf("source ^ %#x: the address is taken to be that of %v, %v; want %v", flip, to, err, owner.MAC())
			}
			if list := v.all(); len(list) == 0 || list[0].Outcome != topology.Kept || list[0].From != l.home("h2") {
				t.Errorf("source ^ %#x: verdicts %v", flip, list)
			}
		})
	}
}

// A thief that takes the owner's Ethernet address, too, gets nothing.
func TestAHostCannotBeStolen(t *testing.T) {
	var v verdicts
	inBubble(t, linear(3), Config{Contested: v.add}, func(l *lab) {
		l.settled(3, 2)
		l.pingAll()
		l.acquainted()
		time.Sleep(2 * time.Second)
		thief, owner := l.net.Host("h2"), l.net.Host("h3")
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 200 {
				thief.Send(ofswitch.ARPRequest(owner.MAC(), owner.Addr(), owner.Addr()))
				time.Sleep(10 * time.Millisecond)
			}
		}()
		before := thief.Stats().Foreign.Packets
		got := l.send("h1", "h3", 1500)
		<-done
		if got.Packets != 1500 || thief.Stats().Foreign.Packets != before {
			t.Errorf("%d of 1500 datagrams reached the owner, %d the thief", got.Packets, thief.Stats().Foreign.Packets-before)
		}
		if list := v.all(); len(list) != 1 || list[0].Outcome != topology.Kept {
			t.Errorf("verdicts %v", list)
		}
	})
}

// An address that fails over is at its new host within a second, though the old
// one lives; and so is a host that appears elsewhere while its old port is
// silent.
func TestWhatMovesIsFollowed(t *testing.T) {
	for tables, vlan := range map[uint8]uint16{254: 0, 1: 0, 253: 10} {
		build := func(cfg ofswitch.TopologyConfig) *ofswitch.Network {
			cfg.Switch.Tables = tables
			return tagged(ofswitch.Linear(3, cfg), vlan)
		}
		inBubble(t, build, Config{}, func(l *lab) {
			l.settled(3, 2)
			l.pingAll()
			for _, h := range l.net.Hosts() {
				h.Announce()
			}
			l.acquainted()
			time.Sleep(2 * time.Second)
			vip := l.net.Host("h3").Addr()
			l.steal("h2", "h3")
			time.Sleep(time.Second)
			if at, _ := l.Snapshot().Locate(vip); at != l.home("h3") {
				t.Errorf("%d tables: the address went to %v while its owner answered", tables, at)
			}
			l.net.Host("h3").Handle(func(r ofswitch.Received) bool { // the owner gives its first address up
				a, _ := asks(untagged(r.Data))
				return a == vip
			})
			time.Sleep(time.Second)
			l.steal("h2", "h3")
			time.Sleep(700 * time.Millisecond)
			if at, _ := l.Snapshot().Locate(vip); at != l.home("h2") {
				t.Errorf("%d tables: the address is at %v, not at %v", tables, at, l.home("h2"))
			}
			if at, _ := l.Snapshot().Locate(l.net.Host("h3").Addrs()[1]); at != l.home("h3") {
				t.Errorf("%d tables: an address that was not given up is at %v", tables, at)
			}

			l.net.Host("h3").Handle(func(ofswitch.Received) bool { return true })
			time.Sleep(time.Second)
			mover := l.net.Host("h3")
			l.net.Host("h1").Send(ofswitch.ARPRequest(mover.MAC(), mover.Addrs()[0], mover.Addrs()[0]))
			time.Sleep(700 * time.Millisecond)
			if h, _ := l.Snapshot().HostIn(mover.MAC(), 0); h.At != l.home("h1") {
				t.Errorf("%d tables: the host is at %v, not at %v", tables, h.At, l.home("h1"))
			}
		})
	}
}

// tagged has all hosts of a network be in a VLAN.
func tagged(n *ofswitch.Network, vlan uint16) *ofswitch.Network {
	for _, h := range n.Hosts() {
		h.SetVLAN(vlan)
	}
	return n
}

// untagged returns a frame without its tag.
func untagged(frame []byte) []byte {
	if len(frame) > 16 && frame[12] == 0x81 && frame[13] == 0 {
		return slices.Concat(frame[:12], frame[16:])
	}
	return frame
}

// asks returns what a frame asks for: by ARP, or by a neighbour solicitation.
func asks(frame []byte) (a netip.Addr, from openflow.MAC) {
	switch {
	case len(frame) >= 42 && frame[12] == 8 && frame[13] == 6 && frame[21] == 1:
		return netip.AddrFrom4([4]byte(frame[38:42])), openflow.MAC(frame[22:28])
	case len(frame) >= 78 && frame[12] == 0x86 && frame[20] == 58 && frame[54] == 135:
		return netip.AddrFrom16([16]byte(frame[62:78])), openflow.MAC(frame[6:12])
	}
	return a, from
}

// Addresses are announced by their new owner, once, while the old one answers
// still. It lets go half a second later. In less than another second all
// follow, and those too that were told that the announcement was wrong.
func TestAnAddressThatIsLetGoLate(t *testing.T) {
	var v verdicts
	inBubble(t, linear(3), Config{Contested: v.add}, func(l *lab) {
		l.settled(3, 2)
		l.pingAll()
		l.acquainted()
		time.Sleep(2 * time.Second)
		user, heir, owner := l.net.Host("h1"), l.net.Host("h2"), l.net.Host("h3")
		heir.Handle(func(r ofswitch.Received) bool {
			a, from := asks(r.Data)
			if !slices.Contains(owner.Addrs(), a) {
				return false
			}
			if a.Is4() {
				heir.Send(ofswitch.ARPReply(heir.MAC(), a, from, netip.IPv4Unspecified()))
			} else {
				heir.Send(ofswitch.NeighborAdvert(heir.MAC(), a, from, user.Addrs()[1]))
			}
			return true
		})
		l.steal("h2", "h3")
		time.Sleep(500 * time.Millisecond)
		if list := v.all(); len(list) != 2 || list[0].Outcome != topology.Kept || list[1].Outcome != topology.Kept {
			t.Fatalf("verdicts %v", list)
		}
		owner.Handle(func(r ofswitch.Received) bool {
			a, _ := asks(r.Data)
			return a.IsValid()
		})
		time.Sleep(950 * time.Millisecond)
		for _, a := range owner.Addrs() {
			if at, _ := l.Snapshot().Locate(a); at != l.home("h2") {
				t.Errorf("%v is at %v, not at %v", a, at, l.home("h2"))
			}
			if to, err := user.Resolve(l.Context(), a); err != nil || to != heir.MAC() {
				t.Errorf("%v is taken to be that of %v, %v; want %v", a, to, err, heir.MAC())
			}
		}
		if n := len(v.all()); n != 4 {
			t.Errorf("verdicts %v", v.all())
		}
	})
}

func TestAHostThatIsUnpluggedMovesAtOnce(t *testing.T) {
	inBubble(t, linear(3), Config{}, func(l *lab) {
		l.settled(3, 2)
		l.pingAll()
		time.Sleep(2 * time.Second)
		mover := l.net.Host("h3")
		l.net.MoveHost(mover, l.net.Switch(1), 9)
		time.Sleep(3 * time.Second) // its new port is looked at first
		mover.Announce()
		synctest.Wait()
		time.Sleep(100 * time.Millisecond)
		if h, _ := l.Snapshot().HostIn(mover.MAC(), 0); h.At != l.home("h3") {
			t.Errorf("the host is at %v", h.At)
		}
		l.ping("h1", "h3")
	})
}
