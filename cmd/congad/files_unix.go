//go:build unix

package main

import (
	"math"
	"syscall"
)

// openFiles returns how many files the process may have open. The Go runtime
// has raised that to the hard limit at the start.
func openFiles() uint64 {
	var r syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r) != nil {
		return math.MaxInt64
	}
	return uint64(r.Cur)
}
