package main

import (
	"reflect"

	"conga/cmd/internal/config"
)

// apply takes over what can change while the daemon runs, and says what cannot.
// It applies everything or, with an error, nothing.
func (d *daemon) apply(next config.Config) error {
	// The only step that can fail comes first.
	if err := d.directory.Update(directoryConfig(next.Directory)); err != nil {
		return err
	}
	limits := limitsOf(next.Directory)
	d.limits.Store(&limits)
	d.known.Store(projectsOf(next.Directory))
	d.level.Set(levelOf(next.Log.Level))

	applied := changed(d.cfg, next, reloadable)
	d.cfg.Directory, d.cfg.Log.Level = next.Directory, next.Log.Level
	later := changed(d.cfg, next, restartOnly)
	d.log.Info("configuration read again", "applied", applied)
	if len(later) > 0 {
		d.log.Warn("some of the configuration takes effect at the next start", "keys", later)
	}
	return nil
}

// setting is a part of the configuration that is compared as a whole.
type setting struct {
	key string
	of  func(config.Config) any
}

var reloadable = []setting{
	{"directory", func(c config.Config) any { return c.Directory }},
	{"log.level", func(c config.Config) any { return c.Log.Level }},
}

var restartOnly = []setting{
	{"data", func(c config.Config) any { return c.Data }},
	{"api", func(c config.Config) any { return c.API }},
	{"openflow", func(c config.Config) any { return c.OpenFlow }},
	{"network", func(c config.Config) any { return c.Network }},
	{"connections", func(c config.Config) any { return c.Connections }},
	{"store", func(c config.Config) any { return c.Store }},
	{"stats", func(c config.Config) any { return c.Stats }},
	{"webhooks", func(c config.Config) any { return c.Webhooks }},
	{"log.format", func(c config.Config) any { return c.Log.Format }},
}

// changed names the settings that differ.
func changed(old, next config.Config, settings []setting) []string {
	keys := []string{}
	for _, s := range settings {
		if !reflect.DeepEqual(s.of(old), s.of(next)) {
			keys = append(keys, s.key)
		}
	}
	return keys
}
