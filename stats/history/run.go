package history

import "math"

// Channels is how many values a track has. What they are is for its user to
// say.
const Channels = 4

// The lengths of time for which there are cells, and for how long they are
// kept, in milliseconds.
const (
	Second = int64(1000)
	Minute = 60 * Second
	Hour   = 60 * Minute

	KeepRuns    = 15 * Minute
	KeepMinutes = 24 * Hour
	KeepHours   = 90 * 24 * Hour
)

// Values holds the values of a track; NaN is one that is not known.
type Values [Channels]float32

// Unknown returns values of which none is known.
func Unknown() (v Values) {
	for i := range v {
		v[i] = float32(math.NaN())
	}
	return v
}

// known reports whether any of the values is known.
func (v *Values) known() bool {
	for _, x := range v {
		if x == x {
			return true
		}
	}
	return false
}

// same reports whether both are alike, in what is not known, too.
func (v *Values) same(o *Values) bool {
	for i := range v {
		if v[i] != o[i] && (v[i] == v[i] || o[i] == o[i]) {
			return false
		}
	}
	return true
}

// A Run is what a track's values were on average from one moment to another.
type Run struct {
	From, To int64
	Values   Values
}
