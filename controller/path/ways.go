package path

import (
	"math/bits"
	"slices"

	"conga/bitrate"
)

// widestOver does what findConfined does for the widest path where something is
// to be included: it halves the widths that edges have. A search by width would
// look at all ways that are wide before one that gets anywhere.
func (g *Graph) widestOver(c *Constraints, first, last int32, width bitrate.Rate, offer func(*edge) (bitrate.Rate, bool)) (*confined, int32) {
	rooms := map[int32]room{}
	var widths []bitrate.Rate
	for i := range g.nodes {
		for j := range g.nodes[i].edges {
			e := &g.nodes[i].edges[j]
			w, ok := offer(e)
			if rooms[e.forthNo] = (room{w, ok}); ok {
				widths = append(widths, w)
			}
		}
	}
	slices.Sort(widths)
	widths = slices.Compact(widths)
	find := func(least bitrate.Rate) (*confined, int32) {
		return g.findConfined(c, first, last, false, width, func(e *edge) (bitrate.Rate, bool) {
			r := rooms[e.forthNo]
			return r.width, r.ok && r.width >= least
		})
	}
	best, at := find(0)
	for low, high := 0, len(widths)-1; at >= 0 && low <= high; {
		i := (low + high) / 2
		if s, wider := find(widths[i]); wider >= 0 {
			best, at, low = s, wider, i+1
		} else {
			high = i - 1
		}
	}
	return best, at
}

// before reports whether a is to be looked at before b. Where something is to
// be included the width does not count, and of equally promising ways the
// longer one goes on: there would be too many to look at all.
func (s *confined) before(a, b int32) bool {
	x, y := &s.ways[a], &s.ways[b]
	if s.wide && x.width != y.width {
		return x.width > y.width
	}
	if s.hasty && x.met != y.met {
		if left, leftY := s.remaining(x), s.remaining(y); left != leftY {
			return left < leftY
		}
	}
	costX, costY := x.cost+s.cost.left(x.node, x.met), y.cost+s.cost.left(y.node, y.met)
	switch {
	case costX != costY:
		return costX < costY
	case s.all == 0 && !s.pairs && x.width != y.width:
		return x.width > y.width
	case x.cost != y.cost:
		return x.cost > y.cost
	}
	return a < b
}

// hasten has the search take the first path that comes up: the ways that have
// crossed most of what is to be included go on first.
func (s *confined) hasten() {
	s.hasty = true
	list := s.heap
	s.heap = nil
	for _, at := range list {
		s.queue(at)
	}
}

// remaining returns how many elements a way has still to cross.
func (s *confined) remaining(w *way) int { return bits.OnesCount32(s.all &^ w.met) }

// try has a way looked at in its turn.
func (s *confined) try(w way) {
	if !s.promising(&w) {
		return
	}
	s.ways = append(s.ways, w)
	s.queue(int32(len(s.ways) - 1))
}

func (s *confined) queue(at int32) { s.heap = pushed(s.heap, at, s.before) }

func (s *confined) pop() (top int32) {
	s.heap, top = popped(s.heap, s.before)
	return top
}

// pushed returns a binary heap, the first one on top, with one more.
func pushed(h []int32, at int32, before func(a, b int32) bool) []int32 {
	h = append(h, at)
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !before(h[i], h[up]) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
	return h
}

// popped returns a binary heap without the one on top, and that one.
func popped(h []int32, before func(a, b int32) bool) (rest []int32, top int32) {
	top, n := h[0], len(h)-1
	h[0], h = h[n], h[:n]
	for i := 0; ; {
		child := 2*i + 1
		if child+1 < n && before(h[child+1], h[child]) {
			child++
		}
		if child >= n || !before(h[child], h[i]) {
			return h, top
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}
