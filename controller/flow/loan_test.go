package flow

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/openflow"
)

// A lending is circuits from host 1 over switch 2 to host 3 and best effort on
// the same way, with what they send, and the meters as a fluid passes them.
type lending struct {
	*Wanted
	now      time.Time
	states   map[openflow.DPID]*State
	circuits []path.Circuit
	offered  []bitrate.Rate // by the circuits
	best     bitrate.Rate   // by best effort
	changes  int            // of policers in the last round
}

const (
	sampled = 5 * time.Second   // how often meters are read
	sure    = 10 * bitrate.Mbps // half of what is never reserved, which best effort has if it wants it
	nearly  = 0.65              // the part of what is fair that counts as such: loans change by an eighth at least
)

func newLending(test *testing.T, circuits []path.Circuit, offered []bitrate.Rate, best bitrate.Rate) *lending {
	n := square(test, threeTables)
	n.Policy.Spare = 0.2
	l := &lending{
		Wanted: NewWanted(n.Policy), now: t0, states: map[openflow.DPID]*State{},
		circuits: circuits, offered: offered, best: best,
	}
	l.SetNetwork(n.Snapshot)
	for d := openflow.DPID(1); d <= 3; d++ {
		l.states[d] = l.Watch(d).State()
	}
	for _, c := range circuits {
		l.SetCircuit(c.ID, []path.Circuit{c})
	}
	l.take()
	l.CatchUp()
	l.take()
	return l
}

func (l *lending) take() {
	l.changes = 0
	takeAll(l.Wanted, func(d openflow.DPID, p Patch) {
		l.states[d].Patch(p)
		for id := range p.Meters {
			if kind, _ := purpose.ReadMeter(id); kind == purpose.MeterPolicer {
				l.changes++
			}
		}
	})
}

// limit returns what a meter lets through.
func (l *lending) limit(d openflow.DPID, id openflow.MeterID) bitrate.Rate {
	return bitrate.Rate(l.states[d].Meters[id].Rate) * bitrate.Kbps
}

func (l *lending) policer(i int) bitrate.Rate {
	return l.limit(1, purpose.PolicerID(l.circuits[i].Handle))
}

// got returns what arrives of a circuit.
func (l *lending) got(i int) bitrate.Rate { return min(l.offered[i], l.policer(i)) }

// bestAt returns what best effort has to carry, and the limit, by a port.
func (l *lending) bestAt(d openflow.DPID, no openflow.PortNo) (offered, limit bitrate.Rate) {
	id, _ := purpose.PortID(no)
	switch limit = l.limit(d, id); {
	case d == 1 && no == 2:
		offered = l.best
	case d == 2 && no == 2:
		offered = min(l.bestAt(1, 2))
	case d == 3 && no == 3:
		offered = min(l.bestAt(2, 2))
	}
	return offered, limit
}

// load returns what a meter had to carry since the last sample.
func (l *lending) load(d openflow.DPID, id openflow.MeterID) (Load, bool) {
	load := Load{At: l.now, Span: sampled}
	limit := l.limit(d, id)
	switch kind, of := purpose.ReadMeter(id); kind {
	case purpose.MeterBestEffort:
		load.Entered, _ = l.bestAt(d, openflow.PortNo(of))
	default:
		i := slices.IndexFunc(l.circuits, func(c path.Circuit) bool { return purpose.PolicerID(c.Handle) == id })
		if d == 1 { // else nothing comes back
			load.Entered = l.offered[i]
		}
	}
	load.Dropped = load.Entered - min(limit, load.Entered)
	return load, true
}

// book adds a circuit that carries nothing. Once the meters have followed they
// let through no more than there is, and what is lent has become less by no
// more than what is booked, and what a loan is rounded by.
func (l *lending) book(t interface{ Fatalf(string, ...any) }, rate bitrate.Rate) {
	n := len(l.circuits)
	c := forth(fmt.Sprint("booked ", n), uint32(1000+n), rate)
	c.Key.DstPort = path.Port(uint16(1000 + n))
	var before, after, last bitrate.Rate
	lent := func() (sum, most bitrate.Rate) {
		for i, c := range l.circuits {
			if m := l.members[c.ID]; m.lent[forward] > 0 {
				more := bitrate.Rate(m.lent[forward])*bitrate.Kbps - max(l.circuits[i].Rate, bitrate.Rate(m.portion)*bitrate.Kbps)
				sum, most = sum+more, max(most, more)
			}
		}
		return sum, most
	}
	before, last = lent()
	l.circuits, l.offered = append(l.circuits, c), append(l.offered, 0)
	l.SetCircuit(c.ID, []path.Circuit{c})
	l.take()
	l.check(t)
	l.CatchUp()
	l.take()
	l.check(t)
	if after, _ = lent(); after+rate+before/leastLoan+last/leastLoan+10*bitrate.Mbps < before {
		t.Fatalf("a booking of %v lessens loans of %v to %v", rate, before, after)
	}
}

// pass lets a time pass in which meters are read.
func (l *lending) pass(t interface{ Fatalf(string, ...any) }, d time.Duration) {
	for range d / sampled {
		l.sample()
		for range sampled / time.Second {
			l.second(t)
		}
	}
}

// sample has the meters read.
func (l *lending) sample() {
	l.now = l.now.Add(sampled)
	for _, c := range l.circuits {
		if load, _ := l.load(1, purpose.PolicerID(c.Handle)); load.Drops() {
			l.Dropping(1, purpose.PolicerID(c.Handle))
		}
	}
}

