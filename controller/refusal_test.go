package controller

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/flow"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// What must hold when switches refuse what is asked of them.

func TestRefusalOfOneCircuitIsNotAnothers(t *testing.T) {
	l := start(t, ofswitch.Diamond(emulated()), Config{})
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	full := openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed, Code: uint16(openflow.FlowModFailedTableFull)}
	for _, h := range c.Path {
		l.net.Switch(h.DPID).SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
			if fm, ok := m.(*openflow.FlowMod); ok && fm.Cookie == purpose.MakeCookie(purpose.Allocation, 7) {
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

// What a switch does not tell of counts neither as gone nor as there.
func TestRefusedDumpIsNoEmptySwitch(t *testing.T) {
	inBubble(t, ofswitch.Diamond, Config{Audit: 100 * time.Millisecond}, refusedDump)
}

func refusedDump(l *lab) {
	l.settled(4, 4)
	l.pingAll()
	l.acquainted()
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	if err := l.install(c); err != nil {
		l.Fatal(err)
	}
	sw := l.net.Switch(1)
	busy := openflow.Error{ErrType: openflow.ErrorTypeBadRequest, Code: 8}
	var dumps, refused atomic.Int32
	refuse := func(dump func(n int32) bool) {
		dumps.Store(0)
		refused.Store(0)
		sw.SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
			if r, ok := m.(*openflow.MultipartRequest); ok && r.MPType == openflow.MultipartFlow && dump(dumps.Add(1)) {
				refused.Add(1)
				return &busy
			}
			return nil
		}})
	}
	all := func(int32) bool { return true }
	unchanged := func(when string, before uint64) {
		l.Helper()
		time.Sleep(2 * time.Second)
		if refused.Load() == 0 {
			l.Fatalf("%s: the switch was never asked", when)
		}
		if mods := sw.Counters().FlowMods - before; mods != 0 {
			l.Errorf("%s: because the switch refused to be dumped %d flow mods were sent", when, mods)
		}
	}
	refuse(all)
	unchanged("audit", sw.Counters().FlowMods)

	// An audit has found a difference, and is not told which.
	refuse(func(n int32) bool { return n%2 == 0 })
	l.bend(sw, c)
	unchanged("audit that has found a difference", sw.Counters().FlowMods)
	sw.SetFaults(ofswitch.Faults{})
	l.until("the entry that was meddled with to be mended", func(*topology.Snapshot) bool { return l.forwards(sw, c) })

	refuse(all)
	before := sw.Counters().FlowMods
	sw.Disconnect()
	unchanged("reconnection", before)
	sw.SetFaults(ofswitch.Faults{})
	l.until("the switch to be back", func(s *topology.Snapshot) bool { return s.Switches[1].Connected && l.held(s) })
	if mods := sw.Counters().FlowMods - before; mods != 0 {
		l.Errorf("the reconnection sent %d flow mods", mods)
	}
}

func TestGuaranteeWithoutItsMeterIsNotConfirmed(t *testing.T) {
	cfg := emulated()
	l := start(t, ofswitch.Diamond(cfg), Config{})
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	head := l.net.Switch(1)
	out := openflow.Error{ErrType: openflow.ErrorTypeMeterModFailed, Code: uint16(openflow.MeterModFailedBadRate)}
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

// A policer that a switch refuses is its circuit's affair: others that share
// the way still get theirs. A meter for what goes up to the controller concerns
// none.
func TestRefusedPolicerIsNotAnothers(t *testing.T) {
	inBubble(t, ofswitch.Diamond, Config{}, func(l *lab) {
		l.settled(4, 4)
		l.pingAll()
		refused := map[openflow.MeterID]bool{purpose.PolicerID(8): true, purpose.BackPolicerID(8): true, purpose.TeachingID: true}
		bad := openflow.Error{ErrType: openflow.ErrorTypeMeterModFailed, Code: uint16(openflow.MeterModFailedBadRate)}
		for _, sw := range l.net.Switches() {
			sw.SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
				if m, ok := m.(*openflow.MeterMod); ok && m.Command != openflow.MeterDelete && refused[m.ID] {
					return &bad
				}
				return nil
			}})
		}
		sharing := func(id string, handle uint32, port uint16) path.Circuit {
			c := l.circuit(id, handle, "h1", "h2", 10*bitrate.Mbps)
			c.Key.Proto, c.Key.DstPort = path.ProtoTCP, path.Port(port)
			return c
		}
		if err := l.install(sharing("a", 7, 80)); err != nil {
			l.Fatal(err)
		}
		if err := l.install(sharing("b", 8, 81)); err == nil {
			l.Error("the circuit whose policer is refused is confirmed")
		}
		if err := l.install(sharing("c", 9, 82)); err != nil {
			l.Errorf("another circuit gets: %v", err)
		}
	})
}

