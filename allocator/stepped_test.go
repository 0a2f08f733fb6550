package allocator

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"conga/bitrate"
)

// fixed returns a request for a rate between hosts of two switches, for a span
// of the test.
func fixed(w *world, host int, rate bitrate.Rate, from, to Seconds) Request {
	r := ask(1, host, 2, host, rate, to-from)
	r.StartTime = w.now + from
	return r
}

// shown returns an allocation's steps, for a test.
func shown(v Allocation) string {
	var words []string
	for _, s := range v.Profile {
		words = append(words, fmt.Sprintf("[%d, %d) at %d", s.Start-1_000_000, s.End-1_000_000, s.Rate))
	}
	return strings.Join(words, " ")
}

// stepped returns a network with a link of 10 bit/s, of which 6 are another's
// from 20 to 60, and a volume of 640 bits that so passes in steps.
func stepped(t *testing.T) (w *world, other, id string) {
	w, _ = pair(t)
	other = w.create(fixed(w, 1, 6, 20, 60)).ID
	v := w.create(bulk(2, 80, 0, 90))
	if got := shown(v); got != "[0, 20) at 10 [20, 60) at 4 [60, 88) at 10" || v.Bandwidth != 10 || v.Window != span(0, 88) || v.Duration != 88 {
		t.Fatalf("%s; %+v", got, v)
	}
	w.work()
	return w, other, v.ID
}

// TestSteps: a volume passes in steps, of which each has its rate in its time.
func TestSteps(t *testing.T) {
	var rates []string
	w, _, id := stepped(t)
	w.cfg.Notify = func(v Allocation, _ bool) {
		if v.ID == id {
			rates = append(rates, fmt.Sprintf("%d: %s at %d", w.now-1_000_000, v.State, v.Bandwidth))
		}
	}
	w.open()
	w.a.Settled()
	w.pass(100)
	if got := strings.Join(rates, ", "); got != "20: active at 4, 60: active at 10, 88: complete at 10" {
		t.Error(got)
	}
	if v := w.expect(id, Complete, span(0, 88)); v.Reason != "" || len(v.Profile) != 3 {
		t.Errorf("%+v", v)
	}
	w.checkCalendars()
}

// dueNow returns what is handed out, as words, and the tasks by ID.
func (w *world) dueNow() (words string, tasks map[string]Task) {
	list, _ := w.a.Due(9)
	tasks = map[string]Task{}
	for _, t := range list {
		words += fmt.Sprintf("%s %d@%d ", t.Circuit.ID, t.Do, t.Circuit.Rate)
		tasks[t.Circuit.ID] = t
	}
	return words, tasks
}

