package scheduler

import "time"

const (
	// lookEvery is the longest wait between two looks at the clock. Timers run
	// on a clock that is never set and stands still while the machine sleeps,
	// so a timer for a moment of the wall clock can be wrong by any amount.
	lookEvery = time.Second
	// leastStep is the least difference that counts as a step. A clock that is
	// slewed differs by far less from one look to the next.
	leastStep = 250 * time.Millisecond
	// surestRead is how long reading both clocks may take. Where it took
	// longer, the process was held up in between, and they cannot be compared.
	surestRead = 50 * time.Millisecond
)

// A stepper finds out when the wall clock is set, by holding it against one
// that runs on by itself.
type stepper struct {
	now    func() time.Time // the wall clock
	steady func() time.Time // the other one

	wall, other time.Time // as they were read last
}

// newStepper returns a stepper for a wall clock.
func newStepper(now func() time.Time) *stepper {
	s := &stepper{now: now, steady: time.Now}
	s.wall, s.other = now().Round(0), time.Now()
	return s
}

// step returns by how much the wall clock was set since the last call, 0 if it
// was not. A machine that slept has its clock set forward by as much.
func (s *stepper) step() time.Duration {
	before := s.steady()
	wall := s.now().Round(0) // without the reading of the other clock
	after := s.steady()
	if after.Sub(before) > surestRead {
		return 0
	}
	by := wall.Sub(s.wall) - after.Sub(s.other)
	if by.Abs() < leastStep {
		// What is slewed is taken over, so that it never adds up to a step; but
		// only over spans in which it is more than what the readings differ by.
		by = 0
		if after.Sub(s.other) < lookEvery/2 {
			return 0
		}
	}
	s.wall, s.other = wall, after
	return by
}
