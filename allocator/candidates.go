package allocator

import (
	"cmp"
	"slices"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// maxCandidates is how many paths are looked at for a profile, maxParts into
// how many parts time is cut to find them, and maxScans how often.
const (
	maxCandidates = 16
	maxParts      = 4
	maxScans      = 2
)

// A stepping is the search for the profile with which a volume has passed first
// over any path.
//
// Where there are few paths all are looked at. Else they are those with most
// room in all the time there is, and in parts of it, and so again in the time
// up to the end that is found.
type stepping struct {
	planner
	demand
	start, end  Seconds
	prompt      bool // it begins at the start
	floor, most bitrate.Rate
	seen        []path.Path
	best        placement
}

// stepped returns the window, path and profile with which the demand's volume
// has passed first, from start on, by end; ok is false if none is found. It is
// asked where no constant rate will do.
func (pl planner) stepped(d demand, start, end Seconds, prompt bool) (got placement, ok bool) {
	if pl.constant || end == never || !d.picksRate() || d.Protected || start >= end {
		return placement{}, false
	}
	s := stepping{planner: pl, demand: d, start: start, end: end, prompt: prompt}
	s.floor, s.most = max(1, d.MinBandwidth, pl.least), pl.mostRate(d)
	s.own, s.readings, s.Bandwidth = nil, nil, 0
	if s.floor > s.most {
		return placement{}, false
	}
	if s.limit != nil {
		s.obstacles.limit(s.ProjectID)
	}
	for _, k := range s.conflicting {
		s.obstacles.key(k.FlowKey)
	}
	s.search()
	return s.best, len(s.best.path) > 0
}

// search looks at paths.
func (s *stepping) search() {
	paths, all := s.graph.Few(s.from, s.to, s.confines(&s.Request), maxCandidates)
	for _, p := range paths {
		s.try(p)
	}
	if all {
		return
	}
	for end, scans := s.end, 0; scans < maxScans; scans++ {
		s.scan(end)
		if s.best.window.End == 0 || s.best.window.End == end {
			return
		}
		end = s.best.window.End
	}
}

// scan looks at the paths with most room in parts of the time up to an end.
func (s *stepping) scan(end Seconds) {
	for parts := Seconds(1); parts <= maxParts; parts *= 2 {
		for i := range parts {
			w := Window{s.start + (end-s.start)*i/parts, s.start + (end-s.start)*(i+1)/parts}
			if w.empty() || len(s.seen) == maxCandidates {
				continue
			}
			if p, _, ok := s.graph.Widest(s.query(s.demand, w)); ok {
				s.try(p)
			}
		}
	}
}

// try looks for the profile on one path.
func (s *stepping) try(p path.Path) {
	if slices.ContainsFunc(s.seen, p.Equal) {
		return
	}
	s.seen = append(s.seen, p)
	for _, id := range p.Links() {
		s.obstacles.link(id)
	}
	steps := s.onPath(p, s.start, s.end, s.prompt)
	if len(steps) == 0 {
		return
	}
	w := Window{steps[0].Start, steps[len(steps)-1].End}
	if b := s.best; len(b.path) > 0 && (w.End > b.window.End || w.End == b.window.End && len(steps) >= max(1, len(b.profile))) {
		return
	}
	s.best = placement{window: w, path: p, rate: steps[0].Rate}
	if len(steps) > 1 {
		s.best.profile = steps
	}
}

// onPath returns the steps in which the volume has passed first over a path;
// nil if it does not pass.
func (s *stepping) onPath(p path.Path, start, end Seconds, prompt bool) []Step {
	levels := s.levels(s.demand, p, Window{start, end})
	return shape(levels, s.Volume, s.floor, s.most, MaxProfile, cmp.Or(s.longest, MaxDuration), prompt)
}

// levels returns what a path has free for a demand at each moment of a window:
// what its links and its project's limit leave, and nothing while the traffic
// is another allocation's.
func (pl planner) levels(d demand, p path.Path, w Window) (levels []Step) {
	g := gauge{planner: pl, from: d.from, to: d.to, reverse: d.Reverse}
	for i, id := range [4]topology.LinkID{{To: d.from}, {From: d.from}, {To: d.to}, {From: d.to}} {
		l, ok := pl.snapshot.Link(id)
		if !ok {
			return nil
		}
		g.access[i] = dial{forth: g.flankOf(&l, i == 1 || i == 2)}
	}
	g.take(p)
	total := flank{next: beforeAll, line: pl.calendars.projects[d.ProjectID]}
	if d.limit != nil {
		total.limit = int64(min(*d.limit, 1<<62))
	}
	for g.now = w.Start; g.now < w.End; {
		free, next := g.widthOfBest(), w.End
		for _, m := range g.dials {
			next = min(next, m.changes())
		}
		if d.limit != nil {
			total.read(g.now)
			next = min(next, total.changes())
			if free = min(free, total.left); d.Reverse.Apart && int64(d.Reverse.Rate) > total.left {
				free = 0
			}
		}
		levels = appendStep(levels, Step{Window{g.now, next}, bitrate.Rate(free)})
		g.now = next
	}
	var taken []Window
	for _, k := range d.conflicting {
		taken = append(taken, pl.calendars.keys.times(k, w)...)
	}
	return without(levels, taken)
}

// changes returns when what was read last may change.
func (m *dial) changes() Seconds {
	if m.back == nil {
		return m.forth.changes()
	}
	return min(m.forth.changes(), m.back.changes())
}

func (f *flank) changes() Seconds {
	if f.line == nil {
		return never
	}
	return f.next
}

// without returns levels, in order, that have nothing during any of some
// windows. There may be thousands of both.
func without(levels []Step, taken []Window) (out []Step) {
	slices.SortFunc(taken, func(a, b Window) int { return cmp.Compare(a.Start, b.Start) })
	for _, l := range levels {
		for len(taken) > 0 && taken[0].Start < l.End {
			w := taken[0]
			if free := (Step{Window{l.Start, min(l.End, w.Start)}, l.Rate}); !free.empty() {
				out = appendStep(out, free)
				l.Start = w.Start
			}
			if w.End > l.Start {
				part := Step{Window{l.Start, min(l.End, w.End)}, 0}
				out, l.Start = appendStep(out, part), part.End
			}
			if w.End > l.End || l.empty() {
				break
			}
			taken = taken[1:]
		}
		if !l.empty() {
			out = appendStep(out, l)
		}
	}
	return out
}

// inSteps returns the demand of what has a path and keeps its steps on another
// one, of which peak is the highest rate. With a rate apart for the way back it
// asks for that rate all the time.
func (d demand) inSteps(steps []Step) demand {
	if len(steps) == 0 {
		return d
	}
	d.Bandwidth = 0
	for _, s := range steps {
		d.Bandwidth = max(d.Bandwidth, s.Rate)
	}
	if !d.Reverse.Apart {
		d.steps = steps
	}
	return d
}

// freeFor returns the demand's rate for a link that has each of its steps free,
// and 0 for another.
func (pl planner) freeFor(d demand) func(topology.Link) bitrate.Rate {
	return func(l topology.Link) bitrate.Rate {
		for _, s := range d.steps {
			if pl.free(l, s.Window) < s.Rate {
				return 0
			}
		}
		return d.Bandwidth
	}
}

// times returns when exactly this traffic is reserved, within a window.
func (b *keyCalendar) times(k ownedKey, w Window) (list []Window) {
	t, want := b.between(hostsOf(k.FlowKey)), selectorOf(k)
	add := func(f flow) {
		if f.used && f.selector == want && f.window().Overlaps(w) {
			list = append(list, f.window())
		}
	}
	if add(t.first); t.more == nil {
		return list
	}
	for _, f := range t.more.few {
		add(f)
	}
	if l := t.more.many[want]; l != nil {
		for rest := w; !rest.empty(); {
			x := l.above(rest, 0)
			if x == (Window{}) {
				break
			}
			list = append(list, x)
			rest.Start = x.End
		}
	}
	return list
}
