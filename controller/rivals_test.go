package controller

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"conga/controller/topology"
	"conga/openflow/ofswitch"
)

// What must hold when several connections claim to be the same switch.

func pair(c ofswitch.TopologyConfig) *ofswitch.Network { return ofswitch.Linear(2, c) }

// rival connects another switch with the datapath ID 1. It returns when the
// connection has had its consequences: it may be closed before the switch has
// seen the end of its handshake.
func (l *lab) rival() *ofswitch.Switch {
	l.Helper()
	r := ofswitch.New(ofswitch.Config{DPID: 1, Dial: l.pipes.dial})
	l.Cleanup(r.Disconnect)
	if err := r.Connect(l.Context(), ""); err != nil && !errors.Is(err, io.EOF) {
		l.Fatal(err)
	}
	synctest.Wait()
	return r
}

func TestSecondConnectionDoesNotEvictALiveSwitch(t *testing.T) {
	var log warnings
	inBubble(t, pair, Config{Log: slog.New(&log)}, func(l *lab) {
		l.settled(2, 1)
		first := l.Snapshot().Switches[1].Addr
		for i := range 3 {
			if l.rival().Connected() {
				t.Error("the second connection is not closed")
			}
			if n := log.count("second connection with a datapath ID that is in use refused"); n != i+1 {
				t.Errorf("%d of %d second connections are in the log", n, i+1)
			}
		}
		if got := l.Snapshot().Switches[1]; got.Addr != first || !got.Connected {
			t.Errorf("switch 1 is now %s, connected %v; was %s", got.Addr, got.Connected, first)
		}
		if n := l.net.Switch(1).Counters().Connections; n != 1 {
			t.Errorf("switch 1 had to connect %d times", n)
		}
		l.pingAll()
	})
}

func TestSilentConnectionGivesWayToItsSuccessor(t *testing.T) {
	inBubble(t, pair, Config{}, func(l *lab) {
		l.settled(2, 1)
		first := l.Snapshot().Switches[1].Addr
		silent := l.net.Switch(1)
		silent.SetFaults(ofswitch.Faults{Stall: true, Refuse: true})
		heir := l.rival()
		if l.Snapshot().Switches[1].Addr != first {
			t.Fatal("the new connection has taken over before the old one could answer")
		}
		if third := l.rival(); third.Connected() || !heir.Connected() {
			t.Errorf("while the old connection is asked, a third one is open: %v, and the second: %v", third.Connected(), heir.Connected())
		}
		time.Sleep(time.Second)
		synctest.Wait()
		l.until("the new connection to take over", func(s *topology.Snapshot) bool {
			return s.Switches[1].Connected && s.Switches[1].Addr != first
		})
		if l.rival().Connected() || !heir.Connected() {
			t.Error("the new connection is not the one that stays")
		}
	})
}

// A connection that is challenged, and answers in time, can be challenged
// again.
func TestSlowAnswerKeepsASwitch(t *testing.T) {
	inBubble(t, pair, Config{}, func(l *lab) {
		l.settled(2, 1)
		sw := l.net.Switch(1)
		for range 2 {
			sw.SetFaults(ofswitch.Faults{Stall: true})
			rival := l.rival()
			time.Sleep(900 * time.Millisecond)
			if !rival.Connected() {
				t.Error("the second connection was not given a hearing")
			}
			sw.SetFaults(ofswitch.Faults{})
			synctest.Wait()
			if rival.Connected() || sw.Counters().Connections != 1 {
				t.Errorf("the second connection is open: %v; the switch has connected %d times", rival.Connected(), sw.Counters().Connections)
			}
		}
	})
}

// warnings counts what is logged, by message.
type warnings struct {
	mu   sync.Mutex
	seen map[string]int
}

func (w *warnings) Enabled(context.Context, slog.Level) bool { return true }
func (w *warnings) WithAttrs([]slog.Attr) slog.Handler       { return w }
func (w *warnings) WithGroup(string) slog.Handler            { return w }
func (w *warnings) Handle(_ context.Context, r slog.Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen == nil {
		w.seen = map[string]int{}
	}
	w.seen[r.Message]++
	return nil
}

func (w *warnings) count(message string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[message]
}
