package httpapi

import (
	"time"

	"conga/allocator"
	"conga/stats"
)

// A receiptView is what an allocation was asked to be, was planned to be, and
// was, once it is complete.
type receiptView struct {
	Asked    askedView     `json:"asked"`
	Planned  *spanView     `json:"planned"`
	Had      *spanView     `json:"had"` // null: it never was active
	Forward  deliveredView `json:"forward"`
	Reverse  deliveredView `json:"reverse"`
	Moves    int           `json:"moves"`
	Moved    []moveView    `json:"moved"` // the last ones
	Seconds  int64         `json:"degraded_seconds"`
	Degraded []spellView   `json:"degraded"` // the last few, the oldest first
	Final    bool          `json:"final"`
}

// An askedView is what was asked for, as it was changed last.
type askedView struct {
	StartTime *int64  `json:"start_time"` // null: as early as it fits
	Duration  int64   `json:"duration"`
	Bandwidth *uint64 `json:"bandwidth"`
	Reverse   any     `json:"reverse_bandwidth"` // null: as much
	Volume    *uint64 `json:"volume"`            // null: none, as in the two below
	Earliest  *int64  `json:"earliest"`
	Deadline  *int64  `json:"deadline"`
}

// A spanView is the time from one UNIX second to another.
type spanView struct {
	StartTime int64 `json:"start_time"`
	EndTime   int64 `json:"end_time"`
}

// A deliveredView is what went in one direction. A counter that is not kept,
// and a rate that is not known, are null.
type deliveredView struct {
	Entered   volumeView `json:"entered"`
	Delivered volumeView `json:"delivered"`
	Dropped   volumeView `json:"dropped"`
	Mean      *uint64    `json:"mean_rate"` // bit/s, as the two below
	P5        *uint64    `json:"p5_rate"`   // the rate was at most that for 5 % of the time
	P50       *uint64    `json:"p50_rate"`
}

// A volumeView is an amount of traffic.
type volumeView struct {
	Packets *uint64 `json:"packets"`
	Bytes   *uint64 `json:"bytes"`
}

// A moveView is when, and why, the path became another.
type moveView struct {
	Time   int64   `json:"time"`   // UNIX seconds
	Reason *string `json:"reason"` // null: not known
}

// A spellView is a time in which the allocation was degraded.
type spellView struct {
	spanView
	Reason string `json:"reason"`
}

// receipt returns the receipt of an allocation that is complete.
func (a *api) receipt(one allocator.Allocation) *receiptView {
	r := stats.Receipt{}
	r.Final = true
	unkept := stats.Volume{Packets: stats.Unkept, Bytes: stats.Unkept}
	r.Forward = stats.Direction{Entered: unkept, Delivered: unkept, Dropped: unkept}
	r.Reverse = r.Forward
	if a.Statistics != nil {
		r = a.Statistics.Receipt(one.ID)
	}
	v := &receiptView{
		Asked: askedView{
			orNull(int64(one.StartTime)), int64(one.Duration), orNull(uint64(one.Bandwidth)), reverse(one.Reverse).orNull(),
			orNull(one.Volume), orNull(int64(one.Earliest)), orNull(int64(one.Deadline)),
		},
		Moves: r.Moves, Moved: []moveView{}, Seconds: int64((r.Degraded + time.Second - 1) / time.Second), Degraded: []spellView{}, Final: r.Final,
	}
	ran := time.Duration(0)
	window := &spanView{int64(one.Window.Start), int64(one.Window.End)}
	switch {
	case r.Planned != (stats.Span{}):
		v.Planned = &spanView{r.Planned.Start, r.Planned.End}
	case !one.Started && one.Window != (allocator.Window{}):
		v.Planned = window
	}
	if one.Started {
		v.Had, ran = window, time.Duration(one.Window.End-one.Window.Start)*time.Second
	}
	v.Forward, v.Reverse = viewDelivered(r.Forward, r.ForwardRates, ran), viewDelivered(r.Reverse, r.ReverseRates, ran)
	for _, m := range r.Moved {
		v.Moved = append(v.Moved, moveView{m.At.Unix(), orNull(m.Why)})
	}
	for _, s := range r.Spells {
		v.Degraded = append(v.Degraded, spellView{spanView{s.From.Unix(), s.To.Unix()}, s.Why})
	}
	return v
}

func viewVolume(v stats.Volume) volumeView {
	return volumeView{keptOrNull(v.Packets), keptOrNull(v.Bytes)}
}

func viewDelivered(d stats.Direction, rates *stats.Rates, ran time.Duration) deliveredView {
	v := deliveredView{Entered: viewVolume(d.Entered), Delivered: viewVolume(d.Delivered), Dropped: viewVolume(d.Dropped)}
	if ran > 0 && d.Delivered.Bytes != stats.Unkept {
		v.Mean = new(uint64(float64(d.Delivered.Bytes) * 8 / ran.Seconds()))
	}
	if rates != nil {
		v.P5, v.P50 = new(uint64(rates.Low)), new(uint64(rates.Median))
	}
	return v
}
