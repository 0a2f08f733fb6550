package scheduler

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conga/allocator"
	"conga/controller/path"
)

// wall is a clock that can be set while timers run on.
type wall struct{ offset atomic.Int64 }

func (w *wall) now() time.Time {
	return time.Now().Round(0).Add(time.Duration(w.offset.Load()))
}

func (w *wall) set(by time.Duration) { w.offset.Add(int64(by)) }

// A stepper tells steps in both directions once each, and neither a clock that
// is slewed nor one that is read late.
func TestStepper(t *testing.T) {
	var wall, steady time.Duration
	origin := time.Unix(1_000_000, 0)
	late := time.Duration(0)
	s := &stepper{
		now:    func() time.Time { return origin.Add(wall) },
		steady: func() time.Time { steady += late; wall += late; return origin.Add(steady) },
		wall:   origin, other: origin,
	}
	run := func(d time.Duration) { wall, steady = wall+d, steady+d }
	for i, c := range []struct{ by, want time.Duration }{
		{0, 0}, {time.Second, time.Second}, {-time.Second, -time.Second}, {24 * time.Hour, 24 * time.Hour},
		{-24 * time.Hour, -24 * time.Hour}, {leastStep, leastStep}, {-leastStep, -leastStep}, {leastStep - 1, 0}, {0, 0},
	} {
		run(time.Second)
		wall += c.by
		if got := s.step(); got != c.want {
			t.Errorf("%d: step %v, want %v", i, got, c.want)
		}
	}
	for i := range 3600 { // slewed as fast as clocks are
		run(time.Millisecond)
		if s.step() != 0 {
			t.Fatalf("a step after %d ms", i)
		}
		run(time.Second)
		if wall += 500 * time.Microsecond; s.step() != 0 {
			t.Fatalf("a slewed clock counts as set after %d s", i)
		}
	}
	late = time.Minute // the process is held up within the reading
	if got := s.step(); got != 0 {
		t.Errorf("step %v of a clock that was read late", got)
	}
	late = 0
	if wall += time.Hour; s.step() != time.Hour {
		t.Error("no step is found after one that could not be judged")
	}
	late = surestRead // is soon enough; the clock is read in between
	if wall += time.Hour; s.step() != time.Hour-surestRead {
		t.Error("no step is found by a reading that took just as long as it may")
	}
	late = 0
	run(lookEvery/2 - 1)
	if was := s.wall; s.step() != 0 || s.wall != was {
		t.Error("what is slewed is taken over after too short a time to tell")
	}
	run(1)
	if was := s.wall; s.step() != 0 || s.wall == was {
		t.Error("what is slewed is not taken over")
	}
}

// The first step is told from how the clocks were when the stepper was made.
func TestFirstStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wall{}
		s := newStepper(w.now)
		w.set(time.Hour)
		if got := s.step(); got != time.Hour {
			t.Errorf("the first step is %v", got)
		}
	})
}

// What the configuration leaves out has its default; what is short is kept.
func TestDefaults(t *testing.T) {
	for _, left := range []time.Duration{0, -1} {
		c := Config{Workers: int(left), Timeout: left, Backoff: left}.withDefaults()
		if c.Workers != DefaultWorkers || c.Timeout != DefaultTimeout || c.Backoff != DefaultBackoff || c.Settle != DefaultSettle || c.Log == nil {
			t.Errorf("without settings: %+v", c)
		}
	}
	c := Config{Workers: 1, Timeout: 1, Backoff: 1, Settle: 1}.withDefaults()
	if c.Workers != 1 || c.Timeout != 1 || c.Backoff != 1 || c.Settle != 1 {
		t.Errorf("with the least settings: %+v", c)
	}
}

