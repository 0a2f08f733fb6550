package path

import (
	"maps"
	"math"
	"sync"
)

const (
	// maxBounds is how many distances are kept for a graph; 4 bytes each.
	maxBounds = 1 << 22
	// maxInherited is how many graphs in a row take over distances. Each may
	// make them looser.
	maxInherited = 64
	unreachable  = math.MaxUint32
)

// A bounds holds, by destination, the least cost of reaching it from every
// switch. Distances found before links went away stay lower bounds.
type bounds struct {
	mu        sync.Mutex
	to        map[int32][]uint32
	inherited int
}

// newBounds returns bounds that take over what an earlier graph knew, if old is
// not nil.
func newBounds(old *bounds) *bounds {
	b := &bounds{to: map[int32][]uint32{}}
	if old == nil || old.inherited >= maxInherited {
		return b
	}
	old.mu.Lock()
	defer old.mu.Unlock()
	b.to, b.inherited = maps.Clone(old.to), old.inherited+1
	return b
}

// towards returns the least costs to a switch.
func (g *Graph) towards(last int32) []uint32 {
	g.bounds.mu.Lock()
	defer g.bounds.mu.Unlock()
	if d, ok := g.bounds.to[last]; ok {
		return d
	}
	if (len(g.bounds.to)+1)*len(g.nodes) > maxBounds {
		for any := range g.bounds.to {
			delete(g.bounds.to, any)
			break
		}
	}
	d := g.distances(last)
	g.bounds.to[last] = d
	return d
}

// distances runs Dijkstra's algorithm against the direction of the links. A sum
// that exceeds 32 bits is cut off and so stays a lower bound.
func (g *Graph) distances(last int32) []uint32 {
	d := make([]uint32, len(g.nodes))
	for i := range d {
		d[i] = unreachable
	}
	d[last] = 0
	var q costs
	q.push(cost{0, last})
	for len(q) > 0 {
		c := q.pop()
		if c.sum != uint64(d[c.at]) {
			continue
		}
		for _, h := range g.nodes[c.at].hops {
			next := min(c.sum+uint64(h.back), unreachable-1)
			if next < uint64(d[h.to]) {
				d[h.to] = uint32(next)
				q.push(cost{next, h.to})
			}
		}
	}
	return d
}

// A cost is the cost of something that a number identifies.
type cost struct {
	sum uint64
	at  int32
}

// costs is a binary heap, the least sum on top.
type costs []cost

func (q *costs) push(c cost) {
	*q = append(*q, c)
	h := *q
	i := len(h) - 1
	for i > 0 && c.sum < h[(i-1)/2].sum {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	h[i] = c
}

func (q *costs) pop() cost {
	h := *q
	top, n := h[0], len(h)-1
	moved := h[n]
	*q = h[:n]
	for i := 0; ; {
		child := 2*i + 1
		if child+1 < n && h[child+1].sum < h[child].sum {
			child++
		}
		if child >= n || h[child].sum >= moved.sum {
			h[i] = moved
			return top
		}
		h[i] = h[child]
		i = child
	}
}
