package controller

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conga/bitrate"
	"conga/controller/purpose"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// A switch that loses more entries at once than its session can hear of is
// compared anew, at once: what was not heard of is put back, too, also where
// audits may look at no more entries and there are as many of ours as before.
func TestMoreEntriesVanishThanCanBeHeardOf(t *testing.T) {
	var counting atomic.Bool
	heard := make(chan struct{})
	cfg := Config{Audit: time.Hour, Removed: func(dpid openflow.DPID, _ *openflow.FlowRemoved) {
		if dpid == 1 && counting.Load() {
			heard <- struct{}{}
		}
	}}
	inBubble(t, ofswitch.Diamond, cfg, func(l *lab) {
		l.settled(4, 4)
		l.pingAll()
		l.acquainted()
		c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
		if err := l.install(c); err != nil {
			t.Fatal(err)
		}
		sw, s := l.net.Switch(1), l.live(1)
		before := len(sw.Flows(openflow.TableAll))
		foreign, last := purpose.MakeCookie(purpose.Control, 0xbeef), purpose.MakeCookie(purpose.Control, 0xcafe)
		add := openflow.FlowMod{
			Cookie: last, Table: 7, BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny,
			Flags: openflow.FlowSendFlowRem,
		}
		for range cap(s.removed) + 10 { // the session has one in its hand
			l.apply(sw, add)
			add.Cookie = foreign
			add.Priority++
		}
		synctest.Wait()
		counting.Store(true)
		s.mu.Lock() // the session is kept busy
		for _, cookie := range []openflow.Cookie{foreign, purpose.MakeCookie(purpose.Allocation, 7), last} {
			n := 0
			for _, f := range sw.Flows(openflow.TableAll) {
				if f.Cookie == cookie {
					n++
				}
			}
			l.apply(sw, openflow.FlowMod{
				Command: openflow.FlowDelete, Table: openflow.TableAll, Cookie: cookie, CookieMask: ^openflow.Cookie(0),
				BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny,
			})
			for range n {
				<-heard
			}
		}
		counting.Store(false)
		missing := before - len(sw.Flows(openflow.TableAll))
		add.Flags, add.Cookie = 0, purpose.MakeCookie(purpose.Allocation, 99)
		for range missing {
			add.Priority++
			l.apply(sw, add)
		}
		s.audits.take(2*auditBurst, time.Now())
		gone := missing > 0 && !l.forwards(sw, c)
		s.mu.Unlock() // from here on it may mend that
		if !gone {
			t.Fatal("the entries of the circuit are not gone")
		}
		time.Sleep(time.Second) // the next audit would come an hour later
		if got := len(sw.Flows(openflow.TableAll)); got != before || !l.forwards(sw, c) || !l.held(l.Snapshot()) {
			t.Errorf("there are %d entries; want %d, those of the circuit among them", got, before)
		}
	})
}

// apply changes a switch behind the controller's back.
func (l *lab) apply(sw *ofswitch.Switch, m openflow.FlowMod) {
	l.Helper()
	if err := sw.Apply(&m); err != nil {
		l.Fatal(err)
	}
}
