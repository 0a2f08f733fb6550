package allocator

import (
	"math"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// lastFit returns the start of the last window of the demand's duration that
// starts in [after, start] and has a path; ok is false if there is none. It
// goes back in time as firstFit goes forward.
func (pl planner) lastFit(d demand, after, start Seconds) (last Seconds, ok bool) {
	for start >= after {
		w := Window{start, start + d.Duration}
		if t := pl.endsFreeBefore(d, w); t < start {
			start = t
			continue
		}
		if t := pl.pathFreeBefore(d, w); t < start {
			start = t
			continue
		}
		return start, true
	}
	return 0, false
}

// beforeAll is earlier than every other moment.
const beforeAll = -never

// freeBefore returns the latest start, not after w's, at which a link has a
// rate for a window of w's length; beforeAll if there is none.
func (pl planner) freeBefore(rate bitrate.Rate, l topology.Link, w Window) Seconds {
	limit := pl.limitOf(l)
	switch {
	case rate == 0:
		return pl.calendars.room.clearBefore(l.ID, w)
	case limit < rate:
		return beforeAll
	}
	return pl.calendars.room.fitBefore(l.ID, w, limit-rate)
}

// endsFreeBefore returns the latest moment, not after w's start, that no
// conflicting key, no access link and no limit excludes by itself.
func (pl planner) endsFreeBefore(d demand, w Window) Seconds {
	t := w.Start
	for _, k := range d.conflicting {
		t = min(t, pl.calendars.keys.fitBefore(k, w))
	}
	for _, x := range d.accesses() {
		if l, ok := pl.snapshot.Link(x.id); ok {
			t = min(t, pl.freeBefore(x.rate, l, w))
		}
	}
	if held := d.held(); d.limit != nil && held > 0 {
		t = min(t, pl.calendars.projects.fitBefore(d.ProjectID, w, *d.limit-min(*d.limit, held)))
	}
	return t
}

// pathFreeBefore returns w's start if the cables of some path have the rate
// then; else an earlier moment after which those of none have it. It is asked
// with the time reversed.
func (pl planner) pathFreeBefore(d demand, w Window) Seconds {
	c := path.Crossing{From: d.from, To: d.to, Start: -w.Start, Apart: d.Reverse.Apart, Constraints: pl.confines(&d.Request)}
	c.Opens = func(_ int32, a, b *topology.Link, _ Seconds) Seconds {
		at := pl.freeBefore(d.Bandwidth, *a, w)
		if !pl.alike(d, a, b) {
			at = min(at, pl.freeBefore(d.back(), *b, w))
		}
		return -at
	}
	return -pl.graph.Opening(c)
}

// alike reports whether the directions of a cable have the same room for the
// rates of a demand at any time.
func (pl planner) alike(d demand, a, b *topology.Link) bool {
	return d.back() == d.Bandwidth && pl.limitOf(*a) == pl.limitOf(*b) && !pl.calendars.room.differs(a.ID)
}

// fitBefore returns the latest start, not after w's, at which a window of w's
// length finds no more than room reserved throughout.
func (c calendar[K]) fitBefore(on K, w Window, room bitrate.Rate) Seconds {
	l := c[on]
	if l == nil || room > math.MaxInt64 {
		return w.Start
	}
	return l.fitBefore(w, int64(room))
}

// fitBefore returns the latest start, not after w's, at which a window of w's
// length finds nothing reserved of exactly this traffic.
func (b *keyCalendar) fitBefore(k ownedKey, w Window) Seconds {
	return b.clear(k, w, func(f flow) Seconds { return Seconds(f.from) - (w.End - w.Start) }, (*timeline).fitBefore)
}

// fitBefore returns the latest start, not after w's, at which a window of w's
// length finds the level no higher than room throughout. Since nothing is
// reserved before the first reservation, there is one.
func (l *timeline) fitBefore(w Window, room int64) Seconds {
	end, length := w.End, w.End-w.Start
	for i := l.block(end - 1); i >= 0 && i < len(l.blocks); i-- {
		s := &l.blocks[i]
		switch {
		case s.base >= end:
		case s.high > room:
			var fits bool
			if end, fits = s.fitBefore(end, length, room); fits {
				return end - length
			}
		case s.base <= end-length:
			return end - length
		}
	}
	return end - length
}

// fitBefore returns where a window has to end at the latest for the levels in
// the stretch, not after end. fits is true if all of that window is in the
// stretch.
func (s *stretch) fitBefore(end, length Seconds, room int64) (latest Seconds, fits bool) {
	level := s.end()
	for k := len(s.at); k >= 0; k-- {
		start := s.base
		if k > 0 {
			start += Seconds(s.at[k-1])
		}
		switch {
		case start >= end:
		case level > room:
			end = start
		case start <= end-length:
			return end, true
		}
		if k > 0 {
			level -= s.by[k-1]
		}
	}
	return end, false
}
