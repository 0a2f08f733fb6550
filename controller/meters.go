package controller

import (
	"context"
	"time"

	"conga/controller/flow"
	"conga/controller/purpose"
	"conga/openflow"
)

// eachAtMost is for how many meters a switch is asked one by one; for more it
// is asked for all that it has.
const eachAtMost = 32

// A change of meters waits countTime at most for what they have counted. A
// switch that does not answer by then is not asked again for notAsked, so that
// it delays one change and not each.
const (
	countTime = 2 * time.Second
	notAsked  = time.Minute
)

// send has the switch take steps. A switch that modifies a meter begins its
// counts anew (Open vSwitch does), and one that deletes it forgets them: where
// policers are among the steps, they are read before, and those that are left
// once more after, which shows what the switch did.
func (s *session) send(ctx context.Context, steps []flow.Step) {
	msgs, barrier := s.messages(steps)
	s.sent.Add(uint64(len(steps)))
	f := &flight{sent: time.Now(), steps: steps, barrier: barrier}
	s.flight = f
	ids := countedMeters(steps)
	if len(ids) == 0 || s.cfg.Metered == nil || f.sent.Before(s.uncounted) {
		f.commit = s.conn.Commit(msgs)
		f.done = f.commit.Done()
		return
	}
	done := make(chan struct{})
	f.done = done
	s.helpers.Go(func() {
		defer close(done)
		read := s.readMeters(ctx, ids)
		f.commit = s.conn.Commit(msgs)
		if <-f.commit.Done(); read && f.commit.Err() == nil {
			s.readMeters(ctx, ids)
		}
	})
}

// countedMeters returns the policers that steps modify or delete.
func countedMeters(steps []flow.Step) (ids []openflow.MeterID) {
	for _, st := range steps {
		m, ok := st.Message.(*openflow.MeterMod)
		if !ok || m.Command == openflow.MeterAdd {
			continue
		}
		if kind, _ := purpose.ReadMeter(m.ID); kind == purpose.MeterPolicer {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// readMeters asks the switch what meters count and hands that on. A meter that
// the switch does not have is left out. It reports whether the switch has
// answered.
func (s *session) readMeters(ctx context.Context, ids []openflow.MeterID) bool {
	ctx, cancel := context.WithTimeout(ctx, min(countTime, s.cfg.Patience))
	defer cancel()
	if len(ids) > eachAtMost {
		ids = []openflow.MeterID{openflow.MeterAll}
	}
	questions := make([]*openflow.MultipartRequest, len(ids))
	for i, id := range ids {
		questions[i] = openflow.NewMultipartRequest(&openflow.MeterStatsRequest{Meter: id})
	}
	asked := time.Now()
	bodies, err := s.questions(ctx, questions...)
	if err != nil {
		s.uncounted = time.Now().Add(notAsked)
		s.log.Warn("what meters have counted could not be read before they change", "err", err)
		return false
	}
	var counts openflow.MeterStatsReply
	for _, b := range bodies {
		c, _ := b.(openflow.MeterStatsReply)
		counts = append(counts, c...)
	}
	s.cfg.Metered(s.dpid, counts, asked)
	return true
}
