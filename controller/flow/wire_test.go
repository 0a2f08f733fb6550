package flow

import (
	"fmt"
	"testing"

	"conga/bitrate"
	"conga/controller/purpose"
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

// Of a rate on the wire frames have the part that is theirs, and the other way
// round; of frames whose size is not known, or where nothing is said, all.
func TestFramesOnTheWire(t *testing.T) {
	for _, c := range []struct {
		overhead, size int
		wire, frames   bitrate.Rate
	}{{0, 0, 100, 100}, {0, 1, 100, 100}, {24, 0, 100, 100}, {1, 1, 100, 50}, {1, 3, 100, 75}, {24, 8, 100, 25}} {
		f := Frames{Overhead: c.overhead, Allocated: c.size}
		if got := f.Room(c.wire); got != c.frames {
			t.Errorf("%+v: %d on the wire are %d of frames, want %d", c, c.wire, got, c.frames)
		}
		if got := f.wire(c.frames, c.size); got != c.wire {
			t.Errorf("%+v: %d of frames are %d on the wire, want %d", c, c.frames, got, c.wire)
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

// What is left to best effort is rounded down a little, so that a small circuit
// more or less leaves most meters as they are.
func TestCoarse(t *testing.T) {
	for _, c := range []struct{ rate, most, want uint32 }{
		{0, 0, 0}, {99, 1, 99}, {249, 4, 248}, {251, 5, 250}, {251, 9, 250}, {251, 10, 250}, {60_000, 100, 60_000}, {59_999, 199, 59_900},
		{59_999, 200, 59_800}, {499_999, 5000, 495_000}, {unlimited, 4_294_967, 4_294_000_000},
	} {
		if got := coarse(c.rate, c.most); got != c.want {
			t.Errorf("%d kbit/s are rounded by %d at most to %d; want %d", c.rate, c.most, got, c.want)
		}
	}
	n := square(t, threeTables)
	rate, changes := Compile(n, 1).Meters, 0
	for i := range 100 {
		n.Circuits = append(n.Circuits, forth(fmt.Sprint(i), uint32(i+1), 10*bitrate.Kbps))
		now := Compile(n, 1).Meters
		for id, m := range now {
			if kind, _ := purpose.ReadMeter(id); (kind == purpose.MeterBestEffort || kind == purpose.MeterFlood) && m != rate[id] {
				changes++
			}
		}
		rate = now
	}
	if changes > 24 {
		t.Errorf("%d changes of two meters by 100 circuits that hold a hundredth of their ports", changes)
	}
}
