package topology

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"conga/openflow"
)

// refused returns a network in which a claim was made once and refused.
func refused(t *testing.T) *Builder {
	t.Helper()
	b := contested(Config{})
	ask(b, 100*time.Millisecond, answers)
	if v := b.Verdicts(); len(v) != 1 || v[0].Outcome != Kept {
		t.Fatalf("verdicts %v", v)
	}
	return b
}

func fromClaimant(q Query) bool { return q.At == at(3, 3) }

// An address is announced by its new owner once, before the old one lets go.
func TestAClaimComesTrueLater(t *testing.T) {
	for until := 100 * time.Millisecond; until <= 3*time.Second; until += 100 * time.Millisecond {
		b := refused(t)
		ask(b, until, answers)
		if located(b) != at(1, 3) {
			t.Fatalf("the address has moved while its owner answered")
		}
		ask(b, 800*time.Millisecond, fromClaimant)
		if located(b) != at(3, 3) {
			t.Errorf("%v after the claim its owner lets go, and 0.8 s later the address is at %v", until, located(b))
		}
		if v := b.Verdicts(); len(v) != 1 || v[0].Outcome != Taken || b.contests.count != 0 {
			t.Errorf("verdicts %v, %d contests", v, b.contests.count)
		}
		sent := ask(b, 2*time.Second, answers)
		if n := announced(sent); n == 0 || n != len(sent) || sent[0].Host.MAC != thief || sent[0].At != at(3, 3) || sent[0].Addr != wanted {
			t.Errorf("sent %v; want announcements for the new owner", sent)
		}
		if len(b.contests.open) != 0 || len(b.contests.pursued) != 0 || b.contests.pursuing != 0 || len(b.Snapshot(t0).Switches[3].Barred) != 0 {
			t.Error("something is left of the claim")
		}
	}
}

// A claim whose claimant does not stand by it is not believed, nor is one
// against an owner that answers now and then.
func TestARefusedClaimIsNotBelieved(t *testing.T) {
	now := func(b *Builder) time.Duration { return b.clock.wall.Sub(t0) }
	for name, answer := range map[string]func(*Builder, Query) bool{
		"no host answers": func(*Builder, Query) bool { return false },
		"the claimant answers for another address": func(b *Builder, q Query) bool {
			if fromClaimant(q) {
				b.HostAnswered(q.VLAN, q.At, q.Host.MAC, []netip.Addr{netip.MustParseAddr("10.0.0.7")}, b.clock.wall)
			}
			return false
		},
		"the claimant answers elsewhere": func(b *Builder, q Query) bool {
			if fromClaimant(q) {
				b.HostAnswered(q.VLAN, at(2, 3), q.Host.MAC, []netip.Addr{wanted}, b.clock.wall)
			}
			return false
		},
		"the owner answers twice a second": func(b *Builder, q Query) bool {
			return fromClaimant(q) || now(b)%(500*time.Millisecond) < 100*time.Millisecond
		},
	} {
		b := refused(t)
		ask(b, 5*time.Second, func(q Query) bool { return answer(b, q) })
		if located(b) != at(1, 3) {
			t.Errorf("%s: the address is at %v", name, located(b))
		}
	}
}

// An owner that is silent for 0.4 s is alive, whenever that begins.
func TestAnOwnerMayBeSilentForAMoment(t *testing.T) {
	for begin := time.Duration(0); begin <= 2*time.Second; begin += 50 * time.Millisecond {
		b := contested(Config{Tick: 50 * time.Millisecond})
		ask(b, begin, answers)
		ask(b, 400*time.Millisecond, fromClaimant)
		ask(b, 5*time.Second, answers)
		if located(b) != at(1, 3) {
			t.Errorf("silent after %v: the address is at %v", begin, located(b))
		}
	}
}

// The owner is asked on for a few seconds only.
func TestAnOwnerIsNotAskedForEver(t *testing.T) {
	b := refused(t)
	sent := ask(b, pursueFor, answers)
	if n := len(sent) - announced(sent); n < 8 || n > 20 {
		t.Errorf("%d questions after a claim", n)
	}
	if sent := ask(b, 5*time.Second, nil); len(sent) > questions || located(b) != at(1, 3) {
		t.Errorf("sent %v later, and the address is at %v", sent, located(b))
	}

	b = refused(t)
	sent = ask(b, pursueFor, nil)
	if n := len(sent) - announced(sent); n > 80 {
		t.Errorf("%d questions where neither answers", n)
	}
}

// What the owner has at one port is asked for by as many questions only,
// however many others claim.
func TestPursuitIsBounded(t *testing.T) {
	b := ring(Config{MaxAddrs: 1000, MaxHosts: 10_000})
	for i := range 2000 {
		a := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		b.HostSeen(0, at(1, 3), openflow.MAC{0, 9, byte(i >> 8), byte(i)}, []netip.Addr{a}, true, t0)
		b.HostSeen(0, at(2, 3), thief, []netip.Addr{a}, true, t0)
	}
	ask(b, time.Second, answers)
	if n := b.contests.pursuing; n != maxPortPursued {
		t.Errorf("%d claims of one port are pursued", n)
	}
	questions := func(q Query) bool { return !q.Announce }
	if n := len(slices.DeleteFunc(ask(b, time.Second, answers), func(q Query) bool { return !questions(q) })); n > 6*maxPortPursued {
		t.Errorf("%d questions in a second", n)
	}
	if ask(b, pursueFor, answers); b.contests.pursuing != 0 {
		t.Errorf("%d claims are pursued later", b.contests.pursuing)
	}
}

// The old owner's machine dies just after the new one has announced.
func TestAClaimComesTrueWhenItsOwnerGoes(t *testing.T) {
	down := openflow.Port{No: 3, State: openflow.PortStateLinkDown}
	for name, reason := range map[string]openflow.PortReason{"its port goes down": openflow.PortModified, "its port goes": openflow.PortDeleted} {
		b := refused(t)
		b.PortChanged(1, reason, down, b.clock.wall)
		ask(b, 400*time.Millisecond, fromClaimant)
		if p := located(b); p != at(3, 3) {
			t.Errorf("%s: the address is at %v", name, p)
		}
	}
}

// A host that moves and says so once, before its old port falls silent.
func TestAHostThatMovesIsPursued(t *testing.T) {
	b := ring(Config{})
	b.HostSeen(0, at(1, 3), victim, []netip.Addr{wanted}, true, t0)
	b.HostSeen(0, at(3, 3), victim, nil, false, t0.Add(5*time.Second))
	ask(b, time.Second, answers)
	if ask(b, 800*time.Millisecond, fromClaimant); located(b) != at(3, 3) {
		t.Errorf("the host is at %v", located(b))
	}
}
