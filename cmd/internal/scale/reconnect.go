//go:build linux

package main

import (
	"context"
	"fmt"
	"time"
)

// calm is the most of a processor that a daemon uses that does nothing but its
// periodic work.
const calm = 0.25

// reconnect measures how long it takes until all switches have reconnected at
// once and are compared, and what they were sent.
func reconnect(side, hosts int) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		w, err := r.newWorld(ctx, r.side(side), hosts)
		if err != nil {
			return err
		}
		defer w.end()
		ctx, stop := w.watch(ctx)
		defer stop()
		if err := r.settle(ctx, w, nil); err != nil {
			return err
		}
		step, cancel := r.within(ctx)
		defer cancel()
		if _, err := w.grid.quiet(step, 10*time.Second); err != nil {
			return err
		}
		w.grid.recorder.reset(false)
		m := w.measure()
		began := time.Now()
		for _, s := range w.grid.Switches() {
			s.Disconnect()
		}
		if err := w.waitCompared(step); err != nil {
			return err
		}
		took, err := w.waitCalm(step)
		if err != nil {
			return err
		}
		r.figure("s", took.Sub(began).Seconds())
		r.figure("cpu-s", m.end().Seconds())
		if _, err := w.grid.quiet(step, 5*time.Second); err != nil {
			return err
		}
		r.figure("flow-mods", float64(w.grid.recorder.sum().flows))
		return w.waitCount(step, "links", w.grid.directed())
	}
}

// waitCompared waits until every switch has been asked for its entries.
func (w *world) waitCompared(ctx context.Context) error {
	asked := 0
	err := until(ctx, 10*time.Millisecond, func() (bool, error) {
		asked = w.grid.recorder.asked()
		return asked == w.grid.size(), nil
	})
	if err != nil {
		return fmt.Errorf("%d of %d switches were compared: %w", asked, w.grid.size(), err)
	}
	return nil
}

// waitCalm waits until the daemon has less to do, and returns since when.
func (w *world) waitCalm(ctx context.Context) (since time.Time, err error) {
	const look, calmLooks = 100 * time.Millisecond, 5
	calmFor := 0
	before, at := w.cpu(), time.Now()
	since = at
	err = until(ctx, look, func() (bool, error) {
		now := w.cpu()
		share := (now - before).Seconds() / max(time.Since(at), time.Millisecond).Seconds()
		if share > calm {
			calmFor, since = 0, time.Now()
		} else {
			calmFor++
		}
		before, at = now, time.Now()
		return calmFor > calmLooks, nil
	})
	return since, err
}
