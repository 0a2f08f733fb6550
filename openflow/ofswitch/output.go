package ofswitch

import (
	"sync"
	"time"

	"conga/openflow"
	"conga/openflow/wire"
)

const (
	// asyncLimit is how many bytes may wait for a slow controller before
	// asynchronous messages are dropped.
	asyncLimit = 1 << 20
	// replyLimit is how many may wait before the switch stops obeying.
	replyLimit = 512 << 10
)

// An output holds what waits to be written on a connection. Of the conn's
// methods, startLocked and writtenLocked need its mutex.
type output struct {
	writers sync.WaitGroup

	mu      sync.Mutex // taken last
	out     []byte
	writing bool // a goroutine writes
	last    bool // close when out is written
	ended   bool // nothing is written any more
}

// sendLocked queues a message, unless a fault holds it back.
func (c *conn) sendLocked(xid uint32, m openflow.Message) {
	f := &c.s.faults
	if f.Mute || (f.Lose != nil && f.Lose(m)) {
		return
	}
	if m.Type() == openflow.TypeError {
		c.s.counters.Errors++
	}
	if f.Delay != nil {
		if d := f.Delay(m); d > 0 {
			time.AfterFunc(d, func() {
				c.queue(xid, m)
				c.flush()
			})
			return
		}
	}
	c.queue(xid, m)
	c.dueLocked()
}

func (c *conn) queue(xid uint32, m openflow.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out, err := openflow.Append(wire.Roomy(c.out), xid, m)
	if err != nil {
		c.s.cfg.Log.Warn("message does not encode", "type", m.Type(), "err", err)
		return
	}
	c.out = out
}

// dueLocked has what is queued written: by the goroutine that unlocks the
// switch where it is lazy, otherwise by a goroutine of the connection's own.
func (c *conn) dueLocked() {
	if c.s.lazy {
		c.s.unsent = true
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.startLocked()
}

// finishLocked has the connection close when everything queued is written.
func (c *conn) finishLocked() {
	c.mu.Lock()
	c.last = true
	c.mu.Unlock()
	c.dueLocked()
}

func (c *conn) backlog() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.out)
}

// full reports whether the controller must first take what there is.
func (c *conn) full() bool { return c.backlog() > replyLimit }

// unlockAndFlush releases s.mu, which the caller holds, and writes what was
// queued while the switch was lazy.
func (s *Switch) unlockAndFlush() {
	var buf [4]*conn // mostly there is one
	conns := buf[:0]
	if s.unsent {
		s.unsent = false
		for c := range s.conns {
			conns = append(conns, c)
		}
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.flush()
	}
}

// flush writes what is queued, as much as goes without waiting; a goroutine
// writes the rest.
func (c *conn) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writing || c.ended || len(c.out) == 0 && !c.last {
		return
	}
	if !c.socket.Bound() || c.last || c.s.unruly.Load() {
		c.startLocked()
		return
	}
	c.writing = true
	buf := c.out
	c.out = nil
	c.mu.Unlock()
	n := c.socket.Write(buf)
	c.mu.Lock()
	c.writing = false
	c.writtenLocked(buf, n)
	c.startLocked()
}

// writtenLocked puts back what was not written of buf, in front of the rest.
func (c *conn) writtenLocked(buf []byte, n int) {
	switch {
	case n < len(buf):
		c.out = append(buf[n:], c.out...)
	case c.out == nil:
		c.out = wire.Emptied(buf)
	default:
		wire.GiveBack(buf)
	}
}

// startLocked has a goroutine write what is queued, unless one already does.
func (c *conn) startLocked() {
	if c.writing || c.ended || len(c.out) == 0 && !c.last {
		return
	}
	c.writing = true
	c.writers.Go(c.write)
}

// write writes until nothing is queued.
func (c *conn) write() {
	for {
		if !c.s.stalled(c.done) {
			return
		}
		c.mu.Lock()
		buf, last := c.out, c.last
		if len(buf) == 0 && !last || c.ended {
			c.writing = false
			c.mu.Unlock()
			return
		}
		c.out = nil
		c.mu.Unlock()
		if len(buf) > 0 && c.s.cutNow() {
			h, _ := openflow.ParseHeader(buf)
			buf, last = buf[:min(int(h.Length)/2, len(buf))], true
		}
		_, err := c.nc.Write(buf)
		if err != nil || last {
			c.close()
			return
		}
		wire.GiveBack(buf)
		select {
		case c.room <- struct{}{}:
		default:
		}
	}
}

// endOutput waits for the goroutine that writes, now that the connection is
// closed.
func (c *conn) endOutput() {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.writers.Wait()
}

// A dumpReply is the rest of a reply with flow entries, which is made as the
// controller takes it.
type dumpReply struct {
	xid     uint32
	entries []*entry
	age     time.Duration // of the switch, when it was asked
}

// continueDumpLocked adds one part to a dump that is not complete. It reports
// whether the next message may be obeyed: no dump is left, and the controller
// takes what it is sent.
func (c *conn) continueDumpLocked() bool {
	d := c.dump
	if d == nil {
		return !c.full()
	}
	c.mu.Lock()
	if len(c.out) == 0 {
		wire.GiveBack(c.out)
		c.out = wire.Lend() // has room for a part
	}
	c.out, d.entries = appendPart(c.out, d.xid, d.entries, d.age)
	c.mu.Unlock()
	if len(d.entries) == 0 {
		c.dump = nil
	}
	c.dueLocked()
	return c.dump == nil && !c.full()
}
