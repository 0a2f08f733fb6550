package channel

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

const (
	drainTimeout = time.Second // for a last error message and for TLS's farewell
	tlsChunk     = 16 << 10    // bytes of one TLS write, which cannot be resumed after a timeout
)

// writeLoop is the writer goroutine: one write for everything that has come together meanwhile.
func (c *Conn) writeLoop() {
	defer c.loops.Done()
	var batch []byte
	for {
		var err error
		if batch, err = c.queue.next(batch[:0]); err != nil {
			c.fail(err)
			return
		}
		if err := c.write(batch); err != nil {
			c.fail(ioError("write", err))
			return
		}
	}
}

// write writes b. A peer may be slow without limit, but within EchoTimeout it must take something.
func (c *Conn) write(b []byte) error {
	for len(b) > 0 {
		c.armWrite()
		chunk := b
		if c.tls && len(chunk) > tlsChunk {
			chunk = chunk[:tlsChunk]
		}
		n, err := c.nc.Write(chunk)
		b = b[n:]
		if err == nil {
			continue
		}
		if n == 0 || c.tls || !errors.Is(err, os.ErrDeadlineExceeded) || c.queue.draining() {
			return err
		}
		c.queue.disarm()
	}
	return nil
}

// armWrite sets the write deadline. To save the work on small writes, one that is almost new is left.
func (c *Conn) armWrite() {
	q := &c.queue
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closing != nil || now.Sub(q.armed) < c.cfg.EchoTimeout/8 {
		return
	}
	q.armed = now
	c.nc.SetWriteDeadline(now.Add(c.cfg.EchoTimeout))
}

func (q *queue) disarm() {
	q.mu.Lock()
	q.armed = time.Time{}
	q.mu.Unlock()
}

func (q *queue) draining() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closing != nil
}

// shutdown ends the connection with err once the answers that wait in the first class are written.
func (c *Conn) shutdown(err error) {
	c.queue.drain(err)
	c.nc.SetWriteDeadline(time.Now().Add(drainTimeout))
}

// cork keeps packet-outs and echo replies back, for as long as the reader has messages to handle, so that
// the answers to many packet-ins leave in one write.
func (q *queue) cork() {
	q.mu.Lock()
	q.corked = true
	q.mu.Unlock()
}

// flush sends what was kept back. If the writer sleeps and nothing else is to be sent, the reader writes
// itself as much as goes without waiting: waking another goroutine takes longer than the write.
func (c *Conn) flush() {
	q := &c.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	q.corked = false
	if !q.asleep || q.direct || q.emptyLocked() || q.closing != nil || q.closed {
		return
	}
	if c.direct.raw == nil || len(q.ordered) > 0 || len(q.rest) > 0 {
		q.wakeLocked()
		return
	}
	q.direct = true
	batch := q.takeOutsLocked(q.takeFirstLocked(c.direct.batch[:0]))
	c.direct.batch = batch
	q.mu.Unlock()
	n := c.direct.write(batch)
	q.mu.Lock()
	q.direct = false
	if !q.closed {
		q.rest = append(q.rest[:0], batch[n:]...)
	}
	if !q.emptyLocked() || q.closing != nil {
		q.wakeLocked()
	}
}

// immediate writes to a TCP connection without waiting. Only the reader uses it, while queue.direct is set.
type immediate struct {
	raw   syscall.RawConn
	try   func(fd uintptr) bool // kept here, so that a write does not allocate it
	batch []byte
	n     int
}

func (w *immediate) init(nc net.Conn) {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	w.raw = raw
	w.try = func(fd uintptr) bool {
		w.n, _ = syscall.Write(int(fd), w.batch)
		return true
	}
}

// write returns how much of b was written. Errors are left to the writer, which meets them too.
func (w *immediate) write(b []byte) int {
	w.batch, w.n = b, 0
	if err := w.raw.Write(w.try); err != nil || w.n < 0 {
		return 0
	}
	return w.n
}
