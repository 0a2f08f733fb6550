package allocator

import (
	"cmp"
	"slices"

	"conga/bitrate"
)

// adviseAsked lists what may be asked for in place of the request.
func (c *counsel) adviseAsked() {
	_, ok := c.graph.Find(c.query(demand{from: c.from, to: c.to}, Window{}))
	switch {
	case c.confinedError(c.demand) != nil:
		c.adviseRelaxed()
	case c.asked.scavenges(): // it would wait for all else
	case c.asked.Volume != 0:
		c.adviseVolume()
	case !ok:
		c.offer(c.within(), c.at(0, c.asked.StartTime)) // as it would wait for a path
	case c.was != nil && c.was.Started:
		c.adviseWhatRuns()
	case c.asked.Leeway != Leeway{}:
		c.adviseInTime()
	default:
		c.advise()
	}
}

// advise lists what may be asked for in place of what has not started.
func (c *counsel) advise() {
	c.offer(c.later(c.asked.Bandwidth)...)
	c.offer(c.slower()...)
	if c.asked.StartTime > 0 {
		c.offer(c.sooner(c.asked.Bandwidth)...)
	}
	c.offer(c.lessBack(c.asked)...)
	if len(c.list) == 0 {
		c.offer(c.bothLess(c.asked)...)
	}
	if len(c.list) == 0 {
		c.offer(c.lessLater()...)
		if rate := c.ever(); len(c.list) > 0 && rate < c.asked.Bandwidth {
			c.offer(c.sooner(rate)...)
		}
	}
	if c.asked.StartTime > 0 {
		c.offer(c.shorter(false)...)
		c.offer(c.shorter(true)...)
	}
	c.offer(c.at(0, c.asked.StartTime))
	for _, rate := range [...]func() bitrate.Rate{c.ever, func() bitrate.Rate { return 0 }} {
		if len(c.list) > 0 {
			return
		}
		if rate := rate(); rate < c.asked.Bandwidth {
			c.offer(c.later(rate)...)
			c.offer(c.sooner(rate)...)
		}
	}
}

// adviseWhatRuns lists what an allocation that has started may become.
func (c *counsel) adviseWhatRuns() {
	r, end := c.asked, c.was.Window.Start+c.asked.Duration
	if r.Deadline != 0 {
		late := r
		late.Deadline = end
		c.offer(late)
	}
	c.offer(c.slowerUntil(end)...)
	c.offer(c.shorter(false)...)
	c.offer(c.lessBack(r)...)
	if len(c.list) == 0 {
		c.offer(c.bothLess(r)...)
	}
	c.offer(c.at(0, r.StartTime))
}

// adviseRelaxed lists what may be asked for in place of what no path's hops or
// latency are few enough for: the least limits that there is a path for or, if
// it has no room at that time, what may be asked for with these.
func (c *counsel) adviseRelaxed() {
	all := c.relaxed()
	for _, r := range all {
		c.offer(r)
	}
	for _, r := range all {
		if len(c.list) == 0 {
			other := c.as(r)
			other.adviseAsked()
			c.list = other.list
		}
	}
}

// relaxed returns the request with the least limits that there is a path for:
// one of them larger or, where that is not enough, both.
func (c *counsel) relaxed() (found []Request) {
	try := func(limits Constraints) {
		r := c.asked
		if r.Constraints = limits; r != c.asked && !slices.Contains(found, r) && c.reaches(c.demand, limits) {
			found = append(found, r)
		}
	}
	given := c.asked.Constraints
	try(c.enoughHops(given))
	try(c.enoughLatency(given))
	if len(found) > 0 || given.MaxHops == 0 || given.MaxLatency == 0 {
		return found
	}
	far, long := given, given
	far.MaxHops, long.MaxLatency = MaxHops, MaxLatency
	try(c.enoughLatency(c.enoughHops(long)))
	try(c.enoughHops(c.enoughLatency(far)))
	return found
}

// enoughHops returns constraints with the least max_hops for which there may be
// a path, if they limit it.
func (c *counsel) enoughHops(limits Constraints) Constraints {
	d := c.demand
	if d.Constraints = limits; limits.MaxHops != 0 {
		limits.MaxHops = cmp.Or(c.leastHops(d), limits.MaxHops)
	}
	return limits
}

// enoughLatency does for max_latency what enoughHops does.
func (c *counsel) enoughLatency(limits Constraints) Constraints {
	d := c.demand
	if d.Constraints = limits; limits.MaxLatency != 0 {
		limits.MaxLatency = cmp.Or(c.leastLatency(d), limits.MaxLatency) // 0: none is known
	}
	return limits
}
