package allocator

import (
	"cmp"
	"fmt"
	"math"

	"conga/bitrate"
	"conga/controller/topology"
)

// MaxVolume is the largest volume, in bytes.
const MaxVolume = 1e18

// picksRate reports whether CONGA picks the rate: there is a volume, and no
// rate was asked for.
func (l Leeway) picksRate() bool { return l.Volume != 0 && !l.FixedRate }

// secondsFor returns the seconds in which a rate, which is not zero, carries a
// volume in bytes.
func secondsFor(volume uint64, rate bitrate.Rate) Seconds {
	return Seconds((8*volume + uint64(rate) - 1) / uint64(rate))
}

// rateFor returns the least rate that carries a volume in bytes within so many
// seconds.
func rateFor(volume uint64, d Seconds) bitrate.Rate {
	return bitrate.Rate((8*volume + uint64(d) - 1) / uint64(d))
}

// leastRate returns the least rate that a demand with a volume may have.
func (pl planner) leastRate(d demand) bitrate.Rate {
	return max(1, d.MinBandwidth, pl.least, rateFor(d.Volume, cmp.Or(pl.longest, MaxDuration)))
}

// mostRate returns a rate that the demand cannot exceed at any time.
func (pl planner) mostRate(d demand) bitrate.Rate {
	most := bitrate.Rate(math.MaxInt64)
	if d.MaxBandwidth != 0 {
		most = d.MaxBandwidth
	}
	for _, id := range [...]topology.LinkID{{To: d.from}, {From: d.to}, {From: d.from}, {To: d.to}} {
		if d.Reverse.Apart && (id.From == d.from || id.To == d.to) {
			continue // the way back
		}
		l, _ := pl.snapshot.Link(id)
		most = min(most, pl.limitOf(l))
	}
	if d.limit != nil && *d.limit < most {
		pl.obstacles.limit(d.ProjectID)
		most = *d.limit
	}
	return most
}

// A band is a set of windows for a volume: those that last from least to most
// seconds, and begin at start or later, before which none fits.
type band struct{ least, most, start Seconds }

// end returns a moment before which no window of the band ends; with only one
// length it is when the first one does.
func (b band) end() Seconds { return b.start + b.least }

func (b band) before(o band) bool {
	if b.end() != o.end() {
		return b.end() < o.end()
	}
	return b.least == b.most && o.least != o.most
}

func (band) moved(int) {}

// A sprint is the search for the window in which a volume has passed first.
type sprint struct {
	planner
	demand
	floor  bitrate.Rate
	before Seconds // its start is earlier
	end    Seconds // it ends then or earlier
	bands  minHeap[band]
}

// quickest returns the window in which the demand's volume has passed first, at
// one rate: of those that start in [start, before) and end at end or earlier,
// one that ends first. ok is false if there is none.
//
// What is sought is a length in seconds; the rate follows. No window with a
// length from a to b is earlier than one that lasts a seconds, at the rate that
// b needs. So the lengths are halved, the half in which a window may end first
// before the others, until the best one has one length.
func (pl planner) quickest(d demand, start, before, end Seconds) (got placement, ok bool) {
	s := sprint{planner: pl, demand: d, floor: pl.leastRate(d), before: before, end: end}
	most := pl.mostRate(d)
	if s.floor > most {
		return placement{}, false
	}
	least := secondsFor(d.Volume, most)
	s.look(least, least, start)
	s.look(least+1, secondsFor(d.Volume, s.floor), start)
	for len(s.bands) > 0 {
		b := s.bands.remove(0)
		if b.least == b.most {
			return s.placed(b)
		}
		middle := b.least + (b.most-b.least)/2
		if b.most/4 > b.least {
			middle = Seconds(math.Sqrt(float64(b.least) * float64(b.most)))
		}
		s.look(b.least, middle, b.start)
		s.look(middle+1, b.most, b.start)
	}
	return placement{}, false
}

// look takes down the windows of some lengths, from the first start that there
// may be, which is not before start.
func (s *sprint) look(least, most, start Seconds) {
	most = min(most, s.end-start)
	if least > most {
		return
	}
	d := s.demand
	d.Bandwidth, d.Duration = s.rate(most), least
	if first, ok := s.firstFit(d, start, min(s.before, s.end-least+1)); ok {
		s.bands.push(band{least, most, first})
	}
}

// rate returns the rate for a window of a length.
func (s *sprint) rate(length Seconds) bitrate.Rate {
	return max(s.floor, rateFor(s.demand.Volume, length))
}

// placed returns the first window of a band.
func (s *sprint) placed(b band) (got placement, ok bool) {
	d := s.demand
	d.Bandwidth, d.Duration = s.rate(b.least), b.least
	got = placement{window: Window{b.start, b.end()}, rate: d.Bandwidth}
	got.path, ok = s.graph.Find(s.query(d, got.window))
	return got, ok
}

// assignVolume returns the window, path and rate of a request with a volume, or
// its profile if no constant rate will do.
func (pl planner) assignVolume(d demand, now Seconds) (placement, *Error) {
	start, end := d.first(now), Seconds(never)
	if d.Deadline != 0 {
		end = d.Deadline
	}
	if got, ok := pl.quickest(d, start, never, end); ok {
		return got, nil
	}
	if got, ok := pl.stepped(d, start, end, false); ok {
		return got, nil
	}
	return pl.refuseVolume(d, start, end)
}

