package allocator

import (
	"math"
	"sync"

	"conga/controller/path"
	"conga/controller/topology"
)

// earliest finds the first window of the errand's duration that starts in
// [start, before), and a path in it. ok is false if there is none.
//
// Only the start and moments at which something becomes free can be the answer.
// Where nothing fits at a start, what all ways need and the ways themselves say
// when it may, and the search goes on then, so that it visits few of the moments in
// the calendars; and each calendar is read once, from the start to the answer.
func (d desk) earliest(e errand, start, before int64) (p path.Path, w Window, ok bool) {
	s := d.newSounding(e)
	defer s.release()
	for start < before && start <= never-e.Duration {
		if t := s.gate(start); t > start {
			start = t
			continue
		}
		if t := s.cross(start); t > start {
			start = t
			continue
		}
		w = Window{start, start + e.Duration}
		p, ok = d.graph.Find(d.query(e, w))
		return p, w, ok
	}
	return nil, Window{}, false
}

// sounding is what one search for the earliest window has learned.
type sounding struct {
	desk
	errand
	cables []spell  // of trunks, by the lower number of their links
	ends   [4]spell // of access links
	total  spell    // of what the project holds
}

// spell is what is known of one calendar: the starts in [good, bad) fit, and those
// before, from the one for which it was asked on, do not.
type spell struct {
	known     bool
	line      *timeline // nil: nothing is claimed
	room      int64     // how much may be claimed by others
	good, bad int64
	mark      mark // of the timeline, not after good
}

// soundings are kept to be used again.
var soundings = sync.Pool{New: func() any { return new(sounding) }}

func (d desk) newSounding(e errand) *sounding {
	s := soundings.Get().(*sounding)
	s.desk, s.errand = d, e
	return s
}

func (s *sounding) release() {
	clear(s.cables)
	*s = sounding{cables: s.cables[:0]}
	soundings.Put(s)
}

// open makes a spell of a timeline in which the rate fits on top of so much.
func (d desk) open(line *timeline, limit, rate topology.BitRate) spell {
	s := spell{known: true, line: line, good: math.MinInt64, bad: math.MinInt64}
	switch {
	case rate == 0:
		s.line = nil
	case limit < rate:
		s.good, s.bad = never, never
	case limit-rate > math.MaxInt64:
		s.line = nil
	default:
		s.room = int64(limit - rate)
	}
	return s
}

// from is the earliest start that fits, at start or later. If that is not before
// enough, it may be any from enough on before which none fits.
func (s *spell) from(start, length, enough int64) int64 {
	switch {
	case s.good == never:
		return never
	case s.line == nil:
		return start
	}
	for start >= s.bad || start < s.good && s.good == s.bad && s.good < enough {
		next := max(start, s.good)
		s.good, s.bad, s.mark = s.line.spell(Window{next, next + length}, s.room, enough, s.mark)
	}
	return max(start, s.good)
}

// cross is start if the cables of some way have the rate then; else a later one before
// which those of none do.
func (s *sounding) cross(start int64) int64 {
	c := path.Crossing{From: s.errand.from, To: s.to, Start: start}
	c.Opens = func(number int32, a, b *topology.Link, enough int64) int64 {
		for int(number) >= len(s.cables) {
			s.cables = append(s.cables, spell{})
		}
		x := &s.cables[number]
		if !x.known {
			limit := s.share.of(min(a.Capacity, b.Capacity))
			*x = s.open(s.books.links.calendar[cableOf(a.ID)], limit, s.Bandwidth)
		}
		return x.from(start, s.Duration, enough)
	}
	if s.block != nil {
		c.Shut = func(l topology.Link) { s.block.link(l.ID) }
	}
	return s.graph.Opening(c)
}

// gate is the earliest start, at t or later, that no rival key, no access link and no
// limit forbids by itself; all of these the errand needs on every path.
func (s *sounding) gate(start int64) int64 {
	t, w := start, Window{start, start + s.Duration}
	for _, k := range s.rivals {
		if free := s.books.keys.fit(k, w); free > t {
			t = free
			s.block.key(k)
		}
	}
	for i, id := range []topology.LinkID{{To: s.errand.from}, {From: s.errand.from}, {To: s.to}, {From: s.to}} {
		x := &s.ends[i]
		if !x.known {
			*x = spell{known: true, good: math.MinInt64, bad: math.MinInt64}
			if l, ok := s.snapshot.Link(id); ok {
				*x = s.open(s.books.links.calendar[cableOf(id)], s.share.of(l.Capacity), s.Bandwidth)
			}
		}
		if free := x.from(start, s.Duration, never); free > t {
			t = free
			s.block.link(id)
		}
	}
	if s.limit >= s.Bandwidth && s.Bandwidth > 0 {
		if !s.total.known {
			s.total = s.open(s.books.projects[s.ProjectID], s.limit, s.Bandwidth)
		}
		if free := s.total.from(start, s.Duration, never); free > t {
			t = free
			s.block.limit(s.ProjectID)
		}
	}
	return t
}
