package stats

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/openflow"
)

// An idleTest is an allocation of 1 Mbit/s over one switch, which is idle below
// 5 % and may be so for ten minutes.
type idleTest struct {
	*Poller
	*fakeNetwork
	circuit path.Circuit
	began   time.Time
	policy  Idleness
	archive Archive

	guard sync.Mutex
	owner Owner
	log   []string // what was reported, in minutes from the start
}

// forget forgets what has been reported.
func (i *idleTest) forget() {
	i.guard.Lock()
	defer i.guard.Unlock()
	i.log = nil
}

// said returns what has been reported.
func (i *idleTest) said() []string {
	i.guard.Lock()
	defer i.guard.Unlock()
	return slices.Clone(i.log)
}

// own changes what the owner is.
func (i *idleTest) own(change func(*Owner)) Owner {
	i.guard.Lock()
	defer i.guard.Unlock()
	change(&i.owner)
	return i.owner
}

func (i *idleTest) configure(c *Config) {
	note := func(what string) func(string, Idle) {
		return func(id string, idle Idle) {
			i.guard.Lock()
			defer i.guard.Unlock()
			at := func(t time.Time) string { return fmt.Sprintf("%.0f", t.Sub(i.began).Minutes()) }
			if idle == (Idle{}) {
				i.log = append(i.log, fmt.Sprintf("%s: %s used", at(time.Now()), id))
				return
			}
			i.log = append(i.log, fmt.Sprintf("%s: %s %s since %s, until %s", at(time.Now()), id, what, at(idle.Since), at(idle.Until)))
		}
	}
	c.Idleness = func(project string) Idleness {
		i.guard.Lock()
		defer i.guard.Unlock()
		if project == "p" {
			return i.policy
		}
		return Idleness{}
	}
	c.Idle = note("idle")
	c.Reclaim = func(id string, idle Idle) {
		note("reclaimed")(id, idle)
		i.Changed(id, i.own(func(o *Owner) { o.Complete = true }), false)
		i.Leave(id)
	}
	c.Archive = i.archive
	c.Owner = func(string) (Owner, bool) { return i.own(func(*Owner) {}), true }
}

// carry has so many minutes pass, with so many bit/s from the source and back.
func (i *idleTest) carry(minutes int, rate, back float64) {
	for range minutes * 12 {
		for port, bits := range map[openflow.PortNo]float64{1: rate, 2: back} {
			if bits > 0 {
				i.fakeNetwork.mu.Lock()
				i.fabric.send(1, port, Volume{1, uint64(bits * 5 / 8)})
				i.fakeNetwork.mu.Unlock()
			}
		}
		pass(5 * time.Second)
	}
}

// expect checks what has been reported since it was called last.
func (i *idleTest) expect(t *testing.T, when string, want ...string) {
	t.Helper()
	if fmt.Sprint(i.said()) != fmt.Sprint(want) {
		t.Errorf("%s: reported %q, want %q", when, i.said(), want)
	}
	i.forget()
}

