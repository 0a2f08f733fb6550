package allocator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"conga/controller/topology"
	"conga/openflow"
)

// enforcing has a switch enforce rates as far as that.
func enforcing(d openflow.DPID, unmetered bool, unpoliced uint32) func(*topology.Snapshot) {
	return func(s *topology.Snapshot) {
		s.Switches = maps.Clone(s.Switches)
		sw := s.Switches[d]
		sw.Unmetered, sw.Unpoliced = unmetered, unpoliced
		s.Switches[d] = sw
	}
}

// An active allocation says at which switch its rate is not enforced, as that
// is now; one without a rate, or by other switches, has nothing to say.
func TestUnenforcedRatesAreSaid(t *testing.T) {
	w, _, _ := ring(t)
	w.open()
	w.a.Settled()
	direct := w.create(ask(1, 1, 2, 1, 5, 1000))
	second := w.create(ask(1, 2, 2, 2, 4, 1000))
	around := w.create(ask(1, 3, 2, 3, 9, 1000))
	plain := w.create(ask(1, 1, 2, 3, 0, 1000))
	w.work()
	says := func(when string, want map[string]string) {
		t.Helper()
		for id, name := range map[string]string{direct.ID: "direct", second.ID: "second", around.ID: "around", plain.ID: "plain"} {
			got := w.expect(id, Active, span(0, 1000)).Reason
			if prefix, has := want[name]; (got != "") != has || !strings.HasPrefix(got, prefix) {
				t.Errorf("%s: %s says %q, want %q", when, name, got, prefix)
			}
		}
	}
	says("at first", nil)
	w.change(enforcing(3, true, 1))
	says("without meters at a switch on the way", map[string]string{"around": "its rate is not enforced at switch 0000000000000003, which has no meters"})
	w.change(enforcing(3, false, 1))
	says("without policers at a switch on the way", nil)
	w.change(enforcing(2, false, second.Handle))
	few := "its rate is not enforced at switch 0000000000000002, which has too few meters"
	says("with too few policers at an end", map[string]string{"second": few, "around": few})
	w.change(enforcing(2, false, 0))
	says("with enough again", nil)
}

// An active allocation says at which port a switch on its way does not use the
// queue that is meant for it.
func TestUnusedQueuesAreSaid(t *testing.T) {
	w, direct, around := ring(t)
	w.open()
	w.a.Settled()
	first := w.create(ask(1, 1, 2, 1, 5, 1000)).ID
	second := w.create(ask(1, 3, 2, 3, 9, 1000)).ID
	w.work()
	unqueue := func(id topology.PortID, is bool) {
		w.change(func(s *topology.Snapshot) {
			queue := uint32(5)
			s.Switches = maps.Clone(s.Switches)
			sw := s.Switches[id.DPID]
			sw.Ports = maps.Clone(sw.Ports)
			p := sw.Ports[id.Port]
			p.Queue, p.Unqueued = &queue, is
			sw.Ports[id.Port], s.Switches[id.DPID] = p, sw
		})
	}
	for _, c := range []struct {
		port          topology.PortID
		first, second bool
	}{{direct.From, true, false}, {direct.To, true, false}, {around.From, false, true}} {
		unqueue(c.port, true)
		want := fmt.Sprintf("switch %s does not use queue 5 at port %d", c.port.DPID, c.port.Port)
		for id, says := range map[string]bool{first: c.first, second: c.second} {
			if got := w.expect(id, Active, span(0, 1000)).Reason; strings.HasPrefix(got, want) != says || !says && got != "" {
				t.Errorf("%s says %q; %q: %t", id, got, want, says)
			}
		}
		unqueue(c.port, false)
	}
}

