package allocator

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conga/bitrate"
	"conga/controller/path"
)

// hold has the store keep commits waiting until release is called.
func (w *world) hold() (release func()) {
	wait := make(chan struct{})
	w.store.mu.Lock()
	w.store.hold = wait
	w.store.mu.Unlock()
	return func() {
		w.store.mu.Lock()
		w.store.hold = nil
		w.store.mu.Unlock()
		close(wait)
	}
}

// TestChangesWaitForEachOther: of two changes of an allocation at the same time
// the second is made to what the first has made of it. One whose caller gives
// up while it waits changes nothing.
func TestChangesWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := pair(t)
		v := w.create(ask(1, 1, 2, 1, 4, 100))
		release := w.hold()
		impatient, giveUp := context.WithCancel(bg)
		type answer struct {
			v   Allocation
			err error
		}
		update := func(ctx context.Context, revision uint64, c Change) <-chan answer {
			done := make(chan answer, 1)
			go func() {
				got, err := w.a.Update(ctx, v.ID, revision, c)
				done <- answer{got, err}
			}()
			synctest.Wait()
			return done
		}
		first := update(bg, v.Revision, Change{Bandwidth: new(bitrate.Rate(5))})
		second := update(bg, 0, Change{Duration: new(Seconds(200))})
		third := update(impatient, 0, Change{Bandwidth: new(bitrate.Rate(9))})
		outdated := update(bg, v.Revision, Change{Bandwidth: new(bitrate.Rate(8))})
		giveUp()
		synctest.Wait()
		if got := <-third; refusedAs(got.err) != Internal || !errors.Is(got.err, context.Canceled) {
			t.Errorf("one that was given up: %+v, %v", got.v, got.err)
		}
		if got := w.get(v.ID); got.Request != v.Request {
			t.Errorf("changed before it is saved: %+v", got)
		}
		release()
		if got := <-first; got.err != nil || got.v.Bandwidth != 5 || got.v.Duration != 100 {
			t.Errorf("the first: %+v, %v", got.v, got.err)
		}
		if got := <-second; got.err != nil || got.v.Bandwidth != 5 || got.v.Duration != 200 {
			t.Errorf("the second: %+v, %v", got.v, got.err)
		}
		if got := <-outdated; refusedAs(got.err) != Stale {
			t.Errorf("one of an earlier revision: %+v, %v", got.v, got.err)
		}
		if got := w.get(v.ID); got.Bandwidth != 5 || got.Duration != 200 {
			t.Errorf("in the end: %+v", got)
		}
		if _, err := w.a.Update(impatient, v.ID, 0, Change{Bandwidth: new(bitrate.Rate(9))}); refusedAs(err) != Internal {
			t.Errorf("one that was given up before: %v", err)
		}
	})
}

// TestReportDuringAChange: what is reported of an allocation that is being
// changed is taken in afterwards, and so is what comes with it of others.
func TestReportDuringAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := pair(t)
		first := w.create(ask(1, 1, 2, 1, 4, 100))
		second := w.create(ask(1, 2, 2, 2, 4, 100))
		tasks, _ := w.a.Due(10)
		if len(tasks) != 2 {
			t.Fatalf("due is %+v", tasks)
		}
		release := w.hold()
		changed, reported := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := w.a.Update(bg, first.ID, 0, Change{Lease: new(Seconds(60))})
			changed <- err
		}()
		synctest.Wait()
		go func() { reported <- w.a.Report(Result{Task: tasks[0]}, Result{Task: tasks[1]}) }()
		synctest.Wait()
		w.expect(first.ID, Pending, first.Window)
		w.expect(second.ID, Pending, second.Window)
		release()
		if err := errors.Join(<-changed, <-reported); err != nil {
			t.Fatal(err)
		}
		if got := w.expect(first.ID, Active, first.Window); got.Lease != 60 {
			t.Errorf("%+v", got)
		}
		w.expect(second.ID, Active, second.Window)
		if tasks, _ := w.a.Due(10); len(tasks) != 0 {
			t.Errorf("due afterwards is %+v", tasks)
		}
		w.checkIndexes()
		w.checkCalendars()
	})
}

