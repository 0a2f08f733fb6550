package stats

import (
	"maps"
	"sync/atomic"
	"testing"
	"time"

	"conga/controller/topology"
	"conga/openflow"
)

// unqueue has a port of switch 1 not use its queue, or use it again.
func (p *fakeNetwork) unqueue(no openflow.PortNo, is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, sw := *p.snap, p.snap.Switches[1]
	sw.Ports = maps.Clone(sw.Ports)
	port := sw.Ports[no]
	port.ID, port.Unqueued = topology.PortID{DPID: 1, Port: no}, is
	sw.Ports[no] = port
	s.Switches = maps.Clone(s.Switches)
	s.Switches[1] = sw
	p.snap = &s
}

// What was delivered and dropped is not claimed where a switch on the way did
// not use the queue; the receipt does not claim it either, after a restart and
// although the switch has come to use it.
func TestUnprovenDeliveryIsNotClaimed(t *testing.T) {
	kept := newCupboard()
	var complete atomic.Bool
	with := func(c *Config) {
		c.Archive = kept
		c.Owner = func(string) (Owner, bool) { return Owner{Project: "p", Complete: complete.Load()}, true }
	}
	sent, nothing := Volume{10, 1000}, Volume{Unkept, Unkept}
	claims := func(t *testing.T, when string, a Allocation, delivered Volume) {
		t.Helper()
		if a.Forward.Entered != sent || a.Forward.Delivered != delivered || a.Unproven != (delivered == nothing) ||
			(a.Forward.Dropped == nothing) != a.Unproven || a.Unproven && (a.Forward.DeliveredRate != nil || a.Reverse.Delivered != nothing) {
			t.Errorf("%s: %+v", when, a)
		}
	}
	watch(t, with, func(t *testing.T, p *Poller, src *fakeNetwork) {
		src.install(p, circuitOver(1))
		src.send(sent)
		pass(10 * time.Second)
		claims(t, "at first", p.Allocation("a"), sent)
		out := circuitOver(1).Path[0].Out
		src.unqueue(out+7, true)
		claims(t, "with another port's queue", p.Allocation("a"), sent)
		src.unqueue(out, true)
		claims(t, "at once", p.Allocation("a"), nothing)
		p.Leave("a")
		src.unqueue(out, false)
		pass(20 * time.Second)
		claims(t, "the receipt", p.Allocation("a"), nothing)
		complete.Store(true)
		p.Changed("a", Owner{Project: "p", Complete: true}, false)
		pass(10 * time.Second)
	})
	watch(t, with, func(t *testing.T, p *Poller, _ *fakeNetwork) {
		claims(t, "after a restart", p.Allocation("a"), nothing)
	})
}

// What a queue was not used for is known after a restart, too, though the
// allocation goes on.
func TestDoubtOutlivesARestart(t *testing.T) {
	kept := newCupboard()
	with := func(c *Config) { c.Archive = kept }
	watch(t, with, func(t *testing.T, p *Poller, src *fakeNetwork) {
		src.install(p, circuitOver(1))
		src.send(Volume{10, 1000})
		src.unqueue(circuitOver(1).Path[0].Out, true)
		pass(10 * time.Second)
	})
	watch(t, with, func(t *testing.T, p *Poller, src *fakeNetwork) {
		src.install(p, circuitOver(1))
		if a := p.Allocation("a"); !a.Unproven {
			t.Errorf("it is forgotten: %+v", a)
		}
	})
}
