package topology

import (
	"testing"
	"time"

	"conga/bitrate"
	"conga/openflow"
)

func TestFrameSize(t *testing.T) {
	const capacity = 100 * bitrate.Mbps
	for name, c := range map[string]struct {
		rate    bitrate.Rate
		packets float64
		want    int
	}{
		"nothing":     {0, 0, 0},
		"little":      {2 * bitrate.Mbps, 4000, 0},
		"the least":   {40 * bitrate.Mbps, 83_333, 60},
		"below":       {40 * bitrate.Mbps, 100_000, 60},
		"in between":  {40 * bitrate.Mbps, 40_000, 112},
		"the largest": {40 * bitrate.Mbps, 3302, 1400},
	} {
		if got := FrameSize(capacity, c.rate, c.packets); got != c.want {
			t.Errorf("%s: %d; want %d", name, got, c.want)
		}
	}
}

// Small frames are believed at once, and that they are over after a minute
// without any.
func TestFramesSeen(t *testing.T) {
	b := NewBuilder(Config{DefaultCapacity: 100 * bitrate.Mbps}, t0)
	b.SwitchUp(Switch{DPID: 1}, []openflow.Port{{No: 1}}, t0)
	revision := b.Snapshot(t0).Revision
	after := func(d time.Duration, size, want int, changes bool) {
		t.Helper()
		for now := b.clock.wall; now.Before(t0.Add(d)); now = now.Add(100 * time.Millisecond) {
			b.Expire(now)
		}
		b.FramesSeen(at(1, 1), size, t0.Add(d))
		if b.Changed() != changes {
			t.Errorf("after %v: changed %t", d, !changes)
		}
		s := b.Snapshot(t0.Add(d))
		if got := s.Switches[1].Ports[1].FrameSize; got != want {
			t.Errorf("after %v: frames of %d are expected; want %d", d, got, want)
		}
		if s.Wiring > revision {
			t.Error("paths depend on the size of frames")
		}
	}
	after(0, 1400, 1400, true)
	after(5*time.Second, 60, 60, true)
	after(10*time.Second, 1400, 60, false)
	after(60*time.Second, 60, 60, false)
	after(115*time.Second, 1400, 60, false)
	after(121*time.Second, 400, 400, true)
	after(125*time.Second, 400, 400, false)
}
