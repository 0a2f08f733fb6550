package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"conga/allocator"
)

// Defaults of a [Config].
const (
	DefaultSettle  = 10 * time.Second
	DefaultWorkers = 64
	DefaultTimeout = 15 * time.Second
	DefaultBackoff = time.Second
	maxBackoff     = time.Minute
	planRest       = time.Second // after a failed Plan, so that a broken store is not hammered
)

// Config is what a [Scheduler] works with. Allocator and Network are required.
type Config struct {
	Allocator *allocator.Allocator
	Network   Network
	Logger    *slog.Logger  // nil: none
	Settle    time.Duration // how long after the start a switch may be away before paths over it count as lost; 0: DefaultSettle
	Workers   int           // calls of the network under way at once; 0: DefaultWorkers
	Timeout   time.Duration // of one call of the network; 0: DefaultTimeout
	Backoff   time.Duration // before the second attempt, doubled with each further one up to a minute; 0: DefaultBackoff
}

// Scheduler has done what is due.
type Scheduler struct {
	cfg     Config
	log     *slog.Logger
	restore sync.Once
}

// New makes a scheduler; [Scheduler.Run] sets it going.
func New(cfg Config) (*Scheduler, error) {
	if cfg.Allocator == nil || cfg.Network == nil {
		return nil, errors.New("scheduler: an allocator and a network are required")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Settle == 0 {
		cfg.Settle = DefaultSettle
	}
	if cfg.Workers <= 0 {
		cfg.Workers = DefaultWorkers
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Backoff <= 0 {
		cfg.Backoff = DefaultBackoff
	}
	return &Scheduler{cfg: cfg, log: cfg.Logger}, nil
}

// Restore tells the network what was active when the daemon last ran. It must
// happen before the first switch can connect. Run does it if nobody has; whoever
// cannot be sure that Run comes first calls it. Only the first call counts.
func (s *Scheduler) Restore() {
	s.restore.Do(func() {
		circuits := s.cfg.Allocator.Circuits()
		s.log.Info("restoring circuits", "count", len(circuits))
		s.cfg.Network.Restore(circuits)
	})
}

// Run carries out what is due until ctx is done, and returns when all calls of
// the network have returned. Flow entries stay in the switches. The error is
// ctx's.
//
// Run's goroutine decides; each task runs in a goroutine of its own, at most
// Workers at a time, and reports to the allocator itself, so that reports that
// come together share a sync of the store.
func (s *Scheduler) Run(ctx context.Context) error {
	s.Restore()
	var tasks sync.WaitGroup
	defer tasks.Wait()
	done := make(chan struct{}, s.cfg.Workers)
	free := s.cfg.Workers
	settle := time.NewTimer(s.cfg.Settle)
	defer settle.Stop()
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	changed := s.cfg.Network.Changed()
	s.cfg.Allocator.NetworkChanged()
	for {
		due, next := s.cfg.Allocator.Due(free)
		for _, t := range due {
			free--
			tasks.Go(func() {
				s.do(ctx, t)
				done <- struct{}{}
			})
		}
		if free == 0 {
			next = time.Time{} // a worker has to come back first
		}
		if s.plan(ctx) {
			next = time.Now()
		}
		setAlarm(alarm, next)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-done:
			free++
		case <-settle.C:
			s.log.Info("the network has had time to connect")
			s.cfg.Allocator.Settled()
		case <-changed:
			// Ask for the next change first: what happens in between is seen twice rather than never.
			changed = s.cfg.Network.Changed()
			s.cfg.Allocator.NetworkChanged()
		case <-s.cfg.Allocator.Wake():
		case <-alarm.C:
		}
	}
}

// setAlarm sets the timer for a moment; the zero moment is never.
func setAlarm(alarm *time.Timer, at time.Time) {
	if at.IsZero() {
		alarm.Stop()
		return
	}
	alarm.Reset(max(0, time.Until(at)))
}

// plan does one batch of planning. more says that another should follow at once.
func (s *Scheduler) plan(ctx context.Context) (more bool) {
	more, err := s.cfg.Allocator.Plan(ctx)
	if err == nil || ctx.Err() != nil {
		return more
	}
	s.log.Error("planning failed", "error", err)
	select {
	case <-ctx.Done():
	case <-time.After(planRest):
	}
	return more
}

// do carries out one task and reports how it went.
func (s *Scheduler) do(ctx context.Context, t allocator.Task) {
	log := s.log.With("allocation", t.Circuit.ID)
	err := s.call(ctx, t)
	if ctx.Err() != nil && err != nil {
		return // the daemon is stopping; the next one finds the task still due
	}
	switch {
	case err != nil:
		wait := backoff(s.cfg.Backoff, t.Failures)
		log.Warn("circuit could not be changed", "remove", t.Do != allocator.Install, "error", err, "retry_in", wait)
		err = s.cfg.Allocator.Failed(t, err, time.Now().Add(wait))
	case t.Do == allocator.Install:
		log.Info("circuit installed", "path", t.Circuit.Path.String())
		err = s.cfg.Allocator.Installed(t)
	default:
		log.Info("circuit removed")
		err = s.cfg.Allocator.Removed(t)
	}
	if err != nil {
		log.Error("report could not be saved", "error", err)
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

// backoff is the delay after so many failures: doubled each time, and up to a
// quarter longer at random, so that what failed together is not tried together.
func backoff(first time.Duration, failures int) time.Duration {
	d := maxBackoff
	if failures < 10 {
		d = min(first<<failures, maxBackoff)
	}
	return d + rand.N(d/4+1)
}