// A step is in the log once, with its size.
func TestStepIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, clock := newRig(t), &wall{}
		r.now = clock.now
		var out locked
		r.cfg.Log = slog.New(slog.NewTextHandler(&out, nil))
		r.start()
		defer r.halt()
		for _, by := range []time.Duration{70 * time.Second, -24 * time.Hour} {
			r.sleep(3 * time.Second)
			clock.set(by)
			r.sleep(10 * time.Second)
			if out.has("the clock was set", "by="+by.String()) != 1 {
				t.Errorf("after a step of %v:\n%s", by, out.b.String())
			}
		}
		if out.has("the clock was set") != 2 {
			t.Errorf("steps that were none:\n%s", out.b.String())
		}
	})
}

// What has failed is tried again after as long a delay as if the clock had not
// been set.
func TestStepKeepsDelays(t *testing.T) {
	for _, by := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			r, clock := newRig(t), &wall{}
			r.now = clock.now
			r.refuse = errors.New("table full")
			r.start()
			defer r.halt()
			r.sleep(20 * time.Second) // past Settled, which tries again what has failed
			id := r.create(1, 4, 7*24*3600, 0)
			r.sleep(2500 * time.Millisecond) // two attempts, the next one 2 to 2.5 s after the second
			r.mu.Lock()
			r.refuse = nil
			r.mu.Unlock()
			clock.set(by)
			r.sleep(2 * time.Second)
			if v, _ := r.a.Get(id); v.State != allocator.Active {
				t.Errorf("after a step of %v it is %+v", by, v)
			}
		})
	}
}

// A lease, a hold and an active lease have as much left after a step, either
// way, as they had before: a client asks again in its own time.
func TestStepAndLeases(t *testing.T) {
	for _, by := range []time.Duration{24 * time.Hour, time.Hour, -time.Hour, -24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) { stepLeases(t, by) })
	}
}

func stepLeases(t *testing.T, by time.Duration) {
	r, clock := newRig(t), &wall{}
	r.now = clock.now
	r.start()
	defer r.halt()
	r.sleep(time.Second)
	ids := map[string]string{}
	for what, q := range map[string]allocator.Request{
		"a lease":         {Lease: 300, StartTime: path.SecondsOf(clock.now()) + 400_000},
		"a hold":          {Hold: 300},
		"an active lease": {ActiveLease: 300},
	} {
		last := byte(10 + len(ids))
		q.ProjectID, q.Duration = "p", 7*86400
		q.Key = path.FlowKey{Src: path.Host(netip.AddrFrom4([4]byte{10, 0, 1, last})), Dst: path.Host(netip.AddrFrom4([4]byte{10, 0, 2, last}))}
		v, err := r.a.Create(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		ids[what] = v.ID
	}
	over := func(when string, want bool) {
		t.Helper()
		for what, id := range ids {
			if v, err := r.a.Get(id); err != nil || (v.State == allocator.Complete) != want {
				t.Errorf("a step of %v, %s of 300 s %s: %s, %v", by, what, when, v.State, err)
			}
		}
	}
	r.sleep(50 * time.Second)
	clock.set(by)
	r.sleep(240 * time.Second)
	over("after 290 s", false)
	r.sleep(20 * time.Second)
	over("after 310 s", true)
}

// The last of a lease is longer after a step, for a client that is late.
func TestStepAndTheLastOfALease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, clock := newRig(t), &wall{}
		r.now = clock.now
		r.start()
		defer r.halt()
		r.sleep(time.Second)
		v, err := r.a.Create(t.Context(), allocator.Request{
			ProjectID: "p", Duration: 60, Lease: 300, StartTime: path.SecondsOf(clock.now()) + 400_000,
			Key: path.FlowKey{Src: path.Host(netip.AddrFrom4([4]byte{10, 0, 1, 9})), Dst: path.Host(netip.AddrFrom4([4]byte{10, 0, 2, 9}))},
		})
		if err != nil {
			t.Fatal(err)
		}
		r.sleep(290 * time.Second)
		clock.set(24 * time.Hour)
		for after, want := range map[time.Duration]allocator.State{58 * time.Second: allocator.Pending, 65 * time.Second: allocator.Complete} {
			time.AfterFunc(after, func() {
				if v, _ := r.a.Get(v.ID); v.State != want {
					t.Errorf("%v after the step: %s", after, v.State)
				}
			})
		}
		r.sleep(70 * time.Second)
	})
}