// TestReleasedIsDeletedWhileItLeaves: an allocation can be deleted from the
// history while its circuit is still in the network, also if the network gives
// it up at that very moment; nothing of it is left then.
func TestReleasedIsDeletedWhileItLeaves(t *testing.T) {
	for _, during := range []bool{false, true} {
		w, _ := pair(t)
		v := w.create(ask(1, 1, 2, 1, 6, 100))
		w.work()
		if err := w.a.Release(bg, v.ID, 0); err != nil {
			t.Fatal(err)
		}
		tasks, _ := w.a.Due(10)
		if len(tasks) != 1 || tasks[0].Do != Remove {
			t.Fatalf("due is %+v", tasks)
		}
		gone := func() {
			if err := w.a.Removed(tasks[0]); err != nil {
				t.Error(err)
			}
		}
		if during {
			w.store.before = gone
		}
		if err := w.a.Release(bg, v.ID, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := w.a.Get(v.ID); refusedAs(err) != NotFound {
			t.Errorf("%v", err)
		}
		if !during {
			w.create(ask(1, 3, 2, 3, 4, 100)) // the rest of the link
			if _, err := w.a.Validate(ask(1, 2, 2, 2, 6, 100)); err != nil && refusedAs(err) != Conflict {
				t.Error(err)
			}
			gone()
		}
		w.work()
		w.checkIndexes()
		w.checkCalendars()
		for id, it := range w.a.byID {
			if it.id() == v.ID {
				t.Errorf("%v is left in memory", id)
			}
		}
		if n := w.store.Len("history"); n != 0 {
			t.Errorf("%d records are left in the history", n)
		}
	}
}

// TestChangeWaitsForTraffic: a running allocation that is given traffic which
// the switches still hold for another is moved when that is out, and says that
// it waits for it.
func TestChangeWaitsForTraffic(t *testing.T) {
	w, _ := pair(t)
	runs := w.create(ask(1, 1, 2, 1, 2, 1000))
	other := w.create(ask(1, 2, 2, 2, 0, 1000))
	w.work()
	if err := w.a.Release(bg, other.ID, 0); err != nil {
		t.Fatal(err)
	}
	removal, _ := w.a.Due(10)
	if len(removal) != 1 || removal[0].Do != Remove {
		t.Fatalf("due is %+v", removal)
	}
	w.update(runs.ID, Change{Key: &other.Key})
	if tasks, _ := w.a.Due(10); len(tasks) != 0 {
		t.Fatalf("due is %+v", tasks)
	}
	if got := w.expect(runs.ID, Active, runs.Window); got.Reason != "being moved: waits until the entries of what was on its path before are out of the switches" {
		t.Errorf("%+v", got)
	}
	if err := w.a.Removed(removal[0]); err != nil {
		t.Fatal(err)
	}
	tasks, _ := w.a.Due(10)
	if len(tasks) != 1 || tasks[0].Do != Install || tasks[0].Circuit.Key != other.Key {
		t.Fatalf("due is %+v", tasks)
	}
	if got := w.expect(runs.ID, Active, runs.Window); got.Reason != moving {
		t.Errorf("%+v", got)
	}
	if err := w.a.Installed(tasks[0]); err != nil {
		t.Fatal(err)
	}
	if got := w.expect(runs.ID, Active, runs.Window); got.Reason != "" {
		t.Errorf("%+v", got)
	}
	w.checkIndexes()
}

// TestOtherTrafficIsNotWaitedFor: what is between the same hosts as what is
// being taken out, but is other traffic, is installed at once where it needs no
// rate of the path, and what needs one waits for the one that is leaving.
func TestOtherTrafficIsNotWaitedFor(t *testing.T) {
	w := newWorld(t, 3, 100)
	w.cable(1, 2, 10)
	w.cable(1, 3, 10)
	w.open()
	flow := func(r Request, port uint16) Request {
		r.Key.Proto, r.Key.DstPort = path.ProtoTCP, path.Port(port)
		return r
	}
	leaves := w.create(flow(ask(1, 1, 2, 1, 4, 1000), 80))
	w.work()
	if err := w.a.Release(bg, leaves.ID, 0); err != nil {
		t.Fatal(err)
	}
	removal, _ := w.a.Due(10)
	same := w.create(flow(ask(1, 1, 2, 1, 0, 1000), 80)).ID
	other := w.create(flow(ask(1, 1, 2, 1, 0, 1000), 443)).ID
	rated := w.create(flow(ask(1, 2, 2, 2, 1, 1000), 443)).ID
	apart := w.create(flow(ask(1, 2, 3, 2, 1, 1000), 443)).ID
	tasks, _ := w.a.Due(10)
	var installed []string
	for _, task := range tasks {
		installed = append(installed, task.Circuit.ID)
	}
	if !slices.Equal(installed, []string{other, apart}) {
		t.Errorf("%v are installed, want %s and %s", installed, other, apart)
	}
	for _, id := range []string{same, rated} {
		if got := w.get(id); got.Reason != parked {
			t.Errorf("%s: %q", id, got.Reason)
		}
	}
	if err := w.a.Removed(removal[0]); err != nil {
		t.Fatal(err)
	}
	if tasks, _ = w.a.Due(10); len(tasks) != 2 || tasks[0].Circuit.ID != same || tasks[1].Circuit.ID != rated {
		t.Errorf("due then is %+v", tasks)
	}
	w.checkIndexes()
}

// TestClockSetBackTwice: what runs holds its rate from the earliest moment that
// the clock was set to, before anything of it is saved.
func TestClockSetBackTwice(t *testing.T) {
	w, trunk := pair(t)
	w.now += 1000
	v := w.create(ask(1, 1, 2, 1, 6, 50))
	w.work()
	for _, to := range []Seconds{900, 950, 800, 810} {
		by := 1_000_000 + to - w.now
		w.now += by
		w.a.ClockSet(time.Duration(by) * time.Second)
	}
	for from, want := range map[Seconds]bitrate.Rate{799: 0, 800: 6, 899: 6, 1049: 6, 1050: 0} {
		if got := w.a.Reserved(trunk, span(from, from+1)); got != want {
			t.Errorf("at %d %s is held, want %s", from, got, want)
		}
	}
	w.work()
	w.expect(v.ID, Active, span(810, 1050))
	w.checkCalendars()
}

// TestLostPathWhoseEntriesStay: that the entries of a lost path are not out is
// said until they are, and not any more.
func TestLostPathWhoseEntriesStay(t *testing.T) {
	w, trunk := pair(t)
	w.a.Settled()
	v := w.create(ask(1, 1, 2, 1, 6, 100))
	w.work()
	w.change(cut(trunk))
	w.plan()
	tasks, _ := w.a.Due(10)
	if len(tasks) != 1 || tasks[0].Do != Remove {
		t.Fatalf("due is %+v", tasks)
	}
	again := w.cfg.Now().Add(5 * time.Second)
	if err := w.a.Failed(tasks[0], errors.New("switch 1 is busy"), again); err != nil {
		t.Fatal(err)
	}
	if got := w.expect(v.ID, Pending, v.Window); got.Reason != "its entries are not out yet: switch 1 is busy" {
		t.Errorf("%+v", got)
	}
	w.now += 5
	if tasks, _ = w.a.Due(10); len(tasks) != 1 || tasks[0].Do != Remove || tasks[0].Failures != 1 {
		t.Fatalf("due is %+v", tasks)
	}
	if err := w.a.Removed(tasks[0]); err != nil {
		t.Fatal(err)
	}
	if got := w.expect(v.ID, Pending, v.Window); strings.HasPrefix(got.Reason, notOut) {
		t.Errorf("%+v", got)
	}
}

// TestNotThereUntilItIsSaved: an allocation that is being saved for the first
// time is not found yet, and is not waited for.
func TestNotThereUntilItIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := pair(t)
		release := w.hold()
		made := make(chan error, 1)
		go func() {
			_, err := w.a.Create(bg, ask(1, 1, 2, 1, 4, 100))
			made <- err
		}()
		synctest.Wait()
		ctx, giveUp := context.WithTimeout(bg, time.Second)
		defer giveUp()
		if _, err := w.a.Get("id1"); refusedAs(err) != NotFound {
			t.Errorf("read: %v", err)
		}
		if _, err := w.a.Update(ctx, "id1", 0, Change{Bandwidth: new(bitrate.Rate(5))}); refusedAs(err) != NotFound {
			t.Errorf("changed: %v", err)
		}
		if err := w.a.Release(ctx, "id1", 0); refusedAs(err) != NotFound {
			t.Errorf("released: %v", err)
		}
		release()
		if err := <-made; err != nil {
			t.Fatal(err)
		}
		w.expect("id1", Pending, span(0, 100))
	})
}
