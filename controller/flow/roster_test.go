package flow

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// TestBudgets says what the meters of a switch with four ports are for, of each
// number that makes a difference.
func TestBudgets(t *testing.T) {
	for _, x := range []struct {
		meters uint32
		want   budget
	}{
		{0, budget{}},
		{1, budget{shared: true}},
		{2, budget{ups: 1, shared: true}},
		{3, budget{ups: 1, shared: true, policers: 1}},
		{19, budget{ups: 1, shared: true, policers: 17}},
		{20, budget{ups: 2, shared: true, alone: true, policers: 13}},
		{23, budget{ups: 2, shared: true, alone: true, policers: 16}},
		{24, budget{ups: 2, storms: true, shared: true, alone: true, policers: 13}},
		{1000, budget{ups: 2, storms: true, shared: true, alone: true, policers: 989}},
	} {
		ports := map[openflow.PortNo]topology.Port{1: {}, 2: {}, 3: {}, 4: {}}
		v := &view{policy: Policy{Forwarding: ForwardL2, Meter: true}, sw: topology.Switch{Meters: x.meters, Numbered: true, Ports: ports}}
		if got := v.budget(); got != x.want {
			t.Errorf("%d meters: %+v, want %+v", x.meters, got, x.want)
		}
		if x.meters == 0 {
			continue
		}
		v.sw.Meters, v.sw.Numbered = x.meters+1, false // one is for the trial
		v = &view{policy: v.policy, sw: v.sw}
		if got := v.budget(); got != x.want {
			t.Errorf("%d meters and one: %+v, want %+v", x.meters, got, x.want)
		}
	}
}

// TestRosterAgainstList: of circuits that come, go and come to need more or
// fewer policers the first have them, by handle, as far as the meters go; those
// are made again that have or lose theirs, and no others.
func TestRosterAgainstList(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var l roster
		members := make([]*member, 8)
		for i := range members {
			members[i] = &member{id: string(rune('a' + i)), handle: uint32(rapid.IntRange(0, 9).Draw(rt, "handle"))}
		}
		needs := map[*member]int{}
		polices := func(most int) map[*member]bool {
			list := slices.SortedFunc(slices.Values(members), byHandle)
			has, left, full := map[*member]bool{}, most, false
			bound := uint32(0)
			for _, m := range list {
				if n := needs[m]; n > 0 && !full {
					if left -= n; left < 0 {
						full, bound = true, max(m.handle, 1)
					}
				}
			}
			for _, m := range list { // circuits of one handle have theirs together
				has[m] = !full || m.handle < bound
			}
			return has
		}
		was := polices(1 << 20)
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			m := rapid.SampledFrom(members).Draw(rt, "circuit")
			needs[m] = rapid.IntRange(0, 2).Draw(rt, "policers")
			l.set(m, uint8(needs[m]))
			most := rapid.IntRange(0, 14).Draw(rt, "meters")
			turned := map[*member]bool{}
			l.limit(most, func(m *member) { turned[m] = true })
			is := polices(most)
			for _, m := range members {
				if needs[m] == 0 {
					continue
				}
				if l.has(m.handle) != is[m] {
					rt.Fatalf("circuit %d has a policer: %v, with %d meters and %v", m.handle, !is[m], most, l)
				}
				if was[m] != is[m] && !turned[m] || was[m] == is[m] && turned[m] {
					rt.Fatalf("circuit %d had a policer: %v, has one: %v, is made again: %v", m.handle, was[m], is[m], turned[m])
				}
			}
			was = is
		}
	})
}

