package allocator

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// reversed returns the request with another rate back.
func reversed(r Request, back bitrate.Rate) Request {
	r.Reverse = path.Reverse{Apart: true, Rate: back}
	return r
}

// TestLessThanIsReservedOfADirection: when a cable carries less than is held of
// a direction, those keep their rates that were asked for first and fit, by the
// direction in which they need it.
func TestLessThanIsReservedOfADirection(t *testing.T) {
	for carries, stay := range map[bitrate.Rate][]string{
		10: {"id1", "id2", "id3", "id4"},
		9:  {"id1", "id2", "id4"}, // 6 and 3, and back 1 of each
		8:  {"id1", "id3", "id4"},
		7:  {"id1", "id3"},
		6:  {"id1", "id4"},
		5:  {"id2", "id4"},
	} {
		w, trunk := pair(t)
		w.a.Settled()
		w.create(reversed(ask(1, 1, 2, 1, 6, 1000), 1))
		w.create(reversed(ask(1, 2, 2, 2, 3, 1000), 1))
		w.create(reversed(ask(1, 3, 2, 3, 1, 1000), 6))
		w.create(reversed(ask(2, 1, 1, 2, 1, 1000), 0)) // the other way round
		w.work()
		w.change(narrow(trunk, carries))
		w.work()
		for _, id := range []string{"id1", "id2", "id3", "id4"} {
			want := Pending
			if slices.Contains(stay, id) {
				want = Active
			}
			if v := w.get(id); v.State != want {
				t.Errorf("where it carries %d %s is %s: %s", carries, id, v.State, v.Reason)
			}
		}
		w.checkPromises()
		w.checkCalendars()
	}
}

// TestLimitsOfACable: a cable has limits of its own in both directions; where
// only one is there, the other has as much.
func TestLimitsOfACable(t *testing.T) {
	w, trunk := pair(t)
	for name, x := range map[string]struct {
		change func(*topology.Snapshot)
		want   [2]bitrate.Rate
		known  bool
	}{
		"as it was":       {func(*topology.Snapshot) {}, [2]bitrate.Rate{10, 10}, true},
		"slower one way":  {func(s *topology.Snapshot) { slow(s, trunk, 4) }, [2]bitrate.Rate{4, 10}, true},
		"slower back":     {func(s *topology.Snapshot) { slow(s, trunk.Reverse(), 4) }, [2]bitrate.Rate{10, 4}, true},
		"only one way":    {func(s *topology.Snapshot) { slow(s, trunk, 4); delete(s.Links, trunk.To) }, [2]bitrate.Rate{4, 4}, true},
		"only back":       {func(s *topology.Snapshot) { slow(s, trunk.Reverse(), 4); delete(s.Links, trunk.From) }, [2]bitrate.Rate{4, 4}, true},
		"not there":       {cut(trunk), unmeasured, false},
		"an access link":  {func(*topology.Snapshot) {}, [2]bitrate.Rate{100, 100}, true},
		"of another host": {connected(1, false), unmeasured, false},
	} {
		before := w.snap
		w.change(x.change)
		id := trunk
		if name == "an access link" || name == "of another host" {
			id = topology.LinkID{To: topology.PortID{DPID: 1, Port: 1}}
		}
		w.a.mu.Lock()
		w.a.observeLocked()
		got, ok := w.a.limitsLocked(id)
		w.a.mu.Unlock()
		if got != x.want || ok != x.known {
			t.Errorf("%s: %v, known %v", name, got, ok)
		}
		w.change(func(s *topology.Snapshot) { s.Links, s.Switches = before.Links, before.Switches })
	}
}

// slow has a direction of a cable carry another rate.
func slow(s *topology.Snapshot, id topology.LinkID, c bitrate.Rate) {
	l := s.Links[id.From]
	l.Capacity = c
	s.Links[id.From] = l
}

// TestBehindManyObstacles: what finds no room on more links than are told apart
// is looked at again when any of them has some.
func TestBehindManyObstacles(t *testing.T) {
	w := newWorld(t, 2, 1000)
	var cables []topology.LinkID
	for range maxObstacles + 8 {
		cables = append(cables, w.cable(1, 2, 10))
	}
	w.open()
	w.a.Settled()
	for i := range cables {
		r := ask(1, 1, 2, 1, 10, 1000)
		r.Key.Proto, r.Key.SrcPort, r.Key.DstPort = path.ProtoUDP, path.Port(uint16(i+1)), path.Port(9)
		w.create(r)
	}
	w.work()
	waits := w.create(ask(1, 2, 2, 2, 10, 50)).ID
	w.plan()
	w.expect(waits, Pending, span(1000, 1050))
	if text := w.get(waits).Reason; !strings.HasPrefix(text, "planned for") {
		t.Errorf("the reason is %q", text)
	}
	w.pass(1)
	if err := w.a.Release(bg, "id20", 0); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.expect(waits, Active, span(1, 51))
	w.checkIndexes()
}

