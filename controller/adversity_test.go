package controller

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conga/bitrate"
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
	linear := func(c ofswitch.TopologyConfig) *ofswitch.Network { return ofswitch.Linear(3, c) }
	inBubble(t, linear, Config{}, reconnectLosesNoPacket)
}

func reconnectLosesNoPacket(l *lab) {
	l.settled(3, 2)
	l.pingAll()
	l.acquainted()
	before := map[openflow.DPID]uint64{}
	for _, sw := range l.net.Switches() {
		before[sw.DPID()] = sw.Counters().FlowMods
	}
	arrived := make(chan ofswitch.Arrivals)
	go func() { arrived <- l.send("h1", "h3", 1500) }()
	time.Sleep(200 * time.Millisecond) // the first of them
	l.net.Switch(2).Disconnect()       // reconnects within 50 ms
	if got := <-arrived; got.Packets != 1500 {
		l.Errorf("%d of 1500 packets arrived over the reconnection of switch 2, which never stopped forwarding", got.Packets)
	}
	for _, sw := range l.net.Switches() {
		if mods := sw.Counters().FlowMods - before[sw.DPID()]; mods != 0 {
			l.Errorf("the reconnection sent switch %v %d flow mods", sw.DPID(), mods)
		}
	}
}

// The switch that is away still floods by the old tree.
func TestRestartWhileASwitchIsAwayClosesNoRing(t *testing.T) {
	k := &keeper{}
	ring := func(c ofswitch.TopologyConfig) *ofswitch.Network { return ofswitch.Ring(3, c) }
	inBubble(t, ring, Config{SavedNetwork: k}, func(l *lab) { restartWithoutOne(l, k) })
}

func restartWithoutOne(l *lab, k *keeper) {
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
	away := l.net.Switch(mid)
	away.SetFaults(ofswitch.Faults{Refuse: true})
	away.Disconnect()
	l.until("away", func(s *topology.Snapshot) bool { return !s.Switches[mid].Connected })
	l.stop()
	l = l.again(Config{SavedNetwork: k})
	time.Sleep(10 * time.Second) // longer than a port is probed before it becomes an edge
	edges := 0
	for _, sw := range l.Snapshot().Switches {
		for _, p := range sw.Ports {
			if sw.Connected && p.Role == topology.Edge {
				edges++
			}
		}
	}
	if edges != 2 {
		l.Errorf("%d ports have become edges; want those of the two hosts", edges)
	}
	for _, h := range l.net.Hosts() {
		h.Send(ofswitch.ARPRequest(h.MAC(), h.Addr(), netip.MustParseAddr("10.0.9.9")))
	}
	if err := l.net.Settle(l.Context()); err != nil {
		l.Fatal(err)
	}
	if s := l.net.Stats(); s.HopLimit != 0 {
		l.Errorf("a ring is closed: %+v", s)
	}
}

// A switch dies while the controller is away, though its neighbours' ports stay
// up. The others do without it as soon as they have been here for some seconds,
// broadcasts included, and lose nothing when it returns.
func TestRestartBesideADeadSwitch(t *testing.T) {
	for _, dead := range []openflow.DPID{2, 3} {
		k := &keeper{}
		inBubble(t, ofswitch.Diamond, Config{SavedNetwork: k}, func(l *lab) { restartBesideTheDead(l, k, l.net.Switch(dead)) })
	}
}

func restartBesideTheDead(l *lab, k *keeper, dead *ofswitch.Switch) {
	l.settled(4, 4)
	l.pingAll()
	l.acquainted()
	l.stop()
	dead.SetFaults(ofswitch.Faults{Refuse: true})
	dead.Disconnect()
	all := &openflow.FlowMod{Command: openflow.FlowDelete, Table: openflow.TableAll, BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny}
	if err := dead.Apply(all); err != nil {
		l.Fatal(err)
	}
	l = l.again(Config{SavedNetwork: k})
	time.Sleep(4 * time.Second)
	for _, ends := range [][2]string{{"h1", "h2"}, {"h2", "h1"}} {
		if got := l.send(ends[0], ends[1], 100); got.Packets != 100 {
			l.Errorf("without switch %v %d of 100 packets from %s arrive", dead.DPID(), got.Packets, ends[0])
		}
	}
	l.net.Host("h1").Forget()
	soon, cancel := context.WithTimeout(l.Context(), time.Second)
	defer cancel()
	if _, err := l.net.Host("h1").Ping(soon, l.net.Host("h2").Addr()); err != nil {
		l.Errorf("without switch %v: %v", dead.DPID(), err)
	}
	dead.SetFaults(ofswitch.Faults{})
	arrived := make(chan ofswitch.Arrivals)
	go func() { arrived <- l.send("h1", "h2", 5000) }()
	if got := <-arrived; got.Packets != 5000 {
		l.Errorf("%d of 5000 packets arrive while switch %v returns", got.Packets, dead.DPID())
	}
	l.settled(4, 4)
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
	inBubble(t, ofswitch.Diamond, Config{}, removeAskedAgain)
}

