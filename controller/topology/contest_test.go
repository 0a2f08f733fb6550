package topology

import (
	"encoding/json"
	"net/netip"
	"slices"
	"testing"
	"time"

	"conga/openflow"
)

// ask lets d pass in ticks. Questions that are due are sent, and those that
// answer is true of answered; it returns all frames that were due.
func ask(b *Builder, d time.Duration, answer func(Query) bool) (sent []Query) {
	for end := b.clock.wall.Add(d); b.clock.wall.Before(end); {
		for _, q := range b.Queries(b.clock.wall) {
			sent = append(sent, q)
			b.Queried(q)
			if !q.Announce && answer != nil && answer(q) {
				b.HostAnswered(q.VLAN, q.At, q.Host.MAC, []netip.Addr{q.Addr}, b.clock.wall)
			}
		}
		b.Expire(b.clock.wall.Add(b.cfg.Tick))
	}
	return sent
}

var (
	victim, thief = openflow.MAC{0, 1}, openflow.MAC{0, 2}
	wanted        = netip.MustParseAddr("10.0.0.1")
)

// contested returns a network in which the thief at (3, 3) claims the address
// of the victim at (1, 3).
func contested(cfg Config) *Builder {
	b := ring(cfg)
	b.HostSeen(0, at(1, 3), victim, []netip.Addr{wanted}, true, t0)
	b.HostSeen(0, at(3, 3), thief, []netip.Addr{wanted}, true, t0.Add(5*time.Second))
	return b
}

// announced returns how many of the frames were announcements.
func announced(sent []Query) (n int) {
	for _, q := range sent {
		if q.Announce {
			n++
		}
	}
	return n
}

func located(b *Builder) PortID {
	p, _ := b.Snapshot(b.clock.wall).Locate(wanted)
	return p
}

func answers(Query) bool { return true }

func TestAnAddressStaysWithAHostThatAnswers(t *testing.T) {
	b := contested(Config{})
	sent := ask(b, 3*time.Second, answers)
	if located(b) != at(1, 3) {
		t.Fatalf("the address is at %v", located(b))
	}
	asked := slices.IndexFunc(sent, func(q Query) bool { return q.Announce })
	if asked != 1 || announced(sent) != announcements || sent[0].At != at(1, 3) || sent[0].Host.MAC != victim || sent[0].Addr != wanted {
		t.Errorf("sent %v; want one question to the owner, then %d announcements", sent, announcements)
	}
	v := b.Verdicts()
	want := Claim{Owner: HostID{MAC: victim}, Addr: wanted, At: at(1, 3), By: HostID{MAC: thief}, From: at(3, 3)}
	if len(v) != 1 || v[0] != (Verdict{want, Kept}) {
		t.Errorf("verdicts %v", v)
	}
	if bars := b.Snapshot(t0).Switches[3].Barred; !slices.Equal(bars, []Bar{{Port: 3, Addr: wanted}}) {
		t.Errorf("barred at the claimant's switch: %v", bars)
	}

	// The claim that is repeated is looked into again, and reported no more.
	ask(b, pursueFor, answers)
	b.HostSeen(0, at(3, 3), thief, []netip.Addr{wanted}, true, b.clock.wall)
	if again := ask(b, time.Second, answers); again[0].Announce || announced(again) != 1 || len(b.Verdicts()) != 0 {
		t.Errorf("sent %v after the claim was repeated", again)
	}
	ask(b, contestOff+time.Second, answers)
	if s := b.Snapshot(t0); len(s.Switches[3].Barred) != 0 || b.contests.count != 0 {
		t.Error("a claim that has ceased is still barred")
	}
}

