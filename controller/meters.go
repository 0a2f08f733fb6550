package controller

import (
	"context"
	"time"

	"conga/controller/flow"
	"conga/controller/purpose"
	"conga/openflow"
	"conga/openflow/channel"
)

// eachAtMost is for how many meters a switch is asked one by one; for more it
// is asked for all that it has.
const eachAtMost = 32

// readingsMost is how many readings of a switch's meters are under way at most.
const readingsMost = 8

// What meters have counted is waited for countTime at most. A switch that does
// not answer by then is not asked again for notAsked, so that it delays one
// change and not each.
const (
	countTime = 2 * time.Second
	notAsked  = time.Minute
)

// send has the switch take steps. A switch that modifies a meter begins its
// counts anew (Open vSwitch does), and one that deletes it forgets them: where
// policers are among the steps, they are read before, and those that are left
// once more after, which shows what the switch did. recount goes ahead of them,
// if it is not nil.
func (s *session) send(ctx context.Context, steps []flow.Step, recount *openflow.FlowMod) {
	s.sent.Add(uint64(len(steps)))
	f := &flight{sent: time.Now(), steps: steps}
	s.flight = f
	if recount != nil {
		s.commitRecounted(ctx, f, recount)
		return
	}
	ids := countedMeters(steps)
	if len(ids) == 0 || s.cfg.Metered == nil || f.sent.UnixNano() < s.uncounted.Load() {
		s.commit(f, false)
		f.done = f.commit.Done()
		return
	}
	select {
	case s.readings <- struct{}{}:
		s.commitRead(ctx, f, ids)
		f.done = f.commit.Done()
		return
	default: // a switch that answers has answered by now, mostly
	}
	done := make(chan struct{})
	f.done = done
	s.helpers.Go(func() {
		defer close(done)
		s.readings <- struct{}{}
		s.commitRead(ctx, f, ids)
		<-f.commit.Done()
	})
}

// commit sends the messages of a flight. If what was asked before is to be
// answered before the switch changes anything, a barrier goes ahead of them.
func (s *session) commit(f *flight, separate bool) {
	var msgs []openflow.Message
	msgs, f.barriers = s.messages(f.steps, separate)
	f.commit = s.conn.Commit(msgs)
}

// commitRead sends the messages of a flight between two questions for what
// meters count, all at once: to wait for the answers would double the time
// until the switch has confirmed.
func (s *session) commitRead(ctx context.Context, f *flight, ids []openflow.MeterID) {
	most := min(countTime, s.cfg.Patience)
	soon, endSoon := context.WithTimeout(ctx, most)
	later, endLater := context.WithCancel(ctx)
	questions, asked, names := askMeters(ids), time.Now(), namesOf(f.steps)
	before := s.ask(soon, questions)
	s.commit(f, true)
	after := s.ask(later, questions)
	earlier, handed := s.handed, make(chan struct{})
	s.handed = handed
	s.helpers.Go(func() {
		defer func() { <-s.readings }()
		defer close(handed)
		defer endLater()
		counts, err := s.countsOf(questions, before, names)
		if <-earlier; err == nil {
			asked = s.cfg.Metered(s.dpid, counts, asked)
		} else {
			endLater()
		}
		endSoon()
		<-f.commit.Done()
		late := time.AfterFunc(most, endLater)
		counts, again := s.countsOf(questions, after, names)
		if late.Stop(); err == nil && again == nil {
			s.cfg.Metered(s.dpid, counts, asked)
		}
	})
}

// countedMeters returns the numbers of the policers that steps modify or
// delete.
func countedMeters(steps []flow.Step) (ids []openflow.MeterID) {
	for _, st := range steps {
		m, ok := st.Message.(*openflow.MeterMod)
		if !ok || m.Command == openflow.MeterAdd {
			continue
		}
		if kind, _ := purpose.ReadMeter(st.MeterID); kind == purpose.MeterPolicer {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// namesOf returns the identifiers of the meters that steps change, by their
// numbers. The switch may have answered, and a meter be gone, before what it
// counted is looked at.
func namesOf(steps []flow.Step) map[openflow.MeterID]openflow.MeterID {
	names := map[openflow.MeterID]openflow.MeterID{}
	for _, st := range steps {
		if m, ok := st.Message.(*openflow.MeterMod); ok {
			names[m.ID] = st.MeterID
		}
	}
	return names
}

// askMeters returns the questions for what meters count.
func askMeters(ids []openflow.MeterID) []*openflow.MultipartRequest {
	if len(ids) > eachAtMost {
		ids = []openflow.MeterID{openflow.MeterAll}
	}
	questions := make([]*openflow.MultipartRequest, len(ids))
	for i, id := range ids {
		questions[i] = openflow.NewMultipartRequest(&openflow.MeterStatsRequest{Meter: id})
	}
	return questions
}

// countsOf waits for what meters count and returns it. A meter that the switch
// does not have is left out, and one of others that is among them.
func (s *session) countsOf(questions []*openflow.MultipartRequest, answers *channel.Asked, names map[openflow.MeterID]openflow.MeterID) (counts openflow.MeterStatsReply, err error) {
	bodies, err := bodiesOf(questions, answers)
	if err != nil {
		s.uncounted.Store(time.Now().Add(notAsked).UnixNano())
		s.log.Warn("what meters have counted could not be read before they change", "err", err)
		return nil, err
	}
	for _, b := range bodies {
		c, _ := b.(openflow.MeterStatsReply)
		for _, m := range c {
			if id, changed := names[m.Meter]; changed {
				m.Meter = id
				counts = append(counts, m)
			}
		}
	}
	return counts, nil
}
