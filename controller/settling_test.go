package controller

import (
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// lagging runs a test of three switches in a row whose data path follows 100 ms
// after they have confirmed a change.
func lagging(t *testing.T, settle *time.Duration, test func(*lab)) {
	inBubble(t, func(c ofswitch.TopologyConfig) *ofswitch.Network {
		c.Switch.Habits.Lag = 100 * time.Millisecond
		return ofswitch.Linear(3, c)
	}, Config{Settle: settle}, test)
}

// An allocation is said to hold, and to have left, when that is so for packets.
func TestConfirmedHoldsForPackets(t *testing.T) {
	settle := 150 * time.Millisecond
	lagging(t, &settle, func(l *lab) {
		l.settled(3, 2)
		l.pingAll()
		l.acquainted()
		time.Sleep(time.Second)
		if got := l.send("h1", "h3", 10); got.Packets != 10 || got.DSCP != 0 {
			l.Fatalf("%+v before any allocation", got)
		}
		c := l.circuit("a", 7, "h1", "h3", 40*bitrate.Mbps)
		if err := l.install(c); err != nil {
			l.Fatal(err)
		}
		if got := l.send("h1", "h3", 1); got.DSCP != 46 {
			l.Errorf("the first packet after the allocation is said to hold is carried as another")
		}
		time.Sleep(time.Second)
		if err := l.Remove(l.Context(), c.ID); err != nil {
			l.Fatal(err)
		}
		if got := l.send("h1", "h3", 1); got.DSCP != 0 {
			l.Errorf("the first packet after the allocation is said to have left is carried as its")
		}
	})
}

// Without the wait the first packet goes the old way; and where nothing says
// that there is something to wait for, nothing is waited for.
func TestConfirmedAtOnce(t *testing.T) {
	lagging(t, nil, func(l *lab) {
		l.settled(3, 2)
		l.pingAll()
		l.acquainted()
		time.Sleep(time.Second)
		l.send("h1", "h3", 10)
		began := time.Now()
		if err := l.install(l.circuit("a", 7, "h1", "h3", 40*bitrate.Mbps)); err != nil {
			l.Fatal(err)
		}
		if took := time.Since(began); took > 0 {
			l.Errorf("installed after %v; want no wait", took)
		}
		if got := l.send("h1", "h3", 1); got.DSCP != 0 {
			l.Error("the emulated data path does not lag: the other test shows nothing")
		}
	})
}

func TestSettleTime(t *testing.T) {
	const dpid, other = 1, 2
	c := &Controller{}
	c.snapshot.Store(&topology.Snapshot{Switches: map[openflow.DPID]topology.Switch{
		dpid: {Desc: "Nicira, Inc. Open vSwitch 3.1.0"}, other: {Desc: "Acme 7"},
	}})
	fixed := 30 * time.Millisecond
	for name, step := range map[string]struct {
		dpid    openflow.DPID
		packets []float64 // per second, sample by sample
		settle  *time.Duration
		want    time.Duration
	}{
		"idle":                  {dpid: dpid},
		"a little":              {dpid: dpid, packets: []float64{249}},
		"more":                  {dpid: dpid, packets: []float64{5000}, want: 300 * time.Millisecond},
		"more a moment ago":     {dpid: dpid, packets: []float64{5000, 10}, want: 300 * time.Millisecond},
		"more, but long ago":    {dpid: dpid, packets: []float64{5000, 10, 10}},
		"more than remembered":  {dpid: dpid, packets: []float64{1e9}, want: 1200 * time.Millisecond},
		"another sort":          {dpid: other, packets: []float64{5000}},
		"configured":            {dpid: other, settle: &fixed, want: fixed},
		"configured as nothing": {dpid: dpid, packets: []float64{5000}, settle: new(time.Duration)},
	} {
		c.cfg.Settle = step.settle
		s := &session{Controller: c, dpid: step.dpid}
		for _, p := range step.packets {
			s.received.add(p)
		}
		if got := s.settleTime(); got != step.want {
			t.Errorf("%s: %v; want %v", name, got, step.want)
		}
	}
}

// The way to where a host has been is of no use: packets take the new one at
// once, however long it takes until that can be said.
func TestAHostThatMovesIsFollowedAtOnce(t *testing.T) {
	settle := 2 * time.Second
	inBubble(t, linear(3), Config{Settle: &settle}, func(l *lab) {
		l.settled(3, 2)
		l.pingAll()
		l.acquainted()
		time.Sleep(5 * time.Second)
		c := l.circuit("a", 7, "h1", "h3", 10*bitrate.Mbps)
		if err := l.install(c); err != nil {
			l.Fatal(err)
		}
		l.net.Host("h3").Handle(func(r ofswitch.Received) bool {
			asked, _ := asks(r.Data)
			return asked.IsValid()
		})
		l.steal("h2", "h3")
		l.until("the address to be h2's", func(s *topology.Snapshot) bool {
			at, _ := s.Locate(c.Key.Dst.Addr())
			return at == l.home("h2")
		})
		c.Path = l.circuit("b", 8, "h1", "h2", 10*bitrate.Mbps).Path
		began := time.Now()
		installed := make(chan error, 1)
		go func() { installed <- l.install(c) }()
		time.Sleep(50 * time.Millisecond)
		if !l.forwards(l.net.Switch(1), c) || !l.forwards(l.net.Switch(2), path.Circuit{Handle: c.Handle, Path: c.Path[1:]}) {
			t.Error("50 ms after it was asked for the new way is not taken")
		}
		if err := <-installed; err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > settle+50*time.Millisecond {
			t.Errorf("it held after %v; packets lag %v behind", took, settle)
		}
	})
}