// second changes loans as once a second, and reports whether any changed.
func (l *lending) second(t interface{ Fatalf(string, ...any) }) (changed bool) {
	was := map[string]uint32{}
	for id, m := range l.members {
		was[id] = m.lent[forward]
	}
	changed = l.Lend(l.load, l.now)
	ups := 0
	for id, m := range l.members {
		if m.lent[forward] > was[id] {
			ups++
		}
	}
	if l.take(); ups > loansAtOnce {
		t.Fatalf("%d loans become larger in one round", ups)
	}
	l.check(t)
	return changed
}

// check finds that each circuit has its rate, and that the meters of each link
// let through no more than its capacity.
func (l *lending) check(t interface{ Fatalf(string, ...any) }) {
	var sums [directions]bitrate.Rate
	for i, c := range l.circuits {
		for d, limit := range [directions]bitrate.Rate{l.policer(i), l.limit(3, purpose.BackPolicerID(c.Handle))} {
			if sums[d] += limit; limit < c.Rate/bitrate.Kbps*bitrate.Kbps {
				t.Fatalf("circuit %d of %v is policed to %v", i, c.Rate, limit)
			}
		}
	}
	for _, port := range []struct {
		d  openflow.DPID
		no openflow.PortNo
		of direction
	}{{1, 2, forward}, {2, 2, forward}, {3, 3, forward}, {1, 3, reverse}} {
		sum := sums[port.of]
		_, best := l.bestAt(port.d, port.no)
		flood := l.limit(port.d, purpose.FloodID)
		if sum+best+flood > 100*bitrate.Mbps+2*minRate*bitrate.Kbps {
			t.Fatalf("port %d of switch %d lets through %v of circuits and %v", port.no, port.d, sum, best)
		}
		if best+flood < 4*bitrate.Mbps {
			t.Fatalf("best effort keeps %v at port %d of switch %d", best, port.no, port.d)
		}
	}
}

// fair returns which part of what is sent best effort would pass, were all of
// it best effort that has a loan, or sends more than its policer lets through.
// What a circuit has by its rate alone is not shared, nor what is sure for best
// effort.
func (l *lending) fair() (part float64) {
	pool, all := 100*bitrate.Mbps-(sure-min(l.best, sure)), l.best
	rates, offered := []bitrate.Rate{sure}, []bitrate.Rate{l.best}
	for i, c := range l.circuits {
		if l.offered[i] > l.policer(i) || l.members[c.ID].lent[forward] > 0 {
			all += l.offered[i]
			rates, offered = append(rates, c.Rate), append(offered, l.offered[i])
		} else {
			pool -= min(l.policer(i), pool)
		}
	}
	for again := true; again; {
		part, again = min(float64(pool)/float64(all), 1), false
		for i, rate := range rates {
			if float64(offered[i])*part < float64(min(rate, offered[i])) {
				pool, all = pool-min(rate, pool), all-offered[i]
				rates[i], offered[i], again = 0, 0, true
			}
		}
	}
	return part
}

// Whatever is sent, a circuit gets its rate, and within half a minute no less
// than best effort would give it; and so does best effort.
func TestACircuitGetsNoLessThanBestEffort(test *testing.T) {
	rapid.Check(test, func(t *rapid.T) {
		rate := func(most bitrate.Rate, of string) bitrate.Rate {
			return bitrate.Rate(rapid.Uint64Range(0, uint64(most)).Draw(t, of))
		}
		var circuits []path.Circuit
		var offered []bitrate.Rate
		room := 80 * bitrate.Mbps
		for i := range rapid.IntRange(2, 60).Draw(t, "circuits") {
			c := forth(fmt.Sprint(i), uint32(i+1), 100*bitrate.Kbps+rate(bitrate.Mbps, "rate"))
			if rapid.IntRange(0, 9).Draw(t, "large") == 0 {
				c.Rate = rate(20*bitrate.Mbps, "rate") + bitrate.Mbps
			}
			c.Key.DstPort = path.Port(uint16(i + 1))
			if c.Rate > room {
				continue
			}
			room -= c.Rate
			sent := bitrate.Rate(0)
			if rapid.IntRange(0, 3).Draw(t, "sends") == 0 {
				sent = rate(rapid.SampledFrom([]bitrate.Rate{bitrate.Mbps, 30 * bitrate.Mbps, 200 * bitrate.Mbps}).Draw(t, "up to"), "offered")
			}
			circuits, offered = append(circuits, c), append(offered, sent)
		}
		l := newLending(test, circuits, offered, rate(rapid.SampledFrom([]bitrate.Rate{0, 30 * bitrate.Mbps, 300 * bitrate.Mbps}).Draw(t, "up to"), "best"))
		for range rapid.IntRange(1, 3).Draw(t, "phases") {
			l.pass(t, time.Minute)
			fair := l.fair()
			for i, c := range l.circuits {
				want := max(float64(min(l.offered[i], c.Rate)), float64(l.offered[i])*fair)
				if float64(l.got(i)+50*bitrate.Kbps) < nearly*want {
					t.Fatalf("of %v that circuit %d with %v sends %v arrive; of best effort, which sends %v, %.2f would", l.offered[i], i, c.Rate, l.got(i), l.best, fair)
				}
			}
			if sent, limit := l.bestAt(1, 2); float64(limit) < nearly*max(fair*float64(sent), float64(min(sent, sure))) {
				t.Fatalf("of %v of best effort %v arrive; fair were %.2f", sent, limit, fair)
			}
			for range rapid.IntRange(0, 5).Draw(t, "changes") {
				l.offered[rapid.IntRange(0, len(l.offered)-1).Draw(t, "which")] = rate(50*bitrate.Mbps, "offered")
			}
			l.best = rate(150*bitrate.Mbps, "best")
			for range rapid.IntRange(0, 3).Draw(t, "bookings") {
				if c := rate(30*bitrate.Mbps, "booked") + 100*bitrate.Kbps; c <= room {
					room -= c
					l.book(t, c)
				}
			}
		}
	})
}
