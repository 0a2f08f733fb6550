package channel

import (
	"context"
	"testing"
	"time"

	"conga/openflow"
	"conga/openflow/wire"
)

// A handshake ends when the peer has had its time, not when we are late or have
// not read what it sent.
func TestWatchOver(t *testing.T) {
	began := time.Now()
	for _, tt := range []struct {
		name    string
		due     time.Duration
		now     time.Duration
		waiting bool
		over    bool
	}{
		{"silent", 10 * time.Second, 10*time.Second + time.Millisecond, false, true},
		{"something to read", 10 * time.Second, 10 * time.Second, true, false},
		{"we are late", 10 * time.Second, 12 * time.Second, false, false},
		{"silent, later", 13 * time.Second, 13 * time.Second, false, true},
		{"something to read all the time", 60 * time.Second, 60 * time.Second, true, true},
		{"late all the time", 58 * time.Second, 61 * time.Second, false, true},
	} {
		w := &watch{timeout: 10 * time.Second, began: began, due: began.Add(tt.due)}
		if got := w.overLocked(began.Add(tt.now), tt.waiting); got != tt.over {
			t.Errorf("%s: over is %v", tt.name, got)
		}
	}
}

// A peer that has said its part is waited for while it is not read, and dropped
// once there is nothing more.
func TestWatchReprieve(t *testing.T) {
	a, b := tcpPair(t)
	defer a.Close()
	defer b.Close()
	b.Write([]byte{1})
	for !wire.Readable(a) {
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	w := newWatch(a, time.Hour, cancel)
	w.due = time.Now()
	w.check()
	if ctx.Err() != nil {
		t.Fatal("dropped although there was something to read")
	}
	if more := time.Until(w.due); more <= 0 || more > time.Hour/lateShare {
		t.Errorf("the next look is after %v", more)
	}
	a.Read(make([]byte, 1))
	w.due = time.Now()
	w.check()
	if context.Cause(ctx) != context.DeadlineExceeded {
		t.Errorf("not dropped: %v", context.Cause(ctx))
	}
	w.stop()
	w.check() // too late to do anything
}

// What a process that stood still has not heard it does not hold against the
// switch.
func TestStandstill(t *testing.T) {
	a, b := tcpPair(t)
	defer a.Close()
	defer b.Close()
	c := &Conn{nc: a, cfg: Config{}.withDefaults()}
	c.queue.init(c.cfg.SendQueue)
	r := &c.reader
	r.init(c)
	begin := r.heard
	at := func(s int) time.Time { return begin.Add(time.Duration(s) * time.Second) }
	step := func(now, next int) {
		t.Helper()
		if err := r.tick(at(now)); err != nil || !r.deadline.Equal(at(next)) {
			t.Fatalf("after %d s: %v; the next look is after %v, want %d s", now, err, r.deadline.Sub(begin), next)
		}
	}
	r.rearm(at(0))
	step(5, 10)
	step(100, 105) // it stood still for 90 s: only 10 s of silence count
	if err := r.tick(at(105)); err == nil {
		t.Fatal("a silent switch is not dropped")
	}
	b.Write([]byte{4, 3, 0, 8, 0, 0, 0, 0}) // what has come is read before it is judged
	for !wire.Readable(a) {
	}
	step(105, 110)
	if err := r.tick(at(110)); err == nil {
		t.Error("a switch that goes on saying nothing that counts is not dropped")
	}
	r.heard, r.reprieve = at(110), false // as consume does
	step(115, 120)
	c.queue.mu.Lock()
	defer c.queue.mu.Unlock()
	if n := len(c.queue.first) / openflow.HeaderLen; n < 3 {
		t.Errorf("asked %d times whether the switch is there", n)
	}
}

// A write that could not go on while this process stood still goes on.
func TestWriteAfterStandstill(t *testing.T) {
	c, p := loopback(t, Config{})
	c.nc.SetWriteDeadline(time.Unix(1, 0)) // has passed
	c.queue.mu.Lock()
	c.queue.armed = time.Now() // and is believed to be fresh
	c.queue.mu.Unlock()
	if err := c.Send(&openflow.EchoRequest{}); err != nil {
		t.Fatal(err)
	}
	expect[*openflow.EchoRequest](p)
	if c.Err() != nil {
		t.Error(c.Err())
	}
}
