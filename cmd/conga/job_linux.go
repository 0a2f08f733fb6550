package main

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// canFollow says whether conga notices that its command has stopped.
const canFollow = true

// A childInfo is what the kernel puts into a siginfo_t about a child.
type childInfo struct {
	_     [3]int32
	child struct {
		_      [0]uintptr // aligned as the widest of the union is
		pid    int32
		uid    uint32
		status int32
	}
}

// hasStopped returns the signal that has stopped the process since the last
// call, or 0. It leaves the process's end to be waited for.
func hasStopped(pid int) syscall.Signal {
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, pid, &info, unix.WSTOPPED|unix.WNOHANG, nil); err != nil || info.Signo == 0 {
		return 0
	}
	return syscall.Signal((*childInfo)(unsafe.Pointer(&info)).child.status)
}
