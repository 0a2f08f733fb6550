//go:build linux

package main

import (
	"context"
	"time"
)

// cold measures how long it takes until all links are known of switches that
// connect for the first time, by a daemon that has a share of a processor, or
// all if that is 1.
func cold(side int, share float64) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		w, err := r.newWorld(ctx, r.side(side), 0)
		if err != nil {
			return err
		}
		defer w.end()
		ctx, stop := w.watch(ctx)
		defer stop()
		ctx, cancel := r.within(ctx)
		defer cancel()
		if share < 1 {
			t, err := holdTo(w.pid(), share)
			if err != nil {
				return err
			}
			defer t.end()
			r.note("held to %v of a processor by %s", share, t.how)
		}
		w.grid.recorder.reset(true)
		m := w.measure()
		took, err := w.connect(ctx)
		if err != nil {
			return err
		}
		r.figure("s", took.Seconds())
		r.figure("cpu-s", m.cpu().Seconds())
		return r.afterCold(ctx, w, m)
	}
}

// afterCold measures what follows once the links are known: how long the
// switches are still being changed, and whether links that are there get lost.
func (r *run) afterCold(ctx context.Context, w *world, m *meter) error {
	known := time.Now()
	lost := 0
	watched, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	// Long enough for late probes to do harm.
	_ = until(watched, time.Second, func() (bool, error) {
		n, err := w.count(watched, "links")
		if err == nil {
			lost = max(lost, w.grid.directed()-n)
		}
		return false, err
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	found := w.countLinks()
	if err := found.update(); err != nil {
		return err
	}
	_, peak, err := memoryOf(w.pid())
	if err != nil {
		return err
	}
	t := w.grid.recorder.sum()
	r.figure("MiB", peak)
	r.figure("quiet-s", max(0, w.grid.recorder.lastChange().Sub(known).Seconds()))
	r.figure("quiet-cpu-s", m.end().Seconds())
	r.figure("flow-mods", float64(t.flows))
	r.figure("repeated", float64(t.again))
	r.figure("lost-links", float64(max(lost, found.times-len(found.links))))
	return nil
}

// idle measures what the daemon uses while nothing happens but statistics and
// probes.
func idle(side int) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		w, err := r.newWorld(ctx, r.side(side), 0)
		if err != nil {
			return err
		}
		defer w.end()
		ctx, stop := w.watch(ctx)
		defer stop()
		step, cancel := r.within(ctx)
		defer cancel()
		if _, err := w.connect(step); err != nil {
			return err
		}
		if _, err := w.grid.quiet(step, 10*time.Second); err != nil {
			return err
		}
		w.grid.recorder.reset(false)
		m := w.measure()
		_ = sleep(ctx, 30*time.Second)
		r.figure("cores", m.share())
		m.end()
		now, _, err := memoryOf(w.pid())
		if err != nil {
			return err
		}
		r.figure("MiB", now)
		r.figure("flow-mods", float64(w.grid.recorder.sum().flows))
		return nil
	}
}
