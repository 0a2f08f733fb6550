package allocator

import (
	"cmp"
	"errors"
	"fmt"
	"math"

	"conga/bitrate"
	"conga/controller/path"
)

// The longest duration, the farthest start and deadline, and the longest lease,
// in seconds,
// and how many seconds a start_time may be in the past, for clocks that differ
// and requests on their way.
const (
	MaxDuration = 365 * 24 * 3600
	MaxAhead    = 2 * MaxDuration
	MaxDeadline = MaxAhead + MaxDuration
	MaxLease    = 24 * 3600
	startSlack  = 5
)

// normalise checks a request as far as that is possible without the network,
// and brings it into the form that the rest relies on.
func (r *Request) normalise(now Seconds) *Error {
	if r.ProjectID == "" {
		return invalid("project_id", "is required")
	}
	return r.normaliseRest(now)
}

// normaliseRest does what normalise does, and leaves the project alone.
func (r *Request) normaliseRest(now Seconds) *Error {
	if err := normaliseKey(&r.Key); err != nil {
		return err
	}
	if err := r.checkSingle(); err != nil {
		return err
	}
	if err := r.checkClass(); err != nil {
		return err
	}
	if err := r.settleVolume(); err != nil {
		return err
	}
	if err := r.checkReverse(); err != nil {
		return err
	}
	if err := checkLease("lease", r.Lease); err != nil {
		return err
	}
	if err := checkLease("active_lease", r.ActiveLease); err != nil {
		return err
	}
	if err := r.Constraints.check(); err != nil {
		return err
	}
	if err := checkLease("hold", r.Hold); err != nil {
		return err
	}
	if err := checkStart(&r.StartTime, now); err != nil {
		return err
	}
	if err := r.Leeway.check(now); err != nil {
		return err
	}
	return r.checkLeeway(now)
}

// checkLeast asks back where a rate is so small that its unit has most likely
// been forgotten. No rate at all is another thing.
func checkLeast(rate, least bitrate.Rate) *Error {
	if rate == 0 || rate >= least {
		return nil
	}
	return invalid("bandwidth", "%d bit/s is less than the least rate, %s; was %s meant? rates are in bit/s", uint64(rate), least, bitrate.Meant(rate))
}

func checkLease(field string, seconds Seconds) *Error {
	if seconds < 0 || seconds > MaxLease {
		return invalid(field, "must be from 1 to %d seconds", int64(MaxLease))
	}
	return nil
}

func checkDuration(seconds Seconds) *Error {
	if seconds <= 0 {
		return invalid("duration", "must be at least 1 second")
	}
	if seconds > MaxDuration {
		return invalid("duration", "%d s is more than a year; the most is %d", seconds, int64(MaxDuration))
	}
	return nil
}

// checkRates asks back where a rate is too small, as checkLeast does, by the
// name of the attribute.
func (r *Request) checkRates(least bitrate.Rate) *Error {
	for _, x := range [...]struct {
		field string
		rate  bitrate.Rate
	}{{"min_bandwidth", r.MinBandwidth}, {"max_bandwidth", r.MaxBandwidth}, {"reverse_bandwidth", r.Reverse.Rate}} {
		if err := checkLeast(x.rate, least); err != nil {
			err.Field = x.field
			return err
		}
	}
	if r.picksRate() {
		return nil
	}
	return checkLeast(r.Bandwidth, least)
}

// FromNow returns the start time of a request that is to start so many seconds
// after it is admitted, by the allocator's clock.
func FromNow(seconds Seconds) Seconds { return math.MinInt64 + 1 + seconds }

// momentOf returns the moment that a request means.
func momentOf(t, now Seconds) Seconds {
	if t >= FromNow(0) && t <= FromNow(MaxDeadline) {
		return now + (t - FromNow(0))
	}
	return t
}

// checkStart checks a start time and brings it into the form that the rest
// relies on: one that counts from now becomes a moment.
func checkStart(t *Seconds, now Seconds) *Error {
	*t = momentOf(*t, now)
	switch {
	case *t == 0:
	case *t < now-startSlack:
		return invalid("start_time", "%s is in the past; it is %s now", clock(max(*t, 0)), clock(now))
	case *t > now+MaxAhead:
		return invalid("start_time", "%d is more than two years ahead; it must be UNIX seconds, %d at the latest", *t, now+MaxAhead)
	case *t < now:
		*t = now
	}
	return nil
}

