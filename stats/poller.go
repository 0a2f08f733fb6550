package stats

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

const (
	// DefaultInterval is how often switches are asked unless the configuration
	// says otherwise.
	DefaultInterval = 5 * time.Second

	atOnce      = 16               // switches that are asked at the same time, and as many that did not answer last
	patience    = time.Second      // after which a switch that has not answered does not count among these
	answerTime  = 10 * time.Second // for all answers of one switch
	followEvery = time.Second      // new switches are looked for at most this often
	// rowsPerSecond is how many tables are read of all switches together; what
	// is beyond it has each switch's tables looked at less often.
	rowsPerSecond = 10_000
	saveEvery     = 30 * time.Second // totals that have changed are saved after this time
	quietEvery    = 10 * time.Minute // those of which only time has passed, after this time more
	removalWait   = 10 * time.Second // how long late flow-removed messages are waited for
)

// A Source is what a poller needs of the controller.
type Source interface {
	// Snapshot returns the network as it is known now; never nil.
	Snapshot() *topology.Snapshot
	// AskAll sends multipart requests to a switch, all at once, and returns the
	// bodies of the replies in their order. One that the switch refuses is nil.
	AskAll(ctx context.Context, dpid openflow.DPID, questions ...*openflow.MultipartRequest) ([]openflow.MultipartReplyBody, error)
}

// A Config says what a [Poller] works with. Source is required.
type Config struct {
	Source   Source
	Interval time.Duration // between two samples of a switch; 0: [DefaultInterval]
	Archive  Archive       // nil: a restart begins at zero
	History  Recorder      // nil: how fast things went is not kept
	// Busy reports whether the network has something more urgent to do for a
	// moment. Then switches are asked later, by half an interval at most. nil:
	// it never has.
	Busy func() bool
	// Owner returns what is known of an allocation; ok is false if there is
	// none. It is called without a lock. nil: every ID is an allocation, of no
	// project and never complete.
	Owner func(id string) (o Owner, ok bool)
	// Degraded, if not nil, is called when an allocation has become degraded or
	// is no longer so, by what its [Owner] lacks or by losses, unless that is
	// undone within a second. It is called without a lock, by one goroutine.
	Degraded func(id string)
	// Idleness returns when an allocation of a project is given up because
	// hardly anything uses it. It is called under a lock, so it must be quick
	// and take none. nil: none ever is.
	Idleness func(project string) Idleness
	// Idle is called when an allocation has been idle for half of the time that
	// it may be, and with the zero Idle when it is no longer; and Reclaim when
	// it has been for all of it, again and again until it is gone. They are
	// required with Idleness, and called without a lock, by one goroutine.
	Idle, Reclaim func(id string, i Idle)
	// MeterID returns the identifier of the meter that a switch knows by a
	// number. It is called without a lock. nil: numbers are identifiers.
	MeterID func(dpid openflow.DPID, number openflow.MeterID) openflow.MeterID
	// Frames, if not nil, is called with what entered each best-effort meter,
	// after each sample. Any goroutine may call it.
	Frames func(at topology.PortID, entered Rate)
	// Loads, if not nil, is called with what meters had to carry, after each
	// sample. Policers that are not among them were idle. Any goroutine may
	// call it.
	Loads func(dpid openflow.DPID, at time.Time, loads []MeterLoad)
	// Drops, if not nil, is called between samples, about once a second, with
	// what those meters had to carry of late that dropped some. Any goroutine
	// may call it.
	Drops func(dpid openflow.DPID, at time.Time, loads []MeterLoad)
	// Watched, if not nil, returns switches of which Drops is called as often
	// with all meters, whether circuits end there or not.
	Watched func() map[openflow.DPID]bool
	// Sends, if not nil, is called with what ports of a switch sent of late,
	// after each sample; idle ones are left out. Any goroutine may call it.
	Sends func(dpid openflow.DPID, at time.Time, rates map[openflow.PortNo]bitrate.Rate)
	// Received, if not nil, is called with how many packets/s come in by the
	// ports of a switch, after each sample. Any goroutine may call it.
	Received func(dpid openflow.DPID, packets float64)
	Log      *slog.Logger // nil: none
}

