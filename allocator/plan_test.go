package allocator

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// ring returns three switches in a ring: a direct cable and a path around it.
func ring(tb testing.TB) (w *world, direct, around topology.LinkID) {
	w = newWorld(tb, 3, 100)
	direct = w.cable(1, 2, 10)
	w.cable(1, 3, 10)
	around = w.cable(3, 2, 10)
	w.open()
	w.a.Settled()
	return w, direct, around
}

func TestUnknownAddressWaits(t *testing.T) {
	w, _ := pair(t)
	stranger := netip.MustParseAddr("192.0.2.9")
	r := ask(1, 1, 2, 1, 6, 60)
	r.Key.Dst = path.Host(stranger)
	v := w.create(r)
	if got := w.expect(v.ID, Pending, Window{}); !strings.HasPrefix(got.Reason, "192.0.2.9 has not been seen yet and no attachment covers it") {
		t.Errorf("reason %q", got.Reason)
	}
	w.create(ask(1, 2, 2, 2, 6, 60)) // what has no place reserves nothing
	w.expect("id2", Pending, span(0, 60))
	w.work()
	w.now += 5
	w.change(func(s *topology.Snapshot) {
		s.Addrs = s.Addrs.With(stranger, topology.Attachment{Prefix: netip.PrefixFrom(stranger, 32), At: topology.PortID{DPID: 2, Port: 3}})
	})
	w.work()
	if got := w.expect(v.ID, Pending, span(60, 120)); !strings.Contains(got.Reason, "until then link 0000000000000001:100->0000000000000002:101 does not have 6 left") {
		t.Errorf("reason %q", got.Reason)
	}
}

func TestUnknownAddressWithStart(t *testing.T) {
	w, trunk := pair(t)
	w.change(cut(trunk))
	r := ask(1, 1, 2, 1, 6, 60)
	r.StartTime = w.now + 10
	for range 2 {
		v := w.create(r)
		if got := w.expect(v.ID, Pending, Window{}); !strings.HasPrefix(got.Reason, "no path leads from 10.0.1.") {
			t.Errorf("reason %q", got.Reason)
		}
		r = ask(1, 2, 2, 2, 6, 60)
		r.StartTime = w.now + 10
	}
	w.change(mend(trunk, 10))
	w.work()
	w.expect("id1", Pending, span(10, 70)) // the older one has the room
	if got := w.expect("id2", Pending, Window{}); !strings.Contains(got.Reason, "does not fit") {
		t.Errorf("reason %q", got.Reason)
	}
	w.pass(11) // its start has passed: the rest of its window is still its own
	if err := w.a.Release(bg, "id1", 0); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.expect("id2", Active, span(11, 71))
}

func TestReroute(t *testing.T) {
	w, direct, around := ring(t)
	v := w.create(ask(1, 1, 2, 1, 6, 100))
	w.work()
	w.now++
	w.change(cut(direct))
	w.plan()
	if got := w.expect(v.ID, Active, span(0, 100)); len(got.Path) != 3 || got.Reason == "" {
		t.Errorf("rerouted to %+v", got)
	}
	w.work()
	if got := w.expect(v.ID, Active, span(0, 100)); got.Reason != "" {
		t.Errorf("confirmed: %+v", got)
	}
	w.now++
	w.change(cut(around))
	w.plan()
	got := w.expect(v.ID, Pending, span(0, 100))
	if len(got.Path) != 0 || !strings.Contains(got.Reason, around.Reverse().From.String()) && !strings.Contains(got.Reason, "is down") {
		t.Errorf("lost: %+v", got)
	}
	tasks, _ := w.a.Due(10)
	if len(tasks) != 1 || tasks[0].Do != Remove {
		t.Fatalf("due: %+v", tasks)
	}
	if err := w.a.Removed(tasks[0]); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.checkCalendars()
	w.now++
	w.change(mend(direct, 10))
	w.work()
	w.expect(v.ID, Active, span(0, 100))
	w.pass(97)
	w.expect(v.ID, Complete, span(0, 100))
}

func TestLostUntilTheEnd(t *testing.T) {
	w, trunk := pair(t)
	v := w.create(ask(1, 1, 2, 1, 6, 10))
	w.work()
	w.a.Settled()
	w.change(cut(trunk))
	w.pass(10)
	if got := w.expect(v.ID, Complete, span(0, 10)); !strings.HasPrefix(got.Reason, "its path was lost before its end: ") {
		t.Errorf("reason %q", got.Reason)
	}
}

