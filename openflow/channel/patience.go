package channel

import (
	"context"
	"net"
	"sync"
	"time"

	"conga/openflow/wire"
)

// A peer is dropped only for its own slowness, not because this process is
// short of time and late to read what the peer has sent. A peer that is dropped
// comes back, which is more work.

const (
	// lateShare is the part of a waiting time by which a timer may fire late in
	// a process that has time enough.
	lateShare = 10
	// patienceMost is how many times its length a waiting time may last because
	// the delay is not the peer's fault.
	patienceMost = 6
)

// A watch ends an attempt by cancel when its peer has taken too long for it.
type watch struct {
	nc      net.Conn
	timeout time.Duration
	cancel  context.CancelCauseFunc

	mu    sync.Mutex
	began time.Time
	due   time.Time
	timer *time.Timer // nil once stopped
}

// newWatch returns a watch over nc that has begun.
func newWatch(nc net.Conn, timeout time.Duration, cancel context.CancelCauseFunc) *watch {
	w := &watch{nc: nc, timeout: timeout, cancel: cancel, began: time.Now()}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due = w.began.Add(timeout)
	w.timer = time.AfterFunc(timeout, w.check)
	return w
}

func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.timer = nil
}

// check ends the attempt or gives it more time.
func (w *watch) check() {
	waiting := wire.Readable(w.nc)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer == nil {
		return
	}
	now := time.Now()
	if w.overLocked(now, waiting) {
		w.cancel(context.DeadlineExceeded)
		return
	}
	more := w.timeout / lateShare
	w.due = now.Add(more)
	w.timer.Reset(more)
}

// overLocked reports whether the peer has had its time at now, at or after due;
// waiting says whether something from it is still to be read.
func (w *watch) overLocked(now time.Time, waiting bool) bool {
	if now.Sub(w.began) >= patienceMost*w.timeout {
		return true
	}
	return !waiting && now.Sub(w.due) < w.timeout/lateShare
}
