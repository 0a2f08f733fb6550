package channel

import (
	"errors"
	"os"
	"time"

	"conga/openflow/wire"
)

const (
	drainTimeout = time.Second // for a last error message and for TLS's farewell
	tlsChunk     = 16 << 10    // bytes of one TLS write, which cannot be resumed after a timeout
)

// writeLoop sends, in one write, what has gathered during the write before,
// until the connection ends. It is the writer goroutine.
func (c *Conn) writeLoop() {
	defer c.loops.Done()
	for {
		batch, err := c.queue.next()
		if err != nil {
			c.fail(err)
			return
		}
		err = c.write(batch)
		wire.GiveBack(batch)
		if err != nil {
			c.fail(ioError("write", err))
			return
		}
	}
}

// write writes b. A peer may be slow without limit, but within EchoTimeout it
// must take something.
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
		if c.tls || !errors.Is(err, os.ErrDeadlineExceeded) || c.queue.draining() {
			return err
		}
		if n == 0 && c.socket.Bound() {
			// The deadline may have passed because this process did not run:
			// the socket knows better.
			n = c.socket.Write(b)
			b = b[n:]
		}
		if n == 0 {
			return err
		}
		c.queue.disarm()
	}
	return nil
}

// armWrite sets the write deadline. One that is almost new stays, which saves
// work on small writes.
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

// shutdown ends the connection with err once the answers that wait in the first
// class are written.
func (c *Conn) shutdown(err error) {
	c.queue.drain(err)
	c.nc.SetWriteDeadline(time.Now().Add(drainTimeout))
}

// cork keeps packet-outs and echo replies back, for as long as the reader has
// messages to handle, so that the answers to many packet-ins leave in one
// write.
func (q *queue) cork() {
	q.mu.Lock()
	q.corked = true
	q.mu.Unlock()
}

// flush sends what was kept back.
func (c *Conn) flush() {
	q := &c.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	q.corked = false
	if len(q.ordered) > 0 { // its owner writes it
		q.wakeLocked()
		return
	}
	c.pushLocked()
}

// push writes what was queued.
func (c *Conn) push() {
	c.queue.mu.Lock()
	defer c.queue.mu.Unlock()
	c.pushLocked()
}

// pushOuts writes what was queued, unless the reader is about to write.
func (c *Conn) pushOuts() {
	c.queue.mu.Lock()
	defer c.queue.mu.Unlock()
	if !c.queue.keptBackLocked() {
		c.pushLocked()
	}
}

// pushLocked writes what is queued, as much as goes without waiting, if the
// writer sleeps: waking another goroutine takes longer than the write. The lock
// is released meanwhile.
func (c *Conn) pushLocked() {
	q := &c.queue
	if !q.asleep || q.direct || q.emptyLocked() || q.closing != nil || q.closed {
		return
	}
	if !c.socket.Bound() || len(q.rest) > 0 {
		q.wakeLocked()
		return
	}
	q.direct = true
	batch := q.takeOutsLocked(q.takeOrderedLocked(q.takeFirstLocked(wire.Lend())))
	q.mu.Unlock()
	n := c.socket.Write(batch)
	q.mu.Lock()
	q.direct = false
	if !q.closed && n < len(batch) {
		q.rest = append(q.rest[:0], batch[n:]...)
	}
	wire.GiveBack(batch)
	if !q.emptyLocked() || q.closing != nil {
		q.wakeLocked()
	}
}
