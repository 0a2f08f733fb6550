package ofswitch

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"conga/openflow"
	"conga/openflow/wire"
)

// A conn is a connection to a controller. The goroutine that called Serve reads
// and obeys, and writes the answers to what it has read in one go; what cannot
// be written without waiting is left to a goroutine that lives for as long.
type conn struct {
	s    *Switch
	nc   net.Conn
	done chan struct{} // closed when the connection is over
	once sync.Once
	room chan struct{} // capacity 1: something was written

	// Of the goroutine that reads.
	in     wire.Frames
	parser openflow.Parser
	dump   *dumpReply // nil: no reply is incomplete

	// Guarded by s.mu, which the methods named Locked need, except those of
	// output.
	upCh    chan struct{} // closed when the hellos have been exchanged
	up      bool
	role    openflow.Role
	async   openflow.AsyncConfig
	bundles map[uint32]*bundle

	socket wire.Socket
	output
}

func (s *Switch) newConn(nc net.Conn) *conn {
	c := &conn{
		s: s, nc: nc, done: make(chan struct{}), room: make(chan struct{}, 1),
		upCh: make(chan struct{}), role: openflow.RoleEqual, async: defaultAsync(), bundles: map[uint32]*bundle{},
	}
	c.socket.Bind(nc, &c.in)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = struct{}{}
	c.sendLocked(0, openflow.NewHello(openflow.Version))
	return c
}

// Serve speaks OpenFlow on nc until it fails or is closed. It closes nc.
func (s *Switch) Serve(nc net.Conn) error { return s.newConn(nc).serve() }

func (c *conn) serve() error {
	err := c.read()
	c.close()
	c.endOutput()
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if c.up {
		s.setUpLocked(-1)
	}
	s.cfg.Log.Debug("connection over", "err", err)
	return err
}

func (c *conn) close() {
	c.once.Do(func() {
		close(c.done)
		c.nc.Close()
	})
}

// setUpLocked changes the number of working connections by d.
func (s *Switch) setUpLocked(d int) {
	s.up += d
	close(s.upChanged)
	s.upChanged = make(chan struct{})
}

var errSilent = errors.New("ofswitch: the controller is silent")

// read obeys messages until the connection ends.
func (c *conn) read() error {
	probe, probed := c.s.cfg.Probe, false
	since := time.Now() // of the last sign of life, or of the probe
	c.expect(since, probe)
	for {
		if err := c.obeyAll(); err != nil {
			return err
		}
		if !c.s.stalled(c.done) {
			return net.ErrClosed
		}
		err := c.fill()
		now := time.Now()
		switch {
		case err == nil:
			since, probed = now, false
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case now.Sub(since) < probe:
			c.expect(since, probe)
		case wire.Readable(c.nc): // it is this process that is slow
			c.expect(now, probe)
		case probed:
			return errSilent
		default:
			since, probed = now, true
			c.expect(since, probe)
			c.send(&openflow.EchoRequest{})
		}
	}
}

// expect has fill return when the controller has been silent for as long as the
// probe since the time given. The deadline is not moved with every message:
// what came meanwhile is found when it passes.
func (c *conn) expect(since time.Time, probe time.Duration) {
	if probe > 0 {
		c.nc.SetReadDeadline(since.Add(probe))
	}
}

func (c *conn) fill() error {
	if c.socket.Bound() {
		return c.socket.Fill()
	}
	return c.in.Fill(c.nc)
}

// obeyAll obeys the whole messages that were read.
func (c *conn) obeyAll() error {
	for more := c.in.Rest() >= openflow.HeaderLen; more; {
		if !c.waitRoom() || !c.s.stalled(c.done) {
			return net.ErrClosed
		}
		var err error
		if more, err = c.obeySome(); err != nil {
			return err
		}
	}
	return nil
}

// obeySome obeys messages until there are no more, or more answers than the
// controller takes, and sends the answers.
func (c *conn) obeySome() (more bool, err error) {
	s := c.s
	s.mu.Lock()
	s.lazy = true
	more, err = c.obeyReadLocked()
	s.lazy = false
	s.unlockAndFlush()
	return more, err
}

func (c *conn) obeyReadLocked() (more bool, err error) {
	for c.continueDumpLocked() {
		if c.s.faults.Stall {
			return true, nil
		}
		h, raw, err := c.in.Next()
		if raw == nil || err != nil {
			return false, err
		}
		if err := c.obeyLocked(h, raw); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (c *conn) send(m openflow.Message) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.sendLocked(0, m)
}

// waitRoom waits until the controller has taken enough of the answers to ask
// for more, and reports whether the connection is still there.
func (c *conn) waitRoom() bool {
	for c.full() {
		select {
		case <-c.room:
		case <-c.done:
			return false
		}
	}
	return true
}

// announceLocked sends an asynchronous message to the controllers that want it
// (§6.1.2).
func (s *Switch) announceLocked(m openflow.Message) {
	if s.deferred != nil {
		*s.deferred = append(*s.deferred, m)
		return
	}
	for c := range s.conns {
		if !c.up || !c.wantsLocked(m) {
			continue
		}
		if m.Type() == openflow.TypePacketIn {
			if c.backlog() > asyncLimit {
				s.counters.PacketInsDropped++
				continue
			}
			s.counters.PacketIns++
		}
		c.sendLocked(0, m)
	}
}
