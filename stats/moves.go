package stats

import (
	"cmp"
	"hash/fnv"
	"slices"
	"time"

	"conga/controller/path"
)

// lastMoves is how many moves of an allocation are kept with their reasons.
const lastMoves = 8

// A Move is that an allocation's path became another.
type Move struct {
	At  time.Time // when all switches had confirmed it
	Why string    // in words for the user; "": not known
}

// An intent is a path that an allocation was to have, and why.
type intent struct {
	Way uint64 `json:"way,omitempty"` // digest of the path; 0: it was to have none
	Why string `json:"why,omitempty"` // in words for the user; "": not known
}

// intend takes note of the path that an allocation is to have, by its digest; 0
// is none. It reports whether that is another than before: only then is why the
// reason of a move.
func (a *account) intend(way uint64, why string) bool {
	last, n := intent{Way: a.way}, len(a.intents)
	if n > 0 {
		last = a.intents[n-1]
	}
	switch {
	case way == last.Way:
		return false
	case n == 0 || last.Way != 0:
		a.intents = append(a.intents, intent{way, why})
		a.intents = a.intents[max(0, n+1-lastMoves):]
	case n == 1 && way == a.way:
		a.intents = nil // the path that it has is wanted again
	case n > 1 && way == a.intents[n-2].Way:
		a.intents = a.intents[:n-1] // the path that was wanted before is wanted again
	default:
		a.intents[n-1] = intent{way, cmp.Or(why, last.Why)}
	}
	return true
}

// arrive forgets the intents up to the last one for a path, which the switches
// have confirmed, and returns why that was to be.
func (a *account) arrive(way uint64) (why string) {
	for i, one := range slices.Backward(a.intents) {
		if one.Way == way {
			a.intents = slices.Clone(a.intents[i+1:])
			return one.Why
		}
	}
	return ""
}

// confirmed counts a move, if the path with a digest is another than the last
// one.
func (l *ledger) confirmed(a *account, way uint64, now time.Time) {
	n := len(a.intents)
	why := a.arrive(way)
	if a.way == way {
		if len(a.intents) != n {
			l.markDirty(a, now, false)
		}
		return
	}
	if a.way != 0 {
		a.moves++
		a.moved = append(a.moved, Move{now, why})
		a.moved = a.moved[max(0, len(a.moved)-lastMoves):]
	}
	a.way = way
	l.markDirty(a, now, true)
}

// digest returns a number that stands for a path. It is never 0.
func digest(p path.Path) uint64 {
	h := fnv.New64a()
	for _, hop := range p {
		for _, n := range [...]uint64{uint64(hop.DPID), uint64(hop.In), uint64(hop.Out)} {
			var b [8]byte
			for i := range b {
				b[i] = byte(n >> (8 * i))
			}
			h.Write(b[:])
		}
	}
	return max(1, h.Sum64())
}

// way returns the digest of the path that an allocation is to have; 0 is none.
func (o *Owner) way() uint64 {
	if len(o.Path) == 0 {
		return 0
	}
	return digest(o.Path)
}
