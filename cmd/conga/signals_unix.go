//go:build unix

package main

import (
	"os"
	"syscall"
)

// forwarded are the signals that are passed on to a command.
var forwarded = []os.Signal{
	os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2,
}

// brokenPipe are the signals for a write to a closed pipe.
var brokenPipe = []os.Signal{syscall.SIGPIPE}

// ending reports whether a signal asks for the end.
func ending(sig os.Signal) bool { return sig != syscall.SIGUSR1 && sig != syscall.SIGUSR2 }