func TestNoRoomToReroute(t *testing.T) {
	w, direct, _ := ring(t)
	w.create(ask(1, 1, 2, 1, 6, 100))
	w.create(ask(1, 2, 3, 2, 6, 100))
	w.work()
	w.now++
	w.change(cut(direct))
	w.work()
	if got := w.expect("id1", Pending, span(0, 100)); !strings.Contains(got.Reason, "does not fit") {
		t.Errorf("reason %q", got.Reason)
	}
	w.now++
	if err := w.a.Release(bg, "id2", 0); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.expect("id1", Active, span(0, 100))
	w.checkCalendars()
}

// TestChannelLost: a switch that CONGA does not see may well forward still.
func TestChannelLost(t *testing.T) {
	w, trunk := pair(t)
	w.a.Settled()
	v := w.create(ask(1, 1, 2, 1, 6, 100))
	w.work()
	w.change(connected(2, false))
	w.work()
	got := w.expect(v.ID, Pending, span(0, 100))
	if len(got.Path) != 2 || !strings.HasPrefix(got.Reason, "switch 0000000000000002 is not connected") {
		t.Errorf("lost channel: %+v", got)
	}
	if w.a.Reserved(trunk, span(0, 100)) != 6 {
		t.Error("its capacity was given away")
	}
	w.change(connected(2, true))
	w.work()
	w.expect(v.ID, Active, span(0, 100))
}

func TestHostMoves(t *testing.T) {
	w, _, _ := ring(t)
	v := w.create(ask(1, 1, 2, 1, 6, 100))
	w.work()
	w.change(func(s *topology.Snapshot) {
		for i := range s.Attachments {
			if s.Attachments[i].Prefix.Addr() == host(2, 1) {
				s.Attachments[i].At = topology.PortID{DPID: 3, Port: 2}
			}
		}
	})
	w.work()
	if got := w.expect(v.ID, Active, span(0, 100)); got.Path[1].DPID != 3 || got.Path[1].Out != 2 {
		t.Errorf("did not follow its host: %+v", got)
	}
}

func TestRestart(t *testing.T) {
	w, direct, _ := ring(t)
	active := w.create(ask(1, 1, 2, 1, 6, 100))
	w.work()
	over := w.create(ask(1, 2, 2, 2, 1, 20))
	w.work()
	deleted := w.create(ask(1, 3, 2, 3, 1, 100))
	w.work()
	if err := w.remove(deleted.ID); err != nil { // and no time to take its entries out
		t.Fatal(err)
	}
	missed := ask(2, 3, 3, 3, 1, 10)
	missed.StartTime = w.now + 5
	missedID := w.create(missed).ID
	late := ask(2, 3, 3, 3, 1, 40)
	late.StartTime = w.now + 20
	lateID := w.create(late).ID

	w.now += 30
	before := w.snap
	w.change(unmet(1, 2, 3)) // the next daemon remembers the network, but nothing has connected yet
	a := w.open()
	if got := a.Circuits(); len(got) != 1 || got[0].ID != active.ID || len(got[0].Path) != 2 {
		t.Fatalf("restored %+v", got)
	}
	w.work()
	w.expect(active.ID, Active, span(0, 100))
	w.expect(over.ID, Complete, span(0, 20))
	if got := w.expect(missedID, Complete, span(5, 15)); got.Reason == "" {
		t.Error("does not say that its window was missed")
	}
	w.expect(lateID, Pending, span(20, 60))
	if _, err := a.Get(deleted.ID); refused(t, err, NotFound, "") == nil {
		t.Error("a deleted allocation came back")
	}
	if w.a.Reserved(direct, span(30, 100)) != 6 {
		t.Errorf("%d reserved, want 6", w.a.Reserved(direct, span(30, 100)))
	}
	w.change(met(before))
	tasks, _ := a.Due(10)
	if len(tasks) != 2 || tasks[0].Do != Install || tasks[1].Do != Install {
		t.Fatalf("due when all is back: %+v", tasks)
	}
	for _, task := range tasks {
		if err := a.Installed(task); err != nil {
			t.Fatal(err)
		}
	}
	w.expect(active.ID, Active, span(0, 100))
	w.expect(lateID, Active, span(30, 60))
	w.checkCalendars()
}

func TestRestartSettles(t *testing.T) {
	w, _, _ := ring(t)
	v := w.create(ask(1, 1, 2, 1, 6, 100))
	w.work()
	w.open()
	w.change(unmet(2))
	w.work()
	w.expect(v.ID, Active, span(0, 100)) // not judged yet
	w.a.Settled()
	w.work()
	w.expect(v.ID, Pending, span(0, 100)) // now it is: no other way to switch 2
}

func TestSwitchThatIsLostIsLostBeforeAllHaveSettled(t *testing.T) {
	w, _, _ := ring(t)
	v := w.create(ask(1, 1, 2, 1, 6, 100))
	w.work()
	w.open()
	w.change(connected(2, false))
	w.work()
	w.expect(v.ID, Pending, span(0, 100))
}

