package httpapi_test

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conga/allocator/store"
	"conga/httpapi/auth"
	"conga/httpapi/httpapitest"
	"conga/httpapi/serve"
)

// lasting are the buckets that a refused request must not change. The audit log
// is not one of them: it keeps that there was such a request.
var lasting = []store.Bucket{store.Allocations, store.History, store.Keys, store.Replays, store.Webhooks, store.Connections}

// sound are values that make a request succeed, by the name of the field.
var sound = map[string]string{
	"user_id": `"abc123"`, "project_id": `"projectB"`, "password": `"` + password + `"`,
	"src_ip": `"192.127.1.10"`, "dst_ip": `"192.127.1.11"`, "src_port": "4321", "dst_port": "3030",
	"protocol": `"tcp"`, "duration": "3600", "bandwidth": "1000", "start_time": "1429300000", "end_time": "1429303600", "switch": `"1"`, "link": `null`, "note": `"new fans"`,
	"source": reportedSource, "destination": reportedEnd, "connections": `[{"source":` + reportedSource + `,"destination":` + reportedEnd + `}]`,
	"connection_uuid": `"00000000-0000-4000-8000-000000000000"`,
	"recurrence":      `{"rrule":"FREQ=DAILY;COUNT=2"}`,
	"name":            `"watcher2"`,
	"url":             `"https://example.org/hook"`, "events": `["allocation.changed"]`,
}

const (
	reportedSource = `{"ip":"192.127.1.10","port":"4321"}`
	reportedEnd    = `{"ip":"192.127.1.11","port":"3030"}`
)

// operation is one that the document has, at an address that leads to
// something.
type operation struct {
	httpapitest.Operation
	path, named string // named: the path with {} for the name in it, or ""
}

// operations returns all operations of the document, each at one of its
// addresses.
func (h *harness) operations(c *httpapitest.Contract, id string) (out []operation) {
	if _, _, err := h.keys.IssueOperator(h.t.Context(), "watcher", time.Hour); err != nil && !errors.Is(err, auth.ErrOperatorExists) {
		h.t.Fatal(err)
	}
	names := map[string]string{
		"{allocation_id}": id, "{api_key}": h.key, "{webhook_id}": h.hook(), "{project_id}": "projectB",
		"{connection_uuid}": h.connection(), "{dpid}": "0000000000000001", "{from}": "0000000000000001:1", "{to}": "outside", "{port}": "1", "{name}": "watcher",
		"{series_id}": h.series(),
	}
	for _, o := range c.Operations() {
		if !o.Stream() {
			path, named := o.Path(o.Bases()[0], names)
			out = append(out, operation{o, path, named})
		}
	}
	return out
}

// connection returns the UUID of a connection that the harness's own key
// reports.
func (h *harness) connection() string {
	h.t.Helper()
	a := h.do("POST", "/api/connections", sound["connections"], bearer(h.key))
	if len(a.Results) != 1 {
		h.t.Fatalf("%d %s", a.code, a.body)
	}
	return a.Results[0]["connection_uuid"].(string)
}

// judge returns the key with which more than the key is judged.
func (h *harness) judge(o operation) string {
	if o.ForOperators() {
		return h.admin
	}
	return h.key
}

// hook returns the ID of a webhook of the harness's own key.
func (h *harness) hook() string {
	h.t.Helper()
	list := h.hooks.List(func(string) bool { return true })
	if len(list) == 0 {
		a := h.want(201, "POST", "/api/webhooks", `{"url":"https://example.org/hook"}`, bearer(h.key))
		return a.Results[0]["webhook_id"].(string)
	}
	return list[0].ID
}

// series returns the ID of a series of the harness's own key.
func (h *harness) series() string {
	h.t.Helper()
	for _, one := range h.all() {
		if one.Series != "" {
			return one.Series
		}
	}
	id, _ := h.makeSeries(`,"dst_port":9`)
	return id
}

// TestHostileRequests: no request that the document does not allow is taken for
// our fault or changes anything. There are thousands, made from the document.
func TestHostileRequests(t *testing.T) {
	h := watched(t)
	id := h.create(`,"src_port":4321,"protocol":"tcp"`)
	c, err := httpapitest.Load()
	h.must(err)
	ops := h.operations(c, id)
	before, n := h.dump(lasting...), 0
	for _, op := range ops {
		key := h.judge(op)
		attacks, err := op.Attacks(op.path, op.named, sound)
		h.must(err)
		for _, a := range attacks {
			n++
			headers := []header{bearer(key)}
			if a.Header[0] != "" {
				headers = append(headers, a.Header)
			}
			got := h.do(a.Method, a.Path, a.Body, headers...)
			if got.code < 400 || got.code > 499 {
				t.Errorf("%s %s, %s: %d %.300s", a.Method, a.Path, a.Name, got.code, got.body)
			}
			if len(got.body) > 64<<10 {
				t.Errorf("%s %s, %s: an answer of %d bytes", a.Method, a.Path, a.Name, len(got.body))
			}
		}
		if after := h.dump(lasting...); after != before {
			t.Fatalf("%s %s changed something:\n%s\nbecame\n%s", op.Method, op.path, before, after)
		}
	}
	if n < 1000 {
		t.Errorf("only %d attacks were made", n)
	}
	t.Logf("%d attacks", n)
}

