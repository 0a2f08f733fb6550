package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"conga/httpapi/client"
)

const leastLease = 3 * time.Second

// runLong is what the manual says about run.
const runLong = `run asks for a path, waits until it is active, runs the command, and releases the
path when the command has ended, however that came about.

The path is held by a short lease that is extended while the command runs. If conga
itself is killed, the path ends with the lease, and so does one that it still waits
for. With --duration the path is reserved for so long from its start, which no later
request can take, and is extended only if the command runs longer. Without, it is
reserved for as long as the project has it (run_ahead, a day unless the project says
otherwise), or less if more would not fit or start later; for the lease at a time if
that is 0. Others' later requests are planned after it, and start at once when the
command ends. An extension that
is refused, because the capacity is promised to others from then on, is reported, and
so is a path that is released meanwhile; the command goes on.

With --volume the start, the rate and the path are picked such that so many bytes have
passed first, --by its time. The command begins when the path is active, which may be
days later, and has the path until it ends or its bytes have had their time; then it
goes on without priority. Bytes are those of Ethernet frames: of TCP's, some 4 % are
headers. --timeout counts from the start that is planned.

The command finds the allocation's ID in CONGA_ALLOCATION. Signals are passed on to
it; before it has started, one that means the end ends conga, which takes back what
it has asked for. At a terminal Ctrl-C and Ctrl-Z do what they would do without conga.
The addresses may also come from CONGA_SRC and CONGA_DST.`

func (a *app) runCommand() *cobra.Command {
	var t traffic
	var src, dst string
	var lease, timeout time.Duration
	c := &cobra.Command{
		Use:   "run [flags] [SRC DST] -- COMMAND [ARGUMENT...]",
		Short: "Run a command with a priority path for as long as it runs",

		DisableFlagsInUseLine: true, // the last arguments are the command's
		Long:                  runLong,
		Example: `  conga run 192.127.1.10 192.127.1.11 --bandwidth 2G -- globus-url-copy ...
  conga run 192.127.1.10 192.127.1.11 --volume 40T --by 'Fri 06:00' -- globus-url-copy ...
  CONGA_SRC=192.127.1.10 CONGA_DST=192.127.1.11 conga run -- rsync -a data/ there:`,
		RunE: func(c *cobra.Command, args []string) error {
			before := c.ArgsLenAtDash()
			if err := endsBefore(before, args, &src, &dst); err != nil {
				return err
			}
			if lease < leastLease {
				return usagef("lease %s: write at least %s", short(lease), short(leastLease))
			}
			if t.duration != "" && t.volume != "" {
				return usagef("write either --duration or --volume; how long a volume takes is planned")
			}
			open := t.duration == "" && t.volume == ""
			if open {
				t.duration = lease.Truncate(time.Second).String()
			}
			r, err := t.request(firstOf(src, os.Getenv("CONGA_SRC")), firstOf(dst, os.Getenv("CONGA_DST")))
			if err != nil {
				return err
			}
			if r.Volume == 0 {
				r.Duration = max(r.Duration, int64(lease/time.Second))
			}
			e := &commandRun{request: r, lease: lease, timeout: timeout, command: args[before:], key: rand.Text(), openEnded: open}
			e.request.Lease = e.waiting()
			return a.runWith(c.Context(), e)
		},
	}
	t.flags(c)
	f := c.Flags()
	f.Lookup("duration").Usage = "how long the command is expected to run: `2h`; the path is reserved for as long, without it for as long as the project has it, a day mostly"
	f.StringVar(&src, "src", "", "source `address` (environment: CONGA_SRC)")
	f.StringVar(&dst, "dst", "", "destination `address` (environment: CONGA_DST)")
	f.DurationVar(&lease, "lease", 5*time.Minute, "how `long` the path is held if conga is killed")
	f.DurationVar(&timeout, "timeout", 10*time.Minute, "how long to `wait` for the path, from the --start if there is one, or the start that is planned for a --volume; 0 is without end")
	return c
}

// endsBefore sets the addresses that stand before the -- at position dash of
// the arguments, if there are any.
func endsBefore(dash int, args []string, src, dst *string) error {
	switch {
	case dash < 0 || dash == len(args):
		return usagef("run needs a command after --, such as conga run 192.127.1.10 192.127.1.11 -- rsync ...")
	case dash == 2 && *src == "" && *dst == "":
		*src, *dst = args[0], args[1]
	case dash != 0:
		return usagef("run takes SRC and DST before the --, or neither and --src and --dst, CONGA_SRC and CONGA_DST")
	}
	return nil
}

