package controller

import (
	"context"
	"errors"
	"fmt"

	"conga/openflow"
	"conga/openflow/channel"
)

// live returns the session of a switch that has introduced itself, or nil. Any
// goroutine may call it; it does not block.
func (c *Controller) live(dpid openflow.DPID) *session {
	s, _ := c.reachable.Load(dpid)
	found, _ := s.(*session)
	return found
}

// Ask puts one multipart question to a switch and returns the body of the
// answer. It goes beside everything else on the switch's connection and changes
// nothing. The error is an [*Error] of [ErrAway] if the switch is not
// connected, the *[openflow.Error] with which it refused to answer, or that of
// ctx or of the connection as it ended.
func (c *Controller) Ask(ctx context.Context, dpid openflow.DPID, q *openflow.MultipartRequest) (openflow.MultipartReplyBody, error) {
	s := c.live(dpid)
	if s == nil {
		return nil, &Error{Op: "ask", DPID: dpid, Err: ErrAway}
	}
	return s.question(ctx, q)
}

// AskAll puts several questions to a switch as [Controller.Ask] does, in one
// write.
// The answers are in the order of the questions; one that the switch refuses to
// give is nil, and no error.
func (c *Controller) AskAll(ctx context.Context, dpid openflow.DPID, questions ...*openflow.MultipartRequest) ([]openflow.MultipartReplyBody, error) {
	s := c.live(dpid)
	if s == nil {
		return nil, &Error{Op: "ask", DPID: dpid, Err: ErrAway}
	}
	return s.questions(ctx, questions...)
}

// questions puts several questions to the switch, as [Controller.AskAll] does.
func (s *session) questions(ctx context.Context, questions ...*openflow.MultipartRequest) ([]openflow.MultipartReplyBody, error) {
	return bodiesOf(questions, s.ask(ctx, questions))
}

// ask sends questions, whose answers are to be taken.
func (s *session) ask(ctx context.Context, questions []*openflow.MultipartRequest) *channel.Asked {
	msgs := make([]openflow.Message, len(questions))
	for i, q := range questions {
		msgs[i] = q
	}
	return s.conn.Ask(ctx, msgs...)
}

// bodiesOf waits for the answers to questions and returns them in their order;
// nil is one that the switch refuses.
func bodiesOf(questions []*openflow.MultipartRequest, asked *channel.Asked) ([]openflow.MultipartReplyBody, error) {
	bodies := make([]openflow.MultipartReplyBody, len(questions))
	for i, r := range asked.Replies() {
		if _, refused := errors.AsType[*openflow.Error](r.Err); refused {
			continue
		}
		if r.Err != nil {
			return nil, unanswered(questions[i].MPType, r.Err)
		}
		reply, ok := r.Message.(*openflow.MultipartReply)
		if !ok {
			return nil, fmt.Errorf("%v: answered with %v", questions[i].MPType, r.Message.Type())
		}
		bodies[i] = reply.Body
	}
	return bodies, nil
}
