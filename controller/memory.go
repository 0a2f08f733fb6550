package controller

import (
	"log/slog"
	"time"

	"conga/controller/topology"
)

// memory writes snapshots to the store behind the core's back, so that a slow
// disk does not hold up the network. The core calls it from its goroutine.
type memory struct {
	store    Memory
	log      *slog.Logger
	revision uint64 // last one handed to the writer
	at       time.Time
	work     chan topology.Memory
	done     chan struct{}
}

// load reads the memory of the earlier run. One that cannot be read is as good
// as none.
func (m *memory) load() (topology.Memory, bool) {
	if m.store == nil {
		return topology.Memory{}, false
	}
	m.work, m.done = make(chan topology.Memory, 1), make(chan struct{})
	go m.write()
	past, err := m.store.Load()
	if err != nil {
		m.log.Warn("what was known of the network could not be read; starting afresh", "err", err)
		return topology.Memory{}, false
	}
	return past, true
}

func (m *memory) write() {
	defer close(m.done)
	for w := range m.work {
		if err := m.store.Save(w); err != nil {
			m.log.Warn("what is known of the network could not be saved", "err", err)
		}
	}
}

// save hands what is known at a revision to the writer if it is new and the
// last time is a while ago. If the writer is busy the next call tries again.
func (m *memory) save(revision uint64, now time.Time, known func() topology.Memory) {
	if m.store == nil || revision == m.revision || now.Sub(m.at) < saveEvery || len(m.work) > 0 {
		return
	}
	m.work <- known()
	m.revision, m.at = revision, now
}

// flush hands over what save may have put off, waiting for the writer.
func (m *memory) flush(known func() topology.Memory) {
	if m.store != nil {
		m.work <- known()
	}
}

func (m *memory) close() {
	if m.store != nil {
		close(m.work)
		<-m.done
	}
}
