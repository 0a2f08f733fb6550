package allocator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"conga/bitrate"
)

// scavenger returns a request for what is spare.
func scavenger(s, sh, d, dh int, least, most bitrate.Rate, duration Seconds) Request {
	r := ask(s, sh, d, dh, 0, duration)
	r.Class, r.MinBandwidth, r.MaxBandwidth = Scavenger, least, most
	return r
}

// expectRate checks what a scavenger has.
func (w *world) expectRate(id string, s State, rate bitrate.Rate, reason string) Allocation {
	w.Helper()
	v := w.get(id)
	if v.State != s || v.Bandwidth != rate || reason == "" && v.Reason != "" || !strings.Contains(v.Reason, reason) {
		w.Fatalf("%s is %s at %s, %q, want %s at %s, %q", id, v.State, v.Bandwidth, v.Reason, s, rate, reason)
	}
	return v
}

// A scavenger has all that is spare, shrinks at once when a normal allocation
// needs the room, waits while less than its least is left, and has all again
// when there is room.
func TestScavengerGivesWay(t *testing.T) {
	w := newWorld(t, 2, 40)
	w.cable(1, 2, 40)
	w.open()
	id := w.create(scavenger(1, 1, 2, 1, 10, 0, 1000)).ID
	w.work()
	w.expectRate(id, Active, 40, "")
	half := w.create(ask(1, 2, 2, 2, 20, 100))
	w.work()
	w.expectRate(id, Active, 20, "")
	w.expect(half.ID, Active, span(0, 100))
	whole := w.create(ask(1, 3, 2, 3, 15, 100))
	w.work()
	w.expect(whole.ID, Active, span(0, 100))
	w.expectRate(id, Pending, 0, "returned to pending, at once: link ")
	w.pass(2)
	w.expectRate(id, Pending, 0, "returned to pending, at once: link ")
	if err := w.a.Release(bg, whole.ID, 0); err != nil {
		t.Fatal(err)
	}
	w.pass(2)
	w.expectRate(id, Active, 20, "")
	w.pass(100)
	v := w.expectRate(id, Active, 40, "")
	if v.Window != span(0, 1000) {
		t.Errorf("its window is %+v", v.Window)
	}
	w.pass(900)
	w.expect(id, Complete, span(0, 1000))
}

// What begins later than a grace from now is announced to scavengers, and has
// its room in time.
func TestScavengerHears(t *testing.T) {
	w := newWorld(t, 2, 40)
	w.cable(1, 2, 40)
	w.cfg.ScavengerGrace = 20 * time.Second
	var heard []string
	w.cfg.Notify = func(v Allocation, _ bool) {
		if v.Class == Scavenger {
			heard = append(heard, fmt.Sprintf("%d %s %d %s", v.Bandwidth, v.State, w.now-1_000_000, v.Reason))
		}
	}
	w.open()
	id := w.create(scavenger(1, 1, 2, 1, 10, 0, 1000)).ID
	w.work()
	r := ask(1, 2, 2, 2, 25, 50)
	r.StartTime = w.now + 60
	later := w.create(r)
	full := ask(1, 3, 2, 3, 40, 50)
	full.StartTime = w.now + 200
	last := w.create(full)
	w.pass(59)
	w.expectRate(id, Active, 15, "")
	w.pass(1)
	w.expect(later.ID, Active, span(60, 110))
	w.pass(90)
	w.expectRate(id, Active, 40, "")
	w.pass(50)
	w.expect(last.ID, Active, span(200, 250))
	w.pass(60)
	w.expectRate(id, Active, 40, "")
	want := []string{
		"0 pending 0 waits until what is spare has been looked at",
		"40 pending 0 its path is being installed: not every switch has confirmed it yet",
		"40 active 0 ",
		"40 active 38 gives way at 1970-01-12T13:47:40Z to what is reserved, and has 15 from then on",
		"15 active 58 ",
		"40 active 110 ",
		"40 active 178 gives way at 1970-01-12T13:50:00Z to what is reserved, and returns to pending then",
		"0 pending 198 returned to pending: link 0000000000000001:100->0000000000000002:101 does not have 10 left for it beside what is reserved; it goes on when there is room",
		"40 pending 250 its path is being installed: not every switch has confirmed it yet",
		"40 active 250 ",
	}
	if !slices.Equal(heard, want) {
		t.Errorf("heard\n%s\nwant\n%s", strings.Join(heard, "\n"), strings.Join(want, "\n"))
	}
}
