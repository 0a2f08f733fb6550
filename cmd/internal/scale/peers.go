//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// ours is the name of congad among the peers.
const ours = "congad"

// A sweep is the first ping between all pairs of hosts with one controller.
type sweep struct {
	Controller string  `json:"controller"`
	Pairs      int     `json:"pairs"`
	Lost       int     `json:"lost"`
	CPU        float64 `json:"cpu_s"`
}

// peers measures congad beside other controllers, with Open vSwitch in Mininet.
func peers(ctx context.Context, r *run) error {
	ctx, cancel := r.within(ctx)
	defer cancel()
	root, err := sourceTree(ctx)
	if err != nil {
		return err
	}
	c := exec.CommandContext(ctx, filepath.Join(root, "testdata/mininet/peers.sh"))
	c.Env = append(os.Environ(), "CONGAD="+r.program, "CONGA="+r.program)
	// What it starts ends with it: its namespaces do.
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 30 * time.Second
	var problems bytes.Buffer
	c.Stderr = &problems
	out, err := c.Output()
	if err != nil {
		return fmt.Errorf("%w: %s", err, lastLine(problems.String()))
	}
	sweeps, err := parseSweeps(string(out))
	if err != nil {
		return err
	}
	least := 0.0 // CPU of the better peer
	for _, s := range sweeps {
		r.figure(s.Controller+"-lost", float64(s.Lost))
		r.figure(s.Controller+"-cpu-s", s.CPU)
		if s.Controller != ours && (least == 0 || s.CPU < least) {
			least = s.CPU
		}
	}
	if least > 0 {
		r.figure("cpu-of-better", sweeps[0].CPU/least)
	}
	return nil
}

// parseSweeps reads a line of JSON for each controller; ours is the first.
func parseSweeps(text string) (sweeps []sweep, err error) {
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		var s sweep
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			return nil, fmt.Errorf("%q: %w", lines.Text(), err)
		}
		sweeps = append(sweeps, s)
	}
	if len(sweeps) < 2 || sweeps[0].Controller != ours {
		return nil, fmt.Errorf("the controllers were not all measured: %q", text)
	}
	return sweeps, nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
