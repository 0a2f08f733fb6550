package flow

import (
	"fmt"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
)

// A circuit that comes is lent at once what best effort carried on its way or
// what fits beside that, whichever is less; best effort loses nothing.
// It is given back where nothing is sent.
func TestLentAtFirst(t *testing.T) {
	const k, m = bitrate.Kbps, bitrate.Mbps
	for name, c := range map[string]struct {
		best  bitrate.Rate
		age   time.Duration
		rates []bitrate.Rate
		want  map[string]uint32
	}{
		"nothing was sent":        {0, 0, []bitrate.Rate{500 * k, 500 * k}, nil},
		"all fits":                {20 * m, 0, []bitrate.Rate{500 * k, 500 * k}, map[string]uint32{"0": 20_500, "1": 20_500}},
		"half of the link":        {45 * m, 0, []bitrate.Rate{500 * k, 500 * k}, map[string]uint32{"0": 35_665}},
		"it is full":              {90 * m, 0, []bitrate.Rate{500 * k, 500 * k}, nil},
		"that was long ago":       {20 * m, loadFresh, []bitrate.Rate{500 * k, 500 * k}, nil},
		"its rate is nearly that": {3 * m, 0, []bitrate.Rate{30 * m, 500 * k}, nil},
		"it is alone":             {20 * m, 0, []bitrate.Rate{500 * k}, nil},
	} {
		l := newLending(t, nil, nil, c.best)
		passages := func(p topology.PortID) (Passage, bool) {
			was := Passage{At: l.now.Add(-c.age)}
			if p.Port == l.members["0"].listed[0].Path.At(p.DPID).Out {
				was.Best, was.All = c.best, c.best
			}
			return was, true
		}
		for _, x := range onTheWay(c.rates...) {
			l.circuits, l.offered = append(l.circuits, x), append(l.offered, 0)
			l.SetCircuit(x.ID, []path.Circuit{x})
		}
		l.LendAtFirst(passages, l.now)
		l.take()
		got := map[string]uint32{}
		for id, lent := range l.Lent() {
			got[id] = lent[forward]
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) && len(got)+len(c.want) > 0 {
			t.Errorf("%s: %v is lent at first, want %v", name, got, c.want)
		}
		if _, best := l.bestAt(1, 2); best < min(c.best, 70*m) {
			t.Errorf("%s: best effort is held to %v, and carried %v", name, best, c.best)
		}
		if len(c.rates) == 1 {
			continue
		}
		l.best = 0
		l.pass(t, time.Minute)
		if got := l.Lent(); len(got) > 0 {
			t.Errorf("%s: %v is lent to what sends nothing", name, got)
		}
	}
}

// A stream that was best effort goes on with what it sent when its ports are
// booked, and keeps that.
func TestAStreamGoesOnWhenItIsBooked(t *testing.T) {
	const m = bitrate.Mbps
	l := newLending(t, nil, nil, 30*m)
	circuits := onTheWay(bitrate.Mbps, bitrate.Mbps)
	for _, x := range circuits {
		l.SetCircuit(x.ID, []path.Circuit{x})
	}
	l.LendAtFirst(func(topology.PortID) (Passage, bool) { return Passage{l.now, 30 * m, 30 * m}, true }, l.now)
	l.circuits, l.offered, l.best = circuits, []bitrate.Rate{30 * m, 0}, 0
	l.take()
	for range 30 {
		if got := l.policer(0); got < 30*m {
			t.Fatalf("%v of %v may pass at %v", got, 30*m, l.now)
		}
		l.now = l.now.Add(time.Second)
		if load, _ := l.load(1, purpose.PolicerID(1)); load.Drops() {
			l.Dropping(1, purpose.PolicerID(1))
		}
		l.Lend(l.load, l.now)
		l.take()
	}
}

// A circuit that was alone on its ports, and moves to where others are, is lent
// what these ports carried as one that comes is.
func TestACircuitThatMovesIsLentAtFirst(t *testing.T) {
	const m = bitrate.Mbps
	l := newLending(t, nil, nil, 0)
	passages := func(topology.PortID) (Passage, bool) { return Passage{l.now, 20 * m, 20 * m}, true }
	circuits := onTheWay(m, m)
	moves := circuits[0]
	moves.Path = path.Path{{DPID: 4, In: 1, Out: 2}}
	l.SetCircuit(moves.ID, []path.Circuit{moves})
	l.SetCircuit(circuits[1].ID, []path.Circuit{circuits[1]})
	l.LendAtFirst(passages, l.now)
	if got := l.Lent(); len(got) > 0 {
		t.Fatalf("%v is lent to what is alone", got)
	}
	l.SetCircuit(moves.ID, []path.Circuit{circuits[0]})
	if l.LendAtFirst(passages, l.now); l.Lent()["0"] != (PerDirection{21_000, 21_000}) {
		t.Errorf("%v is lent", l.Lent())
	}
}

// What is lent in a direction ends with the rate that the circuit has there,
// and the circuit is looked at no more.
func TestALoanEndsWithItsRate(t *testing.T) {
	const m = bitrate.Mbps
	l := newLending(t, nil, nil, 0)
	circuits := onTheWay(m, m)
	for _, x := range circuits {
		l.SetCircuit(x.ID, []path.Circuit{x})
	}
	l.LendAtFirst(func(topology.PortID) (Passage, bool) { return Passage{l.now, 20 * m, 20 * m}, true }, l.now)
	circuits[0].Reverse = path.Reverse{Apart: true}
	l.SetCircuit("0", circuits[:1])
	l.take()
	if got := l.Lent()["0"]; got != (PerDirection{21_000, 0}) {
		t.Errorf("%v is lent", got)
	}
	l.circuits, l.offered = circuits, make([]bitrate.Rate, 2)
	for range 10 {
		l.now = l.now.Add(sampled)
		l.Lend(l.load, l.now)
		l.take()
	}
	if l.Lending() {
		t.Errorf("%v is lent though nothing is sent", l.Lent())
	}
}
