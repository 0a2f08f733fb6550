package scheduler

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conga/allocator"
	"conga/allocator/store"
	"conga/controller/path"
	"conga/controller/topology"
)

// stubborn is a network whose calls take their time whatever ctx says, each
// longer than the one before.
type stubborn struct {
	*fabric
	takes, more time.Duration
	calls       *atomic.Int64
}

func (s stubborn) Install(ctx context.Context, c path.Circuit) error {
	time.Sleep(s.takes + time.Duration(s.calls.Add(1)-1)*s.more)
	return s.fabric.Install(context.WithoutCancel(ctx), c)
}

func TestNewNeedsBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.start()
		defer r.halt()
		for _, cfg := range []Config{{Allocator: r.a}, {Network: r.fabric}} {
			if _, err := New(cfg); err == nil {
				t.Errorf("made a scheduler of %+v", cfg)
			}
		}
	})
}

// Run returns when all that it has begun has ended, and what the network has
// confirmed is saved.
func TestRunEndsWhenAllIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const takes, more, latency = 5 * time.Second, 300 * time.Millisecond, 700 * time.Millisecond
		r := newRig(t)
		s := &slow{Store: r.store}
		r.store = s
		r.start()
		first, second := r.create(1, 4, 600, 30), r.create(2, 4, 600, 30)
		r.halt()
		network := stubborn{r.fabric, takes, more, new(atomic.Int64)}
		run, err := New(Config{Allocator: r.a, Network: network})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- run.Run(ctx) }()
		r.sleep(30 * time.Second)
		if n := network.calls.Load(); n != 2 {
			t.Fatalf("%d calls under way, want 2", n)
		}
		s.latency.Store(int64(latency))
		stop()
		began := time.Now()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
		// The second is confirmed while the first is being saved.
		if took, want := time.Since(began), takes+r.latency+2*latency; took != want {
			t.Errorf("Run returned after %v; the calls and the commits take %v", took, want)
		}
		for _, id := range []string{first, second} {
			if v, err := r.a.Get(id); err != nil || v.State != allocator.Active {
				t.Errorf("%+v (%v)", v, err)
			}
		}
	})
}

// A change of the network is a reason to try at once what failed.
func TestChangeRetriesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.cfg.Backoff = 40 * time.Second
		r.refuse = errors.New("switch 2 refused it: table full")
		r.start()
		defer r.halt()
		id := r.create(1, 4, 600, 0)
		r.sleep(20 * time.Second)
		r.mu.Lock()
		r.refuse = nil
		r.mu.Unlock()
		r.sleep(19 * time.Second)
		r.expect(id, allocator.Pending, "") // the backoff that is configured is kept
		r.change(connected(true, 1))
		r.sleep(50 * time.Millisecond)
		r.expect(id, allocator.Active, "install id1 at 4 over 2")
	})
}

// How long switches may be away after the start is what the configuration says.
func TestSettle(t *testing.T) {
	for _, settle := range []time.Duration{time.Second, 25 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.start()
			id := r.create(1, 4, 600, 0)
			r.sleep(time.Second)
			r.halt()
			r.take()
			r.change(unmet(2))
			r.cfg.Settle = settle
			r.start()
			defer r.halt()
			r.sleep(settle - 100*time.Millisecond)
			r.expect(id, allocator.Active, "restore id1")
			r.sleep(200 * time.Millisecond)
			r.expect(id, allocator.Pending, "")
		})
	}
}

// A store that fails is asked again after a rest, and what was to be moved is
// moved then.
func TestBrokenStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := &failing{slow: slow{Store: r.store}}
		r.store = s
		r.start()
		defer r.halt()
		id := r.create(1, 4, 6000, 0)
		r.sleep(15 * time.Second)
		r.expect(id, allocator.Active, "install id1 at 4 over 2")
		s.broken.Store(true)
		before := s.commits.Load()
		r.change(cutDirect)
		r.sleep(30 * time.Second)
		if n := s.commits.Load() - before; n < 10 || n > 4*30 {
			t.Errorf("a broken store was asked %d times in 30 s", n)
		}
		s.broken.Store(false)
		r.sleep(2 * time.Second)
		r.expect(id, allocator.Active, "install id1 at 4 over 3")
	})
}

// deferred is a network that says that it changes only once the barrier is
// closed, while there is one.
type deferred struct {
	*fabric
	barrier *atomic.Pointer[chan struct{}]
}

func (g deferred) Changed() <-chan struct{} {
	if barrier := g.barrier.Load(); barrier != nil {
		<-*barrier
	}
	return g.fabric.Changed()
}

// Calls that return while nothing can be begun all make room for others.
func TestCallsReturnTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const workers = 5
		r := newRig(t)
		r.start()
		for i := range 2 * workers {
			r.create(byte(i+1), 0, 600, 10)
		}
		r.halt()
		network := deferred{r.fabric, new(atomic.Pointer[chan struct{}])}
		run, err := New(Config{Allocator: r.a, Network: network, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- run.Run(ctx) }()
		r.sleep(10*time.Second + r.latency/2)
		barrier := make(chan struct{})
		network.barrier.Store(&barrier)
		r.change(func(*topology.Snapshot) {}) // has the network asked for its next change
		r.sleep(time.Second)
		if _, held := r.tally(); held != workers {
			t.Errorf("%d were installed, want %d", held, workers)
		}
		network.barrier.Store(nil)
		close(barrier)
		r.sleep(r.latency + time.Millisecond)
		if most, held := r.tally(); most != workers || held != 2*workers {
			t.Errorf("%d calls at once for %d in all; want %d for %d", most, held, workers, 2*workers)
		}
		stop()
		<-ended
	})
}

// failing is a store whose commits fail while it is broken.
type failing struct {
	slow
	broken atomic.Bool
}

func (f *failing) Commit(ctx context.Context, ops ...store.Op) error {
	if f.broken.Load() {
		f.commits.Add(1)
		return errors.New("no space left on device")
	}
	return f.slow.Commit(ctx, ops...)
}
