package channel

import (
	"context"
	"net"
	"testing"
	"time"

	"conga/openflow"
)

// FuzzPeer lets a hostile switch say anything, from the first byte on or after
// an ordinary handshake, while requests and commits are under way. The
// connection must survive or end, within its bounds, and no request or commit
// may be left waiting.
func FuzzPeer(f *testing.F) {
	add := func(ordinary bool, msgs ...openflow.Message) {
		var b []byte
		for i, m := range msgs {
			b, _ = openflow.Append(b, uint32(i+2), m)
		}
		f.Add(ordinary, b)
	}
	add(false, openflow.NewHello(4), &openflow.FeaturesReply{}, openflow.NewMultipartReply(openflow.PortDescReply(testPorts)))
	add(false, &openflow.Hello{}, &openflow.Error{})
	add(true, &openflow.BarrierReply{}, &openflow.RoleReply{}, &openflow.PacketIn{}, &openflow.PortStatus{})
	add(true, &openflow.EchoRequest{Data: []byte("x")}, &openflow.Error{ErrType: 5}, flowMod(1))
	more := openflow.NewMultipartReply(openflow.PortDescReply(testPorts))
	more.Flags = openflow.MultipartMore
	add(true, more, more, more)
	f.Add(true, []byte{4, 21, 0, 8, 0x80, 0, 0, 2, 4, 1, 0, 12, 0x80, 0, 0, 0, 0, 5, 0, 1})
	f.Add(true, []byte{4, 2, 0, 3})
	f.Add(false, []byte("GET / HTTP/1.0\r\n\r\n"))

	f.Fuzz(func(t *testing.T, ordinary bool, stream []byte) {
		start := time.Now()
		defer func() {
			if d := time.Since(start); d > 30*time.Second {
				t.Errorf("took %v, although the peer hung up", d)
			}
		}()
		a, b := net.Pipe()
		p := &peer{t: t, nc: b}
		cfg := Config{HandshakeTimeout: time.Minute, MaxMultipart: 1000, SendQueue: 10_000}
		var c *Conn
		var err error
		served := make(chan struct{})
		go func() {
			defer close(served)
			c, err = Server(context.Background(), a, cfg)
		}()
		if ordinary {
			p.handshake()
			<-served
			exercise(t, c, p, stream)
			return
		}
		go swallow(b)
		b.SetWriteDeadline(time.Now().Add(time.Minute))
		b.Write(stream)
		b.Close()
		<-served
		if err == nil {
			c.Close()
			c.loops.Wait()
		}
	})
}

// exercise has everything under way while the peer says what it says, and then
// hangs up.
func exercise(t *testing.T, c *Conn, p *peer, stream []byte) {
	read := make(chan struct{})
	go func() {
		defer close(read)
		swallow(p.nc)
	}()
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		c.Request(context.Background(), &openflow.MultipartRequest{MPType: openflow.MultipartPortDesc})
		c.Request(context.Background(), &openflow.RoleRequest{})
	}()
	commits := []*Commit{c.Commit(flowMods(1)), c.Commit(nil), c.Commit(flowMods(2))}
	c.Start(func(openflow.Header, openflow.Message) {
		c.PacketOut(&openflow.PacketOut{BufferID: openflow.NoBuffer}, false)
	})
	p.nc.SetWriteDeadline(time.Now().Add(time.Minute))
	p.nc.Write(stream)
	p.nc.Close()
	within(t, c.Done(), "connection")
	for _, k := range commits {
		within(t, k.Done(), "commit")
	}
	within(t, answered, "request")
	within(t, read, "peer")
	c.loops.Wait()
	wantNoCalls(t, c)
}

// swallow reads until the end.
func swallow(nc net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		if _, err := nc.Read(buf); err != nil {
			return
		}
	}
}
