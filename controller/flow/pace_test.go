package flow

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/controller/purpose"
	"conga/openflow"
)

// greedy is traffic that takes all that a meter lets through, at a switch that
// fills a meter's bucket whenever it is added or modified.
type greedy struct {
	r    *Reconciler
	id   openflow.MeterID
	now  time.Time
	want Meter
	has  Meter
	sent int // messages about the meter

	gained float64 // kbit that went through beyond the wanted rates
	least  float64 // of gained so far
	most   float64 // of what was gained over any time
}

func newGreedy(id openflow.MeterID, want Meter) *greedy {
	g := &greedy{r: NewReconciler(Whole{Meters: map[openflow.MeterID]Meter{id: want}}, 1), id: id, now: time.Unix(1_000_000, 0), want: want}
	g.r.Begin()
	g.follow()
	return g
}

// follow has the switch do at once what it is sent.
func (g *greedy) follow() {
	for steps := g.r.Next(10, g.now); len(steps) > 0; steps = g.r.Next(10, g.now) {
		for _, s := range steps {
			if s.MeterID != g.id {
				continue
			}
			g.sent++
			if g.has = (Meter{}); s.Meter != nil {
				g.has = *s.Meter
				g.gained += float64(g.has.Burst)
				g.most = max(g.most, g.gained-g.least)
			}
		}
		g.r.Landed(nil)
	}
}

// change has another rate wanted.
func (g *greedy) change(want Meter) {
	g.want = want
	p := NewPatch()
	p.Meters[g.id] = &want
	_, last := g.r.Confirmed()
	g.r.Want(p, last+1, last+1)
	g.follow()
}

// pass lets time go by.
func (g *greedy) pass(d time.Duration) {
	for end := g.now.Add(d); g.now.Before(end); g.follow() {
		next := end
		if due := g.r.Due(); !due.IsZero() && due.Before(end) {
			next = due
		}
		g.gained += (float64(g.has.Rate) - float64(g.want.Rate)) * next.Sub(g.now).Seconds()
		g.least = min(g.least, g.gained)
		g.most = max(g.most, g.gained-g.least)
		g.now = next
	}
}

func policing(rate uint32) Meter {
	return Meter{Rate: rate, Burst: max(rate*3/10, minBurst)}
}

// However often a rate is changed to and fro, what goes through is what was
// wanted, a burst and a small one. In the end the meter is as wanted.
func TestChangesOfAMeterGiveNoMore(t *testing.T) {
	port, _ := purpose.PortID(1)
	for name, c := range map[string]struct {
		id     openflow.MeterID
		of     func(uint32) Meter
		rate   uint32
		every  time.Duration
		atMost float64 // kbit
	}{
		"a policer of 2 Mbit/s":       {purpose.PolicerID(1), policing, 2000, 4 * time.Second / 30, 600 + 2*25},
		"a policer that is hammered":  {purpose.PolicerID(1), policing, 2000, time.Millisecond, 600 + 2*25},
		"a policer of 100 kbit/s":     {purpose.PolicerID(1), policing, 100, 100 * time.Millisecond, 30 + 2*25},
		"a policer of 1 Gbit/s":       {purpose.PolicerID(1), policing, 1_000_000, 10 * time.Millisecond, 300_000 + 2*10_000},
		"best effort of 60 Mbit/s":    {port, func(rate uint32) Meter { return drop(rate, shortBurst) }, 60_000, 10 * time.Millisecond, 600 + 2*600},
		"what is flooded at 1 Mbit/s": {purpose.FloodID, func(rate uint32) Meter { return drop(rate, shortBurst) }, 1000, 10 * time.Millisecond, 25 + 2*25},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGreedy(c.id, c.of(c.rate))
			g.pass(10 * time.Second)
			for n := range 400 {
				g.change(c.of(c.rate - uint32(1-n%2)))
				g.pass(c.every)
			}
			if g.most > c.atMost {
				t.Errorf("%.0f kbit more went through than was wanted, want at most %.0f", g.most, c.atMost)
			}
			if least := -(0.1*float64(c.rate)*(400*c.every+10*time.Second).Seconds() + 1); g.gained < least {
				t.Errorf("%.0f kbit less went through than was wanted, want at most a tenth: %.0f", -g.gained, -least)
			}
			g.pass(20 * time.Second)
			if g.has != g.want {
				t.Errorf("in the end the meter is %+v, want %+v", g.has, g.want)
			}
			sent := g.sent
			if g.pass(time.Minute); g.sent != sent || !g.r.Due().IsZero() {
				t.Errorf("%d messages were sent though nothing changes", g.sent-sent)
			}
		})
	}
}