// counts checks what Prometheus reads.
func (i *idleTest) counts(t *testing.T, idle int) {
	t.Helper()
	r := prometheus.NewRegistry()
	if err := i.RegisterIdle(r, func() uint64 { return 7 }); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("# HELP conga_allocations_idle Allocations that hardly anything uses, for half of the time that their projects allow.\n"+
		"# TYPE conga_allocations_idle gauge\nconga_allocations_idle %d\n"+
		"# HELP conga_allocations_reclaimed_total Allocations given up because hardly anything used them.\n"+
		"# TYPE conga_allocations_reclaimed_total counter\nconga_allocations_reclaimed_total 7\n", idle)
	if err := testutil.GatherAndCompare(r, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

// idleness runs f with an allocation that has just become active.
func idleness(t *testing.T, adjust func(*idleTest), f func(*testing.T, *idleTest)) {
	i := &idleTest{policy: Idleness{Below: .05, For: 10 * time.Minute}, owner: Owner{Project: "p", Started: true}}
	i.circuit = circuitOver(1)
	i.circuit.Rate = bitrate.Mbps
	if adjust != nil {
		adjust(i)
	}
	watch(t, i.configure, func(t *testing.T, p *Poller, src *fakeNetwork) {
		i.Poller, i.fakeNetwork, i.began = p, src, time.Now()
		src.install(p, i.circuit)
		p.Confirmed(i.circuit)
		f(t, i)
	})
}

// An allocation that hardly carries anything is reported after half of the
// time, and given up after all of it.
func TestIdle(t *testing.T) {
	for _, rate := range []float64{0, 40_000} {
		idleness(t, nil, func(t *testing.T, i *idleTest) {
			i.carry(5, rate, 0)
			i.expect(t, "for five minutes")
			i.carry(1, rate, 0)
			i.expect(t, "for six minutes", "5: a idle since 0, until 10")
			i.counts(t, 1)
			if got := i.Idle("a"); got.Until.Sub(got.Since) != 10*time.Minute || got.Below != .05 {
				t.Errorf("told is %+v", got)
			}
			i.carry(4, rate, 0)
			i.expect(t, "for ten minutes")
			i.carry(1, rate, 0)
			i.expect(t, "for eleven minutes", "10: a reclaimed since 0, until 10")
			i.carry(20, rate, 0)
			i.expect(t, "afterwards")
			i.counts(t, 0)
		})
	}
}

// Traffic in either direction, once in a while, keeps an allocation, and what
// was said of it is taken back.
func TestIdleNoMore(t *testing.T) {
	for name, c := range map[string]struct{ forth, back float64 }{"forth": {60_000, 0}, "back": {0, 60_000}, "both": {900_000, 900_000}} {
		idleness(t, nil, func(t *testing.T, i *idleTest) {
			for range 6 {
				i.carry(4, 0, 0)
				i.carry(1, c.forth, c.back)
			}
			i.expect(t, name+": now and then")
			i.carry(6, 0, 0)
			if len(i.said()) != 1 {
				t.Errorf("%s: %q", name, i.said())
			}
			i.forget()
			i.carry(1, c.forth, c.back)
			i.expect(t, name+": again", "36: a used")
			i.carry(9, 0, 0)
			if len(i.said()) != 1 || i.Idle("a") == (Idle{}) {
				t.Errorf("%s: %q", name, i.said())
			}
		})
	}
}

// What promises nothing, or has no policy, is never idle; and of one direction
// that has a rate only that one counts.
func TestIdleNever(t *testing.T) {
	for name, c := range map[string]struct {
		adjust func(*idleTest)
		back   float64
	}{
		"no rate":       {func(i *idleTest) { i.circuit.Rate = 0 }, 0},
		"what is spare": {func(i *idleTest) { i.owner.Spare = true }, 0},
		"no policy":     {func(i *idleTest) { i.policy = Idleness{} }, 0},
		"other policy":  {func(i *idleTest) { i.owner.Project = "q" }, 0},
		"two rates":     {func(i *idleTest) { i.circuit.Reverse = path.Reverse{Apart: true, Rate: 10_000} }, 1000},
	} {
		idleness(t, c.adjust, func(t *testing.T, i *idleTest) {
			i.carry(60, 0, c.back)
			i.expect(t, name)
		})
	}
	idleness(t, func(i *idleTest) { i.circuit.Reverse = path.Reverse{Apart: true} }, func(t *testing.T, i *idleTest) {
		i.carry(6, 0, 500_000)
		i.expect(t, "only one direction has a rate", "5: a idle since 0, until 10")
	})
}

// While it is not known what is carried, or less than was promised is there,
// an allocation is not idle, and afterwards all of the time passes anew.
func TestIdleIsSure(t *testing.T) {
	for name, c := range map[string]struct{ begin, end func(*idleTest) }{
		"switch away": {func(i *idleTest) { i.connect(false) }, func(i *idleTest) { i.connect(true) }},
		"degraded": {
			func(i *idleTest) {
				i.Changed("a", i.own(func(o *Owner) { o.Shortfall = Shortfall{Cause: Narrowed, Why: "less"} }), false)
			},
			func(i *idleTest) {
				i.Changed("a", i.own(func(o *Owner) { o.Shortfall = Shortfall{Cause: causes} }), false)
			},
		},
		"moving": {
			func(i *idleTest) {
				i.circuit = circuitOver(1, 2)
				i.circuit.Rate = bitrate.Mbps
				i.install(i.Poller, i.circuit)
			},
			func(i *idleTest) {
				i.circuit = circuitOver(1)
				i.circuit.Rate = bitrate.Mbps
				i.install(i.Poller, i.circuit)
				i.Confirmed(i.circuit)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			idleness(t, func(i *idleTest) { i.owner.Shortfall.Cause = causes }, func(t *testing.T, i *idleTest) {
				i.carry(9, 0, 0)
				i.expect(t, "before", "5: a idle since 0, until 10")
				c.begin(i)
				i.carry(20, 0, 0)
				if len(i.said()) != 1 || i.Idle("a") != (Idle{}) {
					t.Errorf("meanwhile: %q", i.said())
				}
				i.forget()
				c.end(i)
				i.carry(9, 0, 0)
				if len(i.said()) != 1 {
					t.Errorf("afterwards: %q", i.said())
				}
				i.carry(3, 0, 0)
				if len(i.said()) != 2 {
					t.Errorf("at the end: %q", i.said())
				}
			})
		})
	}
}

// A restart of the daemon reclaims nothing early: what it has not seen does not
// count.
func TestIdleOverARestart(t *testing.T) {
	kept := newCupboard()
	for run := range 3 {
		idleness(t, func(i *idleTest) { i.archive = kept }, func(t *testing.T, i *idleTest) {
			i.carry(8, 0, 0)
			i.expect(t, fmt.Sprint("run ", run), "5: a idle since 0, until 10")
		})
	}
}

// Where the time becomes shorter than an allocation has been idle, half of it
// is left from then on.
func TestIdleForLess(t *testing.T) {
	idleness(t, nil, func(t *testing.T, i *idleTest) {
		i.carry(4, 0, 0)
		i.guard.Lock()
		i.policy.For = 2 * time.Minute
		i.guard.Unlock()
		i.carry(2, 0, 0)
		said := i.said()
		if len(said) != 2 || said[0] != "4: a idle since 3, until 5" {
			t.Errorf("said is %q", said)
		}
	})
}

// Of many that are idle only some are given up at a look, since others that
// wait may have what these held meanwhile; the rest is at the looks after that.
func TestFewAreReclaimedAtATime(t *testing.T) {
	const many = 2*mostReclaimed + 10
	var guard sync.Mutex
	var p *Poller
	reclaimed := map[time.Time]int{}
	once := map[string]bool{}
	watch(t, func(c *Config) {
		c.Idleness = func(string) Idleness { return Idleness{Below: .05, For: 10 * time.Minute} }
		c.Idle = func(string, Idle) {}
		c.Owner = func(string) (Owner, bool) { return Owner{Project: "p", Started: true}, true }
		c.Reclaim = func(id string, _ Idle) {
			guard.Lock()
			defer guard.Unlock()
			reclaimed[time.Now()]++
			once[id] = true
			p.Changed(id, Owner{Project: "p", Started: true, Complete: true}, false)
		}
	}, func(t *testing.T, poller *Poller, src *fakeNetwork) {
		guard.Lock()
		p = poller
		guard.Unlock()
		for i := range many {
			c := circuitOver(1)
			c.ID, c.Handle, c.Rate = fmt.Sprint(i), uint32(100+i), bitrate.Mbps
			c.Path[0].In, c.Path[0].Out = openflow.PortNo(1000+2*i), openflow.PortNo(1001+2*i)
			src.install(p, c)
			src.mu.Lock()
			for _, in := range []openflow.PortNo{c.Path[0].In, c.Path[0].Out} {
				src.fabric.held[1][in].Cookie = purpose.MakeCookie(purpose.Allocation, uint64(c.Handle))
			}
			src.mu.Unlock()
			p.Confirmed(c)
		}
		pass(15 * time.Minute)
		guard.Lock()
		defer guard.Unlock()
		for at, n := range reclaimed {
			if n > mostReclaimed {
				t.Errorf("%d are given up at %s", n, at)
			}
		}
		if len(once) != many || len(reclaimed) != 3 {
			t.Errorf("of %d, %d are given up at %d looks", many, len(once), len(reclaimed))
		}
	})
}
