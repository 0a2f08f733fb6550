package channel

import (
	"fmt"
	"net/netip"
	"sync"
)

// A memory bounds what all connections together hold of what has been read and
// not been handed on: parts of unfinished replies, and messages from before
// [Conn.Start]. Where a bound is passed a connection must end: the one that has
// passed its own, or else the largest of the network address that holds most.
type memory struct {
	each, all int // bytes of one connection and of all

	mu    sync.Mutex // a leaf; guards what follows, and the fields of charges
	total int
	held  map[*Conn]int // none that has none
}

func newMemory(each, all int) *memory {
	return &memory{each: each, all: all, held: map[*Conn]int{}}
}

// A charge is what one call, or one inbox, holds.
type charge struct {
	of    *Conn // nil: nothing is counted
	bytes int
	ended bool
}

// set sets what the charge holds, unless it has ended. It returns the
// connection that must end, if there is one, and why.
func (k *charge) set(bytes int) (over *Conn, why error) {
	if k.of == nil {
		return nil, nil
	}
	m := k.of.cfg.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	if k.ended {
		return nil, nil
	}
	m.addLocked(k.of, bytes-k.bytes)
	k.bytes = bytes
	switch {
	case m.held[k.of] > m.each:
		return k.of, fmt.Errorf("what it has sent takes more than %d MiB", m.each>>20)
	case m.total > m.all:
		return m.heaviestLocked(), fmt.Errorf("what peers have sent takes more than %d MiB, and most of it is this one's", m.all>>20)
	}
	return nil, nil
}

// end gives back what the charge holds, for good.
func (k *charge) end() {
	if k.of == nil {
		return
	}
	m := k.of.cfg.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	m.addLocked(k.of, -k.bytes)
	k.bytes, k.ended = 0, true
}

func (m *memory) addLocked(c *Conn, n int) {
	m.total += n
	if m.held[c] += n; m.held[c] <= 0 {
		delete(m.held, c)
	}
}

// heaviestLocked returns the largest connection of the address that holds most.
func (m *memory) heaviestLocked() (c *Conn) {
	sums := map[netip.Prefix]int{}
	for c, n := range m.held {
		sums[netOf(c.RemoteAddr())] += n
	}
	most, largest := 0, 0
	for k, n := range m.held {
		if sum := sums[netOf(k.RemoteAddr())]; sum > most || sum == most && n > largest {
			c, most, largest = k, sum, n
		}
	}
	return c
}

// hold notes what the charge holds, and ends the connection that must end.
func (k *charge) hold(bytes int) {
	if over, why := k.set(bytes); over != nil {
		over.fail(&Error{Op: "read", Kind: ErrTooLarge, Err: why})
	}
}
