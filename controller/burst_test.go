package controller

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"conga/controller/path"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// One circuit after the other is no burst; many within a tick are.
func TestBusyInABurst(t *testing.T) {
	b := newBoard(t, 2)
	install := func(i int) {
		c := along(1, 2)
		c.ID, c.Handle, c.Key.DstPort = fmt.Sprint(i), uint32(i), path.Port(uint16(i))
		b.ask(func(r chan<- error) event { return install{c, r} })
	}
	for i := range burstOf - 1 {
		install(i + 1)
	}
	if b.Busy() {
		t.Errorf("%d circuits are a burst", burstOf-1)
	}
	install(burstOf)
	if !b.Busy() {
		t.Errorf("%d circuits are none", burstOf)
	}
}

// Audits wait for a burst to end, but not for ever.
func TestAuditsWaitForBursts(t *testing.T) {
	inBubble(t, ofswitch.Diamond, Config{Audit: auditLater}, func(l *lab) {
		l.settled(4, 4)
		var dumps atomic.Int32
		for _, sw := range l.net.Switches() {
			sw.SetFaults(ofswitch.Faults{Lose: func(m openflow.Message) bool {
				if r, ok := m.(*openflow.MultipartReply); ok && r.MPType == openflow.MultipartFlow {
					dumps.Add(1)
				}
				return false
			}})
		}
		time.Sleep(2 * auditLater)
		if dumps.Swap(0) < 4 {
			t.Error("there are no audits")
		}
		until := time.Now().Add((auditsLater + 4) * auditLater)
		l.bursts.until.Store(until.UnixNano())
		time.Sleep((auditsLater - 1) * auditLater)
		if n := dumps.Swap(0); n > 0 {
			t.Errorf("there are %d audits in a burst", n)
		}
		time.Sleep(time.Until(until))
		if n := dumps.Swap(0); n < 4 || n > 8 {
			t.Errorf("there are %d audits of 4 switches in a burst that does not end", n)
		}
	})
}

// A burst is reported when it begins and when it is over, once each. A link
// that is lost begins one where there are many circuits.
func TestBurstIsReported(t *testing.T) {
	var reports []bool
	b := newBoard(t, 2)
	b.bursts.report = func(is bool) { reports = append(reports, is) }
	now := time.Now()
	b.foresee(now)
	for range 3 * burstOf {
		b.bursts.add(now)
	}
	b.bursts.tick(now.Add(burstRest - 1))
	if !slices.Equal(reports, []bool{true}) {
		t.Errorf("in the burst there were reports %v", reports)
	}
	b.bursts.tick(now.Add(burstRest))
	b.bursts.tick(now.Add(2 * burstRest))
	if !slices.Equal(reports, []bool{true, false}) || b.bursts.count != 0 {
		t.Errorf("after the burst there were reports %v", reports)
	}
	for i := range burstOf {
		b.circuits[fmt.Sprint(i)] = &circuit{}
	}
	b.foresee(now)
	if !slices.Equal(reports, []bool{true, false, true}) {
		t.Errorf("when a link is lost there were reports %v", reports)
	}
}

// Where the controller stops in a burst, the burst is over: nothing else would
// report that.
func TestABurstEndsWithTheController(t *testing.T) {
	var reports []bool
	b := newBoard(t, 0)
	b.bursts.report = func(is bool) { reports = append(reports, is) }
	b.bursts.extend(time.Now())
	b.stop()
	if !slices.Equal(reports, []bool{true, false}) {
		t.Errorf("there were reports %v", reports)
	}
}
