package main

import (
	"context"
	"time"

	"conga/cmd/internal/config"
	"conga/httpapi"
	"conga/httpapi/connections"
)

// openReports loads the connection reports.
func (d *daemon) openReports(ctx context.Context) (err error) {
	c := d.cfg.Connections
	d.reports, err = connections.Open(ctx, connections.Config{
		Store: d.store, Keep: time.Duration(c.Keep), PerProject: c.PerProject, Total: c.Total,
		Log: d.log.With("part", "connections"),
	})
	return err
}

// keylessRules returns the networks whose hosts report without a key.
func keylessRules(c config.Connections) []httpapi.Keyless {
	var out []httpapi.Keyless
	for _, k := range c.Keyless {
		out = append(out, httpapi.Keyless{From: k.From.Prefix, Project: k.Project, Read: k.Read})
	}
	return out
}
