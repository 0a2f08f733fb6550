//go:build !race

package wire

import (
	"syscall"
	"unsafe"
)

// Go's runtime watches a goroutine in a system call, and for that wakes a
// thread that looks about every 20 µs until the process is idle again. That was
// a fifth of the CPU of a controller woken by one frame at a time (Go 1.26).
// The calls here cannot block, so they are made without that.

// read reads what a nonblocking socket has.
func read(fd int, b []byte) (int, error) { return call(syscall.SYS_READ, fd, b) }

// write writes what a nonblocking socket takes.
func write(fd int, b []byte) (int, error) { return call(syscall.SYS_WRITE, fd, b) }

// call makes a system call on a socket and a buffer that is not empty.
func call(number uintptr, fd int, b []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(number, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}
