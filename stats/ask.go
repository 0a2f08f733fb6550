package stats

import (
	"context"
	"fmt"
	"maps"
	"time"

	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
	"conga/stats/history"
)

// poll asks one switch for its counters and takes in the answers. If it does
// not answer, its last sample stays, and gets old.
func (p *Poller) poll(ctx context.Context, dpid openflow.DPID) {
	asking, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	a, err := p.ask(asking, dpid)
	if ctx.Err() != nil || !p.note(dpid, err) {
		return
	}
	p.mu.Lock()
	before, counted := p.samples[dpid], p.ledger.counted(dpid)
	p.mu.Unlock()
	s, tallies := p.reader.read(before, a), readTallies(a.flows, counted) // without the lock: a switch may hold many
	p.frames(s)
	p.loads(s, p.reader.span(before, s.At))
	runs := p.takeIn(before, s, tallies, a)
	if p.cfg.History != nil {
		p.cfg.History.Add(append(runs, portRuns(before, s, p.cfg.Source.Snapshot().Switches[dpid], p.reader.span(before, s.At))...))
	}
}

// takeIn makes a sample the last one of its switch, and returns how fast
// allocations went there since the one before.
func (p *Poller) takeIn(before, s *Sample, tallies []tally, a *answers) (runs []history.Input) {
	dpid, span := s.DPID, p.reader.span(before, s.At)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ledger.doubtAt(p.cfg.Source.Snapshot(), dpid)
	p.ledger.take(s, tallies, a.entriesAsked, a.asked, span)
	if a.entriesAsked && p.cfg.History != nil {
		runs = p.ledger.runs(s, p.most())
	}
	if before != nil {
		p.tableCount -= len(before.Tables)
	}
	p.tableCount += len(s.Tables)
	p.samples[dpid] = s
	return runs
}

// tablesDueLocked reports whether a switch is to be asked for its tables. Open
// vSwitch has 254, most of them empty: many switches are not asked for them
// every time.
func (p *Poller) tablesDueLocked(last *Sample, now time.Time) bool {
	return last == nil || now.Sub(last.TablesAt) > p.tablesEveryLocked()-p.cfg.Interval/2
}

// tablesEveryLocked returns the time between two questions about the tables of
// a switch, a multiple of the interval.
func (p *Poller) tablesEveryLocked() time.Duration {
	most := max(1, int(p.cfg.Interval.Seconds()*rowsPerSecond))
	return p.cfg.Interval * time.Duration(max(1, (p.tableCount+most-1)/most))
}

// note reports whether a switch has answered, and logs the first time that it
// has not.
func (p *Poller) note(dpid openflow.DPID, err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := err != nil && !p.failing[dpid]
	if err != nil {
		p.failing[dpid] = true
	} else {
		delete(p.failing, dpid)
	}
	if first {
		p.cfg.Log.Warn("switch does not tell its counters", "dpid", dpid, "err", err)
	}
	return err == nil
}

// ask asks a switch all questions at once. Entries of allocations are asked for
// only where some are counted; the switch answers that question and the one for
// meters one right after the other, since they are compared with each other.
func (p *Poller) ask(ctx context.Context, dpid openflow.DPID) (*answers, error) {
	p.mu.Lock()
	now := time.Now()
	a := &answers{dpid: dpid, asked: now, entriesAsked: p.ledger.awaits(dpid), tablesAsked: p.tablesDueLocked(p.samples[dpid], now)}
	p.mu.Unlock()
	var questions []*openflow.MultipartRequest
	if a.entriesAsked {
		questions = append(questions, p.questions.entries)
	}
	questions = append(questions, p.questions.meters, p.questions.ports)
	if a.tablesAsked {
		questions = append(questions, p.questions.tables)
	}
	bodies, err := p.cfg.Source.AskAll(ctx, dpid, questions...)
	if err != nil {
		return nil, err
	}
	a.at = time.Now()
	for i, body := range bodies {
		switch b := body.(type) {
		case nil: // what a switch refuses to answer stays empty
		case openflow.FlowStatsReply:
			a.flows = b
		case openflow.MeterStatsReply:
			a.meters = b
		case openflow.PortStatsReply:
			a.ports = b
		case openflow.TableStatsReply:
			a.tables = b
		default:
			return nil, fmt.Errorf("stats: %v: answered with %T", questions[i].MPType, body)
		}
	}
	return a, nil
}

// The questions are what switches are asked. They are not changed.
type questions struct {
	entries, meters, ports, tables, flows *openflow.MultipartRequest
}

func newQuestions() questions {
	all, ours := openflow.AllFlows(), openflow.AllFlows()
	ours.Cookie, ours.CookieMask = purpose.MakeCookie(purpose.Allocation, 0), purpose.CookieMask|purpose.KindMask
	return questions{
		entries: openflow.NewMultipartRequest(ours),
		meters:  openflow.NewMultipartRequest(&openflow.MeterStatsRequest{Meter: openflow.MeterAll}),
		ports:   openflow.NewMultipartRequest(&openflow.PortStatsRequest{Port: openflow.PortAny}),
		tables:  &openflow.MultipartRequest{MPType: openflow.MultipartTable},
		flows:   openflow.NewMultipartRequest(all),
	}
}

// due calls f with the switches to be asked now, and whether they have not
// answered last: of those whose time has come the ones that are connected and
// not being asked. A slow switch that answered a moment ago is left out: over
// too short a time a rate is noise.
func (p *Poller) due(r *roster, s *topology.Snapshot, now time.Time, f func(dpid openflow.DPID, failing bool)) {
	if r.late(now) < p.cfg.Interval/2 && p.cfg.Busy() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r.due(now, func(dpid openflow.DPID) {
		last := p.samples[dpid]
		if s.Switches[dpid].Connected && !p.busy[dpid] && (last == nil || now.Sub(last.At) > p.cfg.Interval/2) {
			p.busy[dpid] = true
			f(dpid, p.failing[dpid])
		}
	})
}

func (p *Poller) done(dpid openflow.DPID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.busy, dpid)
}

// follow takes in which switches there are, and forgets what was known of
// others.
func (p *Poller) follow(r *roster, s *topology.Snapshot) {
	if r.seen == s {
		return
	}
	r.follow(s)
	p.mu.Lock()
	defer p.mu.Unlock()
	for dpid, last := range p.samples {
		if _, known := s.Switches[dpid]; !known {
			p.tableCount -= len(last.Tables)
			delete(p.samples, dpid)
		}
	}
	forget(p.failing, s) // some of which never told anything
	forget(p.disbelieved, s)
	forget(p.glimpses.last, s)
	forget(p.glimpses.missed, s)
	forget(p.dumps, s)
}

// forget drops what is kept of switches that are not in the network. Any
// program may connect as one, under as many datapath IDs as it likes.
func forget[V any](of map[openflow.DPID]V, s *topology.Snapshot) {
	maps.DeleteFunc(of, func(dpid openflow.DPID, _ V) bool {
		_, known := s.Switches[dpid]
		return !known
	})
}
