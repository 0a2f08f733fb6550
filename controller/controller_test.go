package controller

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEveryHostReachesEveryOther(t *testing.T) {
	for name, c := range map[string]struct {
		net              *ofswitch.Network
		switches, cables int
	}{
		"ring":     {ofswitch.Ring(5, emulated()), 5, 5},
		"diamond":  {ofswitch.Diamond(emulated()), 4, 4},
		"fat tree": {ofswitch.FatTree(4, emulated()), 20, 32},
	} {
		t.Run(name, func(t *testing.T) {
			l := start(t, c.net, Config{})
			l.settled(c.switches, c.cables)
			l.pingAll()
			l.until("every host to be known", func(s *topology.Snapshot) bool { return s.Hosts.Len() == len(c.net.Hosts()) })
		})
	}
}

func TestHostsReachEachOtherWithFewTables(t *testing.T) {
	cfg := emulated()
	cfg.Switch.Tables = 1
	cfg.Switch.NoMeters = true
	l := start(t, ofswitch.Ring(4, cfg), Config{})
	l.settled(4, 4)
	l.pingAll()
}

func TestABroadcastReachesEveryHostOnce(t *testing.T) {
	l := start(t, ofswitch.Ring(4, emulated()), Config{})
	l.settled(4, 4)
	l.pingAll()
	before := map[string]uint64{}
	for _, h := range l.net.Hosts() {
		before[h.Name()] = h.Stats().Broadcast.Packets
	}
	h1 := l.net.Host("h1")
	h1.Send(ofswitch.ARPRequest(h1.MAC(), h1.Addr(), netip.MustParseAddr("10.0.9.9")))
	if err := l.net.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, h := range l.net.Hosts()[1:] {
		if got := h.Stats().Broadcast.Packets - before[h.Name()]; got != 1 {
			t.Errorf("%s got the broadcast %d times", h.Name(), got)
		}
	}
}

func TestCircuitIsConfirmedOnItsPathAndGoesAgain(t *testing.T) {
	l := start(t, ofswitch.Diamond(emulated()), Config{})
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	if err := l.install(c); err != nil {
		t.Fatal(err)
	}
	l.wantHolders(7, c.Path)
	if err := l.install(c); err != nil {
		t.Errorf("installing it again: %v", err)
	}

	got := l.send("h1", "h2", 50)
	if got.Packets != 50 || got.DSCP != 46 || len(got.Via) != len(c.Path) {
		t.Errorf("%d of 50 packets arrived, marked %d, via %v", got.Packets, got.DSCP, got.Via)
	}
	if err := l.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if got := l.holders(7); len(got) != 0 {
		t.Errorf("entries left after removal: %v", got)
	}
	if err := l.Remove(t.Context(), "a"); err != nil {
		t.Errorf("removing it again: %v", err)
	}
}

func TestMoveLosesNoPacket(t *testing.T) {
	l := start(t, ofswitch.Diamond(emulated()), Config{})
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	if err := l.install(c); err != nil {
		t.Fatal(err)
	}
	other := c
	other.Path = otherWay(l, c.Path)

	arrived := make(chan ofswitch.Arrivals)
	go func() { arrived <- l.send("h1", "h2", 400) }()
	for i := range 20 {
		if err := l.install([]path.Circuit{other, c}[i%2]); err != nil {
			t.Error(err)
		}
	}
	if got := <-arrived; got.Packets != 400 {
		t.Errorf("%d of 400 packets arrived while the circuit moved to and fro", got.Packets)
	}
	l.wantHolders(7, c.Path)
	if err := l.install(other); err != nil {
		t.Fatal(err)
	}
	l.wantHolders(7, other.Path)
}

