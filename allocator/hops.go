package allocator

import (
	"sync"
	"sync/atomic"

	"conga/controller/path"
)

// hopTable numbers the hops that paths take, so that a path is kept in a few
// bytes a hop. The hops that a network can have are few beside its allocations:
// from each port of a switch to each other one. It is safe for concurrent use,
// and a number is looked up without a lock.
type hopTable struct {
	mu      sync.RWMutex
	numbers map[path.Hop]uint32
	hops    atomic.Pointer[[]path.Hop]
}

// numberSize is how many bytes a hop's number takes in a packed path, and
// maxHops how many numbers there are.
const (
	numberSize = 3
	maxHops    = 1 << (8 * numberSize)
)

func newHopTable() *hopTable {
	b := &hopTable{numbers: map[path.Hop]uint32{}}
	b.hops.Store(new([]path.Hop))
	return b
}

// pack returns the numbers of a path's hops. The edge ports are left out, since
// every host has its own. ok is false if there are more hops than numbers.
func (b *hopTable) pack(p path.Path) (packed string, ok bool) {
	if packed, ok = b.lookUp(p); !ok && b.add(p) {
		packed, ok = b.lookUp(p)
	}
	return packed, ok
}

// inner returns the i-th hop of a path without the path's edge ports.
func inner(p path.Path, i int) path.Hop {
	h := p[i]
	if i == 0 {
		h.In = 0
	}
	if i == len(p)-1 {
		h.Out = 0
	}
	return h
}

// lookUp does what pack does for a path whose hops have numbers; ok is false if
// one has none.
func (b *hopTable) lookUp(p path.Path) (packed string, ok bool) {
	var space [64 * numberSize]byte
	text := space[:0]
	b.mu.RLock()
	defer b.mu.RUnlock()
	for i := range p {
		n, ok := b.numbers[inner(p, i)]
		if !ok {
			return "", false
		}
		text = append(text, byte(n>>16), byte(n>>8), byte(n))
	}
	return string(text), true
}

// add gives numbers to a path's hops that have none, and reports whether there
// were enough.
func (b *hopTable) add(p path.Path) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	hops := *b.hops.Load()
	for i := range p {
		h := inner(p, i)
		if _, ok := b.numbers[h]; ok {
			continue
		}
		if len(hops) == maxHops {
			return false
		}
		b.numbers[h] = uint32(len(hops))
		grown := append(hops, h) // readers keep the old one
		b.hops.Store(&grown)
		hops = grown
	}
	return true
}

// unpack returns the path that was packed, without its edge ports.
func (b *hopTable) unpack(way string) path.Path {
	if way == "" {
		return nil
	}
	p := make(path.Path, 0, len(way)/numberSize)
	for ; way != ""; way = way[numberSize:] {
		p = append(p, b.hop(way))
	}
	return p
}

// hop returns the first hop of a packed path that is not empty.
func (b *hopTable) hop(way string) path.Hop {
	return (*b.hops.Load())[uint32(way[0])<<16|uint32(way[1])<<8|uint32(way[2])]
}