// normaliseKey checks a key.
func normaliseKey(k *path.FlowKey) *Error {
	for _, end := range []struct {
		field string
		side  path.Prefix
	}{{"src_ip", k.Src}, {"dst_ip", k.Dst}} {
		if problem := end.side.Problem(); problem != "" {
			return invalid(end.field, "%s", problem)
		}
	}
	if k.Src.Is4() != k.Dst.Is4() {
		return invalid("dst_ip", "%s and %s are of different families", k.Src, k.Dst)
	}
	switch {
	case k.Src == k.Dst:
		return invalid("dst_ip", "is the same as src_ip, %s", k.Src)
	case k.Src.Meets(k.Dst):
		return invalid("dst_ip", "%s and src_ip, %s, have hosts in common; a path leads from hosts behind one port to hosts behind another", k.Dst, k.Src)
	}
	switch k.Proto {
	case path.ProtoAny, path.ProtoTCP, path.ProtoUDP:
		return checkPorts(*k)
	}
	return invalid("protocol", "%d is not supported; it must be tcp, udp or any", k.Proto)
}

// checkPorts refuses ports that would take too many entries in switches.
func checkPorts(k path.FlowKey) *Error {
	need, _ := k.Entries()
	if need <= path.MaxMasked {
		return nil
	}
	return invalid(widerSide(k), "these ports take %d entries in a switch for each direction, and %d are the most; "+
		"name fewer, or ranges that begin and end at round binary numbers, such as 4096-8191, or a protocol", need, path.MaxMasked)
}

func invalid(field, format string, args ...any) *Error {
	return &Error{Kind: Invalid, Field: field, Err: fmt.Errorf(format, args...)}
}

// with returns the request after a change; now is as for normalise. A field
// that the change leaves alone is not checked again.
func (r Request) with(c Change, now Seconds) (Request, *Error) {
	was := r
	if err := r.changeClass(c); err != nil {
		return r, err
	}
	if c.ProjectID != nil {
		if r.ProjectID = *c.ProjectID; r.ProjectID == "" {
			return r, invalid("project_id", "must not be empty")
		}
	}
	if c.Key != nil {
		r.Key = *c.Key
		if err := normaliseKey(&r.Key); err != nil {
			return r, err
		}
	}
	if c.Duration != nil {
		r.Duration = *c.Duration
	}
	if err := r.changeRate(c); err != nil {
		return r, err
	}
	if c.Lease != nil {
		r.Lease = *c.Lease
		if err := checkLease("lease", r.Lease); err != nil {
			return r, err
		}
	}
	if c.ActiveLease != nil {
		r.ActiveLease = *c.ActiveLease
		if err := checkLease("active_lease", r.ActiveLease); err != nil {
			return r, err
		}
	}
	if c.Hold != nil {
		r.Hold = *c.Hold
		if err := checkLease("hold", r.Hold); err != nil {
			return r, err
		}
	}
	if c.StartTime != nil && *c.StartTime != r.StartTime {
		r.StartTime = *c.StartTime
		if err := checkStart(&r.StartTime, now); err != nil {
			return r, err
		}
	}
	if err := r.withConstraints(c); err != nil {
		return r, err
	}
	r, err := r.withLeeway(was, c, now)
	if err == nil {
		err = r.checkReverse()
	}
	return r, err
}

// changeRate applies what a change says of the rates. A scavenger's is what it
// has.
func (r *Request) changeRate(c Change) *Error {
	switch {
	case c.Bandwidth == nil:
	case !r.scavenges():
		r.Bandwidth = *c.Bandwidth
	case *c.Bandwidth != 0 && *c.Bandwidth != r.Bandwidth:
		return invalid("bandwidth", "is what the scavenger has now; say max_bandwidth for the most that it is to take")
	}
	r.changeReverse(c)
	return nil
}

// changeReverse applies what a change says of the rate back, which goes with
// the rate unless it is named.
func (r *Request) changeReverse(c Change) {
	switch {
	case c.Reverse != nil:
		r.Reverse = *c.Reverse
	case c.Bandwidth != nil && *c.Bandwidth == 0 && r.Volume == 0 && c.Volume == nil:
		r.Reverse = path.Reverse{}
	}
}

// checkReverse refuses a rate back that has no rate beside it.
func (r *Request) checkReverse() *Error {
	if !r.Reverse.Apart || r.Bandwidth != 0 || r.picksRate() {
		return nil
	}
	return invalid("reverse_bandwidth", "needs a bandwidth beside it; to reserve one direction only, ask for the bandwidth from "+
		"src_ip to dst_ip, with a reverse_bandwidth of 0")
}

var errInternal = errors.New("the change could not be saved; nothing was changed, try again later")

// check checks a new request as far as that is possible without the network,
// and brings it into its normal form.
func (a *Allocator) check(r *Request, now Seconds) *Error {
	return cmp.Or(a.checkStarted(r, now), r.checkSpan(now))
}

// checkStarted does what check does, for what may have started before: whether
// there is time for all of it until its deadline is left open.
func (a *Allocator) checkStarted(r *Request, now Seconds) *Error {
	if err := r.normalise(now); err != nil {
		return err
	}
	return r.checkRates(a.cfg.Least)
}
