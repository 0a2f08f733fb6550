package allocator

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"conga/controller/path"
	"conga/controller/topology"
)

// A scavenger that a switch fails to make smaller gives up its path, and what
// is reserved does not wait for it.
func TestScavengerThatCannotShrink(t *testing.T) {
	w := newWorld(t, 2, 40)
	w.cable(1, 2, 40)
	w.open()
	id := w.create(scavenger(1, 1, 2, 1, 0, 0, 1000)).ID
	w.work()
	w.expectRate(id, Active, 40, "")
	reserved := w.create(ask(1, 2, 2, 2, 20, 100)).ID
	for range 10 {
		w.now++
		w.plan()
		tasks, _ := w.a.Due(10)
		for _, task := range tasks {
			var err error
			switch {
			case task.Do == Remove:
				err = w.a.Removed(task)
			case task.Circuit.ID == id:
				err = w.a.Failed(task, errors.New("meter refused"), w.now.Time().Add(2*time.Second))
			default:
				err = w.a.Installed(task)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	w.expect(reserved, Active, span(4, 104))
	if v := w.get(id); v.Bandwidth > 20 {
		t.Errorf("it is %s at %s", v.State, v.Bandwidth)
	}
}

// A switch that has no meter for it would let a scavenger have more than is
// spare: it waits for one.
func TestScavengerHasAMeter(t *testing.T) {
	w := newWorld(t, 2, 40)
	w.cable(1, 2, 40)
	w.open()
	w.change(enforcing(2, true, 0))
	id := w.create(scavenger(1, 1, 2, 1, 0, 0, 1000)).ID
	w.pass(2)
	w.expectRate(id, Pending, 0, "waits until switch 0000000000000002, ")
	w.change(enforcing(2, false, 7))
	w.pass(2)
	w.expectRate(id, Pending, 0, "waits until switch 0000000000000002, ")
	w.change(enforcing(2, false, 0))
	w.pass(2)
	w.expectRate(id, Active, 40, "")
}

// A scavenger that runs when its switch has no meter any more gives up its
// path, and is not put back at once: without it the switch may have a meter.
func TestScavengerLosesItsMeter(t *testing.T) {
	for _, change := range []func(*topology.Snapshot){enforcing(2, true, 0), enforcing(2, false, 1)} {
		w := newWorld(t, 2, 40)
		w.cable(1, 2, 40)
		w.open()
		id := w.create(scavenger(1, 1, 2, 1, 0, 0, 1000)).ID
		w.work()
		w.expectRate(id, Active, 40, "")
		w.change(enforcing(2, false, 9)) // it is not this one that has none
		w.pass(2)
		w.expectRate(id, Active, 40, "")
		w.change(change)
		w.pass(2)
		w.expectRate(id, Pending, 0, "returned to pending: a switch at one of its ends has no meter any more")
		w.change(enforcing(2, false, 0))
		w.pass(20)
		w.expectRate(id, Pending, 0, "returned to pending")
		w.pass(20)
		w.expectRate(id, Active, 40, "")
	}
}

// A scavenger makes way for what is reserved of the same fragments, which name
// no port, while that is to have them.
func TestScavengerLeavesFragments(t *testing.T) {
	w := newWorld(t, 2, 40)
	w.cable(1, 2, 40)
	w.open()
	udp := func(r Request, project string, port uint16) Request {
		r.ProjectID, r.Key.Proto, r.Key.DstPort = project, path.ProtoUDP, path.Port(port)
		return r
	}
	id := w.create(udp(scavenger(1, 1, 2, 1, 0, 0, 1000), "p", 1)).ID
	w.work()
	w.expectRate(id, Active, 40, "")
	reserved := w.create(udp(ask(1, 1, 2, 1, 20, 100), "q", 2)).ID
	w.pass(2)
	w.expect(reserved, Active, span(1, 101))
	w.expectRate(id, Pending, 0, "no allocation that reserves has this traffic")
	w.pass(102)
	w.expectRate(id, Active, 40, "")
	later := udp(ask(1, 1, 2, 1, 20, 100), "q", 3)
	later.StartTime = w.now + 500
	w.create(later)
	w.pass(2)
	w.expectRate(id, Active, 40, "")
}

// While what is reserved begins, no scavenger has its fragments any more.
func TestFragmentsAreLeftFirst(t *testing.T) {
	w := newWorld(t, 2, 40)
	w.cable(1, 2, 40)
	w.open()
	spare, reserved := scavenger(1, 1, 2, 1, 0, 0, 1000), ask(1, 1, 2, 1, 20, 100)
	reserved.ProjectID = "q"
	for i, r := range []*Request{&spare, &reserved} {
		r.Key.Proto, r.Key.DstPort = path.ProtoUDP, path.Port(uint16(80+i))
	}
	had := w.create(spare).ID
	w.work()
	id, held := w.create(reserved).ID, true
	for range 10 {
		w.plan()
		tasks, _ := w.a.Due(10)
		for _, task := range tasks {
			report := w.a.Installed
			if task.Do == Remove && task.Circuit.ID == had {
				held, report = false, w.a.Removed
			}
			if held {
				t.Fatalf("%+v while the scavenger is in the switches", task)
			}
			if err := report(task); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.expect(id, Active, span(0, 100))
}

// TestMostScavengers: there is a bound, for a project and for all, and what is
// too many is refused.
func TestMostScavengers(t *testing.T) {
	w := newWorld(t, 2, 40)
	w.cable(1, 2, 40)
	w.open()
	ask := func(project string) Request {
		r := scavenger(1, 2, 2, 2, 0, 0, 1000)
		r.ProjectID = project
		return r
	}
	for i := range mostScavengers {
		r := ask(fmt.Sprint(i / mostOfAProject))
		r.Key.Proto, r.Key.DstPort = path.ProtoTCP, path.Port(uint16(i+1))
		w.create(r)
		if i == mostOfAProject {
			_, err := w.a.Create(bg, ask("0"))
			refused(t, err, Conflict, "class")
		}
	}
	_, err := w.a.Create(bg, ask("new"))
	refused(t, err, Conflict, "class")
}

// What has changed to a scavenger's traffic just before a restart is in the
// switches without it from then on.
func TestScavengerGivesWayAfterARestart(t *testing.T) {
	w := newWorld(t, 2, 100)
	w.cable(1, 2, 40)
	w.open()
	id := w.create(scavenger(1, 1, 2, 1, 0, 0, 1000)).ID
	other := w.create(ask(1, 2, 2, 2, 20, 500)).ID
	w.work()
	key := w.get(id).Key
	if _, err := w.a.Update(bg, other, 0, Change{Key: &key}); err != nil {
		t.Fatal(err)
	}
	w.open()
	if got := w.a.Circuits(); len(got) != 1 || got[0].ID != other {
		t.Errorf("the switches are to hold %v", got)
	}
	tasks, _ := w.a.Due(10)
	for _, task := range tasks {
		if task.Do == Install && task.Circuit.ID == id {
			t.Error("the scavenger is installed")
		}
	}
}
