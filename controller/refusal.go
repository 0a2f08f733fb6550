package controller

import (
	"context"
	"fmt"
	"time"

	"conga/controller/flow"
	"conga/controller/topology"
)

// learn finds out from what the switch has refused what it lacks. The core has
// what is wanted made again without that; but that it reports no removals is
// the session's own affair.
func (s *session) learn(ctx context.Context, steps []flow.Step, refused map[int]error) {
	if len(refused) == 0 {
		return
	}
	s.mu.Lock()
	fresh, suspects := flow.Blame(steps, refused, s.lacks, s.suspects)
	fresh |= (s.flows.BlameMeters(steps, refused, s.bursts) | flow.BlameGroups(steps, refused)) &^ s.lacks
	if s.suspects = suspects; len(suspects) > 0 && fresh == 0 {
		s.flows.Retry(time.Now()) // what is refused again is no passing trouble
	}
	holds, short := s.flows.Short()
	s.mu.Unlock()
	if short {
		s.learned = true
		s.found++
		s.say(ctx, holds, s.found)
	}
	if fresh == 0 {
		return
	}
	s.lacks |= fresh
	s.learned = s.learned || fresh != topology.LacksRemovals
	s.found++
	s.post(ctx, lacking{s, fresh, s.found})
	if fresh&topology.LacksRemovals != 0 {
		s.mu.Lock()
		s.flows.Retry(time.Now())
		s.mu.Unlock()
	}
}

// mostLogged is how many refusals a session logs.
const mostLogged = 1000

// logRefusal logs what a switch has refused: once for each owner, table and
// reason, since it may be tried again for as long as the switch refuses.
func (s *session) logRefusal(st flow.Step, err error) {
	var what string
	var attrs []any
	switch {
	case st.Rule != nil:
		what = fmt.Sprint("entry", st.Rule.Cookie, st.Rule.Table, err)
		attrs = []any{"table", st.Rule.Table, "priority", st.Rule.Priority, "match", st.Rule.Match}
	case st.Removes != nil:
		what = fmt.Sprint("removal", st.Removes.Cookie, st.Removes.Table, err)
		attrs = []any{"removed", true, "match", st.Removes.Match}
	case st.GroupID != 0:
		what = fmt.Sprint("group", err)
		attrs = []any{"group", st.GroupID}
	default:
		what = fmt.Sprint("meter", err)
		attrs = []any{"meter", st.MeterID}
	}
	if s.logged[what] || len(s.logged) == mostLogged {
		return
	}
	s.logged[what] = true
	s.log.Warn("switch has refused a change", append(attrs, "err", err)...)
}
