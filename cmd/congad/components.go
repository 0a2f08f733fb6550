package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// part is something that runs until its context ends.
type part struct {
	name string
	run  func(context.Context) error
}

// runParts starts the parts in order and runs them until ctx ends or one of
// them does, which is a failure. It then stops them one after the other, the
// last started first, and waits for each before it turns to the next. The error
// is that of the part that failed, and of those that could not stop in order.
func runParts(ctx context.Context, log *slog.Logger, parts []part) error {
	type ended struct {
		part int
		err  error
	}
	ends := make(chan ended, len(parts))
	stops := make([]context.CancelFunc, len(parts))
	dones := make([]chan struct{}, len(parts))
	for i, p := range parts {
		// Not derived from ctx: each is stopped in its turn.
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
