package httpapi_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"conga/httpapi"
	"conga/httpapi/limits"
	"conga/httpapi/serve"
)

// siege is how long a client is measured, and asks every askEvery.
const (
	siege    = 4 * time.Second
	askEvery = 5 * time.Millisecond
)

// BenchmarkStrangers measures how long a client with a key waits for an answer
// alone, and beside 20 connections without one that send frames of HTTP/2 as
// fast as they can, from their first on. They come from the same address, and
// come back when they are closed. Their own work is done by the same
// processors. A request counts from when it was due, so that each that is late
// delays those that follow.
func BenchmarkStrangers(b *testing.B) {
	for _, c := range []struct {
		name  string
		burst []byte
		each  int // bytes a stream, which are sent for the next streams then; 0: of none
	}{
		{"pings", []byte(strings.Repeat(frame(6, 0, 0, "12345678"), 100)), 0},
		{"settings", []byte(strings.Repeat(frame(4, 0, 0, ""), 100)), 0},
		{"resets", []byte(strings.Repeat(abandoned, 100)), len(abandoned)},
	} {
		b.Run(c.name, func(b *testing.B) { benchmarkStrangers(b, c.burst, c.each) })
	}
}

// abandoned is a request without a key that is given up at once.
var abandoned = frame(1, 5, 0, unkeyed) + frame(3, 0, 0, "\x00\x00\x00\x08")

var unkeyed = "\x82\x87" + flat(":path", "/api/allocations") + flat(":authority", "localhost")

// renumber gives the requests in a burst the streams from the first on, and
// returns the next.
func renumber(burst []byte, each int, first uint32) uint32 {
	for at := 0; each > 0 && at < len(burst); at += each {
		binary.BigEndian.PutUint32(burst[at+5:], first)
		binary.BigEndian.PutUint32(burst[at+9+len(unkeyed)+5:], first)
		first += 2
	}
	return first
}

func benchmarkStrangers(b *testing.B, burst []byte, each int) {
	address, client := overTLS(b)
	alone := paced(b, address, client)
	end := besiege(address, burst, each)
	beside := paced(b, address, client)
	end()
	p50, p50alone := beside[len(beside)/2], alone[len(alone)/2]
	b.ReportMetric(p50alone, "alone-p50-ms")
	b.ReportMetric(alone[len(alone)*99/100], "alone-p99-ms")
	b.ReportMetric(p50, "p50-ms")
	b.ReportMetric(beside[len(beside)*99/100], "p99-ms")
	b.ReportMetric(p50/p50alone, "p50-ratio")
}

// paced asks in time, and returns how late the answers were, in order.
func paced(b *testing.B, address string, client *http.Client) []float64 {
	late := make([]float64, siege/askEvery)
	start := time.Now()
	for i := range late {
		due := start.Add(time.Duration(i) * askEvery)
		time.Sleep(time.Until(due))
		a, err := client.Get("https://" + address + "/api/allocations")
		if err != nil {
			b.Fatal(err)
		}
		_, err = io.Copy(io.Discard, a.Body)
		a.Body.Close()
		if err != nil || a.StatusCode != 200 || a.ProtoMajor != 2 {
			b.Fatal(a.Status, a.Proto, err)
		}
		late[i] = float64(time.Since(due)) / 1e6
	}
	slices.Sort(late)
	return late
}

// overTLS serves the API as the daemon does, and returns a client whose key it
// knows.
func overTLS(b *testing.B) (address string, client *http.Client) {
	h := newHarness(b, func(c *httpapi.Config) {
		c.Observe, c.Log = nil, slog.New(slog.NewJSONHandler(io.Discard, nil))
	})
	dir := b.TempDir()
	pair, err := serve.ReadPair(serve.TLSFiles{Dir: dir})
	h.must(err)
	below, err := net.Listen("tcp", "127.0.0.1:0")
	h.must(err)
	server := serve.NewServer(h.api, serve.NewCertificate(pair).TLS(), slogDiscard)
	served := make(chan error, 1)
	go func() {
		served <- server.ServeTLS(limits.Listen(below, limits.ListenerConfig{Total: 1000, PerAddress: 100}), "", "")
	}()
	certificate, err := os.ReadFile(dir + "/api.crt")
	h.must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost"}, ForceAttemptHTTP2: true}
	b.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		<-served
	})
	return below.Addr().String(), &http.Client{Transport: keyed{transport, h.key}}
}

// keyed sends requests with a key.
type keyed struct {
	http.RoundTripper
	key string
}

func (k keyed) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Bearer "+k.key)
	return k.RoundTripper.RoundTrip(r)
}

// besiege keeps 20 connections busy until end is called. It returns when all
// have sent their first frames.
func besiege(address string, burst []byte, each int) (end func()) {
	var all, begun sync.WaitGroup
	over := make(chan struct{})
	for range 20 {
		begun.Add(1)
		ready := sync.OnceFunc(begun.Done)
		burst := slices.Clone(burst)
		all.Go(func() {
			for {
				c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
				if err == nil {
					besiegeOnce(c, burst, each, ready, over)
				}
				ready()
				select {
				case <-over:
					return
				default:
				}
			}
		})
	}
	begun.Wait()
	return func() { close(over); all.Wait() }
}

// besiegeOnce sends frames until the connection breaks or it is over.
func besiegeOnce(c *tls.Conn, burst []byte, each int, ready func(), over <-chan struct{}) {
	var both sync.WaitGroup
	defer both.Wait()
	defer c.Close()
	// Else it would be the sender that is busy, filling the kernel's buffers.
	_ = c.NetConn().(*net.TCPConn).SetWriteBuffer(64 << 10)
	done := make(chan struct{})
	both.Go(func() { _, _ = io.Copy(io.Discard, c); close(done) })
	both.Go(func() {
		select {
		case <-over:
		case <-done:
		}
		c.NetConn().Close()
	})
	_, err := io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+frame(4, 0, 0, ""))
	for stream := uint32(1); err == nil && stream < 1<<30; {
		stream = renumber(burst, each, stream)
		_, err = c.Write(burst)
		ready()
	}
}
