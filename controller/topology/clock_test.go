package topology

import (
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/openflow"
)

// A link is lost, and a port becomes an edge port, when probes that were sent
// stay away while the controller is there to hear them; not when the controller
// is late.
func TestLatenessIsNotSilence(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	for _, tc := range []struct {
		name       string
		every      time.Duration // between calls of Expire
		lasts      time.Duration
		probe      bool
		linkIsLost bool
		edge       bool // a port where nothing was ever heard
	}{
		{"on time, short", 100 * ms, 900 * ms, true, false, false},
		{"on time", 100 * ms, 5 * s, true, false, true},
		{"on time, long", 100 * ms, 11 * s, true, true, true},
		{"a little late", 140 * ms, 11 * s, true, true, true},
		{"on time, nothing sent", 100 * ms, 60 * s, false, false, false},
		{"once, very late", 3600 * s, 3600 * s, true, false, false},
		{"late again and again", 2 * s, 60 * s, true, false, true},
		{"late for long", 2 * s, 200 * s, true, true, true},
	} {
		b := NewBuilder(Config{}, t0)
		up(b, 1, 2, t0)
		up(b, 2, 2, t0)
		plug(b, at(1, 1), at(2, 1), t0)
		for now := t0; now.Before(t0.Add(tc.lasts)); {
			now = now.Add(tc.every)
			if tc.probe {
				for _, id := range []PortID{at(1, 1), at(1, 2), at(2, 1), at(2, 2)} {
					b.Probed(id, now)
				}
			}
			b.Expire(now)
		}
		snap := b.Snapshot(t0)
		if lost := len(snap.Links) == 0; lost != tc.linkIsLost {
			t.Errorf("%s: the link is lost: %v", tc.name, lost)
		}
		if p, _ := snap.Port(at(1, 2)); (p.Role == Edge) != tc.edge {
			t.Errorf("%s: the quiet port is %v", tc.name, p.Role)
		}
	}
}

// While a network connects, a port whose neighbour has not come yet does not
// become an edge port; but it waits no longer than the grace.
func TestPortsWaitForSwitchesThatComeIn(t *testing.T) {
	b := NewBuilder(Config{}, t0)
	up(b, 1, 1, t0)
	for d := openflow.DPID(2); d < 22; d++ {
		pass(b, 700*time.Millisecond)
		up(b, d, 1, b.clock.wall)
		if p, _ := b.Snapshot(t0).Port(at(1, 1)); p.Role != Undetermined {
			t.Fatalf("when switch %v comes the first one's port is %v", d, p.Role)
		}
	}
	for d := openflow.DPID(22); d < 32; d++ {
		pass(b, 700*time.Millisecond)
		up(b, d, 1, b.clock.wall)
	}
	if p, _ := b.Snapshot(t0).Port(at(1, 1)); p.Role != Edge {
		t.Errorf("after more than the grace the port is %v", p.Role)
	}
}

// While probes take long to come back, ports become edge ports, and links are
// lost, as much later.
func TestSlowProbesSayLess(t *testing.T) {
	const slow = 4 * time.Second
	for _, tc := range []struct {
		after      time.Duration
		lost, edge bool
	}{
		{4 * time.Second, false, false},
		{5100 * time.Millisecond, false, true},
		{13 * time.Second, false, true},
		{15 * time.Second, true, true},
	} {
		b := NewBuilder(Config{}, t0)
		up(b, 1, 2, t0)
		up(b, 2, 2, t0)
		plug(b, at(1, 1), at(2, 1), t0)
		for range tc.after / (100 * time.Millisecond) {
			b.ProbeTook(slow, b.clock.wall)
			pass(b, 100*time.Millisecond)
		}
		s := b.Snapshot(t0)
		if p, _ := s.Port(at(1, 2)); (len(s.Links) == 0) != tc.lost || (p.Role == Edge) != tc.edge {
			t.Errorf("after %v there are %d links, and the quiet port is %v", tc.after, len(s.Links), p.Role)
		}
		if tc.edge {
			continue
		}
		pass(b, 4*time.Second) // probes are fast again
		if p, _ := b.Snapshot(t0).Port(at(1, 2)); p.Role != Edge {
			t.Errorf("long after the last slow probe the quiet port is %v", p.Role)
		}
	}
}

func TestDeadlinesComeInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q deadlines
		want := rapid.SliceOf(rapid.IntRange(0, 50)).Draw(t, "seconds")
		for _, s := range want {
			q.push(deadline{at: t0.Add(time.Duration(s) * time.Second)})
		}
		end := rapid.IntRange(0, 50).Draw(t, "until")
		slices.Sort(want)
		for _, s := range want {
			d, ok := q.pop(t0.Add(time.Duration(end) * time.Second))
			if ok != (s <= end) {
				t.Fatalf("second %d is due at %d: %v", s, end, ok)
			}
			if !ok {
				return
			}
			if got := d.at.Sub(t0); got != time.Duration(s)*time.Second {
				t.Fatalf("second %d came as %v", s, got)
			}
		}
	})
}

// The race detector watches this test.
func TestOldSnapshotsAreReadWhileNewOnesAreMade(t *testing.T) {
	b := ring(Config{})
	var readers sync.WaitGroup
	for i := range 50 {
		mac := openflow.MAC{0, 1, byte(i)}
		b.HostSeen(0, at(openflow.DPID(i%4+1), 3), mac, nil, true, t0)
		s := b.Snapshot(t0)
		readers.Go(func() {
			if s.Hosts.Len() != i+1 || copySnapshot(s).Hosts.Len() != i+1 || len(Diff(emptySnapshot(), s).Switches) != 4 {
				t.Errorf("snapshot %d has changed", i)
			}
		})
		b.PortChanged(1, openflow.PortModified, openflow.Port{No: 3, CurrSpeed: uint32(i)}, t0)
	}
	readers.Wait()
}

func TestLongestPrefixLocates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Snapshot
		drawAttachments(t, &s)
		located := s
		located.located = newPrefixTable(s.Attachments)
		for range 20 {
			a := drawAddr(t)
			x, okX := s.Locate(a)
			y, okY := located.Locate(a)
			if x != y || okX != okY {
				t.Fatalf("%v is at %v, %v; by index at %v, %v", a, x, okX, y, okY)
			}
		}
	})
}

// A link that is probed every five seconds, and again where a probe stays away,
// is lost as soon as one that is always probed. A link that carries is not
// probed more.
func TestSeldomProbedLinkIsLostInTime(t *testing.T) {
	const tick, pause, cut = 100 * time.Millisecond, 5 * time.Second, 32 * time.Second
	b := NewBuilder(Config{}, t0)
	up(b, 1, 2, t0)
	up(b, 2, 2, t0)
	plug(b, at(1, 1), at(2, 1), t0)
	sent, early := map[PortID]int{}, 0
	probe := func(id PortID, now time.Time) {
		b.Probed(id, now)
		sent[id]++
		if id == at(2, 1) || now.Sub(t0) < cut { // one way is cut
			b.LinkSeen(id, PortID{DPID: 3 - id.DPID, Port: 1}, now)
		}
	}
	for after := tick; ; after += tick {
		now := t0.Add(after)
		b.Expire(now)
		if after%pause == 0 {
			probe(at(1, 1), now)
			probe(at(2, 1), now)
		}
		for _, id := range b.Silent(10) {
			probe(id, now)
		}
		if after == cut {
			early = sent[at(1, 1)] + sent[at(2, 1)]
		}
		if len(b.Snapshot(now).Links) > 0 {
			if after < cut+10*time.Second {
				continue
			}
			t.Fatal("the link is not lost after 10 s")
		}
		if after < cut {
			t.Fatalf("the link is lost after %v", after)
		}
		break
	}
	if early != 12 || sent[at(1, 1)] < 6+enoughLost || sent[at(2, 1)] > 9 {
		t.Errorf("%d probes while the link carried; after that one way has had %d, the other %d", early, sent[at(1, 1)], sent[at(2, 1)])
	}
}