// TestClockSteps has a schedule of 200 allocations over two days, and a clock
// that is set back and forth by up to a day, 40 times within three hours.
// Whatever it says, an allocation runs within 2 s of its start on that clock,
// or of when that was set into its window, ends within 2 s of its end, and runs
// once. A fixed window that the clock passes over ends without having run; what
// was to run as early as it fits does run.
func TestClockSteps(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) { stepThrough(t, rand.New(rand.NewPCG(seed, 10))) })
	}
}

const (
	lookPause = 500 * time.Millisecond // of the test
	allowed   = 2*time.Second + lookPause
)

func stepThrough(t *testing.T, random *rand.Rand) {
	const many, steps, length = 200, 40, 3 * time.Hour
	r, clock := newRig(t), &wall{}
	var mu sync.Mutex
	latest := map[string]allocator.Allocation{}
	r.now = clock.now
	r.notify = func(v allocator.Allocation, _ bool) {
		mu.Lock()
		defer mu.Unlock()
		latest[v.ID] = v
	}
	r.start()
	defer r.halt()
	var list []*booked
	for i := range many {
		in := allocator.Seconds(0)
		if i%4 != 0 {
			in = allocator.Seconds(10 + random.Int64N(2*86400))
		}
		list = append(list, &booked{id: r.create(byte(i+1), 0, allocator.Seconds(60+random.Int64N(4*3600)), in)})
	}
	look := func() {
		r.sleep(lookPause)
		mu.Lock()
		defer mu.Unlock()
		for _, b := range list {
			b.judge(t, latest[b.id], clock.now())
		}
	}
	at := make([]time.Duration, steps)
	for i := range at {
		at[i] = time.Duration(random.Int64N(int64(length)))
	}
	slices.Sort(at)
	for elapsed := time.Duration(0); elapsed < length && !t.Failed(); elapsed += lookPause {
		if len(at) > 0 && elapsed >= at[0] {
			at = at[1:]
			by := time.Duration(1+random.Int64N([]int64{1, 10, 100, 3600, 86400}[random.IntN(5)])) * time.Second
			clock.set(by * time.Duration(1-2*random.IntN(2)))
		}
		look()
	}
	clock.set(r.list()[0].Created.Time().Add(30 * 24 * time.Hour).Sub(clock.now()))
	for range 20 {
		look()
	}
	for _, b := range list {
		if v := latest[b.id]; b.runs == 0 && (b.chance || v.StartTime == 0) {
			t.Errorf("never ran: %+v", v)
		} else if v.StartTime != 0 && v.State != allocator.Complete || b.runs == 0 && v.Reason == "" {
			t.Errorf("at the end %+v", v)
		}
	}
}

// booked is an allocation of the schedule and what has become of it.
type booked struct {
	id     string
	within time.Duration // for how long the clock has been in its window
	past   time.Duration // for how long it has been past it
	chance bool          // it was in the window for long enough once
	state  allocator.State
	runs   int // how often it became active
}

// judge looks at what an allocation is now.
func (b *booked) judge(t *testing.T, v allocator.Allocation, now time.Time) {
	second := path.SecondsOf(now)
	if v.State == allocator.Active && b.state != allocator.Active {
		if b.runs++; b.runs > 1 {
			t.Errorf("runs twice: %+v", v)
		}
		if v.StartTime > second+1 {
			t.Errorf("runs at %d, too early: %+v", second, v)
		}
	}
	b.state = v.State
	switch {
	case v.State == allocator.Complete:
		b.within, b.past = 0, 0 // what is over stays over
	case v.Window.Contains(second):
		b.within, b.past = b.within+lookPause, 0
	case second >= v.Window.End:
		b.within, b.past = 0, b.past+lookPause
	default:
		b.within, b.past = 0, 0
	}
	if b.within >= allowed {
		if b.chance = true; v.State == allocator.Pending {
			t.Errorf("does not run at %d: %+v", second, v)
		}
	}
	if b.past >= allowed {
		t.Errorf("goes on at %d: %+v", second, v)
	}
}
