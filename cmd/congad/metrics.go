package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"conga/allocator"
	"conga/cmd/internal/version"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/httpapi"
	"conga/stats"
)

// metrics returns the handler that Prometheus reads, and the function to which
// the API reports its requests.
func (d *daemon) metrics() (http.Handler, func(httpapi.Observation), error) {
	build := version.Get()
	r := stats.NewRegistry(build.Version, build.Commit, build.Day())
	requests, err := stats.RegisterRequests(r)
	commits, failed := stats.RegisterCommits(r, func() bool { return d.store.Ready(context.Background()) == nil })
	err = errors.Join(err, failed,
		d.poller.Register(r),
		d.poller.RegisterDegraded(r),
		d.poller.RegisterIdle(r, d.reclaimed.Load),
		stats.RegisterNetwork(r, d.controller.Snapshot),
		stats.RegisterHosts(r, d.hosts),
		stats.RegisterAllocations(r, d.states),
		stats.RegisterMaintenances(r, d.maintenances),
		stats.RegisterTraffic(r, d.poller, d.reserved),
		stats.RegisterClients(r, d.clients),
		stats.RegisterQueues(r, d.queues),
		stats.RegisterConfiguration(r, d.configuration))
	if err != nil {
		return nil, nil, err
	}
	d.store.Observe(commits.Observe)
	observe := func(o httpapi.Observation) { requests.Observe(o.Route, o.Method, o.Code, o.Took) }
	return stats.Handler(r, d.log.With("part", "metrics")), observe, nil
}

// clients returns what the clients of the API use of the daemon.
func (d *daemon) clients() stats.Clients {
	n := d.listener.Count()
	return stats.Clients{
		Connections: n.Open, BodyBytes: d.bodies.Held(),
		Refused: map[string]uint64{"total": n.Total, "address": n.PerAddress},
	}
}

// queues returns what waits in the daemon.
func (d *daemon) queues() map[string]stats.Queue {
	events, lossy := d.controller.Backlog()
	return map[string]stats.Queue{
		"core":       {Length: events.Waiting, Capacity: events.Room},
		"core_lossy": {Length: lossy.Waiting, Capacity: lossy.Room},
		"store":      {Length: d.store.Waiting()},
	}
}

// configuration returns what became of the configuration, and when the
// certificates expire that are shown.
func (d *daemon) configuration() stats.Configuration {
	last := d.reloaded.Load()
	out := stats.Configuration{Applied: last.applied, Since: last.since, Expiries: map[string]time.Time{}}
	if d.certificate != nil {
		out.Expiries["api"] = d.certificate.Expires()
	}
	if !d.switchesUntil.IsZero() {
		out.Expiries["openflow"] = d.switchesUntil
	}
	return out
}

// hosts returns what has become of what hosts claim.
func (d *daemon) hosts() stats.Hosts {
	n := d.controller.HostCounts()
	h := stats.Hosts{
		Claims:    map[string]uint64{},
		Unlearned: map[string]uint64{"port": n.Unlearned.Hosts, "host": n.Unlearned.Addrs, "network": n.Unlearned.Network},
		Displaced: n.Unlearned.Displaced,
	}
	for outcome, count := range n.Claims {
		h.Claims[topology.Outcome(outcome).String()] = count
	}
	for _, sw := range d.controller.Snapshot().Switches {
		for _, p := range sw.Ports {
			if p.Storming {
				h.Storming++
			}
			if p.Crowded {
				h.Crowded++
			}
		}
	}
	return h
}

// maintenances counts the maintenances that are not over, by the name of their
// phase.
func (d *daemon) maintenances() map[string]int {
	out := map[string]int{string(allocator.PhasePlanned): 0, string(allocator.PhaseBegun): 0}
	now := path.SecondsOf(d.allocator.Now())
	for _, m := range d.allocator.Maintenances() {
		if phase := m.Phase(now); phase != allocator.PhaseEnded {
			out[string(phase)]++
		}
	}
	return out
}

// states counts the allocations by the name of their state.
func (d *daemon) states() map[string]int {
	out := map[string]int{}
	for state, n := range d.allocator.Counts("") {
		out[string(state)] = n
	}
	return out
}