func TestAnAddressMovesWhenItsOwnerIsSilent(t *testing.T) {
	for name, answer := range map[string]func(Query) bool{
		"to all":       nil,
		"to this once": func(q Query) bool { return q.Addr != wanted },
	} {
		b := contested(Config{})
		b.HostSeen(0, at(1, 3), victim, []netip.Addr{netip.MustParseAddr("10.0.0.9")}, true, b.clock.wall)
		sent := ask(b, 600*time.Millisecond, answer)
		if located(b) != at(3, 3) || len(sent) < questions || len(sent) > 2*questions {
			t.Errorf("silent %s: the address is at %v after %d questions", name, located(b), len(sent))
		}
		if v := b.Verdicts(); len(v) != 1 || v[0].Outcome != Taken || b.contests.count != 0 {
			t.Errorf("silent %s: verdicts %v", name, v)
		}
	}
}

// What cannot be asked is not silent, and what cannot be there need not be
// asked.
func TestAnOwnerIsSilentOnlyIfItCouldAnswer(t *testing.T) {
	down := openflow.Port{No: 3, State: openflow.PortStateLinkDown}
	for name, c := range map[string]struct {
		happens func(b *Builder)
		after   time.Duration
		want    PortID
	}{
		"its port is down":            {func(b *Builder) { b.PortChanged(1, openflow.PortModified, down, b.clock.wall) }, 100 * time.Millisecond, at(3, 3)},
		"its switch is away for long": {func(b *Builder) { b.SwitchDown(1, b.clock.wall) }, 4 * time.Second, at(3, 3)},
		"its switch is away":          {func(b *Builder) { b.SwitchDown(1, b.clock.wall) }, 2 * time.Second, at(1, 3)},
		"its port has come up": {func(b *Builder) {
			b.PortChanged(1, openflow.PortModified, down, b.clock.wall)
			b.PortChanged(1, openflow.PortModified, openflow.Port{No: 3}, b.clock.wall)
		}, 900 * time.Millisecond, at(1, 3)},
	} {
		b := contested(Config{})
		c.happens(b)
		if ask(b, c.after, nil); located(b) != c.want {
			t.Errorf("%s: the address is at %v; want %v", name, located(b), c.want)
		}
	}
}

// An address passes to a third host while it is claimed: that one was not asked
// and keeps it.
func TestAClaimIsAgainstItsOwnerOnly(t *testing.T) {
	b := contested(Config{})
	b.SwitchDown(1, b.clock.wall) // the owner cannot be asked for a while
	third := openflow.MAC{0, 3}
	b.HostSeen(0, at(1, 3), third, []netip.Addr{wanted}, true, b.clock.wall) // beside the owner
	ask(b, 5*time.Second, func(q Query) bool { return q.Host.MAC == third })
	if owner := b.byAddr[wanted]; owner.MAC != third {
		t.Errorf("%v has the address", owner)
	}
}

// A bar ends with what it was for, though the claim is not repeated.
func TestABarEndsWithItsReason(t *testing.T) {
	down := openflow.Port{No: 3, State: openflow.PortStateLinkDown}
	for name, c := range map[string]struct {
		happens func(b *Builder)
		want    PortID
	}{
		"the owner's port is down": {func(b *Builder) {
			b.PortChanged(1, openflow.PortModified, down, b.clock.wall)
			b.HostSeen(0, at(3, 3), thief, []netip.Addr{wanted}, true, b.clock.wall)
		}, at(3, 3)},
		"the owner's port has gone": {func(b *Builder) { b.PortChanged(1, openflow.PortDeleted, openflow.Port{No: 3}, b.clock.wall) }, External},
		"the owner has come to the port of the claim": {func(b *Builder) {
			b.HostSeen(0, at(3, 3), victim, []netip.Addr{wanted}, true, b.clock.wall)
			ask(b, 600*time.Millisecond, nil)
		}, at(3, 3)},
	} {
		b := contested(Config{})
		ask(b, 2*time.Second, answers)
		if len(b.Snapshot(t0).Switches[3].Barred) != 1 {
			t.Fatal("the claim is not barred")
		}
		c.happens(b)
		ask(b, 200*time.Millisecond, nil)
		if bars := b.Snapshot(t0).Switches[3].Barred; len(bars) != 0 || located(b) != c.want {
			t.Errorf("%s: barred %v, and the address is at %v; want %v", name, bars, located(b), c.want)
		}
	}
}

