package controller

import (
	"sync/atomic"
	"testing"
	"time"

	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// says returns a habit of saying of ports, unasked, that they are in a state,
// from the moment it is switched on.
func says(on *atomic.Bool, state openflow.PortState) func(*openflow.PortStatus) {
	return func(m *openflow.PortStatus) {
		if on.Load() {
			m.Port.State = state
		}
	}
}

// inBubbleOf does as inBubble, with a ring of three switches that have a habit.
func inBubbleOf(t *testing.T, h ofswitch.Habits, test func(*lab)) {
	inBubble(t, func(c ofswitch.TopologyConfig) *ofswitch.Network {
		c.Switch.Habits = h
		return ofswitch.Ring(3, c)
	}, Config{}, test)
}

// A link that is up again is used again, though both its ends have said last
// that it is down.
func TestPortIsUpThoughTheLastStatusSaysDown(t *testing.T) {
	var on atomic.Bool
	inBubbleOf(t, ofswitch.Habits{AlterStatus: says(&on, openflow.PortStateLinkDown)}, func(l *lab) {
		l.settled(3, 3)
		on.Store(true)
		cable := l.net.LinkBetween(1, 2)
		cable.Cut()
		l.until("the link to be lost", func(s *topology.Snapshot) bool { return len(s.Links) == 4 })
		cable.Restore()
		began := time.Now()
		l.settled(3, 3)
		if took := time.Since(began); took > 3*time.Second {
			l.Errorf("the link is used again after %v", took)
		}
	})
}

// A link that is cut is not used for longer than it takes to ask, though both
// its ends have said last that it is up.
func TestPortIsDownThoughTheLastStatusSaysUp(t *testing.T) {
	var on atomic.Bool
	inBubbleOf(t, ofswitch.Habits{AlterStatus: says(&on, openflow.PortStateLive)}, func(l *lab) {
		l.settled(3, 3)
		on.Store(true)
		l.net.LinkBetween(1, 2).Cut()
		began := time.Now()
		l.until("the link to be lost", func(s *topology.Snapshot) bool { return len(s.Links) == 4 })
		if took := time.Since(began); took > 2*time.Second {
			l.Errorf("the link is lost after %v", took)
		}
	})
}

// A switch that says nothing of its ports is asked when a probe stays away.
func TestPortIsDownThoughNoStatusSaysSo(t *testing.T) {
	inBubble(t, func(c ofswitch.TopologyConfig) *ofswitch.Network { return ofswitch.Ring(3, c) }, Config{}, func(l *lab) {
		l.settled(3, 3)
		for _, sw := range l.net.Switches() {
			sw.SetFaults(ofswitch.Faults{Lose: ofswitch.LoseType(openflow.TypePortStatus)})
		}
		cable := l.net.LinkBetween(1, 2)
		cable.Cut()
		began := time.Now()
		l.until("the link to be lost", func(s *topology.Snapshot) bool { return len(s.Links) == 4 })
		if took := time.Since(began); took > 4*time.Second {
			l.Errorf("the link is lost after %v", took)
		}
	})
}

// A host behind a port that is held to be down is heard, and the port is read.
func TestPortIsReadWhenAHostSpeaks(t *testing.T) {
	var on, deaf atomic.Bool
	var asked atomic.Int32
	inBubbleOf(t, ofswitch.Habits{AlterStatus: says(&on, openflow.PortStateLinkDown)}, func(l *lab) {
		l.settled(3, 3)
		l.pingAll()
		l.acquainted()
		on.Store(true)
		deaf.Store(true)
		sw := l.net.Switch(1)
		sw.SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
			q, ok := m.(*openflow.MultipartRequest)
			if !ok || q.MPType != openflow.MultipartPortDesc {
				return nil
			}
			if asked.Add(1); deaf.Load() {
				return &openflow.Error{ErrType: openflow.ErrorTypeBadRequest}
			}
			return nil
		}})
		at, _ := l.Snapshot().Locate(l.net.Host("h1").Addr())
		sw.SetPortUp(at.Port, false)
		l.until("the port to be down", func(s *topology.Snapshot) bool { p, _ := s.Port(at); return !p.Up && l.held(s) })
		sw.SetPortUp(at.Port, true)
		time.Sleep(5 * time.Second)
		if p, _ := l.Snapshot().Port(at); p.Up {
			l.Fatal("the port is up: the test shows nothing")
		}
		deaf.Store(false)
		before := asked.Load()
		time.Sleep(5 * time.Second)
		if n := asked.Load(); n != before {
			l.Errorf("the switch is asked %d times though nothing speaks for the port", n-before)
		}
		h := l.net.Host("h1")
		for range 200 {
			h.Send(ofswitch.ARPRequest(h.MAC(), h.Addr(), l.net.Host("h2").Addr()))
		}
		l.until("the port to be up", func(s *topology.Snapshot) bool { p, _ := s.Port(at); return p.Up })
		if n := asked.Load(); n != before+1 {
			l.Errorf("the switch is asked %d times for 200 frames", n-before)
		}
		l.settled(3, 3)
		l.pingAll()
	})
}

// What a switch has said after it was asked is newer than its answer.
func TestPortStatusIsNewerThanAnAnswerOnItsWay(t *testing.T) {
	inBubble(t, func(c ofswitch.TopologyConfig) *ofswitch.Network { return ofswitch.Ring(3, c) }, Config{}, func(l *lab) {
		l.settled(3, 3)
		sw := l.net.Switch(1)
		ports := sw.Ports()
		s := l.live(1)
		after := s.statuses.Load()
		cable := l.net.LinkBetween(1, 2)
		cable.Cut()
		l.until("the link to be lost", func(s *topology.Snapshot) bool { return len(s.Links) == 4 })
		l.post(l.Context(), portsRead{s: s, after: after, ports: ports, ok: true})
		done := make(chan bool)
		l.post(l.Context(), inspect(func(k *core) {
			up := 0
			for _, p := range k.builder.Snapshot(time.Now()).Switches[1].Ports {
				if p.Up {
					up++
				}
			}
			done <- up == len(ports)
		}))
		if <-done {
			l.Error("an answer from before the cut has the port up again")
		}
	})
}
