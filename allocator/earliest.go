package allocator

import (
	"math"
	"sync"

	"conga/bitrate"
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
func (pl planner) earliest(d demand, start, before Seconds) (p path.Path, w Window, ok bool) {
	s := pl.newSearch(d)
	defer s.release()
	for start < before && start <= never-d.Duration {
		if t := s.endsFree(start); t > start {
			start = t
			continue
		}
		if t := s.pathFree(start); t > start {
			start = t
			continue
		}
		w = Window{start, start + d.Duration}
		p, ok = pl.graph.Find(pl.query(d, w))
		return p, w, ok
	}
	return nil, Window{}, false
}

// search is what one search for the earliest window has learned.
type search struct {
	planner
	demand
	cables []gap  // of trunks, by the lower number of their links
	ends   [4]gap // of access links
	total  gap    // of what the project holds
}

// gap is what is known of one calendar: the starts in [good, bad) fit, and those
// before, from the one for which it was asked on, do not.
type gap struct {
	known     bool
	line      *timeline // nil: nothing is claimed
	room      int64     // how much may be claimed by others
	good, bad Seconds
	mark      mark // of the timeline, not after good
}

// searches are kept to be used again.
var searches = sync.Pool{New: func() any { return new(search) }}

func (pl planner) newSearch(d demand) *search {
	s := searches.Get().(*search)
	s.planner, s.demand = pl, d
	return s
}

func (s *search) release() {
	clear(s.cables)
	*s = search{cables: s.cables[:0]}
	searches.Put(s)
}

// openGap makes a spell of a timeline in which the rate fits on top of so much.
func (pl planner) openGap(line *timeline, limit, rate bitrate.Rate) gap {
	s := gap{known: true, line: line, good: math.MinInt64, bad: math.MinInt64}
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
func (s *gap) from(start, length, enough Seconds) Seconds {
	switch {
	case s.good == never:
		return never
	case s.line == nil:
		return start
	}
	for start >= s.bad || start < s.good && s.good == s.bad && s.good < enough {
		next := max(start, s.good)
		s.good, s.bad, s.mark = s.line.gap(Window{next, next + length}, s.room, enough, s.mark)
	}
	return max(start, s.good)
}

// pathFree is start if the cables of some way have the rate then; else a later one before
// which those of none do.
func (s *search) pathFree(start Seconds) Seconds {
	c := path.Crossing{From: s.demand.from, To: s.to, Start: start}
	c.Opens = func(number int32, a, b *topology.Link, enough Seconds) Seconds {
		for int(number) >= len(s.cables) {
			s.cables = append(s.cables, gap{})
		}
		x := &s.cables[number]
		if !x.known {
			limit := s.share.of(min(a.Capacity, b.Capacity))
			*x = s.openGap(s.calendars.links.calendar[cableOf(a.ID)], limit, s.Bandwidth)
		}
		return x.from(start, s.Duration, enough)
	}
	if s.obstacles != nil {
		c.Shut = func(l topology.Link) { s.obstacles.link(l.ID) }
	}
	return s.graph.Opening(c)
}

// endsFree is the earliest start, at t or later, that no rival key, no access link and no
// limit forbids by itself; all of these the errand needs on every path.
func (s *search) endsFree(start Seconds) Seconds {
	t, w := start, Window{start, start + s.Duration}
	for _, k := range s.conflicting {
		if free := s.calendars.keys.fit(k, w); free > t {
			t = free
			s.obstacles.key(k)
		}
	}
	for i, id := range []topology.LinkID{{To: s.demand.from}, {From: s.demand.from}, {To: s.to}, {From: s.to}} {
		x := &s.ends[i]
		if !x.known {
			*x = gap{known: true, good: math.MinInt64, bad: math.MinInt64}
			if l, ok := s.snapshot.Link(id); ok {
				*x = s.openGap(s.calendars.links.calendar[cableOf(id)], s.share.of(l.Capacity), s.Bandwidth)
			}
		}
		if free := x.from(start, s.Duration, never); free > t {
			t = free
			s.obstacles.link(id)
		}
	}
	if s.limit >= s.Bandwidth && s.Bandwidth > 0 {
		if !s.total.known {
			s.total = s.openGap(s.calendars.projects[s.ProjectID], s.limit, s.Bandwidth)
		}
		if free := s.total.from(start, s.Duration, never); free > t {
			t = free
			s.obstacles.limit(s.ProjectID)
		}
	}
	return t
}
