//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A throttle holds a process to a share of a processor.
type throttle struct {
	how string // in words
	end func()
}

// holdTo holds the process to a share of one processor, with a control group if
// it can make one, and otherwise by stopping and continuing it.
func holdTo(pid int, share float64) (throttle, error) {
	t, err := holdWithGroup(pid, share)
	if err == nil {
		return t, nil
	}
	return holdWithSignals(pid, share), nil
}

// holdPeriod is the period in which the share is kept.
const holdPeriod = 100 * time.Millisecond

// holdWithGroup uses the CPU controller of control groups, version 1 or 2.
func holdWithGroup(pid int, share float64) (throttle, error) {
	quota, period := int64(share*float64(holdPeriod.Microseconds())), holdPeriod.Microseconds()
	for _, kind := range []struct{ root, file, value string }{
		{"/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", fmt.Sprint(quota)},
		{"/sys/fs/cgroup", "cpu.max", fmt.Sprintf("%d %d", quota, period)},
	} {
		dir := filepath.Join(kind.root, fmt.Sprintf("conga-scale-%d", pid))
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		end := func() {
			// The process goes back to the root group, so that the group can be
			// removed.
			_ = os.WriteFile(filepath.Join(kind.root, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644)
			_ = os.Remove(dir)
		}
		err := os.WriteFile(filepath.Join(dir, kind.file), []byte(kind.value), 0o644)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644)
		}
		if err == nil && strings.Contains(kind.file, "cfs") {
			err = os.WriteFile(filepath.Join(dir, "cpu.cfs_period_us"), []byte(fmt.Sprint(period)), 0o644)
		}
		if err == nil {
			return throttle{"control group", end}, nil
		}
		end()
	}
	return throttle{}, fmt.Errorf("no control group can be made")
}

// holdWithSignals lets the process run until it has used its share of a period,
// and stops it for the rest.
func holdWithSignals(pid int, share float64) throttle {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()
		began := time.Now()
		used, err := cpuTime(pid)
		stopped := false
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for err == nil && ctx.Err() == nil {
			<-tick.C
			var now time.Duration
			now, err = cpuTime(pid)
			// Unused time is not carried over for longer than a period.
			allowed := time.Duration(share * float64(time.Since(began)))
			if saved := allowed - (now - used); saved > time.Duration(share*float64(holdPeriod)) {
				began, used = time.Now(), now
			}
			if over := now-used > allowed; over != stopped {
				stopped = over
				sig := syscall.SIGCONT
				if over {
					sig = syscall.SIGSTOP
				}
				_ = syscall.Kill(pid, sig)
			}
		}
	}()
	return throttle{"stop and continue", func() { cancel(); <-ended }}
}
