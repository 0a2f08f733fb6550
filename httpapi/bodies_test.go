package httpapi_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conga/httpapi"
	"conga/httpapi/limits"
	"conga/httpapi/serve"
)

// untouched is a body that must not be read.
type untouched struct{ t *testing.T }

func (u untouched) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, errors.New("read")
}

// TestBadKeyBeforeTheBody: what the headers decide is decided before anything
// of the body is read.
func TestBadKeyBeforeTheBody(t *testing.T) {
	h := newHarness(t)
	watcher, _, err := h.keys.IssueOperator(t.Context(), "watcher", time.Hour)
	h.must(err)
	for _, c := range []struct {
		name, method, target string
		headers              []header
		code                 int
	}{
		{"a bad key", "POST", "/api/allocations", []header{bearer("conga_x")}, 401},
		{"a bad key, for reading", "GET", "/api/v1/allocations", []header{bearer("conga_x")}, 401},
		{"a bad key in X-API-Key", "POST", "/api/connections", []header{{"X-API-Key", "conga_x"}}, 401},
		{"a bad key of an agent", "POST", "/connections", []header{bearer("conga_x")}, 401},
		{"two keys", "POST", "/api/allocations", []header{bearer(h.key), {"X-API-Key", h.foreign}}, 400},
		{"a user at the admin's", "POST", "/api/operators", []header{bearer(h.key)}, 403},
		{"an operator who changes", "POST", "/api/allocations", []header{bearer(watcher)}, 403},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.target, untouched{t})
		r.ContentLength = 1000
		for _, kv := range c.headers {
			r.Header.Add(kv[0], kv[1])
		}
		w := httptest.NewRecorder()
		h.api.ServeHTTP(w, r)
		if w.Code != c.code {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
	}
}

// TestLargeBodies: how much is read depends on whether a header shows a key.
func TestLargeBodies(t *testing.T) {
	h := newHarness(t, func(c *httpapi.Config) {
		c.Keyless = []httpapi.Keyless{{From: netip.MustParsePrefix("10.0.0.0/8"), Project: "projectB"}}
	})
	void := func(n int, body string) string { return strings.Repeat(" ", n-len(body)) + body }
	inBody := "{" + good + `,"api_key":"` + h.key + `"}`
	report := "[" + between("192.127.1.10", 1, "192.127.1.11", 2) + "]"
	const small, large, huge = 64 << 10, 1 << 20, 4 << 20
	const known, unknown = "10.1.2.3:4", "192.0.2.1:1"
	for _, c := range []struct {
		name, from, target, body string
		code                     int
		headers                  []header
	}{
		{"key in the body", unknown, "/api/allocations", void(small, inBody), 201, nil},
		{"key in the body, too long", unknown, "/api/allocations", void(small+1, inBody), 413, nil},
		{"key in a header", unknown, "/api/allocations", void(large, strings.Replace(inBody, "1.10", "1.22", 1)), 201, []header{bearer(h.key)}},
		{"key in a header, too long", unknown, "/api/allocations", void(large+1, inBody), 413, []header{bearer(h.key)}},
		{"a report", unknown, "/connections", void(huge, report), 200, []header{bearer(h.key)}},
		{"a report, too long", unknown, "/connections", void(huge+1, report), 413, []header{bearer(h.key)}},
		{"a report without a key", unknown, "/connections", void(small, report), 401, nil},
		{"a report without a key, too long", unknown, "/connections", void(small+1, report), 413, nil},
		{"a keyless host's", known, "/connections", void(huge, report), 200, nil},
		{"a keyless host's, too long", known, "/connections", void(huge+1, report), 413, nil},
		{"a keyless host elsewhere", known, "/api/connections", void(small+1, report), 413, nil},
		{"a keyless host with some key", known, "/connections", void(small+1, report), 413, []header{{"Authorization", "Basic x"}}},
		{"nobody's", unknown, "/api/auth", void(small, docKeyRequest), 401, nil},
		{"nobody's, too long", unknown, "/api/auth", void(small+1, docKeyRequest), 413, nil},
		{"nobody's with a key", unknown, "/api/auth", void(small+1, docKeyRequest), 413, []header{bearer(h.key)}},
	} {
		for _, chunked := range []bool{false, true} {
			r := httptest.NewRequestWithContext(t.Context(), "POST", c.target, strings.NewReader(c.body))
			r.RemoteAddr = c.from
			r.Header.Set("Content-Type", "application/json")
			if chunked {
				r.ContentLength = -1
			}
			for _, kv := range c.headers {
				r.Header.Add(kv[0], kv[1])
			}
			w := httptest.NewRecorder()
			if h.api.ServeHTTP(w, r); w.Code != c.code && (w.Code != 409 || c.code != 201 || !chunked) {
				t.Errorf("%s, chunked %t: %d %.200s", c.name, chunked, w.Code, w.Body)
			}
			helps := strings.Contains(w.Body.String(), "Authorization: Bearer")
			if want := strings.HasSuffix(c.name, "key, too long") || strings.Contains(c.name, "elsewhere"); want && !helps {
				t.Errorf("%s is told %s", c.name, w.Body)
			}
		}
	}
}

