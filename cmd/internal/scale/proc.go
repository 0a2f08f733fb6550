//go:build linux

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime returns the processor time that a process has used, with all its
// threads, also ended ones.
func cpuTime(pid int) (time.Duration, error) {
	// The clock of another process: its complement, shifted, and 2 for what the
	// scheduler has counted; see clock_getcpuclockid(3).
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|2, &t); err == nil {
		return time.Duration(t.Nano()), nil
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(string(text))
}

// parseStat reads user and system time out of /proc/PID/stat.
func parseStat(text string) (time.Duration, error) {
	// The name of the program is in parentheses and may hold some itself.
	fields := strings.Fields(text[strings.LastIndex(text, ")")+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("%q is not what /proc/PID/stat holds", text)
	}
	var ticks int64
	for _, f := range fields[11:13] { // utime and stime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / 100), nil // USER_HZ
}

// memoryOf returns the resident memory of a process and its peak, in MiB.
func memoryOf(pid int) (now, peak float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	return parseStatus(string(text))
}

// parseStatus reads VmRSS and VmHWM, which are in KiB, out of /proc/PID/status.
func parseStatus(text string) (now, peak float64, err error) {
	found := 0
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		into := map[string]*float64{"VmRSS": &now, "VmHWM": &peak}[name]
		if into == nil {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", strings.TrimSpace(line), err)
		}
		*into = n / 1024
		found++
	}
	if found != 2 {
		return 0, 0, fmt.Errorf("no memory in the status of the process")
	}
	return now, peak, nil
}
