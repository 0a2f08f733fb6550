package ofswitch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"conga/openflow"
)

const (
	// asyncLimit is how many bytes may wait for a slow controller before asynchronous messages are dropped.
	asyncLimit = 1 << 20
	// replyLimit is how many may wait before the switch stops reading requests.
	replyLimit = 4 << 20
)

// A conn is a connection to a controller. Two goroutines serve it: the one that called Serve reads and
// obeys, the other writes.
type conn struct {
	s    *Switch
	nc   net.Conn
	done chan struct{} // closed when the connection is over
	once sync.Once
	wake chan struct{} // capacity 1: there is something to write
	room chan struct{} // capacity 1: something was written

	// Guarded by s.mu.
	upCh    chan struct{} // closed when the hellos have been exchanged
	up      bool
	role    openflow.Role
	async   openflow.AsyncConfig
	bundles map[uint32]*bundle

	mu   sync.Mutex // taken last
	out  []byte
	last bool // close when out is written
}

func (s *Switch) newConn(nc net.Conn) *conn {
	c := &conn{
		s: s, nc: nc, done: make(chan struct{}), wake: make(chan struct{}, 1), room: make(chan struct{}, 1),
		upCh: make(chan struct{}), role: openflow.RoleEqual, async: defaultAsync(), bundles: map[uint32]*bundle{},
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = struct{}{}
	c.send(0, openflow.NewHello(openflow.Version))
	return c
}

// Serve speaks OpenFlow on nc until it fails or is closed. It closes nc.
func (s *Switch) Serve(nc net.Conn) error { return s.newConn(nc).serve() }

func (c *conn) serve() error {
	written := make(chan struct{})
	go func() {
		defer close(written)
		c.write()
	}()
	err := c.read()
	c.close()
	<-written
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if c.up {
		s.setUp(-1)
	}
	s.cfg.Logger.Debug("connection over", "err", err)
	return err
}

func (c *conn) close() {
	c.once.Do(func() {
		close(c.done)
		c.nc.Close()
	})
}

// setUp changes the number of working connections by d. Must hold s.mu.
func (s *Switch) setUp(d int) {
	s.up += d
	close(s.upChanged)
	s.upChanged = make(chan struct{})
}

var errSilent = errors.New("ofswitch: the controller is silent")

// read obeys messages until the connection ends.
func (c *conn) read() error {
	in := make([]byte, 0, 4096)
	probed := false
	for {
		used, err := c.obeyAll(in)
		if err != nil {
			return err
		}
		in = in[:copy(in, in[used:])]
		if !c.s.stalled(c.done) {
			return net.ErrClosed
		}
		if probe := c.s.cfg.Probe; probe > 0 {
			c.nc.SetReadDeadline(time.Now().Add(probe))
		}
		if cap(in)-len(in) < 2048 {
			in = append(make([]byte, 0, max(2*cap(in), 4096)), in...)
		}
		n, err := c.nc.Read(in[len(in):cap(in)])
		in = in[:len(in)+n]
		switch {
		case n > 0:
			probed = false
		case errors.Is(err, os.ErrDeadlineExceeded):
			if probed {
				return errSilent
			}
			probed = true
			c.lockedSend(&openflow.EchoRequest{})
		case err != nil:
			return err
		}
	}
}

// obeyAll obeys the whole messages at the start of b and returns how many bytes they are.
func (c *conn) obeyAll(b []byte) (used int, err error) {
	for len(b)-used >= openflow.HeaderLen {
		h, err := openflow.ParseHeader(b[used:])
		if err != nil {
			return used, err
		}
		end := used + int(h.Length)
		if len(b) < end {
			break
		}
		if !c.waitRoom() || !c.s.stalled(c.done) {
			return used, net.ErrClosed
		}
		if err := c.obey(h, b[used:end]); err != nil {
			return used, err
		}
		used = end
	}
	return used, nil
}

func (c *conn) lockedSend(m openflow.Message) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.send(0, m)
}

// waitRoom waits until the controller has taken enough of the answers to ask for more.
func (c *conn) waitRoom() bool {
	for {
		c.mu.Lock()
		full := len(c.out) > replyLimit
		c.mu.Unlock()
		if !full {
			return true
		}
		select {
		case <-c.room:
		case <-c.done:
			return false
		}
	}
}

