package allocator

import (
	"slices"

	"conga/bitrate"
)

// maxAlternatives is how many alternatives a refusal has at most.
const maxAlternatives = 3

// shortest is the part of the duration asked for that an alternative has at
// least.
const shortest = 10

// A counsel looks for what to ask for instead of a request that was refused.
// Whatever it finds is tried before it is offered.
type counsel struct {
	a      *Allocator
	now    Seconds
	asked  Request // in its normal form
	was    *record // what it changes; nil: it is new
	limits Limits
	planner
	demand
	known Offer // what the refusal has found out, for the window asked for
	list  []Request
}

// alternativesLocked returns requests that would be admitted instead of one
// that was refused, the same but for what lets them be: one that starts later,
// one with the rate that is there, one that starts earlier. Where there are
// none of these, one that is shorter, or has two of these changes, or no rate.
// Each is admitted for some seconds more, as far as there is such a one.
//
// There is none only if no request is admitted that differs from this one in
// its start and its rate. All keep the constraints, but where no path meets the
// limits for hops or latency: then they have the least one that a path meets.
//
// was is the allocation that the request changes, nil if it is new; the caller
// has taken that one's reservations out of the calendars. refused is the
// refusal, which has found out a part of it.
func (a *Allocator) alternativesLocked(r Request, now Seconds, was *record, refused *Error) []Request {
	if r = r.asAsked(); r.Volume != 0 {
		refused.Offer.Slower, refused.Offer.Later = 0, 0 // at another rate it takes another time
	}
	c := a.counselLocked(r, now, was)
	if refused.readings != nil {
		c.planner.readings, refused.readings = refused.readings, nil
		c.known = refused.Offer
	}
	if most := c.limits.Duration; most != nil && *most > 0 && r.Duration > *most && r.Volume == 0 {
		c.offer(c.part(*most, false))
		return c.list
	}
	bare := r.withRate(0)
	if bare.Leeway.Volume != 0 {
		bare.Leeway = Leeway{} // how long it takes is another matter
	}
	if a.checkOneLocked(bare, c.limits, was) != nil {
		return nil // it is their number that refuses it
	}
	c.adviseAsked()
	c.correct(refused)
	return c.list
}

// correct takes out of a refusal's offer, and of its sentence, what would not
// be admitted after all, because more than one thing is in the way.
func (c *counsel) correct(refused *Error) {
	o := &refused.Offer
	good := func(r Request) bool { return slices.Contains(c.list, r) || c.admits(r, c.now) }
	late := c.asked
	late.Deadline = o.Deadline
	if o.Slower != 0 && !good(c.at(o.Slower, c.asked.StartTime)) {
		refused.drop(o.slower())
		o.Slower = 0
	}
	if o.Later != 0 && !good(c.at(c.asked.Bandwidth, o.Later)) {
		refused.drop(o.later())
		o.Later = 0
	}
	if o.Deadline != 0 && !good(late) {
		refused.drop(o.deadline())
		o.Deadline = 0
	}
}

// counselLocked returns a counsel that has found nothing yet.
func (a *Allocator) counselLocked(r Request, now Seconds, was *record) *counsel {
	c := &counsel{a: a, now: now, asked: r, was: was, limits: a.cfg.Limits(r.ProjectID), planner: a.plannerLocked()}
	c.planner.readings, c.planner.constant = &readings{}, true
	from, to, _, _ := was.locateAs(c.snapshot, r.Key)
	c.demand = demand{Request: r, from: from, to: to, conflicting: c.calendars.conflicting(r), limit: c.limits.Bandwidth}
	return c
}

// as returns a counsel for another request between the same hosts, of which
// nothing has been found out yet.
func (c *counsel) as(r Request) *counsel {
	other := *c
	other.asked, other.demand.Request, other.known = r, r, Offer{}
	return &other
}

// offer adds the first of the requests to the list that is admitted, now and
// for some seconds, or else now.
func (c *counsel) offer(requests ...Request) {
	if len(c.list) == maxAlternatives {
		return
	}
	for _, last := range [...]Seconds{startSlack, 0} {
		for _, r := range requests {
			if r != c.asked && (c.was == nil || r.asAsked() != c.was.Request.asAsked()) && !slices.Contains(c.list, r) && c.admits(r, c.now) && c.admitsUntil(r, c.now+last) {
				c.list = append(c.list, r)
				return
			}
		}
	}
}

// admitsUntil reports whether a request that is admitted now would be admitted
// at a later moment, too. One that starts after that asks for the same then.
func (c *counsel) admitsUntil(r Request, last Seconds) bool {
	return last == c.now || r.StartTime > last || c.admits(r, last)
}

// at returns the request with another rate and start.
func (c *counsel) at(rate bitrate.Rate, start Seconds) Request {
	r := c.asked.withRate(rate)
	r.StartTime = start
	return r
}

