package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"conga/controller/flow"
	"conga/openflow"
	"conga/openflow/channel"
)

// A silence is that a switch lives, but has not answered a question.
type silence struct {
	question string // in words
	after    time.Duration
}

// Error says what was not answered.
func (e *silence) Error() string {
	return fmt.Sprintf("the switch has not answered %s for %v", e.question, e.after)
}

// Is reports whether target is the error of a deadline, of which a silence is
// one.
func (e *silence) Is(target error) bool { return target == context.DeadlineExceeded }

// noteSilence has the switch's resource say what it has not answered of late,
// until it has answered everything.
func (s *session) noteSilence(err error) {
	s.unsaid = ""
	if why, ok := errors.AsType[*silence](err); ok {
		s.unsaid = fmt.Sprintf("It has not answered %s for %v.", why.question, why.after)
	}
}

// limitations returns all sentences about what the switch cannot do, with those
// that follow from what it has refused.
func (s *session) limitations(refused []string) []string {
	if s.retrying > 0 && s.reported != nil {
		return s.reported.limitations
	}
	all := append(flow.Limitations(s.Snapshot().Switches[s.dpid], s.policy), refused...)
	if s.unsaid != "" {
		all = append(all, s.unsaid)
	}
	return all
}

// questionOf returns in words what is asked.
func questionOf(t openflow.MultipartType) string {
	switch t {
	case openflow.MultipartDesc:
		return "the question who made it"
	case openflow.MultipartFlow:
		return "the question for its flow entries"
	case openflow.MultipartAggregate:
		return "the question for the number of its flow entries"
	case openflow.MultipartTable:
		return "the question for the counters of its tables"
	case openflow.MultipartPortStats:
		return "the question for the counters of its ports"
	case openflow.MultipartMeter:
		return "the question for the counters of its meters"
	case openflow.MultipartMeterConfig:
		return "the question for its meters"
	case openflow.MultipartMeterFeatures:
		return "the question what its meters can do"
	case openflow.MultipartTableFeatures:
		return "the question what its tables can do"
	case openflow.MultipartPortDesc:
		return "the question for its ports"
	}
	return "the question for " + t.String()
}

// unanswered returns the error with which a question ended, with the question
// in words.
func unanswered(t openflow.MultipartType, err error) error {
	if _, ok := errors.AsType[*silence](err); ok {
		return err
	}
	if errors.Is(err, channel.ErrTimeout) {
		return fmt.Errorf("the switch has not answered %s in time: %w", questionOf(t), err)
	}
	return fmt.Errorf("%v: %w", t, err)
}

// A vigil ends a context with a silence when nothing has come for its patience.
type vigil struct {
	end      context.CancelCauseFunc
	patience time.Duration
	why      error

	mu    sync.Mutex
	timer *time.Timer // nil: it is over
}

// keepVigil returns a context that ends, with a [silence], when progress has
// not been called for so long, and its vigil, which is to be stopped.
func keepVigil(ctx context.Context, question string, patience time.Duration) (context.Context, *vigil) {
	ctx, end := context.WithCancelCause(ctx)
	why := &silence{question, patience}
	v := &vigil{end: end, patience: patience, why: why}
	v.timer = time.AfterFunc(patience, func() { end(why) })
	return ctx, v
}

// pause keeps the vigil from ending its context until the next progress: what
// has come is being looked at.
func (v *vigil) pause() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.timer != nil {
		v.timer.Stop()
	}
}

// progress takes note that something has come.
func (v *vigil) progress() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.timer != nil {
		v.timer.Reset(v.patience)
	}
}

// stop ends the vigil and its context.
func (v *vigil) stop() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.timer.Stop()
	v.timer = nil
	v.end(nil)
}

// dumpTime is how long a switch may take to list what it holds, however
// steadily it does.
const dumpTime = 10 * time.Minute

// stream asks q and calls each with every part of the answer, as
// [channel.Conn.Stream] does. It gives up when no part has come for answerTime:
// a switch with many entries may take long, and sends something all the time.
func (s *session) stream(ctx context.Context, q *openflow.MultipartRequest, each func(openflow.MultipartReplyBody) error) error {
	question := questionOf(q.MPType)
	ctx, cancel := context.WithTimeoutCause(ctx, dumpTime, &silence{"all of " + question, dumpTime})
	defer cancel()
	ctx, v := keepVigil(ctx, question, min(answerTime, s.cfg.Patience))
	defer v.stop()
	err := s.conn.Stream(ctx, q, func(body openflow.MultipartReplyBody) error {
		v.pause()
		defer v.progress()
		return each(body)
	})
	return inWords(ctx, err)
}

// inWords returns the silence with which ctx has ended in place of err, or err.
func inWords(ctx context.Context, err error) error {
	if why, ok := errors.AsType[*silence](context.Cause(ctx)); ok && errors.Is(err, channel.ErrTimeout) {
		return why
	}
	return err
}