// TestPlannedPathMayComeBack: what is planned for later by a path that is cut
// stays there, where nothing is sooner, until shortly before its start.
func TestPlannedPathMayComeBack(t *testing.T) {
	for _, back := range []bool{false, true} {
		w := newWorld(t, 2, 100)
		first, second := w.cable(1, 2, 10), w.cable(1, 2, 10)
		w.open()
		w.a.Settled()
		w.create(ask(1, 1, 2, 1, 10, 2000))
		w.create(ask(1, 2, 2, 2, 10, 3000))
		w.work()
		waits := w.create(ask(1, 3, 2, 3, 10, 100))
		w.expect(waits.ID, Pending, span(2000, 2100))
		cable := cableOf(waits.Path.Links()[1])
		if cable != first && cable != second {
			t.Fatalf("planned on %s", cable)
		}
		w.change(cut(cable))
		w.work()
		if got := w.expect(waits.ID, Pending, span(2000, 2100)); !got.Path.Equal(waits.Path) {
			t.Errorf("long before its start it is on %v", got.Path)
		}
		want := span(3000, 3100)
		if back {
			want = span(2000, 2100)
			w.change(mend(cable, 10))
		}
		w.now += 2000 - planNear - 1
		w.work()
		w.expect(waits.ID, Pending, span(2000, 2100))
		w.pass(2)
		w.expect(waits.ID, Pending, want)
		w.checkIndexes()
	}
}

// TestPortOfAHostIsDown: nothing is free where a host's port is down, and what
// asks for it waits.
func TestPortOfAHostIsDown(t *testing.T) {
	w, _ := pair(t)
	for _, at := range []topology.PortID{{DPID: 1, Port: 1}, {DPID: 2, Port: 1}} {
		up := func(yes bool) func(*topology.Snapshot) {
			return func(s *topology.Snapshot) {
				p := s.Switches[at.DPID].Ports[at.Port]
				p.Up = yes
				s.Switches[at.DPID].Ports[at.Port] = p
			}
		}
		w.change(up(false))
		r := ask(1, 1, 2, 1, 0, 50)
		got, err := w.a.Availability(r, 100)
		if err != nil || len(got.Free) != 0 || got.Until != w.now+100 || got.Planned.Window != (Window{}) {
			t.Errorf("%v is down: %+v, %v", at, got, err)
		}
		w.change(up(true))
		if got, err = w.a.Availability(r, 100); err != nil || len(got.Free) != 1 || got.Free[0] != (Step{Window{w.now, w.now + 100}, 10}) {
			t.Errorf("%v is up: %+v, %v", at, got, err)
		}
	}
}

// TestOutlookWhereRatesAreNotEnforced: an outlook says so where a rate is not
// promised, and shows the path that there is without one.
func TestOutlookWhereRatesAreNotEnforced(t *testing.T) {
	w, _ := pair(t)
	w.cfg.RequireMeters = true
	w.open()
	w.change(enforcing(2, true, 1))
	for rate, fits := range map[bitrate.Rate]bool{0: true, 4: false} {
		got, err := w.a.Outlook(Request{Key: key(host(1, 1), host(2, 1)), Bandwidth: rate, Duration: 50})
		if err != nil || got.Fits != fits || len(got.Path) != 2 || len(got.Rooms) != 3 || strings.Contains(got.Reason, "require_meters") == fits || fits && got.Reason != "" {
			t.Errorf("at %d: %+v, %v", rate, got, err)
		}
	}
}

// TestVolumeThatNeverBegins: what has not begun when its volume cannot pass by
// its deadline any more is complete and says so, as is what has a duration.
func TestVolumeThatNeverBegins(t *testing.T) {
	for _, x := range []struct {
		change func(*Request)
		ends   Seconds
		text   string
	}{
		{func(r *Request) { r.Volume, r.MaxBandwidth = 20, 8 }, 10, "it has not begun, and its volume cannot pass by its deadline, 1970-01-12T13:47:10Z, any more"},
		{func(r *Request) { r.Duration, r.Bandwidth = 25, 4 }, 5, "it has not begun, and cannot last 25 s by its deadline, 1970-01-12T13:47:10Z, any more"},
	} {
		w, _ := pair(t)
		w.change(func(s *topology.Snapshot) {
			s.Attachments = slices.DeleteFunc(s.Attachments, func(x topology.Attachment) bool { return x.At == topology.PortID{DPID: 2, Port: 1} })
		})
		r := ask(1, 1, 2, 1, 0, 0)
		r.Deadline = w.now + 30
		x.change(&r)
		id := w.create(r).ID
		w.work()
		w.pass(x.ends)
		w.expect(id, Pending, Window{})
		w.pass(1)
		if got := w.expect(id, Complete, Window{}); !strings.HasPrefix(got.Reason, x.text+": 10.0.2.1 has not been seen") {
			t.Errorf("the reason is %q", got.Reason)
		}
	}
}