func removeAskedAgain(l *lab) {
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	if err := l.install(c); err != nil {
		l.Fatal(err)
	}
	sw := l.net.Switch(c.Path[1].DPID)
	sw.SetFaults(ofswitch.Faults{Stall: true})
	for i := range 2 {
		ctx, cancel := context.WithTimeout(l.Context(), 500*time.Millisecond)
		err := l.Remove(ctx, "a")
		cancel()
		if err == nil {
			l.Errorf("attempt %d: removed, but switch %v is connected=%v and holds %d entries", i+1, sw.DPID(),
				l.Snapshot().Switches[sw.DPID()].Connected, l.holders(7)[sw.DPID()])
		}
	}
}

func TestSupersededMoveKeepsTheHeadWhereItWas(t *testing.T) {
	inBubble(t, ofswitch.Diamond, Config{}, supersededMove)
}

func supersededMove(l *lab) {
	l.settled(4, 4)
	l.pingAll()
	a := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	if err := l.install(a); err != nil {
		l.Fatal(err)
	}
	b := a
	b.Path = otherWay(l, a.Path)
	stalled := l.net.Switch(b.Path[1].DPID)
	stalled.SetFaults(ofswitch.Faults{Stall: true})
	if err := l.installFor(500*time.Millisecond, b); err == nil {
		l.Fatal("b is confirmed")
	}
	head := l.net.Switch(1)
	if !l.forwards(head, a) {
		l.Fatal("head already switched")
	}
	if err := l.installFor(2*time.Second, a); err != nil {
		l.Logf("back to a: %v", err)
	}
	synctest.Wait()
	if !l.forwards(head, a) {
		l.Errorf("the head sends into the path through %v, which never confirmed; it holds %d entries", stalled.DPID(), l.holders(7)[stalled.DPID()])
	}
}

func TestMoveDoesNotWaitForTheSwitchThatItLeaves(t *testing.T) {
	l := start(t, ofswitch.Diamond(emulated()), Config{})
	l.settled(4, 4)
	l.pingAll()
	a := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
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

// A switch that hangs does not keep a circuit, whose path is cut elsewhere,
// from another path.
func TestInstallGivesUpAPathThatIsCut(t *testing.T) {
	l := start(t, ofswitch.Diamond(emulated()), Config{})
	l.settled(4, 4)
	l.pingAll()
	a := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	b := a
	b.Path = otherWay(l, a.Path)
	mid := a.Path[1].DPID
	l.net.Switch(mid).SetFaults(ofswitch.Faults{Stall: true})
	installed := make(chan error, 1)
	go func() { installed <- l.install(a) }()
	l.until("the head to send to the switch that hangs", func(*topology.Snapshot) bool {
		return l.forwards(l.net.Switch(a.Path[0].DPID), a)
	})
	l.net.LinkBetween(a.Path[0].DPID, mid).Cut()
	if err := <-installed; err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the path is cut, and a switch of it hangs: %v", err)
	}
	if !l.Snapshot().Switches[mid].Connected {
		t.Error("it was given up only when the switch was")
	}
	ctx, cancel := context.WithCancel(t.Context())
	moved := make(chan error, 1)
	go func() { moved <- l.Install(ctx, b) }()
	l.until("the head to send the other way", func(*topology.Snapshot) bool {
		return l.forwards(l.net.Switch(b.Path[0].DPID), b)
	})
	cancel()
	<-moved
}

func TestPathOverAnAbsentPortIsNotConfirmed(t *testing.T) {
	l := start(t, ofswitch.Diamond(emulated()), Config{})
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	c.Path = append(path.Path(nil), c.Path...)
	c.Path[1].Out = 77
	if err := l.install(c); err == nil {
		t.Errorf("confirmed over port 77, which switch %v does not have", c.Path[1].DPID)
	}
}

func TestTrunksAreNoEdgesWhereProbesAreNotHeard(t *testing.T) {
	full := openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed, Code: uint16(openflow.FlowModFailedTableFull)}
	var refused atomic.Int32
	deaf := func(c ofswitch.TopologyConfig) *ofswitch.Network {
		n := ofswitch.Ring(3, c)
		for _, sw := range n.Switches() {
			sw.SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
				if fm, ok := m.(*openflow.FlowMod); ok && fm.Priority == 61000 {
					refused.Add(1)
					return &full
				}
				return nil
			}})
		}
		return n
	}
	inBubble(t, deaf, Config{}, func(l *lab) {
		time.Sleep(10 * time.Second) // in which ports would become edges
		if refused.Load() == 0 {
			l.Fatal("the entry that has probes heard is not among those that are refused")
		}
		h := l.net.Host("h1")
		h.Send(ofswitch.ARPRequest(h.MAC(), h.Addr(), netip.MustParseAddr("10.0.9.9")))
		if err := l.net.Settle(l.Context()); err != nil {
			l.Fatal(err)
		}
		if s := l.net.Stats(); s.HopLimit+s.Overflow != 0 {
			l.Errorf("broadcast storm: %+v", s)
		}
	})
}