// write writes what is queued until the connection ends.
func (c *conn) write() {
	var buf []byte
	for {
		select {
		case <-c.wake:
		case <-c.done:
			return
		}
		if !c.s.stalled(c.done) {
			return
		}
		c.mu.Lock()
		buf, c.out = c.out, buf[:0]
		last := c.last
		c.mu.Unlock()
		if len(buf) > 0 && c.s.cutNow() {
			h, _ := openflow.ParseHeader(buf)
			buf, last = buf[:h.Length/2], true
		}
		_, err := c.nc.Write(buf)
		if err != nil || last {
			c.close()
			return
		}
		select {
		case c.room <- struct{}{}:
		default:
		}
		if cap(buf) > replyLimit {
			buf = nil
		}
	}
}

// send queues a message, unless a fault holds it back. Must hold s.mu.
func (c *conn) send(xid uint32, m openflow.Message) {
	f := &c.s.faults
	if f.Mute || (f.Lose != nil && f.Lose(m)) {
		return
	}
	if m.Type() == openflow.TypeError {
		c.s.counters.Errors++
	}
	if f.Delay != nil {
		if d := f.Delay(m); d > 0 {
			time.AfterFunc(d, func() { c.queue(xid, m) })
			return
		}
	}
	c.queue(xid, m)
}

func (c *conn) queue(xid uint32, m openflow.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out, err := openflow.Append(c.out, xid, m)
	if err != nil {
		c.s.cfg.Logger.Warn("message does not encode", "type", m.Type(), "err", err)
		return
	}
	c.out = out
	c.signal()
}

// appendRaw queues messages that are encoded already.
func (c *conn) appendRaw(fn func(dst []byte) []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = fn(c.out)
	c.signal()
}

func (c *conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// finish has the connection close when everything queued is written.
func (c *conn) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = true
	c.signal()
}

func (c *conn) backlog() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.out)
}

// announce sends an asynchronous message to the controllers that want it (§6.1.2). Must hold s.mu.
func (s *Switch) announce(m openflow.Message) {
	if s.held != nil {
		*s.held = append(*s.held, m)
		return
	}
	for c := range s.conns {
		if !c.up || !c.wants(m) {
			continue
		}
		if m.Type() == openflow.TypePacketIn {
			if c.backlog() > asyncLimit {
				s.counters.PacketInsDropped++
				continue
			}
			s.counters.PacketIns++
		}
		c.send(0, m)
	}
}

// Connect dials a controller and serves the connection in the background until ctx ends or Disconnect. It
// returns when the hellos have been exchanged.
func (s *Switch) Connect(ctx context.Context, addr string) error {
	c, err := s.dial(ctx, addr)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() {
		defer context.AfterFunc(ctx, c.close)()
		failed <- c.serve()
	}()
	select {
	case <-c.upCh:
		return nil
	case err := <-failed:
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("ofswitch: handshake with %s: %w", addr, err)
	}
}

var errRefused = errors.New("ofswitch: connections are refused")

func (s *Switch) dial(ctx context.Context, addr string) (*conn, error) {
	s.mu.Lock()
	refuse := s.faults.Refuse
	s.mu.Unlock()
	if refuse {
		return nil, errRefused
	}
	nc, err := s.cfg.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	return s.newConn(nc), nil
}

// Run keeps the switch connected to a controller: it dials, serves, and dials again with back-off, until
// ctx ends. It returns the context's error.
func (s *Switch) Run(ctx context.Context, addr string) error {
	const first = 50 * time.Millisecond
	pause := first
	for ctx.Err() == nil {
		c, err := s.dial(ctx, addr)
		if err == nil {
			stop := context.AfterFunc(ctx, c.close)
			c.serve()
			stop()
			select {
			case <-c.upCh:
				pause = first
			default:
			}
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
		pause = min(2*pause, s.cfg.Backoff)
	}
	return ctx.Err()
}

// Disconnect closes the connections to controllers. Run will dial again.
func (s *Switch) Disconnect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.close()
	}
}

// Connected reports whether a connection to a controller has completed its hellos.
func (s *Switch) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.up > 0
}

// WaitConnected waits until Connected, or ctx ends.
func (s *Switch) WaitConnected(ctx context.Context) error {
	for {
		s.mu.Lock()
		up, changed := s.up, s.upChanged
		s.mu.Unlock()
		if up > 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
