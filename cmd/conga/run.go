package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

const (
	leastLease = 3 * time.Second
	// releaseTime is how long a stopped run tries to release before it leaves
	// that to the end of the lease.
	releaseTime = 15 * time.Second
)

func (a *app) runCommand() *cobra.Command {
	var t traffic
	var src, dst string
	var lease, timeout time.Duration
	c := &cobra.Command{
		Use:   "run [flags] [SRC DST] -- COMMAND [ARGUMENT...]",
		Short: "Run a command with a priority path for as long as it runs",

		DisableFlagsInUseLine: true, // what is last is the command's
		Long: `run asks for a path, waits until it is active, runs the command, and releases the
path when the command has ended, however that came about.

The path is held by a short lease that is extended while the command runs. If conga
itself is killed, the path ends with the lease; one that was still planned for later
lasts one lease from then. An extension that is refused, because
the capacity is promised to others from then on, is reported; the command goes on.

The command finds the allocation's ID in CONGA_ALLOCATION. Signals are passed on to
it. The addresses may also come from CONGA_SRC and CONGA_DST.`,
		Example: `  conga run 192.127.1.10 192.127.1.11 --bandwidth 2G -- globus-url-copy ...
  CONGA_SRC=192.127.1.10 CONGA_DST=192.127.1.11 conga run -- rsync -a data/ there:`,
		RunE: func(c *cobra.Command, args []string) error {
			before := c.ArgsLenAtDash()
			switch {
			case before < 0 || before == len(args):
				return usagef("run needs a command after --, such as conga run 192.127.1.10 192.127.1.11 -- rsync ...")
			case before == 2 && src == "" && dst == "":
				src, dst = args[0], args[1]
			case before != 0:
				return usagef("run takes SRC and DST before the --, or neither and --src and --dst, CONGA_SRC and CONGA_DST")
			}
			if lease < leastLease {
				return usagef("lease %v: write at least %v", lease, leastLease)
			}
			t.duration = lease.Truncate(time.Second).String()
			r, err := t.request(firstOf(src, os.Getenv("CONGA_SRC")), firstOf(dst, os.Getenv("CONGA_DST")))
			if err != nil {
				return err
			}
			return a.runWith(c.Context(), &errand{request: r, lease: lease, timeout: timeout, command: args[before:]})
		},
	}
	t.flags(c)
	f := c.Flags()
	_ = f.MarkHidden("duration") // the command says how long
	f.StringVar(&src, "src", "", "source `address` (environment: CONGA_SRC)")
	f.StringVar(&dst, "dst", "", "destination `address` (environment: CONGA_DST)")
	f.DurationVar(&lease, "lease", 5*time.Minute, "how `long` the path is held if conga is killed")
	f.DurationVar(&timeout, "timeout", 10*time.Minute, "how long to `wait` for the path; 0 is without end")
	return c
}

// errand is one run of a command.
type errand struct {
	request        client.Request
	lease, timeout time.Duration
	command        []string
	id             string
	signals        chan os.Signal
}

// runWith carries out r. Its error is always an exitStatus.
func (a *app) runWith(ctx context.Context, r *errand) (err error) {
	program, err := exec.LookPath(r.command[0])
	if errors.Is(err, fs.ErrPermission) {
		return exitStatus{exitCannot, err}
	} else if err != nil {
		return exitStatus{exitNotFound, err}
	}
	s, err := a.connect()
	if err != nil {
		return exitStatus{exitNotRun, err}
	}
	defer s.Close()
	// A signal must not end us before the path is released.
	ctx = context.WithoutCancel(ctx)
	r.signals = make(chan os.Signal, 16)
	signal.Notify(r.signals, forwarded...)
	defer signal.Stop(r.signals)
	if r.request.ProjectID, err = s.projectOr(ctx, r.request.ProjectID); err != nil {
		return exitStatus{exitNotRun, err}
	}
	made, err := s.Allocate(ctx, r.request)
	if err != nil {
		return exitStatus{exitNotRun, err}
	}
	r.id = made.ID
	defer a.giveBack(ctx, s, r)
	if err := a.await(ctx, s, r); err != nil {
		return err
	}
	return a.execute(ctx, s, r, program)
}

// giveBack releases the path. One that has ended by itself needs no release.
func (a *app) giveBack(ctx context.Context, s session, r *errand) {
	ctx, cancel := context.WithTimeout(ctx, releaseTime)
	defer cancel()
	for wait := 200 * time.Millisecond; ; wait *= 2 {
		err := s.Release(ctx, r.id)
		refused, answered := errors.AsType[*client.Error](err)
		if err == nil || answered && refused.Status == 404 {
			return
		}
		if answered && refused.Status < 500 || !sleep(ctx, wait) {
			fmt.Fprintf(a.err, "conga: allocation %s cannot be released (%s); it ends with its lease, within %v\n",
				terminal.Clean(r.id), terminal.Clean(err.Error()), r.lease)
			return
		}
	}
}

// sleep waits, and reports whether it was not cut short.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// await waits for the path, for the time to be up, or for a signal.
func (a *app) await(ctx context.Context, s session, r *errand) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- a.wait(ctx, s, r.id, r.timeout) }()
	for {
		select {
		case err := <-done:
			if errors.Is(err, context.DeadlineExceeded) {
				err = fmt.Errorf("there is no path after %v; the command is not run", r.timeout)
			}
			if err != nil {
				return exitStatus{exitNotRun, err}
			}
			return nil
		case sig := <-r.signals:
			if !ending(sig) {
				continue // it is for the command
			}
			cancel()
			<-done
			return exitStatus{exitSignal + int(sig.(syscall.Signal)), fmt.Errorf("%v; the command is not run", sig)}
		}
	}
}

// execute runs the command and keeps the path until it has ended.
func (a *app) execute(ctx context.Context, s session, r *errand, program string) error {
	c := exec.Command(program, r.command[1:]...)
	c.Args[0] = r.command[0]
	c.Stdin, c.Stdout, c.Stderr = a.in, a.out, a.err
	c.Env = append(os.Environ(), "CONGA_ALLOCATION="+r.id)
	if err := c.Start(); err != nil {
		return exitStatus{exitCannot, err}
	}
	keeping, stop := context.WithCancel(ctx)
	kept := make(chan struct{})
	go func() { defer close(kept); (&keeper{errand: r, s: s, out: a.err}).keep(keeping) }()
	defer func() { stop(); <-kept }()

	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	// What is typed at a terminal the kernel sends to the command as well.
	typed := terminal.Is(a.in)
	for {
		select {
		case sig := <-r.signals:
			if !typed || sig != os.Interrupt && sig != syscall.SIGQUIT {
				_ = c.Process.Signal(sig) // if it has just ended, there is nobody to tell
			}
		case err := <-ended:
			return statusOf(c.ProcessState, err)
		}
	}
}

// statusOf is how the command ended, as a shell would put it; nil for well.
func statusOf(p *os.ProcessState, err error) error {
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		return exitStatus{exitFailure, err}
	}
	w, ok := p.Sys().(syscall.WaitStatus)
	switch {
	case ok && w.Signaled():
		return exitStatus{code: exitSignal + int(w.Signal())}
	case p.ExitCode() != 0:
		return exitStatus{code: p.ExitCode()}
	}
	return nil
}
