//go:build linux

package main

import (
	"context"
	"slices"
	"time"
)

// batch is how many requests are measured one after the other.
const batch = 100

// requests measures how long one request takes until it is active, with so many
// others active.
func requests(side, hosts, active int) func(context.Context, *run) error {
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
		ctx, cancel := r.within(ctx)
		defer cancel()
		w.grid.recorder.reset(false)
		times, cpu, err := w.oneByOne(ctx, gen, r.divided(batch, 20))
		if err != nil {
			return err
		}
		sent := w.grid.recorder.sum()
		idle := w.idleShare(ctx, 5*time.Second)
		busy := cpu.Seconds() - idle*sum(times).Seconds()
		r.figure("p50-ms", slices.Sorted(slices.Values(times))[len(times)/2].Seconds()*1e3)
		r.figure("cpu-ms", busy*1e3/float64(len(times)))
		r.figure("flow-mods", float64(sent.flows)/float64(len(times)))
		r.figure("meter-mods", float64(sent.meters)/float64(len(times)))
		all, err := w.allActive(ctx)
		if err != nil {
			return err
		}
		return w.grid.verify(all, nil)
	}
}

// settle populates the network, makes allocations, and waits until it is quiet.
func (r *run) settle(ctx context.Context, w *world, requests []request) error {
	step, cancel := r.within(ctx)
	defer cancel()
	if err := w.populate(step); err != nil {
		return err
	}
	step, cancel = r.within(ctx)
	defer cancel()
	if err := w.fill(step, requests); err != nil {
		return err
	}
	_, err := w.grid.quiet(step, time.Second)
	return err
}

// oneByOne makes requests one after the other, and returns how long each took
// until it was active, and the daemon's CPU time for all.
func (w *world) oneByOne(ctx context.Context, gen *generator, n int) (times []time.Duration, cpu time.Duration, err error) {
	m := w.measure()
	for range n {
		took, err := w.once(ctx, gen)
		if err != nil {
			return nil, 0, err
		}
		times = append(times, took)
	}
	return times, m.end(), nil
}

// once makes a request, and returns how long it took until it was active.
func (w *world) once(ctx context.Context, gen *generator) (time.Duration, error) {
	return w.onceFor(ctx, gen.any())
}

// onceFor does as once with the request that is given.
func (w *world) onceFor(ctx context.Context, asked request) (time.Duration, error) {
	select {
	case <-w.grid.recorder.acked:
	default:
	}
	began := time.Now()
	id, etag, err := w.create(ctx, asked)
	if err == nil {
		err = w.waitActive(ctx, id, etag, w.grid.recorder.acked)
	}
	return time.Since(began), err
}

// idleShare returns what share of a processor the daemon uses while nothing
// happens.
func (w *world) idleShare(ctx context.Context, while time.Duration) float64 {
	m := w.newMeter()
	_ = sleep(ctx, while)
	return m.share()
}

func sum(times []time.Duration) (total time.Duration) {
	for _, t := range times {
		total += t
	}
	return total
}
