package allocator

// asAsked returns the request as a body says it: without what CONGA picks, and
// without the series that it may be an occurrence of.
func (r Request) asAsked() Request {
	r.Recurrence = Recurrence{}
	if r.Volume != 0 {
		if r.Duration = 0; !r.FixedRate {
			r.Bandwidth = 0
		}
	}
	return r
}

// adviseVolume lists what may be asked for in place of a volume that does not
// pass in time: a later deadline, less of it, or another rate. Where none of
// these is enough by itself, it is two of them, and where nothing of that is,
// whatever there is of it at any rate and time.
func (c *counsel) adviseVolume() {
	c.offer(c.laterDeadline(c.asked)...)
	c.offer(c.lessVolume(c.asked, shortest)...)
	c.offer(c.otherRate(c.asked)...)
	c.offer(c.lessBack(c.asked)...)
	free := c.asked.freed()
	for _, r := range [...]Request{c.asked, free, free.undue()} {
		if len(c.list) == 0 {
			c.offer(r) // as it may wait for a path
			c.offer(c.laterDeadline(r.freed())...)
		}
		if len(c.list) == 0 {
			c.offer(c.lessVolume(r, 0)...)
		}
	}
}

// freed returns the request with any rate for its volume.
func (r Request) freed() Request {
	r.MinBandwidth, r.MaxBandwidth, r.Bandwidth, r.FixedRate, r.Duration = 0, 0, 0, false, 0
	return r
}

// undue returns the request without a deadline.
func (r Request) undue() Request {
	r.Deadline = 0
	return r
}

// passes returns the window and the rate at which the volume of a request has
// passed first, by an end, if it is planned at a moment. What has started goes
// on with the rest of it.
func (c *counsel) passes(r Request, now, end Seconds) (placement, bool) {
	d := c.demand
	d.Request = r
	start, before := d.first(now), Seconds(never)
	if c.was != nil && c.was.Started {
		done := uint64(0)
		if c.was.Volume != 0 {
			done = c.was.carried(now)
		}
		if done >= r.Volume {
			return placement{}, false
		}
		d.Volume -= done
		start, before = now, now+1
	}
	if r.FixedRate {
		d.MinBandwidth, d.MaxBandwidth, d.FixedRate = r.Bandwidth, r.Bandwidth, false
	}
	return c.quickest(d, start, before, end)
}

// laterDeadline returns the request with the first deadline by which it passes,
// if it is planned some seconds from now, or now.
func (c *counsel) laterDeadline(r Request) (found []Request) {
	if r.Deadline == 0 {
		return nil
	}
	for _, now := range [...]Seconds{c.now + startSlack, c.now} {
		if got, ok := c.passes(r, now, never); ok {
			later := r
			later.Deadline = got.window.End
			found = append(found, later)
		}
	}
	return found
}

// lessVolume returns the request with the greatest volume that passes, if that
// is so much of it; least is a divisor, 0 being for any. What a project may
// hold, and for how long, is counted, so it is tried.
func (c *counsel) lessVolume(r Request, least uint64) (found []Request) {
	low := uint64(0)
	if least != 0 {
		low = (r.Volume - 1) / least
	}
	for _, now := range [...]Seconds{c.now + startSlack, c.now} {
		less := r
		less.Volume = mostOf(low, r.Volume, func(bytes uint64) bool { less.Volume = bytes; return c.admits(less, now) })
		if less.Volume > low {
			found = append(found, less)
		}
	}
	return found
}

// otherRate returns the request with a rate, or a bound of it, with which its
// volume passes in time.
func (c *counsel) otherRate(r Request) (found []Request) {
	end := Seconds(never)
	if r.Deadline != 0 {
		end = r.Deadline
	}
	for _, now := range [...]Seconds{c.now + startSlack, c.now} {
		got, ok := c.passes(r.freed(), now, end)
		if !ok {
			continue
		}
		switch other := r; {
		case r.FixedRate:
			other.Bandwidth = got.rate
			found = append(found, other)
		case r.MaxBandwidth != 0 && got.rate > r.MaxBandwidth:
			other.MaxBandwidth = got.rate
			found = append(found, other)
		case got.rate < r.MinBandwidth:
			other.MinBandwidth = got.rate
			found = append(found, other)
		}
	}
	return found
}
