package httpapi_test

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conga/httpapi/limits"
	"conga/httpapi/serve"
)

// at is a connection from an address.
type at struct {
	net.Conn
	from net.Addr
}

func (a at) RemoteAddr() net.Addr { return a.from }

// flat returns a header field of HTTP/2 in the plainest form (RFC 7541, 6.2.2).
func flat(name, value string) string {
	return "\x00" + string(rune(len(name))) + name + string(rune(len(value))) + value
}

// frame returns a frame of HTTP/2 (RFC 9113, 4.1).
func frame(kind, flags byte, stream uint32, body string) string {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(body)))[1:]
	return string(binary.BigEndian.AppendUint32(append(head, kind, flags), stream)) + body
}

// TestPingsWithoutAKey has connections ping without end: of a client without a
// key few are answered, of one with a key all.
func TestPingsWithoutAKey(t *testing.T) {
	pair, err := serve.ReadPair(serve.TLSFiles{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, keyed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t)
			below := newPipeListener()
			server := serve.NewServer(h.api, serve.NewCertificate(pair).TLS(), slogDiscard)
			served := make(chan error, 1)
			go func() {
				served <- server.ServeTLS(limits.Listen(below, limits.ListenerConfig{Total: 100, PerAddress: 100}), "", "")
			}()
			defer func() { server.Close(); <-served }()
			begin := "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, "")
			if keyed { // END_HEADERS and END_STREAM
				begin += frame(1, 5, 1, "\x82\x87"+flat(":path", "/api/allocations")+flat(":authority", "conga.example.org")+flat("x-api-key", h.key))
			}
			var answered atomic.Int64
			for range 20 {
				client, ours := net.Pipe()
				below.conns <- at{ours, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 7}}
				c := tls.Client(client, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
				defer client.Close()
				go ping(c, begin)
				go countPings(c, &answered)
			}
			time.Sleep(5 * time.Second)
			synctest.Wait()
			const most = (20*(8<<10+16<<10) + 512<<10 + 5*128<<10) / 17
			if got := answered.Load(); keyed != (got > most) || got == 0 {
				t.Errorf("with a key %t: %d pings are answered, %d are within the budget", keyed, got, most)
			}
		})
	}
}

// ping sends up to 10,000 pings, after what a connection begins with.
func ping(c net.Conn, begin string) {
	if _, err := io.WriteString(c, begin); err != nil {
		return
	}
	many := strings.Repeat(frame(6, 0, 0, "12345678"), 100)
	for range 100 {
		if _, err := io.WriteString(c, many); err != nil {
			return
		}
	}
}

// countPings counts the answers to pings that come.
func countPings(c net.Conn, n *atomic.Int64) {
	head := make([]byte, 9)
	for {
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(append([]byte{0}, head[:3]...)))); err != nil {
			return
		}
		if head[3] == 6 && head[4]&1 != 0 {
			n.Add(1)
		}
	}
}
