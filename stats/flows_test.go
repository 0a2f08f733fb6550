package stats

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"conga/openflow"
)

// Entries are listed when they are asked for, once for all that ask, and again
// for a minute; then they are forgotten.
func TestEntriesAreListedOnRequest(t *testing.T) {
	watch(t, nil, func(t *testing.T, p *Poller, src *fakeNetwork) {
		pass(time.Minute)
		if src.entries != 0 {
			t.Errorf("%d entries were read for nothing", src.entries)
		}
		src.install(p, circuitOver(1))
		src.send(Volume{10, 1000})
		pass(2 * time.Second)
		before := src.questions()
		src.mu.Lock()
		src.slow = 100 * time.Millisecond
		src.mu.Unlock()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				l, ok := p.Flows(t.Context(), src.Snapshot().Switches[1])
				if !ok || l.Stale || len(l.Flows) != 2 || l.Flows[0].Allocation != "a" || time.Since(l.At) > time.Second {
					t.Errorf("listed %+v, %v", l, ok)
				}
			})
		}
		all.Wait()
		if n := src.questions() - before; n != 1 {
			t.Errorf("%d questions for ten who ask at once", n)
		}
		pass(11 * time.Second)
		src.send(Volume{5, 500})
		pass(5 * time.Second)
		before = src.questions()
		l, _ := p.Flows(t.Context(), src.Snapshot().Switches[1])
		var rate uint64
		for _, f := range l.Flows {
			if f.Rate != nil {
				rate += uint64(f.Rate.Bits)
			}
		}
		if src.questions() != before || rate != 800 || time.Since(l.At) > 5*time.Second {
			t.Errorf("after some seconds: %d questions, %d bit/s at %v", src.questions()-before, rate, time.Since(l.At))
		}
		pass(listFor + 10*time.Second)
		if len(p.dumps) != 0 {
			t.Error("the listing is kept though nobody asks for it")
		}
	})
}

// Of a switch that is away, or does not answer, the last listing is shown, with
// its time.
func TestOldListingsTellTheirTime(t *testing.T) {
	watch(t, nil, func(t *testing.T, p *Poller, src *fakeNetwork) {
		if _, ok := p.Flows(t.Context(), src.Snapshot().Switches[1]); !ok {
			t.Fatal("nothing is listed")
		}
		answered := time.Now()
		src.mu.Lock()
		src.fails = errors.New("no answer")
		src.mu.Unlock()
		pass(20 * time.Second)
		if l, ok := p.Flows(t.Context(), src.Snapshot().Switches[1]); !ok || !l.Stale || !l.At.Equal(answered) {
			t.Errorf("a silent switch lists %+v, %v", l, ok)
		}
		src.connect(false)
		if l, ok := p.Flows(t.Context(), src.Snapshot().Switches[1]); !ok || !l.Stale || !l.At.Equal(answered) {
			t.Errorf("a switch that is away lists %+v, %v", l, ok)
		}
	})
}

// More than the budget is not read in a time, and what is kept is bounded.
func TestListingsAreBounded(t *testing.T) {
	now := time.Unix(1000, 0)
	b := newBudget(now)
	read := 0
	for range 600 { // a minute, of switches of 7,000 entries that are asked for all the time
		if b.allows(now) {
			b.spend(7000, now)
			read += 7000
		}
		now = now.Add(100 * time.Millisecond)
	}
	if most := listedAtOnce + 60*listedPerSecond + 7000; read > most || read < most-20_000 {
		t.Errorf("%d entries were read in a minute", read)
	}

	p, err := New(t.Context(), Config{Source: &manySwitches{}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		d := &dump{at: now, wanted: now.Add(time.Duration(i)), flows: make([]Flow, 50_000)}
		p.dumps[openflow.DPID(i+1)] = d
		p.trimLocked(d)
	}
	if len(p.dumps) != listedKept/50_000 || p.dumps[10] == nil || p.dumps[1] != nil {
		t.Errorf("%d listings are kept", len(p.dumps))
	}
	huge := &dump{at: now, wanted: now.Add(time.Hour), flows: make([]Flow, listedKept+1)}
	p.dumps[99] = huge
	if p.trimLocked(huge); len(p.dumps) != 1 {
		t.Errorf("%d listings are kept beside one that is large", len(p.dumps))
	}
}

// A first listing of a switch waits for leave to read, but not forever.
func TestFirstListingWaitsForLeave(t *testing.T) {
	watch(t, nil, func(t *testing.T, p *Poller, src *fakeNetwork) {
		p.mu.Lock()
		p.budget.spend(listedAtOnce+3*listedPerSecond, time.Now())
		p.mu.Unlock()
		begun := time.Now()
		if _, ok := p.Flows(t.Context(), src.Snapshot().Switches[1]); !ok || time.Since(begun) < 3*time.Second || time.Since(begun) > 4*time.Second {
			t.Errorf("listed %v after %v", ok, time.Since(begun))
		}
		pass(6 * time.Second)
		p.mu.Lock()
		p.budget.spend(100*listedAtOnce, time.Now())
		p.mu.Unlock()
		begun = time.Now()
		if l, ok := p.Flows(t.Context(), src.Snapshot().Switches[1]); !ok || !time.Now().Equal(begun) || l.At.IsZero() {
			t.Errorf("an earlier listing took %v", time.Since(begun))
		}
		synctest.Wait()
	})
}
