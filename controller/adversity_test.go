package controller

import (
	"context"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"conga/controller/flow"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// What must hold when switches hang, refuse, lose answers or go away.

func (l *lab) installFor(d time.Duration, c path.Circuit) error {
	ctx, cancel := context.WithTimeout(l.Context(), d)
	defer cancel()
	return l.Install(ctx, c)
}

// A switch whose channel is lost goes on forwarding, and so do its neighbours.
func TestReconnectLosesNoPacket(t *testing.T) {
	l := start(t, ofswitch.Linear(3, emulated()), Config{})
	l.settled(3, 2)
	l.pingAll()
	l.acquainted()
	before := map[openflow.DPID]uint64{}
	for _, sw := range l.net.Switches() {
		before[sw.DPID()] = sw.Counters().FlowMods
	}
	arrived := make(chan ofswitch.Arrivals)
	go func() { arrived <- l.send("h1", "h3", 1500) }()
	time.Sleep(200 * time.Millisecond)
	l.net.Switch(2).Disconnect() // reconnects within 50 ms
	if got := <-arrived; got.Packets != 1500 {
		t.Errorf("%d of 1500 packets arrived over the reconnection of switch 2, which never stopped forwarding", got.Packets)
	}
	for _, sw := range l.net.Switches() {
		if mods := sw.Counters().FlowMods - before[sw.DPID()]; mods != 0 {
			t.Errorf("the reconnection sent switch %v %d flow mods", sw.DPID(), mods)
		}
	}
}

// The switch that is away still floods by the old tree.
func TestRestartWhileASwitchIsAwayClosesNoRing(t *testing.T) {
	n := ofswitch.Ring(3, emulated())
	k := &keeper{}
	l := start(t, n, Config{Memory: k})
	l.settled(3, 3)
	l.pingAll()
	// A switch on whose two trunks the tree goes.
	var mid openflow.DPID
	for d := openflow.DPID(1); d <= 3; d++ {
		on := 0
		for p := range l.Snapshot().Tree {
			if p.DPID == d {
				on++
			}
		}
		if on == 2 {
			mid = d
		}
	}
	away := n.Switch(mid)
	away.SetFaults(ofswitch.Faults{Refuse: true})
	away.Disconnect()
	l.until("away", func(s *topology.Snapshot) bool { return !s.Switches[mid].Connected })
	addr := l.Addr().String()
	l.stop()
	l2 := launch(t, n, Config{Listen: addr, Memory: k})
	l2.until("the others to be back, and ports that could become edges to be so", func(s *topology.Snapshot) bool {
		hosts := 0
		for _, sw := range s.Switches {
			for _, p := range sw.Ports {
				if sw.Connected && p.Role == topology.Edge {
					hosts++
				}
			}
		}
		return hosts >= 2
	})
	time.Sleep(1500 * time.Millisecond) // longer than a port is probed before it becomes an edge
	for _, h := range n.Hosts() {
		h.Send(ofswitch.ARPRequest(h.MAC(), h.Addr(), netip.MustParseAddr("10.0.9.9")))
	}
	if err := n.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := n.Stats(); s.HopLimit != 0 {
		t.Errorf("a ring is closed: %+v", s)
	}
}

// Only the one answer is lost; the channel lives.
func TestLostAnswerToTheFirstDumpIsAskedForAgain(t *testing.T) {
	n := ofswitch.Linear(2, emulated())
	var lost atomic.Int32
	n.Switch(1).SetFaults(ofswitch.Faults{Lose: func(m openflow.Message) bool {
		r, ok := m.(*openflow.MultipartReply)
		return ok && r.MPType == openflow.MultipartFlow && lost.Add(1) == 1
	}})
	l := start(t, n, Config{Audit: 100 * time.Millisecond, Patience: time.Second})
	l.until("the switch whose answer was lost to have entries", func(*topology.Snapshot) bool {
		return len(n.Switch(1).Flows(openflow.TableAll)) > 0
	})
}

func TestRemoveAskedAgainConfirmsNoSooner(t *testing.T) {
	l := start(t, ofswitch.Diamond(emulated()), Config{})
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*topology.Mbps)
	if err := l.install(c); err != nil {
		t.Fatal(err)
	}
	sw := l.net.Switch(c.Path[1].DPID)
	sw.SetFaults(ofswitch.Faults{Stall: true})
	for i := range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		err := l.Remove(ctx, "a")
		cancel()
		if err == nil {
			t.Errorf("attempt %d: removed, but switch %v is connected=%v and holds %d entries", i+1, sw.DPID(),
				l.Snapshot().Switches[sw.DPID()].Connected, l.holders(7)[sw.DPID()])
		}
	}
}

