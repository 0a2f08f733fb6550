package topology

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"conga/openflow"
)

// sendsBy has a host, which answers where it is, be heard at another port for
// d.
func sendsBy(b *Builder, mac openflow.MAC, from PortID, d time.Duration) {
	for end := b.clock.wall.Add(d); b.clock.wall.Before(end); {
		b.HostSeen(0, from, mac, nil, false, b.clock.wall)
		ask(b, 100*time.Millisecond, answers)
	}
}

// twoCards returns a network in which the victim is at (1, 3), and sends by (2,
// 3) as well.
func twoCards(t *testing.T) *Builder {
	b := ring(Config{})
	b.HostSeen(0, at(1, 3), victim, []netip.Addr{wanted}, true, t0)
	b.Expire(t0.Add(2 * time.Second))
	if sendsBy(b, victim, at(2, 3), 2*time.Second); secondOf(b) != External {
		t.Error("it has a second port at once")
	}
	if sendsBy(b, victim, at(2, 3), 2*time.Second); secondOf(b) != at(2, 3) || located(b) != at(1, 3) {
		t.Errorf("at %v, second port %v", located(b), secondOf(b))
	}
	return b
}

func secondOf(b *Builder) PortID {
	h, _ := b.Snapshot(b.clock.wall).HostIn(victim, 0)
	return h.Second
}

// A host that sends by two ports stays at the one where it answers, which is
// said once, and the other is its second, also after a restart.
func TestHostWithTwoCards(t *testing.T) {
	b := twoCards(t)
	sendsBy(b, victim, at(2, 3), 2*time.Minute)
	if v := b.Verdicts(); len(v) != 1 || v[0].Outcome != Kept || secondOf(b) != at(2, 3) {
		t.Errorf("verdicts %v, second port %v", v, secondOf(b))
	}
	text, err := json.Marshal(b.Saved())
	if err != nil {
		t.Fatal(err)
	}
	var saved Saved
	if err := json.Unmarshal(text, &saved); err != nil {
		t.Fatal(err)
	}
	again := NewBuilder(Config{}, b.clock.wall)
	if again.Recall(saved, b.clock.wall); secondOf(again) != at(2, 3) {
		t.Errorf("second port %v after a restart", secondOf(again))
	}
}

func TestWhatBecomesOfTwoCards(t *testing.T) {
	other := netip.MustParseAddr("10.0.0.2")
	down := openflow.Port{No: 3, State: openflow.PortStateLinkDown}
	for name, tt := range map[string]struct {
		do           func(b *Builder)
		home, second PortID
	}{
		"nothing is heard": {func(b *Builder) { ask(b, 10*time.Minute, answers) }, at(1, 3), at(2, 3)},
		"its port goes down": {func(b *Builder) {
			b.PortChanged(1, openflow.PortModified, down, b.clock.wall)
		}, at(2, 3), External},
		"its port goes": {func(b *Builder) {
			b.PortChanged(1, openflow.PortDeleted, openflow.Port{No: 3}, b.clock.wall)
		}, at(2, 3), External},
		"its switch is away": {func(b *Builder) {
			b.SwitchDown(1, b.clock.wall)
			pass(b, 10*time.Second)
		}, at(2, 3), External},
		"its second port goes down": {func(b *Builder) {
			b.PortChanged(2, openflow.PortModified, down, b.clock.wall)
		}, at(1, 3), External},
		"both go down": {func(b *Builder) {
			b.PortChanged(2, openflow.PortModified, down, b.clock.wall)
			b.PortChanged(1, openflow.PortModified, down, b.clock.wall)
		}, at(1, 3), External},
		"it moves to its second port": {func(b *Builder) {
			b.HostSeen(0, at(2, 3), victim, []netip.Addr{wanted}, true, b.clock.wall)
			ask(b, time.Second, nil)
		}, at(2, 3), External},
		"it moves to a third port": {func(b *Builder) {
			b.HostSeen(0, at(3, 3), victim, nil, false, b.clock.wall)
			ask(b, time.Second, nil)
		}, at(3, 3), External},
		"another host, of another port, is heard there": {func(b *Builder) {
			b.HostSeen(0, at(3, 3), thief, []netip.Addr{other}, true, b.clock.wall)
			ask(b, 2*time.Second, answers)
			sendsBy(b, thief, at(2, 3), 10*time.Second)
			sendsBy(b, victim, at(2, 3), 10*time.Second)
		}, at(1, 3), External},
	} {
		b := twoCards(t)
		if tt.do(b); located(b) != tt.home || secondOf(b) != tt.second {
			t.Errorf("%s: at %v, second port %v; want %v and %v", name, located(b), secondOf(b), tt.home, tt.second)
		}
		for at, q := range b.pairings {
			for h := range q.hosts {
				if h.Second != at || b.hosts[h.ID()] != h {
					t.Errorf("%s: %v has the second port %v, not %v", name, h.ID(), h.Second, at)
				}
			}
		}
	}
}

// A host that is bound to a port is nowhere else: frames with its address that
// come in elsewhere make no second port, and it does not fall back to one.
func TestABoundHostHasNoSecondPort(t *testing.T) {
	b := ring(Config{Bindings: []Binding{{MAC: victim, Addrs: []netip.Addr{wanted}, At: at(1, 3)}}})
	b.HostSeen(0, at(1, 3), victim, []netip.Addr{wanted}, true, t0)
	if sendsBy(b, victim, at(2, 3), 10*time.Second); secondOf(b) != External {
		t.Errorf("its second port is %v", secondOf(b))
	}
	b.PortChanged(1, openflow.PortDeleted, openflow.Port{No: 3}, b.clock.wall)
	if located(b) == at(2, 3) {
		t.Error("it is where a stranger sends in its name")
	}
}
