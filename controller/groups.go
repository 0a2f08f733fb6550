package controller

import (
	"context"
	"errors"
	"fmt"

	"conga/controller/flow"
	"conga/openflow"
)

// groupFootprint is what is reckoned for a group that is not wanted, in bytes.
const groupFootprint = 128

// tellGroups has the reconciler know the groups of ours that the switch holds,
// if there may be any.
func (s *session) tellGroups(ctx context.Context) error {
	return s.surveyGroups(ctx, func(id openflow.GroupID, g flow.Group) { s.flows.TellGroup(id, g) })
}

// surveyGroups asks the switch for its groups, if ours are wanted or may be
// there, and calls each with those that are ours, under s.mu. A switch that
// refuses the question has none.
func (s *session) surveyGroups(ctx context.Context, each func(openflow.GroupID, flow.Group)) error {
	s.mu.Lock()
	grouped := s.flows.Grouped()
	s.mu.Unlock()
	if !grouped {
		return nil
	}
	err := s.stream(ctx, &openflow.MultipartRequest{MPType: openflow.MultipartGroupDesc}, func(body openflow.MultipartReplyBody) error {
		list, ok := body.(openflow.GroupDescReply)
		if !ok && body != nil {
			return fmt.Errorf("groups: answered with %T", body)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, d := range list {
			if g, ours := flow.ReadGroup(d); ours && s.strangers.allow(groupFootprint) {
				each(d.Group, g)
			}
		}
		return nil
	})
	if _, refused := errors.AsType[*openflow.Error](err); refused {
		return nil
	}
	return err
}
