package ofswitch

import (
	"time"

	"conga/openflow"
)

// Faults make a switch misbehave towards its controllers.
type Faults struct {
	// Stall stops reading and writing; the connection stays open and fills up.
	Stall bool
	// Mute reads and obeys, but sends nothing: the half-open connection.
	Mute bool
	// CutMidMessage writes half of the next message and closes the connection,
	// once.
	CutMidMessage bool
	// Delay says how long a message is held back. Others overtake it.
	Delay func(m openflow.Message) time.Duration
	// Lose says which messages never leave.
	Lose func(m openflow.Message) bool
	// Reject says which messages from the controller are refused without being
	// obeyed, and how. n counts the messages of the same type since SetFaults,
	// from 1.
	Reject func(n int, m openflow.Message) *openflow.Error
	// Refuse makes Connect fail and Run retry.
	Refuse bool
}

// honest reports whether every message is sent as soon as it is due.
func (f *Faults) honest() bool { return !f.Mute && f.Delay == nil && f.Lose == nil }

// SetFaults makes the switch misbehave from now on; the zero Faults makes it
// behave. The functions are called with the switch locked and must not call it.
func (s *Switch) SetFaults(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
	s.unruly.Store(f.Stall || f.CutMidMessage)
	clear(s.faultCount)
	close(s.faultsChanged)
	s.faultsChanged = make(chan struct{})
}

// RejectFlowMod returns a Faults.Reject that refuses the nth flow mod, counted
// from 1, with e.
func RejectFlowMod(n int, e openflow.Error) func(int, openflow.Message) *openflow.Error {
	return func(count int, m openflow.Message) *openflow.Error {
		if m.Type() != openflow.TypeFlowMod || count != n {
			return nil
		}
		return &e
	}
}

// LoseType returns a Faults.Lose that loses every message of type t.
func LoseType(t openflow.Type) func(openflow.Message) bool {
	return func(m openflow.Message) bool { return m.Type() == t }
}

// DelayType returns a Faults.Delay that holds back every message of type t.
func DelayType(t openflow.Type, d time.Duration) func(openflow.Message) time.Duration {
	return func(m openflow.Message) time.Duration {
		if m.Type() == t {
			return d
		}
		return 0
	}
}

// stalled waits while the switch is to stall; it reports false if done is
// closed meanwhile.
func (s *Switch) stalled(done <-chan struct{}) bool {
	for {
		s.mu.Lock()
		stall, changed := s.faults.Stall, s.faultsChanged
		s.mu.Unlock()
		if !stall {
			return true
		}
		select {
		case <-changed:
		case <-done:
			return false
		}
	}
}

// cutNow reports whether the connection is to be cut in mid-message, once.
func (s *Switch) cutNow() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	cut := s.faults.CutMidMessage
	s.faults.CutMidMessage = false
	return cut
}
