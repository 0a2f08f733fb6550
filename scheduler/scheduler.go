package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"conga/allocator"
	"conga/controller/path"
)

// Defaults of a [Config].
const (
	DefaultSettle  = 10 * time.Second
	DefaultWorkers = 4096
	DefaultTimeout = 15 * time.Second
	DefaultBackoff = time.Second
	maxBackoff     = time.Minute
	planRest       = time.Second // after a failed Plan, so that a broken store is not hammered
	planners       = 3           // one places what another saves
	patience       = time.Second // for a call, before it makes room for another
	slowShare      = 3           // calls that took longer than that, for each that is counted
)

// A Config is what a [Scheduler] works with. Allocator and Network are
// required.
type Config struct {
	Allocator *allocator.Allocator
	Network   Network
	Log       *slog.Logger  // nil: none
	Settle    time.Duration // how long after the start a switch may be away before paths over it count as lost; 0: DefaultSettle
	Workers   int           // calls of the network under way at once, and three times as many slow ones; 0: DefaultWorkers
	Timeout   time.Duration // of one call of the network; 0: DefaultTimeout
	Backoff   time.Duration // before the second attempt, doubled with each further one up to a minute; 0: DefaultBackoff
}

// withDefaults returns the configuration with all that was left out.
func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Settle == 0 {
		c.Settle = DefaultSettle
	}
	if c.Workers <= 0 {
		c.Workers = DefaultWorkers
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Backoff <= 0 {
		c.Backoff = DefaultBackoff
	}
	return c
}

// A Scheduler has the network do what is due.
type Scheduler struct {
	cfg     Config
	restore sync.Once
}

// New returns a scheduler; [Scheduler.Run] sets it going.
func New(cfg Config) (*Scheduler, error) {
	if cfg.Allocator == nil || cfg.Network == nil {
		return nil, errors.New("scheduler: an allocator and a network are required")
	}
	return &Scheduler{cfg: cfg.withDefaults()}, nil
}

// Restore tells the network what was active when the daemon last ran. It must
// be called before the first switch can connect, unless Run, which calls it as
// well, is. Only the first call counts.
func (s *Scheduler) Restore() {
	s.restore.Do(func() {
		circuits := s.cfg.Allocator.Circuits()
		s.cfg.Log.Info("restoring circuits", "count", len(circuits))
		s.cfg.Network.Restore(circuits)
	})
}

// Run carries out what is due until ctx is done, and returns when all calls of
// the network have returned. Flow entries stay in the switches. The error is
// ctx's.
//
// Run's goroutine decides what is due. Each task has a goroutine of its own for
// as long as the network needs, at most Workers at a time; those that a switch
// lets wait make room for others. One goroutine reports how tasks went, and
// saves together what has come together. A few plan, so that what is due never
// waits for the disk.
func (s *Scheduler) Run(ctx context.Context) error {
	s.Restore()
	r := &run{
		Scheduler: s,
		free:      make(chan int, 1),
		results:   make(chan allocator.Result, s.cfg.Workers),
		planning:  make(chan struct{}, planners),
	}
	var calls, helpers sync.WaitGroup
	helpers.Go(r.report)
	for range planners {
		helpers.Go(func() { r.plan(ctx) })
	}
	r.decide(ctx, &calls)
	calls.Wait()
	close(r.results)
	helpers.Wait()
	return ctx.Err()
}

// A run holds what the goroutines of one Run share.
type run struct {
	*Scheduler
	free     chan int              // how many calls have returned, or taken long, since it was read last
	slow     atomic.Int64          // calls under way that took so long that they are not counted
	results  chan allocator.Result // how they went; has room for all that are under way
	planning chan struct{}         // a token: there may be something to plan
}

// decide hands out what is due until ctx is done.
func (r *run) decide(ctx context.Context, calls *sync.WaitGroup) {
	free, a := r.cfg.Workers, r.cfg.Allocator
	settle := time.NewTimer(r.cfg.Settle)
	defer settle.Stop()
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	clock := newStepper(a.Now)
	changed := r.cfg.Network.Changed()
	a.NetworkChanged()
	var drained []path.Element
	for {
		if by := clock.step(); by != 0 {
			r.cfg.Log.Warn("the clock was set", "by", by)
			a.ClockSet(by)
		}
		due, next := a.Due(free)
		free -= len(due)
		for _, t := range due {
			calls.Go(func() { r.do(ctx, t) })
		}
		// After the tasks, which do not wait for the allocator's lock.
		if now := a.Drains(); !slices.Equal(now, drained) {
			drained = now
			r.cfg.Log.Info("traffic leaves what is under maintenance", "elements", len(now))
			r.cfg.Network.Drain(now)
		}
		if free == 0 {
			next = time.Time{} // a call has to return first
		}
		r.wakePlanner()
		setAlarm(alarm, a.Now(), next)
		select {
		case <-ctx.Done():
			return
		case n := <-r.free:
			free += n
		case <-settle.C:
			r.cfg.Log.Info("the network has had time to connect")
			a.Settled()
		case <-changed:
			// The next change is asked for first: what happens in between is
			// seen twice rather than never.
			changed = r.cfg.Network.Changed()
			a.CircuitsLost(r.cfg.Network.Lost())
			a.NetworkChanged()
		case <-a.Wake():
		case <-alarm.C:
		}
	}
}