func TestRestartTouchesNoEntry(t *testing.T) {
	n := ofswitch.Ring(4, emulated())
	k := &keeper{}
	l := start(t, n, Config{SavedNetwork: k})
	l.settled(4, 4)
	l.pingAll()
	l.acquainted()
	c := l.circuit("a", 7, "h1", "h3", 40*bitrate.Mbps)
	if err := l.install(c); err != nil {
		t.Fatal(err)
	}
	if err := n.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.stop()
	before := map[openflow.DPID]uint64{}
	for _, sw := range n.Switches() {
		before[sw.DPID()] = sw.Counters().FlowMods
	}

	arrived := make(chan ofswitch.Arrivals)
	go func() { arrived <- l.send("h1", "h3", 1500) }()
	again := New
	c2, err := again(Config{Listen: addr, SavedNetwork: k, Priority: l.cfg.Priority})
	if err != nil {
		t.Fatal(err)
	}
	c2.Restore([]path.Circuit{c})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c2.Run(ctx) }()
	l2 := &lab{T: t, Controller: c2, net: n}
	l2.until("the switches to be back", func(s *topology.Snapshot) bool {
		up := 0
		for _, sw := range s.Switches {
			if sw.Connected {
				up++
			}
		}
		return up == 4
	})
	if err := l2.install(c); err != nil {
		t.Error(err)
	}
	if got := <-arrived; got.Packets != 1500 {
		t.Errorf("%d of 1500 packets arrived over the restart", got.Packets)
	}
	for _, sw := range n.Switches() {
		if mods := sw.Counters().FlowMods - before[sw.DPID()]; mods != 0 {
			t.Errorf("the restart sent switch %v %d flow mods", sw.DPID(), mods)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestEntriesAreRepairedAndForeignOnesLeft(t *testing.T) {
	l := start(t, ofswitch.Diamond(emulated()), Config{Audit: 50 * time.Millisecond})
	l.settled(4, 4)
	l.pingAll()
	l.acquainted()
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	if err := l.install(c); err != nil {
		t.Fatal(err)
	}
	sw := l.net.Switch(1)
	foreign := openflow.FlowMod{
		Cookie: 0xbeef, Priority: 5, Table: 7, BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny,
		Match: openflow.Match{openflow.EthType(0x1234)},
	}
	if err := sw.Apply(&foreign); err != nil {
		t.Fatal(err)
	}
	ours := func() int {
		n := 0
		for _, f := range sw.Flows(openflow.TableAll) {
			if purpose.Ours(f.Cookie) {
				n++
			}
		}
		return n
	}
	whole := ours()
	for name, tamper := range map[string]openflow.FlowMod{
		"all entries deleted": {Command: openflow.FlowDelete, Table: openflow.TableAll, Cookie: purpose.CookieTag, CookieMask: purpose.CookieMask},
		"an entry changed": {Command: openflow.FlowModify, Table: 0, Cookie: purpose.MakeCookie(purpose.Allocation, 7), CookieMask: ^openflow.Cookie(0),
			Instructions: []openflow.Instruction{openflow.ApplyActions(openflow.Output(1, 0))}},
		"a stranger with our tag": {Priority: 9, Table: 0, Cookie: purpose.MakeCookie(purpose.Allocation, 99),
			Match: openflow.Match{openflow.EthType(0x4321)}},
	} {
		tamper.BufferID, tamper.OutPort, tamper.OutGroup = openflow.NoBuffer, openflow.PortAny, openflow.GroupAny
		if err := sw.Apply(&tamper); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		l.until("repair after "+name, func(*topology.Snapshot) bool {
			return ours() == whole && len(l.holders(99)) == 0 && l.forwards(sw, c)
		})
	}
	if !slices.ContainsFunc(sw.Flows(7), func(f openflow.FlowStats) bool { return f.Cookie == 0xbeef }) {
		t.Error("somebody else's entry is gone")
	}
}

func TestRefusalReachesWhoeverInstalls(t *testing.T) {
	l := start(t, ofswitch.Diamond(emulated()), Config{Audit: 50 * time.Millisecond})
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	middle := l.net.Switch(c.Path[1].DPID)
	full := openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed, Code: uint16(openflow.FlowModFailedTableFull)}
	middle.SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
		if fm, ok := m.(*openflow.FlowMod); ok && fm.Cookie == purpose.MakeCookie(purpose.Allocation, 7) {
			return &full
		}
		return nil
	}})
	err := l.install(c)
	refused, ok := errors.AsType[*Error](err)
	if _, said := errors.AsType[*openflow.Error](err); !ok || !said || refused.DPID != middle.DPID() {
		t.Fatalf("Install = %v; want the refusal of switch %v", err, middle.DPID())
	}
	l.until("the others to have let go of it", func(*topology.Snapshot) bool { return len(l.holders(7)) == 0 })
	middle.SetFaults(ofswitch.Faults{})
	if err := l.install(c); err != nil {
		t.Errorf("the next attempt: %v", err)
	}
	l.wantHolders(7, c.Path)
}

func TestSwitchThatIsAwayIsNamedAndGetsItsEntriesWhenItReturns(t *testing.T) {
	l := start(t, ofswitch.Diamond(emulated()), Config{})
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	away := l.net.Switch(c.Path[1].DPID)
	away.SetFaults(ofswitch.Faults{Refuse: true})
	away.Disconnect()
	l.until("the switch to be away", func(s *topology.Snapshot) bool { return !s.Switches[away.DPID()].Connected })
	if err := l.install(c); !errors.Is(err, ErrAway) {
		t.Fatalf("Install = %v; want %v", err, ErrAway)
	}
	away.SetFaults(ofswitch.Faults{})
	l.until("its entries", func(*topology.Snapshot) bool { return l.holders(7)[away.DPID()] == 2 })
	if err := l.install(c); err != nil {
		t.Error(err)
	}
}

func TestSwitchThatSwallowsBarriersIsBegunAnew(t *testing.T) {
	l := start(t, ofswitch.Diamond(emulated()), Config{Audit: 20 * time.Millisecond, Patience: 100 * time.Millisecond})
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	sw := l.net.Switch(c.Path[1].DPID)
	sw.SetFaults(ofswitch.Faults{Lose: ofswitch.LoseType(openflow.TypeBarrierReply)})
	if err := l.install(c); !errors.Is(err, ErrAway) {
		t.Errorf("Install = %v; without a barrier reply nothing is confirmed", err)
	}
	sw.SetFaults(ofswitch.Faults{})
	l.until("the switch to be confirmed after all", func(*topology.Snapshot) bool { return l.install(c) == nil })
}

func TestTrafficFollowsWhenALinkIsCut(t *testing.T) {
	l := start(t, ofswitch.Ring(4, emulated()), Config{})
	l.settled(4, 4)
	l.pingAll()
	cut := l.net.LinkBetween(1, 2)
	cut.Cut()
	l.until("the link to be gone", func(s *topology.Snapshot) bool { return len(s.Links) == 6 })
	l.pingAll()
	cut.Restore()
	l.settled(4, 4)
	l.pingAll()
}