// later returns the request with a rate and the earliest start not before the
// one that was asked for, or the deadline that it then meets.
func (c *counsel) later(rate bitrate.Rate) (found []Request) {
	d, start := c.demand, max(c.asked.first(c.now), c.asked.StartTime)
	d.Request = d.withRate(rate)
	if rate == c.asked.Bandwidth {
		start = max(start, c.known.Later) // none is earlier
	}
	for _, from := range once(max(start, c.now+startSlack), start) {
		at, ok := c.firstFit(d, from, c.now+MaxAhead+1)
		switch {
		case !ok:
		case c.asked.Deadline != 0:
			r := c.at(rate, 0)
			r.Deadline = at + d.Duration
			found = append(found, r)
		default:
			found = append(found, c.at(rate, at))
		}
	}
	return found
}

// once returns what is to be tried, the second one unless it is the first.
func once[T comparable](first, second T) []T {
	if first == second {
		return []T{first}
	}
	return []T{first, second}
}

// sooner returns the request with a rate and the latest start before the one
// that was asked for, or the one before that.
func (c *counsel) sooner(rate bitrate.Rate) (found []Request) {
	d := c.demand
	d.Request = d.withRate(rate)
	before := c.asked.StartTime - 1
	if most := c.limits.Horizon; most != nil {
		before = min(before, c.now+*most)
	}
	for _, after := range [...]Seconds{c.now + startSlack, c.now} {
		if last, ok := c.lastFit(d, after, before); ok {
			return []Request{c.at(rate, last)}
		}
		before = min(before, after-1)
	}
	return nil
}

// slower returns the request with the highest rate that is there for its
// window. One without a start has it at once, or the one that there ever is
// when that is there.
func (c *counsel) slower() (found []Request) {
	if c.asked.StartTime == 0 {
		if ever := c.ever(); ever > 0 && ever < c.asked.Bandwidth {
			found = append(append(found, c.at(ever, 0)), c.later(ever)...)
		}
	}
	return append(found, c.slowerUntil(max(c.now, c.asked.StartTime)+c.asked.Duration)...)
}

// slowerUntil returns the request with the highest rate that is there up to an
// end, for some seconds or else now.
func (c *counsel) slowerUntil(end Seconds) (found []Request) {
	start := max(c.now, c.asked.StartTime)
	for _, more := range once(max(0, c.now+startSlack-start), 0) {
		if rate := c.most(Window{start, end + more}); rate > 0 && rate < c.asked.Bandwidth {
			found = append(found, c.at(rate, c.asked.StartTime))
		}
	}
	return found
}

// most returns the highest rate that there is throughout a window.
func (c *counsel) most(w Window) bitrate.Rate {
	rate := c.known.Slower
	if asked := (Window{max(c.now, c.asked.StartTime), c.asked.StartTime + c.asked.Duration}); rate == 0 || w != asked {
		_, rate, _ = c.graph.Widest(c.query(c.demand, w))
	}
	if c.limits.Bandwidth == nil {
		return rate
	}
	limit := *c.limits.Bandwidth
	return min(rate, limit-min(limit, c.calendars.projects.peak(c.asked.ProjectID, w)))
}

// ever returns the highest rate that there can be at any time.
func (c *counsel) ever() bitrate.Rate {
	q := c.query(c.demand, Window{})
	q.Free = c.limitOf
	_, rate, _ := c.graph.Widest(q)
	if c.limits.Bandwidth != nil {
		rate = min(rate, *c.limits.Bandwidth)
	}
	return rate
}

// shorter returns the longest request that is part of the window asked for and
// has the same start or, with end, the same end.
func (c *counsel) shorter(end bool) (found []Request) {
	least := max(1, c.asked.Duration/shortest)
	if c.was != nil && c.was.Started {
		least = max(least, c.now+startSlack+1-c.was.Window.Start)
	}
	if len(c.list) == maxAlternatives || least >= c.asked.Duration || !c.admits(c.part(least, end), c.now) {
		return nil
	}
	low, high := least, c.asked.Duration
	if n := c.longest(end); n < high {
		if high = max(n, least); n > least && c.admits(c.part(n, end), c.now) {
			low, high = n, n
		}
	}
	for high-low > 1 {
		if n := low + (high-low)/2; c.admits(c.part(n, end), c.now) {
			low = n
		} else {
			high = n
		}
	}
	if !end && c.asked.StartTime < c.now+startSlack && (c.was == nil || !c.was.Started) {
		found = append(found, c.part(max(least, low-startSlack), end))
	}
	return append(found, c.part(low, end))
}

// part returns the request for the first so many seconds of its window or, with
// end, the last.
func (c *counsel) part(n Seconds, end bool) Request {
	r := c.asked
	if r.Duration = n; end {
		r.StartTime += c.asked.Duration - n
	}
	return r
}

// admits reports whether a request would be admitted at a moment.
func (c *counsel) admits(r Request, now Seconds) bool {
	r = r.asAsked()
	start := r.StartTime
	stays := c.was != nil && start == c.was.StartTime
	if stays {
		r.StartTime = 0 // it may be long ago
	}
	check := c.a.check
	if c.was != nil && c.was.Started {
		check = c.a.checkStarted
	}
	if check(&r, now) != nil {
		return false
	}
	if stays {
		r.StartTime = start
	}
	pl := c.planner
	pl.terse = true
	if c.was == nil {
		_, err := c.a.assignLocked(pl, r, now, nil)
		return err == nil
	}
	next := *c.was
	next.Request = r
	return c.a.assignChangeLocked(pl, c.was, &next, now) == nil
}