// An owner that comes to the port of a claim while it is asked still has what
// was claimed.
func TestAnOwnerThatComesToTheClaimKeepsItsAddress(t *testing.T) {
	b := contested(Config{})
	b.PortChanged(1, openflow.PortModified, openflow.Port{No: 3, State: openflow.PortStateLinkDown}, b.clock.wall)
	b.HostSeen(0, at(3, 3), victim, nil, true, b.clock.wall)
	ask(b, time.Second, nil)
	if owner, v := b.byAddr[wanted], b.Verdicts(); owner.MAC != victim || len(v) != 0 || b.contests.count != 0 {
		t.Errorf("the owner is %v, verdicts %v", owner, v)
	}
}

// Hosts in different VLANs may have the same address. The one that was first is
// where it is, and the other is left in peace.
func TestAnAddressInTwoVLANsIsNoOffence(t *testing.T) {
	b := ring(Config{})
	b.HostSeen(10, at(1, 3), victim, []netip.Addr{wanted}, true, t0)
	b.HostSeen(20, at(3, 3), thief, []netip.Addr{wanted}, true, t0.Add(5*time.Second))
	sent := ask(b, 2*time.Second, answers)
	if len(sent) != 1 || sent[0].VLAN != 10 || sent[0].Announce || located(b) != at(1, 3) {
		t.Errorf("the address is at %v after %v", located(b), sent)
	}
	if v, bars := b.Verdicts(), b.Snapshot(t0).Switches[3].Barred; len(v) != 0 || len(bars) != 0 {
		t.Errorf("verdicts %v, barred %v", v, bars)
	}
	b.HostSeen(10, at(3, 3), thief, []netip.Addr{wanted}, true, b.clock.wall)
	ask(b, 2*time.Second, answers)
	if v, bars := b.Verdicts(), b.Snapshot(t0).Switches[3].Barred; len(v) != 1 || !slices.Equal(bars, []Bar{{3, wanted, 10}}) {
		t.Errorf("claimed in its own VLAN: verdicts %v, barred %v", v, bars)
	}
	b.HostSeen(20, at(3, 3), thief, []netip.Addr{wanted}, true, b.clock.wall)
	if ask(b, 2*time.Second, nil); located(b) != at(3, 3) {
		t.Error("the owner is silent, and keeps the address")
	}
}

// A router has an address in each VLAN, and answers for each in that one only,
// after a restart, too.
func TestARouterIsAskedInTheVLANOfTheAddress(t *testing.T) {
	b := ring(Config{})
	other := netip.MustParseAddr("10.0.2.1")
	b.HostSeen(10, at(1, 3), victim, []netip.Addr{wanted}, true, t0)
	b.HostSeen(20, at(1, 3), victim, []netip.Addr{other}, true, t0)
	b.HostSeen(30, at(1, 3), victim, []netip.Addr{other}, true, t0) // has changed
	text, err := json.Marshal(b.Saved())
	if err != nil {
		t.Fatal(err)
	}
	var saved Saved
	if err := json.Unmarshal(text, &saved); err != nil {
		t.Fatal(err)
	}
	again := NewBuilder(Config{}, t0)
	again.Recall(saved, t0)
	for _, from := range []*Builder{b, again} {
		if vlans := from.hosts[HostID{MAC: victim}].VLANs; len(vlans) != 2 || vlans[wanted] != 10 || vlans[other] != 30 {
			t.Errorf("VLANs %v", vlans)
		}
	}
	now := t0.Add(5 * time.Second)
	b.HostSeen(10, at(3, 3), thief, []netip.Addr{wanted}, true, now)
	b.HostSeen(30, at(3, 3), thief, []netip.Addr{other}, true, now)
	b.HostSeen(0, at(2, 3), victim, nil, false, now)
	asked := map[netip.Addr]uint16{}
	for _, q := range ask(b, 600*time.Millisecond, func(q Query) bool { asked[q.Addr] = q.VLAN; return true }) {
		if want := map[netip.Addr]uint16{wanted: 10, other: 30}[q.Addr]; q.VLAN != want {
			t.Errorf("%v is asked for, or announced, in VLAN %d; want %d", q.Addr, q.VLAN, want)
		}
	}
	if len(asked) != 2 {
		t.Errorf("asked %v", asked)
	}
}

