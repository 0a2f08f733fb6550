package allocator

import (
	"cmp"
	"math"
	"slices"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// levels returns what a path has free for a demand at each moment of a window:
// what its links and its project's limit leave, and nothing while the traffic
// is another allocation's. Without a path that is what both ends have.
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

// levels returns what a cable has free at each moment of a window, which is not
// before those that were asked about earlier.
func (m *dial) levels(w Window) (levels []Step) {
	for at := w.Start; at < w.End; {
		free, next := m.free(at), min(w.End, m.changes())
		levels = appendStep(levels, Step{Window{at, next}, bitrate.Rate(free)})
		at = next
	}
	return levels
}

// least returns what a cable has free at every moment of a window.
func (m *dial) least(w Window) bitrate.Rate {
	least := m.forth.least(w)
	if m.back != nil {
		least = min(least, m.back.least(w))
	}
	return bitrate.Rate(least)
}

func (f *flank) least(w Window) int64 {
	left := f.limit
	if f.line != nil {
		left = max(0, left-f.line.peak(w))
	}
	switch {
	case f.need == 0:
		return left
	case left >= f.need:
		return math.MaxInt64
	}
	return 0
}

// leastOf returns the lower one of two lists of levels that are about the same
// window, and 0 where that is lower than a floor.
func leastOf(a, b []Step, floor bitrate.Rate) []Step {
	out := make([]Step, 0, len(a)+len(b))
	for i, j := 0, 0; i < len(a) && j < len(b); {
		s := Step{Window{max(a[i].Start, b[j].Start), min(a[i].End, b[j].End)}, min(a[i].Rate, b[j].Rate)}
		if s.Rate < floor {
			s.Rate = 0
		}
		out = appendStep(out, s)
		if a[i].End == s.End {
			i++
		}
		if b[j].End == s.End {
			j++
		}
	}
	return out
}

// highest returns the highest rate of levels.
func highest(levels []Step) (rate bitrate.Rate) {
	for _, l := range levels {
		rate = max(rate, l.Rate)
	}
	return rate
}

// covered reports whether steps are within levels, which are about all their
// time.
func covered(steps, levels []Step) bool {
	i, _ := slices.BinarySearchFunc(levels, steps[0].Start, func(l Step, at Seconds) int { return cmp.Compare(l.End-1, at) })
	for _, s := range steps {
		for ; ; i++ {
			if levels[i].Rate < s.Rate {
				return false
			}
			if levels[i].End >= s.End {
				break
			}
		}
	}
	return true
}

// neverLess reports whether levels a are nowhere lower than b, which are about
// the same window.
func neverLess(a, b []Step) bool {
	for i, j := 0, 0; i < len(a) && j < len(b); {
		if a[i].Rate < b[j].Rate {
			return false
		}
		end := min(a[i].End, b[j].End)
		if a[i].End == end {
			i++
		}
		if b[j].End == end {
			j++
		}
	}
	return true
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
