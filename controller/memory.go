package controller

import (
	"log/slog"
	"time"

	"conga/controller/topology"
)

// memory writes what has changed in what is known of the network to the store
// behind the core's back, so that a slow disk does not hold up the network. The
// core calls it from its goroutine.
type memory struct {
	store Memory
	log   *slog.Logger
	at    time.Time // when something was last handed to the writer
	work  chan topology.SavedChange
	done  chan struct{}
}

// load reads the memory of the earlier run. One that cannot be read is as good
// as none.
func (m *memory) load() (topology.Saved, bool) {
	if m.store == nil {
		return topology.Saved{}, false
	}
	m.work, m.done = make(chan topology.SavedChange, 1), make(chan struct{})
	go m.write()
	past, err := m.store.Load()
	if err != nil {
		m.log.Warn("what was known of the network could not be read; starting afresh", "err", err)
		return topology.Saved{}, false
	}
	return past, true
}

// write saves one change at a time. What could not be saved is tried again
// together with the next change.
func (m *memory) write() {
	defer close(m.done)
	var owed topology.SavedChange
	for c := range m.work {
		if owed = owed.Then(c); owed.Empty() {
			continue
		}
		if err := m.store.Save(owed); err != nil {
			m.log.Warn("what is known of the network could not be saved", "err", err)
			continue
		}
		owed = topology.SavedChange{}
	}
}

// save hands what has changed to the writer if the last time is a while ago. If
// the writer is busy the next call tries again.
func (m *memory) save(b *topology.Builder, now time.Time) {
	if m.store == nil || !b.Unsaved() || now.Sub(m.at) < saveEvery || len(m.work) > 0 {
		return
	}
	m.work <- b.Save()
	m.at = now
}

// flush hands over what save may have put off, waiting for the writer.
func (m *memory) flush(b *topology.Builder) {
	if m.store != nil {
		m.work <- b.Save()
	}
}

func (m *memory) close() {
	if m.store != nil {
		close(m.work)
		<-m.done
	}
}
