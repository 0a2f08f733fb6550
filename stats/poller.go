package stats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

const (
	// DefaultInterval is how often switches are asked unless the configuration
	// says otherwise.
	DefaultInterval = 5 * time.Second

	atOnce     = 16               // switches that are asked at the same time
	answerTime = 10 * time.Second // for all answers of one switch
	saveEvery  = 30 * time.Second // totals are saved at most this often while an allocation runs
	purgeEvery = 10 * time.Minute // receipts of deleted allocations go this often
	farewell   = 10 * time.Second // how long late news of removed entries is waited for
)

// Source is what a poller needs of the controller.
type Source interface {
	// Snapshot is the network as it is known now; never nil.
	Snapshot() *topology.Snapshot
	// Ask puts one multipart question to a switch. An *[openflow.Error] means
	// that the switch does not answer it.
	Ask(ctx context.Context, dpid openflow.DPID, q *openflow.MultipartRequest) (openflow.MultipartReplyBody, error)
}

// Archive keeps records over a restart, by allocation.
type Archive interface {
	// Load calls f with every record. f must not keep value.
	Load(ctx context.Context, f func(id string, value []byte) error) error
	// Save keeps these records, and deletes those whose value is nil.
	Save(ctx context.Context, records map[string][]byte) error
}

// Config says what a [Poller] works with. Source, Cookie and Meter are required.
type Config struct {
	Source   Source
	Interval time.Duration // between two samples of a switch; 0: [DefaultInterval]
	// Cookie says what an entry with this cookie is for, in a Kind constant, and
	// of an allocation's the handle.
	Cookie func(openflow.Cookie) (kind string, owner uint64)
	// Meter says what a meter is for, in a Meter constant, and of a port's the
	// port, of an allocation's the low 24 bits of the handle.
	Meter   func(openflow.MeterID) (kind string, of uint32)
	Archive Archive              // nil: a restart begins at nothing
	Known   func(id string) bool // whether there is such an allocation; nil: yes
	Logger  *slog.Logger         // nil: none
}

// Poller asks every connected switch for its counters again and again, and adds
// up what allocations have carried. It is safe for concurrent use.
//
// On Open vSwitch the counters of flow entries lag behind by half a second to a
// second, so that a rate over five seconds can be off by a fifth either way.
type Poller struct {
	cfg    Config
	log    *slog.Logger
	reader reader

	mu      sync.Mutex // a leaf; guards what follows
	samples map[openflow.DPID]*Sample
	failing map[openflow.DPID]bool // the last round of questions failed
	busy    map[openflow.DPID]bool // being asked
	ledger  *ledger
	urgent  bool // something should be saved that cannot be counted again
	saved   time.Time
	purged  time.Time
}

