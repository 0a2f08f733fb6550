package channel

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conga/openflow"
)

func addr(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

// hello returns the bytes of a hello with the header version and elements
// given.
func hello(t *testing.T, version uint8, m *openflow.Hello) []byte {
	t.Helper()
	b, err := openflow.Append(nil, 7, m)
	if err != nil {
		t.Fatal(err)
	}
	b[0] = version
	return b
}

func TestHandshakeVersions(t *testing.T) {
	tests := []struct {
		name    string
		version uint8
		hello   *openflow.Hello
		text    string // of the refusal; empty if accepted
	}{
		{"1.3 with bitmap", 4, openflow.NewHello(4), ""},
		{"1.3 without bitmap", 4, &openflow.Hello{}, ""},
		{"1.4 without bitmap", 5, &openflow.Hello{}, ""},
		{"1.5 that also speaks 1.3", 6, openflow.NewHello(4, 5, 6), ""},
		{"Open vSwitch, header 1.4", 5, openflow.NewHello(4, 5), ""},
		{"low header, bitmap with 1.3", 1, openflow.NewHello(1, 4), ""},
		{"unknown element", 4, &openflow.Hello{Elements: []openflow.HelloElement{{Type: 99, Data: []byte("x")}}}, ""},
		{"1.0 without bitmap", 1, &openflow.Hello{}, "at most 1.0"},
		{"1.0 and 1.1", 2, openflow.NewHello(1, 2), "offers 1.0, 1.1"},
		{"1.5 that does not speak 1.3", 6, openflow.NewHello(5, 6), "offers 1.4, 1.5"},
		{"empty bitmap", 4, openflow.NewHello(), "no version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := net.Pipe()
			defer b.Close()
			p := &peer{t: t, nc: b}
			played := make(chan string, 1)
			go func() {
				defer close(played)
				p.raw(hello(t, tt.version, tt.hello))
				_, ours := expect[*openflow.Hello](p)
				if !ours.Supports(0, openflow.Version) || ours.Supports(0, 5) {
					t.Errorf("our hello is %+v", ours)
				}
				if tt.text == "" {
					p.rest()
					return
				}
				h, e := expect[*openflow.Error](p)
				if h.XID != 7 || e.ErrType != openflow.ErrorTypeHelloFailed || e.Code != codeIncompatible {
					t.Errorf("refused with xid %d, %+v", h.XID, e)
				}
				if _, _, err := p.next(); err == nil {
					t.Error("not closed after the refusal")
				}
				played <- string(e.Data)
			}()
			c, err := Server(context.Background(), a, Config{})
			text := <-played
			if tt.text != "" {
				wantKind(t, err, ErrVersion)
				if !strings.Contains(text, tt.text) || !strings.Contains(err.Error(), tt.text[len("offers "):]) {
					t.Errorf("text %q and error %q, want %q", text, err, tt.text)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.DPID() != testDPID || len(c.Ports()) != 2 || c.Ports()[1].No != 2 || c.Features().NTables != 254 {
				t.Errorf("datapath %v, ports %v, features %+v", c.DPID(), c.Ports(), c.Features())
			}
			c.Close()
			c.loops.Wait()
		})
	}
}

func TestHandshakeRefused(t *testing.T) {
	echo, _ := openflow.Append(nil, 1, &openflow.EchoRequest{})
	failed, _ := openflow.Append(nil, 1, &openflow.Error{Data: []byte("no")})
	tests := []struct {
		name  string
		bytes []byte
		kind  Kind
	}{
		{"not a hello first", echo, ErrProtocol},
		{"hello failed", failed, ErrVersion},
		{"header shorter than a header", []byte{4, 0, 0, 7, 0, 0, 0, 1}, ErrProtocol},
		{"HTTP", []byte("GET / HTTP/1.1\r\n\r\n"), ErrProtocol},
		{"TLS", []byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3}, ErrProtocol},
		{"hello with a broken element", []byte{4, 0, 0, 12, 0, 0, 0, 1, 0, 1, 0, 99}, ErrProtocol},
		{"gone at once", nil, ErrNetwork},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := net.Pipe()
			p := &peer{t: t, nc: b}
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer b.Close()
				if tt.bytes == nil {
					return
				}
				p.raw(tt.bytes)
				for {
					if _, _, err := p.next(); err != nil {
						return
					}
				}
			}()
			c, err := Server(context.Background(), a, Config{})
			if c != nil {
				t.Fatal("accepted")
			}
			wantKind(t, err, tt.kind)
			<-done
		})
	}
}