func TestAHostThatIsHeardElsewhereStaysWhereItAnswers(t *testing.T) {
	b := ring(Config{})
	b.HostSeen(0, at(1, 3), victim, []netip.Addr{wanted}, true, t0)
	now := t0.Add(5 * time.Second)
	b.HostSeen(0, at(2, 3), victim, nil, false, now)
	ask(b, time.Second, answers)
	if v := b.Verdicts(); located(b) != at(1, 3) || len(v) != 1 || v[0].Outcome != Kept || len(b.Snapshot(t0).Switches[2].Barred) != 0 {
		t.Errorf("at %v, verdicts %v", located(b), v)
	}
	b.HostSeen(0, at(2, 3), victim, nil, false, b.clock.wall) // then it does move
	ask(b, 600*time.Millisecond, nil)
	if located(b) != at(2, 3) {
		t.Error("a host that had answered cannot move")
	}
}

func TestAHostThatMovesBackAndForthIsDamped(t *testing.T) {
	b := ring(Config{})
	b.HostSeen(0, at(1, 3), victim, []netip.Addr{wanted}, true, t0)
	moves, last, flapping := 0, at(1, 3), 0
	for i := range 600 { // a minute, each second at the other port
		b.HostSeen(0, at(openflow.DPID(1+i/10%2), 3), victim, nil, true, b.clock.wall)
		ask(b, 100*time.Millisecond, nil)
		if p := located(b); p != last {
			moves, last = moves+1, p
		}
		for _, v := range b.Verdicts() {
			if v.Outcome == Flapping {
				flapping++
			}
		}
	}
	if moves > flapMoves+7 || flapping == 0 || flapping > 2 {
		t.Errorf("moved %d times in a minute, reported %d times", moves, flapping)
	}
}

func TestBindingsWin(t *testing.T) {
	b := contested(Config{Bindings: []Binding{{MAC: victim, Addrs: []netip.Addr{wanted}, At: at(1, 3)}}})
	if located(b) != at(1, 3) {
		t.Fatalf("bound and never heard: at %v", located(b))
	}
	if b.HostSeen(0, at(4, 3), victim, nil, true, b.clock.wall) {
		t.Error("a bound host was learned at another port")
	}
	ask(b, 2*time.Second, nil)
	b.PortChanged(1, openflow.PortDeleted, openflow.Port{No: 3}, b.clock.wall)
	b.Recall(Saved{Hosts: []Host{{MAC: thief, At: at(3, 3), Addrs: []netip.Addr{wanted}}, {MAC: victim, At: at(3, 3)}}}, b.clock.wall)
	if located(b) != at(1, 3) {
		t.Errorf("the bound address is at %v", located(b))
	}
	v := b.Verdicts()
	if len(v) != 2 || v[0].Outcome != Kept || v[1].Outcome != Kept {
		t.Errorf("verdicts %v; want that the address and the host were refused", v)
	}

	free := ring(Config{Bindings: []Binding{{MAC: victim, Addrs: []netip.Addr{wanted}}}})
	free.HostSeen(0, at(3, 3), thief, []netip.Addr{wanted}, true, t0)
	free.HostSeen(0, at(2, 3), victim, []netip.Addr{wanted}, true, t0)
	if located(free) != at(2, 3) {
		t.Errorf("the address bound to a host is at %v, which is not where that is", located(free))
	}
}

