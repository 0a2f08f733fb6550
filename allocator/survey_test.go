package allocator

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/topology"
)

// TestScavengerNeedsItsLeast: a scavenger has a path if that has the rate left
// that it asks for at least, and what it may have at most, or a bit a second.
func TestScavengerNeedsItsLeast(t *testing.T) {
	for _, c := range []struct{ least, asked, floor bitrate.Rate }{{0, 0, 1}, {0, 3, 3}, {5, 0, 5}, {5, 7, 7}} {
		for _, left := range []bitrate.Rate{c.floor - 1, c.floor} {
			w := newWorld(t, 2, 40)
			w.cable(1, 2, 40)
			w.cfg.Least = c.least
			w.open()
			w.create(ask(1, 2, 2, 2, 40-left, 1000))
			id := w.create(scavenger(1, 1, 2, 1, c.asked, 0, 500)).ID
			w.pass(3)
			if left < c.floor {
				w.expectRate(id, Pending, 0, fmt.Sprintf("waits until some path has %s left beside what is reserved", c.floor))
			} else {
				w.expectRate(id, Active, left, "")
			}
		}
	}
}

// detour returns two ways from switch 1 to switch 2: a short one that carries
// 10, and one by switch 3 that carries 20.
func detour(t *testing.T) *world {
	w := newWorld(t, 3, 100)
	w.cable(1, 2, 10)
	w.cable(1, 3, 20)
	w.cable(3, 2, 20)
	w.cfg.ScavengerGrace = 5 * time.Second
	w.open()
	w.a.Settled()
	return w
}

// TestScavengerTakesAPath: the shortest that has all that a scavenger may take,
// or that which has most, also for as long as a grace.
func TestScavengerTakesAPath(t *testing.T) {
	for _, c := range []struct {
		most   bitrate.Rate
		from   Seconds // when 15 are reserved on the longer way; 0: never
		hops   int
		rate   bitrate.Rate
		reason string
	}{
		{0, 0, 3, 20, ""}, {5, 0, 2, 5, ""}, {10, 0, 2, 10, ""}, {11, 0, 3, 11, ""},
		{30, 0, 3, 20, "has 20 of at most 30, which is its part of what is spare"},
		{0, 7, 2, 10, ""}, {0, 8, 3, 20, ""}, {6, 1, 2, 6, ""}, {11, 7, 2, 10, "has 10 of at most 11"},
	} {
		w := detour(t)
		if c.from > 0 {
			r := ask(1, 2, 3, 2, 15, 1000)
			r.StartTime = w.now + c.from
			w.create(r)
		}
		id := w.create(scavenger(1, 1, 2, 1, 0, c.most, 1000)).ID
		w.work()
		if v := w.expectRate(id, Active, c.rate, c.reason); len(v.Path) != c.hops {
			t.Errorf("%+v: it has %v", c, v.Path)
		}
	}
}

// TestFirstScavengersStay: what asked first keeps its path where there is not
// room for all, and is first to have one again.
func TestFirstScavengersStay(t *testing.T) {
	w := newWorld(t, 2, 100)
	w.cable(1, 2, 20)
	w.open()
	var ids []string
	for h := 1; h <= 2; h++ {
		ids = append(ids, w.create(scavenger(1, h, 2, h, 10, 0, 1000)).ID)
	}
	w.work()
	w.expectRate(ids[0], Active, 10, "")
	w.expectRate(ids[1], Active, 10, "")
	other := w.create(ask(1, 3, 2, 3, 5, 1000)).ID
	w.work()
	w.expectRate(ids[0], Active, 10, "")
	w.expectRate(ids[1], Pending, 0, "returned to pending, at once: link 0000000000000001:100->0000000000000002:101 does not have 10 left for it beside what is reserved; it goes on when there is room")
	w.pass(3)
	w.expectRate(ids[0], Active, 15, "")
	w.create(ask(1, 3, 2, 1, 8, 1000))
	w.pass(3)
	w.expectRate(ids[0], Pending, 0, "returned to pending, at once: link ")
	if err := w.a.Release(bg, other, 0); err != nil {
		t.Fatal(err)
	}
	w.pass(3)
	w.expectRate(ids[0], Active, 12, "")
	w.expectRate(ids[1], Pending, 0, "returned to pending")
}

