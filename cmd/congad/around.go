package main

import (
	"context"
	"sync"

	"conga/httpapi/audit"
	"conga/httpapi/events"
	"conga/httpapi/replay"
)

// around is what the API keeps beside allocations and keys.
type around struct {
	audit   *audit.Log
	replays *replay.Book
	events  *events.Hub
}

// openAround reads who changed what, and what requests were answered with.
func (d *daemon) openAround(ctx context.Context) (err error) {
	d.around.audit, err = audit.Open(ctx, audit.Config{Store: d.store, Log: d.log.With("part", "audit")})
	if err != nil {
		return err
	}
	d.around.events = events.NewHub(nil)
	d.around.replays, err = replay.Open(ctx, d.store, nil)
	return err
}

// runEvents wakes readers of events and watches the topology until ctx ends.
func (d *daemon) runEvents(ctx context.Context) error {
	var both sync.WaitGroup
	both.Go(func() { d.around.events.Run(ctx) })
	both.Go(func() { d.around.events.Watch(ctx, d.controller) })
	both.Wait()
	return nil
}