// TestHostileQueries: what a query can do to a list.
func TestHostileQueries(t *testing.T) {
	h := watched(t)
	h.create("")
	c, err := httpapitest.Load()
	h.must(err)
	ops := h.operations(c, "none")
	before := h.dump(lasting...)
	for _, op := range ops {
		if op.Method != "GET" || !op.Parameters() {
			continue
		}
		for _, q := range httpapitest.StrangeQueries {
			u := &url.URL{Path: op.path, RawQuery: q}
			for _, key := range []string{h.key, h.admin} {
				if a := h.do("GET", u.String(), "", bearer(key)); a.code < 400 || a.code > 499 {
					t.Errorf("GET %s: %d", u, a.code)
				}
			}
		}
	}
	if h.dump(lasting...) != before {
		t.Error("a query changed something")
	}
}

// pipeListener serves connections that tests make, without a network, so that
// time can be the test's.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	select {
	case <-l.done:
	default:
		close(l.done)
	}
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1} }

// dial connects to the server.
func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	return client
}

// TestSlowBodies: a client that sends half of a body and then nothing is
// disconnected.
func TestSlowBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t)
		before := h.dump(lasting...)
		l := newPipeListener()
		server := serve.NewServer(h.api, nil, slogDiscard)
		served := make(chan error, 1)
		go func() { served <- server.Serve(l) }()
		start := time.Now()
		for _, request := range []string{
			"POST /api/allocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\nAuthorization: Bearer " + h.key + "\r\n\r\n{" + good,
			"POST /api/allocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nAuthorization: Bearer " + h.key + "\r\n\r\n5\r\n{\"src",
			"POST /api/allocations HTTP/1.1\r\nHost: x\r\nContent-Le",
		} {
			conn := l.dial()
			go io.WriteString(conn, request)
			text, _ := io.ReadAll(conn)
			if status, _, _ := strings.Cut(string(text), "\r\n"); status != "" && !strings.HasPrefix(status, "HTTP/1.1 4") {
				t.Errorf("answered %s", status)
			}
			conn.Close()
		}
		if took := time.Since(start); took > 3*time.Minute {
			t.Errorf("three slow clients were kept for %v", took)
		}
		server.Close()
		<-served
		if h.dump(lasting...) != before {
			t.Error("half a body changed something")
		}
	})
}

// TestRandomBodies throws JSON of any form at every operation that takes some.
func TestRandomBodies(t *testing.T) {
	h := newHarness(t)
	c, err := httpapitest.Load()
	h.must(err)
	for _, op := range h.operations(c, h.create("")) {
		if op.Body == "" {
			continue
		}
		before := h.dump(lasting...)
		for i := range 200 {
			body, _ := json.Marshal(randomValue(uint64(i)*7919+13, 4))
			if c.ValidText(op.Body, string(body)) == nil {
				continue
			}
			if a := h.do(op.Method, op.path, string(body), bearer(h.judge(op))); a.code < 400 || a.code > 499 {
				t.Errorf("%s %s %s: %d", op.Method, op.path, body, a.code)
			}
		}
		if h.dump(lasting...) != before {
			t.Fatalf("%s %s changed something", op.Method, op.path)
		}
	}
}

// randomValue returns JSON that a seed decides; it often has fields of ours.
func randomValue(seed uint64, depth int) any {
	next := func(n uint64) uint64 {
		seed ^= seed << 13
		seed ^= seed >> 7
		seed ^= seed << 17
		return seed % n
	}
	names := slices.Sorted(maps.Keys(sound))
	kind := next(7)
	if depth == 0 {
		kind = next(5)
	} else if depth == 4 {
		kind = 6
	}
	switch kind {
	case 0:
		return nil
	case 1:
		return next(2) == 0
	case 2:
		return int64(next(1 << 62))
	case 3:
		return float64(next(1<<30)) / 7
	case 4:
		return strings.Repeat(string(rune(next(0x10ffff))), int(next(50)))
	case 5:
		list := make([]any, next(5))
		for i := range list {
			list[i] = randomValue(next(1<<62), depth-1)
		}
		return list
	}
	obj := map[string]any{}
	for range next(6) {
		obj[names[next(uint64(len(names)))]] = randomValue(next(1<<62), depth-1)
	}
	return obj
}
