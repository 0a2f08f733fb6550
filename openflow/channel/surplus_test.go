package channel

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A hall is a listener whose connections are pipes from addresses of choice.
type hall struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newHall() *hall { return &hall{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (h *hall) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

func (h *hall) Close() error   { h.once.Do(func() { close(h.closed) }); return nil }
func (h *hall) Addr() net.Addr { return named("hall") }

// comer is an end of a pipe with an address.
type comer struct {
	net.Conn
	from named
}

func (c comer) RemoteAddr() net.Addr { return c.from }

// dial connects from an address, and returns once the connection is accepted.
func (h *hall) dial(t *testing.T, from string) *peer {
	ours, theirs := net.Pipe()
	t.Cleanup(func() { theirs.Close() })
	h.conns <- comer{ours, named(from)}
	return &peer{t: t, nc: theirs}
}

// silent connects a peer that says hello and then nothing.
func (h *hall) silent(t *testing.T, from string) {
	p := h.dial(t, from)
	go func() {
		for {
			if _, _, err := p.next(); err != nil {
				return
			}
		}
	}()
}

// However many connections of one address are in the handshake, a switch from
// another one has a slot at once.
func TestTheSurplusGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall()
		l := NewListener(h, Config{MaxHandshakes: 8})
		defer l.Close()
		for range 8 {
			h.silent(t, "192.0.2.1:1")
		}
		synctest.Wait()
		began := time.Now()
		p := h.dial(t, "192.0.2.2:1")
		go p.handshake()
		c, err := l.Accept(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("the switch waited for %v", took)
		}
		c.Close()
		c.loops.Wait()
	})
}

// Silent connections that keep coming from one address do not keep a switch of
// the same address out.
func TestSilentDoNotLockOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall()
		l := NewListener(h, Config{MaxHandshakes: 8})
		defer l.Close()
		stop, over := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(over)
			for {
				h.silent(t, "192.0.2.1:1")
				select {
				case <-stop:
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
		}()
		time.Sleep(time.Minute)
		began := time.Now()
		p := h.dial(t, "192.0.2.1:2")
		go p.handshake()
		c, err := l.Accept(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("the switch waited for %v", took)
		}
		close(stop)
		<-over
		c.Close()
		c.loops.Wait()
	})
}
