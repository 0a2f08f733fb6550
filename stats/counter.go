package stats

import (
	"math"
	"time"

	"conga/bitrate"
)

// Unkept is the value of a counter that a switch does not keep (OpenFlow
// 1.3.5 section 7.3.5).
const Unkept = math.MaxUint64

// A Volume is an amount of traffic. A counter of it may be [Unkept].
type Volume struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

// Plus returns the sum of both.
func (v Volume) Plus(o Volume) Volume { return Volume{v.Packets + o.Packets, v.Bytes + o.Bytes} }

// minus returns v without o, and never less than zero.
func (v Volume) minus(o Volume) Volume {
	return Volume{v.Packets - min(o.Packets, v.Packets), v.Bytes - min(o.Bytes, v.Bytes)}
}

// since returns what a counter that shows v has counted after it showed before.
// A counter that shows less than before began anew in between, and has counted
// at least what it shows. One that began anew and shows more cannot be
// distinguished from one that went on, and counts as that: too little may be
// counted, never too much.
func (v Volume) since(before Volume) Volume {
	if v.less(before) {
		return v
	}
	return v.minus(before)
}

// less reports whether a counter shows less than before.
func (v Volume) less(before Volume) bool { return v.Packets < before.Packets || v.Bytes < before.Bytes }

// kept reports whether the switch keeps both counters.
func (v Volume) kept() bool { return v.Packets != Unkept && v.Bytes != Unkept }

// A Rate is how fast traffic goes, as the mean over the time between two
// samples.
type Rate struct {
	Bits    bitrate.Rate // bit/s
	Packets float64      // packets/s
}

// idle is the rate of no traffic, which most counters have. It is not changed.
var idle = &Rate{}

// rate returns the mean of d over a time; nil, which is unknown, over no time.
func (d Volume) rate(elapsed time.Duration) *Rate {
	if elapsed <= 0 {
		return nil
	}
	if d == (Volume{}) {
		return idle
	}
	s := elapsed.Seconds()
	return &Rate{bitrate.Rate(float64(d.Bytes) * 8 / s), float64(d.Packets) / s}
}

// add returns the sum of both rates; nil adds nothing.
func (r *Rate) add(o *Rate) *Rate {
	switch {
	case o == nil:
		return r
	case r == nil:
		return o
	}
	return &Rate{r.Bits + o.Bits, r.Packets + o.Packets}
}

// minus returns r without o, and never less than zero.
func (r *Rate) minus(o *Rate) *Rate {
	if r == nil || o == nil {
		return r
	}
	return &Rate{r.Bits - min(o.Bits, r.Bits), max(0, r.Packets-o.Packets)}
}
