package allocator

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// TestWhatGivesWay: an allocation that waits moves up when what stands in its
// way gives way, whatever that is, and is not looked at when something else
// does.
func TestWhatGivesWay(t *testing.T) {
	port := func(d, h int) topology.PortID {
		return topology.PortID{DPID: openflow.DPID(d), Port: openflow.PortNo(h)}
	}
	seen := func(d, h int) func(*topology.Snapshot) {
		return func(s *topology.Snapshot) {
			s.Attachments = append(slices.Clone(s.Attachments), topology.Attachment{Prefix: netip.PrefixFrom(host(d, h), 32), At: port(d, h)})
		}
	}
	hide := func(addrs ...netip.Addr) func(*topology.Snapshot) {
		return func(s *topology.Snapshot) {
			s.Attachments = slices.DeleteFunc(s.Attachments, func(x topology.Attachment) bool { return slices.Contains(addrs, x.Prefix.Addr()) })
		}
	}
	drop := func(t *testing.T, w *world, id string) {
		if err := w.a.Release(bg, id, 0); err != nil {
			t.Fatal(err)
		}
	}
	same := ask(1, 3, 2, 3, 1, 50) // what waits in most cases
	for _, tc := range []struct {
		name  string
		first []Request                    // there already, as id1, id2 …
		hide  []netip.Addr                 // not known at first
		other func(t *testing.T, w *world) // concerns it not
		frees func(t *testing.T, w *world) // concerns it
		waits Request
		from  Seconds // when it is planned at first; -1: not at all
	}{
		{
			name: "traffic", first: []Request{same, ask(1, 2, 2, 2, 1, 100)}, waits: same, from: 50,
			other: func(t *testing.T, w *world) { drop(t, w, "id2") }, frees: func(t *testing.T, w *world) { drop(t, w, "id1") },
		},
		{
			name: "a cable", first: []Request{ask(1, 1, 2, 1, 10, 100), ask(1, 1, 1, 2, 10, 100)}, waits: same, from: 100,
			other: func(t *testing.T, w *world) { drop(t, w, "id2") }, frees: func(t *testing.T, w *world) { drop(t, w, "id1") },
		},
		{
			name: "a cable on which less is held", first: []Request{ask(1, 1, 2, 1, 10, 100)}, waits: same, from: 100,
			other: func(t *testing.T, w *world) { w.update("id1", Change{Lease: new(Seconds(200))}) },
			frees: func(t *testing.T, w *world) { w.update("id1", Change{Bandwidth: new(bitrate.Rate(9))}) },
		},
		{
			name: "a project's limit", first: []Request{limited(ask(1, 1, 1, 2, 4, 100)), ask(1, 2, 2, 2, 2, 100)}, waits: limited(ask(1, 3, 2, 3, 3, 50)), from: 100,
			hide:  []netip.Addr{host(1, 3)},
			other: func(t *testing.T, w *world) { drop(t, w, "id2") }, frees: func(t *testing.T, w *world) { drop(t, w, "id1") },
		},
		{
			name: "a project's limit, at a start", first: []Request{limited(ask(1, 1, 1, 2, 4, 100)), ask(1, 2, 2, 2, 2, 100)}, waits: at(limited(ask(1, 3, 2, 3, 3, 50)), 1), from: -1,
			hide:  []netip.Addr{host(1, 3)},
			other: func(t *testing.T, w *world) { drop(t, w, "id2") }, frees: func(t *testing.T, w *world) { drop(t, w, "id1") },
		},
		{
			name: "an address", waits: same, from: -1, hide: []netip.Addr{host(2, 3), host(2, 1)},
			other: func(t *testing.T, w *world) { w.change(seen(2, 1)) }, frees: func(t *testing.T, w *world) { w.change(seen(2, 3)) },
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, 2, 100)
			w.cable(1, 2, 10)
			w.cfg.Limits = func(project string) (l Limits) {
				if project == "limited" {
					l.Bandwidth = new(bitrate.Rate(6))
				}
				return l
			}
			w.open()
			w.a.Settled()
			w.change(hide(tc.hide...))
			for _, r := range tc.first {
				w.create(r)
			}
			w.work()
			id := w.create(tc.waits).ID
			if slices.Contains(tc.hide, host(1, 3)) { // what could not be judged when it was asked for
				w.change(seen(1, 3))
			}
			w.work()
			if tc.from < 0 {
				w.expect(id, Pending, Window{})
			} else {
				w.expect(id, Pending, span(tc.from, tc.from+50))
			}
			w.now++
			before := w.a.plan.looked
			tc.other(t, w)
			w.work()
			if tc.from >= 0 && w.a.plan.looked != before {
				t.Errorf("%d looked at though something else gave way", w.a.plan.looked-before)
			}
			tc.frees(t, w)
			w.work()
			w.expect(id, Active, span(1, 51))
			w.checkIndexes()
		})
	}
}

