//go:build linux

package main

import (
	"context"
	"fmt"
	"time"
)

// due measures how long it takes until all of so many allocations are active
// that begin in the same second, where others are active already.
func due(side, hosts, active, n int) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		w, err := r.newWorld(ctx, r.side(side), hosts)
		if err != nil {
			return err
		}
		defer w.end()
		ctx, stop := w.watch(ctx)
		defer stop()
		gen := newGenerator(w.grid, -1)
		if err := r.settle(ctx, w, gen.some(r.divided(active, 0))); err != nil {
			return err
		}
		n := r.divided(n, 20)
		start := time.Now().Add(10*time.Second + time.Duration(n)*time.Second/150).Truncate(time.Second)
		wanted := gen.some(n)
		for i := range wanted {
			wanted[i].StartTime = start.Unix()
		}
		step, cancel := context.WithDeadlineCause(ctx, start.Add(-2*time.Second), fmt.Errorf("they were not all asked for in time"))
		defer cancel()
		ids, err := w.createAll(step, wanted)
		if err != nil {
			return err
		}
		events, err := w.follow(ctx)
		if err != nil {
			return err
		}
		defer events.close()
		if err := sleep(ctx, time.Until(start)-time.Second); err != nil {
			return err
		}
		w.grid.recorder.reset(false)
		m := w.measure()
		if err := sleep(ctx, time.Until(start)); err != nil {
			return err
		}
		return r.becomeActive(ctx, m, events, start, ids)
	}
}

// becomeActive measures until all are active.
func (r *run) becomeActive(ctx context.Context, m *meter, events *stream, start time.Time, ids []string) error {
	w := m.w
	ctx, cancel := r.within(ctx)
	defer cancel()
	latest, err := events.waitAll(ctx, w.api, ids, (*allocation).settled)
	if err != nil {
		return err
	}
	cpu := m.end()
	all, err := w.allActive(ctx)
	if err != nil {
		return err
	}
	r.figure("s", latest.Sub(start).Seconds())
	r.figure("cpu-s", cpu.Seconds())
	r.figure("flow-mods", float64(w.grid.recorder.sum().flows))
	return w.grid.verify(all, nil)
}
