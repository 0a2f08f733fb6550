package allocator

import (
	"cmp"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

const (
	// shapingEffort is what it takes to begin to look for a profile.
	shapingEffort = 100
	// maxEffort is how much a search for a profile takes at most, in cables,
	// levels, or pairs of levels, that are looked at: some milliseconds. After
	// half of it any path will do on which the volume passes. Networks of
	// fewSwitches have fewEffort, in which all their paths can be judged.
	maxEffort   = 1 << 16
	fewEffort   = 1 << 18
	fewSwitches = 64
	// maxCut is how many cables lead to the last switch at most where each of
	// them is looked at beforehand.
	maxCut = 8
)

// A stepping is the search for the profile with which a volume has passed first
// over any path. What is known of a way is what its cables have free at each
// moment, the least of them; so of two ways to a switch one will do that never
// has less.
type stepping struct {
	planner
	demand
	gauge   gauge
	window  Window  // in which it is to pass
	until   Seconds // in which it passes on the best path so far
	shaping shaping
	cables  []*freeCable // by their numbers
	cut     []*freeCable // those that lead to the last switch
	effort  int          // so far, but for that of the shaping
}

// A freeCable is what a cable has free over the time of a search.
type freeCable struct {
	id     topology.LinkID
	dial   dial
	least  bitrate.Rate // at any moment
	levels []Step       // nil: not read yet
}

// A prospect is what is known of the profiles on paths that begin in some way.
type prospect struct {
	levels []Step       // what that way and both ends have free
	most   bitrate.Rate // of these
	steps  []Step       // none ends sooner than these, and none that ends then has fewer
}

func (p *prospect) end() Seconds { return p.steps[len(p.steps)-1].End }

// stepped returns the window, path and profile with which the demand's volume
// has passed first, from start on, by end; ok is false if none is found. It is
// asked where no constant rate will do.
func (pl planner) stepped(d demand, start, end Seconds, prompt bool) (got placement, ok bool) {
	if pl.constant || end == never || !d.picksRate() || d.Protected || start >= end {
		return placement{}, false
	}
	if d.Constraints != (Constraints{}) && !pl.reaches(d, d.Constraints) {
		return placement{}, false
	}
	pl.own, pl.readings, d.Bandwidth = nil, nil, 0
	s := pl.newStepping(d, Window{start, end}, prompt)
	if s.shaping.floor > s.shaping.highest {
		return placement{}, false
	}
	if s.limit != nil {
		s.obstacles.limit(s.ProjectID)
	}
	for _, k := range s.conflicting {
		s.obstacles.key(k.FlowKey)
	}
	for _, x := range s.accesses() {
		s.obstacles.link(x.id)
	}
	return s.search()
}

func (pl planner) newStepping(d demand, w Window, prompt bool) *stepping {
	return &stepping{
		planner: pl, demand: d, window: w, until: w.End,
		gauge: gauge{planner: pl, from: d.from, to: d.to, reverse: d.Reverse},
		shaping: shaping{
			floor: max(1, d.MinBandwidth, pl.least), highest: pl.mostRate(d), volume: int64(8 * d.Volume),
			steps: MaxProfile, longest: cmp.Or(pl.longest, MaxDuration), prompt: prompt,
		},
	}
}

// search looks for the path. What both ends have free bounds what any path has,
// and so does the best one of the cables that lead to the last switch.
func (s *stepping) search() (got placement, ok bool) {
	levels := s.shaping.trimmed(s.levels(s.demand, nil, s.window))
	if s.from.DPID != s.to.DPID {
		s.graph.Reaching(s.to, s.Reverse.Apart, func(number int32, a, b *topology.Link) {
			s.cut = append(s.cut, s.freeOf(number, a, b))
		})
	}
	first, ok := s.foresee(levels, prospect{})
	if !ok {
		return placement{}, false
	}
	p, best, ok := path.Best(s.graph, path.Contest[prospect]{
		From: s.from, To: s.to, Apart: s.Reverse.Apart, Constraints: s.confines(&s.Request), First: first, Rating: s,
	})
	if s.exhausted(1) {
		s.obstacles.anyLink()
	}
	if !ok && s.exhausted(1) {
		p, _, _ = s.graph.Widest(s.query(s.demand, s.window))
		best.levels = s.levels(s.demand, p, s.window)
	}
	steps := s.profile(best.levels)
	if len(p) == 0 || len(steps) == 0 {
		return placement{}, false
	}
	got = placement{window: Window{steps[0].Start, steps[len(steps)-1].End}, path: p, rate: steps[0].Rate}
	if len(steps) > 1 {
		got.profile = steps
	}
	return got, true
}

// exhausted reports whether one of so many parts of the effort has been made.
func (s *stepping) exhausted(of int) bool {
	most := maxEffort
	if len(s.snapshot.Switches) <= fewSwitches {
		most = fewEffort
	}
	return s.effort+s.shaping.looks >= most/of
}

// freeOf returns what a cable has free, by link a towards the destination and
// by b back.
func (s *stepping) freeOf(number int32, a, b *topology.Link) *freeCable {
	if n := int(number); n >= len(s.cables) {
		s.cables = append(s.cables, make([]*freeCable, n+1-len(s.cables))...)
	}
	if s.cables[number] == nil {
		m := s.gauge.dialOf(a, b)
		s.cables[number] = &freeCable{id: a.ID, dial: m, least: m.least(s.window)}
	}
	return s.cables[number]
}

// beside returns what levels have that a cable has as well.
func (s *stepping) beside(levels []Step, x *freeCable) []Step {
	if x.levels == nil {
		x.levels = x.dial.levels(s.window)
		s.effort += len(x.levels)
		s.obstacles.link(x.id)
	}
	s.effort += len(levels) + len(x.levels)
	return leastOf(levels, x.levels, s.shaping.floor)
}

// profile returns the steps in which the volume has passed first where the
// levels are free; nil if it does not pass as early as on the best path so far.
func (s *stepping) profile(levels []Step) []Step {
	if s.until < s.window.End {
		levels = clipped(levels, Window{s.window.Start, s.until})
	}
	s.effort += shapingEffort
	return s.shaping.shape(levels)
}

// expect returns what is known of paths that have the levels free; ok is false
// if the volume does not pass.
func (s *stepping) expect(levels []Step) (p prospect, ok bool) {
	p = prospect{levels: levels, most: highest(levels), steps: s.profile(levels)}
	return p, len(p.steps) > 0
}

// foresee returns what is known of paths that begin with a way that has the
// levels free, and go on from another, of which no less is known. They come to
// the last switch by one of its cables.
func (s *stepping) foresee(levels []Step, before prospect) (p prospect, ok bool) {
	s.shaping.soonest = 0
	if len(before.steps) > 0 {
		s.shaping.soonest = before.end()
	}
	if len(s.cut) == 0 || len(s.cut) > maxCut {
		return s.expect(levels)
	}
	most := highest(levels)
	for _, x := range s.cut {
		if x.least >= most {
			return s.expect(levels)
		}
	}
	for _, x := range s.cut {
		one, some := s.expect(s.beside(levels, x))
		if !some || ok && s.Compare(one, p) >= 0 {
			continue
		}
		if p, ok = one, true; len(before.steps) > 0 && s.Compare(p, before) == 0 {
			break
		}
	}
	p.levels, p.most = levels, most
	return p, ok
}

// Onward implements [path.Rating].
func (s *stepping) Onward(way prospect, number int32, a, b *topology.Link, last bool) (next prospect, ok bool) {
	if s.exhausted(1) {
		return prospect{}, false
	}
	s.effort++
	x, levels := s.freeOf(number, a, b), way.levels
	if x.least < way.most {
		levels = s.beside(levels, x)
	}
	switch {
	case x.least >= way.most || covered(way.steps, x.levels): // what was foreseen stays so
		next, ok = way, true
		next.levels = levels
	case !last:
		return s.foresee(levels, way)
	default:
		s.shaping.soonest = way.end()
		next, ok = s.expect(levels)
	}
	if last && ok {
		s.until = min(s.until, next.end())
	}
	return next, ok
}

// Compare implements [path.Rating].
func (s *stepping) Compare(a, b prospect) int {
	return cmp.Or(cmp.Compare(a.end(), b.end()), cmp.Compare(len(a.steps), len(b.steps)))
}

// Covers implements [path.Rating].
func (s *stepping) Covers(a, b prospect) bool {
	if &a.levels[0] == &b.levels[0] {
		return true
	}
	s.effort += len(b.levels)
	return a.most >= b.most && neverLess(a.levels, b.levels)
}

// Hurry implements [path.Rating].
func (s *stepping) Hurry() bool { return s.exhausted(2) }