// TestWhichEntriesAreOfCircuits by their table and priority.
func TestWhichEntriesAreOfCircuits(t *testing.T) {
	for _, x := range []struct {
		table    openflow.TableID
		priority uint16
		want     bool
	}{
		{tableAllocations, prioTooBig - 1, false}, {tableAllocations, prioTooBig, true}, {tableAllocations, prioFragment, true},
		{tableAllocations, prioReserved - 1, true}, {tableAllocations, prioReserved, false}, {tableAllocations, prioProbe, false},
		{tableLearning, prioAllocation, false}, {tableForwarding, prioAllocation, false},
	} {
		if got := ofCircuit(openflow.EntryKey{Table: x.table, Priority: x.priority}); got != x.want {
			t.Errorf("table %d, priority %d: %v", x.table, x.priority, got)
		}
	}
}

// TestMetersThatAreNearlyTheSame: a switch may round a rate by a tenth, or by
// what it counts in, and not to nothing.
func TestMetersThatAreNearlyTheSame(t *testing.T) {
	for _, x := range []struct {
		a, b Meter
		want bool
	}{
		{Meter{Rate: 100}, Meter{Rate: 164}, true}, {Meter{Rate: 100}, Meter{Rate: 165}, false},
		{Meter{Rate: 100}, Meter{Rate: 36}, true}, {Meter{Rate: 100}, Meter{Rate: 35}, false},
		{Meter{Rate: 60}, Meter{Rate: 1}, true}, {Meter{Rate: 60}, Meter{Rate: 0}, false},
		{Meter{Rate: 1000}, Meter{Rate: 1100}, true}, {Meter{Rate: 1000}, Meter{Rate: 1101}, false},
		{Meter{Rate: 1000}, Meter{Rate: 900}, true}, {Meter{Rate: 1000}, Meter{Rate: 899}, false},
		{Meter{Packets: true, Rate: 100}, Meter{Packets: true, Rate: 110}, true}, {Meter{Packets: true, Rate: 100}, Meter{Packets: true, Rate: 111}, false},
		{Meter{Packets: true, Rate: 100}, Meter{Rate: 100}, false}, {Meter{Rate: 100}, Meter{Packets: true, Rate: 100}, false},
		{Meter{Rate: 100, Burst: 5}, Meter{Rate: 100, Burst: 500}, true},
	} {
		if got := x.a.nearly(x.b); got != x.want {
			t.Errorf("%+v and %+v: %v", x.a, x.b, got)
		}
	}
}

// TestRatesOfFrames: what frames take of a link beside their bytes is counted
// where it is known, by their size.
func TestRatesOfFrames(t *testing.T) {
	for _, x := range []struct {
		f          Frames
		size       int
		wire, rate bitrate.Rate
	}{
		{Frames{Overhead: 24}, 1000, 1024, 1000}, {Frames{Overhead: 24}, 24, 2048, 1024}, {Frames{Overhead: 24}, 0, 1024, 1024}, {Frames{}, 1000, 1024, 1024},
	} {
		if got := x.f.frames(x.wire, x.size); got != x.rate {
			t.Errorf("%+v: frames of %d have %d of %d, want %d", x.f, x.size, got, x.wire, x.rate)
		}
		if got := x.f.wire(x.rate, x.size); got != x.wire {
			t.Errorf("%+v: %d of frames of %d take %d, want %d", x.f, x.rate, x.size, got, x.wire)
		}
	}
	f := Frames{Overhead: 24, Allocated: 1000}
	for _, x := range []struct {
		bestEffort, learned int
		reserved, want      bitrate.Rate
	}{
		{24, 1000, 1000, 512}, {0, 24, 1000, 512}, {0, 0, 1000, 1000}, {0, 0, 0, 2000}, {0, 0, 2000, 0}, {0, 0, 3000, 0},
	} {
		f.BestEffort = x.bestEffort
		if got := f.left(topology.Port{Capacity: 2048, FrameSize: x.learned}, x.reserved); got != x.want {
			t.Errorf("beside %d frames of %d, or %d, have %d, want %d", x.reserved, x.bestEffort, x.learned, got, x.want)
		}
	}
}

