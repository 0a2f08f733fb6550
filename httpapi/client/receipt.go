package client

// A Receipt is what an allocation was asked to be, was planned to be, and was.
type Receipt struct {
	Asked   Asked     `json:"asked"`
	Planned *Window   `json:"planned"` // nil: not known
	Had     *Window   `json:"had"`     // nil: it was never active
	Forward Delivered `json:"forward"` // from the source
	Reverse Delivered `json:"reverse"`

	Moves           int     `json:"moves"`            // how often its path became another
	Moved           []Move  `json:"moved"`            // the last few times, the oldest first
	DegradedSeconds int64   `json:"degraded_seconds"` // in all
	Degraded        []Spell `json:"degraded"`         // the last few times, the oldest first
	Final           bool    `json:"final"`            // nothing will be added any more
}

// Asked is what was asked for, as it was changed last.
type Asked struct {
	StartTime *int64  `json:"start_time"` // nil: as early as it fits
	Duration  int64   `json:"duration"`   // seconds
	Bandwidth *uint64 `json:"bandwidth"`  // bit/s

	ReverseBandwidth *uint64 `json:"reverse_bandwidth"` // bit/s of the traffic back; nil: as much

	Volume   *uint64 `json:"volume"`   // bytes; nil: none
	Earliest *int64  `json:"earliest"` // UNIX seconds, as the next; nil: none
	Deadline *int64  `json:"deadline"`
}

// A Window is the time from one UNIX second to another.
type Window struct {
	StartTime int64 `json:"start_time"`
	EndTime   int64 `json:"end_time"`
}

// A Move is that the path became another.
type Move struct {
	Time   int64   `json:"time"`   // UNIX seconds
	Reason *string `json:"reason"` // nil: not known
}

// A Spell is a time in which an allocation was degraded.
type Spell struct {
	Window
	Reason string `json:"reason"`
}

// Delivered is what went in one direction; nil is what is not known.
type Delivered struct {
	Entered   Volume `json:"entered"`   // policed or not
	Delivered Volume `json:"delivered"` // at the exit
	Dropped   Volume `json:"dropped"`   // by policing

	Mean *uint64 `json:"mean_rate"` // bit/s delivered, over the time that it had
	P5   *uint64 `json:"p5_rate"`   // bit/s; for 5 % of the time it was at most that
	P50  *uint64 `json:"p50_rate"`
}

// A Volume is an amount of traffic; nil is what is not counted.
type Volume struct {
	Packets *uint64 `json:"packets"`
	Bytes   *uint64 `json:"bytes"`
}
