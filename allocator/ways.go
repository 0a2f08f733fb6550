package allocator

import (
	"sync"
	"sync/atomic"

	"conga/controller/path"
)

// wayBook numbers the hops that paths take, so that a path is kept in a few bytes a hop.
// The hops that a network can have are few beside its allocations: from each port of a
// switch to each other one. It is safe for concurrent use, and a number is looked up
// without a lock.
type wayBook struct {
	mu      sync.RWMutex
	numbers map[path.Hop]uint32
	hops    atomic.Pointer[[]path.Hop]
}

// numberSize is how many bytes a hop's number takes in a way, and maxHops how many
// numbers there are.
const (
	numberSize = 3
	maxHops    = 1 << (8 * numberSize)
)

func newWayBook() *wayBook {
	b := &wayBook{numbers: map[path.Hop]uint32{}}
	b.hops.Store(new([]path.Hop))
	return b
}

// pack writes the numbers of a path's hops. The edge ports are left out, since every
// host has its own. ok is false if there are more hops than numbers.
func (b *wayBook) pack(p path.Path) (way string, ok bool) {
	var space [64 * numberSize]byte
	text := space[:0]
	b.mu.RLock()
	defer b.mu.RUnlock()
	for i, h := range p {
		if i == 0 {
			h.In = 0
		}
		if i == len(p)-1 {
			h.Out = 0
		}
		n, ok := b.number(h)
		if !ok {
			return "", false
		}
		text = append(text, byte(n>>16), byte(n>>8), byte(n))
	}
	return string(text), true
}

// number is the one of a hop. The lock is held for reading.
func (b *wayBook) number(h path.Hop) (n uint32, ok bool) {
	if n, ok := b.numbers[h]; ok {
		return n, true
	}
	b.mu.RUnlock()
	defer b.mu.RLock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if n, ok := b.numbers[h]; ok {
		return n, true
	}
	hops := *b.hops.Load()
	if len(hops) == maxHops {
		return 0, false
	}
	n = uint32(len(hops))
	hops = append(hops, h)
	b.hops.Store(&hops)
	b.numbers[h] = n
	return n, true
}

// unpack undoes pack, but for the edge ports.
func (b *wayBook) unpack(way string) path.Path {
	if way == "" {
		return nil
	}
	p := make(path.Path, 0, len(way)/numberSize)
	for ; way != ""; way = way[numberSize:] {
		p = append(p, b.hop(way))
	}
	return p
}

// hop is the first one of a way that is not empty.
func (b *wayBook) hop(way string) path.Hop {
	return (*b.hops.Load())[uint32(way[0])<<16|uint32(way[1])<<8|uint32(way[2])]
}
