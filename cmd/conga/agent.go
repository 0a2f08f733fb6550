package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

const (
	// reportChunk bounds one report, which must fit into a request of 1 MiB.
	reportChunk = 1000
	// maxReported bounds what is read of the host at a time.
	maxReported = 50_000
	// longestPause bounds how long a server that does not answer is left alone.
	longestPause = 5 * time.Minute
)

func (a *app) agentCommand() *cobra.Command {
	g := &agent{app: a, scan: newScanner().scan}
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
			if g.interval < time.Second {
				return usagef("interval %v: write at least 1s", g.interval)
			}
			s, err := a.connect()
			if err != nil {
				return err
			}
			defer s.Close()
			g.s = s
			if g.once {
				return g.report(c.Context())
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
	f.IntVar(&g.index, "index", 0, "`number` of the host among those of its job")
	return c
}

// agent reports what scan finds.
type agent struct {
	*app
	s              session
	scan           func(ctx context.Context, now time.Time) ([]client.Connection, error)
	interval       time.Duration
	once, loopback bool
	deployment     string
	job            string
	index          int

	failures int    // one after the other
	trouble  string // what was last said of it
}

// run reports until ctx ends, which is no failure.
func (g *agent) run(ctx context.Context) error {
	checked := time.Now()
	for {
		err := g.report(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil && time.Since(checked) > keepKeys {
			if err = g.s.KeepKey(ctx); err == nil {
				checked = time.Now()
			}
		}
		g.tell(err)
		if !sleep(ctx, g.pause(err)) {
			return nil
		}
	}
}

// pause is how long to wait after a report: about the interval, so that many
// hosts do not report at once, and ever longer while they fail.
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

// tell says what has changed: a host's log is no place for the same line twice a
// minute.
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

// report reports what there is now, in parts that a request can hold.
func (g *agent) report(ctx context.Context) error {
	list, err := g.scan(ctx, time.Now())
	if err != nil {
		return fmt.Errorf("the connections of this host: %w", err)
	}
	if !g.loopback {
		list = slices.DeleteFunc(list, within)
	}
	for i := range list {
		list[i].Source.Deployment, list[i].Source.Job, list[i].Source.Index = g.deployment, g.job, g.index
	}
	for part := range slices.Chunk(list, reportChunk) {
		if _, err := g.s.Report(ctx, part); err != nil {
			return explainAgent(err)
		}
	}
	return nil
}

// explainAgent says what a server without the resource means.
func explainAgent(err error) error {
	if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status == http.StatusNotFound {
		return fmt.Errorf("this server takes no reports of connections: %w", err)
	}
	return err
}
