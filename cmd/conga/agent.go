package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

const (
	// maxReported is the most connections that are read of the host at a time.
	maxReported = 50_000
	// longestPause is the longest pause before the next attempt to reach a
	// server that does not answer.
	longestPause = 5 * time.Minute
)

func (a *app) agentCommand() *cobra.Command {
	g := &agent{app: a, scan: newScanner().scan, connect: func() (caller, error) { return a.connect("") }}
	c := &cobra.Command{
		Use:   "agent",
		Short: "Report this host's TCP connections to the server, again and again",
		Long: `agent reports the established TCP connections of this host, each with its process,
user, group and age, every --interval. The processes of other users are only named
if the agent may see them: run it as root, or with CAP_SYS_PTRACE.

A server that cannot be reached is tried again, ever more slowly, up to every five
minutes; nothing is kept meanwhile, because the next report tells all. The key is
renewed as long as the server agrees. Ctrl-C or SIGTERM ends it.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := g.check(); err != nil {
				return err
			}
			survivePipes() // messages that are not read are no reason to stop
			var err error
			if g.s, err = a.connect(""); err != nil {
				return err
			}
			defer func() { g.s.Close() }()
			if g.once {
				_ = g.s.KeepKey(c.Context()) // a failure shows again in the report
				if err := g.report(c.Context()); err != nil {
					return err
				}
				g.tellReported()
				return nil
			}
			return g.run(c.Context())
		},
	}
	f := c.Flags()
	f.DurationVar(&g.interval, "interval", 30*time.Second, "`pause` between reports")
	f.BoolVar(&g.once, "once", false, "report once, and end")
	f.BoolVar(&g.loopback, "loopback", false, "report connections within the host too")
	f.StringVar(&g.deployment, "deployment", "", "`name` of the deployment that the host belongs to")
	f.StringVar(&g.job, "job", "", "`name` of the job that the host does")
	for _, label := range []string{"deployment", "job"} { // a host may have none
		_ = f.SetAnnotation(label, mayBeEmpty, nil) // the flag exists
	}
	f.IntVar(&g.index, "index", 0, "`number` of the host among those of its job")
	return c
}

// An agent reports the connections that scan finds.
type agent struct {
	*app
	s              caller
	connect        func() (caller, error)
	scan           func(ctx context.Context, now time.Time) ([]client.Connection, error)
	interval       time.Duration
	once, loopback bool
	deployment     string
	job            string
	index          int

	failures int    // in a row
	trouble  string // the last message about failures
	reported int    // connections in the last report
	within   int    // connections within the host, which the last report left out
	leftOut  string // the last message about connections that the server refuses
}

// check returns an error for flags with which the server would refuse every
// report.
func (g *agent) check() error {
	switch {
	case g.interval < time.Second:
		return usagef("interval %v: write at least 1s", g.interval)
	case len(g.deployment) > maxLabel || len(g.job) > maxLabel:
		return usagef("deployment and job: write at most %d bytes each", maxLabel)
	case g.index < 0 || g.index > math.MaxInt32:
		return usagef("index %d: write 0 to %d", g.index, math.MaxInt32)
	}
	return nil
}

// run reports until ctx ends; that is no error.
func (g *agent) run(ctx context.Context) error {
	look := time.Now() // when to renew the key if due
	for {
		if !time.Now().Before(look) {
			look = time.Now().Add(keepKeys)
			if g.s.KeepKey(ctx) != nil {
				look = time.Now().Add(time.Minute)
			}
		}
		err := g.report(ctx)
		if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status == http.StatusUnauthorized && g.reconnect() {
			err = g.report(ctx)
		}
		if ctx.Err() != nil {
			return nil
		}
		g.tell(err)
		if !sleep(ctx, g.pause(err)) {
			return nil
		}
	}
}

// reconnect loads the credentials again and reports whether the key is another
// one.
func (g *agent) reconnect() bool {
	s, err := g.connect()
	if err != nil {
		return false // the server's refusal says what to do
	}
	if s.key == g.s.key {
		s.Close()
		return false
	}
	g.s.Close()
	g.s = s
	return true
}

// pause returns how long to wait after a report: about the interval, randomly
// so that many hosts do not report at once, and longer with every failure.
func (g *agent) pause(err error) time.Duration {
	if err == nil {
		g.failures = 0
	} else {
		g.failures++
	}
	pause := g.interval << min(g.failures, 16)
	if g.failures > 0 {
		pause = min(pause, max(longestPause, g.interval))
	}
	if refused, ok := errors.AsType[*client.Error](err); ok {
		pause = max(pause, min(refused.RetryAfter, longestPause))
	}
	return pause - pause/5 + rand.N(2*pause/5)
}

// tell prints a message if the state has changed, so that the host's log does
// not repeat the same line.
func (g *agent) tell(err error) {
	switch {
	case err == nil && g.trouble != "":
		g.trouble = ""
		fmt.Fprintln(g.err, "conga: the reports are taken again")
	case err != nil && err.Error() != g.trouble:
		g.trouble = err.Error()
		fmt.Fprintln(g.err, "conga:", terminal.Clean(g.trouble)+"; trying again")
		if h := hint(err); h != "" {
			fmt.Fprintln(g.err, "conga:", h)
		}
	}
}
