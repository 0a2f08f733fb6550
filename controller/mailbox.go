package controller

import (
	"sync"

	"conga/controller/flow"
)

// wanted is what a switch should hold: all of it as of a generation, and how
// that has changed since.
type wanted struct {
	state *flow.Whole // nil: as before
	whole uint64      // generation of state

	patch       flow.Patch
	first, last uint64 // generations of which patch tells; 0: none

	heeds uint64 // how much of what the session has reported of its switch is in it; 0: as before
}

// mailbox is where the core leaves what is wanted until the session takes it.
// What comes before that is drawn together, so that it holds no more than the
// switch does, and the core never waits.
type mailbox struct {
	news chan struct{} // one token: there is something, or at first: there is soon

	mu     sync.Mutex
	wanted wanted // guarded by mu
}

func newMailbox() *mailbox { return &mailbox{news: make(chan struct{}, 1)} }

// putState replaces everything that is wanted.
func (m *mailbox) putState(s flow.Whole, generation uint64) {
	m.mu.Lock()
	m.wanted = wanted{state: &s, whole: generation}
	m.mu.Unlock()
	m.signal()
}

// putPatch adds a change of what is wanted. The patch is the mailbox's from
// then on.
func (m *mailbox) putPatch(p flow.Patch, generation uint64) {
	m.mu.Lock()
	w := &m.wanted
	if w.last = generation; w.first == 0 {
		w.first, w.patch = generation, p
	} else {
		w.patch.Merge(p)
	}
	m.mu.Unlock()
	m.signal()
}

// putHeeds says how much of what the session has reported of its switch is in
// what was put last.
func (m *mailbox) putHeeds(found uint64) {
	m.mu.Lock()
	m.wanted.heeds = max(m.wanted.heeds, found)
	m.mu.Unlock()
	m.signal()
}

func (m *mailbox) signal() {
	select {
	case m.news <- struct{}{}:
	default:
	}
}

// take empties the mailbox.
func (m *mailbox) take() wanted {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.wanted
	m.wanted = wanted{}
	return w
}