// TestStepDown: what is to have the room waits until the lower rate is in the
// switches.
func TestStepDown(t *testing.T) {
	w, other, id := stepped(t)
	w.pass(19)
	w.expect(id, Active, span(0, 88))
	w.now++
	words, tasks := w.dueNow()
	if words != id+" 1@4 " {
		t.Fatalf("due: %s", words)
	}
	if words, _ := w.dueNow(); words != "" {
		t.Fatalf("due as well: %s", words)
	}
	if err := w.a.Failed(tasks[id], errors.New("no"), w.cfg.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if words, _ := w.dueNow(); words != "" {
		t.Fatalf("due after it has failed: %s", words)
	}
	if v := w.get(id); v.State != Pending || !strings.Contains(v.Reason, notInstalled) {
		t.Errorf("%+v", v)
	}
	w.now++
	if words, tasks = w.dueNow(); words != id+" 1@4 " {
		t.Fatalf("due: %s", words)
	}
	if err := w.a.Installed(tasks[id]); err != nil {
		t.Fatal(err)
	}
	if v := w.get(id); v.State != Active || v.Bandwidth != 4 || v.Reason != "" {
		t.Errorf("%+v", v)
	}
	if words, tasks = w.dueNow(); words != other+" 1@6 " {
		t.Fatalf("due when it is down: %s", words)
	}
	if err := w.a.Installed(tasks[other]); err != nil {
		t.Fatal(err)
	}
	w.pass(80)
	if v := w.expect(id, Complete, span(0, 89)); v.Reason != "" { // a second passed in vain
		t.Errorf("%+v", v)
	}
}

// TestStepUp: a higher rate waits until others have left, and two that go down
// at the same moment do not wait for each other.
func TestStepUp(t *testing.T) {
	w, other, id := stepped(t)
	w.pass(59)
	w.now++
	words, tasks := w.dueNow()
	if words != other+" 2@6 " {
		t.Fatalf("due: %s", words)
	}
	if err := w.a.Removed(tasks[other]); err != nil {
		t.Fatal(err)
	}
	if words, _ = w.dueNow(); words != id+" 1@10 " {
		t.Fatalf("due when the other is out: %s", words)
	}
}

// TestStepsTogether: two that go down at the same moment do not wait for each
// other, and what is to have the room waits for both; then they go up.
func TestStepsTogether(t *testing.T) {
	w, _ := pair(t)
	hog := w.create(fixed(w, 1, 8, 20, 40)).ID
	ask := bulk(2, 30, 0, 60)
	ask.MaxBandwidth = 5
	one := w.create(ask).ID
	if err := w.a.Release(bg, hog, 0); err != nil {
		t.Fatal(err)
	}
	hog = w.create(fixed(w, 1, 6, 20, 40)).ID
	ask.Key = bulk(3, 1, 0, 60).Key
	two := w.create(ask).ID
	for _, id := range []string{one, two} {
		if got := shown(w.get(id)); got != "[0, 20) at 5 [20, 40) at 2 [40, 60) at 5" {
			t.Fatal(got)
		}
	}
	w.work()
	w.pass(19)
	w.now++
	words, tasks := w.dueNow()
	if words != one+" 1@2 "+two+" 1@2 " {
		t.Fatalf("due: %s", words)
	}
	for _, id := range []string{one, two} {
		if words, _ := w.dueNow(); words != "" {
			t.Fatalf("due before %s is down: %s", id, words)
		}
		if err := w.a.Installed(tasks[id]); err != nil {
			t.Fatal(err)
		}
	}
	if words, tasks = w.dueNow(); words != hog+" 1@6 " {
		t.Fatalf("due: %s", words)
	}
	if err := w.a.Installed(tasks[hog]); err != nil {
		t.Fatal(err)
	}
	w.pass(19)
	w.now++
	if words, tasks = w.dueNow(); words != hog+" 2@6 " {
		t.Fatalf("due: %s", words)
	}
	if err := w.a.Removed(tasks[hog]); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.pass(20)
	for _, id := range []string{one, two} {
		if v := w.expect(id, Complete, span(0, 60)); v.Reason != "" {
			t.Errorf("%+v", v)
		}
	}
}

// TestStepsOverARestart: the circuit of the step is restored, and no other rate
// is handed out; a step that has begun meanwhile is installed.
func TestStepsOverARestart(t *testing.T) {
	w, _, id := stepped(t)
	w.pass(25)
	w.open()
	circuits := map[string]bitrate.Rate{}
	for _, c := range w.a.Circuits() {
		circuits[c.ID] = c.Rate
	}
	if circuits[id] != 4 || len(circuits) != 2 {
		t.Errorf("restored: %v", circuits)
	}
	w.a.Settled()
	w.work()
	if v := w.expect(id, Active, span(0, 88)); v.Bandwidth != 4 {
		t.Errorf("%+v", v)
	}
	w.now += 40 // the daemon is down while the next one begins
	w.open()
	for _, c := range w.a.Circuits() {
		if c.ID == id && c.Rate != 10 {
			t.Errorf("restored: %+v", c)
		}
	}
	w.a.Settled()
	w.work()
	if v := w.expect(id, Active, span(0, 88)); v.Bandwidth != 10 {
		t.Errorf("%+v", v)
	}
	w.checkCalendars()
	w.pass(30)
	if v := w.expect(id, Complete, span(0, 88)); v.Reason != "" {
		t.Errorf("%+v", v)
	}
}

// TestStepsPlannedAnew: what loses its path, and does not find one for the
// steps that are left, is planned anew.
func TestStepsPlannedAnew(t *testing.T) {
	w := newWorld(t, 3, 20)
	direct := w.cable(1, 2, 10)
	w.cable(1, 3, 8)
	w.cable(3, 2, 8)
	w.open()
	w.create(fixed(w, 1, 6, 20, 60))
	r := bulk(2, 80, 0, 90)
	r.MaxHops = 2
	id := w.create(r).ID
	if got := shown(w.get(id)); got != "[0, 20) at 10 [20, 60) at 4 [60, 88) at 10" {
		t.Fatal(got)
	}
	w.work()
	w.pass(10)
	it := w.a.findLocked(id)
	loose := *it.record()
	loose.MaxHops = 0 // as if it had not been asked for: a change would plan it anew
	it.pack(&loose)
	w.change(cut(direct))
	w.work()
	if v := w.expect(id, Active, span(0, 78)); len(v.Profile) > 0 || v.Bandwidth != 8 || len(v.Path) != 3 {
		t.Errorf("%s, %+v", shown(v), v)
	}
	w.checkCalendars()
	w.pass(80)
	if v := w.expect(id, Complete, span(0, 78)); v.Reason != "" {
		t.Errorf("%+v", v)
	}
}

// TestStepsKeptOnAnotherPath: a fault moves the steps that are left, if the
// other way has room for each of them.
func TestStepsKeptOnAnotherPath(t *testing.T) {
	w := newWorld(t, 2, 20)
	one := w.cable(1, 2, 10)
	w.open()
	w.create(fixed(w, 1, 6, 20, 60))
	id := w.create(bulk(2, 80, 0, 90)).ID
	w.work()
	w.pass(30)
	two := w.cable(1, 2, 10)
	w.change(mend(two, 10))
	w.change(cut(one))
	w.work()
	v := w.get(id)
	if shown(v) != "[0, 20) at 10 [20, 60) at 4 [60, 88) at 10" || v.State != Active || v.Path[0].Out != two.From.Port || v.Bandwidth != 4 {
		t.Errorf("%s; %+v", shown(v), v)
	}
	w.checkCalendars()
	w.pass(60)
	if v := w.get(id); v.State != Complete || v.Reason != "" {
		t.Errorf("%+v", v)
	}
}

// TestStepsThatStartLate: what has no time for its steps any more gets others
// on its path; if none carry it, it says what it had no time for.
func TestStepsThatStartLate(t *testing.T) {
	for deadline, want := range map[Seconds]string{
		90: "[5, 20) at 10 [20, 60) at 4 [60, 88) at 10 it had no time for 7 of its 80 bytes",
		95: "[5, 20) at 10 [20, 60) at 4 [60, 93) at 10",
	} {
		w, _ := pair(t)
		w.create(fixed(w, 1, 6, 20, 60))
		id := w.create(bulk(2, 80, 0, deadline)).ID
		w.now += 5
		words, tasks := w.dueNow()
		if words != id+" 1@10 " {
			t.Fatalf("due: %s", words)
		}
		if err := w.a.Installed(tasks[id]); err != nil {
			t.Fatal(err)
		}
		w.work()
		w.pass(100)
		v := w.get(id)
		v.Profile = v.Steps()
		got := strings.TrimSpace(shown(v) + " " + v.Reason)
		if v.State != Complete || got != want {
			t.Errorf("by %d: %s, want %s", deadline, got, want)
		}
	}
}

// Steps that start late are no longer than the project's limit on durations.
func TestLateStepsKeepTheLimit(t *testing.T) {
	for longest, want := range map[Seconds]string{
		0:   "[5, 20) at 10 [20, 143) at 4",
		130: "[5, 20) at 10 [20, 130) at 4 it had no time for 7 of its 80 bytes",
	} {
		w, _ := pair(t)
		w.create(fixed(w, 1, 6, 20, 200))
		if longest > 0 {
			w.limit(Limits{Duration: &longest})
		}
		id := w.create(bulk(2, 80, 0, 150)).ID
		w.now += 5
		_, tasks := w.dueNow()
		if err := w.a.Installed(tasks[id]); err != nil {
			t.Fatal(err)
		}
		w.work()
		w.pass(150)
		v := w.get(id)
		v.Profile = v.Steps()
		if got := strings.TrimSpace(shown(v) + " " + v.Reason); v.State != Complete || got != want {
			t.Errorf("at most %d s: %s, want %s", longest, got, want)
		}
	}
}

// TestLateStepsLeaveTheirTrafficToOthers: steps that end later than those that
// were planned take no time that the same traffic has by another allocation.
func TestLateStepsLeaveTheirTrafficToOthers(t *testing.T) {
	w, _ := pair(t)
	w.create(fixed(w, 1, 6, 20, 60))
	id := w.create(bulk(2, 80, 0, 95)).ID
	next := w.create(fixed(w, 2, 1, 88, 95)).ID // of the same hosts
	w.now += 5
	w.work()
	w.checkCalendars()
	if v := w.expect(id, Active, span(5, 88)); shown(v) == "" {
		t.Errorf("%+v", v)
	}
	w.pass(90)
	w.expect(next, Complete, span(88, 95))
	if v := w.expect(id, Complete, span(5, 88)); !strings.Contains(v.Reason, "no time for") {
		t.Errorf("%+v", v)
	}
}

// TestWhatHindersSteps: a volume that passes in no steps because of the same
// traffic, or of the project's limit, is told so, and not of a link.
func TestWhatHindersSteps(t *testing.T) {
	w, _ := pair(t)
	w.create(fixed(w, 1, 6, 20, 60))
	w.create(fixed(w, 2, 1, 40, 41)) // of the same hosts
	if _, err := w.a.Create(bg, bulk(2, 70, 0, 90)); err == nil || !strings.Contains(err.Error(), "same traffic") {
		t.Errorf("beside the same traffic: %v", err)
	}
	w, _ = pair(t)
	w.cfg.Limits = func(string) Limits { return Limits{Bandwidth: new(bitrate.Rate(8))} }
	w.open()
	w.create(fixed(w, 1, 6, 20, 60))
	if _, err := w.a.Create(bg, bulk(2, 75, 0, 90)); err == nil || !strings.Contains(err.Error(), "may hold 8") {
		t.Errorf("beyond the limit: %v", err)
	}
}

// TestChangeOfSteps: a change of what passes in steps plans what is left anew;
// without a volume it keeps the rate that it has.
func TestChangeOfSteps(t *testing.T) {
	w, other, id := stepped(t)
	w.pass(30)
	v, err := w.a.Update(bg, id, 0, Change{Deadline: new(w.now + 100)})
	if err != nil || v.Window.End > w.now+100 {
		t.Fatalf("%+v, %v", v, err)
	}
	w.work()
	w.checkCalendars()
	w.checkLoads()
	if _, err := w.a.Update(bg, id, 0, Change{Volume: new(uint64(100)), Deadline: new(w.now + 80)}); err != nil {
		t.Fatal(err)
	}
	w.work()
	if v = w.get(id); len(v.Profile) == 0 {
		t.Errorf("%+v", v)
	}
	w.checkCalendars()
	w.checkLoads()
	if err := w.a.Release(bg, other, 0); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.pass(1)
	if v, err = w.a.Update(bg, id, 0, Change{Volume: new(uint64(0)), Deadline: new(Seconds(0)), Duration: new(Seconds(200))}); err != nil || len(v.Profile) > 0 || v.Bandwidth == 0 {
		t.Fatalf("%+v, %v", v, err)
	}
	w.work()
	w.checkCalendars()
	if err := w.remove(id); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.checkCalendars()
}

// TestNoSteps: one rate that was asked for stays one, and so does that of what
// is protected; without a deadline there is a constant rate.
func TestNoSteps(t *testing.T) {
	w, _ := pair(t)
	w.create(fixed(w, 1, 6, 20, 60))
	for name, change := range map[string]func(*Request){
		"one rate":   func(r *Request) { r.Bandwidth = 10 },
		"one bound":  func(r *Request) { r.MinBandwidth, r.MaxBandwidth = 8, 8 },
		"protected":  func(r *Request) { r.Protected = true },
		"too little": func(r *Request) { r.MinBandwidth = 5 },
	} {
		r := bulk(2, 80, 0, 90)
		change(&r)
		if v, err := w.a.Validate(r); err == nil {
			t.Errorf("%s: %+v", name, v)
		}
	}
	if v, err := w.a.Validate(bulk(2, 80, 0, 0)); err != nil || len(v.Profile) > 0 {
		t.Errorf("%+v, %v", v, err)
	}
	if v, err := w.a.Validate(bulk(2, 80, 0, 90)); err != nil || len(v.Profile) != 3 {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestManyWays: however many paths there are, the best one is found.
func TestManyWays(t *testing.T) {
	w := newWorld(t, 2, 100)
	for range 20 {
		w.cable(1, 2, 8)
	}
	best := w.cable(1, 2, 20)
	w.open()
	w.create(fixed(w, 1, 15, 20, 60))
	v := w.create(bulk(2, 60, 0, 50))
	if got := shown(v); got != "[0, 20) at 20 [20, 36) at 5" || v.Path[0].Out != best.From.Port {
		t.Errorf("%s %+v", got, v)
	}
}

// TestNoneWaitsForItself: what moves while its old circuit is past its time
// waits for another that leaves, and not for its own.
func TestNoneWaitsForItself(t *testing.T) {
	w := newWorld(t, 2, 10)
	one := w.cable(1, 2, 10)
	w.cable(1, 2, 10)
	w.open()
	other := w.create(ask(1, 1, 2, 2, 1, 12)).ID
	r := bulk(1, 6, 3, 30) // 48 bits
	r.MaxBandwidth = 6
	id := w.create(r).ID // from 3 to 11
	w.work()
	w.now += 8
	w.work()
	w.expect(id, Active, span(8, 16))
	w.now += 4 // the other is over, and so is the time for which the circuit was handed out
	w.change(cut(one))
	w.plan()
	words, tasks := w.dueNow()
	if words != other+" 2@1 " {
		t.Fatalf("due: %s", words)
	}
	if err := w.a.Removed(tasks[other]); err != nil {
		t.Fatal(err)
	}
	if words, _ = w.dueNow(); words != id+" 1@6 " {
		t.Fatalf("due: %s", words)
	}
	w.checkIndexes()
}
