package allocator

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// renewed returns a request for the only link's whole capacity, which is
// released unless it is asked for again.
func renewed(lease, duration Seconds) Request {
	r := ask(1, 3, 2, 3, 100, duration)
	r.Lease, r.ActiveLease = lease, lease
	return r
}

// line returns a world in which all allocations share one link.
func line(t failer) *world {
	w := newWorld(t, 2, 100)
	w.cable(1, 2, 100)
	w.open()
	return w
}

func TestActiveLeaseEnds(t *testing.T) {
	w := line(t)
	id := w.create(renewed(30, 1000)).ID
	w.work()
	w.expect(id, Active, span(0, 1000))
	later := w.create(leased(0)).ID
	w.expect(later, Pending, span(1000, 1050))
	w.pass(29)
	w.expect(id, Active, span(0, 1000))
	w.pass(1)
	if got := w.expect(id, Complete, span(0, 30)); !strings.Contains(got.Reason, "lease of 30 s") {
		t.Errorf("the reason is %q", got.Reason)
	}
	w.expect(later, Active, span(30, 80))
	if _, err := w.a.Update(bg, id, 0, Change{ActiveLease: new(Seconds(30))}); refusedAs(err) != Conflict {
		t.Errorf("renewed after its end: %v", err)
	}
}

// The active lease counts from the start, whatever the one before it has left,
// and also while the path is lost.
func TestActiveLeaseBeginsAtTheStart(t *testing.T) {
	w := newWorld(t, 2, 100)
	link := w.cable(1, 2, 100)
	w.open()
	r := renewed(100, 1000)
	r.ActiveLease, r.StartTime = 20, w.now+50
	id := w.create(r).ID
	w.pass(50)
	w.expect(id, Active, span(50, 1050))
	w.pass(19)
	w.change(cut(link))
	w.work()
	w.expect(id, Pending, span(50, 1050))
	w.pass(1)
	w.expect(id, Complete, span(50, 70))
}

// An active lease can be given, and taken back, while the allocation runs.
func TestActiveLeaseIsChanged(t *testing.T) {
	w := line(t)
	r := renewed(0, 1000)
	id := w.create(r).ID
	w.work()
	w.pass(100)
	if got := w.update(id, Change{ActiveLease: new(Seconds(40))}); got.LeaseEnd != w.now+40 {
		t.Errorf("given a lease it is %+v", got)
	}
	w.pass(39)
	w.update(id, Change{ActiveLease: new(Seconds(0))})
	w.pass(100)
	w.expect(id, Active, span(0, 1000))
	for _, lease := range []Seconds{-1, MaxLease + 1} {
		_, err := w.a.Update(bg, id, 0, Change{ActiveLease: &lease})
		refused(t, err, Invalid, "active_lease")
		_, err = w.a.Create(bg, renewed(lease, 5).withLeases(Request{ActiveLease: lease}))
		refused(t, err, Invalid, "active_lease")
	}
}

// A renewal that comes after the end of the lease, while the entries are taken
// out, is refused: the path is as good as gone.
func TestRenewalComesTooLate(t *testing.T) {
	w := line(t)
	id := w.create(renewed(30, 1000)).ID
	w.work()
	w.now += 30
	tasks, _ := w.a.Due(1)
	if len(tasks) != 1 || tasks[0].Do != Remove {
		t.Fatalf("at the end of the lease %+v is due", tasks)
	}
	_, err := w.a.Update(bg, id, 0, Change{ActiveLease: new(Seconds(30))})
	if refusedAs(err) != Conflict {
		t.Errorf("it is renewed: %v", err)
	}
	w.now -= 10
	w.a.ClockSet(-10e9)
	if err := w.a.Removed(tasks[0]); err != nil {
		t.Fatal(err)
	}
	if got := w.get(id); got.State == Active {
		t.Errorf("without its entries it is %+v", got)
	}
	w.work()
	w.expect(id, Active, span(0, 1000))
}

// Records of version 2 do not say who has changed them, those of version 3
// have no active lease, those of version 4 neither an order of asking nor a
// path that was lost, those of version 5 no leeway, those of version 6 no
// volume, those of version 7 no constraints, those of version 8 no rate back,
// those of version 9 no hold, those of version 10 no protection, those of
// version 11 no several ports, those of version 12 no series, those of version
// 13 no prefixes, those of version 14 no profile, and those of version 15 no
// class.
func TestRecordsOfOlderVersions(t *testing.T) {
	for version, lacks := range map[byte]int{2: 31, 3: 30, 4: 29, 5: 27, 6: 25, 7: 19, 8: 14, 9: 13, 10: 12, 11: 9, 12: 7, 13: 4, 14: 2, 15: 1} { // bytes
		r := record{Seq: 7, Allocation: Allocation{ID: "x", State: Pending, Handle: 1, ChangedBy: "v", Request: renewed(30, 1000)}}
		if version < 3 {
			r.ChangedBy = ""
		}
		if version < 4 {
			r.ActiveLease = 0
		}
		text, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		text = text[:len(text)-lacks]
		text[0] = version
		got, err := decodeRecord("x", text)
		if err != nil || got.Request != r.Request || got.ChangedBy != r.ChangedBy || got.Asked != 0 || len(got.Lost) > 0 || got.Profile != nil {
			t.Fatalf("version %d: %+v, %v", version, got, err)
		}
		it := newExtra().newItem()
		if it.pack(got); it.asked() != 7 {
			t.Errorf("it has asked as number %d, not when it was made", it.asked())
		}
	}
}