func TestLaterRefusalIsAnnounced(t *testing.T) {
	inBubble(t, ofswitch.Diamond, Config{Audit: 50 * time.Millisecond}, laterRefusal)
}

func laterRefusal(l *lab) {
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	if err := l.install(c); err != nil {
		l.Fatal(err)
	}
	full := openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed, Code: uint16(openflow.FlowModFailedTableFull)}
	sw := l.net.Switch(c.Path[1].DPID)
	sw.SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
		if fm, ok := m.(*openflow.FlowMod); ok && fm.Cookie == purpose.MakeCookie(purpose.Allocation, 7) && fm.Command != openflow.FlowDelete {
			return &full
		}
		return nil
	}})
	changed := l.Changed()
	del := openflow.FlowMod{Command: openflow.FlowDelete, Table: openflow.TableAll, Cookie: purpose.MakeCookie(purpose.Allocation, 7), CookieMask: ^openflow.Cookie(0),
		BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny}
	if err := sw.Apply(&del); err != nil {
		l.Fatal(err)
	}
	select {
	case <-changed:
	case <-time.After(2 * time.Second):
		l.Errorf("the circuit is lost at %v (%d entries) and Changed says nothing", sw.DPID(), l.holders(7)[sw.DPID()])
	}
}

// bend has an entry of a circuit in a switch lead elsewhere, of which the
// switch tells nothing.
func (l *lab) bend(sw *ofswitch.Switch, c path.Circuit) {
	l.Helper()
	err := sw.Apply(&openflow.FlowMod{
		Command: openflow.FlowModify, Table: 0, Cookie: purpose.MakeCookie(purpose.Allocation, uint64(c.Handle)), CookieMask: ^openflow.Cookie(0),
		BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny,
		Instructions: []openflow.Instruction{openflow.ApplyActions(openflow.Output(99, 0))},
	})
	if err != nil || l.forwards(sw, c) {
		l.Fatalf("the entry was not changed: %v", err)
	}
}

// meddled has an entry of a circuit in a switch lead elsewhere, and waits until
// that is mended.
func (l *lab) meddled(sw *ofswitch.Switch, c path.Circuit) {
	l.Helper()
	l.bend(sw, c)
	l.until("the entry that was meddled with to be mended", func(*topology.Snapshot) bool { return l.forwards(sw, c) })
}

func TestRefusalDoesNotEndAudits(t *testing.T) {
	l := start(t, ofswitch.Diamond(emulated()), Config{Audit: 50 * time.Millisecond})
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	if err := l.install(c); err != nil {
		t.Fatal(err)
	}
	sw := l.net.Switch(1)
	full := openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed, Code: uint16(openflow.FlowModFailedTableFull)}
	sw.SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
		if fm, ok := m.(*openflow.FlowMod); ok && fm.Cookie == purpose.MakeCookie(purpose.Allocation, 8) {
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
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
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
			d.Key.DstPort = path.Port(uint16(1 + i%2))
			_ = l.installFor(5*time.Millisecond, d)
		}
	}()
	l.meddled(sw, c)
	cancel()
	<-ended
}