// One port cannot have so much contested that others go short.
func TestClaimsAreBounded(t *testing.T) {
	b := ring(Config{MaxAddrs: 1000, MaxHosts: 10_000})
	for i := range 2000 {
		a := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		mac := openflow.MAC{0, 9, byte(i >> 8), byte(i)}
		b.HostSeen(0, at(1, 3), mac, []netip.Addr{a}, true, t0)
		b.HostSeen(0, at(2, 3), thief, []netip.Addr{a}, true, t0)
	}
	ask(b, time.Second, answers)
	if n := len(b.Verdicts()); n != maxPortClaims || len(b.Snapshot(t0).Switches[2].Barred) != maxBarred {
		t.Errorf("%d claims of one port were looked into", n)
	}
	b.HostSeen(0, at(3, 3), victim, []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, 1})}, true, b.clock.wall)
	if ask(b, time.Second, answers); len(b.Verdicts()) != 1 {
		t.Error("a claim at another port finds no room")
	}
}

func TestFullPortsAndHostsMakeRoomForWhatIsHeard(t *testing.T) {
	b := ring(Config{MaxHosts: 2, MaxAddrs: 2, HostSilence: time.Minute})
	addr := func(n byte) []netip.Addr { return []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, n})} }
	start := b.clock.wall
	for n := byte(1); n <= 3; n++ {
		b.HostSeen(0, at(1, 3), openflow.MAC{0, n}, addr(n), true, start)
		b.HostSeen(0, at(2, 3), openflow.MAC{1 << 1, 1}, addr(100+n), true, start)
	}
	s := b.Snapshot(t0)
	if u := b.Unlearned(); u != (Unlearned{Hosts: 1, Addrs: 1}) || !s.Switches[1].Ports[3].Crowded || s.Switches[2].Ports[3].Crowded {
		t.Errorf("unlearned %+v, ports %+v", u, s.Switches[1].Ports[3])
	}
	now := start.Add(40 * time.Second)
	b.HostSeen(0, at(1, 3), openflow.MAC{0, 2}, addr(2), true, now)
	b.HostSeen(0, at(2, 3), openflow.MAC{1 << 1, 1}, addr(102), true, now)
	now = start.Add(time.Minute)
	if !b.HostSeen(0, at(1, 3), openflow.MAC{0, 3}, addr(3), true, now) || !b.HostSeen(0, at(2, 3), openflow.MAC{1 << 1, 1}, addr(103), true, now) {
		t.Error("what has been silent for a minute keeps others out")
	}
	s = b.Snapshot(now)
	for n, want := range map[byte]bool{1: false, 2: true, 3: true, 101: false, 102: true, 103: true} {
		if _, ok := s.Addrs.Get(addr(n)[0]); ok != want {
			t.Errorf("10.0.0.%d known: %v; want %v", n, ok, want)
		}
	}
	if s.Switches[1].Ports[3].Crowded {
		t.Error("the port is crowded after hosts have gone")
	}
}

// A host that speaks has no contests looked at that are decided or asked about
// already, however many others have brought about.
func TestWhatIsDecidedIsNotLookedAt(t *testing.T) {
	b := ring(Config{})
	b.HostSeen(0, at(1, 3), victim, []netip.Addr{wanted}, true, t0)
	const others = 200
	now := t0.Add(5 * time.Second)
	for i := range others {
		claimant, own := openflow.MAC{0, 3, byte(i)}, netip.AddrFrom4([4]byte{10, 1, 0, byte(i)})
		b.HostSeen(0, at(2, 3), openflow.MAC{0, 4, byte(i)}, []netip.Addr{own}, true, now)
		b.HostSeen(0, at(3, 3), claimant, []netip.Addr{own}, true, now)
	}
	if n := len(b.contests.open); n != others {
		t.Fatalf("%d contests of %d are open", n, others)
	}
	ask(b, pursueFor+time.Second, answers)
	b.HostSeen(0, at(3, 3), thief, []netip.Addr{wanted}, true, b.clock.wall)
	if n := len(b.contests.open); n != 1 || b.contests.count != others+1 {
		t.Errorf("%d contests of %d are open, want that of the last claim alone", n, b.contests.count)
	}
	if due := b.Queries(b.clock.wall); len(due) != 1 || due[0].Host.MAC != victim {
		t.Errorf("due is %v", due)
	}
	if due := b.Queries(b.clock.wall); len(due) != 0 {
		t.Errorf("before the next look %v is due", due)
	}
}
