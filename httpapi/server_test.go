package httpapi_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conga/httpapi/serve"
)

// TestSlowHandshakes: a client that connects and sends nothing, or nothing
// more, is disconnected soon, with TLS as without.
func TestSlowHandshakes(t *testing.T) {
	pair, err := serve.ReadPair(serve.TLSFiles{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		tls  bool
		do   func(net.Conn)
		most time.Duration
	}{
		"nothing":              {true, func(net.Conn) {}, 5 * time.Second},
		"nothing, without TLS": {false, func(net.Conn) {}, 5 * time.Second},
		"half a hello":         {true, func(c net.Conn) { _, _ = c.Write([]byte{22, 3, 1, 2}) }, 5 * time.Second},
		"a handshake, then nothing": {true, func(c net.Conn) {
			_ = tls.Client(c, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(context.Background())
		}, 5 * time.Second},
		"a handshake for HTTP/2, then nothing": {true, func(c net.Conn) {
			_ = tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}).HandshakeContext(context.Background())
		}, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t)
				l := newPipeListener()
				server := serve.NewServer(h.api, nil, slogDiscard)
				served := make(chan error, 1)
				go func() {
					if c.tls {
						server.TLSConfig = serve.NewCertificate(pair).TLS()
						served <- server.ServeTLS(l, "", "")
					} else {
						served <- server.Serve(l)
					}
				}()
				conn, start := l.dial(), time.Now()
				c.do(conn)
				_, _ = io.Copy(io.Discard, conn)
				if took := time.Since(start); took > c.most+time.Second {
					t.Errorf("it was kept for %v", took)
				}
				conn.Close()
				server.Close()
				<-served
			})
		})
	}
}

// TestHTTP2Settings checks the settings that bound what one connection may
// cost.
func TestHTTP2Settings(t *testing.T) {
	h := newHarness(t)
	pair, err := serve.ReadPair(serve.TLSFiles{Dir: t.TempDir()})
	h.must(err)
	addr := served(t, h, serve.NewCertificate(pair).TLS(), nil)
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	h.must(err)
	defer c.Close()
	h.must(c.SetDeadline(time.Now().Add(10 * time.Second)))
	// The preface, and a frame of settings without any (RFC 9113, 3.4 and 6.5).
	_, err = io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	h.must(err)
	head := make([]byte, 9)
	_, err = io.ReadFull(c, head)
	h.must(err)
	frame := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	_, err = io.ReadFull(c, frame)
	h.must(err)
	settings := map[uint16]uint32{4: 65_535} // what holds unless it is said otherwise
	for ; len(frame) >= 6; frame = frame[6:] {
		settings[binary.BigEndian.Uint16(frame)] = binary.BigEndian.Uint32(frame[2:])
	}
	for id, most := range map[uint16]uint32{3: 32, 4: 64 << 10, 5: 16 << 10} {
		if settings[id] > most || settings[id] == 0 {
			t.Errorf("setting %d is %d", id, settings[id])
		}
	}
}

// TestServer goes over real TLS with real sockets.
func TestServer(t *testing.T) {
	h := newHarness(t)
	cfg, _, err := serve.LoadTLS(serve.TLSFiles{Dir: t.TempDir()})
	h.must(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	h.must(err)
	s := serve.NewServer(h.api, cfg, slog.New(slog.DiscardHandler))
	done := make(chan error, 1)
	go func() { done <- s.ServeTLS(l, "", "") }()
	defer func() {
		h.must(s.Close())
		if err := <-done; err != http.ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
	}()

	roots := x509.NewCertPool()
	cert, err := x509.ParseCertificate(cfg.Certificates[0].Certificate[0])
	h.must(err)
	roots.AddCert(cert)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	send := func(body io.Reader) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+l.Addr().String()+"/api/allocations", body)
		h.must(err)
		r.Header.Set("Content-Type", "application/json")
		a, err := client.Do(r)
		h.must(err)
		_, err = io.Copy(io.Discard, a.Body)
		h.must(err)
		h.must(a.Body.Close())
		return a
	}
	a := send(strings.NewReader(`{"api_key":"` + h.key + `"}`)) // a GET with a body, as documented
	if a.StatusCode != 200 || a.Proto != "HTTP/2.0" || a.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%s %s %v", a.Proto, a.Status, a.Header)
	}
	// A body without a length is cut off at the limit too.
	a = send(io.MultiReader(strings.NewReader(`{"api_key":"`), strings.NewReader(strings.Repeat("x", 2<<20))))
	if a.StatusCode != 413 {
		t.Errorf("2 MiB: %s", a.Status)
	}
	if s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.WriteTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes == 0 {
		t.Error("the server has no limits")
	}
	old := &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	if c, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", l.Addr().String(), old); err == nil {
		t.Error("TLS 1.1 was accepted:", c.Close())
	}
}
