package controller

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"conga/controller/flow"
	"conga/openflow"
	"conga/openflow/channel"
)

// mend is how long a session waits after an entry was taken from under it, so
// that what vanishes together is put back together.
const mend = 20 * time.Millisecond

// wanted is a state that a switch should hold.
type wanted struct {
	generation uint64
	state      *flow.State
}

// session owns what one switch holds. Its goroutine is the only one that
// changes the switch; wanted states come in through a mailbox that keeps the
// newest.
type session struct {
	*Controller
	dpid    openflow.DPID
	conn    *channel.Conn
	log     *slog.Logger
	mailbox chan wanted
	removed chan *openflow.FlowRemoved
	missed  chan struct{} // one token: removed was full
	ended   chan struct{}

	// What follows belongs to the goroutine of run.
	target  wanted
	present *flow.State // as far as the switch has confirmed
	flight  *flight     // what has been sent and not been confirmed
	told    uint64      // generation that the core knows to be held
	refused map[flow.Key]refusal
	meters  map[openflow.MeterID]error // refused ones

	metering bool   // the switch has meters for us
	changes  uint64 // grows with every commit, and with every entry that vanishes
	auditing bool
	helpers  sync.WaitGroup
}

// refusal is an entry that the switch did not take.
type refusal struct {
	rule flow.Rule
	err  error
}

// flight is a commit on its way.
type flight struct {
	commit *channel.Commit
	sent   time.Time
	steps  []flow.Step
	lost   map[flow.Key]bool // entries that vanished before the barrier's answer
}

func newSession(c *Controller, conn *channel.Conn) *session {
	return &session{
		Controller: c,
		dpid:       conn.DPID(),
		conn:       conn,
		log:        c.log.With("dpid", conn.DPID()),
		mailbox:    make(chan wanted, 1),
		removed:    make(chan *openflow.FlowRemoved, 4096),
		missed:     make(chan struct{}, 1),
		ended:      make(chan struct{}),
		refused:    map[flow.Key]refusal{},
		meters:     map[openflow.MeterID]error{},
	}
}

// want replaces the wanted state. Only the core calls it, and it never waits.
func (s *session) want(w wanted) {
	select {
	case <-s.mailbox:
	default:
	}
	s.mailbox <- w
}

// run introduces the switch, compares what it holds with what is wanted, and
// keeps both the same until the connection ends.
func (s *session) run(ctx context.Context) {
	defer close(s.ended)
	defer s.helpers.Wait()
	defer s.conn.Close()
	err := s.introduce(ctx)
	if err == nil {
		err = s.keep(ctx)
	}
	s.post(ctx, down{s, err})
}

