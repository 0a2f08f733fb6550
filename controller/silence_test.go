package controller

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"conga/controller/flow"
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