// withDefaults returns the configuration with every unset field at its default.
func (c Config) withDefaults() Config {
	if c.Interval <= 0 {
		c.Interval = DefaultInterval
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.MeterID == nil {
		c.MeterID = func(_ openflow.DPID, number openflow.MeterID) openflow.MeterID { return number }
	}
	if c.Watched == nil {
		c.Watched = func() map[openflow.DPID]bool { return nil }
	}
	if c.Busy == nil {
		c.Busy = func() bool { return false }
	}
	if c.Owner == nil {
		c.Owner = func(string) (Owner, bool) { return Owner{}, true }
	}
	return c
}

// A Poller asks every connected switch for its counters again and again, and
// adds up what allocations have carried. It is safe for concurrent use.
//
// On Open vSwitch the counters of flow entries lag behind by half a second to a
// second, so that a rate over five seconds can be off by a fifth either way.
type Poller struct {
	cfg       Config
	reader    reader
	questions questions
	dumping   chan struct{} // a token for each switch that lists all entries
	changes   pendingChanges
	keeper    keeperState // of the goroutine that runs keep

	mu         sync.Mutex // a leaf; guards what follows
	samples    map[openflow.DPID]*Sample
	tableCount int                    // tables in all samples
	failing    map[openflow.DPID]bool // its last questions had no answer
	busy       map[openflow.DPID]bool // being asked
	dumps      map[openflow.DPID]*dump
	budget     budget
	ledger     *ledger
	glimpses   glimpses
	idle       int // allocations that are reported as idle

	started     time.Time
	disbelieved map[openflow.DPID]bool // those of which it is logged
}

// New returns a poller, and loads what an earlier run saved. A record that
// cannot be read is left out, and logged.
func New(ctx context.Context, cfg Config) (*Poller, error) {
	if cfg.Source == nil {
		return nil, errors.New("stats: a source is required")
	}
	cfg = cfg.withDefaults()
	p := &Poller{
		cfg: cfg, questions: newQuestions(),
		dumping: make(chan struct{}, dumpsAtOnce),
		samples: map[openflow.DPID]*Sample{}, failing: map[openflow.DPID]bool{}, busy: map[openflow.DPID]bool{},
		dumps: map[openflow.DPID]*dump{}, budget: newBudget(time.Now()), ledger: newLedger(), glimpses: newGlimpses(),
	}
	p.started = time.Now()
	p.disbelieved, p.ledger.doubts.fastest = map[openflow.DPID]bool{}, p.fastest
	p.reader = reader{most: p.most(), meterID: cfg.MeterID}
	if cfg.Archive == nil {
		return p, nil
	}
	return p, p.recall(ctx)
}

// most returns how old a sample may be without being stale.
func (p *Poller) most() time.Duration { return 3 * p.cfg.Interval }

// Interval returns the time between two samples of a switch.
func (p *Poller) Interval() time.Duration { return p.cfg.Interval }

// Install adds what the entries of a circuit count to its allocation from now
// on. It is to be called before the circuit is installed or moved.
func (p *Poller) Install(c path.Circuit) {
	now := p.cfg.Source.Snapshot()
	p.mu.Lock()
	if a := p.ledger.accounts[c.ID]; a != nil {
		a.doubt(now) // it may be about to go another way
	}
	p.ledger.install(c)
	p.beganLocked(c.ID, time.Now())
	if a := p.ledger.accounts[c.ID]; !a.began.IsZero() {
		a.beginFeeds(time.Now())
	}
	p.ledger.degrade(p.ledger.accounts[c.ID], Loss, p.ledger.accounts[c.ID].losing(), time.Now())
	known := p.ledger.accounts[c.ID].project != ""
	p.mu.Unlock()
	if known {
		return
	}
	// Only now, so that no change is missed in between.
	o, ok := p.cfg.Owner(c.ID)
	if !ok {
		p.Changed(c.ID, Owner{}, true)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.ledger.accounts[c.ID]; a != nil && a.project == "" {
		p.ledger.assign(a, o.Project)
		a.spare = o.Spare
		a.plan(o)
	}
}

// Leave takes note that a circuit is out of the network. What its switches
// still report within some seconds is counted; then its allocation's numbers
// are final.
func (p *Poller) Leave(id string) {
	now := p.cfg.Source.Snapshot()
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.ledger.accounts[id]; a != nil {
		a.doubt(now)
	}
	p.ledger.leave(id, time.Now())
}

// Removed takes in the last counters of a flow entry. It is quick: it may be
// called by the reader of a switch's connection.
func (p *Poller) Removed(dpid openflow.DPID, fr *openflow.FlowRemoved) {
	kind, owner := purpose.ReadCookie(fr.Cookie)
	if kind != purpose.Allocation {
		return
	}
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ledger.remove(dpid, uint32(owner), fr, now)
}

// Metered takes in what policers have counted before or after they change, for
// which a switch was asked at a moment. It returns the moment that counts as
// that of the next question, whose answer is known to be later: now, or the
// same one if another answer has overtaken this one.
func (p *Poller) Metered(dpid openflow.DPID, counts openflow.MeterStatsReply, asked time.Time) time.Time {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ledger.read(dpid, counts, asked, now)
}

// Run asks until ctx ends, and saves what was counted.
func (p *Poller) Run(ctx context.Context) error {
	var working sync.WaitGroup
	defer p.keepAll(context.WithoutCancel(ctx))
	defer working.Wait()
	now := time.Now()
	p.begin(now)
	working.Go(func() { p.keep(ctx) })
	room, silent := make(chan struct{}, atOnce), make(chan struct{}, atOnce)
	r, followed := newRoster(p.cfg.Interval, now), time.Time{}
	tick := time.NewTicker(r.step)
	defer tick.Stop()
	for {
		s := p.cfg.Source.Snapshot()
		if now.Sub(followed) >= min(followEvery, p.cfg.Interval) {
			p.follow(r, s)
			followed = now
		}
		p.due(r, s, now, func(dpid openflow.DPID, failing bool) {
			own := room
			if failing { // those that answer must not wait for it
				own = silent
			}
			working.Go(func() {
				defer p.done(dpid)
				in(ctx, own, func() { p.poll(ctx, dpid) })
				p.warn()
				p.refresh(ctx, dpid)
			})
		})
		p.glimpsesDue(s, now, func(dpid openflow.DPID) {
			working.Go(func() { in(ctx, room, func() { p.glimpse(ctx, dpid) }) })
		})
		select {
		case now = <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// in calls f when there is room, unless ctx ends before. What takes longer than
// patience waits for a switch, and makes room for another.
func in(ctx context.Context, room chan struct{}, f func()) {
	select {
	case room <- struct{}{}:
	case <-ctx.Done():
		return
	}
	leave := sync.OnceFunc(func() { <-room })
	defer leave()
	defer time.AfterFunc(patience, leave).Stop()
	f()
}

// begin has the accounts of circuits that are no longer wanted close in time.
func (p *Poller) begin(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range p.ledger.orphans() {
		p.ledger.leave(id, now.Add(lateRemoval)) // their switches have yet to connect
	}
}
