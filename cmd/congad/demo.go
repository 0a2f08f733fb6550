package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"conga/cmd/internal/config"
)

// demoOptions are the flags of the demonstration.
type demoOptions struct {
	data, api, level string
	once             bool
}

func (a *app) demoCommand() *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use:   "demo",
		Short: "Run the daemon with an emulated network, users and allocations",
		Long: `demo runs the daemon with a network of four emulated switches and four hosts. It shows
what a flood does to a transfer without an allocation and with one, makes some
allocations more, and then stays for you to try the client. It needs no root.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.demo(c.Context(), o) },
	}
	c.Flags().StringVar(&o.data, "data", "", "`directory` of the store; without it, one that is removed at the end")
	c.Flags().StringVar(&o.api, "api", "127.0.0.1:8443", "`address` for users, host:port")
	c.Flags().StringVar(&o.level, "log-level", "warn", "least `level` that is logged")
	c.Flags().BoolVar(&o.once, "once", false, "end after the demonstration")
	return c
}

// demoConfig returns the daemon's configuration for the demonstration: projects
// and users that need no password.
func demoConfig(o demoOptions) (config.Config, error) {
	openflow := "127.0.0.1:0"
	cfg, err := config.Load("", config.Overrides{}, config.Overrides{
		Data: &o.data, API: &o.api, OpenFlow: &openflow, LogLevel: &o.level,
	})
	if err != nil {
		return cfg, err
	}
	cfg.Directory = config.Directory{
		AllowPasswordless: true,
		Projects: []config.Project{
			{ID: "projectB", Members: []string{"abc123", "xyz987"}},
			{ID: "projectC", Members: []string{"qrs456"}, MaxActive: new(10)},
		},
	}
	return cfg, nil
}

// demo runs daemon and network until the demonstration is over or ctx ends.
func (a *app) demo(ctx context.Context, o demoOptions) error {
	if o.data == "" {
		temporary, err := os.MkdirTemp("", "conga-demo-")
		if err != nil {
			return fmt.Errorf("a directory for the demonstration cannot be made: %w", err)
		}
		defer os.RemoveAll(temporary)
		o.data = filepath.Join(temporary, "data")
	}
	cfg, err := demoConfig(o)
	if err != nil {
		return err
	}
	level := new(slog.LevelVar)
	level.Set(levelOf(cfg.Log.Level))
	log, flush := newLogger(a.err, cfg.Log.Format, level)
	defer flush()
	d, err := open(ctx, cfg, log, level)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() {
		stopped <- d.run(running)
		stop() // a daemon that has failed ends the demonstration too
	}()
	n := demoNetwork()
	n.Start(context.WithoutCancel(ctx), d.controller.Addr().String())
	s := &story{out: a.out, net: n, url: d.url(), fingerprint: d.fingerprint}
	told := s.run(running)
	if told == nil && !o.once {
		s.invite()
		<-running.Done()
	}
	// The daemon stops first: to it, a network that stops is an outage.
	stop()
	err = errors.Join(<-stopped, n.Close(), d.close())
	if err == nil && ctx.Err() == nil {
		err = told
	}
	return err
}
