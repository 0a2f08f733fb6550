package allocator

import (
	"math"

	"conga/bitrate"
)

// portion is what one scavenger gets of things that several want, such as the
// cables of its path. The zero rate is none.
type portion struct {
	of     []int   // the numbers of the things
	weight float64 // more than 0
	room   float64 // the most, in bit/s
	rate   float64 // what it gets
}

// divide gives portions as much as there is of everything, by their weights: no
// portion can have more unless one has less that has, for its weight, no more.
// left is what there is of each thing, in bit/s; it is overwritten.
//
// All rates rise together until a thing is used up, or a portion has all that
// it may, which then stay as they are while the others rise on.
func divide(portions []*portion, left []float64) {
	rising := make([]*portion, 0, len(portions))
	for _, p := range portions {
		if p.rate = 0; p.room > 0 {
			rising = append(rising, p)
		}
	}
	weights := make([]float64, len(left))
	for len(rising) > 0 {
		clear(weights)
		for _, p := range rising {
			for _, i := range p.of {
				weights[i] += p.weight
			}
		}
		step := math.Inf(1) // for a weight of 1
		for _, p := range rising {
			step = min(step, p.share())
			for _, i := range p.of {
				step = min(step, left[i]/weights[i])
			}
		}
		rising = rise(rising, left, weights, max(0, step))
	}
}

// share returns how far a portion can rise, for a weight of 1.
func (p *portion) share() float64 { return (p.room - p.rate) / p.weight }

// rise adds to portions, and returns those that can have still more. At least
// one can have no more: what step was taken from is compared with it as it was
// found, since a product is rounded to something else.
func rise(rising []*portion, left, weights []float64, step float64) (more []*portion) {
	tight := make([]bool, len(left))
	for i, w := range weights {
		if w > 0 {
			tight[i] = left[i]/w <= step
			left[i] = max(0, left[i]-step*w)
		}
	}
	for _, p := range rising {
		full := p.share() <= step
		p.rate += step * p.weight
		for _, i := range p.of {
			full = full || tight[i]
		}
		if !full {
			more = append(more, p)
		}
	}
	return more
}

// least and most returned by whole are a thousandth apart at most.
const roundFrom bitrate.Rate = 1e6

// whole returns a rate in bit/s, rounded down: what meters count in is 1,000.
func whole(rate float64) bitrate.Rate {
	r := bitrate.Rate(rate*(1+1e-13) + 1e-6) // adding may have left it a little short
	if r >= roundFrom {
		r -= r % 1000
	}
	return r
}
