package main

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// signals returns the signals that a run of counts has got.
func (r *runner) signals() string {
	text, _ := os.ReadFile(filepath.Join(r.dir, "signals"))
	return strings.ReplaceAll(string(text), "\n", " ")
}

// at starts a run of counts at a terminal.
func (r *runner) at(p *pty, c *exec.Cmd) *running {
	r.t.Helper()
	c.Env, c.Dir = r.env, r.dir
	p.start(c)
	run := &running{runner: r, cmd: c}
	run.child()
	return run
}

// end ends a run with SIGTERM, so that no earlier signal is still on its way,
// and wants these signals before it, no allocation, and code 0.
func (p *running) end(want string) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if code := p.code(); code != 0 {
		p.t.Errorf("exit code %d", code)
	}
	if got := p.signals(); got != want+"terminated " {
		p.t.Errorf("the command got %q, want %q", got, want)
	}
	if live := p.live(); len(live) != 0 {
		p.t.Errorf("it leaves %+v", live)
	}
}

// TestTypedSignals: the command gets once whatever is typed, and whatever is
// sent to conga.
func TestTypedSignals(t *testing.T) {
	t.Run("typed", func(t *testing.T) {
		r, p := newRunner(t), newPTY(t)
		run := r.at(p, exec.Command("conga", "run", "192.127.1.10", "192.127.1.11", "--", "counts"))
		p.press("\x03")
		r.until("it is typed", func() bool { return r.signals() == "interrupt " })
		p.press("\x1c")
		r.until("it is typed", func() bool { return r.signals() == "interrupt quit " })
		run.end("interrupt quit ")
	})
	t.Run("sent", func(t *testing.T) {
		r, p := newRunner(t), newPTY(t)
		run := r.at(p, exec.Command("conga", "run", "192.127.1.10", "192.127.1.11", "--", "counts"))
		if err := run.cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		r.until("it is passed on", func() bool { return r.signals() == "interrupt " })
		run.end("interrupt ")
	})
	t.Run("typed, with a pipe", func(t *testing.T) {
		r, p := newRunner(t), newPTY(t)
		in, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		defer in.Close()
		c := exec.Command("conga", "run", "192.127.1.10", "192.127.1.11", "--", "counts")
		c.Stdin = in
		run := r.at(p, c)
		p.press("\x03")
		r.until("it is typed", func() bool { return r.signals() == "interrupt " })
		run.end("interrupt ")
	})
	t.Run("stopped, without a shell", func(t *testing.T) {
		r, p := newRunner(t), newPTY(t)
		run := r.at(p, exec.Command("conga", "run", "192.127.1.10", "192.127.1.11", "--", "counts"))
		p.press("\x1a") // no shell could have it go on
		p.press("\x03")
		r.until("it is typed", func() bool { return r.signals() == "interrupt " })
		run.end("interrupt ")
	})
}

// TestStopsItself: a command that stops itself with SIGSTOP, which cannot be
// caught, gives the shell its terminal, and goes on with fg. A command that
// does so at once may have stopped before conga is notified of children.
func TestStopsItself(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash here")
	}
	r, p := newRunner(t), newPTY(t)
	c := exec.Command(bash, "--norc", "--noprofile", "-i")
	c.Env, c.Dir = append(r.env, "PS1=$ ", "HISTFILE="), r.dir
	p.start(c)
	p.press("conga run 192.127.1.10 192.127.1.11 -- sh -c 'kill -STOP $$; echo on $((6*7)); kill -STOP $$; exit 7'\n")
	stopped := func(times int) {
		t.Helper()
		r.until("the shell tells that it is stopped", func() bool {
			return strings.Count(p.screen.String(), "Stopped") == times && p.foreground() == c.Process.Pid
		})
	}
	stopped(1)
	p.press("fg\n")
	p.shows("on 42")
	stopped(2)
	p.press("fg\n")
	r.until("the path is released", func() bool { return len(r.live()) == 0 })
	p.press("echo $?.$((6*7))\n")
	p.shows("7.42")
}

// TestStopBeforeNotice: the command's state is checked once without a SIGCHLD.
// The test must not run in parallel with others that get signals.
func TestStopBeforeNotice(t *testing.T) {
	j := &job{own: true}
	j.started(os.Getpid())
	defer signal.Reset(syscall.SIGTTOU)
	defer signal.Stop(j.control)
	select {
	case sig := <-j.control:
		if sig != syscall.SIGCHLD {
			t.Errorf("it heeds %v", sig)
		}
	default:
		t.Error("a stop that came before is never noticed")
	}
}

// TestJobControl: Ctrl-Z stops conga and the command, fg and bg have them go
// on, and in the end the shell has its terminal again.
func TestJobControl(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash here")
	}
	r, p := newRunner(t), newPTY(t)
	c := exec.Command(bash, "--norc", "--noprofile", "-i")
	c.Env, c.Dir = append(r.env, "PS1=$ ", "HISTFILE="), r.dir
	p.start(c)
	p.press("conga run 192.127.1.10 192.127.1.11 -- counts\n")
	run := &running{runner: r, cmd: c}
	child := run.child()
	foreground := func(who string, ok func(group int) bool) {
		t.Helper()
		r.until(who+" is in the foreground", func() bool { return ok(p.foreground()) })
	}
	isChild := func(group int) bool { return group == child.Pid }
	isBash := func(group int) bool { return group == c.Process.Pid }
	foreground("the command", isChild)
	p.press("\x1a")
	foreground("the shell", isBash)
	p.press("fg\n")
	foreground("the command", isChild)
	p.press("\x03")
	r.until("it goes on, and is typed to", func() bool { return r.signals() == "interrupt " })
	p.press("\x1a")
	foreground("the shell", isBash)
	r.until("the shell has told twice that it is stopped", func() bool { return strings.Count(p.screen.String(), "Stopped") == 2 })
	p.press("bg\n")
	if err := child.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	r.until("it goes on in the background", func() bool { return r.signals() == "interrupt hangup " })
	p.press("fg\n")
	foreground("conga or the command", func(group int) bool { return !isBash(group) })
	p.press("\x03")
	r.until("it is typed to", func() bool { return r.signals() == "interrupt hangup interrupt " })
	if err := child.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	foreground("the shell", isBash)
	p.press("echo $?.$((6*7))\n")
	p.shows("0.42")
	if live := r.live(); len(live) != 0 {
		t.Errorf("it leaves %+v", live)
	}
}
