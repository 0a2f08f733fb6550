package flow

import (
	"testing"

	"conga/bitrate"
	"conga/controller/topology"
)

// A meter leaves room for what frames take of the wire, however small they are
// expected to be.
func TestBestEffortLeavesRoomOnTheWire(t *testing.T) {
	const capacity, reserved = 100 * bitrate.Mbps, 40 * bitrate.Mbps
	for name, c := range map[string]struct {
		frames Frames
		seen   int
		want   bitrate.Rate
	}{
		"nothing is said":   {Frames{}, 60, 60 * bitrate.Mbps},
		"not known yet":     {Frames{Overhead: 24, Allocated: 512}, 0, 55_522_388},
		"small ones seen":   {Frames{Overhead: 24, Allocated: 512}, 60, 41_517_857},
		"large ones seen":   {Frames{Overhead: 24, Allocated: 512}, 1400, 57_145_365},
		"small ones always": {Frames{Overhead: 24, Allocated: 512, BestEffort: 60}, 1400, 41_517_857},
		"all small":         {Frames{Overhead: 24, Allocated: 60, BestEffort: 60}, 0, 31_428_571},
	} {
		p := topology.Port{Capacity: capacity, FrameSize: c.seen}
		got := c.frames.left(p, reserved)
		if got != c.want {
			t.Errorf("%s: best effort has %d; want %d", name, got, c.want)
		}
		size := max(c.frames.BestEffort, 60)
		if name != "not known yet" && name != "large ones seen" && c.frames.Overhead > 0 &&
			c.frames.wire(got, size)+c.frames.wire(reserved, c.frames.Allocated) > capacity {
			t.Errorf("%s: more is let through than the wire carries", name)
		}
		if got := c.frames.left(p, capacity); got != 0 {
			t.Errorf("%s: %d is left of a port that is reserved whole", name, got)
		}
	}
}

// What portions give away is there on the wire.
func TestPortionsLeaveRoomOnTheWire(t *testing.T) {
	port := topology.Port{Capacity: 100 * bitrate.Mbps}
	for _, spare := range []float64{0.2, 0.05, 0.0448} {
		p := Policy{Meter: true, Spare: spare, Frames: Frames{Overhead: 24, Allocated: 512}}
		reserved := bitrate.Rate(float64(port.Capacity) * (1 - spare))
		all := reserved + 4*bitrate.Rate(p.portion(port, reserved, 4))*bitrate.Kbps
		if wire := p.Frames.wire(all, 512); wire > port.Capacity {
			t.Errorf("with %v spare, rates and portions take %v of the wire", spare, wire)
		}
	}
}
