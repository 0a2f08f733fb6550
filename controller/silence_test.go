package controller

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conga/bitrate"
	"conga/controller/flow"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// A switch may take long to list what it holds if something comes all the time;
// when nothing does, the error says which question was not answered.
func TestVigil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, v := keepVigil(t.Context(), questionOf(openflow.MultipartFlow), 10*time.Second)
		for range 10 {
			time.Sleep(9 * time.Second)
			v.pause()
			time.Sleep(20 * time.Second) // what has come takes long to be looked at
			if ctx.Err() != nil {
				t.Fatalf("given up while parts come: %v", context.Cause(ctx))
			}
			v.progress()
		}
		time.Sleep(11 * time.Second)
		const want = "the switch has not answered the question for its flow entries for 10s"
		if err := context.Cause(ctx); err == nil || err.Error() != want || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v; want %s", err, want)
		}
		v.stop()
		v.progress()
		v.pause()
	})
}

// Each part of a long answer gives the switch time for the next.
func TestSlowAnswerIsWaitedFor(t *testing.T) {
	inBubble(t, pair, Config{Audit: time.Hour}, func(l *lab) {
		l.settled(2, 1)
		l.net.Switch(1).SetFaults(ofswitch.Faults{Delay: func(m openflow.Message) time.Duration {
			if r, ok := m.(*openflow.MultipartReply); ok && r.MPType == openflow.MultipartMeterConfig {

				return 18 * time.Second
			} else if ok && r.MPType == openflow.MultipartFlow {
				return 9 * time.Second
			}
			return 0
		}})
		s := l.live(1)
		ignore := func(openflow.MeterID, flow.Meter) {}
		err := s.dump(l.Context(), nil, func(*openflow.FlowStats) {}, ignore)
		why, silent := errors.AsType[*silence](err)
		if !silent || why.question != "the question for its meters" {
			t.Errorf("the meters, which took 18 s: %v", err)
		}
		l.net.Switch(1).SetFaults(ofswitch.Faults{Delay: func(m openflow.Message) time.Duration {
			if _, ok := m.(*openflow.MultipartReply); ok {
				return 9 * time.Second
			}
			return 0
		}})
		began := time.Now()
		n := 0
		if err := s.dump(l.Context(), nil, func(*openflow.FlowStats) { n++ }, ignore); err != nil || n == 0 {
			t.Errorf("answers after 9 s each: %v, with %d entries", err, n)
		}
		if took := time.Since(began); took != 18*time.Second {
			t.Errorf("took %v, want 18s", took)
		}
	})
}

// What a switch has not answered is in its limitations, until it answers.
func TestLimitationsSayWhatIsNotAnswered(t *testing.T) {
	flows := func(m openflow.Message) bool {
		r, ok := m.(*openflow.MultipartReply)
		return ok && r.MPType == openflow.MultipartFlow
	}
	for want, lose := range map[string]func(openflow.Message) bool{
		"It has not answered the question for its flow entries for 10s.": flows,
		"It has not answered a barrier behind changes for 10s.":          ofswitch.LoseType(openflow.TypeBarrierReply),
	} {
		inBubble(t, pair, Config{Audit: 3 * time.Second, Patience: 25 * time.Second}, func(l *lab) {
			l.settled(2, 1)
			l.pingAll()
			l.acquainted()
			says := func(s *topology.Snapshot) bool { return slices.Contains(s.Switches[1].Limitations, want) }
			l.net.Switch(1).SetFaults(ofswitch.Faults{Lose: lose})
			go l.installFor(20*time.Second, l.circuit("a", 7, "h1", "h2", bitrate.Mbps))
			l.until(want, says)
			l.net.Switch(1).SetFaults(ofswitch.Faults{})
			if len(l.Snapshot().Switches[2].Limitations) != 0 {
				t.Errorf("another switch says %q", l.Snapshot().Switches[2].Limitations)
			}
			l.until("it has answered", func(s *topology.Snapshot) bool { return len(s.Switches[1].Limitations) == 0 })
		})
	}
}

func TestStrangers(t *testing.T) {
	p := &pool{left: 100}
	a, b := strangers{all: p}, strangers{all: p}
	if !a.allow(60) || b.allow(60) || !b.allow(40) || !b.over || a.over {
		t.Errorf("of 100 bytes one has %d and the other %d", a.kept, b.kept)
	}
	a.forget()
	if b.forget(); p.left != 100 || b.over {
		t.Errorf("%d bytes are left", p.left)
	}
	p.left = strangersAll
	if a.allow(strangersEach + 1) {
		t.Error("one has more than its bound")
	}
}

// What a switch refuses over and over is said once, though it is tried again at
// each audit.
func TestWhatIsTriedAgainIsSaidOnce(t *testing.T) {
	full := openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed, Code: uint16(openflow.FlowModFailedTableFull)}
	var log warnings
	var tries atomic.Int32
	inBubble(t, pair, Config{Log: slog.New(&log)}, func(l *lab) {
		l.settled(2, 1)
		l.net.Switch(1).SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
			if fm, ok := m.(*openflow.FlowMod); ok && fm.Table == 2 && fm.Priority == 200 {
				tries.Add(1)
				return &full
			}
			return nil
		}})
		l.net.Host("h1").Announce()
		time.Sleep(time.Second)
		said := len(l.Snapshot().Switches[1].Limitations)
		time.Sleep(5 * time.Minute)
		if n := log.count("switch is limited"); said == 0 || n != said {
			t.Errorf("%d limitations, said %d times", said, n)
		}
		if tries.Load() < 10 {
			t.Errorf("tried %d times", tries.Load())
		}
		l.net.Switch(1).SetFaults(ofswitch.Faults{})
		time.Sleep(6 * time.Minute) // a full table is said for some minutes
		l.until("the switch to be limited no more", func(s *topology.Snapshot) bool { return len(s.Switches[1].Limitations) == 0 && l.held(s) })
	})
}
