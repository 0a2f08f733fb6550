package allocator

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
)

func (w *world) update(id string, c Change) Allocation {
	w.Helper()
	v, err := w.a.Update(bg, id, 0, c)
	if err != nil {
		w.Fatalf("update: %v", err)
	}
	return v
}

func TestUpdatePending(t *testing.T) {
	w, _ := pair(t)
	w.create(ask(1, 1, 2, 1, 6, 100))
	v := w.create(ask(1, 2, 2, 2, 6, 50))
	w.expect(v.ID, Pending, span(100, 150))
	w.update(v.ID, Change{Bandwidth: new(bitrate.Rate(4)), Duration: new(Seconds(70))})
	w.expect(v.ID, Pending, span(0, 70))
	w.update(v.ID, Change{StartTime: new(w.now + 200)})
	w.expect(v.ID, Pending, span(200, 270))
	_, err := w.a.Update(bg, v.ID, v.Revision, Change{Duration: new(Seconds(5))})
	refused(t, err, Stale, "")
	_, err = w.a.Update(bg, v.ID, 0, Change{Bandwidth: new(bitrate.Rate(11))})
	refused(t, err, Conflict, "bandwidth")
	_, err = w.a.Update(bg, v.ID, 0, Change{Duration: new(Seconds(0))})
	refused(t, err, Invalid, "duration")
	_, err = w.a.Update(bg, "nobody", 0, Change{})
	refused(t, err, NotFound, "")
	before := w.expect(v.ID, Pending, span(200, 270))
	if same := w.update(v.ID, Change{Duration: new(Seconds(70))}); same.Revision != before.Revision {
		t.Error("a change to what is already so made a new revision")
	}
	w.checkCalendars()
}

func TestUpdateActive(t *testing.T) {
	w, _ := pair(t)
	v := w.create(ask(1, 1, 2, 1, 6, 100))
	w.work()
	w.pass(10)
	w.update(v.ID, Change{Duration: new(Seconds(200))})
	w.expect(v.ID, Active, span(0, 200))
	if tasks, _ := w.a.Due(10); len(tasks) != 0 {
		t.Errorf("a longer duration makes work for the network: %v", tasks)
	}
	got := w.update(v.ID, Change{Bandwidth: new(bitrate.Rate(10))})
	if got.State != Active || got.Reason == "" {
		t.Errorf("raised rate before the switches have confirmed it: %+v", got)
	}
	w.work()
	if got := w.expect(v.ID, Active, span(0, 200)); got.Reason != "" || got.Bandwidth != 10 {
		t.Errorf("raised rate: %+v", got)
	}
	// Lowering frees capacity only when the network has confirmed.
	w.update(v.ID, Change{Bandwidth: new(bitrate.Rate(2))})
	r := ask(1, 2, 2, 2, 8, 10)
	r.StartTime = w.now
	_, err := w.a.Create(bg, r)
	refused(t, err, Conflict, "bandwidth")
	w.work()
	w.create(r)
	// A refused change changes nothing.
	before := w.get(v.ID)
	_, err = w.a.Update(bg, v.ID, 0, Change{Bandwidth: new(bitrate.Rate(3))})
	refused(t, err, Conflict, "bandwidth")
	if e := refused(t, err, Conflict, "bandwidth"); e.Offer.Later != 0 || e.Offer.Slower != 2 {
		t.Errorf("offer to a running allocation: %+v", e.Offer)
	}
	for _, c := range []Change{{Duration: new(Seconds(10))}, {Duration: new(Seconds(5))}} {
		_, err = w.a.Update(bg, v.ID, 0, c)
		refused(t, err, Invalid, "duration")
	}
	_, err = w.a.Update(bg, v.ID, 0, Change{StartTime: new(w.now + 5)})
	refused(t, err, Conflict, "start_time")
	if after := w.get(v.ID); after.Revision != before.Revision {
		t.Errorf("refused changes made %+v of %+v", after, before)
	}
	w.checkCalendars()
}

