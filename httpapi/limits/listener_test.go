package limits_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"conga/httpapi/limits"
)

// addresses is a listener of connections from addresses that tests name.
type addresses struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newAddresses() *addresses {
	return &addresses{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (a *addresses) Accept() (net.Conn, error) {
	select {
	case c := <-a.conns:
		return c, nil
	case <-a.done:
		return nil, net.ErrClosed
	}
}

func (a *addresses) Close() error   { a.once.Do(func() { close(a.done) }); return nil }
func (a *addresses) Addr() net.Addr { return text("here") }

// text is an address of any form.
type text string

func (text) Network() string  { return "test" }
func (t text) String() string { return string(t) }

type addressed struct {
	net.Conn
	from text
}

func (a addressed) RemoteAddr() net.Addr { return a.from }

// limited is a limited listener whose accepted connections are kept.
type limited struct {
	*limits.Listener
	below *addresses
	log   *bytes.Buffer
	taken chan net.Conn
}

func newLimited(total, perAddress int, proxies ...netip.Prefix) *limited {
	d := &limited{below: newAddresses(), log: new(bytes.Buffer), taken: make(chan net.Conn, 1000)}
	d.Listener = limits.Listen(d.below, limits.ListenerConfig{
		Total: total, PerAddress: perAddress, Proxies: proxies, Log: slog.New(slog.NewTextHandler(d.log, nil)),
	})
	go func() {
		for {
			c, err := d.Accept()
			if err != nil {
				close(d.taken)
				return
			}
			d.taken <- c
		}
	}()
	return d
}

// connect reports whether a connection from there is taken; one that is not has
// been closed. ours is the server's end.
func (d *limited) connect(t *testing.T, from string) (ours net.Conn, ok bool) {
	t.Helper()
	client, server := net.Pipe()
	d.below.conns <- addressed{server, text(from)}
	synctest.Wait()
	select {
	case c := <-d.taken:
		t.Cleanup(func() { client.Close() })
		return c, true
	default:
		if _, err := client.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("a refused connection is not closed: %v", err)
		}
		return nil, false
	}
}

// TestConnectionsPerAddress: one client has its share and no more, whatever
// ports or addresses of its own network it uses; others are not touched.
func TestConnectionsPerAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newLimited(100, 2)
		for _, c := range []struct {
			from string
			ok   bool
		}{
			{"192.0.2.1:1", true}, {"192.0.2.1:2", true}, {"192.0.2.1:3", false}, {"[::ffff:192.0.2.1]:4", false},
			{"192.0.2.2:1", true},
			{"[2001:db8::1]:1", true}, {"[2001:db8::2]:1", true}, {"[2001:db8::ffff:3]:1", false}, {"[2001:db8:0:1::1]:1", true},
			{"127.0.0.1:1", true}, {"127.0.0.1:2", true}, {"127.0.0.1:3", false},
			{"pipe", true}, {"pipe", true}, {"pipe", true}, // no address
		} {
			if _, ok := d.connect(t, c.from); ok != c.ok {
				t.Errorf("%s: taken %t", c.from, ok)
			}
		}
		if got := d.Count(); got != (limits.Count{Open: 11, PerAddress: 4}) {
			t.Errorf("%+v", got)
		}
		d.Close()
	})
}

// TestConnectionsOfAProxy: those of a proxy count in all, and for no client; a
// neighbour of its in one /64 has a share.
func TestConnectionsOfAProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newLimited(8, 1, netip.MustParsePrefix("192.0.2.5/32"), netip.MustParsePrefix("2001:db8::5/128"))
		var proxied []net.Conn
		for _, c := range []struct {
			from string
			ok   bool
		}{
			{"192.0.2.5:1", true}, {"192.0.2.5:2", true}, {"[::ffff:192.0.2.5]:3", true},
			{"[2001:db8::5]:1", true}, {"[2001:db8::5]:2", true},
			{"[2001:db8::6]:1", true}, {"[2001:db8::6]:2", false},
			{"192.0.2.6:1", true}, {"192.0.2.6:2", false},
			{"192.0.2.5:4", true}, {"192.0.2.5:5", false}, // eight are open
		} {
			conn, ok := d.connect(t, c.from)
			if ok != c.ok {
				t.Errorf("%s: taken %t", c.from, ok)
			}
			if ok && (strings.Contains(c.from, "192.0.2.5") || strings.Contains(c.from, "8::5")) {
				proxied = append(proxied, conn)
			}
		}
		if got := d.Count(); got != (limits.Count{Open: 8, Total: 1, PerAddress: 2}) {
			t.Errorf("%+v", got)
		}
		for _, c := range proxied {
			c.Close()
		}
		if got := d.Count().Open; got != 8-len(proxied) {
			t.Errorf("%d are open", got)
		}
		d.Close()
	})
}

// TestConnectionsInAll: there is a limit to all, and a client that closes makes
// room, once.
func TestConnectionsInAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newLimited(10, 10)
		var conns []net.Conn
		for i := range 20 {
			c, ok := d.connect(t, fmt.Sprintf("192.0.2.%d:1", i))
			if ok != (i < 10) {
				t.Errorf("connection %d: taken %t", i, ok)
			}
			if ok {
				conns = append(conns, c)
			}
		}
		if got := d.Count(); got != (limits.Count{Open: 10, Total: 10}) {
			t.Errorf("%+v", got)
		}
		conns[3].Close()
		conns[3].Close()
		if _, ok := d.connect(t, "192.0.2.99:1"); !ok {
			t.Error("no room was made")
		}
		if _, ok := d.connect(t, "192.0.2.98:1"); ok {
			t.Error("room was made twice")
		}
		for _, c := range conns {
			c.Close()
		}
		if got := d.Count().Open; got != 1 {
			t.Errorf("%d are open", got)
		}
		d.Close()
	})
}

// TestRefusalsAreLoggedRarely: once a minute, with how many there were.
func TestRefusalsAreLoggedRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newLimited(1, 1)
		d.connect(t, "192.0.2.1:1")
		for range 180 {
			d.connect(t, "192.0.2.7:1")
			time.Sleep(time.Second)
		}
		lines := strings.Split(strings.TrimSpace(d.log.String()), "\n")
		if len(lines) != 3 || !strings.Contains(lines[0], "refused=1 open=1 latest=192.0.2.7/32") || !strings.Contains(lines[2], "refused=60 ") {
			t.Errorf("%d lines:\n%s", len(lines), d.log)
		}
		d.Close()
	})
}

// TestCloseWrite reaches the connection below: without it answers are lost when
// the server closes on a client that is still sending.
func TestCloseWrite(t *testing.T) {
	below, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limits.Listen(below, limits.ListenerConfig{Total: 1, PerAddress: 1})
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Error(err)
	}
	_ = client.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := client.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the client hears %v", err)
	}
	if _, err := client.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Errorf("nothing is read any more: %v", err)
	}
}