func (s *session) keep(ctx context.Context) error {
	present, err := s.dump(ctx)
	if err != nil {
		return err
	}
	s.present = present
	audit := time.NewTicker(s.cfg.Audit)
	defer audit.Stop()
	audits := make(chan audited, 1)
	repair := time.NewTimer(0)
	defer repair.Stop()
	for {
		select {
		case s.target = <-s.mailbox:
			s.proceed(ctx)
		case <-s.landed():
			if err := s.land(); err != nil {
				return err
			}
			s.proceed(ctx)
		case fr := <-s.removed:
			if s.vanished(fr) {
				repair.Reset(mend)
			}
		case <-repair.C:
			s.proceed(ctx)
		case <-s.missed: // some vanished untold; until they are found nothing is certain
			s.startAudit(ctx, audits)
		case <-audit.C:
			if s.flight != nil && time.Since(s.flight.sent) > s.cfg.Patience {
				return errSilent // to begin anew is the only way to know what it holds
			}
			s.startAudit(ctx, audits)
		case a := <-audits:
			s.finishAudit(ctx, a)
		case <-s.conn.Done():
			return s.conn.Err()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// proceed sends the next steps towards the wanted state, or reports that it is
// reached. Steps of different sorts go in commits of their own, since a switch
// may reorder what no barrier separates (OpenFlow 1.3.5 section 6.2).
func (s *session) proceed(ctx context.Context) {
	if s.flight != nil || s.target.state == nil {
		return
	}
	steps := s.leaveRefused(flow.Diff(s.present, s.target.state))
	if len(steps) == 0 {
		s.report(ctx)
		return
	}
	steps = firstSort(steps)
	msgs := make([]openflow.Message, len(steps))
	for i, st := range steps {
		msgs[i] = st.Message
		if st.Removes != nil {
			s.present.Apply(st) // from now on its flow-removed message is no news
		}
	}
	s.changes++
	s.flight = &flight{commit: s.conn.Commit(msgs), sent: time.Now(), steps: steps, lost: map[flow.Key]bool{}}
}

// firstSort cuts off the steps after the leading ones of one sort.
func firstSort(steps []flow.Step) []flow.Step {
	for i, st := range steps {
		if (st.MeterID != 0) != (steps[0].MeterID != 0) {
			return steps[:i]
		}
	}
	return steps
}

// leaveRefused drops the steps that the switch has refused; the next audit
// lets them be tried again.
func (s *session) leaveRefused(steps []flow.Step) []flow.Step {
	kept := steps[:0]
	for _, st := range steps {
		switch {
		case st.Rule != nil && s.wasRefused(*st.Rule):
		case st.Removes != nil && s.wasRefused(*st.Removes):
		case st.MeterID != 0 && s.meters[st.MeterID] != nil:
		default:
			kept = append(kept, st)
		}
	}
	return kept
}

func (s *session) wasRefused(r flow.Rule) bool {
	no, ok := s.refused[r.Key()]
	return ok && no.rule.Equal(r)
}

// report tells the core what the switch holds.
func (s *session) report(ctx context.Context) {
	if s.told == s.target.generation {
		return
	}
	c := confirmed{s: s, generation: s.target.generation, refused: map[uint64]error{}}
	for k, no := range s.refused {
		if r, ok := s.target.state.Rules[k]; ok && no.rule.Equal(r) {
			_, owner, _ := flow.ReadCookie(r.Cookie)
			c.refused[owner] = no.err
		}
	}
	for id, err := range s.meters {
		if _, ok := s.target.state.Meters[id]; ok {
			c.unmetered = err
		}
	}
	if s.post(ctx, c) {
		s.told = s.target.generation
	}
}

func (s *session) landed() <-chan struct{} {
	if s.flight == nil {
		return nil
	}
	return s.flight.commit.Done()
}

// land takes in the answer to a commit, and before it the entries that vanished
// while it was on its way: the switch told of them first.
func (s *session) land() error {
	for heard := true; heard; {
		select {
		case fr := <-s.removed:
			s.vanished(fr)
		default:
			heard = false
		}
	}
	f := s.flight
	s.flight = nil
	if err := f.commit.Err(); err != nil {
		return err
	}
	refused := map[int]error{}
	for _, r := range f.commit.Refused() {
		refused[r.Index] = r.Err
	}
	for i, st := range f.steps {
		if err := refused[i]; err != nil {
			s.noteRefusal(st, err)
			continue
		}
		if st.Rule == nil || !f.lost[st.Rule.Key()] {
			s.present.Apply(st)
		}
	}
	return nil
}

func (s *session) noteRefusal(st flow.Step, err error) {
	s.told = 0 // the core is to hear of it
	switch {
	case st.Rule != nil:
		s.refused[st.Rule.Key()] = refusal{*st.Rule, err}
		s.log.Error("switch refused a flow entry", "table", st.Rule.Table, "priority", st.Rule.Priority,
			"match", st.Rule.Match, "err", err)
	case st.Removes != nil:
		s.refused[st.Removes.Key()] = refusal{*st.Removes, err}
		s.log.Error("switch refused to delete a flow entry", "match", st.Removes.Match, "err", err)
	default:
		s.meters[st.MeterID] = err
		s.log.Error("switch refused a meter", "meter", st.MeterID, "err", err)
	}
}

// vanished takes note of an entry that is gone without our doing. It reports
// whether the entry was thought to be there.
func (s *session) vanished(fr *openflow.FlowRemoved) bool {
	k := flow.Key{Table: fr.Table, Priority: fr.Priority, Match: fr.Match.Key()}
	if s.flight != nil {
		s.flight.lost[k] = true
	}
	r, ok := s.present.Rules[k]
	if !ok || r.Cookie != fr.Cookie {
		return false
	}
	delete(s.present.Rules, k)
	s.told = 0
	s.changes++
	return true
}
