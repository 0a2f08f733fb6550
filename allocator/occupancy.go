package allocator

import (
	"conga/bitrate"
	"conga/controller/topology"
)

// MaxOccupancy is how many steps an [Occupancy] has at most.
const MaxOccupancy = 1000

// Occupancy is how much allocations hold of one thing over time. Rates are
// bit/s.
type Occupancy struct {
	Capacity bitrate.Rate // of a link; 0: not known, as of one that is not there
	Limit    bitrate.Rate // what allocations may hold at a time; with Capacity
	Steps    []Step       // one after another, over the whole window
	Each     Seconds      // 0: Steps are exact; else each is the most at any moment of one or more spans of so many seconds
}

// OccupancyOfLink returns how much allocations hold of a directed link in a
// window. What is over is no longer held.
func (a *Allocator) OccupancyOfLink(id topology.LinkID, w Window) (o Occupancy) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if l, ok := a.seen.Link(id); ok {
		o.Capacity, o.Limit = l.Capacity, a.limitOfLocked(l)
	}
	o.take(a.calendars.links.line(id), w)
	return o
}

// OccupancyOfProject returns how much the allocations of a project hold
// together in a window, each with the higher of its rates. What is over is no
// longer held.
func (a *Allocator) OccupancyOfProject(project string, w Window) (o Occupancy) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	o.take(a.calendars.projects[project], w)
	return o
}

// take fills in what is reserved in a window; nil is nothing.
func (o *Occupancy) take(l *timeline, w Window) {
	switch {
	case w.empty():
	case l == nil:
		o.Steps = []Step{{w, 0}}
	default:
		var ok bool
		if o.Steps, ok = l.levels(w, MaxOccupancy); !ok {
			o.Each = (w.End - w.Start + MaxOccupancy - 1) / MaxOccupancy
			o.Steps = l.peaks(w, o.Each)
		}
	}
}

// levels returns the levels in a window, if there are no more than most.
func (l *timeline) levels(w Window, most int) (steps []Step, ok bool) {
	for at, t := l.seek(mark{}, w.Start), w.Start; t < w.End; at = l.seek(at, t) {
		if len(steps) == most {
			return nil, false
		}
		next := min(l.after(at), w.End)
		steps = append(steps, Step{Window{t, next}, bitrate.Rate(at.level)})
		t = next
	}
	return steps, true
}

// peaks returns the highest levels in spans of a window; those that follow each
// other with the same one are one step.
func (l *timeline) peaks(w Window, each Seconds) (steps []Step) {
	for t := w.Start; t < w.End; t += each {
		span := Window{t, min(t+each, w.End)}
		rate := bitrate.Rate(l.peak(span))
		if n := len(steps); n > 0 && steps[n-1].Rate == rate {
			steps[n-1].End = span.End
			continue
		}
		steps = append(steps, Step{span, rate})
	}
	return steps
}
