package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"conga/cmd/internal/config"
)

// serve runs the daemon.
func (a *app) serve(ctx context.Context) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	tuneRuntime()
	level := new(slog.LevelVar)
	level.Set(levelOf(cfg.Log.Level))
	log, flush := newLogger(a.err, cfg.Log.Format, level)
	defer flush()
	// From here on SIGHUP no longer ends the process.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	if err := checkNew(cfg.Data, a.newStore); err != nil {
		return err
	}
	if err := checkStart(cfg, log); err != nil {
		return err
	}
	d, err := open(ctx, cfg, log, level)
	if err != nil {
		return err
	}
	reloaded := make(chan struct{})
	reloading, stop := context.WithCancel(ctx)
	go func() {
		defer close(reloaded)
		d.reloadOn(reloading, hangups, a.load)
	}()
	err = d.run(ctx)
	stop()
	<-reloaded
	if err = errors.Join(err, d.close()); err == nil {
		log.Info("stopped")
	}
	return err
}

// reloadOn loads and applies the configuration at every hangup, until ctx ends.
func (d *daemon) reloadOn(ctx context.Context, hangups <-chan os.Signal, load func() (config.Config, error)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
		}
		d.manager.reloading()
		next, err := load()
		if err == nil {
			err = d.checkNext(ctx, next)
		}
		if err == nil {
			err = d.apply(next)
		}
		d.reloaded.Store(d.reloaded.Load().after(err == nil, time.Now()))
		if err != nil {
			d.log.Error("the configuration is not applied; the old one stays", "err", err)
		}
		d.manager.ready()
	}
}

// A reload is what became of the configuration when it was read last.
type reload struct {
	applied bool
	since   time.Time // when it was last applied; the start counts
}

// after returns what there is to say after another reading.
func (r *reload) after(applied bool, now time.Time) *reload {
	next := reload{applied, r.since}
	if applied {
		next.since = now
	}
	return &next
}
