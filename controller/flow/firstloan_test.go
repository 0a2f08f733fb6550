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
