package flow

import (
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/openflow"
)

// A circuit that is alone and sends much leaves best effort its share where
// that is short, keeps its own, and may use what is free once best effort has
// had enough for a while, also if it was changed in between.
func TestOneAloneLeavesBestEffortItsShare(t *testing.T) {
	c := forth("a", 1, 20*bitrate.Mbps)
	l := newLending(t, []path.Circuit{c}, []bitrate.Rate{120 * bitrate.Mbps}, 360*bitrate.Mbps)
	best, _ := purpose.PortID(2)
	pass := func(d time.Duration) (policed bool) {
		t.Helper()
		for range d / sampled {
			l.now = l.now.Add(sampled)
			if load, _ := l.load(1, best); load.Drops() {
				l.Dropping(1, best)
			}
			if load, _ := l.load(1, purpose.PolicerID(1)); load.Drops() {
				l.Dropping(1, purpose.PolicerID(1))
			}
			for range 5 { // seconds
				l.Lend(l.load, l.now)
				l.take()
			}
		}
		_, policed = l.states[1].Meters[purpose.PolicerID(1)]
		if policed {
			l.check(t)
		}
		return policed
	}
	if _, limit := l.bestAt(1, 2); pass(0) || limit > 80*bitrate.Mbps {
		t.Errorf("at first it is policed, or best effort has %v", limit)
	}
	if policed, got := pass(time.Minute), l.got(0); !policed || got < 20*bitrate.Mbps || got > 32*bitrate.Mbps {
		t.Errorf("it has %v beside too much of best effort", got)
	}
	if _, limit := l.bestAt(1, 2); limit < 60*bitrate.Mbps {
		t.Errorf("it leaves best effort %v", limit)
	}
	c.Rate = 10 * bitrate.Mbps
	l.circuits[0] = c
	l.SetCircuit(c.ID, []path.Circuit{c})
	l.take()
	if !pass(sampled) {
		t.Error("it is not policed once it has been changed")
	}
	l.best = 30 * bitrate.Mbps // all of which passes
	if policed, got := pass(time.Minute), l.got(0); !policed || got < 50*bitrate.Mbps {
		t.Errorf("of what best effort leaves it has %v", got)
	}
	l.offered[0] = 5 * bitrate.Mbps
	if pass(2*time.Minute) || len(l.Contested()) > 0 {
		t.Error("it is policed though there is room for all")
	}
}

// TCP that a policer holds back sends a bit less than the rate, since it slows
// down whenever it loses something. It is lent what is free all the same; one
// that loses nothing is not.
func TestTCPWithinItsRateIsLentToo(t *testing.T) {
	circuits := []path.Circuit{forth("a", 1, 20*bitrate.Mbps), forth("b", 2, 20*bitrate.Mbps)}
	circuits[1].Key.DstPort = path.Port(2)
	for _, dropped := range []bitrate.Rate{0, 200 * bitrate.Kbps} {
		l := newLending(t, circuits, make([]bitrate.Rate, 2), 0)
		l.now = l.now.Add(sampled)
		l.Dropping(1, purpose.PolicerID(1))
		l.Lend(func(d openflow.DPID, id openflow.MeterID) (Load, bool) {
			load := Load{At: l.now, Span: sampled}
			if d == 1 && id == purpose.PolicerID(1) {
				load.Entered, load.Dropped = 19_500*bitrate.Kbps, dropped
			}
			return load, true
		}, l.now)
		if lent := l.Lent()["a"][forward]; (dropped > 0) != (lent > 25_000) {
			t.Errorf("of TCP that loses %v %d kbit/s are lent", dropped, lent)
		}
	}
}