// addressed is a connection from some address.
type addressed struct {
	net.Conn
	from net.Addr
}

func (a addressed) RemoteAddr() net.Addr { return a.from }

// dialFrom connects to the server from 10.0.0.0/8.
func (l *pipeListener) dialFrom(i int) net.Conn {
	client, server := net.Pipe()
	l.conns <- addressed{server, &net.TCPAddr{IP: net.IPv4(10, byte(i>>16), byte(i>>8), byte(i)), Port: 1}}
	return client
}

// flood is a server with unfinished requests.
type flood struct {
	*harness
	l       *pipeListener
	bodies  *limits.Bodies
	conns   []net.Conn
	stop    func()
	answers chan string
}

func newFlood(t *testing.T) *flood {
	f := &flood{bodies: limits.NewBodies(limits.BodiesConfig{}), l: newPipeListener(), answers: make(chan string, 10_000)}
	f.harness = newHarness(t, func(c *httpapi.Config) { c.Bodies = f.bodies })
	server := serve.NewServer(f.api, nil, slogDiscard)
	served := make(chan error, 1)
	go func() { served <- server.Serve(f.l) }()
	f.stop = func() {
		for _, c := range f.conns {
			c.Close()
		}
		server.Close()
		<-served
	}
	return f
}

// open starts a request whose body does not end, and notes how it is answered.
func (f *flood) open(i int, head string, sent int) {
	c := f.l.dialFrom(i)
	f.conns = append(f.conns, c)
	go func() {
		if _, err := io.WriteString(c, head+"\r\n\r\n"); err == nil {
			_, _ = c.Write(bytes.Repeat([]byte{' '}, sent))
		}
	}()
	go func() {
		text, _ := io.ReadAll(c)
		f.answers <- string(text)
	}()
}

// TestUnfinishedBodies: however many there are, from however many places, they
// stay within what is set apart for them, and clients with a key go on.
func TestUnfinishedBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlood(t)
		post := "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
		const n = 1000
		for i := range n {
			target := []string{"/connections", "/api/allocations", "/api/auth"}[i%3]
			length := []string{"Content-Length: 65536", "Transfer-Encoding: chunked\r\n\r\n10000"}[i%2]
			f.open(i, fmt.Sprintf(post, target)+length, 65_000)
		}
		synctest.Wait()
		if held := f.bodies.Held(); held > 16<<20 {
			t.Errorf("%d bytes are held", held)
		}
		time.Sleep(time.Second) // no request waits longer for memory
		held := f.bodies.Held()
		if held > 16<<20 || held < 15<<20 {
			t.Errorf("%d bytes are held", held)
		}
		f.want(201, "POST", "/api/allocations", "{"+good+"}", bearer(f.key))
		time.Sleep(time.Minute) // they have half of one
		if refused, other := counted(t, f.answers, len(f.answers)); refused < n/2 || refused+other != n {
			t.Errorf("%d were refused for want of room, %d answered otherwise", refused, other)
		}
		if held := f.bodies.Held(); held != 0 {
			t.Errorf("%d bytes are held by nobody", held)
		}
		f.stop()
	})
}

// counted counts the refusals for want of room among n answers.
func counted(t *testing.T, answers <-chan string, n int) (refused, other int) {
	t.Helper()
	for range n {
		a := <-answers
		switch status, _, _ := strings.Cut(a, "\r\n"); {
		case status == "HTTP/1.1 503 Service Unavailable":
			refused++
			if !strings.Contains(a, "\r\nRetry-After: 1\r\n") || !strings.Contains(a, "body: too many are being read at this moment") {
				t.Errorf("a refusal is %s", a)
			}
		case status != "":
			other++
		}
	}
	return refused, other
}

// TestOneUserDoesNotTakeAll: unfinished bodies of one key leave room for
// others'.
func TestOneUserDoesNotTakeAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlood(t)
		keys := []string{f.foreign, f.issue("xyz987", "projectB")} // of one user, in two projects
		for i := range 100 {
			f.open(i, "POST /api/allocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\nAuthorization: Bearer "+keys[i%2], 999_000)
		}
		time.Sleep(time.Second)
		if held := f.bodies.Held(); held != 12_000_000 {
			t.Errorf("%d bytes are held", held)
		}
		f.want(200, "GET", "/api/allocations", `{"project_id":"projectB"}`, bearer(f.key))
		f.want(200, "GET", "/api/allocations", `{"api_key":"`+f.foreign+`"}`)
		f.stop()
		synctest.Wait()
		if held := f.bodies.Held(); held != 0 {
			t.Errorf("%d bytes are held by nobody", held)
		}
	})
}

