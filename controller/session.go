package controller

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"conga/controller/flow"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/channel"
)

// mend is how long a session waits after an entry was taken from under it, so
// that what vanishes together is put back together.
const mend = 20 * time.Millisecond

// chunk is how many flow entries of best effort are changed at most before a
// barrier asks whether they are in. What is urgent waits for no more than that,
// and for what was urgent before.
const chunk = 2000

// session owns what one switch holds. Its goroutine is the only one that
// changes the switch; what is wanted comes in through a mailbox.
type session struct {
	*Controller
	dpid      openflow.DPID
	conn      *channel.Conn
	log       *slog.Logger
	mail      *mailbox
	removed   chan *openflow.FlowRemoved
	ports     map[openflow.PortNo]bool // that it has told of; belongs to the connection's reader
	missed    chan struct{}            // one token: removed was full
	demoted   chan struct{}            // one token: the switch has refused something as to a slave
	ended     chan struct{}
	sent      atomic.Uint64 // messages that were to change the switch
	statuses  atomic.Uint64 // messages about ports that have come
	announced load          // belongs to the connection's reader
	echoed    load          // likewise

	role     openflow.Role // of this controller; run sets it before anything else
	mastered time.Time     // since when this controller is the switch's master

	mu    sync.Mutex       // guards flows; strangers and numberings are used under it
	flows *flow.Reconciler // what is wanted and what is there; the goroutine of run changes it, audits look at it

	strangers strangers // what is kept of what is not wanted; belongs to what asks the switch for all that it holds

	received received // how fast packets come in by its ports

	burdens atomic.Pointer[burdens] // what its meters had to carry; nil: not known
	sends   atomic.Pointer[sends]   // likewise its ports

	uncounted atomic.Int64 // Unix time in ns until which the switch is not asked what meters count

	// What follows belongs to the goroutine of run.
	flight    *flight           // what has been sent and not been confirmed
	readings  chan struct{}     // a token for each reading of meters under way
	handed    <-chan struct{}   // closed when what the last of them found was handed on
	reported  *confirmed        // what the core knows; nil: report it again
	settling  settling          // reports that wait
	metering  bool              // the switch has meters for us
	bursts    bool              // and says that they have bursts of a length
	numbers   *flow.Numbers     // of its meters; nil: any will do; guarded by mu from begin on
	room      uint32            // for meters, as the core was told last
	queued    []openflow.PortNo // ports with the queue for allocated traffic
	pacer     *time.Timer       // fires when meters that were put off are due
	repair    *time.Timer       // fires when what vanished is to be put back
	nextAudit *time.Timer       // fires when an audit is due
	due       bool              // an audit is to begin as soon as nothing is under way
	unheard   bool              // entries vanished that were not heard of, and the audit is to find them
	mending   bool              // a repair is due
	learned   bool              // what is wanted is about to be made again without what the switch lacks
	found     uint64            // how often it has reported to the core what the switch lacks
	heeded    uint64            // how much of that is in what is wanted
	logged    map[string]bool   // refusals
	lacks     topology.Lacks    // what the switch is known to lack
	suspects  flow.Suspects     // what it may lack; see flow.Blame
	auditing  bool
	retrying  int    // how many answers are awaited until what was refused has been tried again; its limitations hold meanwhile
	unsaid    string // what the switch has not answered, in a sentence; "": nothing
	later     int    // how often in a row an audit was put off
	helpers   sync.WaitGroup
}

// over is what has been waited for.
var over = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// flight is a commit on its way.
type flight struct {
	done     <-chan struct{} // closed when the answer is in
	commit   *channel.Commit // there when done is closed
	sent     time.Time
	steps    []flow.Step
	barriers []int // indexes, among the messages, of those that are barriers, ascending
}

