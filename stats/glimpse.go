package stats

import (
	"context"
	"maps"
	"time"

	"conga/controller/topology"
	"conga/openflow"
)

// Between two samples the meters of switches where circuits begin or end, and
// of those that are watched, are looked at, so that what policers take from
// traffic is known soon.
const (
	glimpseEvery  = time.Second
	glimpseTime   = time.Second // for an answer
	glimpsedMost  = 4_000       // meters a second of all switches; where there are more, glimpses are fewer
	shortestSpan  = glimpseEvery / 2
	glimpsesShare = 2 // of an interval, in which there is one at least, or none at all
)

// glimpses are when, and with what, meters were looked at between samples.
type glimpses struct {
	last    map[openflow.DPID]*Sample   // of meters only
	missed  map[openflow.DPID]time.Time // when a switch did not answer
	looking map[openflow.DPID]bool
}

func newGlimpses() glimpses {
	return glimpses{last: map[openflow.DPID]*Sample{}, missed: map[openflow.DPID]time.Time{}, looking: map[openflow.DPID]bool{}}
}

// latestLocked returns the last sample of a switch or the last look at its
// meters, whichever is later; nil if there is none.
func (p *Poller) latestLocked(dpid openflow.DPID) *Sample {
	s, g := p.samples[dpid], p.glimpses.last[dpid]
	if s == nil || g != nil && g.At.After(s.At) {
		return g
	}
	return s
}

// glimpsesDue calls f with the switches whose meters are to be looked at now.
func (p *Poller) glimpsesDue(s *topology.Snapshot, now time.Time, f func(openflow.DPID)) {
	if p.cfg.Drops == nil || p.cfg.Busy() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switches := maps.Clone(p.cfg.Watched())
	if switches == nil {
		switches = map[openflow.DPID]bool{}
	}
	for dpid := range p.ledger.circuitEnds {
		switches[dpid] = true
	}
	meters := 0
	for dpid := range switches {
		if last := p.latestLocked(dpid); last != nil {
			meters += len(last.Meters)
		}
	}
	every := max(glimpseEvery, time.Duration(meters)*time.Second/glimpsedMost)
	if every > p.cfg.Interval/glimpsesShare {
		return
	}
	for dpid := range switches {
		last := p.latestLocked(dpid)
		if last != nil && now.Sub(last.At) >= every && now.Sub(p.glimpses.missed[dpid]) >= every && !p.glimpses.looking[dpid] && !p.failing[dpid] && s.Switches[dpid].Connected {
			p.glimpses.looking[dpid] = true
			f(dpid)
		}
	}
}

// glimpse asks a switch what its meters count, and reports those that drop.
// What allocations have carried is not taken from it.
func (p *Poller) glimpse(ctx context.Context, dpid openflow.DPID) {
	asking, cancel := context.WithTimeout(ctx, glimpseTime)
	defer cancel()
	asked := time.Now()
	bodies, err := p.cfg.Source.AskAll(asking, dpid, p.questions.meters)
	now := time.Now()
	p.mu.Lock()
	last := p.latestLocked(dpid)
	delete(p.glimpses.looking, dpid)
	if last == nil || last.At.After(asked) {
		p.mu.Unlock()
		return // the answer may be older than what is known
	}
	if err != nil {
		p.glimpses.missed[dpid] = now
		p.mu.Unlock()
		return // what it counts next is held against what it counted last
	}
	counts, _ := bodies[0].(openflow.MeterStatsReply)
	span := p.reader.span(last, now)
	seen := &Sample{DPID: dpid, At: now, Meters: p.reader.readMeters(dpid, last.Meters, counts, span)}
	p.glimpses.last[dpid] = seen
	delete(p.glimpses.missed, dpid)
	p.mu.Unlock()
	if span >= shortestSpan {
		p.drops(seen, span)
	}
}

// drops reports what those meters had to carry that dropped, or all meters of a
// switch that is watched.
func (p *Poller) drops(s *Sample, span time.Duration) {
	var drops []MeterLoad
	watched := p.cfg.Watched()[s.DPID]
	for _, l := range p.loadsOf(s, span) {
		if l.Dropped > 0 || watched {
			drops = append(drops, l)
		}
	}
	if len(drops) > 0 {
		p.cfg.Drops(s.DPID, s.At, drops)
	}
}