// What a change gives up, others are promised: it goes at once, however short
// ago the last one was.
func TestChangeDownwardsGoesAtOnce(t *testing.T) {
	g := newGreedy(purpose.PolicerID(1), policing(50_000))
	for _, rate := range []uint32{49_000, 20_000, 10_000} {
		if g.change(policing(rate)); g.has != policing(rate).eased(shortBurst) {
			t.Errorf("after a change to %d kbit/s the meter is %+v", rate, g.has)
		}
	}
	if g.change(policing(50_000)); g.has != policing(10_000).eased(shortBurst) {
		t.Errorf("a change upwards does not wait until it is paid for: %+v", g.has)
	}
	if circuits, all := g.r.Confirmed(); circuits != 5 || all != 5 {
		t.Errorf("what is put off keeps generation 5 from being confirmed: %d, %d", circuits, all)
	}
	if g.pass(10 * time.Second); g.has != policing(50_000) {
		t.Errorf("in the end the meter is %+v", g.has)
	}
}

// Changes at random give no more than a burst and small ones, whose sum is
// bounded.
func TestAnyChangesGiveNoMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := func() Meter { return policing(rapid.Uint32Range(1000, 2000).Draw(t, "rate")) }
		g := newGreedy(purpose.PolicerID(1), rate())
		for range rapid.IntRange(1, 200).Draw(t, "changes") {
			g.change(rate())
			g.pass(time.Duration(rapid.IntRange(1, 500).Draw(t, "pause")) * time.Millisecond)
		}
		// Ten small bursts of changes downwards, and ten of what is given up a
		// little at a time and put off.
		if most := 600 + 20.0*minBurst; g.most > most {
			t.Fatalf("%.0f kbit more went through than was wanted, want at most %.0f", g.most, most)
		}
		if g.pass(time.Minute); g.has != g.want {
			t.Fatalf("in the end the meter is %+v, want %+v", g.has, g.want)
		}
	})
}

// What is a tenth less, or not that much, waits like a change upwards.
func TestATenthLessWaits(t *testing.T) {
	g := newGreedy(purpose.PolicerID(1), policing(20_000))
	g.change(policing(10_000))
	if g.change(policing(9000)); g.has != policing(10_000).eased(shortBurst) {
		t.Errorf("a change by a tenth does not wait: %+v", g.has)
	}
	if g.change(g.has); !g.r.Due().IsZero() {
		t.Errorf("what is as wanted is due at %v", g.r.Due())
	}
}

// Changes downwards in a row are paid for together before a change upwards,
// but for more than a few.
func TestChangesDownwardsAreOwed(t *testing.T) {
	const small = 100 * time.Millisecond // pays for 10 ms of a rate
	for downs, owed := range map[int]time.Duration{1: small, 2: 2 * small, 4: 4 * small, 10: mostOwed * small} {
		rate := uint32(100_000)
		g := newGreedy(purpose.PolicerID(1), policing(rate))
		for range downs {
			rate = rate * 8 / 10
			g.change(policing(rate))
		}
		was := g.has
		g.change(policing(100_000))
		if g.pass(owed - small/10); g.has != was {
			t.Errorf("after %d changes downwards one upwards waits for less than %v", downs, owed)
		}
		if g.pass(small / 5); g.has != policing(100_000).eased(shortBurst) {
			t.Errorf("after %d changes downwards one upwards waits for more than %v", downs, owed)
		}
	}
}