func TestFailures(t *testing.T) {
	w, _ := pair(t)
	v := w.create(ask(1, 1, 2, 1, 6, 100))
	fail := func(after time.Duration) {
		tasks, _ := w.a.Due(1)
		if len(tasks) != 1 {
			t.Fatalf("due: %+v", tasks)
		}
		if err := w.a.Failed(tasks[0], errors.New("switch 1 refused it: table full"), w.cfg.Now().Add(after)); err != nil {
			t.Fatal(err)
		}
	}
	fail(5 * time.Second)
	if got := w.expect(v.ID, Pending, span(0, 100)); !strings.Contains(got.Reason, "table full") {
		t.Errorf("reason %q", got.Reason)
	}
	tasks, next := w.a.Due(1)
	if len(tasks) != 0 || path.SecondsOf(next) != w.now+5 {
		t.Errorf("due %v, next at %v", tasks, next)
	}
	w.now += 2
	w.change(func(*topology.Snapshot) {}) // the network changed: why wait
	fail(50 * time.Second)
	w.now += 50
	w.work()
	w.expect(v.ID, Active, span(52, 152))
	// A change of a running allocation that the switches refuse.
	w.update(v.ID, Change{Bandwidth: new(bitrate.Rate(7))})
	fail(time.Second)
	w.expect(v.ID, Pending, span(52, 152))
	w.pass(1)
	w.expect(v.ID, Active, span(52, 152))
	w.checkCalendars()
}

func TestLateStartKeepsItsEndIfItMust(t *testing.T) {
	w, _ := pair(t)
	v := w.create(ask(1, 1, 2, 1, 6, 50))
	w.create(ask(1, 2, 2, 2, 6, 50))
	w.now += 7
	tasks, _ := w.a.Due(1)
	if err := w.a.Installed(tasks[0]); err != nil {
		t.Fatal(err)
	}
	w.expect(v.ID, Active, span(7, 50))
	w.checkLoads()
}

func TestPlannedPathDies(t *testing.T) {
	w, direct, _ := ring(t)
	soon, far := ask(1, 1, 2, 1, 1, 50), ask(1, 2, 2, 2, 1, 50)
	soon.StartTime, far.StartTime = w.now+30, w.now+300
	w.create(soon)
	planned := w.create(far)
	w.change(cut(direct))
	w.work()
	if got := w.expect("id1", Pending, span(30, 80)); len(got.Path) != 3 {
		t.Errorf("starts soon, but stays on %v", got.Path)
	}
	if got := w.expect("id2", Pending, span(300, 350)); !got.Path.Equal(planned.Path) {
		t.Errorf("starts in five minutes, but moved to %v", got.Path)
	}
	w.pass(301)
	if got := w.expect("id2", Active, span(300, 350)); len(got.Path) != 3 {
		t.Errorf("started on %v", got.Path)
	}
}

func TestPlanStopsOnError(t *testing.T) {
	w, trunk := pair(t)
	w.change(cut(trunk))
	w.create(ask(1, 1, 2, 1, 6, 60))
	w.change(mend(trunk, 10))
	w.store.fail = errors.New("disk full")
	if more, err := w.a.Plan(bg); err == nil || !more {
		t.Errorf("planned without a store: %v %v", more, err)
	}
	w.store.fail = nil
	w.work()
	w.expect("id1", Active, span(0, 60))
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if _, err := w.a.Plan(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("planned though stopped: %v", err)
	}
}

// TestLimitRaised: what a project's limit has put off begins once the limit is
// higher, though nothing else has changed.
func TestLimitRaised(t *testing.T) {
	w := newWorld(t, 1, 10)
	most := Limits{Bandwidth: new(bitrate.Rate(6))}
	w.cfg.Limits = func(string) Limits { return most }
	w.open()
	w.change(func(s *topology.Snapshot) { s.Attachments = s.Attachments[1:] }) // 10.0.1.1
	late := w.create(ask(1, 1, 1, 2, 4, 10))
	w.create(ask(1, 2, 1, 3, 4, 100))
	w.change(func(s *topology.Snapshot) {
		at := topology.PortID{DPID: 1, Port: 1}
		s.Attachments = append(s.Attachments, topology.Attachment{Prefix: netip.PrefixFrom(host(1, 1), 32), At: at})
	})
	w.work()
	w.expect(late.ID, Pending, span(100, 110))
	w.awake()
	most.Bandwidth = new(bitrate.Rate(8))
	w.a.LimitsChanged()
	if !w.awake() {
		t.Error("nothing says that there is something to do")
	}
	w.work()
	w.expect(late.ID, Active, span(0, 10))
}
