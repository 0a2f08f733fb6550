package flow

import (
	"fmt"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/openflow"
)

// A circuit with little of its rate back is lent what comes back, though that
// is less than it has from its source. What is reserved on the way from the
// source lessens what another is lent there, and not that.
func TestALoanForTheWayBack(t *testing.T) {
	const k, m = bitrate.Kbps, bitrate.Mbps
	apart := func(i int, rate, back bitrate.Rate) path.Circuit {
		c := forth(fmt.Sprint(i), uint32(i+1), rate)
		c.Key.DstPort, c.Reverse = path.Port(uint16(i+1)), path.Reverse{Apart: true, Rate: back}
		return c
	}
	l := newLending(t, []path.Circuit{apart(0, 30*m, 500*k), apart(1, 500*k, 500*k)}, make([]bitrate.Rate, 2), 0)
	sent := map[placedMeter]bitrate.Rate{{3, purpose.BackPolicerID(1)}: 20 * m, {1, purpose.PolicerID(2)}: 60 * m}
	loads := func(d openflow.DPID, id openflow.MeterID) (Load, bool) {
		load := Load{At: l.now, Span: time.Second, Entered: sent[placedMeter{d, id}]}
		load.Dropped = load.Entered - min(l.limit(d, id), load.Entered)
		return load, true
	}
	for range 30 {
		l.now = l.now.Add(time.Second)
		for at := range sent {
			if load, _ := loads(at.dpid, at.id); load.Drops() {
				l.Dropping(at.dpid, at.id)
			}
		}
		l.Lend(loads, l.now)
		l.take()
	}
	let := func() string {
		return fmt.Sprintf("%v and %v back of one, %v of the other", l.limit(1, purpose.PolicerID(1)), l.limit(3, purpose.BackPolicerID(1)), l.limit(1, purpose.PolicerID(2)))
	}
	if got := let(); got != "30M and 25M back of one, 56.276M of the other" {
		t.Error(got)
	}
	l.SetCircuit("2", []path.Circuit{apart(2, 40*m, 0)})
	l.take()
	if got := let(); got != "30M and 25M back of one, 23.468M of the other" {
		t.Errorf("beside a third: %s", got)
	}
}

// What is sent beyond the rate from the source borrows nothing on the way back,
// where best effort fills the link and what comes back is within its rate.
func TestALoanIsForItsDirection(t *testing.T) {
	const m = bitrate.Mbps
	x := forth("0", 1, 20*m)
	x.Reverse = path.Reverse{Apart: true, Rate: 5 * m}
	other := forth("1", 2, m)
	other.Key.DstPort = path.Port(2)
	l := newLending(t, []path.Circuit{x, other}, make([]bitrate.Rate, 2), 0)
	sent := map[placedMeter]bitrate.Rate{
		{1, purpose.PolicerID(1)}:     40 * m,
		{3, purpose.BackPolicerID(1)}: 4 * m,
		{1, portMeter(t, 3)}:          130 * m,
	}
	loads := func(d openflow.DPID, id openflow.MeterID) (Load, bool) {
		load := Load{At: l.now, Span: time.Second, Entered: sent[placedMeter{d, id}]}
		load.Dropped = load.Entered - min(l.limit(d, id), load.Entered)
		return load, true
	}
	for range 60 {
		l.now = l.now.Add(time.Second)
		l.Dropping(1, purpose.PolicerID(1))
		l.Lend(loads, l.now)
		l.take()
		if back := l.limit(3, purpose.BackPolicerID(1)); back != 5*m {
			t.Fatalf("%v may come back, want %v", back, 5*m)
		}
	}
	if got := l.limit(1, purpose.PolicerID(1)); got < 40*m {
		t.Errorf("of 40M from its source %v may pass", got)
	}
	if _, best := l.bestAt(1, 3); best < 80*m {
		t.Errorf("best effort keeps %v of the way back", best)
	}
}

// portMeter returns the meter of best effort at a port.
func portMeter(t *testing.T, no openflow.PortNo) openflow.MeterID {
	id, ok := purpose.PortID(no)
	if !ok {
		t.Fatalf("port %d has no meter", no)
	}
	return id
}
