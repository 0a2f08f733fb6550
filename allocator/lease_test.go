package allocator

import (
	"strings"
	"testing"
)

// leased returns a request for the only link's whole capacity, which has to
// wait for the allocation that has it.
func leased(lease Seconds) Request {
	r := ask(1, 2, 2, 2, 100, 50)
	r.Lease = lease
	return r
}

// busy returns a world in which one link is reserved for the next 1,000 s.
func busy(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, 2, 100)
	w.cable(1, 2, 100)
	w.open()
	w.create(ask(1, 1, 2, 1, 100, 1000))
	w.work()
	return w
}

func TestLeaseEnds(t *testing.T) {
	w := busy(t)
	id := w.create(leased(30)).ID
	w.expect(id, Pending, span(1000, 1050))
	w.pass(29)
	w.expect(id, Pending, span(1000, 1050))
	w.pass(1)
	if got := w.expect(id, Complete, span(1000, 1050)); !strings.Contains(got.Reason, "lease of 30 s") {
		t.Errorf("the reason is %q", got.Reason)
	}
	// What it held is free again.
	w.expect(w.create(leased(0)).ID, Pending, span(1000, 1050))
}

func TestLeaseIsRenewed(t *testing.T) {
	w := busy(t)
	first := w.create(leased(30))
	second := w.create(leased(0))
	for range 20 {
		w.pass(20)
		got, err := w.a.Update(bg, first.ID, 0, Change{Lease: new(Seconds(30))})
		if err != nil || got.LeaseEnd != w.now+30 || got.Window != first.Window {
			t.Fatalf("renewed it is %+v, %v", got, err)
		}
	}
	// It has kept its window.
	w.expect(first.ID, Pending, span(1000, 1050))
	w.expect(second.ID, Pending, span(1050, 1100))
	if _, err := w.a.Update(bg, first.ID, 0, Change{Lease: new(Seconds(0))}); err != nil {
		t.Fatal(err)
	}
	w.pass(100)
	w.expect(first.ID, Pending, span(1000, 1050))
}

// An allocation with a path needs no lease any more, and may lose the path for
// a while.
func TestLeaseIsForWaiting(t *testing.T) {
	w := newWorld(t, 2, 100)
	link := w.cable(1, 2, 100)
	w.open()
	id := w.create(leased(30)).ID
	w.work()
	w.expect(id, Active, span(0, 50))
	w.pass(10)
	w.change(cut(link))
	w.work()
	w.expect(id, Pending, span(0, 50))
	w.pass(25) // behind the end of the lease
	w.change(mend(link, 100))
	w.work()
	w.expect(id, Active, span(0, 50))
}

// A lease outlives the daemon. After a restart there is time to ask again.
func TestLeaseOverARestart(t *testing.T) {
	w := busy(t)
	id := w.create(leased(30)).ID
	other := w.create(leased(0)).ID
	w.now += 1000 // the daemon is away
	w.create(ask(1, 1, 2, 1, 100, 1000))
	w.open()
	w.work()
	if got := w.get(id); got.State == Complete {
		t.Errorf("after a restart it is %+v", got)
	}
	w.pass(leaseGrace + 1)
	if got := w.get(id); got.State == Pending && got.LeaseEnd != 0 {
		t.Errorf("a minute later it is %+v", got)
	}
	if got := w.get(other); got.State == Complete && got.Window.End > w.now {
		t.Errorf("who has no lease is %+v", got)
	}
}

// Extending a lease is no event, and does not outdate the revision that others
// have read.
func TestRenewalIsQuiet(t *testing.T) {
	w := busy(t)
	news := 0
	w.cfg.Notify = func(Allocation, bool) { news++ }
	w.open()
	made := w.create(leased(30))
	if news != 1 {
		t.Errorf("making it was told %d times", news)
	}
	w.now += 10
	got, err := w.a.Update(bg, made.ID, made.Revision, Change{Lease: new(Seconds(30))})
	if err != nil || got.Revision != made.Revision || got.LeaseEnd != w.now+30 || news != 1 {
		t.Errorf("asked for again it is %+v, %v, and told %d times", got, err, news)
	}
	got, err = w.a.Update(bg, made.ID, made.Revision, Change{Lease: new(Seconds(40))})
	if err != nil || got.Revision == made.Revision || news != 2 {
		t.Errorf("with another lease it is %+v, %v, and told %d times", got, err, news)
	}
}

// A window that was asked for and has not been free ends with its reason, lease
// or not.
func TestLeaseDoesNotHoldUpTheEnd(t *testing.T) {
	for _, lease := range []Seconds{0, 300} {
		w := newWorld(t, 2, 10)
		trunk := w.cable(1, 2, 10)
		w.open()
		w.change(cut(trunk))
		first, second := ask(1, 1, 2, 1, 6, 60), ask(1, 2, 2, 2, 6, 60)
		first.StartTime, second.StartTime, second.Lease = w.now+10, w.now+10, lease
		w.create(first)
		id := w.create(second).ID
		w.change(mend(trunk, 10))
		w.work()
		w.pass(69)
		w.expect(id, Pending, Window{})
		w.pass(1)
		if got := w.expect(id, Complete, Window{}); !strings.Contains(got.Reason, "does not fit") {
			t.Errorf("with a lease of %d s: %+v", lease, got)
		}
	}
}

func TestLeaseIsChecked(t *testing.T) {
	w := busy(t)
	for _, lease := range []Seconds{-1, MaxLease + 1} {
		_, err := w.a.Create(bg, leased(lease))
		refused(t, err, Invalid, "lease")
	}
	id := w.create(leased(30)).ID
	_, err := w.a.Update(bg, id, 0, Change{Lease: new(Seconds(MaxLease + 1))})
	refused(t, err, Invalid, "lease")
	before := w.get(id)
	if after, err := w.a.Update(bg, id, 0, Change{Duration: new(Seconds(50))}); err != nil || after.LeaseEnd != before.LeaseEnd {
		t.Errorf("another change moves the lease: %+v, %v", after, err)
	}
}