// TestScavengersOfAProject share what their project may hold beside what it has
// reserved, and wait if there is nothing of it.
func TestScavengersOfAProject(t *testing.T) {
	w := newWorld(t, 2, 100)
	w.cable(1, 2, 40)
	var heard []string
	w.cfg.Notify = func(v Allocation, _ bool) { heard = append(heard, v.Reason) }
	w.limit(Limits{Bandwidth: new(bitrate.Rate(25))})
	a := w.create(scavenger(1, 1, 2, 1, 0, 0, 1000)).ID
	w.work()
	w.expectRate(a, Active, 25, "")
	b := w.create(scavenger(1, 2, 2, 2, 0, 0, 1000)).ID
	w.pass(3)
	w.expectRate(a, Active, 12, "")
	w.expectRate(b, Active, 12, "")
	some := w.create(ask(1, 3, 2, 3, 20, 1000)).ID
	w.pass(2)
	w.expectRate(a, Active, 2, "")
	w.expectRate(b, Active, 2, "")
	all := w.create(ask(1, 3, 2, 1, 5, 1000)).ID
	w.pass(2)
	if want := "returned to pending, at once: project p does not have 1 left for it beside what is reserved; it goes on when there is room"; !slices.Contains(heard, want) {
		t.Errorf("heard is %q", heard)
	}
	w.expectRate(a, Pending, 0, "waits until project p holds less of what it may")
	c := scavenger(1, 1, 2, 3, 0, 0, 1000)
	waits := w.create(c).ID
	w.pass(2)
	w.expectRate(waits, Pending, 0, "waits until project p holds less of what it may")
	for _, id := range []string{some, all} {
		if err := w.a.Release(bg, id, 0); err != nil {
			t.Fatal(err)
		}
	}
	w.pass(3)
	for _, id := range []string{a, b, waits} {
		w.expectRate(id, Active, 8, "")
	}
}

// TestScavengersOfTheSameTraffic: one has it at a time, and none while it is
// reserved.
func TestScavengersOfTheSameTraffic(t *testing.T) {
	w := newWorld(t, 2, 100)
	w.cable(1, 2, 40)
	w.open()
	first := w.create(scavenger(1, 1, 2, 1, 0, 0, 1000)).ID
	second := w.create(scavenger(1, 1, 2, 1, 0, 0, 1000)).ID
	w.pass(2)
	w.expectRate(first, Active, 40, "")
	w.expectRate(second, Pending, 0, "waits until no other scavenger has this traffic")
	reserved := w.create(ask(1, 1, 2, 1, 10, 20)).ID
	w.pass(2)
	if v := w.get(reserved); v.State != Active || v.Bandwidth != 10 {
		t.Fatalf("%+v", v)
	}
	w.expectRate(first, Pending, 0, "waits until no allocation that reserves has this traffic")
	w.expectRate(second, Pending, 0, "waits until no allocation that reserves has this traffic")
	w.pass(25)
	w.expectRate(first, Active, 40, "")
	w.expectRate(second, Pending, 0, "waits until no other scavenger has this traffic")
	if err := w.a.Release(bg, first, 0); err != nil {
		t.Fatal(err)
	}
	w.pass(2)
	w.expectRate(second, Active, 40, "")
}

// TestScavengerOfAHostThatMoves: it follows its host, waits while no switch
// carries its traffic, and where nothing is known of it.
func TestScavengerOfAHostThatMoves(t *testing.T) {
	w := detour(t)
	id := w.create(scavenger(1, 1, 2, 1, 0, 0, 1000)).ID
	w.work()
	w.expectRate(id, Active, 20, "")
	moves := func(at topology.PortID) func(*topology.Snapshot) {
		return func(s *topology.Snapshot) {
			for i := range s.Attachments {
				if s.Attachments[i].Prefix.Addr() == host(2, 1) {
					s.Attachments[i].At = at
				}
			}
		}
	}
	at := topology.PortID{DPID: 3, Port: 1}
	w.change(moves(at))
	w.pass(2)
	if v := w.expectRate(id, Active, 20, ""); endOf(v.Path, 1) != at {
		t.Errorf("it leads to %v", v.Path)
	}
	at.DPID = 1
	w.change(moves(at))
	w.pass(2)
	w.expectRate(id, Pending, 0, "10.0.1.1 and 10.0.2.1 are both behind port 0000000000000001:1 now, so no switch carries the traffic between them")
	w.change(func(s *topology.Snapshot) {
		s.Attachments = slices.DeleteFunc(s.Attachments, func(x topology.Attachment) bool { return x.Prefix.Addr() == host(2, 1) })
	})
	w.pass(2)
	w.expectRate(id, Pending, 0, "10.0.2.1 has not been seen")
}