// setAlarm sets the timer for a moment, or for the next look at the clock if
// that is sooner. The zero moment is never.
func setAlarm(alarm *time.Timer, now, at time.Time) {
	wait := lookEvery
	if !at.IsZero() {
		wait = min(wait, max(0, at.Sub(now)))
	}
	alarm.Reset(wait)
}

// wakePlanner has the allocator asked whether there is something to plan.
func (r *run) wakePlanner() {
	select {
	case r.planning <- struct{}{}:
	default:
	}
}

// plan does one batch of planning at each token. As long as there is more it
// wakes another planner, which places the next batch while this one is saved.
func (r *run) plan(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.planning:
		}
		more, err := r.cfg.Allocator.Plan(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			r.cfg.Log.Error("planning failed", "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(planRest):
			}
		}
		if more {
			r.wakePlanner()
		}
	}
}

// do carries out one task and hands on how it went.
func (r *run) do(ctx context.Context, t allocator.Task) {
	leave := r.occupy()
	defer leave()
	err := r.call(ctx, t)
	if ctx.Err() != nil && err != nil {
		return // the daemon is stopping; the next one finds the task still due
	}
	result := allocator.Result{Task: t, Err: err}
	if err != nil {
		wait := backoff(r.cfg.Backoff, t.Failures)
		result.Again = r.cfg.Allocator.Now().Add(wait)
		level := slog.LevelWarn
		if t.Failures > 0 {
			level = slog.LevelDebug // it has been said, and users see it
		}
		r.cfg.Log.Log(ctx, level, "circuit could not be changed", "allocation", t.Circuit.ID, "remove", t.Do != allocator.Install, "err", err, "retry_in", wait)
	}
	r.results <- result
}

// occupy begins a call, which ends with leave. A call that takes long lets
// another begin, so that one switch that hangs does not hold up what the others
// are to do; but only as many as slowShare says.
func (r *run) occupy() (leave func()) {
	var mu sync.Mutex
	left, slow := false, false
	timer := time.AfterFunc(patience, func() {
		mu.Lock()
		defer mu.Unlock()
		if left {
			return
		}
		if slow = r.slow.Add(1) <= slowShare*int64(r.cfg.Workers); slow {
			r.release()
		} else {
			r.slow.Add(-1)
		}
	})
	return func() {
		timer.Stop()
		mu.Lock()
		defer mu.Unlock()
		if left = true; slow {
			r.slow.Add(-1)
		} else {
			r.release()
		}
	}
}

// release lets another call begin.
func (r *run) release() {
	n := 1
	for {
		select {
		case r.free <- n:
			return
		case more := <-r.free:
			n += more
		}
	}
}

// report tells the allocator how tasks went. Those that have come while it was
// told of the ones before are reported together.
func (r *run) report() {
	for first := range r.results {
		batch := []allocator.Result{first}
	gather:
		for {
			select {
			case next, ok := <-r.results:
				if !ok {
					break gather
				}
				batch = append(batch, next)
			default:
				break gather
			}
		}
		for _, x := range batch {
			switch {
			case x.Err != nil:
			case x.Task.Do == allocator.Install:
				r.cfg.Log.Info("circuit installed", "allocation", x.Task.Circuit.ID, "path", x.Task.Circuit.Path.String())
			default:
				r.cfg.Log.Info("circuit removed", "allocation", x.Task.Circuit.ID)
			}
		}
		if err := r.cfg.Allocator.Report(batch...); err != nil {
			r.cfg.Log.Error("reports could not be saved", "count", len(batch), "err", err)
		}
	}
}

// call has the network do what the task asks.
func (s *Scheduler) call(ctx context.Context, t allocator.Task) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	switch t.Do {
	case allocator.Install:
		return s.cfg.Network.Install(ctx, t.Circuit)
	case allocator.Remove:
		return s.cfg.Network.Remove(ctx, t.Circuit.ID)
	}
	return nil
}

// backoff returns the delay after so many failures: doubled each time, and up
// to a quarter longer at random, so that what failed together is not tried
// together.
func backoff(first time.Duration, failures int) time.Duration {
	d := maxBackoff
	if failures < 10 {
		d = min(first<<failures, maxBackoff)
	}
	return d + rand.N(d/4+1)
}
