package controller

import (
	"log/slog"
	"time"

	"conga/controller/topology"
)

// saver writes what has changed in what is known of the network to the store
// behind the core's back, so that a slow disk does not hold up the network. The
// core calls it from its goroutine.
type saver struct {
	store SavedNetwork
	log   *slog.Logger
	at    time.Time // when something was last handed to the writer
	work  chan topology.SavedChange
	done  chan struct{}
}

// load reads what the earlier run saved. What cannot be read is as good as
// none.
func (s *saver) load() (topology.Saved, bool) {
	if s.store == nil {
		return topology.Saved{}, false
	}
	s.work, s.done = make(chan topology.SavedChange, 1), make(chan struct{})
	go s.write()
	past, err := s.store.Load()
	if err != nil {
		s.log.Warn("what was known of the network could not be read; starting afresh", "err", err)
		return topology.Saved{}, false
	}
	return past, true
}

// write saves one change at a time. What could not be saved is tried again
// together with the next change.
func (s *saver) write() {
	defer close(s.done)
	var owed topology.SavedChange
	for c := range s.work {
		if owed = owed.Then(c); owed.Empty() {
			continue
		}
		if err := s.store.Save(owed); err != nil {
			s.log.Warn("what is known of the network could not be saved", "err", err)
			continue
		}
		owed = topology.SavedChange{}
	}
}

// save hands what has changed to the writer if the last time is a while ago. If
// the writer is busy the next call tries again.
func (s *saver) save(b *topology.Builder, now time.Time) {
	if s.store == nil || !b.Unsaved() || now.Sub(s.at) < saveEvery || len(s.work) > 0 {
		return
	}
	s.work <- b.Save()
	s.at = now
}

// flush hands over what save may have put off, waiting for the writer.
func (s *saver) flush(b *topology.Builder) {
	if s.store != nil {
		s.work <- b.Save()
	}
}

func (s *saver) close() {
	if s.store != nil {
		close(s.work)
		<-s.done
	}
}