// refuseVolume returns the error that says why a volume does not pass by its
// deadline. If there is no path at any rate the request has to wait, as with
// refuse.
func (pl planner) refuseVolume(d demand, start, end Seconds) (placement, *Error) {
	d.Bandwidth = pl.leastRate(d)
	if end != never && start < end {
		d.Bandwidth = max(d.Bandwidth, rateFor(d.Volume, end-start))
	}
	d.Duration = min(secondsFor(d.Volume, d.Bandwidth), max(1, end-start))
	if err := pl.confinedError(d); err != nil {
		return placement{}, err
	}
	got, err := pl.refuse(d, Window{start, start + d.Duration})
	if err == nil || pl.terse || err.Field == "dst_ip" {
		return got, err
	}
	pl.obstacles, err.Offer = nil, Offer{}
	if more := pl.unhindered(d, start, end); more != nil {
		err = more
	} else if end != never {
		err.Err = fmt.Errorf("%d bytes do not pass by %s: %w", d.Volume, clock(end), err.Err)
	}
	if later, ok := pl.quickest(d, start, never, never); ok && end != never && err.Kind != Denied {
		err.Offer.Deadline = later.window.End
		err.Err = fmt.Errorf("%w%s", err.Err, err.Offer.deadline())
	}
	return got, err
}

// unhindered returns the refusal of a volume for which there is room, if other
// allocations for the same traffic, or the project's limit, are what is in the
// way; else nil.
func (pl planner) unhindered(d demand, start, end Seconds) *Error {
	free := d
	free.conflicting = nil
	if pl.passes(free, start, end) {
		return pl.takenError(d, Window{start, start + d.Duration})
	}
	free.limit = nil
	if d.limit == nil || !pl.passes(free, start, end) {
		return nil
	}
	return &Error{Kind: Denied, Field: "volume", Err: fmt.Errorf(
		"project %s may hold %s at a time, and with what others of its allocations hold, %d bytes do not pass in time", d.ProjectID, *d.limit, d.Volume)}
}

// passes reports whether a volume passes in time, at a constant rate or in
// steps.
func (pl planner) passes(d demand, start, end Seconds) bool {
	_, ok := pl.quickest(d, start, never, end)
	if !ok {
		_, ok = pl.stepped(d, start, end, false)
	}
	return ok
}

// settleVolume checks the volume, the rates and the duration of a new request
// against each other, and brings them into the form that the rest relies on.
func (r *Request) settleVolume() *Error {
	if r.Volume == 0 {
		r.FixedRate = false
		if r.MinBandwidth|r.MaxBandwidth != 0 && !r.scavenges() {
			return invalid("volume", "is missing: min_bandwidth and max_bandwidth are for one, or for a scavenger; else ask for a bandwidth")
		}
		return checkDuration(r.Duration)
	}
	if r.Duration != 0 {
		return invalid("duration", "follows from the volume; say either")
	}
	r.FixedRate = r.Bandwidth != 0
	return r.checkVolume()
}

// checkVolume checks a volume and its rates, and sets the duration that follows
// from a rate that was asked for.
func (r *Request) checkVolume() *Error {
	switch {
	case r.Volume > MaxVolume:
		return invalid("volume", "%d bytes is more than the most, %d", r.Volume, uint64(MaxVolume))
	case r.FixedRate && r.MinBandwidth|r.MaxBandwidth != 0:
		return invalid("bandwidth", "is one rate, and min_bandwidth and max_bandwidth leave the rate to CONGA; say either")
	case r.MaxBandwidth != 0 && r.MinBandwidth > r.MaxBandwidth:
		return invalid("min_bandwidth", "%s is more than max_bandwidth, %s", r.MinBandwidth, r.MaxBandwidth)
	}
	most, field := r.MaxBandwidth, "max_bandwidth"
	if r.FixedRate {
		most, field = r.Bandwidth, "bandwidth"
	}
	if most != 0 && secondsFor(r.Volume, most) > MaxDuration {
		return invalid(field, "%s carries %d bytes only in more than a year", most, r.Volume)
	}
	if r.FixedRate {
		r.Duration = secondsFor(r.Volume, most)
	}
	return nil
}

// changeVolume applies what a change says of volume and rates; was is the
// request before it. A volume that is taken back takes the bounds of its rate
// with it, and leaves the duration and the rate that were planned.
func (r *Request) changeVolume(was Request, c Change) *Error {
	if c.Volume != nil {
		r.Volume = *c.Volume
	}
	if r.Volume == 0 && was.Volume != 0 {
		r.MinBandwidth, r.MaxBandwidth = 0, 0
	}
	if c.MinBandwidth != nil {
		r.MinBandwidth = *c.MinBandwidth
	}
	if c.MaxBandwidth != nil {
		r.MaxBandwidth = *c.MaxBandwidth
	}
	if r.Volume == 0 {
		r.FixedRate = false
		if r.MinBandwidth|r.MaxBandwidth != 0 && !r.scavenges() {
			return invalid("volume", "is missing: min_bandwidth and max_bandwidth are for one, or for a scavenger; else ask for a bandwidth")
		}
		if r.Duration != was.Duration || was.Volume != 0 {
			return checkDuration(r.Duration)
		}
		return nil
	}
	if c.Duration != nil && r.Duration != was.Duration {
		return invalid("duration", "follows from the volume; say either")
	}
	switch {
	case c.Bandwidth != nil && *c.Bandwidth == 0 && was.picksRate():
		r.Bandwidth = was.Bandwidth // as it is planned
	case c.Bandwidth != nil:
		r.FixedRate = *c.Bandwidth != 0
	case was.Volume == 0:
		r.FixedRate = r.Bandwidth != 0
	}
	if r.Leeway == was.Leeway && r.Bandwidth == was.Bandwidth {
		return nil
	}
	return r.checkVolume()
}
