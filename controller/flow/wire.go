package flow

import (
	"conga/bitrate"
	"conga/controller/topology"
)

// Frames says what a link carries beside the bytes that meters and counters
// count, which are those of frames without checksum. The zero value is nothing.
type Frames struct {
	Overhead   int // bytes that each frame takes beside its own; on Ethernet 24: preamble, checksum and gap
	Allocated  int // bytes of an allocated frame on average
	BestEffort int // bytes of another frame; 0: as is learned of the port, else as Allocated
}

// Room returns what a link of a capacity carries of allocated frames.
func (f Frames) Room(capacity bitrate.Rate) bitrate.Rate { return f.frames(capacity, f.Allocated) }

// frames returns which part of a rate on the wire is that of frames of a size.
func (f Frames) frames(wire bitrate.Rate, size int) bitrate.Rate {
	if f.Overhead == 0 || size == 0 {
		return wire
	}
	return bitrate.Rate(float64(wire) * float64(size) / float64(size+f.Overhead))
}

// wire returns the rate on the wire of a rate of frames of a size.
func (f Frames) wire(frames bitrate.Rate, size int) bitrate.Rate {
	if f.Overhead == 0 || size == 0 {
		return frames
	}
	return bitrate.Rate(float64(frames) * float64(size+f.Overhead) / float64(size))
}

// left returns which rate of best-effort frames a port carries beside so much
// that is reserved.
func (f Frames) left(p topology.Port, reserved bitrate.Rate) bitrate.Rate {
	size := f.BestEffort
	if size == 0 {
		size = p.FrameSize
	}
	if size == 0 {
		size = f.Allocated
	}
	return f.frames(p.Capacity-min(f.wire(reserved, f.Allocated), p.Capacity), size)
}
