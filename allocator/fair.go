package allocator

import (
	"cmp"
	"math"
	"slices"

	"conga/bitrate"
)

// portion is what one scavenger gets of things that several want, such as the
// cables of its path. The zero rate is none.
type portion struct {
	of     []int   // the numbers of the things
	weight float64 // more than 0
	room   float64 // the most, in bit/s
	rate   float64 // what it gets
	rises  bool    // while portions are divided
}

// divide gives portions as much as there is of everything, by their weights: no
// portion can have more unless one has less that has, for its weight, no more.
// left is what there is of each thing, in bit/s.
//
// All rates rise together, each to its weight times a level that is the same
// for all, until a thing is used up, or a portion has all that it may, which
// then stay as they are while the others rise on. Where a level ends is worked
// out anew for things only of which a portion has stopped.
func divide(portions []*portion, left []float64) {
	rising := make([]*portion, 0, len(portions))
	users := make([][]*portion, len(left))
	for _, p := range portions {
		if p.rate, p.rises = 0, p.room > 0; p.rises {
			rising = append(rising, p)
			for _, i := range p.of {
				users[i] = append(users[i], p)
			}
		}
	}
	slices.SortFunc(rising, func(a, b *portion) int { return cmp.Compare(a.full(), b.full()) })
	ends := make([]float64, len(left))
	for i := range ends {
		ends[i] = levelOf(left[i], users[i])
	}
	for level := 0.0; ; {
		rising = rising[stopped(rising):]
		if len(rising) == 0 {
			return
		}
		level = max(level, min(rising[0].full(), slices.Min(append(ends, math.Inf(1)))))
		for i := range stopAt(level, rising, users, ends) {
			ends[i] = levelOf(left[i], users[i])
		}
	}
}

// full returns the level at which a portion has all that it may.
func (p *portion) full() float64 { return p.room / p.weight }

// stopped returns how many portions at the beginning of a list do not rise any
// more.
func stopped(list []*portion) (n int) {
	for n < len(list) && !list[n].rises {
		n++
	}
	return n
}

// stopAt stops the portions that cannot rise beyond a level, and returns the
// numbers of what they take of.
func stopAt(level float64, rising []*portion, users [][]*portion, ends []float64) (things map[int]bool) {
	things = map[int]bool{}
	stop := func(p *portion) {
		if !p.rises {
			return
		}
		p.rises, p.rate = false, min(p.room, level*p.weight)
		for _, i := range p.of {
			things[i] = true
		}
	}
	for n := 0; n < len(rising) && rising[n].full() <= level; n++ {
		stop(rising[n])
	}
	for i, end := range ends {
		if end <= level {
			for _, p := range users[i] {
				stop(p)
			}
		}
	}
	return things
}

// levelOf returns the level at which a thing is used up of which there is so
// much; infinity if none of its users rises any more.
func levelOf(left float64, users []*portion) float64 {
	weight := 0.0
	for _, p := range users {
		if p.rises {
			weight += p.weight
		}
		left -= p.rate // 0 while it rises
	}
	if weight == 0 {
		return math.Inf(1)
	}
	return max(0, left) / weight
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
