//go:build linux

package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"conga/cmd/internal/figures"
)

//go:embed bounds.txt
var boundsText string

// options are the flags.
type options struct {
	run, old, congad string
	profile          string
	n, oldN, divide  int
	limit, time      time.Duration
	markdown, keep   bool
	verbose, list    bool
}

func parseFlags(args []string, out io.Writer) (o options, err error) {
	f := flag.NewFlagSet("scale", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.run, "run", "", "scenarios to measure, separated by commas; \"\" is all")
	f.StringVar(&o.old, "old", "", "commit whose daemon is measured too")
	f.StringVar(&o.congad, "congad", "", "program to measure instead of building one")
	f.IntVar(&o.n, "n", usual, "how often each is measured")
	f.IntVar(&o.oldN, "oldn", 1, "how often the old daemon is measured")
	f.IntVar(&o.divide, "divide", 1, "divides the number of switches, hosts and allocations")
	f.DurationVar(&o.limit, "limit", 5*time.Minute, "what takes longer is given up")
	f.DurationVar(&o.time, "time", 10*time.Minute, "how long polled measures")
	f.BoolVar(&o.markdown, "markdown", false, "print a Markdown table")
	f.BoolVar(&o.keep, "keep", false, "keep the daemons' directories")
	f.StringVar(&o.profile, "profile", "", "directory for profiles of what is measured")
	f.BoolVar(&o.verbose, "v", false, "tell what is going on")
	f.BoolVar(&o.list, "list", false, "print the scenarios")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 || o.n < 1 || o.oldN < 1 || o.divide < 1 {
		return o, errors.New("-n, -oldn and -divide are at least 1, and there are no arguments but flags")
	}
	if o.profile != "" && o.congad != "" {
		return o, errors.New("-profile needs a daemon that is built for it, not -congad")
	}
	return o, nil
}

// garbage is how much the tool's own heap may grow between two collections, in
// percent: its millions of flow entries live long, and the time that goes into
// looking at them is taken from the daemon, which has the same processors.
const garbage = 400

func main() {
	debug.SetGCPercent(garbage)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ok, err := measure(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
	}
	if err != nil || !ok {
		stop()
		os.Exit(1)
	}
}

// measure carries out one command line; ok says whether all scenarios were
// completed.
func measure(ctx context.Context, args []string, out, errOut io.Writer) (ok bool, err error) {
	o, err := parseFlags(args, errOut)
	if errors.Is(err, flag.ErrHelp) {
		return true, nil // it has been printed
	}
	if err != nil {
		return false, err
	}
	bounds, err := figures.ParseBounds(boundsText)
	if err != nil {
		return false, err
	}
	chosen := choose(o.run)
	if o.list {
		for _, s := range scenarios {
			fmt.Fprintf(out, "%-17s %s\n", s.name, s.about)
		}
		return true, nil
	}
	if len(chosen) == 0 {
		return false, fmt.Errorf("no scenario begins with %q; -list prints them", o.run)
	}
	dir, err := os.MkdirTemp("", "conga-scale-bin-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	builds, err := buildAll(ctx, o, dir)
	if err != nil {
		return false, err
	}
	r := newReport(o, errOut)
	for _, s := range chosen {
		for _, b := range builds {
			r.repeat(ctx, s, b)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return len(r.failures) == 0, r.print(out, bounds)
}

// buildAll makes the programs that are measured.
func buildAll(ctx context.Context, o options, dir string) ([]build, error) {
	b := build{program: o.congad}
	if b.program == "" {
		root, err := sourceTree(ctx)
		if err != nil {
			return nil, err
		}
		if b.program, err = buildAt(ctx, root, dir, "congad", o.profile != ""); err != nil {
			return nil, err
		}
	}
	if o.old == "" {
		return []build{b}, nil
	}
	old, err := buildOld(ctx, dir, o.old, o.profile != "")
	return []build{{prefix: oldPrefix, program: old}, b}, err
}

// choose returns the scenarios that the flag names.
func choose(names string) (chosen []scenario) {
	for _, s := range scenarios {
		for name := range strings.SplitSeq(names, ",") {
			if strings.HasPrefix(s.name, name) {
				chosen = append(chosen, s)
				break
			}
		}
	}
	return chosen
}
