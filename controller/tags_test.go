package controller

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// segregated builds a row of three switches with a host in VLAN 100 at the
// first, x, and two at the last: y in VLAN 200, and z, which sends no tags.
func segregated(c ofswitch.TopologyConfig) *ofswitch.Network {
	n := ofswitch.Linear(3, c)
	for i, h := range []struct {
		name string
		sw   openflow.DPID
		vlan uint16
	}{{"x", 1, 100}, {"y", 3, 200}, {"z", 3, 0}} {
		addrs := []netip.Addr{netip.AddrFrom4([4]byte{10, 9, 0, byte(i + 1)}), netip.MustParseAddr("fd09::" + string(rune('1'+i)))}
		n.AddHost(h.name, openflow.MAC{2, 9, 0, 0, 1, byte(i)}, addrs, n.Switch(h.sw), openflow.PortNo(30+i)).SetVLAN(h.vlan)
	}
	return n
}

// reaches reports whether a host finds another one anew and has its answer.
func (l *lab) reaches(from, to string, addr netip.Addr) bool {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), 3*time.Second)
	defer cancel()
	l.net.Host(from).Forget()
	l.net.Host(to).Forget()
	_, err := l.net.Host(from).Ping(ctx, addr)
	return err == nil
}

// tagged waits until a host is known in the VLAN in which it announces itself.
func (l *lab) tagged(name string, vlan uint16) {
	l.Helper()
	h := l.net.Host(name)
	h.SetVLAN(vlan)
	h.Announce()
	want := vlan
	if vlan == 0 {
		want = topology.Untagged
	}
	l.until(name+" to be known in its VLAN", func(s *topology.Snapshot) bool {
		return s.VLANOf(netip.PrefixFrom(h.Addr(), 32)) == want && l.held(s)
	})
}

// between checks that two hosts in different VLANs reach each other, and that
// what they send arrives marked and nowhere else.
func (l *lab) between(when, from, to string) {
	l.Helper()
	if !l.reaches(from, to, l.net.Host(to).Addr()) || !l.reaches(to, from, l.net.Host(from).Addr()) {
		l.Errorf("%s %s and %s do not find each other", when, from, to)
		return
	}
	for _, pair := range [][2]string{{from, to}, {to, from}} {
		before := l.net.Host("h2").Stats().Received.Packets
		if got := l.send(pair[0], pair[1], 20); got.Packets != 20 || got.DSCP != 46 {
			l.Errorf("%s %d of 20 packets arrived from %s at %s, with DSCP %d", when, got.Packets, pair[0], pair[1], got.DSCP)
		}
		if more := l.net.Host("h2").Stats().Received.Packets - before; more > 0 {
			l.Errorf("%s another host heard %d frames", when, more)
		}
	}
}

// A circuit between ends in different VLANs carries frames from one into the
// other, and what they need to find each other; it follows an end that is in
// another VLAN. Without it they do not hear each other.
func TestEndsInDifferentVLANs(t *testing.T) {
	inBubble(t, segregated, Config{}, func(l *lab) {
		l.settled(3, 2)
		l.ping("h1", "h3")
		l.ping("h3", "h1")
		for name, vlan := range map[string]uint16{"x": 100, "y": 200, "z": 0} {
			l.tagged(name, vlan)
		}
		if l.reaches("x", "y", l.net.Host("y").Addr()) {
			l.Error("hosts in different VLANs reach each other without a circuit")
		}
		for i, other := range []string{"y", "z"} {
			c := l.circuit(other, uint32(7+i), "x", other, 10*bitrate.Mbps)
			if err := l.install(c); err != nil {
				l.Fatal(err)
			}
			l.between("with a circuit", "x", other)
		}
		six := l.circuit("six", 9, "x", "y", 0)
		six.Key = path.FlowKey{Src: path.Host(l.net.Host("x").Addrs()[1]), Dst: path.Host(l.net.Host("y").Addrs()[1]), Proto: 58}
		if err := l.install(six); err != nil {
			l.Fatal(err)
		}
		if !l.reaches("x", "y", l.net.Host("y").Addrs()[1]) {
			l.Error("they do not find each other by IPv6")
		}
		l.tagged("y", 300)
		l.between("in another VLAN", "x", "y")
		l.tagged("y", 100)
		l.between("in the same VLAN", "x", "y")
		l.tagged("y", 200)
		for _, id := range []string{"y", "z", "six"} {
			if err := l.Remove(l.Context(), id); err != nil {
				l.Fatal(err)
			}
		}
		if l.reaches("x", "y", l.net.Host("y").Addr()) {
			l.Error("they reach each other when the circuit is gone")
		}
	})
}

// A switch that cannot change tags says so, and what would need it there is not
// confirmed, for that reason; other circuits are.
func TestTagsThatDoNotChange(t *testing.T) {
	inBubble(t, segregated, Config{}, func(l *lab) {
		l.settled(3, 2)
		l.ping("h1", "h3")
		l.ping("h3", "h1")
		for name, vlan := range map[string]uint16{"x": 100, "y": 200, "z": 0} {
			l.tagged(name, vlan)
		}
		l.net.Switch(3).SetFaults(ofswitch.Faults{Reject: refusesTags})
		c := l.circuit("a", 7, "x", "y", 0)
		var err error
		for try := 0; !errors.Is(err, ErrTags); try++ {
			if err = l.install(c); err == nil || try == 3 {
				l.Fatalf("a switch that cannot change tags answers %v", err)
			}
		}
		if want := "switch 0000000000000003 cannot change VLAN tags, and the two ends are in different VLANs"; err.Error() != want {
			l.Errorf("the reason is %q, want %q", err, want)
		}
		l.until("the switch to say what it lacks", func(s *topology.Snapshot) bool {
			sw := s.Switches[3]
			return sw.Lacks == topology.LacksTags && strings.Contains(strings.Join(sw.Limitations, " "), "It cannot change VLAN tags")
		})
		if err := l.install(l.circuit("b", 8, "h1", "h3", 0)); err != nil {
			l.Errorf("a circuit that changes none: %v", err)
		}
	})
}

// refusesTags has a switch refuse all that changes VLAN tags.
func refusesTags(_ int, m openflow.Message) *openflow.Error {
	fm, ok := m.(*openflow.FlowMod)
	if !ok {
		return nil
	}
	for _, in := range fm.Instructions {
		for _, a := range in.Actions {
			switch {
			case a.Type == openflow.ActionPushVLAN, a.Type == openflow.ActionPopVLAN:
				return &openflow.Error{ErrType: openflow.ErrorTypeBadAction, Code: uint16(openflow.BadActionBadType)}
			case a.Type == openflow.ActionSetField && a.Field.Field() == openflow.FieldVLANVID:
				return &openflow.Error{ErrType: openflow.ErrorTypeBadAction, Code: uint16(openflow.BadActionBadSetType)}
			}
		}
	}
	return nil
}
