package allocator

import "conga/bitrate"

// mostOf returns the greatest number between two that is good, where what is
// less than a good one is good; low if there is none.
func mostOf[N ~uint64](low, high N, good func(N) bool) N {
	for high-low > 1 {
		if middle := low + (high-low)/2; good(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// lessBack returns the request with the highest rate back that is admitted
// beside the rest of it, some seconds from now, or now.
func (c *counsel) lessBack(r Request) (found []Request) {
	if !r.Reverse.Apart || r.Reverse.Rate == 0 || len(c.list) == maxAlternatives {
		return nil
	}
	for _, now := range [...]Seconds{c.now + startSlack, c.now} {
		less := r
		good := func(rate bitrate.Rate) bool { less.Reverse.Rate = rate; return c.admits(less, now) }
		if good(0) {
			less.Reverse.Rate = mostOf(0, r.Reverse.Rate, good)
			found = append(found, less)
		}
	}
	return found
}

// within returns the request with no more than its project may hold each way.
func (c *counsel) within() Request {
	r := c.asked
	if most := c.limits.Bandwidth; most != nil {
		r = r.withRate(min(r.Bandwidth, *most))
		r.Reverse.Rate = min(r.Reverse.Rate, *most)
	}
	return r
}

// bothLess returns the request with the highest rate that is admitted with none
// back, and the highest one back beside that.
func (c *counsel) bothLess(r Request) (found []Request) {
	if !r.Reverse.Apart || r.Reverse.Rate == 0 || len(c.list) == maxAlternatives {
		return nil
	}
	for _, now := range [...]Seconds{c.now + startSlack, c.now} {
		less := r
		less.Reverse.Rate = 0
		less.Bandwidth = mostOf(0, r.Bandwidth, func(rate bitrate.Rate) bool { less.Bandwidth = rate; return c.admits(less, now) })
		if less.Bandwidth != 0 {
			less.Reverse.Rate = r.Reverse.Rate
			found = append(found, c.lessBack(less)...)
		}
	}
	if len(found) == 0 {
		found = c.waitingBoth()
	}
	return found
}

// lessLater returns the request with a start from which some of its rate, or of
// both, may be held, and the highest ones there. Without a start, a low rate
// fits at once, where the project's limit refuses it, and a high one only when
// the project holds less: bothLess may step over these.
func (c *counsel) lessLater() (found []Request) {
	r := c.asked
	r.Reverse.Rate = 0
	oneWay := c.as(r)
	for _, least := range once(max(1, oneWay.ever()), 1) {
		for _, less := range oneWay.later(min(least, r.Bandwidth)) {
			good := func(rate bitrate.Rate) bool { less.Bandwidth = rate; return c.admits(less, c.now) }
			if !good(less.Bandwidth) {
				continue // the project may not ask for so late a start
			}
			less.Bandwidth = mostOf(less.Bandwidth, r.Bandwidth, good)
			less.Reverse.Rate = c.asked.Reverse.Rate
			if c.admits(less, c.now) {
				found = append(found, less)
			}
			found = append(found, c.lessBack(less)...)
		}
		if len(found) > 0 {
			break
		}
	}
	return found
}

// waitingBoth returns requests with no more than the project may hold each way.
// Where none back is refused since the project holds too much now, there may be
// no path yet with one, so that the request waits.
func (c *counsel) waitingBoth() []Request {
	most := c.within()
	least := most
	least.Reverse.Rate = min(1, most.Reverse.Rate)
	return []Request{most, least}
}
