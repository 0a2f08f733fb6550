//go:build linux

package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const line = "4242 (conga) d) S 1 4242 4242 0 -1 4194560 100 0 0 0 250 50 7 8 20 0 9 0 100 1 1 1"
	got, err := parseStat(line)
	if err != nil || got != 3*time.Second {
		t.Errorf("%q is %v, %v", line, got, err)
	}
	for _, bad := range []string{"", "1 (x) S 1 2", strings.Replace(line, "250", "x", 1)} {
		if _, err := parseStat(bad); err == nil {
			t.Errorf("%q is taken for what /proc/PID/stat holds", bad)
		}
	}
}

func TestParseStatus(t *testing.T) {
	now, peak, err := parseStatus("Name:\tcongad\nVmPeak:\t 9000 kB\nVmHWM:\t  4096 kB\nVmRSS:\t  2048 kB\nThreads:\t9\n")
	if err != nil || now != 2 || peak != 4 {
		t.Errorf("%v and %v MiB, %v", now, peak, err)
	}
	for _, bad := range []string{"", "VmRSS: 1 kB\n", "VmRSS: x kB\nVmHWM: 1 kB\n"} {
		if _, _, err := parseStatus(bad); err == nil {
			t.Errorf("%q is taken for a status", bad)
		}
	}
}

// The clock of a process goes on while it works, and both sources know this
// process.
func TestCPUTime(t *testing.T) {
	before, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for now := before; now == before; {
		if now, err = cpuTime(os.Getpid()); err != nil || now < before {
			t.Fatalf("from %v to %v: %v", before, now, err)
		}
	}
	if now, peak, err := memoryOf(os.Getpid()); err != nil || now <= 0 || peak < now {
		t.Errorf("%v and %v MiB, %v", now, peak, err)
	}
}
