//go:build linux || darwin || freebsd

package terminal

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// hide turns the echo off and returns what turns it on again. An interrupt
// turns it on too: a shell without echo is a poor thing to leave behind.
func hide(f *os.File) (restore func(), err error) {
	fd := int(f.Fd())
	was, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, err
	}
	quiet := *was
	quiet.Lflag &^= unix.ECHO
	quiet.Lflag |= unix.ICANON | unix.ISIG
	if err := unix.IoctlSetTermios(fd, setTermios, &quiet); err != nil {
		return nil, err
	}
	interrupt, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(interrupt, os.Interrupt)
	go func() {
		select {
		case <-interrupt:
			unix.IoctlSetTermios(fd, setTermios, was)
			os.Exit(130)
		case <-done:
		}
	}()
	return func() {
		signal.Stop(interrupt)
		close(done)
		unix.IoctlSetTermios(fd, setTermios, was)
	}, nil
}
