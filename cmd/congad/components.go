package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// A component runs until its context ends.
type component struct {
	name string
	run  func(context.Context) error
}

// runComponents starts the components in order and runs them until ctx ends or
// one of them ends, which is a failure. It then stops them one after the other
// in reverse order, and waits for each. The error joins that of the component
// that failed and those of components that failed to stop.
func runComponents(ctx context.Context, log *slog.Logger, parts []component) error {
	type ended struct {
		part int
		err  error
	}
	ends := make(chan ended, len(parts))
	stops := make([]context.CancelFunc, len(parts))
	dones := make([]chan struct{}, len(parts))
	for i, p := range parts {
		// Not derived from ctx, because each is stopped in its turn.
		own, stop := context.WithCancel(context.WithoutCancel(ctx))
		stops[i], dones[i] = stop, make(chan struct{})
		go func() {
			defer close(dones[i])
			ends <- ended{i, p.run(own)}
		}()
	}
	var failure error
	select {
	case <-ctx.Done():
		log.Info("stopping")
	case e := <-ends:
		if e.err == nil {
			e.err = errors.New("it stopped by itself")
		}
		failure = fmt.Errorf("%s failed: %w", parts[e.part].name, e.err)
		log.Error("a part failed; stopping", "part", parts[e.part].name, "err", e.err)
	}
	for i := len(parts) - 1; i >= 0; i-- {
		log.Debug("stopping a part", "part", parts[i].name)
		stops[i]()
		<-dones[i]
	}
	close(ends)
	for e := range ends {
		if e.err != nil && !errors.Is(e.err, context.Canceled) {
			failure = errors.Join(failure, fmt.Errorf("%s: %w", parts[e.part].name, e.err))
		}
	}
	return failure
}