// at returns the request with a start so long after that of the test.
func at(r Request, start Seconds) Request {
	r.StartTime = 1_000_000 + start
	return r
}

func limited(r Request) Request {
	r.ProjectID = "limited"
	return r
}

// TestManyLeaveTheIndexes: what has left a cable, a host or a wait list is
// forgotten in time, and what is left there is still found.
func TestManyLeaveTheIndexes(t *testing.T) {
	for _, back := range []bool{false, true} {
		manyLeave(t, back)
	}
}

// manyLeave has many leave the indexes; with back the host that is not known
// for a while is their source.
func manyLeave(t *testing.T, back bool) {
	const many, stay = 60, 3
	w, direct, _ := ring(t)
	way := func(r Request) Request {
		if back {
			r.Key.Src, r.Key.Dst = r.Key.Dst, r.Key.Src
		}
		return r
	}
	flow := func(i int) Request {
		r := way(ask(1, 1, 2, 1, 0, 1000))
		r.Key.Proto, r.Key.SrcPort, r.Key.DstPort = path.ProtoTCP, path.Port(uint16(i+1)), path.Port(80)
		return r
	}
	w.create(ask(1, 2, 2, 2, 10, 1000)) // has all of the shorter path
	w.create(ask(1, 2, 2, 3, 10, 1000)) // and of the longer one
	for i := range many {
		w.create(flow(i))
	}
	waiting := way(ask(1, 3, 2, 1, 5, 50))
	for i := range many {
		waiting.Key.Proto, waiting.Key.SrcPort, waiting.Key.DstPort = path.ProtoTCP, path.Port(uint16(i+1)), path.Port(80)
		w.create(waiting)
	}
	w.all()
	w.change(func(s *topology.Snapshot) { // nothing says where the host is
		s.Attachments = slices.DeleteFunc(s.Attachments, func(x topology.Attachment) bool { return x.Prefix.Addr() == host(2, 1) })
	})
	w.all()
	w.checkIndexes()
	list := w.list("")
	for i, v := range list[2:] {
		if i%many < many-stay {
			if err := w.a.Release(bg, v.ID, 0); err != nil {
				t.Fatal(err)
			}
			w.all()
			w.checkIndexes()
		}
	}
	at := topology.PortID{DPID: 2, Port: 3}
	w.change(func(s *topology.Snapshot) {
		cut(direct)(s)
		s.Attachments = append(slices.Clone(s.Attachments), topology.Attachment{Prefix: netip.PrefixFrom(host(2, 1), 32), At: at})
	})
	w.all()
	w.checkIndexes()
	moved := 0
	for _, v := range w.list("")[2:] {
		if v.State == Active && len(v.Path) == 3 && slices.Contains([]topology.PortID{endOf(v.Path, 0), endOf(v.Path, 1)}, at) {
			moved++
		}
	}
	if moved != stay {
		t.Errorf("%d have followed their host by the other path, want %d, back %v", moved, stay, back)
	}
}

// TestTrafficIsFreedBeforeTheStart: an allocation that is refused its start by
// the same traffic has it when that has gone.
func TestTrafficIsFreedBeforeTheStart(t *testing.T) {
	w, _ := pair(t)
	w.a.Settled()
	r := ask(1, 1, 2, 1, 1, 100)
	w.create(r)
	at := topology.PortID{DPID: 2, Port: 1}
	hidden := *w.snap
	w.change(func(s *topology.Snapshot) {
		s.Attachments = slices.DeleteFunc(s.Attachments, func(x topology.Attachment) bool { return x.At == at })
	})
	r.StartTime = w.now + 30
	second := w.create(r).ID // cannot be judged yet
	w.change(func(s *topology.Snapshot) { s.Attachments = hidden.Attachments })
	w.plan()
	if got := w.expect(second, Pending, Window{}); !strings.Contains(got.Reason, "another allocation for the same traffic") {
		t.Errorf("the reason is %q", got.Reason)
	}
	if looked, _ := w.looks(func() { w.now++ }); looked != 0 {
		t.Errorf("%d looked at while nothing has changed", looked)
	}
	if err := w.a.Release(bg, "id1", 0); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.expect(second, Pending, span(30, 130))
}

