package controller

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conga/controller/path"
	"conga/openflow/ofswitch"
)

// inBubble runs a test of a controller and an emulated network, connected by
// pipes, in a bubble of [synctest]: its clock moves when everything waits, and
// synctest.Wait returns when what has happened has had its consequences.
func inBubble(t *testing.T, build func(ofswitch.TopologyConfig) *ofswitch.Network, cfg Config, test func(*lab), options ...func(*pipes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(time.Second) }) // what is about to be written is
		p := newPipes()
		for _, o := range options {
			o(p)
		}
		topology := emulated()
		topology.Switch.Dial = p.dial
		n := build(topology)
		t.Cleanup(func() { n.Close() })
		l := launchOn(t, n, cfg, p)
		l.pipes = p
		n.Start(t.Context(), "")
		test(l)
	})
}

// pipes is a listener whose connections are pipes within the process.
type pipes struct {
	conns  chan net.Conn
	dialed atomic.Int32
	wrap   func(net.Conn) net.Conn // of the listener's ends; nil: as they are

	mu     sync.Mutex
	closed chan struct{} // replaced when it is listened again
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

// again starts another controller in place of one that has stopped, with
// circuits that are wanted from the start.
func (l *lab) again(cfg Config, restored ...path.Circuit) *lab {
	l.pipes.mu.Lock()
	l.pipes.closed = make(chan struct{})
	l.pipes.mu.Unlock()
	next := launchOn(l.T, l.net, cfg, l.pipes, restored...)
	next.pipes = l.pipes
	return next
}

func (p *pipes) end() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// pipeAddr names an end of a pipe.
type pipeAddr string

func (pipeAddr) Network() string  { return "pipe" }
func (a pipeAddr) String() string { return string(a) }

// pipeEnd is the listener's end of a pipe, with the address of the other one.
type pipeEnd struct {
	net.Conn
	remote pipeAddr
}

func (e pipeEnd) RemoteAddr() net.Addr { return e.remote }

func (p *pipes) dial(ctx context.Context, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	if p.wrap != nil {
		ours = p.wrap(ours)
	}
	select {
	case p.conns <- pipeEnd{ours, pipeAddr(fmt.Sprint("pipe:", p.dialed.Add(1)))}:
		return theirs, nil
	case <-p.end():
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.end():
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return pipeAddr("pipe") }
