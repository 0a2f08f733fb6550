package stats

import (
	"hash/fnv"
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

// confirmed counts a move, if the path with a digest is another than the last
// one.
func (l *ledger) confirmed(a *account, way uint64, now time.Time) {
	why := a.moving
	a.moving = ""
	if a.way == way {
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
