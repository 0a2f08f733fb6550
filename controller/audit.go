package controller

import (
	"context"
	"fmt"

	"conga/controller/flow"
	"conga/openflow"
)

// dump asks the switch for everything that it holds of ours.
func (s *session) dump(ctx context.Context) (*flow.State, error) {
	ctx, cancel := context.WithTimeout(ctx, min(answerTime, s.cfg.Patience))
	defer cancel()
	st := flow.NewState()
	if err := s.dumpMeters(ctx, st); err != nil {
		return nil, err
	}
	body, err := s.question(ctx, openflow.NewMultipartRequest(&openflow.FlowStatsRequest{
		Table: openflow.TableAll, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny,
		Cookie: flow.CookieTag, CookieMask: flow.CookieMask,
	}))
	if err != nil {
		return nil, err
	}
	entries, ok := body.(openflow.FlowStatsReply)
	if !ok && body != nil {
		return nil, fmt.Errorf("flow entries: answered with %T", body)
	}
	for i := range entries {
		if r, ours := flow.FromStats(&entries[i]); ours {
			st.Rules[r.Key()] = r
		}
	}
	return st, nil
}

func (s *session) dumpMeters(ctx context.Context, st *flow.State) error {
	if !s.metering {
		return nil
	}
	body, err := s.question(ctx, openflow.NewMultipartRequest(&openflow.MeterConfigRequest{Meter: openflow.MeterAll}))
	if err != nil {
		return err
	}
	configs, _ := body.(openflow.MeterConfigReply)
	for _, c := range configs {
		if id, m, ours := flow.FromMeterConfig(c); ours {
			st.Meters[id] = m
		}
	}
	return nil
}

// audited is what a switch was found to hold.
type audited struct {
	changes uint64 // how many changes were known when the question was asked
	state   *flow.State
	err     error
}

// startAudit asks the switch what it holds, beside everything else: entries
// that somebody changed tell nobody. What was refused is tried again.
func (s *session) startAudit(ctx context.Context, result chan<- audited) {
	if s.flows.Retry() {
		s.proceed(ctx)
	}
	if s.flight != nil || s.auditing {
		return
	}
	s.auditing = true
	changes := s.changes
	s.helpers.Go(func() {
		st, err := s.dump(ctx)
		result <- audited{changes, st, err}
	})
}

// finishAudit believes the answer unless a change has overtaken it.
func (s *session) finishAudit(ctx context.Context, a audited) {
	s.auditing = false
	if a.err != nil {
		s.log.Warn("switch did not say what it holds", "err", a.err)
	} else if a.changes == s.changes {
		s.flows.Found(a.state)
	}
	s.proceed(ctx)
}
