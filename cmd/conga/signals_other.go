//go:build !unix

package main

import (
	"os"
	"syscall"
)

// forwarded are the signals that are passed on to a command.
var forwarded = []os.Signal{os.Interrupt, syscall.SIGTERM}

// brokenPipe are the signals for a write to a closed pipe: here such a write
// only fails.
var brokenPipe []os.Signal

// ending reports whether a signal asks for the end.
func ending(os.Signal) bool { return true }
