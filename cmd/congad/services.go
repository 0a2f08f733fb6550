package main

import (
	"context"
	"net/netip"
	"sync"

	"conga/cmd/internal/config"
	"conga/controller/topology"
	"conga/httpapi"
	"conga/httpapi/audit"
	"conga/httpapi/auth"
	"conga/httpapi/events"
	"conga/httpapi/replay"
	"conga/httpapi/webhook"
)

// A services holds what the API keeps beside allocations and keys.
type services struct {
	audit    *audit.Log
	replays  *replay.Book
	events   *events.Hub
	webhooks *webhook.Hooks
}

// openServices loads the audit log, the answers to idempotent requests, and the
// webhooks.
func (d *daemon) openServices(ctx context.Context) (err error) {
	d.services.audit, err = audit.Open(ctx, audit.Config{Store: d.store, Log: d.log.With("part", "audit")})
	if err != nil {
		return err
	}
	d.services.events = events.NewHub(nil)
	if d.services.replays, err = replay.Open(ctx, d.store, nil, d.log.With("part", "replay")); err != nil {
		return err
	}
	d.services.webhooks, err = webhook.Open(ctx, webhook.Config{
		Store: d.store, Hub: d.services.events, AllowPrivate: d.cfg.Webhooks.AllowPrivate,
		Admit: d.users.directory.Admit, Log: d.log.With("part", "webhooks"),
	})
	return err
}

// projects returns those of the configuration in force.
func (d *daemon) projects() []httpapi.Project { return *d.known.Load() }

// own puts into force which addresses are whose.
func (d *daemon) own(c config.Directory) {
	owners := ownersOf(c)
	d.owners.Store(owners)
	if auth.Consent(c.Consent) == auth.ConsentSource {
		d.log.Warn("directory.consent: source means the same as both, since a path carries both directions, so the admin alone may reserve paths between hosts of two projects; write both, or either")
	}
	switch {
	case owners.Any():
	case d.users.http != nil:
		d.log.Info("no project names addresses: every project may reserve paths between any hosts, until the HTTP directory names some; see directory.projects[].addresses")
	default:
		d.log.Info("no project names addresses: every project may reserve paths between any hosts; see directory.projects[].addresses")
	}
}

// ownership returns which addresses are whose by the configuration and the HTTP
// directory.
func (d *daemon) ownership() *auth.Owners { return d.owners.Load().With(d.users.owners()) }

// owns reports whether all addresses of a prefix are the project's own.
func (d *daemon) owns(project string, addrs netip.Prefix) bool {
	return d.ownership().Owns(project, addrs, func(mac [6]byte) []netip.Addr {
		h, _ := d.controller.Snapshot().Hosts.Get(topology.HostID{MAC: mac})
		return h.Addrs
	})
}

// runEvents wakes readers of events and watches the topology until ctx ends.
func (d *daemon) runEvents(ctx context.Context) error {
	var both sync.WaitGroup
	both.Go(func() { d.services.events.Run(ctx) })
	both.Go(func() { d.services.events.Watch(ctx, d.controller) })
	both.Wait()
	return nil
}
