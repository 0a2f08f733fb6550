//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// attackFor is how long an attack goes on; shorter where all is divided.
const attackFor = 15 * time.Second

func (r *run) attackFor() time.Duration {
	return max(attackFor/time.Duration(r.divide), attackFor/3)
}

// hostile measures what an attack by peers does to the others: how long their
// requests take beside those without it, how soon a switch that has lost its
// connection is back, and what the daemon needs and logs.
func hostile(a attack) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		w, err := r.newWorld(ctx, 3, 2)
		if err != nil {
			return err
		}
		defer w.end()
		ctx, stop := w.watch(ctx)
		defer stop()
		gen := newGenerator(w.grid, -1)
		if err := r.settle(ctx, w, gen.some(50)); err != nil {
			return err
		}
		step, cancel := r.within(ctx)
		calm, _, err := w.oneByOne(step, gen, batch)
		cancel()
		if err != nil {
			return err
		}
		logged, err := os.Stat(w.logFile())
		if err != nil {
			return err
		}
		began := time.Now()
		busy, back, err := r.underAttack(ctx, w, gen, a)
		if err != nil {
			return err
		}
		took := time.Since(began)
		now, err := os.Stat(w.logFile())
		if err != nil {
			return err
		}
		_, peak, err := memoryOf(w.pid())
		if err != nil {
			return err
		}
		r.note("p95 %v without, %v with", p95(calm), p95(busy))
		r.figure("p95-ratio", p95(busy).Seconds()/p95(calm).Seconds())
		r.figure("back-s", back.Seconds())
		r.figure("peak-MiB", peak)
		r.figure("log-MiB/min", float64(now.Size()-logged.Size()-ownLines(w, logged.Size()))/(1<<20)/took.Minutes())
		all, err := w.allActive(ctx)
		if err != nil {
			return err
		}
		return w.grid.verify(all, nil)
	}
}

// underAttack makes requests while an attack goes on. It returns how long they
// took, and how long a switch that lost its connection was away.
func (r *run) underAttack(ctx context.Context, w *world, gen *generator, a attack) (times []time.Duration, back time.Duration, err error) {
	ctx, cancel := r.within(ctx)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	under, end := context.WithTimeout(ctx, r.attackFor())
	defer end()
	wg.Go(func() {
		connections, bytes := a(under, w.openflow)
		r.note("%d connections, %.1f MiB were sent", connections, float64(bytes)/(1<<20))
	})
	if err := sleep(ctx, r.attackFor()/3); err != nil {
		return nil, 0, err
	}
	victim := w.grid.Switches()[w.grid.size()/2]
	began := time.Now()
	victim.Disconnect()
	err = until(ctx, 20*time.Millisecond, func() (bool, error) {
		var sw []struct {
			Connected bool
			Since     int64
		}
		_, err := w.call(ctx, w.boss, "GET", "/switches/"+victim.DPID().String(), nil, &sw)
		return err == nil && len(sw) == 1 && sw[0].Connected && sw[0].Since >= began.Unix() && victim.Connected(), err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("the switch that lost its connection is not back: %w", err)
	}
	back = time.Since(began)
	if _, err := w.grid.quiet(ctx, 500*time.Millisecond); err != nil {
		return nil, 0, err
	}
	m := w.measure()
	for under.Err() == nil || len(times) < batch/5 {
		took, err := w.once(ctx, gen)
		if err != nil {
			return nil, 0, err
		}
		times = append(times, took)
	}
	r.figure("cpu-cores", m.share())
	m.end()
	return times, back, nil
}

func p95(times []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(times))[len(times)*95/100]
}

// ownLines returns how many bytes the log has, from an offset on, about the
// requests that the tool makes itself.
func ownLines(w *world, from int64) (n int64) {
	text, err := os.ReadFile(w.logFile())
	if err != nil || int64(len(text)) < from {
		return 0
	}
	for line := range strings.Lines(string(text[from:])) {
		if strings.Contains(line, `"part":"api"`) || strings.Contains(line, `"part":"scheduler"`) {
			n += int64(len(line))
		}
	}
	return n
}