func TestUpdateActiveMoves(t *testing.T) {
	w, _ := pair(t)
	v := w.create(ask(1, 1, 2, 1, 6, 100))
	w.work()
	k := v.Key
	k.Dst = path.Host(host(2, 2))
	got := w.update(v.ID, Change{Key: &k})
	if got.State != Active || got.Path[1].Out != 2 || got.Reason == "" {
		t.Errorf("moved to %+v", got)
	}
	tasks, _ := w.a.Due(10)
	if len(tasks) != 1 || tasks[0].Do != Install || tasks[0].Circuit.Key != k {
		t.Fatalf("due: %+v", tasks)
	}
	if err := w.a.Installed(tasks[0]); err != nil {
		t.Fatal(err)
	}
	k.Dst = path.Host(host(9, 9))
	_, err := w.a.Update(bg, v.ID, 0, Change{Key: &k})
	if e := refused(t, err, Conflict, "dst_ip"); !strings.Contains(e.Error(), "10.0.9.9 has not been seen yet") {
		t.Errorf("moved to an unknown host: %v", e)
	}
	other := ask(1, 3, 2, 3, 0, 100)
	w.create(other)
	_, err = w.a.Update(bg, v.ID, 0, Change{Key: &other.Key})
	refused(t, err, Conflict, "")
	w.work()
	w.checkCalendars()
	w.checkLoads()
}

func TestUpdateKeepsPathIfItCan(t *testing.T) {
	w := newWorld(t, 2, 100)
	w.cable(1, 2, 10)
	w.cable(1, 2, 20)
	w.open()
	small := w.create(ask(1, 1, 2, 1, 15, 100)) // takes the wide cable
	v := w.create(ask(1, 2, 2, 2, 6, 100))      // the other has more left
	w.work()
	if err := w.a.Release(bg, small.ID, 0); err != nil {
		t.Fatal(err)
	}
	w.work()
	if got := w.update(v.ID, Change{Bandwidth: new(bitrate.Rate(8))}); !got.Path.Equal(v.Path) {
		t.Errorf("moved from %v to %v without need", v.Path, got.Path)
	}
	if got := w.update(v.ID, Change{Bandwidth: new(bitrate.Rate(12))}); got.Path.Equal(v.Path) {
		t.Errorf("stayed on %v, which is too narrow", got.Path)
	}
}

func TestDeleteWhileInstalling(t *testing.T) {
	w, _ := pair(t)
	v := w.create(ask(1, 1, 2, 1, 6, 100))
	tasks, _ := w.a.Due(1)
	if err := w.a.Release(bg, v.ID, 0); err != nil {
		t.Fatal(err)
	}
	if more, _ := w.a.Due(1); len(more) != 0 {
		t.Fatalf("two tasks for one allocation: %v", more)
	}
	w.expect(w.create(ask(1, 2, 2, 2, 6, 10)).ID, Pending, span(100, 110))
	if err := w.a.Installed(tasks[0]); err != nil {
		t.Fatal(err)
	}
	tasks, _ = w.a.Due(1)
	if len(tasks) != 1 || tasks[0].Do != Remove || tasks[0].Circuit.ID != v.ID {
		t.Fatalf("due: %+v", tasks)
	}
	if err := w.a.Removed(tasks[0]); err != nil {
		t.Fatal(err)
	}
	w.plan()
	w.expect("id2", Pending, span(0, 10))
	w.checkCalendars()
}

func TestSuccessorWaitsForEntriesToGo(t *testing.T) {
	w, _ := pair(t)
	first := w.create(ask(1, 1, 2, 1, 6, 10))
	next := w.create(ask(1, 2, 2, 2, 6, 10))
	again := w.create(ask(1, 1, 2, 1, 0, 10)) // the same traffic as the first
	w.work()
	w.now += 10
	tasks, _ := w.a.Due(10)
	if len(tasks) != 1 || tasks[0].Do != Remove || tasks[0].Circuit.ID != first.ID {
		t.Fatalf("due: %+v", tasks)
	}
	if err := w.a.Removed(tasks[0]); err != nil {
		t.Fatal(err)
	}
	tasks, _ = w.a.Due(10)
	if len(tasks) != 2 || tasks[0].Circuit.ID != next.ID || tasks[1].Circuit.ID != again.ID {
		t.Fatalf("due after the entries are out: %+v", tasks)
	}
}

