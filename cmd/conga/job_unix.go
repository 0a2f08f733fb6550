//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// job is a command and the terminal that it is run from.
//
// What is typed, Ctrl-C for one, the kernel sends to the terminal's foreground
// process group. If that is conga alone, the command gets a group of its own,
// which takes the foreground: then it gets what is typed, conga gets what is
// sent to conga and passes it on, and none comes twice. Otherwise, in a
// pipeline, a script or the background, the command stays in the group, where
// the shell expects it; what comes while that is in the foreground is taken to
// be typed, and not passed on.
type job struct {
	tty     *os.File // controlling terminal; nil: none
	own     bool     // the command has its own group
	pid     int      // of the command, and of that group
	control chan os.Signal
}

// newJob finds out where a command will run that has these files.
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

// isPipe reports whether v is a pipe, or no file at all, which becomes one.
func isPipe(v any) bool {
	f, ok := v.(*os.File)
	if !ok {
		return true
	}
	info, err := f.Stat()
	return err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0
}

// foreground is the terminal's foreground process group; -1 if it has none of
// ours.
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

// give puts a process group into the foreground.
func (j *job) give(group int) {
	_ = unix.IoctlSetPointerInt(int(j.tty.Fd()), unix.TIOCSPGRP, group) // the terminal may be gone
}

// attributes are what the command is to be started with.
func (j *job) attributes() *syscall.SysProcAttr {
	if !j.own {
		return nil
	}
	return &syscall.SysProcAttr{Foreground: true, Ctty: int(j.tty.Fd())}
}

// started is told of the command's process; 0 if it could not be started.
func (j *job) started(pid int) {
	j.pid = pid
	if !j.own {
		return
	}
	// Who changes the foreground from the background is stopped otherwise. The
	// command must not inherit that.
	signal.Ignore(syscall.SIGTTOU)
	if pid != 0 {
		j.control = make(chan os.Signal, 16)
		j.control <- syscall.SIGCHLD // it may have stopped before we could hear of it
		signal.Notify(j.control, syscall.SIGCHLD, syscall.SIGCONT, syscall.SIGTSTP)
	}
}

// typed reports whether the command has got the signal already, from the
// terminal.
func (j *job) typed(sig os.Signal) bool {
	return !j.own && (sig == os.Interrupt || sig == syscall.SIGQUIT) && j.tty != nil && j.foreground() == unix.Getpgrp()
}

// handle heeds a signal of j.control: conga stops when the command does, so
// that the shell notices, and has it go on when the shell has conga go on.
func (j *job) handle(sig os.Signal) {
	switch sig {
	case syscall.SIGTSTP: // conga was in the foreground, as it is when a shell has fetched it there
		_ = syscall.Kill(-j.pid, syscall.SIGTSTP)
	case syscall.SIGCONT:
		j.resume()
	case syscall.SIGCHLD:
		switch hasStopped(j.pid) {
		case syscall.SIGTTIN, syscall.SIGTTOU:
			if j.foreground() == unix.Getpgrp() { // fetched there without a word
				j.resume()
				return
			}
			j.stop()
		case syscall.SIGTSTP:
			j.stop()
		case syscall.SIGSTOP:
			if underShell() { // else it stays as it is without conga: stopped
				j.stop()
			}
		}
	}
}

// resume has the command go on, in the foreground if that is ours.
func (j *job) resume() {
	if j.foreground() == unix.Getpgrp() {
		j.give(j.pid)
	}
	_ = syscall.Kill(-j.pid, syscall.SIGCONT)
}

// stop stops conga as well. Where there is no shell that could have it go on,
// the command goes on instead.
func (j *job) stop() {
	if !underShell() {
		_ = syscall.Kill(-j.pid, syscall.SIGCONT)
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
}

// underShell reports whether there is somebody who notices that conga stops,
// and can have it go on.
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