func newSession(c *Controller, conn *channel.Conn) *session {
	return &session{
		Controller: c,
		dpid:       conn.DPID(),
		conn:       conn,
		log:        c.log.With("dpid", conn.DPID()),
		mail:       newMailbox(),
		removed:    make(chan *openflow.FlowRemoved, 1024),
		missed:     make(chan struct{}, 1),
		demoted:    make(chan struct{}, 1),
		ended:      make(chan struct{}),
		strangers:  strangers{all: &c.strange},
		logged:     map[string]bool{},
		readings:   make(chan struct{}, readingsMost),
		handed:     over,
	}
}

// run introduces the switch, compares what it holds with what is wanted, and
// keeps both the same until the connection ends.
func (s *session) run(ctx context.Context) {
	defer close(s.ended)
	defer s.strangers.forget()
	defer s.helpers.Wait()
	defer s.conn.Close()
	err := s.obtain(ctx)
	if err == nil {
		err = s.introduce(ctx)
	}
	if err == nil {
		err = s.keep(ctx)
	}
	s.keepNumbers() // before the switch can connect again
	s.post(ctx, down{s, err})
}

func (s *session) keep(ctx context.Context) error {
	if err := s.compare(ctx); err != nil {
		return err
	}
	defer s.wind()()
	if len(s.queued) > 0 {
		s.helpers.Go(func() { s.watchQueues(ctx, s.queued) })
	}
	s.proceed(ctx)
	audits, tenure := make(chan audited, 1), make(chan error, 1)
	s.helpers.Go(func() { tenure <- s.renew(ctx) })
	for {
		select {
		case <-s.mail.news:
			s.want()
			s.proceed(ctx)
		case <-s.landed():
			if err := s.land(ctx); err != nil {
				return err
			}
			s.startAudit(ctx, audits) // before more is under way
			s.proceed(ctx)
		case fr := <-s.removed:
			s.missing(fr)
		case <-s.repair.C:
			s.mending = false
			s.proceed(ctx)
		case <-s.pacer.C:
			s.proceed(ctx)
		case now := <-s.settling.timer.C:
			s.release(ctx, now)
		case <-s.missed: // some vanished unheard; until they are found nothing is certain
			s.due, s.unheard = true, true
			s.startAudit(ctx, audits)
		case <-s.nextAudit.C:
			if err := s.auditDue(ctx, audits); err != nil {
				return err
			}
		case a := <-audits:
			s.finishAudit(a)
			s.noteSilence(a.err)
			s.startAudit(ctx, audits)
			s.proceed(ctx)
		case err := <-tenure:
			if err != nil {
				return err
			}
		case <-s.conn.Done():
			return s.conn.Err()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// wind makes the timers that keep waits for, and returns what stops them.
func (s *session) wind() (stop func()) {
	s.pacer, s.settling.timer, s.repair = time.NewTimer(0), time.NewTimer(time.Hour), time.NewTimer(mend)
	s.repair.Stop()
	s.nextAudit = time.NewTimer(rand.N(s.auditEvery()) + 1) // not all switches at once
	return func() {
		for _, t := range []*time.Timer{s.pacer, s.settling.timer, s.repair, s.nextAudit} {
			t.Stop()
		}
	}
}

// want takes in what is in the mailbox.
func (s *session) want() {
	w := s.mail.take()
	if w.first == 0 && w.heeds == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.first != 0 {
		s.flows.Want(w.patch, w.first, w.last)
	}
	s.heeded = max(s.heeded, w.heeds)
	s.learned = s.learned && (s.heeded < s.found || s.flows.Ungrouped() && s.lacks&topology.LacksFailover != 0)
}

// proceed sends the next steps towards the wanted state, and reports what is
// reached.
func (s *session) proceed(ctx context.Context) {
	now := time.Now()
	s.mu.Lock()
	steps := s.flows.Next(chunk, now)
	due := s.flows.Due()
	var recount *openflow.FlowMod
	if len(steps) > 0 && s.isOpenVSwitch() {
		recount = s.flows.Recount(steps)
	}
	s.mu.Unlock()
	if !due.IsZero() {
		s.pacer.Reset(due.Sub(now))
	}
	if len(steps) > 0 {
		s.send(ctx, steps, recount)
	}
	s.report(ctx)
}

// messages returns what is to be sent of steps, and the indexes of the barriers
// among it: between those about meters or groups and those about flow entries,
// and before all where that is separate from what was sent before.
func (s *session) messages(steps []flow.Step, separate bool) (msgs []openflow.Message, barriers []int) {
	msgs = make([]openflow.Message, 0, len(steps)+2)
	for i, st := range steps {
		if i == 0 && separate || i > 0 && !st.Prepares() && steps[i-1].Prepares() {
			barriers = append(barriers, len(msgs))
			msgs = append(msgs, &openflow.BarrierRequest{})
		}
		if fm, ok := st.Message.(*openflow.FlowMod); ok {
			s.mark(fm)
			if s.lacks&topology.LacksRemovals != 0 {
				fm.Flags &^= openflow.FlowSendFlowRem
			}
		}
		msgs = append(msgs, st.Message)
	}
	return msgs, barriers
}

// refused returns why the switch refused steps, by their index. It returns an
// error if the switch refused a barrier among them.
func (f *flight) refused() (map[int]error, error) {
	refused := map[int]error{}
	for _, r := range f.commit.Refused() {
		before, is := slices.BinarySearch(f.barriers, r.Index)
		if is {
			return nil, fmt.Errorf("barrier refused: %w", r.Err)
		}
		refused[r.Index-before] = r.Err
	}
	return refused, nil
}

// report reports to the core what the switch holds, if that has changed.
func (s *session) report(ctx context.Context) {
	if s.learned {
		return // what was refused is not wanted any more, in a moment
	}
	c := confirmed{s: s}
	s.mu.Lock()
	c.circuits, c.all = s.flows.Confirmed()
	c.refused, c.unmetered = s.flows.Refused()
	c.shut = s.flows.Shut()
	c.limitations = s.flows.Limitations()
	c.lapses = s.flows.Lapses()
	s.mu.Unlock()
	c.limitations = s.limitations(c.limitations)
	if s.reported != nil && s.reported.same(&c) {
		return
	}
	if s.hand(ctx, c, time.Now()) {
		s.reported = &c
	}
}

func (s *session) landed() <-chan struct{} {
	if s.flight == nil {
		return nil
	}
	return s.flight.done
}

// land takes in the answer to a commit, and before it the entries that vanished
// while it was on its way: the switch reported them first.
func (s *session) land(ctx context.Context) error {
	for heard := true; heard; {
		select {
		case fr := <-s.removed:
			s.vanished(fr)
		default:
			heard = false
		}
	}
	f := s.flight
	s.flight, s.retrying = nil, max(0, s.retrying-1)
	if err := f.commit.Err(); err != nil {
		return err
	}
	refused, err := f.refused()
	if err != nil {
		return err
	}
	for _, err := range refused {
		if isSlave(err) {
			return s.outranked()
		}
	}
	for _, i := range slices.Sorted(maps.Keys(refused)) {
		s.logRefusal(f.steps[i], refused[i])
	}
	s.mu.Lock()
	s.flows.Landed(refused)
	s.mu.Unlock()
	s.changed(time.Now())
	s.learn(ctx, f.steps, refused)
	return nil
}

// missing takes note of an entry that is gone, and has it put back soon.
func (s *session) missing(fr *openflow.FlowRemoved) {
	if s.vanished(fr) && !s.mending { // the first counts: more may come without end
		s.mending = true
		s.repair.Reset(mend)
	}
}

// vanished takes note of an entry that is gone without our doing. It reports
// whether the entry was thought to be there.
func (s *session) vanished(fr *openflow.FlowRemoved) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flows.Clock(time.Now())
	return s.flows.Vanished(fr.Key(), fr.Cookie)
}
