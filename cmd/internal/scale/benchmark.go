//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"conga/cmd/internal/figures"
)

// benchmark runs a benchmark of a package, for what would take hours to make
// over the interface, or is not the whole daemon's: 1,000,000 live
// reservations, an Open vSwitch with 100,000 entries.
func benchmark(pkg, name string) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error { return r.benchmark(ctx, pkg, name) }
}

func (r *run) benchmark(ctx context.Context, pkg, name string) error {
	ctx, cancel := r.within(ctx)
	defer cancel()
	root, err := sourceTree(ctx)
	if err != nil {
		return err
	}
	c := command(ctx, "go", "test", "-run", "^$", "-bench", "^Benchmark"+name+"$", "-benchtime", "1x", pkg)
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