// TestStepsOfPortions: a portion is rounded down to a step of the circuit, by
// less than half; what is given up is rounded up by a sixteenth at most.
func TestStepsOfPortions(t *testing.T) {
	for _, x := range []struct{ portion, handle, want uint32 }{
		{15, 0, 0}, {16, 0, 16}, {31, 0, 16}, {32, 0, 32}, {63, 0, 32}, {1 << 20, 0, 1 << 20}, {30, 15, 0}, {31, 15, 31}, {61, 15, 31}, {62, 15, 62}, {62, 31, 62}, {0, 7, 0},
	} {
		if got := stepped(x.portion, x.handle); got != x.want {
			t.Errorf("of a portion of %d circuit %d has %d, want %d", x.portion, x.handle, got, x.want)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		portion, handle := rapid.Uint32Range(0, 1<<30).Draw(rt, "portion"), rapid.Uint32().Draw(rt, "handle")
		if got := stepped(portion, handle); got > portion || portion >= 31 && 2*got <= portion {
			rt.Errorf("of a portion of %d circuit %d has %d", portion, handle, got)
		}
		beyond := bitrate.Rate(rapid.Uint64Range(0, 1<<50).Draw(rt, "beyond"))
		if got := givenUp(beyond); got < beyond || got > beyond+beyond/16 || givenUp(got) != got {
			rt.Errorf("%d are given up for %d", got, beyond)
		}
	})
	for spare, want := range map[bitrate.Rate]bitrate.Rate{0: 0, 8: 7, 80: 70, 8000: 7000} {
		if got := mostGivenUp(spare); got != want {
			t.Errorf("of a spare part of %d %d are given up at most, want %d", spare, got, want)
		}
	}
	for _, x := range []struct {
		rate  bitrate.Rate
		least uint32
		want  bitrate.Rate
	}{{5000, 5, 0}, {5000, 4, 0}, {5000, 6, 1000}, {0, 1, 1000}} {
		if got := beyond(x.rate, x.least); got != x.want {
			t.Errorf("%d kbit/s exceed %d by %d, want %d", x.least, x.rate, got, x.want)
		}
	}
}

// TestPreferredWays: a switch may go by another port to where it is as near,
// and by no other, nor may one that is not known, or is there.
func TestPreferredWays(t *testing.T) {
	n := square(t, threeTables)
	r := n.Routes
	now, ok := r.Next(1, 3)
	if !ok || now != 1 && now != 2 {
		t.Fatalf("from 1 to 3 by %d", now)
	}
	other := 3 - now
	for _, x := range []struct {
		from, to openflow.DPID
		port     openflow.PortNo
	}{{99, 3, other}, {99, 3, now}, {1, 99, other}, {3, 3, 1}, {1, 3, now}, {1, 3, 3}, {1, 3, 77}, {1, 2, 1}} {
		if r.Prefer(x.from, x.to, x.port) {
			t.Errorf("from %d to %d by %d is preferred", x.from, x.to, x.port)
		}
	}
	if got, _ := r.Next(1, 3); got != now {
		t.Errorf("from 1 to 3 by %d, want %d", got, now)
	}
	if !r.Prefer(1, 3, other) {
		t.Error("what is as near is not preferred")
	}
	if got, _ := r.Next(1, 3); got != other {
		t.Errorf("from 1 to 3 by %d, want %d", got, other)
	}
}

