//go:build unix && !linux

package main

import "syscall"

// canFollow says whether conga notices that its command has stopped. Here wait
// would also take the command's end, which is not for this.
const canFollow = false

// hasStopped returns 0; it is not called on these systems.
func hasStopped(int) syscall.Signal { return 0 }
