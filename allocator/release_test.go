package allocator

import (
	"errors"
	"strings"
	"testing"

	"conga/allocator/store"
)

// TestRelease checks that a released allocation is complete at once, names the
// user who released it, and is kept over a restart, and that its capacity is
// free once its circuits are out.
func TestRelease(t *testing.T) {
	w, direct := pair(t)
	var news []string
	w.cfg.Notify = func(v Allocation, deleted bool) {
		said := string(v.State) + " " + v.Reason + " " + v.ChangedBy
		if deleted {
			said = "deleted"
		}
		news = append(news, said)
	}
	w.open()
	ran := w.create(ask(1, 1, 2, 1, 6, 100))
	w.work()
	waits := ask(1, 2, 2, 2, 1, 40)
	waits.StartTime = w.now + 500
	planned := w.create(waits)
	w.now += 10
	news = nil
	w.store.Fail(errors.New("disk full"))
	if err := w.a.Release(By(bg, "bossa"), ran.ID, 0); refusedAs(err) != Internal || len(news) != 0 {
		t.Errorf("error %v, news %v", err, news)
	}
	w.store.Fail(nil)
	w.expect(ran.ID, Active, span(0, 100))
	for id, by := range map[string]string{ran.ID: "bossa", planned.ID: planned.UserID} {
		if err := w.a.Release(By(bg, by), id, 0); err != nil {
			t.Fatal(err)
		}
		if v := w.get(id); v.State != Complete || v.Reason != "released by "+by || (v.ChangedBy == "bossa") != (by == "bossa") {
			t.Errorf("released: %+v", v)
		}
	}
	if len(news) != 2 || !strings.Contains(strings.Join(news, ";"), "complete released by bossa bossa") {
		t.Errorf("news: %q", news)
	}
	w.expect(ran.ID, Complete, span(0, 10))
	if got := w.a.Reserved(direct, span(10, 100)); got != 6 {
		t.Errorf("%d reserved while the circuit is in", got)
	}
	if n := w.a.Counts("")[Complete]; n != 2 || len(w.list("")) != 2 {
		t.Errorf("%d are complete, %d listed", n, len(w.list("")))
	}
	w.work()
	if got := w.a.Reserved(direct, span(10, 1000)); got != 0 {
		t.Errorf("%d reserved", got)
	}
	w.checkCalendars()
	before := w.list("")
	if after := w.reopen(); !sameIDs(after, before) || w.store.Len(store.Allocations) != 0 {
		t.Errorf("after a restart %+v, before %+v", after, before)
	}
	if len(w.a.Circuits()) != 0 {
		t.Error("a released circuit is restored")
	}
	for _, want := range []Kind{0, NotFound} {
		if err := w.a.Release(bg, ran.ID, 0); refusedAs(err) != want {
			t.Errorf("released again: %v", err)
		}
	}
}

// TestReleasedTwiceAtOnce: a release that takes the record out of the history
// while the circuits are still in leaves what they have reserved.
func TestReleasedTwiceAtOnce(t *testing.T) {
	w, direct := pair(t)
	w.open()
	id := w.create(ask(1, 1, 2, 1, 6, 100)).ID
	w.work()
	for _, want := range []Kind{0, 0, NotFound} {
		if err := w.a.Release(bg, id, 0); refusedAs(err) != want {
			t.Errorf("error %v, want kind %v", err, want)
		}
	}
	if got := w.a.Reserved(direct, span(0, 100)); got != 6 || w.a.Known(id) {
		t.Errorf("%d reserved, known: %v", got, w.a.Known(id))
	}
	w.checkCalendars()
	w.work()
	if got := w.a.Reserved(direct, span(0, 100)); got != 0 || len(w.a.byID) != 0 || w.a.Counts("")[Complete] != 0 {
		t.Errorf("%d reserved, %d items, %v", got, len(w.a.byID), w.a.Counts(""))
	}
	w.checkCalendars()
}

// TestDeletionNamesTheUser: where an allocation is deleted from the history,
// the event has the user's name.
func TestDeletionNamesTheUser(t *testing.T) {
	w, _ := pair(t)
	var by []string
	w.cfg.Notify = func(v Allocation, deleted bool) {
		if deleted {
			by = append(by, v.ChangedBy)
		}
	}
	w.open()
	id := w.create(ask(1, 1, 2, 1, 6, 100)).ID
	for _, user := range []string{"bossa", "novaa"} {
		if err := w.a.Release(By(bg, user), id, 0); err != nil {
			t.Fatal(err)
		}
	}
	if len(by) != 1 || by[0] != "novaa" {
		t.Errorf("deleted by %q", by)
	}
}

// TestReleasedStepsAreHeldUntilTheyAreOut: what was released while it had more
// than one rate holds the one that is in the switches until that is out.
func TestReleasedStepsAreHeldUntilTheyAreOut(t *testing.T) {
	w, _, id := stepped(t)
	trunk := cablesOf(w.snap)[0].Cable
	w.pass(5)
	w.expect(id, Active, span(0, 88))
	if err := w.a.Release(bg, id, 0); err != nil {
		t.Fatal(err)
	}
	if got := w.a.Reserved(trunk, span(5, 15)); got != 10 {
		t.Errorf("%s is held while the circuit is in", got)
	}
	w.work()
	if got := w.a.Reserved(trunk, span(5, 15)); got != 0 {
		t.Errorf("%s is held when it is out", got)
	}
	w.checkCalendars()
}