// Where the operator requires meters, rates are planned by switches that
// enforce them, or refused with a sentence, and what runs elsewhere moves.
func TestRatesRequireMeters(t *testing.T) {
	w, _, _ := ring(t)
	w.cfg.RequireMeters = true
	w.change(enforcing(3, true, 1))
	w.open()
	w.a.Settled()
	direct := w.create(ask(1, 1, 2, 1, 9, 1000))
	w.work()
	w.expect(direct.ID, Active, span(0, 1000))
	if later := w.create(ask(1, 2, 2, 2, 9, 1000)); later.Window.Start != span(1000, 2000).Start || len(later.Path) != 2 {
		t.Errorf("planned by a switch that does not enforce rates, or not at all: %+v", later)
	}
	if plain := w.create(ask(1, 3, 2, 3, 0, 1000)); len(plain.Path) == 0 {
		t.Errorf("what has no rate is not planned: %+v", plain)
	}
	w.refused(ask(1, 3, 3, 3, 1, 1000), "no path enforces a rate: switch 0000000000000003 has no meters that CONGA can use")
	w.change(enforcing(2, false, direct.Handle+1))
	w.refused(ask(1, 3, 2, 3, 1, 1000), "switch 0000000000000002, by which the traffic enters, has too few meters")
	w.work()
	w.expect(direct.ID, Active, span(0, 1000)) // it has its policer

	// The switches of the one that runs lose their meters, and others get some.
	w.change(enforcing(3, false, 0))
	w.change(enforcing(2, true, 1))
	w.work()
	if got := w.expect(direct.ID, Pending, span(0, 1000)); !strings.Contains(got.Reason, "switch 0000000000000002 has no meters that CONGA can use") {
		t.Errorf("it goes on without a word: %+v", got)
	}
	w.change(enforcing(2, false, 0))
	w.work()
	if got := w.expect(direct.ID, Active, span(0, 1000)); got.Reason != "" {
		t.Errorf("%+v", got)
	}
}

// refused fails the test unless a request is refused with such a sentence.
func (w *world) refused(r Request, prefix string) {
	w.Helper()
	_, err := w.a.Create(context.Background(), r)
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != Conflict || e.Field != "bandwidth" || !strings.HasPrefix(e.Err.Error(), prefix) {
		w.Fatalf("refused with %v, want %q", err, prefix)
	}
}

// TestWaitsForMeters: what may not have its rate where it enters, because the
// switch has too few meters, waits until that has enough.
func TestWaitsForMeters(t *testing.T) {
	for _, d := range []openflow.DPID{1, 2} {
		w, _ := pair(t)
		w.cfg.RequireMeters = true
		w.open()
		w.a.Settled()
		at := topology.PortID{DPID: d, Port: 1}
		attachments := w.snap.Attachments
		w.change(func(s *topology.Snapshot) {
			s.Attachments = slices.DeleteFunc(s.Attachments, func(x topology.Attachment) bool { return x.At == at })
		})
		id := w.create(ask(1, 1, 2, 1, 4, 50)).ID // cannot be judged yet
		w.change(enforcing(d, false, 1))
		w.change(func(s *topology.Snapshot) { s.Attachments = attachments })
		w.work()
		if got := w.expect(id, Pending, Window{}); !strings.HasPrefix(got.Reason, "switch "+d.String()+", by which the traffic enters, has too few meters") {
			t.Errorf("the reason is %q", got.Reason)
		}
		w.pass(1)
		w.change(enforcing(d, false, 0))
		w.work()
		w.expect(id, Active, span(1, 51))
		w.checkIndexes()
	}
}

// TestWaitsForMetersOnTheWay: what may not have its rate since the one switch
// between has no meters begins when that has some.
func TestWaitsForMetersOnTheWay(t *testing.T) {
	w := newWorld(t, 3, 100)
	w.cable(1, 3, 10)
	w.cable(3, 2, 10)
	w.cfg.RequireMeters = true
	w.open()
	w.a.Settled()
	attachments := w.snap.Attachments
	w.change(func(s *topology.Snapshot) {
		s.Attachments = slices.DeleteFunc(s.Attachments, func(x topology.Attachment) bool { return x.Prefix.Addr() == host(2, 1) })
	})
	id := w.create(ask(1, 1, 2, 1, 4, 50)).ID // cannot be judged yet
	w.change(enforcing(3, true, 1))
	w.change(func(s *topology.Snapshot) { s.Attachments = attachments })
	w.work()
	if got := w.expect(id, Pending, Window{}); !strings.Contains(got.Reason, "switch 0000000000000003 has no meters") {
		t.Errorf("the reason is %q", got.Reason)
	}
	w.pass(1)
	w.change(enforcing(3, false, 0))
	w.work()
	w.expect(id, Active, span(1, 51))
}