// TestUpdateAfterTheEnd: what has ended is not changed any more, and what has
// no window yet is.
func TestUpdateAfterTheEnd(t *testing.T) {
	w, _ := pair(t)
	ended := w.create(ask(1, 1, 2, 1, 1, 10)).ID
	w.work()
	w.now += 10
	_, err := w.a.Update(bg, ended, 0, Change{Duration: new(Seconds(100))})
	refused(t, err, Conflict, "")
	stranger := ask(1, 1, 2, 1, 1, 10)
	stranger.Key.Dst = path.Host(netip.MustParseAddr("192.0.2.9"))
	waits := w.create(stranger).ID
	if got, err := w.a.Update(bg, waits, 0, Change{Duration: new(Seconds(100))}); err != nil || got.Duration != 100 || got.Window != (Window{}) {
		t.Errorf("%+v, error %v", got, err)
	}
	w.work()
	w.expect(ended, Complete, span(0, 10))
	_, err = w.a.Update(bg, ended, 0, Change{Duration: new(Seconds(100))})
	refused(t, err, Conflict, "")
}

// TestWiderLink: what does not fit is looked at when a link has more capacity,
// and not when one has less.
func TestWiderLink(t *testing.T) {
	w, trunk := pair(t)
	w.a.Settled()
	w.create(ask(1, 1, 2, 1, 8, 100))
	w.work()
	id := w.create(ask(1, 2, 2, 2, 4, 50)).ID
	w.expect(id, Pending, span(100, 150))
	w.plan()
	if looked, _ := w.looks(func() { w.change(mend(trunk, 9)) }); looked != 0 {
		t.Errorf("%d looked at though the link has become narrower", looked)
	}
	w.change(mend(trunk, 12))
	w.work()
	w.expect(id, Active, span(0, 50))
}

// TestQueuedWhileItIsChanged: what is to be looked at and is being changed at
// that moment is looked at afterwards.
func TestQueuedWhileItIsChanged(t *testing.T) {
	w, direct, _ := ring(t)
	v := w.create(ask(1, 1, 2, 1, 5, 1000))
	w.work()
	w.change(cut(direct)) // it is to be looked at
	w.store.hold = make(chan struct{})
	done := make(chan error)
	go func() {
		_, err := w.a.Update(bg, v.ID, 0, Change{Lease: new(Seconds(60))})
		done <- err
	}()
	for busy := false; !busy; {
		w.a.mu.Lock()
		busy = w.a.moved(v.ID)
		w.a.mu.Unlock()
	}
	if _, err := w.a.Plan(bg); err != nil {
		t.Fatal(err)
	}
	if p := w.get(v.ID).Path; len(p) != 2 {
		t.Fatalf("moved to %v in the middle of a change", p)
	}
	w.store.mu.Lock()
	close(w.store.hold)
	w.store.hold = nil
	w.store.mu.Unlock()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.work()
	if p := w.expect(v.ID, Active, span(0, 1000)).Path; len(p) != 3 {
		t.Errorf("the path is %v", p)
	}
}

// TestRestartLooksAtNothing that has a path and a window, and at all that has
// none.
func TestRestartLooksAtNothing(t *testing.T) {
	w, _ := pair(t)
	w.create(ask(1, 1, 2, 1, 5, 1000))
	w.create(ask(1, 2, 2, 2, 2, 1000))
	w.work()
	w.now++
	w.open()
	if looked, _ := w.looks(func() {}); looked != 0 {
		t.Errorf("%d looked at after a restart", looked)
	}
	stranger := ask(1, 1, 2, 1, 1, 10)
	stranger.Key.Dst = path.Host(netip.MustParseAddr("192.0.2.9"))
	w.create(stranger)
	w.open()
	if looked, _ := w.looks(func() {}); looked != 1 {
		t.Errorf("%d looked at after a restart, want the one without a path", looked)
	}
}

// TestMovingIntoAFullProject: a running allocation changes to no project that
// has all that it may have.
func TestMovingIntoAFullProject(t *testing.T) {
	w, _ := pair(t)
	w.cfg.Limits = func(project string) (l Limits) {
		switch project {
		case "few":
			l.Active = new(1)
		case "narrow":
			l.Bandwidth = new(bitrate.Rate(3))
		}
		return l
	}
	w.open()
	v := w.create(ask(1, 1, 2, 1, 2, 100))
	other := ask(1, 2, 2, 2, 2, 100)
	other.ProjectID = "few"
	w.create(other)
	other = ask(1, 3, 2, 3, 2, 100)
	other.ProjectID = "narrow"
	w.create(other)
	w.work()
	for project, field := range map[string]string{"few": "project_id", "narrow": "bandwidth"} {
		_, err := w.a.Update(bg, v.ID, 0, Change{ProjectID: &project})
		refused(t, err, Denied, field)
	}
	if got := w.expect(v.ID, Active, span(0, 100)); got.ProjectID != "p" || got.Reason != "" {
		t.Errorf("it is %+v", got)
	}
	if err := w.a.Release(bg, "id2", 0); err != nil {
		t.Fatal(err)
	}
	w.work()
	if got, err := w.a.Update(bg, v.ID, 0, Change{ProjectID: new("few")}); err != nil || got.ProjectID != "few" || got.State != Active {
		t.Errorf("%+v, error %v", got, err)
	}
}