// TestOverload: without room the answer is 503 in every form that answers have,
// says when to come again, and is counted.
func TestOverload(t *testing.T) {
	h := newHarness(t, func(c *httpapi.Config) {
		c.Bodies = limits.NewBodies(limits.BodiesConfig{Total: 200, Strangers: 100, Wait: time.Nanosecond})
	})
	body := "{" + good + `,"api_key":"` + h.key + `"}`
	for _, c := range []struct {
		target  string
		headers []header
	}{
		{"/api/allocations", nil}, {"/api/allocations", []header{bearer(h.key)}}, {"/api/auth", nil}, {"/api/connections", nil}, {"/connections", nil},
		{"/api/allocations", []header{{"Accept", "application/problem+json"}}},
		{"/api/allocations", []header{{"Accept", "application/vnd.conga+json; version=1.0"}}},
	} {
		h.seen = nil
		a := h.do("POST", c.target, body, c.headers...)
		if a.code != 503 || a.header.Get("Retry-After") != "1" || !strings.Contains(a.body, "show the key in a header") {
			t.Errorf("%s %v: %d %v %s", c.target, c.headers, a.code, a.header, a.body)
		}
		if len(h.seen) != 1 || h.seen[0].Code != 503 || h.seen[0].Route != c.target {
			t.Errorf("%s: counted as %v", c.target, h.seen)
		}
	}
	h.want(200, "GET", "/api/allocations", "", bearer(h.key)) // what has no body needs no room
}

// TestRefusedWhileSending: a client that sends everything before it reads hears
// why it was refused, over either version of HTTP; and what it sent is no
// request of its own.
func TestRefusedWhileSending(t *testing.T) {
	h := newHarness(t)
	addr := served(t, h, nil, nil)
	const size = 10 << 20
	chunk := strings.Repeat("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 4096)[:128<<10]
	for name, head := range map[string]string{
		"announced": fmt.Sprintf("Content-Length: %d\r\n\r\n", size),
		"chunked":   fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", size),
		"bad key":   fmt.Sprintf("Authorization: Bearer conga_x\r\nContent-Length: %d\r\n\r\n", size),
	} {
		c, err := net.Dial("tcp", addr)
		h.must(err)
		h.must(c.SetDeadline(time.Now().Add(20 * time.Second)))
		_, err = io.WriteString(c, "POST /api/allocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+head)
		for i := 0; err == nil && i < size; i += len(chunk) {
			_, err = io.WriteString(c, chunk)
		}
		if err == nil && name == "chunked" {
			_, err = io.WriteString(c, "\r\n0\r\n\r\n")
		}
		if err != nil {
			t.Errorf("%s: cut off while sending: %v", name, err)
		}
		want := map[string]int{"bad key": 401}[name]
		in := bufio.NewReader(c)
		a, err := http.ReadResponse(in, nil)
		if err != nil || a.StatusCode != max(want, 413) && a.StatusCode != want {
			t.Errorf("%s: %v %v", name, a, err)
			c.Close()
			continue
		}
		_, _ = io.Copy(io.Discard, a.Body)
		if rest, _ := io.ReadAll(in); len(rest) > 0 {
			t.Errorf("%s: then came %.100q", name, rest)
		}
		c.Close()
	}
}

// TestRefusedOverHTTP2: a refusal reaches who is still sending.
func TestRefusedOverHTTP2(t *testing.T) {
	h := newHarness(t)
	pair, err := serve.ReadPair(serve.TLSFiles{Dir: t.TempDir()})
	h.must(err)
	addr := served(t, h, serve.NewCertificate(pair).TLS(), nil)
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer tr.CloseIdleConnections()
	for _, length := range []int64{10 << 20, -1} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", "https://"+addr+"/api/allocations", strings.NewReader(strings.Repeat(" ", 10<<20)))
		h.must(err)
		r.ContentLength = length
		r.Header.Set("Content-Type", "application/json")
		a, err := tr.RoundTrip(r)
		h.must(err)
		text, err := io.ReadAll(a.Body)
		a.Body.Close()
		if a.ProtoMajor != 2 || a.StatusCode != 413 || err != nil {
			t.Errorf("%s %d %s %v", a.Proto, a.StatusCode, text, err)
		}
	}
}

// TestStreamsHoldNoBodies: a stream may last for days, and what it was asked
// with need not.
func TestStreamsHoldNoBodies(t *testing.T) {
	bodies := limits.NewBodies(limits.BodiesConfig{})
	h := newHarness(t, func(c *httpapi.Config) { c.Bodies = bodies })
	s := httptest.NewServer(h.api)
	defer s.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/api/events", strings.NewReader("{}"+strings.Repeat(" ", 500_000)))
	h.must(err)
	r.Header.Set("Authorization", "Bearer "+h.key)
	answer, err := s.Client().Do(r)
	h.must(err)
	defer answer.Body.Close()
	if held := bodies.Held(); answer.StatusCode != 200 || held != 0 {
		t.Errorf("%d, and %d bytes are held", answer.StatusCode, held)
	}
}