func TestSupersededMoveKeepsTheHeadWhereItWas(t *testing.T) {
	l := start(t, ofswitch.Diamond(emulated()), Config{})
	l.settled(4, 4)
	l.pingAll()
	a := l.circuit("a", 7, "h1", "h2", 40*topology.Mbps)
	if err := l.install(a); err != nil {
		t.Fatal(err)
	}
	b := a
	b.Path = otherWay(l, a.Path)
	stalled := l.net.Switch(b.Path[1].DPID)
	stalled.SetFaults(ofswitch.Faults{Stall: true})
	if err := l.installFor(500*time.Millisecond, b); err == nil {
		t.Fatal("b is confirmed")
	}
	head := l.net.Switch(1)
	if !l.forwards(head, a) {
		t.Fatal("head already switched")
	}
	if err := l.installFor(2*time.Second, a); err != nil {
		t.Logf("back to a: %v", err)
	}
	time.Sleep(200 * time.Millisecond)
	if !l.forwards(head, a) {
		t.Errorf("the head sends into the path through %v, which never confirmed; it holds %d entries", stalled.DPID(), l.holders(7)[stalled.DPID()])
	}
}

func TestMoveDoesNotWaitForTheSwitchThatItLeaves(t *testing.T) {
	l := start(t, ofswitch.Diamond(emulated()), Config{})
	l.settled(4, 4)
	l.pingAll()
	a := l.circuit("a", 7, "h1", "h2", 40*topology.Mbps)
	if err := l.install(a); err != nil {
		t.Fatal(err)
	}
	b := a
	b.Path = otherWay(l, a.Path)
	l.net.Switch(a.Path[1].DPID).SetFaults(ofswitch.Faults{Stall: true})
	ctx, cancel := context.WithCancel(t.Context())
	moved := make(chan error, 1)
	go func() { moved <- l.Install(ctx, b) }()
	l.until("the head to send past the stalled switch", func(*topology.Snapshot) bool {
		return l.forwards(l.net.Switch(1), b)
	})
	cancel()
	<-moved
}

func TestRefusalOfOneCircuitIsNotAnothers(t *testing.T) {
	l := start(t, ofswitch.Diamond(emulated()), Config{})
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*topology.Mbps)
	full := openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed, Code: uint16(openflow.FlowModFailedTableFull)}
	for _, h := range c.Path {
		l.net.Switch(h.DPID).SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
			if fm, ok := m.(*openflow.FlowMod); ok && fm.Cookie == flow.MakeCookie(flow.KindAllocation, 7) {
				return &full
			}
			return nil
		}})
	}
	if err := l.install(c); err == nil {
		t.Fatal("not refused")
	}
	if err := l.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	d := c
	d.ID, d.Handle = "b", 8 // nothing refuses this one
	if err := l.install(d); err != nil {
		t.Errorf("b was never sent, and yet: %v; holders %v", err, l.holders(8))
	}
}

func TestRefusedDumpIsNoEmptySwitch(t *testing.T) {
	l := start(t, ofswitch.Linear(2, emulated()), Config{Audit: 100 * time.Millisecond})
	l.settled(2, 1)
	l.pingAll()
	l.acquainted()
	sw := l.net.Switch(1)
	busy := openflow.Error{ErrType: openflow.ErrorTypeBadRequest, Code: 8}
	before := sw.Counters().FlowMods
	sw.SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
		if r, ok := m.(*openflow.MultipartRequest); ok && r.MPType == openflow.MultipartFlow {
			return &busy
		}
		return nil
	}})
	time.Sleep(time.Second)
	if mods := sw.Counters().FlowMods - before; mods != 0 {
		t.Errorf("because the switch refused to be dumped %d flow mods were sent", mods)
	}
}

func TestPathOverAnAbsentPortIsNotConfirmed(t *testing.T) {
	l := start(t, ofswitch.Diamond(emulated()), Config{})
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*topology.Mbps)
	c.Path = append(path.Path(nil), c.Path...)
	c.Path[1].Out = 77
	if err := l.install(c); err == nil {
		t.Errorf("confirmed over port 77, which switch %v does not have", c.Path[1].DPID)
	}
}

func TestTrunksAreNoEdgesWhereProbesAreNotHeard(t *testing.T) {
	n := ofswitch.Ring(3, emulated())
	full := openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed, Code: uint16(openflow.FlowModFailedTableFull)}
	for _, sw := range n.Switches() {
		sw.SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
			if fm, ok := m.(*openflow.FlowMod); ok && fm.Priority == 61000 {
				return &full
			}
			return nil
		}})
	}
	start(t, n, Config{})
	time.Sleep(2 * time.Second) // in which ports would become edges
	h := n.Host("h1")
	h.Send(ofswitch.ARPRequest(h.MAC(), h.Addr(), netip.MustParseAddr("10.0.9.9")))
	if err := n.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := n.Stats(); s.HopLimit+s.Overflow != 0 {
		t.Errorf("broadcast storm: %+v", s)
	}
}

