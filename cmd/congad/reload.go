package main

import (
	"reflect"
	"slices"

	"conga/cmd/internal/config"
	"conga/httpapi/serve"
)

// apply puts into force what can change while the daemon runs, and logs what
// cannot. It applies everything or, with an error, nothing.
func (d *daemon) apply(next config.Config) error {
	// The steps that can fail come first.
	var pair *serve.Pair
	if d.certificate != nil {
		files := d.cfg // the self-signed pair stays in the running daemon's data directory
		files.API.TLS = next.API.TLS
		var err error
		if pair, err = serve.ReadPair(tlsFiles(files)); err != nil {
			return err
		}
	}
	if err := d.directory.Update(directoryConfig(next.Directory)); err != nil {
		return err
	}
	// Use is called even if the files' names are the same: they are renewed in
	// place.
	if pair != nil && d.certificate.Use(pair) {
		d.log.Info("certificate exchanged", "fingerprint", pair.Fingerprint)
	}
	limits := limitsOf(next.Directory)
	d.limits.Store(&limits)
	d.allocator.LimitsChanged()
	d.known.Store(projectsOf(next.Directory))
	d.idleness.Store(new(idlenesses(next.Directory)))
	if !reflect.DeepEqual(ownersOf(next.Directory), d.owners.Load()) {
		d.own(next.Directory)
	}
	d.positions.Store(new(positionsOf(next.Network)))
	d.level.Set(levelOf(next.Log.Level))
	d.controller.SetCapacities(linksOf(next.Network))
	if d.cfg.OpenFlow.TLS != next.OpenFlow.TLS { // certificates are judged by the authority that is in force
		next.OpenFlow.Switches = d.cfg.OpenFlow.Switches
	}
	d.controller.SetAdmission(admissionOf(next.OpenFlow.Switches))

	was := d.cfg.Directory
	applied := changed(d.cfg, next, reloadable)
	d.cfg.Directory, d.cfg.Log.Level = next.Directory, next.Log.Level
	d.cfg.Directory.HTTP, d.cfg.Directory.OIDC = was.HTTP, was.OIDC
	d.cfg.API.TLS, d.cfg.OpenFlow.Switches = next.API.TLS, next.OpenFlow.Switches
	d.cfg.Network.Positions = next.Network.Positions
	d.cfg.Network.Links = withCapacities(d.cfg.Network, next.Network.Links)
	later := changed(d.cfg, next, restartOnly)
	d.log.Info("configuration read again", "applied", applied)
	if len(later) > 0 {
		d.log.Warn("some of the configuration takes effect at the next start", "keys", later)
	}
	return nil
}

// A setting is a section of the configuration that is compared as a whole.
type setting struct {
	key string
	of  func(config.Config) any
}

var reloadable = []setting{
	{"directory", func(c config.Config) any { d := c.Directory; d.HTTP, d.OIDC = "", config.OIDC{}; return d }},
	{"api.tls", func(c config.Config) any { return c.API.TLS }},
	{"openflow.switches", func(c config.Config) any { return c.OpenFlow.Switches }},
	{"network.links", func(c config.Config) any { return capacities(c.Network.Links) }},
	{"network.positions", func(c config.Config) any { return positionsOf(c.Network) }},
	{"log.level", func(c config.Config) any { return c.Log.Level }},
}

var restartOnly = []setting{
	{"data", func(c config.Config) any { return c.Data }},
	{"directory.http", func(c config.Config) any { return c.Directory.HTTP }},
	{"directory.oidc", func(c config.Config) any { return c.Directory.OIDC }},
	{"api", func(c config.Config) any { return c.API }},
	{"openflow", func(c config.Config) any { o := c.OpenFlow; o.Switches = config.Switches{}; return o }},
	{"network", func(c config.Config) any { n := c.Network; n.Links, n.Positions = wiring(n), nil; return n }},
	{"allocations", func(c config.Config) any { return c.Allocations }},
	{"connections", func(c config.Config) any { return c.Connections }},
	{"store", func(c config.Config) any { return c.Store }},
	{"stats", func(c config.Config) any { return c.Stats }},
	{"webhooks", func(c config.Config) any { return c.Webhooks }},
	{"debug", func(c config.Config) any { return c.Debug }},
	{"log.format", func(c config.Config) any { return c.Log.Format }},
}

// capacities returns what is said of the capacities of links, in a form that
// can be compared.
func capacities(links []config.Link) map[[2]config.Port]config.Rate {
	out := map[[2]config.Port]config.Rate{}
	for _, l := range links {
		if _, named := out[[2]config.Port{l.A, l.B}]; !named && l.Capacity != 0 {
			out[[2]config.Port{l.A, l.B}] = l.Capacity
		}
	}
	return out
}

// wiring returns what is said of links but for their capacities. A link of
// which nothing else is said, where others may be found too, is left out.
func wiring(n config.Network) (out []config.Link) {
	for _, l := range n.Links {
		if n.Discovery.Strict || l.Static || l.Metric != 0 || l.Latency != 0 || l.Capacity == 0 {
			l.Capacity = 0
			out = append(out, l)
		}
	}
	return out
}

// withCapacities returns what is said of links with the capacities of another
// configuration. Links of which only that is said, where others may be found
// too, come and go with it.
func withCapacities(n config.Network, from []config.Link) (out []config.Link) {
	left := capacities(from)
	for _, l := range n.Links {
		ends := [2]config.Port{l.A, l.B}
		was := l.Capacity
		l.Capacity = left[ends]
		delete(left, ends)
		kept := slices.ContainsFunc(from, func(o config.Link) bool { return o.A == l.A && o.B == l.B })
		if kept || was == 0 || n.Discovery.Strict || l.Static || l.Metric != 0 || l.Latency != 0 {
			out = append(out, l)
		}
	}
	for _, l := range from {
		ends := [2]config.Port{l.A, l.B}
		if c := left[ends]; c != 0 && !n.Discovery.Strict {
			out = append(out, config.Link{A: l.A, B: l.B, Capacity: c})
			delete(left, ends)
		}
	}
	return out
}

// changed returns the names of the settings that differ.
func changed(old, next config.Config, settings []setting) []string {
	keys := []string{}
	for _, s := range settings {
		if !reflect.DeepEqual(s.of(old), s.of(next)) {
			keys = append(keys, s.key)
		}
	}
	return keys
}
