package topology

import (
	"time"

	"conga/bitrate"
)

// frameSizes are the sizes that are distinguished, in bytes: few, so that
// meters change seldom. What a frame of each takes of a wire differs from the
// next by a twentieth at most.
var frameSizes = [...]int{60, 72, 88, 112, 152, 224, 400, 1400}

const (
	// smallFor is how long small frames are expected again after they were
	// seen, since a host may flood with them in turns.
	smallFor = time.Minute
	// weighty is the share of a port's capacity below which it does not matter
	// how large frames are.
	weighty = 0.05
	// wireOverhead is what an Ethernet frame takes beside its bytes.
	wireOverhead = 24
)

// frames is what is learned of the size of best-effort frames at a port.
type frames struct {
	size  int       // of frameSizes; 0: not known
	small time.Time // when frames of that size or a smaller one were last seen
}

// FramesSeen takes note of frames of a size, of those that [FrameSize] returns,
// which are most of the best effort that is to leave by a port. Smaller frames
// are expected at once, larger ones after a while.
func (b *Builder) FramesSeen(id PortID, size int, now time.Time) {
	b.clock.look(now)
	p := b.port(id)
	if p == nil || p.frames.size != 0 && size > p.frames.size && now.Sub(p.frames.small) < smallFor {
		return
	}
	if p.frames.size != size {
		b.touchSwitch(id.DPID)
	}
	p.frames = frames{size, now}
}

// FrameSize returns the size of frames of which so many, in bit/s and
// packets/s, are to leave by a port, rounded down to one of a few; 0 if they
// are too few to matter.
func FrameSize(capacity, rate bitrate.Rate, packets float64) (size int) {
	if packets < 1 || float64(rate)+packets*8*wireOverhead < weighty*float64(capacity) {
		return 0
	}
	mean := int(float64(rate) / 8 / packets)
	size = frameSizes[0]
	for _, s := range frameSizes {
		if s <= mean {
			size = s
		}
	}
	return size
}
