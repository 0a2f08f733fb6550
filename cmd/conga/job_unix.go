//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// A job is a command and the terminal that it is run from.
//
// What is typed, such as Ctrl-C, the kernel sends to the terminal's foreground
// process group. If that is conga alone, the command gets a group of its own,
// which becomes the foreground: the command gets what is typed, conga passes on
// what is sent to conga, and no signal comes twice. Otherwise, in a pipeline, a
// script or the background, the command stays in conga's group, where the shell
// expects it; a signal that comes while that group is in the foreground is
// taken to be typed, and not passed on.
type job struct {
	tty     *os.File // controlling terminal; nil: none
	own     bool     // the command has its own group
	pid     int      // of the command, and of that group
	control chan os.Signal
}

// newJob returns the job of a command that will have these files.
func newJob(files ...any) *job {
	j := &job{}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return j
	}
	j.tty = tty
	j.own = canFollow && j.foreground() == os.Getpid() && unix.Getpgrp() == os.Getpid()
	for _, f := range files {
		j.own = j.own && !isPipe(f)
	}
	return j
}

// isPipe reports whether v is a pipe, or no file, for which os/exec makes a
// pipe.
func isPipe(v any) bool {
	f, ok := v.(*os.File)
	if !ok {
		return true
	}
	info, err := f.Stat()
	return err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0
}

// foreground returns the terminal's foreground process group, -1 if the job has
// no terminal.
func (j *job) foreground() int {
	if j.tty == nil {
		return -1
	}
	group, err := unix.IoctlGetInt(int(j.tty.Fd()), unix.TIOCGPGRP)
	if err != nil {
		return -1
	}
	return group
}

// give makes a process group the foreground.
func (j *job) give(group int) {
	_ = unix.IoctlSetPointerInt(int(j.tty.Fd()), unix.TIOCSPGRP, group) // the terminal may be gone
}

// attributes returns the attributes to start the command with.
func (j *job) attributes() *syscall.SysProcAttr {
	if !j.own {
		return nil
	}
	return &syscall.SysProcAttr{Foreground: true, Ctty: int(j.tty.Fd())}
}

// started notes the command's process ID, 0 if it could not be started.
func (j *job) started(pid int) {
	j.pid = pid
	if !j.own {
		return
	}
	// A process that changes the foreground from the background is stopped
	// unless it ignores SIGTTOU. The command must not inherit that.
	signal.Ignore(syscall.SIGTTOU)
	if pid != 0 {
		j.control = make(chan os.Signal, 16)
		j.control <- syscall.SIGCHLD // it may have stopped before SIGCHLD was watched
		signal.Notify(j.control, syscall.SIGCHLD, syscall.SIGCONT, syscall.SIGTSTP)
	}
}

// typed reports whether the command has got the signal already, from the
// terminal.
func (j *job) typed(sig os.Signal) bool {
	return !j.own && (sig == os.Interrupt || sig == syscall.SIGQUIT) && j.tty != nil && j.foreground() == unix.Getpgrp()
}

// handle acts on a signal of j.control: conga stops when the command does, so
// that the shell notices, and continues the command when the shell continues
// conga.
func (j *job) handle(sig os.Signal) {
	switch sig {
	case syscall.SIGTSTP: // conga is in the foreground, as after the shell's fg
		_ = syscall.Kill(-j.pid, syscall.SIGTSTP)
	case syscall.SIGCONT:
		j.resume()
	case syscall.SIGCHLD:
		switch hasStopped(j.pid) {
		case syscall.SIGTTIN, syscall.SIGTTOU:
			if j.foreground() == unix.Getpgrp() { // put there without SIGCONT
				j.resume()
				return
			}
			j.stop()
		case syscall.SIGTSTP:
			j.stop()
		case syscall.SIGSTOP:
			if underShell() { // else the command stays stopped, as without conga
				j.stop()
			}
		}
	}
}

// resume continues the command, in the foreground if conga has it.
func (j *job) resume() {
	if j.foreground() == unix.Getpgrp() {
		j.give(j.pid)
	}
	_ = syscall.Kill(-j.pid, syscall.SIGCONT)
}

// stop stops conga as well. Where no shell could continue conga, it continues
// the command instead.
func (j *job) stop() {
	if !underShell() {
		_ = syscall.Kill(-j.pid, syscall.SIGCONT)
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
}

// underShell reports whether conga's parent, such as a shell, can notice that
// conga stops and continue it.
func underShell() bool {
	mine, err1 := unix.Getsid(0)
	parents, err2 := unix.Getsid(os.Getppid())
	return err1 == nil && err2 == nil && mine == parents
}

// end takes the foreground back.
func (j *job) end() {
	if j.tty == nil {
		return
	}
	if j.own {
		if j.foreground() != unix.Getpgrp() {
			j.give(unix.Getpgrp())
		}
		if j.control != nil {
			signal.Stop(j.control)
		}
		signal.Reset(syscall.SIGTTOU)
	}
	j.tty.Close()
}