// TestScavengerOverARestart keeps what it has while its switches have not
// connected yet, also where less is spare.
func TestScavengerOverARestart(t *testing.T) {
	w := newWorld(t, 2, 100)
	w.cable(1, 2, 40)
	w.open()
	w.a.Settled()
	id := w.create(scavenger(1, 1, 2, 1, 0, 0, 1000)).ID
	w.work()
	before, whole := w.expectRate(id, Active, 40, ""), w.snap
	w.change(unmet(1, 2))
	w.open()
	w.pass(3)
	if v := w.get(id); !v.Path.Equal(before.Path) || v.Bandwidth != 40 || v.Window != before.Window {
		t.Errorf("unmet: %+v", v)
	}
	w.change(met(whole))
	w.a.Settled()
	w.pass(3)
	if v := w.expectRate(id, Active, 40, ""); !v.Path.Equal(before.Path) || v.Window != before.Window {
		t.Errorf("met: %+v", v)
	}
}

// TestScavengerLosesItsWay: a scavenger whose cable is cut says so, and takes
// another one.
func TestScavengerLosesItsWay(t *testing.T) {
	w := newWorld(t, 2, 100)
	first, second := w.cable(1, 2, 40), w.cable(1, 2, 30)
	w.open()
	w.a.Settled()
	id := w.create(scavenger(1, 1, 2, 1, 0, 0, 1000)).ID
	w.work()
	w.expectRate(id, Active, 40, "")
	w.change(cut(first))
	w.pass(2)
	w.expectRate(id, Active, 30, "")
	w.change(cut(second))
	w.pass(2)
	w.expectRate(id, Pending, 0, "returned to pending: ")
	w.expect(id, Pending, span(0, 1000))
	w.change(mend(second, 20))
	w.pass(2)
	w.expectRate(id, Active, 20, "")
}

// TestScavengerThatEndsFirst: what begins after a scavenger's end is not
// announced to it, and what begins before is.
func TestScavengerThatEndsFirst(t *testing.T) {
	for begins, told := range map[Seconds]bool{29: true, 30: false, 40: false} {
		w := newWorld(t, 2, 100)
		w.cable(1, 2, 40)
		w.cfg.ScavengerGrace = time.Minute
		w.open()
		id := w.create(scavenger(1, 1, 2, 1, 0, 0, 30)).ID
		w.work()
		r := ask(1, 2, 2, 2, 25, 50)
		r.StartTime = w.now + begins
		w.create(r)
		w.pass(1) // it is looked at once a second
		want := ""
		if told {
			want = "gives way at " + clock(r.StartTime) + " to what is reserved, and has 15 from then on"
		}
		if v := w.expectRate(id, Active, 40, want); v.Reason != want {
			t.Errorf("at %d: %q", begins, v.Reason)
		}
	}
}

// TestScavengerGrowsOnceASecond: what is free again it has a second after it
// has got more, and not at once.
func TestScavengerGrowsOnceASecond(t *testing.T) {
	w := newWorld(t, 2, 100)
	w.cable(1, 2, 40)
	w.open()
	id := w.create(scavenger(1, 1, 2, 1, 0, 0, 1000)).ID
	w.work()
	w.expectRate(id, Active, 40, "")
	half := w.create(ask(1, 2, 2, 2, 20, 100)).ID
	w.work()
	w.expectRate(id, Active, 20, "")
	if err := w.a.Release(bg, half, 0); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.expectRate(id, Active, 20, "")
	if _, next := w.a.Due(1); next != (w.now + 1).Time() {
		t.Errorf("looked at again at %v, want a second from now", next)
	}
	w.pass(1)
	w.expectRate(id, Active, 40, "")
}