func TestEased(t *testing.T) {
	for m, want := range map[Meter]Meter{
		{Rate: 2000, Burst: 600}:          {Rate: 1800, Burst: 25},
		{Rate: 1_000_000, Burst: 300_000}: {Rate: 900_000, Burst: 10_000},
		{Rate: 60_000, Burst: 600}:        {Rate: 54_000, Burst: 600},
		{Rate: 5, Burst: 25}:              {Rate: 4, Burst: 25},
		{Rate: 2, Burst: 25}:              {Rate: 1, Burst: 25},
		{Rate: 1, Burst: 25}:              {Rate: 1, Burst: 25},
	} {
		if got := m.eased(shortBurst); got != want {
			t.Errorf("%+v eased is %+v, want %+v", m, got, want)
		}
	}
	for _, c := range []struct {
		rate, burst uint32
		want        time.Duration
	}{{2000, 625, 3125 * time.Millisecond}, {5, 3, 3 * time.Second}, {5, 25, mostPay}} {
		if got := (Meter{Rate: c.rate}).payFor(c.burst); got != c.want {
			t.Errorf("%d kbit/s pays for %d kbit in %v, want %v", c.rate, c.burst, got, c.want)
		}
	}
}

// Meters that share out nothing are changed as they come.
func TestMetersOfPacketsAreNotPaced(t *testing.T) {
	g := newGreedy(purpose.UnknownID, Meter{Packets: true, Rate: 1000, Burst: 1000})
	for _, rate := range []uint32{900, 1000} {
		want := Meter{Packets: true, Rate: rate, Burst: rate}
		sent := g.sent
		if g.change(want); g.has != want || g.sent != sent+1 {
			t.Errorf("the meter is %+v, want %+v at once", g.has, want)
		}
	}
}

// swap has meters go and one come.
func (g *greedy) swap(come openflow.MeterID, want Meter, gone ...openflow.MeterID) {
	p := NewPatch()
	for _, id := range gone {
		p.Meters[id] = nil
	}
	p.Meters[come] = &want
	_, last := g.r.Confirmed()
	g.id, g.want = come, want
	g.r.Want(p, last+1, last+1)
	g.follow()
}

// A policer that comes soon after one has gone may be that of the same traffic
// under another name: it begins with a small burst, too.
func TestPolicerAfterAnotherBeginsEased(t *testing.T) {
	g := newGreedy(purpose.PolicerID(1), policing(2000))
	g.swap(purpose.PolicerID(2), policing(2000), g.id) // the new one is sent before the old one goes
	if g.has != policing(2000).eased(shortBurst) {
		t.Errorf("the first new policer is %+v", g.has)
	}
	g.swap(purpose.PolicerID(3), policing(2000), g.id)
	if g.has != policing(2000).eased(shortBurst) {
		t.Errorf("the new policer is %+v", g.has)
	}
	if g.pass(10 * time.Second); g.has != policing(2000) {
		t.Errorf("ten seconds later the new policer is %+v", g.has)
	}
}

// How long a new policer begins eased follows from all that have gone, and from
// policers only.
func TestWhatHasGoneMakesPolicersEased(t *testing.T) {
	slow, fast := purpose.PolicerID(1), purpose.PolicerID(2)
	g := newGreedy(slow, policing(100))
	g.swap(fast, policing(1_000_000))
	port, _ := purpose.PortID(1)
	g.swap(port, drop(1000, shortBurst), slow)
	g.swap(port, drop(1000, shortBurst), fast)
	g.pass(4 * time.Second) // the fast one has paid by then, the slow one has not
	if g.swap(slow, policing(100)); g.has != policing(100).eased(shortBurst) {
		t.Errorf("the new policer is %+v", g.has)
	}
	g = newGreedy(port, drop(1000, shortBurst))
	g.swap(slow, policing(100), port)
	g.swap(fast, policing(2000), port)
	if g.has != policing(2000) {
		t.Errorf("after another meter has gone the new policer is %+v", g.has)
	}
}

