package allocator

import (
	"math"
	"sync"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// earliest returns the first window of the demand's duration that starts in
// [start, before), and a path in it. ok is false if there is none.
//
// Only the start, and moments at which something becomes free, can be the
// answer. Where nothing fits at a start, the calendars of what every path
// needs, and those of the cables, say when it may, and the search goes on then,
// so that it visits few of the moments in the calendars; each calendar is read
// once, from the start to the answer.
func (pl planner) earliest(d demand, start, before Seconds) (p path.Path, w Window, ok bool) {
	if start, ok = pl.firstFit(d, start, before); !ok {
		return nil, Window{}, false
	}
	w = Window{start, start + d.Duration}
	p, ok = pl.graph.Find(pl.query(d, w))
	return p, w, ok
}

// firstFit returns the start of that window.
func (pl planner) firstFit(d demand, start, before Seconds) (first Seconds, ok bool) {
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
		return start, true
	}
	return 0, false
}

// search is what one search for the earliest window has learned.
type search struct {
	planner
	demand
	cables []gaps // of trunks, by the lower number of their links; with rates of their own, by that of each
	ends   [4]gap // of access links
	total  gap    // of what the project holds
}

// gap is what is known of one calendar: the starts in [good, bad) fit, and the
// earlier ones do not, from the first one that was asked about.
type gap struct {
	known     bool
	line      *timeline // nil: nothing is reserved
	room      int64     // how much others may have reserved
	good, bad Seconds
	mark      mark // of the timeline, not after good
}

// searches are kept to be used again, with the memory that they have.
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

// openGap returns a gap about which nothing is known yet, of a timeline with a
// limit, for a rate; both are in bit/s.
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

// linkGap returns what openGap does of a link. What asks for no rate is kept
// from it by closures alone.
func (pl planner) linkGap(id topology.LinkID, limit, rate bitrate.Rate) gap {
	room := &pl.calendars.room
	if rate != 0 || !room.some() {
		return pl.openGap(room.line(id), limit, rate)
	}
	return gap{known: true, line: room.closing(id), good: math.MinInt64, bad: math.MinInt64}
}

// from returns the earliest start that fits, not before start. If that is not
// before enough, it may be any moment from enough on before which none fits.
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

// gaps is what is known of a cable: of the direction towards the destination,
// and of the one back if that is another matter.
type gaps struct {
	forth gap
	back  gap // not known: as forth
}

// from returns what that of gap does, for both directions.
func (g *gaps) from(start, length, enough Seconds) Seconds {
	for {
		start = g.forth.from(start, length, enough)
		if start >= enough || !g.back.known {
			return start
		}
		back := g.back.from(start, length, enough)
		if back == start || back >= enough {
			return back
		}
		start = back
	}
}

// gapsOf returns the gaps of a cable about which nothing is known yet; a leads
// towards the destination, b back.
func (s *search) gapsOf(a, b *topology.Link) (g gaps) {
	limits, links := [2]bitrate.Rate{s.limitOf(*a), s.limitOf(*b)}, &s.calendars.room
	if !s.Reverse.Apart && !links.differs(a.ID) {
		g.forth = s.linkGap(a.ID, min(limits[0], limits[1]), s.Bandwidth)
		return g
	}
	g.forth = s.linkGap(a.ID, limits[0], s.Bandwidth)
	g.back = s.linkGap(b.ID, limits[1], s.demand.back())
	return g
}

// pathFree returns start if the cables of some path have the rate then; else a
// later moment before which those of none have it.
func (s *search) pathFree(start Seconds) Seconds {
	c := path.Crossing{From: s.demand.from, To: s.to, Start: start, Apart: s.Reverse.Apart, Constraints: s.confines(&s.Request)}
	c.Opens = func(number int32, a, b *topology.Link, enough Seconds) Seconds {
		for int(number) >= len(s.cables) {
			s.cables = append(s.cables, gaps{})
		}
		x := &s.cables[number]
		if !x.forth.known {
			*x = s.gapsOf(a, b)
		}
		return x.from(start, s.Duration, enough)
	}
	if s.obstacles != nil {
		c.Shut = func(l topology.Link) { s.obstacles.link(l.ID) }
	}
	return s.graph.Opening(c)
}

// endsFree returns the earliest moment, not before start, that no conflicting
// key, no access link and no limit excludes by itself; the demand needs all of
// these on every path.
func (s *search) endsFree(start Seconds) Seconds {
	t, w := start, Window{start, start + s.Duration}
	for _, k := range s.conflicting {
		if free := s.calendars.keys.fit(k, w); free > t {
			t = free
			s.obstacles.key(k.FlowKey)
		}
	}
	for i, end := range s.accesses() {
		x := &s.ends[i]
		if !x.known {
			l, _ := s.snapshot.Link(end.id) // one that is not there carries nothing
			*x = s.linkGap(end.id, s.limitOf(l), end.rate)
		}
		if free := x.from(start, s.Duration, never); free > t {
			t = free
			s.obstacles.link(end.id)
		}
	}
	if held := s.held(); s.limit != nil && held > 0 {
		if !s.total.known {
			s.total = s.openGap(s.calendars.projects[s.ProjectID], max(*s.limit, held), held)
		}
		if free := s.total.from(start, s.Duration, never); free > t {
			t = free
			s.obstacles.limit(s.ProjectID)
		}
	}
	return t
}
