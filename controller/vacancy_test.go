package controller

import (
	"log/slog"
	"testing"
	"testing/synctest"

	"conga/openflow"
	"conga/openflow/ofswitch"
)

// stranger connects a switch without links and hosts. Where it is refused, that
// may come before its handshake ends or after.
func (l *lab) stranger(dpid openflow.DPID) *ofswitch.Switch {
	l.Helper()
	sw := ofswitch.New(ofswitch.Config{DPID: dpid, Dial: l.pipes.dial})
	l.Cleanup(sw.Disconnect)
	if err := sw.Connect(l.Context(), ""); err != nil {
		l.Logf("switch %s: %v", dpid, err)
	}
	synctest.Wait()
	return sw
}

// Where too many switches are connected no more may, but for one that had links
// or hosts before: a made-up one gives way to it.
func TestTooManySwitches(t *testing.T) {
	var log warnings
	inBubble(t, pair, Config{Log: slog.New(&log), MaxSwitches: 4}, func(l *lab) {
		l.settled(2, 1)
		l.net.Switch(2).Disconnect()
		synctest.Wait()
		for dpid := range openflow.DPID(5) {
			want := dpid < 3 // beside the one that stayed
			if got := l.stranger(100 + dpid).Connected(); got != want {
				t.Errorf("made-up switch %d is connected: %v", dpid, got)
			}
		}
		if n := log.count("switch refused"); n != 2 {
			t.Errorf("%d refusals were logged, want 2", n)
		}
		returned := ofswitch.New(ofswitch.Config{DPID: 2, Dial: l.pipes.dial})
		l.Cleanup(returned.Disconnect)
		if err := returned.Connect(l.Context(), ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if !returned.Connected() || !l.net.Switch(1).Connected() {
			t.Error("a switch that returns, or one that stayed, is not connected")
		}
		if n := log.count("switch refused"); n != 3 {
			t.Errorf("%d refusals were logged, want 3", n)
		}
	})
}

// A switch that tells of ever more ports is disconnected; one whose ports come
// and go is not.
func TestTooManyPorts(t *testing.T) {
	var log warnings
	inBubble(t, pair, Config{Log: slog.New(&log)}, func(l *lab) {
		l.settled(2, 1)
		s := l.live(1)
		tell := func(reason openflow.PortReason, no openflow.PortNo) {
			s.receive(l.Context(), &openflow.PortStatus{Reason: reason, Port: openflow.Port{No: no}})
		}
		for no := range openflow.PortNo(2 * portsMost) {
			tell(openflow.PortAdded, 1000+no)
			tell(openflow.PortDeleted, 1000+no)
		}
		if err := s.conn.Err(); err != nil {
			t.Fatalf("a switch whose ports come and go is disconnected: %v", err)
		}
		for no := range openflow.PortNo(portsMost + 10) {
			tell(openflow.PortAdded, 1000+no)
		}
		if s.conn.Err() == nil || log.count("switch has too many ports") == 0 {
			t.Error("a switch with too many ports is still connected")
		}
	})
}