// What comes next is due first.
func TestDueIsTheFirst(t *testing.T) {
	want := Whole{Meters: map[openflow.MeterID]Meter{}}
	for n := range uint32(6) {
		want.Meters[purpose.PolicerID(n)] = policing(100 + 100*n)
	}
	r := NewReconciler(want, 1)
	for id, m := range want.Meters {
		r.TellMeter(id, m.eased(shortBurst))
	}
	r.Begin()
	now := time.Unix(1_000_000, 0)
	r.Next(10, now)
	first := mostPay
	for _, m := range want.Meters {
		first = min(first, m.payWhole(shortBurst))
	}
	if got := r.Due().Sub(now); got != first {
		t.Errorf("due after %v, want %v", got, first)
	}
}

// A session finds what an earlier one has eased, and goes on from there.
func TestEasedMeterIsFound(t *testing.T) {
	id, want := purpose.PolicerID(1), policing(2000)
	r := NewReconciler(Whole{Meters: map[openflow.MeterID]Meter{id: want}}, 5)
	r.TellMeter(id, want.eased(shortBurst))
	r.Begin()
	now := time.Unix(1_000_000, 0)
	if steps := r.Next(10, now); len(steps) > 0 {
		t.Fatalf("sent at once: %+v", steps)
	}
	due := r.Due()
	if steps := r.Next(10, due.Add(-1)); due.Sub(now) < 3*time.Second || len(steps) > 0 {
		t.Errorf("due after %v, sent before that: %+v", due.Sub(now), steps)
	}
	if steps := r.Next(10, due); len(steps) != 1 || *steps[0].Meter != want {
		t.Errorf("sent when it is due: %+v", steps)
	}
	if c, all := r.Confirmed(); c != 5 || all != 5 || !r.Due().IsZero() {
		t.Errorf("while it is under way %d and %d are confirmed of 5, due is %v", c, all, r.Due())
	}
}

// A refused change is reported, and tried again.
func TestRefusedChangeOfAMeter(t *testing.T) {
	g := newGreedy(purpose.PolicerID(1), policing(2000))
	p, m := NewPatch(), policing(1000)
	p.Meters[g.id] = &m
	g.r.Want(p, 2, 2)
	if steps := g.r.Next(10, g.now); len(steps) != 1 {
		t.Fatalf("sent: %+v", steps)
	}
	g.r.Landed(map[int]error{0: errFull})
	if steps := g.r.Next(10, g.now); len(steps) > 0 {
		t.Errorf("sent again: %+v", steps)
	}
	if _, err := g.r.Refused(); err == nil {
		t.Error("the refusal is not reported")
	}
	g.r.Retry(t0)
	if g.follow(); g.has != m.eased(shortBurst) {
		t.Errorf("after another try the meter is %+v", g.has)
	}
}

// What has become due while steps are under way waits for those to land: until
// then there is nothing to call for again and again.
func TestNothingIsDueWhileStepsAreUnderWay(t *testing.T) {
	g := newGreedy(purpose.PolicerID(7), policing(2000))
	g.change(policing(2100)) // eased now, and right once it is paid for
	due := g.r.Due()
	if due.IsZero() {
		t.Fatal("the change does not wait for a time")
	}
	less := policing(1000)
	p := NewPatch()
	p.Meters[purpose.PolicerID(8)] = &less
	g.r.Want(p, 3, 3)
	if len(g.r.Next(10, g.now)) == 0 {
		t.Fatal("nothing is sent of another meter")
	}
	if at := g.r.Due(); !at.IsZero() {
		t.Errorf("due at %v with steps under way", at)
	}
	g.r.Landed(nil)
	if at := g.r.Due(); !at.Equal(due) {
		t.Errorf("due at %v after they have landed, want %v", at, due)
	}
}