// runs is a network of one link whose whole capacity is asked for by requests
// with an active lease and by others.
type runs struct {
	*world
	until map[string]Seconds // ends of the leases, by the ID of what has started and is not over
	held  map[string]Window  // their windows
}

// TestWhatIsRenewedIsKept: what is renewed in time keeps its path to the end of
// its window, whatever others ask for later. What is not is released at the end
// of its lease, and what waits moves forward.
func TestWhatIsRenewedIsKept(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := &runs{line(rt), map[string]Seconds{}, map[string]Window{}}
		rt.Repeat(map[string]func(*rapid.T){
			"run": func(t *rapid.T) {
				r.ask(t, renewed(secondsRange(2, 10).Draw(t, "lease"), secondsRange(1, 60).Draw(t, "bound")))
			},
			"other": func(t *rapid.T) {
				other := ask(1, rapid.IntRange(1, 2).Draw(t, "host"), 2, 2, 100, secondsRange(1, 20).Draw(t, "duration"))
				other.StartTime = rapid.SampledFrom([]Seconds{0, 0, r.now + 3, r.now + 30}).Draw(t, "start")
				r.ask(t, other)
			},
			"renew": r.renew, "change": r.change, "release": r.release,
			"time":    func(t *rapid.T) { r.wait(secondsRange(1, 5).Draw(t, "seconds")) },
			"restart": r.restart,
			"":        r.check,
		})
	})
}

func (r *runs) ask(t *rapid.T, q Request) {
	v, err := r.a.Create(bg, q)
	if refusedAs(err) == Conflict && q.StartTime != 0 {
		return // that window is taken
	} else if err != nil {
		t.Fatal(err)
	}
	for id, w := range r.held {
		if r.now < w.End && v.Window.Overlaps(Window{r.now, w.End}) {
			t.Fatalf("%s has %v, of which a later request gets %v", id, w, v.Window)
		}
	}
	r.wait(0)
}

// wait lets time go by, and notes what has started and what has ended.
func (r *runs) wait(seconds Seconds) {
	for range seconds + 1 {
		r.work()
		for _, v := range r.list("") {
			if _, known := r.until[v.ID]; !known && v.State == Active {
				r.until[v.ID], r.held[v.ID] = never, v.Window
				if v.ActiveLease != 0 {
					r.until[v.ID] = r.now + v.ActiveLease
				}
			}
		}
		for id, end := range r.until {
			v := r.get(id)
			if over := end <= r.now || r.held[id].End <= r.now; over != (v.State == Complete) {
				r.Fatalf("at %d, with a lease until %d and for %v, it is %+v", r.now, end, r.held[id], v)
			} else if over {
				delete(r.until, id)
				delete(r.held, id)
			} else if v.State != Active || v.Window != r.held[id] {
				r.Fatalf("%v of it is %+v", r.held[id], v)
			}
		}
		if seconds--; seconds >= 0 {
			r.now++
		}
	}
}

func (r *runs) pick(t *rapid.T) Allocation {
	var live []Allocation
	for _, v := range r.list("") {
		if v.State != Complete {
			live = append(live, v)
		}
	}
	if len(live) == 0 {
		t.Skip("nothing there")
	}
	return rapid.SampledFrom(live).Draw(t, "which")
}

func (r *runs) renew(t *rapid.T) {
	v := r.pick(t)
	if v.ActiveLease == 0 {
		t.Skip("it needs none")
	}
	if _, err := r.a.Update(bg, v.ID, v.Revision, Change{Lease: &v.Lease, ActiveLease: &v.ActiveLease}); err != nil {
		t.Fatal(err)
	}
	if r.until[v.ID] != 0 {
		r.until[v.ID] = r.now + v.ActiveLease
	}
}

// change asks for more of what others have; it may be refused.
func (r *runs) change(t *rapid.T) {
	v := r.pick(t)
	after, err := r.a.Update(bg, v.ID, 0, Change{Duration: new(v.Duration + secondsRange(1, 30).Draw(t, "more"))})
	if err == nil && r.until[v.ID] != 0 {
		r.held[v.ID] = after.Window
	}
	r.wait(0)
}

func (r *runs) release(t *rapid.T) {
	v := r.pick(t)
	if err := r.a.Release(bg, v.ID, 0); err != nil {
		t.Fatal(err)
	}
	delete(r.until, v.ID)
	delete(r.held, v.ID)
	r.wait(0)
}

func (r *runs) restart(*rapid.T) {
	r.open()
	for id, end := range r.until {
		r.until[id] = max(end, r.now+leaseGrace)
	}
	r.wait(0)
}

// check: the capacity is held once at a time, and never left unused while what
// may start waits and no window is reserved.
func (r *runs) check(t *rapid.T) {
	var live []Allocation
	active, fixed := 0, 0
	for _, v := range r.list("") {
		switch {
		case v.State == Complete:
			continue
		case v.State == Active:
			active++
		case v.StartTime != 0:
			fixed++
		}
		for _, o := range live {
			if (Window{max(r.now, v.Window.Start), v.Window.End}).Overlaps(o.Window) {
				t.Fatalf("%+v and %+v have the same link", v, o)
			}
		}
		live = append(live, v)
	}
	if len(live) > 0 && fixed == 0 && active != 1 {
		t.Fatalf("at %d %d of %+v are active", r.now, active, live)
	}
}
