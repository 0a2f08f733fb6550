//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A meter tells the CPU time that the daemon uses from when it was made, and
// has it profiled meanwhile if that is wanted.
type meter struct {
	w           *world
	before, own time.Duration // CPU time of the daemon, and of the tool
	began       time.Time
}

// measure begins to measure.
func (w *world) measure() *meter {
	w.signalProfiler(syscall.SIGUSR1)
	return w.newMeter()
}

// newMeter begins to measure without a profile.
func (w *world) newMeter() *meter {
	own, _ := cpuTime(os.Getpid())
	return &meter{w, w.cpu(), own, time.Now()}
}

// cpu returns the CPU time so far.
func (m *meter) cpu() time.Duration { return m.w.cpu() - m.before }

// share returns the share of a processor so far.
func (m *meter) share() float64 { return m.cpu().Seconds() / time.Since(m.began).Seconds() }

// end ends the profile, and returns the CPU time until then.
func (m *meter) end() time.Duration {
	used := m.cpu()
	own, _ := cpuTime(os.Getpid())
	m.w.note("the emulated network took %.3g s of CPU meanwhile", (own - m.own).Seconds())
	m.w.signalProfiler(syscall.SIGUSR2)
	return used
}

func (w *world) signalProfiler(s syscall.Signal) {
	if w.profiled {
		_ = w.cmd.Process.Signal(s)
		time.Sleep(profilerTime)
	}
}

// profilerTime is what the daemon may take to begin or end a profile.
const profilerTime = 300 * time.Millisecond

// profileName returns where the profiles of a scenario go, without the
// extension.
func (r *run) profileName() string {
	return filepath.Join(r.profile, strings.NewReplacer("/", "-", ":", "-").Replace(r.name))
}
