package path

import (
	"math"
	"time"
)

// Seconds are whole seconds: a moment is given by those since the UNIX epoch, a
// duration by how many it takes. They stand for [time.Time] and [time.Duration]
// where there are millions of them.
type Seconds int64

// Never is later than every other moment.
const Never Seconds = math.MaxInt64

// SecondsOf returns a moment in seconds since the UNIX epoch, rounded down.
func SecondsOf(t time.Time) Seconds { return Seconds(t.Unix()) }

// Time returns the moment so many seconds after the UNIX epoch.
func (s Seconds) Time() time.Time { return time.Unix(int64(s), 0) }