// Every step of the handshake may stall; none takes longer than the timeout.
func TestHandshakeTimeout(t *testing.T) {
	for stall := range 4 {
		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			p := &peer{t: t, nc: b}
			go func() {
				defer b.Close()
				if stall > 0 {
					p.write(1, openflow.NewHello(4))
				}
				if stall > 1 {
					expect[*openflow.Hello](p)
					h, _ := expect[*openflow.FeaturesRequest](p)
					if stall > 2 {
						p.write(h.XID, &openflow.FeaturesReply{DPID: 1})
						expect[*openflow.MultipartRequest](p)
					}
				}
				for {
					if _, _, err := p.next(); err != nil {
						return
					}
				}
			}()
			start := time.Now()
			_, err := Server(context.Background(), a, Config{HandshakeTimeout: 3 * time.Second})
			wantKind(t, err, ErrTimeout)
			if d := time.Since(start); d != 3*time.Second {
				t.Errorf("stalled at step %d: gave up after %v", stall, d)
			}
		})
	}
}

func TestHandshakeCancelled(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Server(ctx, a, Config{})
	wantKind(t, err, ErrClosed)
}

// A switch may refuse, answer in parts, or send something else in between.
func TestHandshakeInterleaved(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	p := &peer{t: t, nc: b}
	go func() {
		p.write(1, openflow.NewHello(4))
		expect[*openflow.Hello](p)
		h, _ := expect[*openflow.FeaturesRequest](p)
		p.write(9, &openflow.EchoRequest{Data: []byte("ping")})
		if h, m := expect[*openflow.EchoReply](p); h.XID != 9 || string(m.Data) != "ping" {
			t.Errorf("echo answered with %d %q", h.XID, m.Data)
		}
		p.write(0, &openflow.PortStatus{Reason: openflow.PortAdded, Port: openflow.Port{No: 5}})
		p.write(h.XID, &openflow.FeaturesReply{DPID: 1})
		h, _ = expect[*openflow.MultipartRequest](p)
		for i := range 3 {
			part := openflow.NewMultipartReply(openflow.PortDescReply{{No: openflow.PortNo(i + 1)}})
			if i < 2 {
				part.Flags = openflow.MultipartMore
			}
			p.write(h.XID, part)
		}
	}()
	c, err := Server(context.Background(), a, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.loops.Wait()
	defer c.Close()
	if len(c.Ports()) != 3 {
		t.Errorf("%d ports, want 3", len(c.Ports()))
	}
	got := make(chan openflow.Message, 1)
	c.Start(func(_ openflow.Header, m openflow.Message) { got <- m })
	if m, ok := (<-got).(*openflow.PortStatus); !ok || m.Port.No != 5 {
		t.Errorf("before Start came %+v", m)
	}
}

// A switch may refuse a step, or answer without end.
func TestHandshakeFails(t *testing.T) {
	refuse := func(p *peer, xid uint32) { p.write(xid, &openflow.Error{ErrType: openflow.ErrorTypeBadRequest}) }
	endless := func(p *peer, xid uint32) {
		m := openflow.NewMultipartReply(openflow.PortDescReply(make([]openflow.Port, 1000)))
		m.Flags = openflow.MultipartMore
		b, _ := openflow.Append(nil, xid, m)
		for range 1000 {
			if _, err := p.nc.Write(b); err != nil {
				return
			}
		}
	}
	tests := []struct {
		name            string
		features, ports func(*peer, uint32)
		kind            Kind
	}{
		{"features refused", refuse, nil, ErrProtocol},
		{"ports refused", nil, refuse, ErrProtocol},
		{"ports without end", nil, endless, ErrTooLarge},
		{"other multipart", nil, func(p *peer, xid uint32) {
			p.write(xid, openflow.NewMultipartReply(&openflow.DescReply{}))
		}, ErrProtocol},
		{"hangs up", nil, func(p *peer, _ uint32) { p.nc.Close() }, ErrClosed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := net.Pipe()
			p := &peer{t: t, nc: b}
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer b.Close()
				p.write(1, openflow.NewHello(4))
				p.read()
				h, _ := p.read()
				if tt.features != nil {
					tt.features(p, h.XID)
					return
				}
				p.write(h.XID, &openflow.FeaturesReply{})
				h, _ = p.read()
				tt.ports(p, h.XID)
			}()
			_, err := Server(t.Context(), a, Config{})
			wantKind(t, err, tt.kind)
			<-done
		})
	}
}