// A commandRun is one run of a command over a path.
type commandRun struct {
	request        client.Request
	lease, timeout time.Duration
	command        []string
	key            string // idempotency key of the request
	openEnded      bool   // no duration was given
	ahead          int64  // seconds for which the project reserves a path then; 0: for the lease at a time
	signals        chan os.Signal
	keyed          <-chan struct{} // closed when the key has been checked, and renewed if due

	id   string // of the allocation; "" while it is not known
	open bool   // an allocation may exist whose ID is unknown
	ends *int64 // end of the active path in UNIX seconds, by the server's last answer; nil: unknown
}

// runWith carries out r. Its error is always an exitStatus.
func (a *app) runWith(ctx context.Context, r *commandRun) error {
	survivePipes() // messages that are not read must not prevent the release
	// A signal must not end conga before the path is released, and none is
	// missed: from here on they go to r.signals, until the process ends, and
	// one that came before has ended ctx.
	r.signals = make(chan os.Signal, 16)
	notify(r.signals, forwarded...)
	if a.takeSignals != nil {
		a.takeSignals()
	}
	if s, ok := stoppedBy(ctx); ok {
		return notRun(s.signal)
	}
	ctx = context.WithoutCancel(ctx)

	program, err := exec.LookPath(r.command[0])
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EISDIR) {
		return exitStatus{exitCannot, err}
	} else if err != nil {
		return exitStatus{exitNotFound, err}
	}
	s, err := a.connect(r.request.ProjectID)
	if err != nil {
		return exitStatus{exitNotRun, err}
	}
	defer s.Close()
	tending, stop := context.WithCancel(ctx)
	defer stop()
	r.keyed = s.tendKey(tending)
	defer a.giveBack(ctx, s, r)
	if err := a.prepare(ctx, s, r); err != nil {
		return err
	}
	return a.execute(ctx, s, r, program)
}

// notRun returns the error for a signal that came before the command had
// started.
func notRun(sig os.Signal) error {
	return exitStatus{stopped{sig}.code(), fmt.Errorf("%v; the command is not run", sig)}
}

// prepare requests the path and waits until it is active, the time is up, or a
// signal asks for the end.
func (a *app) prepare(ctx context.Context, s caller, r *commandRun) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- a.ask(ctx, s, r) }()
	for {
		select {
		case err := <-done:
			if sig := r.pending(); sig != nil {
				return notRun(sig)
			}
			if errors.Is(err, errTimeUp) {
				err = fmt.Errorf("there is no path after %s; the command is not run", short(r.timeout))
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
			return notRun(sig)
		}
	}
}

// pending returns a signal that has come and asks for the end, nil if there is
// none.
func (r *commandRun) pending() os.Signal {
	for {
		select {
		case sig := <-r.signals:
			if ending(sig) {
				return sig
			}
		default:
			return nil
		}
	}
}

// ask requests an allocation and waits until it is active.
func (a *app) ask(ctx context.Context, s caller, r *commandRun) (err error) {
	if r.request.ProjectID, err = s.projectOr(ctx, r.request.ProjectID); err != nil {
		return err
	}
	select {
	case <-r.keyed: // the path may outlast the key
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := r.reserve(ctx, s); err != nil {
		r.open = errors.Is(err, client.ErrOpen)
		return explainProject(err, r.request.ProjectID)
	}
	holding, stop := context.WithCancel(ctx)
	held := make(chan struct{})
	go func() {
		defer close(held)
		if r.request.Lease != 0 {
			r.extendWaiting(holding, s)
		}
	}()
	defer func() { stop(); <-held }()
	timeout := fromStart(r.timeout, r.planned(ctx, s), time.Now())
	return a.wait(ctx, s, r.id, timeout, func(al client.Allocation) {
		if al.State == client.Active { // before that it ends with its lease
			r.ends = al.EndTime
		}
	})
}

// execute runs the command and keeps the path until it has ended.
func (a *app) execute(ctx context.Context, s caller, r *commandRun, program string) error {
	c := exec.Command(program, r.command[1:]...)
	c.Args[0] = r.command[0]
	c.Stdin, c.Stdout, c.Stderr = a.in, a.out, a.err
	c.Env = append(os.Environ(), "CONGA_ALLOCATION="+r.id)
	j := newJob(a.in, a.out)
	defer j.end()
	c.SysProcAttr = j.attributes()
	if err := c.Start(); err != nil {
		j.started(0)
		return exitStatus{exitCannot, err}
	}
	j.started(c.Process.Pid)
	keeping, stop := context.WithCancel(ctx)
	kept := make(chan struct{})
	go func() { defer close(kept); (&keeper{commandRun: r, s: s, out: a.err}).keep(keeping) }()
	defer func() { stop(); <-kept }()

	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	for {
		select {
		case sig := <-j.control:
			j.handle(sig)
		case sig := <-r.signals:
			if !j.typed(sig) {
				_ = c.Process.Signal(sig) // fails if it has just ended
			}
		case err := <-ended:
			return statusOf(c.ProcessState, err)
		}
	}
}

// statusOf returns how the command ended as a shell's exit status, nil for
// success.
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
