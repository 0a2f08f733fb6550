package stats

import (
	"errors"
	"slices"
	"testing"
	"time"

	"conga/controller/purpose"
	"conga/openflow"
)

// What a policer drops between two samples is reported within a second or two,
// and what drops nothing is not. Totals are those of samples all the same.
// Switches where no circuit begins or ends are not asked more often.
func TestDropsAreSeenBetweenSamples(t *testing.T) {
	var reports []MeterLoad
	var at []time.Time
	seen := func(_ openflow.DPID, when time.Time, loads []MeterLoad) {
		reports, at = append(reports, loads...), append(at, when)
	}
	watch(t, func(c *Config) { c.Interval, c.Drops = 30*time.Second, seen }, func(t *testing.T, p *Poller, src *fakeNetwork) {
		pass(time.Minute)
		before := src.questions()
		pass(10 * time.Minute)
		idle := src.questions() - before
		src.install(p, circuitOver(1))
		src.mu.Lock()
		src.fabric.dropped[1] = &Volume{}
		src.mu.Unlock()
		pass(35 * time.Second)
		src.send(Volume{100, 125_000}) // within the rate
		pass(5 * time.Second)
		if len(reports) != 0 {
			t.Errorf("of what drops nothing is reported %+v", reports)
		}
		sent := time.Now()
		src.mu.Lock()
		src.fabric.send(1, 1, Volume{1000, 1_250_000})
		*src.fabric.dropped[1] = Volume{500, 625_000}
		src.mu.Unlock()
		pass(5 * time.Second)
		if len(reports) != 1 || at[0].Sub(sent) > 1200*time.Millisecond {
			t.Fatalf("reported %+v at %v, after %v", reports, at, sent)
		}
		r := reports[0]
		if entered := float64(r.Entered) * r.Span.Seconds(); r.Kind != purpose.MeterPolicer || r.Of != 7 || r.Entered/2 != r.Dropped ||
			entered < 9.9e6 || entered > 10.1e6 || r.Span > 2*time.Second {
			t.Errorf("reported %+v", r)
		}
		pass(time.Minute)
		if got := p.Allocation("a").Forward; got.Entered != (Volume{1100, 1_375_000}) || got.Dropped != (Volume{500, 625_000}) {
			t.Errorf("the totals are %+v", got)
		}
		src.mu.Lock()
		clear(src.fabric.held[1])
		src.mu.Unlock()
		p.Leave("a")
		pass(2 * time.Minute)
		before = src.questions()
		pass(10 * time.Minute)
		if asked := src.questions() - before; asked > idle {
			t.Errorf("%d questions in ten minutes when all have left, %d before", asked, idle)
		}
	})
}

// What the meters of a watched switch carry is reported as often, also of those
// that drop nothing, until it is watched no more.
func TestWatchedSwitchesAreLookedAt(t *testing.T) {
	var reports []MeterLoad
	seen := func(_ openflow.DPID, _ time.Time, loads []MeterLoad) { reports = append(reports, loads...) }
	var watched map[openflow.DPID]bool
	set := func(c *Config) {
		c.Interval, c.Drops = 30*time.Second, seen
		c.Watched = func() map[openflow.DPID]bool { return watched }
	}
	watch(t, set, func(t *testing.T, p *Poller, src *fakeNetwork) {
		src.install(p, circuitOver(1))
		src.mu.Lock()
		src.fabric.dropped[1] = &Volume{}
		src.mu.Unlock()
		pass(35 * time.Second)
		watched = map[openflow.DPID]bool{1: true, 99: true}
		carry := func(seconds int) {
			for range seconds {
				src.send(Volume{100, 125_000})
				pass(time.Second)
			}
		}
		carry(5)
		if n := len(reports); n < 3 || n > 5 {
			t.Errorf("within 5 s there are %d reports: %+v", n, reports)
		}
		watched, reports = nil, nil
		carry(15)
		if len(reports) != 0 {
			t.Errorf("later there are reports: %+v", reports)
		}
	})
}

// What a switch counts that did not answer for some seconds is the mean over
// these.
func TestDropsAfterAnAbsence(t *testing.T) {
	var reports []MeterLoad
	seen := func(_ openflow.DPID, _ time.Time, loads []MeterLoad) { reports = append(reports, loads...) }
	watch(t, func(c *Config) { c.Interval, c.Drops = 30*time.Second, seen }, func(t *testing.T, p *Poller, src *fakeNetwork) {
		src.install(p, circuitOver(1))
		src.mu.Lock()
		src.fabric.dropped[1] = &Volume{}
		src.mu.Unlock()
		pass(35 * time.Second)
		src.mu.Lock()
		src.fails = errors.New("it is busy")
		src.fabric.send(1, 1, Volume{1000, 1_250_000})
		*src.fabric.dropped[1] = Volume{500, 625_000}
		src.mu.Unlock()
		pass(4 * time.Second)
		src.mu.Lock()
		src.fails = nil
		src.mu.Unlock()
		pass(5 * time.Second)
		if len(reports) != 1 || reports[0].Entered > 2_500_000 || reports[0].Entered/2 != reports[0].Dropped || reports[0].Span < 4*time.Second {
			t.Errorf("reported %+v", reports)
		}
	})
}

// A network with many meters is looked at less often, and one where that would
// be hardly more often than it is sampled is not looked at between samples.
func TestGlimpsesAreBounded(t *testing.T) {
	count := func(meters int, interval, over time.Duration) (glimpses int) {
		now := time.Unix(1_000_000, 0)
		p := &Poller{
			cfg:      Config{Interval: interval, Drops: func(openflow.DPID, time.Time, []MeterLoad) {}}.withDefaults(),
			samples:  map[openflow.DPID]*Sample{1: {At: now, Meters: make([]Meter, meters)}},
			glimpses: newGlimpses(), ledger: newLedger(), failing: map[openflow.DPID]bool{},
		}
		p.ledger.install(circuitOver(1))
		src := &fakeNetwork{}
		src.connect(true)
		for range over / (100 * time.Millisecond) {
			now = now.Add(100 * time.Millisecond)
			p.glimpsesDue(src.snap, now, func(dpid openflow.DPID) {
				glimpses++
				delete(p.glimpses.looking, dpid)
				p.glimpses.last[dpid] = &Sample{At: now, Meters: p.samples[dpid].Meters}
			})
		}
		return glimpses
	}
	got := []int{
		count(10, 5*time.Second, time.Minute), count(8_000, 5*time.Second, time.Minute),
		count(12_000, 5*time.Second, time.Minute), count(10, time.Second, time.Minute),
	}
	if want := []int{60, 30, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("in a minute there are %v glimpses; want %v", got, want)
	}
}
