//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// released measures what so many allocations, asked for under idempotency keys
// and released at once, leave behind: in memory while the daemon goes on, and
// on disk.
func released(n int) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		ctx, cancel := r.within(ctx)
		defer cancel()
		w, err := r.newWorld(ctx, 3, 2)
		if err != nil {
			return err
		}
		defer w.end()
		if err := w.populate(ctx); err != nil {
			return err
		}
		before, _, err := memoryOf(w.pid())
		if err != nil {
			return err
		}
		wanted := newGenerator(w.grid, -1).some(r.divided(n, 200))
		m, began := w.measure(), time.Now()
		err = each(ctx, len(wanted), func(ctx context.Context, i int) error {
			id, _, err := w.createOnce(ctx, wanted[i], fmt.Sprintf("released-%d", i))
			if err != nil {
				return err
			}
			_, err = w.call(ctx, w.key, "DELETE", "/allocations/"+id, nil, nil)
			return err
		})
		if err != nil {
			return err
		}
		cpu := m.end()
		r.figure("cpu-ms", float64(cpu.Milliseconds())/float64(len(wanted)))
		r.figure("requests/s", float64(len(wanted))/time.Since(began).Seconds())
		if _, err := w.grid.quiet(ctx, 5*time.Second); err != nil {
			return err
		}
		after, _, err := memoryOf(w.pid())
		if err != nil {
			return err
		}
		file, err := os.Stat(filepath.Join(w.data(), "conga.db"))
		if err != nil {
			return err
		}
		r.figure("MiB", after)
		r.figure("added-MiB", after-before)
		r.figure("bytes/request", float64(file.Size())/float64(len(wanted)))
		return nil
	}
}
