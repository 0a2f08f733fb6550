//go:build !unix

package main

import (
	"os"
	"syscall"
)

// forwarded are the signals that are passed on to a command.
var forwarded = []os.Signal{os.Interrupt, syscall.SIGTERM}

// brokenPipe is what a write to a pipe that nobody reads is answered with: an
// error.
var brokenPipe []os.Signal

// ending reports whether a signal means that all is to end.
func ending(os.Signal) bool { return true }