func TestGuaranteeWithoutItsMeterIsNotConfirmed(t *testing.T) {
	cfg := emulated()
	l := start(t, ofswitch.Diamond(cfg), Config{})
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*topology.Mbps)
	head := l.net.Switch(1)
	out := openflow.Error{ErrType: openflow.ErrorTypeMeterModFailed, Code: uint16(openflow.MeterModFailedOutOfMeters)}
	head.SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
		if _, ok := m.(*openflow.MeterMod); ok {
			return &out
		}
		return nil
	}})
	err := l.install(c)
	if err == nil {
		t.Errorf("confirmed with a guarantee of %v, though no meter holds best effort back; meters %d", c.Rate, len(head.MeterConfigs()))
	}
}

func TestLaterRefusalIsAnnounced(t *testing.T) {
	l := start(t, ofswitch.Diamond(emulated()), Config{Audit: 50 * time.Millisecond})
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*topology.Mbps)
	if err := l.install(c); err != nil {
		t.Fatal(err)
	}
	full := openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed, Code: uint16(openflow.FlowModFailedTableFull)}
	sw := l.net.Switch(c.Path[1].DPID)
	sw.SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
		if fm, ok := m.(*openflow.FlowMod); ok && fm.Cookie == flow.MakeCookie(flow.KindAllocation, 7) && fm.Command != openflow.FlowDelete {
			return &full
		}
		return nil
	}})
	changed := l.Changed()
	del := openflow.FlowMod{Command: openflow.FlowDelete, Table: openflow.TableAll, Cookie: flow.MakeCookie(flow.KindAllocation, 7), CookieMask: ^openflow.Cookie(0),
		BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny}
	if err := sw.Apply(&del); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	case <-time.After(2 * time.Second):
		t.Errorf("the circuit is lost at %v (%d entries) and Changed says nothing", sw.DPID(), l.holders(7)[sw.DPID()])
	}
}

// meddled has an entry of a circuit in a switch lead elsewhere, of which the
// switch tells nothing, and waits until that is mended.
func (l *lab) meddled(sw *ofswitch.Switch, c path.Circuit) {
	l.Helper()
	err := sw.Apply(&openflow.FlowMod{
		Command: openflow.FlowModify, Table: 0, Cookie: flow.MakeCookie(flow.KindAllocation, uint64(c.Handle)), CookieMask: ^openflow.Cookie(0),
		BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny,
		Instructions: []openflow.Instruction{openflow.ApplyActions(openflow.Output(99, 0))},
	})
	if err != nil || l.forwards(sw, c) {
		l.Fatalf("the entry was not changed: %v", err)
	}
	l.until("the entry that was meddled with to be mended", func(*topology.Snapshot) bool { return l.forwards(sw, c) })
}

func TestRefusalDoesNotEndAudits(t *testing.T) {
	l := start(t, ofswitch.Diamond(emulated()), Config{Audit: 50 * time.Millisecond})
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*topology.Mbps)
	if err := l.install(c); err != nil {
		t.Fatal(err)
	}
	sw := l.net.Switch(1)
	full := openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed, Code: uint16(openflow.FlowModFailedTableFull)}
	sw.SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
		if fm, ok := m.(*openflow.FlowMod); ok && fm.Cookie == flow.MakeCookie(flow.KindAllocation, 8) {
			return &full
		}
		return nil
	}})
	d := c
	d.ID, d.Handle, d.Key.Proto = "b", 8, path.ProtoUDP
	if err := l.install(d); err == nil {
		t.Fatal("b is not refused")
	}
	l.meddled(sw, c)
}

func TestChangesDoNotEndAudits(t *testing.T) {
	l := start(t, ofswitch.Diamond(emulated()), Config{Audit: 50 * time.Millisecond})
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*topology.Mbps)
	if err := l.install(c); err != nil {
		t.Fatal(err)
	}
	sw := l.net.Switch(1)
	sw.SetFaults(ofswitch.Faults{Delay: ofswitch.DelayType(openflow.TypeBarrierReply, 20*time.Millisecond)})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { // faster than the switch answers
		defer close(ended)
		d := c
		d.ID, d.Handle, d.Key.Proto = "b", 8, path.ProtoUDP
		for i := 0; ctx.Err() == nil; i++ {
			d.Key.DstPort = uint16(1 + i%2)
			_ = l.installFor(5*time.Millisecond, d)
		}
	}()
	l.meddled(sw, c)
	cancel()
	<-ended
}