// TestGuardsGoFirst: what keeps loops out is sent before circuits, and each
// circuit whole before the next one, later tables and high priorities first.
func TestGuardsGoFirst(t *testing.T) {
	rule := func(g guard, cookie openflow.Cookie, table openflow.TableID, prio uint16, in openflow.PortNo) *slot {
		r := &Rule{Table: table, Priority: prio, Cookie: cookie, Match: openflow.Match{openflow.InPort(in)}, guard: g}
		r.key = r.Match.Key()
		return &slot{pair: pair[Rule]{want: r}}
	}
	gone := func(prio uint16) *slot {
		r := rule(noGuard, 1, 0, prio, 1)
		r.have, r.want = r.want, nil
		return r
	}
	want := []*slot{
		rule(bar, 9, 1, 5, 1), rule(watch, 9, 0, 9, 1), rule(bar, 9, 0, 5, 1),
		rule(noGuard, 1, 2, 1, 1), rule(noGuard, 1, 0, 9, 1), rule(noGuard, 1, 0, 9, 2), rule(noGuard, 1, 0, 8, 1), rule(noGuard, 2, 2, 1, 1),
		gone(1), gone(2),
	}
	for i, a := range want {
		for j, b := range want {
			if got := compareUrgent(a, b); cmp.Compare(got, 0) != cmp.Compare(i, j) {
				t.Errorf("%d and %d compare as %d", i, j, got)
			}
		}
	}
}

// TestNumbersOfAnotherRange: what was known of a switch is taken over only if
// it has the same range of meters.
func TestNumbersOfAnotherRange(t *testing.T) {
	old := NewNumbers(10, shortBurst)
	old.assign(7)
	for most, want := range map[openflow.MeterID]openflow.MeterID{10: 10, 9: 0, 11: 0} {
		n := NewNumbers(most, shortBurst)
		n.Recall(nil)
		if n.Recall(old); n.Number(7) != want || n.next == 9 != (want != 0) && most != 9 {
			t.Errorf("with numbers up to %d the meter has %d", most, n.Number(7))
		}
	}
	packets := NewNumbers(10, shortBurst)
	for m, want := range map[Meter]bool{
		upMeter(upRate, true): true, upMeter(stormRate, true): true, upMeter(upRate, false): true, police(5000, shortBurst): true,
		{Packets: true, Rate: 5000, Burst: police(5000, shortBurst).Burst}: false,
	} {
		if got := packets.typical(m); got != want {
			t.Errorf("%+v is typical: %v", m, got)
		}
	}
}

// TestVisits: a circuit visits a switch in the same way only if all is the same
// that its entries there depend on.
func TestVisits(t *testing.T) {
	c := protected()
	for name, change := range map[string]func(*path.Circuit){
		"another key":       func(c *path.Circuit) { c.Key.Proto = path.ProtoUDP },
		"another handle":    func(c *path.Circuit) { c.Handle++ },
		"another rate":      func(c *path.Circuit) { c.Rate++ },
		"a rate back":       func(c *path.Circuit) { c.Reverse = path.Reverse{Apart: true, Rate: 1} },
		"another port in":   func(c *path.Circuit) { c.Path[0].In = 9 },
		"another port out":  func(c *path.Circuit) { c.Path[0].Out = 9 },
		"without a backup":  func(c *path.Circuit) { c.Backup = nil },
		"another backup":    func(c *path.Circuit) { c.Backup[0].Out = 9 },
		"not the first hop": func(c *path.Circuit) { c.Path = append(path.Path{{DPID: 9}}, c.Path...) },
		"not there":         func(c *path.Circuit) { c.Path = c.Path[1:] },
		"the last hop":      func(c *path.Circuit) { c.Path = c.Path[:1] },
	} {
		d := c
		d.Path, d.Backup = slices.Clone(c.Path), slices.Clone(c.Backup)
		if !sameVisits([]path.Circuit{c}, []path.Circuit{d}, 1) {
			t.Fatal("the same circuit visits a switch in another way")
		}
		if change(&d); sameVisits([]path.Circuit{c}, []path.Circuit{d}, 1) {
			t.Errorf("%s: is the same visit", name)
		}
	}
	far := c
	far.Path = slices.Clone(c.Path)
	far.Path[2].Out = 9
	if !sameVisits([]path.Circuit{c}, []path.Circuit{far}, 2) || sameVisits([]path.Circuit{c}, []path.Circuit{c, c}, 2) || !sameVisits(nil, []path.Circuit{c}, 77) {
		t.Error("what is done elsewhere makes a difference, or what is done twice does not")
	}
}
