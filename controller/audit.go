package controller

import (
	"context"
	"fmt"
	"time"

	"conga/controller/flow"
	"conga/controller/purpose"
	"conga/openflow"
)

// ours asks for all flow entries that carry our cookies.
func ours() openflow.FlowStatsRequest {
	return openflow.FlowStatsRequest{
		Table: openflow.TableAll, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny,
		Cookie: purpose.CookieTag, CookieMask: purpose.CookieMask,
	}
}

// dump asks the switch for everything that it holds of ours and calls entry on
// the connection's reader for each flow entry, of which nothing may be kept,
// and then meter for each meter, unless that is nil. Before each part of the
// answer it calls ready, on the reader too, unless that is nil.
func (s *session) dump(ctx context.Context, ready func() error, entry func(*openflow.FlowStats), meter func(openflow.MeterID, flow.Meter)) error {
	q := ours()
	err := s.stream(ctx, openflow.NewMultipartRequest(&q), func(body openflow.MultipartReplyBody) error {
		entries, ok := body.(openflow.FlowStatsReply)
		if !ok && body != nil {
			return fmt.Errorf("flow entries: answered with %T", body)
		}
		if ready != nil {
			if err := ready(); err != nil {
				return err
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for i := range entries {
			entries[i].Cookie = s.instance().Unmark(entries[i].Cookie)
			s.flows.Translate(&entries[i])
			entry(&entries[i])
		}
		return nil
	})
	if err != nil || meter == nil {
		return err
	}
	return s.surveyMeters(ctx, meter)
}

// compare asks the switch what it holds, when the core is about to say what it
// should hold: a switch with many entries takes as long to list them as the
// core to make them, and so both work at the same time.
func (s *session) compare(ctx context.Context) error {
	if err := s.hear(ctx); err != nil {
		return err
	}
	s.strangers.forget()
	entry := func(fs *openflow.FlowStats) {
		switch {
		case s.flows.Confirm(fs): // most are
		case s.flows.Knows(fs) || s.strangers.allow(fs.Footprint()):
			s.flows.Tell(fs)
		}
	}
	if err := s.findMeters(ctx); err != nil {
		return err
	}
	if err := s.dump(ctx, func() error { return s.begin(ctx) }, entry, nil); err != nil {
		return err
	}
	if err := s.tellMeters(ctx); err != nil {
		return err
	}
	if err := s.tellGroups(ctx); err != nil {
		return err
	}
	s.measureRoom(ctx)
	if err := s.adopt(ctx); err != nil {
		return err
	}
	s.want()
	s.flows.Begin()
	return nil
}

// begin waits for all that the switch should hold, unless that is there. The
// core waits for nothing meanwhile, and so this is not long.
func (s *session) begin(ctx context.Context) error {
	for s.flows == nil {
		if w := s.mail.take(); w.state != nil {
			s.mu.Lock()
			s.flows = flow.NewReconciler(*w.state, w.whole)
			sw := s.Snapshot().Switches[s.dpid]
			s.flows.Suit(s.numbers, s.policy.BurstIn(sw))
			s.lacks = sw.Lacks
			if w.first != 0 {
				s.flows.Want(w.patch, w.first, w.last)
			}
			s.mu.Unlock()
			return nil
		}
		if err := s.hear(ctx); err != nil {
			return err
		}
	}
	return nil
}

// hear waits until the core has left something in the mailbox, or is about to.
func (s *session) hear(ctx context.Context) error {
	select {
	case <-s.mail.news:
		return nil
	case <-s.conn.Done():
		return s.conn.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// adopt reports to the core by which ways the switch forwards already, and
// waits for what follows from that.
func (s *session) adopt(ctx context.Context) error {
	but := s.flows.Courses()
	done := make(chan struct{})
	if !s.post(ctx, inventory{s, but, done}) {
		return errStopped
	}
	if len(but) == 0 {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-s.conn.Done():
		return s.conn.Err()
	case <-s.done:
		return errStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// audited is what a switch was found to hold.
type audited struct {
	state   *flow.State // nil: just what it is thought to hold
	err     error
	unheard bool // entries that vanished unheard were to be found
}

// auditSpace is how far apart audits of different switches are at least, over a
// longer time.
const auditSpace = 25 * time.Millisecond

// auditEvery returns how long it is between two audits of a switch: in a large
// network longer than configured, so that all of them cost no more than those
// of a small one.
func (s *session) auditEvery() time.Duration {
	return max(s.cfg.Audit, time.Duration(len(s.Snapshot().Switches))*auditSpace)
}

// auditDue begins the audit that is due, unless it is better put off. The error
// says that the switch has not answered for too long.
func (s *session) auditDue(ctx context.Context, result chan<- audited) error {
	if s.flight != nil {
		waits := time.Since(s.flight.sent)
		if waits > s.cfg.Patience {
			return errSilent // to begin anew is the only way to know what it holds
		}
		if waits > answerTime {
			s.noteSilence(&silence{"a barrier behind changes", answerTime})
			s.report(ctx)
		}
	}
	if s.putOff() {
		s.nextAudit.Reset(auditLater)
		return nil
	}
	s.nextAudit.Reset(s.auditEvery())
	s.due, s.learned = true, false
	s.startAudit(ctx, result)
	s.retry(ctx)
	return nil
}

// startAudit asks the switch what it holds if that is due, beside everything
// else: entries that were changed by others tell nothing.
func (s *session) startAudit(ctx context.Context, result chan<- audited) {
	if !s.due || s.flight != nil || s.auditing {
		return
	}
	unheard := s.unheard
	s.due, s.unheard, s.auditing = false, false, true
	s.helpers.Go(func() {
		st, err := s.audit(ctx, unheard)
		result <- audited{st, err, unheard}
	})
}

// retry tries what was refused again.
func (s *session) retry(ctx context.Context) {
	s.mu.Lock()
	again := s.flows.Retry(time.Now())
	s.mu.Unlock()
	if again {
		if s.retrying = 1; s.flight != nil {
			s.retrying = 2 // it is sent when that is answered
		}
		if s.proceed(ctx); s.flight == nil {
			s.retrying = 0
		}
	}
}

// audit looks whether the switch holds what it is thought to hold, and only if
// it does not collects what it holds. So that audits of large networks do not
// keep the controller busy, the entries that they look at in a second are
// bounded; beyond that their number has to do until the next audit. It does not
// where entries are known to have vanished: others may have come.
func (s *session) audit(ctx context.Context, unheard bool) (*flow.State, error) {
	s.mu.Lock()
	look := s.flows.Audit()
	n := s.flows.Holds()
	s.mu.Unlock()
	switch now := time.Now(); {
	case unheard:
		s.audits.take(n, now)
	case !s.audits.allow(n, now):
		counted, err := s.count(ctx)
		if err != nil || counted == n {
			return nil, err
		}
	}
	meters, foreign := map[openflow.MeterID]flow.Meter{}, false
	err := s.dump(ctx, nil, look.Entry, func(id openflow.MeterID, m flow.Meter) {
		if s.flows.KnowsMeter(id) {
			meters[id] = m
		} else {
			foreign = true
		}
	})
	if err != nil {
		return nil, err
	}
	groups := map[openflow.GroupID]flow.Group{}
	if err := s.surveyGroups(ctx, func(id openflow.GroupID, g flow.Group) { groups[id] = g }); err != nil {
		return nil, err
	}
	s.mu.Lock()
	passed := !foreign && look.Passed() && s.flows.HoldsMeters(meters) && s.flows.HoldsGroups(groups)
	if !passed {
		s.flows.Asked()
	}
	s.mu.Unlock()
	s.measureRoom(ctx)
	if passed {
		return nil, nil
	}
	return s.collect(ctx)
}

// collect asks the switch for all that it holds, and keeps it.
func (s *session) collect(ctx context.Context) (*flow.State, error) {
	st := flow.NewState()
	s.strangers.forget()
	err := s.dump(ctx, nil, func(fs *openflow.FlowStats) {
		if !s.flows.Knows(fs) && !s.strangers.allow(fs.Footprint()) {
			return
		}
		kept := fs.Clone()
		if r, ours := flow.FromStats(&kept); ours {
			st.Rules[r.Key()] = r
		}
	}, func(id openflow.MeterID, m flow.Meter) {
		if s.flows.KnowsMeter(id) || s.strangers.allow(meterFootprint) {
			st.Meters[id] = m
		}
	})
	if err == nil {
		err = s.surveyGroups(ctx, func(id openflow.GroupID, g flow.Group) { st.Groups[id] = g })
	}
	return st, err
}

// count asks the switch how many flow entries of ours it holds.
func (s *session) count(ctx context.Context) (int, error) {
	ctx, v := keepVigil(ctx, questionOf(openflow.MultipartAggregate), min(answerTime, s.cfg.Patience))
	defer v.stop()
	q := openflow.AggregateStatsRequest(ours())
	body, err := s.question(ctx, openflow.NewMultipartRequest(&q))
	if err != nil {
		return 0, err
	}
	sum, ok := body.(*openflow.AggregateStatsReply)
	if !ok {
		return 0, fmt.Errorf("number of flow entries: answered with %T", body)
	}
	return int(sum.FlowCount), nil
}

// finishAudit takes in what the switch was found to hold.
func (s *session) finishAudit(a audited) {
	s.auditing = false
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case a.err != nil:
		s.unheard = s.unheard || a.unheard
		s.log.Warn("switch did not say what it holds", "err", a.err)
		s.flows.Unasked()
	case a.state != nil:
		s.flows.Clock(time.Now())
		s.flows.Found(a.state)
	}
}
