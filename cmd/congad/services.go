package main

import (
	"context"
	"sync"

	"conga/httpapi"
	"conga/httpapi/audit"
	"conga/httpapi/events"
	"conga/httpapi/replay"
	"conga/httpapi/webhook"
)

// around is what the API keeps beside allocations and keys.
type around struct {
	audit    *audit.Log
	replays  *replay.Book
	events   *events.Hub
	webhooks *webhook.Hooks
}

// openAround reads who changed what, what requests were answered with, and who
// wants to be told of events.
func (d *daemon) openAround(ctx context.Context) (err error) {
	d.around.audit, err = audit.Open(ctx, audit.Config{Store: d.store, Log: d.log.With("part", "audit")})
	if err != nil {
		return err
	}
	d.around.events = events.NewHub(nil)
	if d.around.replays, err = replay.Open(ctx, d.store, nil); err != nil {
		return err
	}
	d.around.webhooks, err = webhook.Open(ctx, webhook.Config{
		Store: d.store, Hub: d.around.events, AllowPrivate: d.cfg.Webhooks.AllowPrivate,
		Admit: d.outside.directory.Admit, Log: d.log.With("part", "webhooks"),
	})
	return err
}

// projects are those of the configuration that is in force.
func (d *daemon) projects() []httpapi.Project { return *d.known.Load() }

// runEvents wakes readers of events and watches the topology until ctx ends.
func (d *daemon) runEvents(ctx context.Context) error {
	var both sync.WaitGroup
	both.Go(func() { d.around.events.Run(ctx) })
	both.Go(func() { d.around.events.Watch(ctx, d.controller) })
	both.Wait()
	return nil
}