// TestChangeOfAllAtOnce: of a change that names many attributes none is lost.
func TestChangeOfAllAtOnce(t *testing.T) {
	w, _ := pair(t)
	r := ask(1, 1, 2, 1, 6, 100)
	r.StartTime = w.now + 500
	r.Hold = 60
	id := w.create(r).ID
	want := r
	want.Key = key(host(1, 2), host(2, 2))
	want.ProjectID, want.Duration, want.Bandwidth, want.Lease, want.ActiveLease, want.Hold, want.StartTime, want.MaxHops = "q", 50, 3, 600, 700, 90, w.now+600, 4
	got := w.update(id, Change{
		ProjectID: &want.ProjectID, Key: &want.Key, Duration: &want.Duration, Bandwidth: &want.Bandwidth, Lease: &want.Lease, ActiveLease: &want.ActiveLease,
		Hold: &want.Hold, StartTime: &want.StartTime, MaxHops: &want.MaxHops,
	})
	if got.Request != want {
		t.Errorf("it asks for %+v, want %+v", got.Request, want)
	}
}

// TestMovingIntoAProjectThatMayNotWait: what waits counts among what waits of
// the project that it is changed to.
func TestMovingIntoAProjectThatMayNotWait(t *testing.T) {
	w, _ := pair(t)
	w.cfg.Limits = func(project string) (l Limits) {
		if project == "q" {
			l.Pending, l.Horizon = new(1), new(Seconds(100))
		}
		return l
	}
	w.open()
	first, second, far := w.create(fixed(w, 1, 1, 50, 60)).ID, w.create(fixed(w, 2, 1, 50, 60)).ID, w.create(fixed(w, 3, 1, 150, 160)).ID
	_, err := w.a.Update(bg, far, 0, Change{ProjectID: new("q")})
	refused(t, err, Denied, "start_time")
	w.update(first, Change{ProjectID: new("q")})
	_, err = w.a.Update(bg, second, 0, Change{ProjectID: new("q")})
	refused(t, err, Denied, "project_id")
	w.update(first, Change{Bandwidth: new(bitrate.Rate(2))}) // it waits already
}

// TestChangeOfWhatIsBeingCreated: until an allocation is saved others cannot
// change it, and are told so at once.
func TestChangeOfWhatIsBeingCreated(t *testing.T) {
	w, _ := pair(t)
	w.store.hold = make(chan struct{})
	done := make(chan error)
	go func() {
		_, err := w.a.Create(bg, ask(1, 1, 2, 1, 6, 100))
		done <- err
	}()
	for begun := false; !begun; {
		w.a.mu.Lock()
		begun = w.a.findLocked("id1") != nil
		w.a.mu.Unlock()
	}
	_, err := w.a.Update(bg, "id1", 0, Change{Duration: new(Seconds(50))})
	refused(t, err, NotFound, "")
	refused(t, w.a.Release(bg, "id1", 0), NotFound, "")
	close(w.store.hold)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.expect("id1", Pending, span(0, 100))
}

// TestDeletionSaysByWhom: an event of a deletion names the user that has made
// it, if that is not the owner.
func TestDeletionSaysByWhom(t *testing.T) {
	w, _ := pair(t)
	var events []string
	w.cfg.Notify = func(v Allocation, deleted bool) {
		events = append(events, fmt.Sprint(v.ID, " ", v.State, " ", deleted, " ", v.ChangedBy))
	}
	w.open()
	for i, by := range []string{"boss", "u"} {
		id := w.create(ask(1, 1+i, 2, 1+i, 1, 100)).ID
		for range 2 {
			if err := w.a.Release(By(bg, by), id, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := []string{
		"id1 pending false ", "id1 complete false boss", "id1 complete true boss",
		"id2 pending false ", "id2 complete false ", "id2 complete true ",
	}
	if !slices.Equal(events, want) {
		t.Errorf("events are %q", events)
	}
}

// TestTrafficInTheWayIsSaid: what waits for traffic says whether another
// allocation has all of its own or part of it.
func TestTrafficInTheWayIsSaid(t *testing.T) {
	for _, part := range []bool{false, true} {
		w, _ := pair(t)
		other := ask(1, 1, 2, 1, 1, 100)
		want := "another allocation has this traffic"
		if part {
			other.Key.Proto, other.Key.DstPort = path.ProtoTCP, path.PortsOf(path.PortRange{First: 80, Last: 81})
			want = "another allocation has part of this traffic"
		}
		w.create(other)
		w.work()
		r := ask(1, 1, 2, 1, 1, 100)
		if part {
			r.Key.Proto, r.Key.DstPort = path.ProtoTCP, path.PortsOf(path.PortRange{First: 81, Last: 82})
		}
		v := w.create(r)
		if got := w.expect(v.ID, Pending, span(100, 200)); got.Reason != "planned for "+clock(w.now+100)+": until then "+want {
			t.Errorf("%q, want %q", got.Reason, want)
		}
	}
}