// TestHostIsSeen: an allocation for a host that is not known waits until it is
// seen, and follows it to where it is seen next, by what the snapshots of a
// network that runs say of their differences.
func TestHostIsSeen(t *testing.T) {
	w, _ := pair(t)
	now := w.cfg.Now()
	b := topology.NewBuilder(topology.Config{DefaultCapacity: 10}, now)
	at := func(d openflow.DPID, no openflow.PortNo) topology.PortID { return topology.PortID{DPID: d, Port: no} }
	for d := openflow.DPID(1); d <= 2; d++ {
		b.SwitchUp(topology.Switch{DPID: d, Tables: 254}, []openflow.Port{{No: 1}, {No: 2}, {No: 3}}, now)
		b.SwitchReady(d, now)
	}
	b.LinkSeen(at(1, 3), at(2, 3), now)
	b.LinkSeen(at(2, 3), at(1, 3), now)
	for d := openflow.DPID(1); d <= 2; d++ {
		for no := openflow.PortNo(1); no <= 2; no++ {
			for i := range 10 {
				b.Probed(at(d, no), now.Add(time.Duration(i)*time.Second))
			}
		}
	}
	for i := range 100 {
		b.Expire(now.Add(time.Duration(i) * time.Second))
	}
	w.a.cfg.Network = func() *topology.Snapshot { return b.Snapshot(now) }
	w.a.NetworkChanged()
	b.HostSeen(0, at(1, 1), openflow.MAC{2, 1}, []netip.Addr{netip.MustParseAddr("10.0.1.1")}, true, now.Add(time.Duration(101)*time.Second))
	w.a.NetworkChanged()
	id := w.create(ask(1, 1, 2, 1, 4, 1000)).ID
	w.work()
	if got := w.expect(id, Pending, Window{}); !strings.HasPrefix(got.Reason, "10.0.2.1 has not been seen") {
		t.Fatalf("%+v", got)
	}
	b.HostSeen(0, at(2, 1), openflow.MAC{2, 2}, []netip.Addr{netip.MustParseAddr("10.0.2.1")}, true, now.Add(time.Duration(102)*time.Second))
	w.a.NetworkChanged()
	w.work()
	if got := w.expect(id, Active, span(0, 1000)); endOf(got.Path, 1) != at(2, 1) {
		t.Errorf("%+v", got)
	}
}

// TestOneSwitchIsLost: what runs over one switch says what became of it.
func TestOneSwitchIsLost(t *testing.T) {
	w := newWorld(t, 1, 10)
	w.open()
	w.a.Settled()
	id := w.create(ask(1, 1, 1, 2, 4, 1000)).ID
	w.work()
	w.change(connected(1, false))
	w.work()
	if got := w.expect(id, Pending, span(0, 1000)); !strings.HasPrefix(got.Reason, "switch 0000000000000001 is not connected; ") {
		t.Errorf("reason %q", got.Reason)
	}
}

// TestLessThanIsReservedOfAnotherPath: what has left a cable takes no room
// there from what stays, when that carries less.
func TestLessThanIsReservedOfAnotherPath(t *testing.T) {
	w := newWorld(t, 2, 100)
	cables := []topology.LinkID{w.cable(1, 2, 12), w.cable(1, 2, 12)}
	w.open()
	w.a.Settled()
	on := func(i int) Elements { return ElementsOf(path.Element{Cable: cableOf(cables[i])}) }
	var ids []string
	for h := 1; h <= 2; h++ {
		r := ask(1, h, 2, h, 6, 1000)
		r.Include = on(0)
		ids = append(ids, w.create(r).ID)
	}
	w.work()
	w.update(ids[0], Change{Include: new(on(1))})
	w.work()
	w.change(mend(cables[0], 6))
	w.work()
	for i, id := range ids {
		if v := w.expect(id, Active, span(0, 1000)); v.Reason != "" || cableOf(v.Path.Links()[1]) != cableOf(cables[1-i]) {
			t.Errorf("%+v", v)
		}
	}
	if w.a.findLocked(ids[1]).displaced {
		t.Error("it has to give way")
	}
}
