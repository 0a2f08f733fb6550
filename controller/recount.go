package controller

import (
	"context"
	"time"

	"conga/openflow"
)

// recountTime is how long Open vSwitch is given to read what its data path has
// counted. It begins when an entry changes, and a few flows take it less than a
// millisecond.
const recountTime = 20 * time.Millisecond

// commitRecounted sends the messages of a flight, which removes entries, when
// the switch has read what they counted: it reads each half second, and would
// tell with their flow-removed messages what it read last.
func (s *session) commitRecounted(ctx context.Context, f *flight, recount *openflow.FlowMod) {
	done := make(chan struct{})
	f.done = done
	s.sent.Add(1)
	s.mark(recount)
	s.helpers.Go(func() {
		defer close(done)
		changed := s.conn.Commit([]openflow.Message{recount})
		<-changed.Done() // refused, it only leaves the counts as they are
		_ = s.rest(ctx, recountTime)
		s.commit(f, false)
		<-f.commit.Done()
	})
}
