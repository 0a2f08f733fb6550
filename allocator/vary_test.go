package allocator

import (
	"fmt"
	"math"
	"time"

	"pgregory.net/rapid"

	"conga/bitrate"
)

// vary makes the history one of a daemon with UUIDs, with limits, or about the
// time when UNIX seconds no longer fit 32 bits.
func (h *history) vary(t *rapid.T) {
	if rapid.Bool().Draw(t, "UUIDs") {
		h.cfg.NewID = func() string {
			h.ids++
			return fmt.Sprintf("%08x-0000-4000-8000-%012x", h.ids, h.ids)
		}
	}
	if rapid.Bool().Draw(t, "far future") {
		h.now = math.MaxUint32 - secondsRange(0, 30).Draw(t, "before the end of 32 bits")
	}
	h.cfg.History = time.Duration(secondsRange(1, 20).Draw(t, "history")) * time.Second
	h.limits = map[string]Limits{}
	h.cfg.Limits = func(project string) Limits { return h.limits[project] }
}

// request returns a request of one of two projects, with leases or without.
func (h *history) request(t *rapid.T) Request {
	if h.tight > 0 {
		h.tight++
		r := drawPiece(t, h.world, h.tight)
		r.ProjectID = rapid.SampledFrom([]string{"p", "q"}).Draw(t, "project")
		if rapid.IntRange(0, 2).Draw(t, "tight") > 0 {
			r = drawTight(t, h.world, r)
		}
		return r
	}
	r := drawRequest(t, h.world)
	r.ProjectID = rapid.SampledFrom([]string{"p", "q"}).Draw(t, "project")
	r.Lease = max(0, secondsRange(-5, 9).Draw(t, "lease"))
	r.ActiveLease = max(0, secondsRange(-5, 9).Draw(t, "active lease"))
	r.Hold = max(0, secondsRange(-15, 9).Draw(t, "hold"))
	if r.StartTime == 0 && rapid.Bool().Draw(t, "leeway") {
		r.Leeway = drawLeeway(t, h.now)
		if rapid.Bool().Draw(t, "volume") {
			r.Duration, r.Bandwidth = 0, bitrate.Rate(rapid.SampledFrom([]int{0, 0, 2}).Draw(t, "fixed rate"))
			r.Volume = uint64(rapid.IntRange(1, 5).Draw(t, "bytes"))
			r.MaxBandwidth = bitrate.Rate(rapid.SampledFrom([]int{0, 0, 2}).Draw(t, "most"))
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "constrained") == 0 {
		var ids []string
		for _, v := range h.a.Live(r.ProjectID) {
			ids = append(ids, v.ID)
		}
		r.Constraints = drawConstraints(t, h.snap, ids)
		r.Protected = rapid.Bool().Draw(t, "protected")
	}
	if h.scavenge && rapid.Bool().Draw(t, "scavenger") {
		r = asScavenger(t, r)
	}
	return r
}

// drawLeeway returns any leeway about a moment.
func drawLeeway(t *rapid.T, now Seconds) (l Leeway) {
	if rapid.Bool().Draw(t, "is not early") {
		l.Earliest = now + secondsRange(-5, 15).Draw(t, "earliest")
	}
	if rapid.Bool().Draw(t, "is in time") {
		l.Deadline = now + secondsRange(1, 30).Draw(t, "deadline")
	}
	return l
}

// limit gives a project another limit.
func (h *history) limit(t *rapid.T) {
	h.limits[rapid.SampledFrom([]string{"p", "q"}).Draw(t, "project")] = drawLimits(t, 6)
	h.a.LimitsChanged()
}

// drawLimits returns limits of any kind, of a rate up to most.
func drawLimits(t *rapid.T, most uint64) Limits {
	rates := rapid.Map(rapid.Uint64Range(0, most), func(n uint64) bitrate.Rate { return bitrate.Rate(n) })
	return Limits{
		Bandwidth: rapid.Ptr(rates, true).Draw(t, "most bandwidth"),
		Active:    rapid.Ptr(rapid.IntRange(0, 6), true).Draw(t, "most active"),
	}
}

// prune removes what is old, and no more.
func (h *history) prune(t *rapid.T) {
	old, before := 0, h.list("")
	for _, v := range before {
		r, err := h.a.readByID(bg, v.ID)
		if err != nil {
			t.Fatal(err)
		}
		if v.State == Complete && r.Done <= h.now-Seconds(h.cfg.History/time.Second) {
			old++
		}
	}
	n, err := h.a.Prune(bg)
	if err == nil && n != old || len(h.list("")) != len(before)-n {
		t.Fatalf("%d removed, %d were old, %d of %d are left, error %v", n, old, len(h.list("")), len(before), err)
	}
}