// New makes a poller and loads what an earlier run saved. A record that cannot
// be read is left out, and logged.
func New(ctx context.Context, cfg Config) (*Poller, error) {
	if cfg.Source == nil || cfg.Cookie == nil || cfg.Meter == nil {
		return nil, errors.New("stats: a source, and readers of cookies and meters, are required")
	}
	if cfg.Interval <= 0 {
		cfg.Interval = DefaultInterval
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Known == nil {
		cfg.Known = func(string) bool { return true }
	}
	p := &Poller{
		cfg: cfg, log: cfg.Logger,
		samples: map[openflow.DPID]*Sample{}, failing: map[openflow.DPID]bool{}, busy: map[openflow.DPID]bool{},
		ledger: newLedger(),
	}
	p.reader = reader{cookie: cfg.Cookie, meter: cfg.Meter, most: p.most()}
	if cfg.Archive == nil {
		return p, nil
	}
	err := cfg.Archive.Load(ctx, func(id string, value []byte) error {
		if err := p.ledger.restore(id, value); err != nil {
			p.log.Warn("what an allocation has carried could not be read", "allocation", id, "err", err)
		}
		return nil
	})
	return p, err
}

// most is how old a sample may be and still tell of now.
func (p *Poller) most() time.Duration { return 3 * p.cfg.Interval }

// Interval is the time between two samples of a switch.
func (p *Poller) Interval() time.Duration { return p.cfg.Interval }

// Install has what the entries of a circuit count added to its allocation. It is
// to be called before the circuit is installed or moved.
func (p *Poller) Install(c path.Circuit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ledger.install(c)
}

// Leave tells that a circuit is out of the network. What its switches still tell
// within some seconds is counted; then its allocation's numbers are final.
func (p *Poller) Leave(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ledger.leave(id, time.Now())
}

// Removed takes in the last counters of a flow entry. It is quick: it may be
// called by the reader of a switch's connection.
func (p *Poller) Removed(dpid openflow.DPID, fr *openflow.FlowRemoved) {
	kind, owner := p.cfg.Cookie(fr.Cookie)
	if kind != KindAllocation {
		return
	}
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ledger.remove(dpid, uint32(owner), fr, now)
	p.urgent = true
}

// Run asks until ctx ends, and saves what was counted.
func (p *Poller) Run(ctx context.Context) error {
	defer p.save(context.WithoutCancel(ctx))
	var asking sync.WaitGroup
	defer asking.Wait()
	room := make(chan struct{}, atOnce)
	tick := time.NewTicker(p.cfg.Interval)
	defer tick.Stop()
	p.begin()
	for {
		for _, dpid := range p.due() {
			asking.Go(func() {
				defer p.done(dpid)
				select {
				case room <- struct{}{}:
					p.poll(ctx, dpid)
					<-room
				case <-ctx.Done():
				}
			})
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		p.keep(ctx)
	}
}

// begin has the accounts of circuits that are not wanted any more close in time.
func (p *Poller) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.saved, p.purged = now, now
	for _, id := range p.ledger.orphans() {
		p.ledger.leave(id, now.Add(lateNews)) // their switches have yet to connect
	}
}

// due are the switches to be asked now: those that are connected and not being
// asked still. What one told a moment ago, because it was slow, is not asked
// again: over too short a time a rate is noise.
func (p *Poller) due() (dpids []openflow.DPID) {
	snap := p.cfg.Source.Snapshot()
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.samples, func(d openflow.DPID, _ *Sample) bool {
		_, known := snap.Switches[d]
		return !known
	})
	for dpid, sw := range snap.Switches {
		last := p.samples[dpid]
		if sw.Connected && !p.busy[dpid] && (last == nil || time.Since(last.At) > p.cfg.Interval/2) {
			p.busy[dpid] = true
			dpids = append(dpids, dpid)
		}
	}
	return dpids
}

func (p *Poller) done(dpid openflow.DPID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.busy, dpid)
}

// poll asks one switch for everything and takes in the answers. If one stays
// away, what it told before stays, and gets old.
func (p *Poller) poll(ctx context.Context, dpid openflow.DPID) {
	asking, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	a, err := p.ask(asking, dpid)
	if ctx.Err() != nil || !p.note(dpid, err) {
		return
	}
	p.mu.Lock()
	before := p.samples[dpid]
	p.mu.Unlock()
	s := p.reader.read(before, a) // without the lock: a switch may hold 100,000 entries
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ledger.take(s, a.asked, p.reader.span(before, s.At))
	p.samples[dpid] = s
}

// note reports whether a switch has answered, and logs the first time that one
// has not.
func (p *Poller) note(dpid openflow.DPID, err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := err != nil && !p.failing[dpid]
	p.failing[dpid] = err != nil
	if first {
		p.log.Warn("switch does not tell its counters", "dpid", dpid, "err", err)
	}
	return err == nil
}

// ask puts the questions. Flow entries and meters come one right after the
// other, since they are set against each other.
func (p *Poller) ask(ctx context.Context, dpid openflow.DPID) (*answers, error) {
	a := &answers{dpid: dpid, asked: time.Now()}
	err := question(ctx, p.cfg.Source, dpid, openflow.NewMultipartRequest(openflow.AllFlows()), &a.flows)
	if err == nil {
		err = question(ctx, p.cfg.Source, dpid, openflow.NewMultipartRequest(&openflow.MeterStatsRequest{Meter: openflow.MeterAll}), &a.meters)
	}
	if err == nil {
		err = question(ctx, p.cfg.Source, dpid, openflow.NewMultipartRequest(&openflow.PortStatsRequest{Port: openflow.PortAny}), &a.ports)
	}
	if err == nil {
		err = question(ctx, p.cfg.Source, dpid, &openflow.MultipartRequest{MPType: openflow.MultipartTable}, &a.tables)
	}
	a.at = time.Now()
	return a, err
}

// question puts one question. What a switch refuses to tell stays empty.
func question[R openflow.MultipartReplyBody](ctx context.Context, s Source, dpid openflow.DPID, q *openflow.MultipartRequest, into *R) error {
	body, err := s.Ask(ctx, dpid, q)
	if _, refused := errors.AsType[*openflow.Error](err); refused {
		return nil
	}
	if err != nil {
		return err
	}
	answer, ok := body.(R)
	if !ok {
		return fmt.Errorf("stats: %v: answered with %T", q.MPType, body)
	}
	*into = answer
	return nil
}
