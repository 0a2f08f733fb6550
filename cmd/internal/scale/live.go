//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"conga/cmd/internal/figures"
)

// liveBenchmark is the benchmark of the allocator with 1,000,000 live
// reservations.
const liveBenchmark = "MillionLive"

// live runs that benchmark: so many reservations would take hours to make over
// the interface.
func live(ctx context.Context, r *run) error {
	ctx, cancel := r.within(ctx)
	defer cancel()
	root, err := sourceTree(ctx)
	if err != nil {
		return err
	}
	c := command(ctx, "go", "test", "-run", "^$", "-bench", "^Benchmark"+liveBenchmark+"$", "-benchtime", "1x", "conga/allocator")
	c.Dir = root
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	var failures bytes.Buffer
	order, values, err := figures.ParseBenchmarks(bytes.NewReader(out), &failures)
	if err != nil || failures.Len() > 0 || len(order) == 0 {
		return errors.Join(err, fmt.Errorf("the benchmark does not tell anything\n%s", out))
	}
	for _, f := range order {
		if f.Unit != "ns/op" {
			r.figure(f.Unit, figures.Median(values[f]))
		}
	}
	return nil
}
