package channel

import (
	"context"
	"errors"
	"net"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"conga/openflow"
	"conga/openflow/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A peer plays the switch, message by message. Its methods fail the test; they
// may be called from any goroutine that ends before the test.
type peer struct {
	t  testing.TB
	nc net.Conn
	in wire.Frames
}

const testDPID openflow.DPID = 0xabc

var testPorts = []openflow.Port{{No: 1, Name: "eth1"}, {No: 2, Name: "eth2"}}

// next returns the next message, or an error at the end of the stream.
func (p *peer) next() (openflow.Header, openflow.Message, error) {
	for {
		_, b, err := p.in.Next()
		if err != nil {
			return openflow.Header{}, nil, err
		}
		if b != nil {
			return openflow.Parse(b)
		}
		if err := p.in.Fill(p.nc); err != nil {
			return openflow.Header{}, nil, err
		}
	}
}

func (p *peer) read() (openflow.Header, openflow.Message) {
	p.t.Helper()
	h, m, err := p.next()
	if err != nil {
		p.t.Errorf("peer read: %v", err)
		runtime.Goexit()
	}
	return h, m
}

// expect reads a message of type M.
func expect[M openflow.Message](p *peer) (openflow.Header, M) {
	p.t.Helper()
	h, m := p.read()
	got, ok := m.(M)
	if !ok {
		p.t.Errorf("peer got a %v, want a %T", m.Type(), got)
	}
	return h, got
}

func (p *peer) write(xid uint32, m openflow.Message) {
	p.t.Helper()
	b, err := openflow.Append(nil, xid, m)
	if err != nil {
		p.t.Errorf("peer append: %v", err)
	}
	p.raw(b)
}

func (p *peer) raw(b []byte) {
	p.t.Helper()
	if _, err := p.nc.Write(b); err != nil {
		p.t.Errorf("peer write: %v", err)
	}
}

// handshake plays an ordinary switch's side of it.
func (p *peer) handshake() {
	p.t.Helper()
	p.write(1, openflow.NewHello(openflow.Version))
	expect[*openflow.Hello](p)
	p.rest()
}

// rest plays what follows the hellos.
func (p *peer) rest() {
	p.t.Helper()
	h, _ := expect[*openflow.FeaturesRequest](p)
	p.write(h.XID, &openflow.FeaturesReply{DPID: testDPID, NTables: 254})
	h, _ = expect[*openflow.MultipartRequest](p)
	body := openflow.PortDescReply(testPorts)
	p.write(h.XID, openflow.NewMultipartReply(body))
}

// pipe returns a connection after the handshake and the switch at its other
// end, over net.Pipe.
func pipe(t testing.TB, cfg Config) (*Conn, *peer) {
	t.Helper()
	a, b := net.Pipe()
	return join(t, a, b, cfg)
}

// pipes is a listener to which peers connect over net.Pipe.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error { close(l.closed); return nil }

func (l *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

func (l *pipes) dial(t testing.TB) *peer {
	a, b := net.Pipe()
	t.Cleanup(func() { b.Close() })
	l.conns <- a
	return &peer{t: t, nc: b}
}

// loopback does what pipe does, over TCP.
func loopback(t testing.TB, cfg Config) (*Conn, *peer) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	b, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	a, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return join(t, a, b, cfg)
}

func join(t testing.TB, a, b net.Conn, cfg Config) (*Conn, *peer) {
	t.Helper()
	p := &peer{t: t, nc: b}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.handshake()
	}()
	c, err := Server(context.Background(), a, cfg)
	if err != nil {
		t.Fatal(err)
	}
	<-done
	t.Cleanup(func() { c.Close(); b.Close(); c.loops.Wait() })
	return c, p
}

// within fails the test if ch is not closed soon.
func within(t testing.TB, ch <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(30 * time.Second):
		t.Fatalf("%s: nothing within 30 s", what)
	}
}

// wantKind fails the test unless err is an *Error of the kind.
func wantKind(t testing.TB, err error, kind Kind) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != kind {
		t.Fatalf("error %v (%T), want kind %q", err, err, kind)
	}
}

// flowMods returns n distinct ones.
func flowMods(n int) []openflow.Message {
	msgs := make([]openflow.Message, n)
	for i := range msgs {
		msgs[i] = flowMod(i)
	}
	return msgs
}

func flowMod(i int) *openflow.FlowMod {
	return &openflow.FlowMod{
		Cookie:   openflow.Cookie(i),
		Priority: 1000,
		BufferID: openflow.NoBuffer,
		OutPort:  openflow.PortAny,
		OutGroup: openflow.GroupAny,
		Match: openflow.Match{
			openflow.InPort(1), openflow.EthType(0x800), openflow.IPv4Src(addr(i)), openflow.IPProto(6),
			openflow.TCPDst(80),
		},
		Instructions: []openflow.Instruction{openflow.ApplyActions(openflow.Output(2, 0))},
	}
}

// wantNoCalls fails the test if anything is still waited for.
func wantNoCalls(t testing.TB, c *Conn) {
	t.Helper()
	c.calls.mu.Lock()
	defer c.calls.mu.Unlock()
	if len(c.calls.requests) != 0 || len(c.calls.commits) != 0 {
		t.Errorf("%d requests and %d commits are still waited for", len(c.calls.requests), len(c.calls.commits))
	}
}
