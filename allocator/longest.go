package allocator

import (
	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// longest returns a length in seconds that no part of the window exceeds which
// has a path with its rate, with the same start or, with end, the same end.
func (c *counsel) longest(end bool) Seconds {
	if c.asked.Bandwidth == 0 || c.asked.Reverse.Apart || c.asked.Leeway != (Leeway{}) {
		return c.asked.Duration
	}
	from := c.asked.StartTime
	if c.was != nil && c.was.Started {
		from = c.was.Window.Start
	}
	w := Window{max(c.now, from), from + c.asked.Duration}
	q := path.Query{From: c.from, To: c.to, Free: func(l topology.Link) bitrate.Rate {
		return bitrate.Rate(c.lasts(l, w, end) - from)
	}}
	if end {
		q.Free = func(l topology.Link) bitrate.Rate { return bitrate.Rate(w.End - c.lasts(l, w, end)) }
	}
	_, n, _ := c.graph.Widest(q)
	return Seconds(n)
}

// lasts returns until when a link has the rate that was asked for, from the
// start of a window on, or with end, since when it has it up to the end.
func (c *counsel) lasts(l topology.Link, w Window, end bool) Seconds {
	limit := c.limitOf(l)
	switch {
	case limit < c.asked.Bandwidth && end:
		return w.End
	case limit < c.asked.Bandwidth:
		return w.Start
	case end:
		return c.calendars.room.aboveUntil(l.ID, w, limit-c.asked.Bandwidth)
	}
	if above := c.calendars.room.above(l.ID, w, limit-c.asked.Bandwidth); above != (Window{}) {
		return above.Start
	}
	return w.End
}
