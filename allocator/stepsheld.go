package allocator

import (
	"math"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// Steps returns the rates that the allocation has during its window: those of
// its profile, or one. The first and the last step reach as far as the window
// does.
func (a *Allocation) Steps() []Step {
	if len(a.Profile) == 0 {
		return []Step{{a.Window, a.Bandwidth}}
	}
	return clipped(open(a.Profile), a.Window)
}

// open returns steps that reach from the beginning to the end of time.
func open(steps []Step) []Step {
	all := append([]Step(nil), steps...)
	all[0].Start, all[len(all)-1].End = math.MinInt64, never
	return all
}

// stepAt returns the step that the allocation is in at a moment; before and
// after its window it is the first or the last one.
func (a *Allocation) stepAt(now Seconds) Step {
	if len(a.Profile) == 0 {
		return Step{a.Window, a.Bandwidth}
	}
	for i, s := range a.Profile {
		last := i == len(a.Profile)-1
		if now >= s.End && !last {
			continue
		}
		if s.Start = max(s.Start, a.Window.Start); i == 0 {
			s.Start = a.Window.Start
		}
		if s.End = min(s.End, a.Window.End); last {
			s.End = a.Window.End
		}
		return s
	}
	return Step{}
}

// circuitAt returns the circuit that the switches are to have at a moment.
func (a *Allocation) circuitAt(now Seconds) path.Circuit {
	c := a.Circuit()
	c.Rate = a.stepAt(now).Rate
	return c
}

// covers reports whether a circuit that the network may hold takes no more than
// the allocation does, at each moment for which it was handed out.
func (a *Allocation) covers(n installed) bool {
	if len(a.Profile) == 0 || !alike(n.circuit, a.Circuit()) {
		return false
	}
	for _, s := range a.Steps() {
		if s.Overlaps(n.window) && s.Rate < n.circuit.Rate {
			return false
		}
	}
	return a.Window.Start <= n.window.Start && n.window.End <= a.Window.End
}

// alike reports whether two circuits differ in their rate at most.
func alike(a, b path.Circuit) bool {
	a.Rate = b.Rate
	return sameCircuit(a, b)
}

// carries returns how many bits the allocation's rates carry in a window.
func (a *Allocation) carries(w Window) (sum uint64) {
	steps := []Step{{w, a.Bandwidth}}
	if len(a.Profile) > 0 {
		steps = clipped(open(a.Profile), w)
	}
	s := shaping{volume: 8 * MaxVolume}
	done := int64(0)
	for _, x := range steps {
		done = s.plus(done, x.Rate, x.End-x.Start)
	}
	return uint64(done)
}

// steps returns what [Allocation.Steps] does of the committed state.
func (it *item) steps() []Step {
	if len(it.profile) == 0 {
		return []Step{{it.window(), it.bandwidth}}
	}
	return clipped(open(it.profile), it.window())
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
			if pl.freeIn(&pl.calendars.room, l, s.Window) < s.Rate {
				return 0
			}
		}
		if !pl.freeAfter(l) {
			return 0
		}
		return d.Bandwidth
	}
}
