package allocator

import (
	"errors"
	"slices"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// looks returns how many allocations are looked at, and for how many of them a
// path is sought, while f is done and what follows is planned.
func (w *world) looks(f func()) (looked, searched uint64) {
	w.Helper()
	looked, searched = w.a.plan.looked, w.a.plan.searched
	f()
	w.plan()
	return w.a.plan.looked - looked, w.a.plan.searched - searched
}

// TestOnlyWhatIsConcernedIsLookedAt: a change of the network costs what depends
// on what has changed, however much else there is.
func TestOnlyWhatIsConcernedIsLookedAt(t *testing.T) {
	const side, many = 5, 400
	w := torus(t, side)
	w.fill(many, side)
	var most *cable
	for _, c := range w.a.cables.byID {
		if c.id.From != topology.External && (most == nil || c.size > most.size) {
			most = c
		}
	}
	uses := uint64(most.size)
	if uses < 10 || uses > many/2 {
		t.Fatalf("%d of %d use one cable", uses, many)
	}
	spare := topology.PortID{DPID: 1, Port: 77}
	for _, tc := range []struct {
		name             string
		change           func(*topology.Snapshot)
		looked, searched uint64
	}{
		{"nothing", func(*topology.Snapshot) {}, 0, 0},
		{"a new port", func(s *topology.Snapshot) {
			s.Switches[1].Ports[spare.Port] = topology.Port{ID: spare, Up: true, Role: topology.Edge, Capacity: 1}
		}, 0, 0},
		{"a host nobody knows", func(s *topology.Snapshot) {
			s.Addrs = s.Addrs.With(host(99, 9), topology.Attachment{At: spare})
		}, 0, 0},
		{"a cable", cut(most.id), uses, uses},
		{"the cable comes back", mend(most.id, bitrate.Tbps), 0, 0},
	} {
		looked, searched := w.looks(func() { w.change(tc.change) })
		if looked != tc.looked || searched != tc.searched {
			t.Errorf("%s: %d looked at, a path sought for %d; want %d and %d", tc.name, looked, searched, tc.looked, tc.searched)
		}
		w.all()
	}
}

// TestOnlyWhatCanProfitIsLookedAt: what is freed concerns those alone in whose
// way it was.
func TestOnlyWhatCanProfitIsLookedAt(t *testing.T) {
	w := newWorld(t, 3, 100)
	w.cable(1, 2, 10)
	w.cable(1, 3, 10)
	w.open()
	w.a.Settled()
	here, there := w.create(ask(1, 1, 2, 1, 10, 100)), w.create(ask(3, 1, 3, 2, 10, 100))
	for range 5 {
		w.create(ask(1, 3, 2, 2, 10, 50)) // have to wait for the first
	}
	w.all()
	w.now++
	drop := func(id string) func() {
		return func() {
			if err := w.a.Release(bg, id, 0); err != nil {
				t.Fatal(err)
			}
			w.all()
		}
	}
	if looked, _ := w.looks(drop(there.ID)); looked != 0 {
		t.Errorf("%d looked at when other links are free", looked)
	}
	if looked, searched := w.looks(drop(here.ID)); looked == 0 || searched == 0 {
		t.Errorf("%d looked at, paths sought for %d when their cable is free", looked, searched)
	}
	w.expect("id3", Active, span(1, 51))
	w.expect("id7", Pending, span(201, 251))
	looked, _ := w.looks(func() { w.pass(48) }) // the first of the five ends as it should
	if looked != 0 {
		t.Errorf("%d looked at because something ended when it was to end", looked)
	}
}

// TestOldestFirst: of what a failure concerns, that which runs goes first, and
// the oldest of it before the others.
func TestOldestFirst(t *testing.T) {
	w := newWorld(t, 3, 1000)
	direct := w.cable(1, 2, 1000)
	w.cable(1, 3, 3)
	w.cable(3, 2, 3)
	w.open()
	w.a.Settled()
	late := ask(1, 1, 2, 3, 1, 100)
	late.StartTime = w.now + 30
	w.create(late)
	for i := range 5 {
		r := ask(1, 1, 2, 1, 1, 100)
		r.Key.Proto, r.Key.SrcPort, r.Key.DstPort = 6, path.Port(uint16(i+1)), path.Port(80)
		w.create(r)
	}
	w.all()
	w.change(cut(direct))
	w.all()
	var moved []string
	for _, v := range w.list("") {
		if v.State == Active {
			moved = append(moved, v.ID)
		}
	}
	if !slices.Equal(moved, []string{"id2", "id3", "id4"}) {
		t.Errorf("moved %v, want the three that were there first", moved)
	}
}

// TestReportsShareACommit: what is reported together is saved together.
func TestReportsShareACommit(t *testing.T) {
	w := torus(t, 3)
	for i := range 100 {
		w.create(across(i, 3))
	}
	tasks, _ := w.a.Due(1000)
	before := w.store.commits
	results := make([]Result, len(tasks))
	for i, task := range tasks {
		if results[i].Task = task; i%10 == 0 {
			results[i].Err, results[i].Again = errors.New("no"), (w.now + 60).Time()
		}
	}
	w.store.fail = errors.New("disk full")
	if err := w.a.Report(results...); err == nil {
		t.Error("reported without a store")
	}
	w.store.fail = nil
	w.now += 2
	tasks, _ = w.a.Due(1000)
	if len(tasks) != 90 {
		t.Fatalf("%d tasks come again, want 90", len(tasks))
	}
	results = results[:0]
	for _, task := range tasks {
		results = append(results, Result{Task: task})
	}
	if err := w.a.Report(results...); err != nil {
		t.Fatal(err)
	}
	if n := w.store.commits - before; n != 2 {
		t.Errorf("%d commits for two reports of 100 tasks", n)
	}
	if n := w.a.Counts("")[Active]; n != 90 {
		t.Errorf("%d active, want 90", n)
	}
	w.checkCalendars()
}

// TestReportOfWhatIsBeingChanged waits for the change, and only for that.
func TestReportOfWhatIsBeingChanged(t *testing.T) {
	w, _ := pair(t)
	first, second := w.create(ask(1, 1, 2, 1, 1, 60)), w.create(ask(1, 2, 2, 2, 1, 60))
	tasks, _ := w.a.Due(10)
	w.store.hold = make(chan struct{})
	updated := make(chan error)
	go func() {
		_, err := w.a.Update(bg, first.ID, 0, Change{Duration: new(Seconds(90))})
		updated <- err
	}()
	for busy := false; !busy; {
		w.a.mu.Lock()
		busy = tasks[0].item.busy != nil
		w.a.mu.Unlock()
	}
	reported := make(chan error)
	go func() { reported <- w.a.Report(Result{Task: tasks[0]}, Result{Task: tasks[1]}) }()
	close(w.store.hold)
	if err := errors.Join(<-updated, <-reported); err != nil {
		t.Fatal(err)
	}
	w.expect(first.ID, Active, span(0, 90))
	w.expect(second.ID, Active, span(0, 60))
}

// TestHostIsFollowed: a path follows its host wherever that is seen, and stays
// where it was while the host is not known.
func TestHostIsFollowed(t *testing.T) {
	w := torus(t, 3)
	v := w.create(ask(1, 1, 5, 1, 1, 1000))
	w.all()
	mac := openflow.MAC{5: 1}
	at := func(port openflow.PortNo) func(*topology.Snapshot) {
		return func(s *topology.Snapshot) {
			s.Addrs, s.Hosts = s.Addrs.Without(host(5, 1)), s.Hosts.Without(topology.HostID{MAC: mac})
			if port != 0 {
				id := topology.PortID{DPID: 5, Port: port}
				s.Addrs = s.Addrs.With(host(5, 1), topology.Attachment{At: id})
				s.Hosts = s.Hosts.With(topology.HostID{MAC: mac}, topology.Host{MAC: mac, At: id})
			}
		}
	}
	out := func() openflow.PortNo {
		w.all()
		got := w.expect(v.ID, Active, span(0, 1000))
		return got.Path[len(got.Path)-1].Out
	}
	for _, step := range []struct{ seen, path openflow.PortNo }{{2, 2}, {0, 2}, {2, 2}, {0, 2}, {3, 3}, {1, 1}} {
		w.change(at(step.seen))
		if got := out(); got != step.path {
			t.Errorf("seen at %d, but the path leads to %d", step.seen, got)
		}
	}
}
