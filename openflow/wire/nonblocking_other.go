//go:build unix && (!linux || race)

package wire

import "syscall"

// The race detector takes what these order into account.

// read reads what a nonblocking socket has.
func read(fd int, b []byte) (int, error) { return syscall.Read(fd, b) }

// write writes what a nonblocking socket takes.
func write(fd int, b []byte) (int, error) { return syscall.Write(fd, b) }