// What limits best effort is there before what relies on it, though both leave
// together.
func TestBarrierBetweenMetersAndCircuits(t *testing.T) {
	l := start(t, ofswitch.Diamond(emulated()), Config{})
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	head := l.net.Switch(c.Path[0].DPID)
	var mu sync.Mutex
	var order []openflow.Type
	head.SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
		mu.Lock()
		defer mu.Unlock()
		switch fm, ok := m.(*openflow.FlowMod); {
		case m.Type() == openflow.TypeMeterMod, m.Type() == openflow.TypeBarrierRequest,
			ok && fm.Cookie == purpose.MakeCookie(purpose.Allocation, 7):
			order = append(order, m.Type())
		}
		return nil
	}})
	if err := l.install(c); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	order = order[max(0, slices.Index(order, openflow.TypeMeterMod)):] // what came before is of the start
	got := slices.Compact(order)
	want := []openflow.Type{openflow.TypeMeterMod, openflow.TypeBarrierRequest, openflow.TypeFlowMod, openflow.TypeBarrierRequest}
	if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("sent are %v; want %v first", got, want)
	}
}

// A refusal for an unknown reason that passes teaches nothing; one that does
// not has the switch forward without what it lacks.
func TestUnknownRefusals(t *testing.T) {
	unknown := openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed, Code: uint16(openflow.FlowModFailedUnknown)}
	for name, c := range map[string]struct {
		refuse func(fm *openflow.FlowMod, first bool) bool
		lacks  topology.Lacks
	}{
		"that pass": {func(_ *openflow.FlowMod, first bool) bool { return first }, 0},
		"of flags":  {func(fm *openflow.FlowMod, _ bool) bool { return fm.Flags&openflow.FlowSendFlowRem != 0 }, topology.LacksRemovals},
	} {
		t.Run(name, func(t *testing.T) {
			build := func(cfg ofswitch.TopologyConfig) *ofswitch.Network {
				n, seen := pair(cfg), map[string]bool{}
				n.Switch(1).SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
					fm, ok := m.(*openflow.FlowMod)
					if !ok {
						return nil
					}
					what := fmt.Sprint(fm.Table, fm.Priority, fm.Match)
					first := !seen[what]
					seen[what] = true
					if c.refuse(fm, first) {
						return &unknown
					}
					return nil
				}})
				return n
			}
			inBubble(t, build, Config{}, func(l *lab) {
				time.Sleep(time.Minute)
				l.settled(2, 1)
				l.pingAll()
				if got := l.Snapshot().Switches[1].Lacks; got != c.lacks {
					l.Errorf("the switch lacks %b, want %b", got, c.lacks)
				}
			})
		})
	}
}

// What a switch has refused is reported once what is wanted does without what
// the switch lacks: not after a change from before the core knew of that, and
// even if nothing changes by it.
func TestARefusalIsReportedOnceItIsHeeded(t *testing.T) {
	b := newBoard(t, 2)
	s := b.peers[1].session
	w := s.mail.take()
	s.flows = flow.NewReconciler(*w.state, w.whole)
	if w.first != 0 {
		s.flows.Want(w.patch, w.first, w.last)
	}
	wantHeldBack := func(when string, want bool) {
		t.Helper()
		if s.want(); s.learned != want {
			t.Errorf("%s: reports are held back: %t; want %t", when, s.learned, want)
		}
	}
	s.learned, s.found = true, 1
	b.ask(func(r chan<- error) event { return install{along(1, 2), r} })
	b.draw()
	wantHeldBack("a change from before", true)
	b.apply(lacking{s, topology.LacksBursts, 1})
	b.rested = time.Now().Add(time.Hour)
	b.settle()
	wantHeldBack("the core knows, and makes no snapshot yet", true)
	b.draw()
	wantHeldBack("what is wanted was made again", false)
	s.learned, s.found = true, 2
	b.apply(lacking{s, topology.LacksBursts, 2})
	b.draw()
	wantHeldBack("the core knew it, and nothing has changed", false)
	s.learned, s.found = true, 4
	b.apply(roomy{s, 50, 3})
	b.draw()
	wantHeldBack("the first of two was heeded", true)
	b.apply(lacking{s, topology.LacksMarks, 4})
	b.apply(roomy{s, 60, 0})
	b.draw()
	b.apply(roomy{s, 50, 0})
	b.draw()
	wantHeldBack("both were, whatever room there is", false)
	s.learned, s.found = true, 5
	b.apply(lacking{s, topology.LacksMeters, 5})
	b.rested = time.Time{}
	b.settle()
	wantHeldBack("that it polices no more is news for the next snapshot", false)
}
