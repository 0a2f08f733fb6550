package main

import (
	"errors"
	"net/http"

	"conga/cmd/internal/version"
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
	err = errors.Join(err,
		d.poller.Register(r),
		d.poller.RegisterDegraded(r),
		d.poller.RegisterIdle(r, d.reclaimed.Load),
		stats.RegisterNetwork(r, d.controller.Snapshot),
		stats.RegisterHosts(r, d.hosts),
		stats.RegisterAllocations(r, d.states),
		stats.RegisterTraffic(r, d.poller, d.reserved),
		stats.RegisterClients(r, d.clients))
	if err != nil {
		return nil, nil, err
	}
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

// states counts the allocations by the name of their state.
func (d *daemon) states() map[string]int {
	out := map[string]int{}
	for state, n := range d.allocator.Counts("") {
		out[string(state)] = n
	}
	return out
}
