package httpapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
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
	"conga/httpapi"
	"conga/httpapi/auth"
	"conga/httpapi/httpapitest"
)

// lasting are the buckets that a refused request must not change. The audit log
// is not one of them: it keeps that there was such a request.
var lasting = []store.Bucket{store.Allocations, store.Keys, store.Replays, store.Webhooks, store.Connections}

// sound are values that make a request succeed, by the name of the field.
var sound = map[string]string{
	"user_id": `"abc123"`, "project_id": `"projectB"`, "password": `"` + password + `"`,
	"src_ip": `"192.127.1.10"`, "dst_ip": `"192.127.1.11"`, "src_port": "4321", "dst_port": "3030",
	"protocol": `"tcp"`, "duration": "3600", "bandwidth": "1000", "start_time": "1429300000",
	"source": reportedSource, "destination": reportedEnd, "connections": `[{"source":` + reportedSource + `,"destination":` + reportedEnd + `}]`,
	"connection_uuid": `"00000000-0000-4000-8000-000000000000"`,
	"name":            `"watcher2"`,
	"url":             `"https://example.org/hook"`, "events": `["allocation.changed"]`,
}

const (
	reportedSource = `{"ip":"192.127.1.10","port":"4321"}`
	reportedEnd    = `{"ip":"192.127.1.11","port":"3030"}`
)

// attack is one hostile request.
type attack struct {
	name, method, target, body string
	headers                    []header
}

// operation is what the document says of one, as far as attacks need it.
type operation struct {
	c              *httpapitest.Contract
	method, target string
	named          string // the target, with {} for the name in it; "": there is none
	at             httpapitest.Pointer
	whole          httpapitest.Pointer // schema of the body; "": none
	schema         httpapitest.Pointer // of one of the forms that it may have
	fields         map[string]any
}

// operations are all that the document has below one server, with addresses that
// lead to something. One whose body may have several forms is there for each.
func (h *harness) operations(c *httpapitest.Contract, id string) (out []operation) {
	paths, at := c.Members("/paths")
	if _, _, err := h.keys.IssueOperator(h.t.Context(), "watcher", time.Hour); err != nil && !errors.Is(err, auth.ErrOperatorExists) {
		h.t.Fatal(err)
	}
	names := map[string]string{
		"{allocation_id}": id, "{api_key}": h.key, "{webhook_id}": h.hook(), "{project_id}": "projectB",
		"{connection_uuid}": h.connection(), "{dpid}": "0000000000000001", "{name}": "watcher",
	}
	for template := range paths {
		item, p := c.Members(at.At(template))
		target, named := httpapitest.Bases(item)[0]+template, ""
		if param := paramPattern.FindString(template); param != "" {
			named = strings.Replace(target, param, "{}", 1)
			target = strings.Replace(target, param, names[param], 1)
		}
		for method := range item {
			if method == "parameters" || method == "servers" || strings.HasSuffix(template, "/events") {
				continue
			}
			op := operation{c: c, method: strings.ToUpper(method), target: target, named: named, at: p.At(method)}
			body, b := c.Members(op.at.At("requestBody"))
			if body == nil {
				out = append(out, op)
				continue
			}
			_, op.whole = c.Get(b.At("content", "application/json", "schema"))
			for _, op.schema = range formsOf(c, op.whole) {
				op.fields, _ = c.Members(op.schema.At("properties"))
				out = append(out, op)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b operation) int { return strings.Compare(a.target+a.method, b.target+b.method) })
	return out
}

// forms are the schemas of which a value must fulfil one.
func formsOf(c *httpapitest.Contract, schema httpapitest.Pointer) (out []httpapitest.Pointer) {
	list, at := c.Get(schema.At("oneOf"))
	forms, ok := list.([]any)
	if !ok {
		return []httpapitest.Pointer{schema}
	}
	for i := range forms {
		_, p := c.Get(at.At(fmt.Sprint(i)))
		out = append(out, p)
	}
	return out
}

// connection is the UUID of a connection that the harness's own key reports.
func (h *harness) connection() string {
	h.t.Helper()
	a := h.do("POST", "/api/connections", sound["connections"], bearer(h.key))
	if len(a.Results) != 1 {
		h.t.Fatalf("%d %s", a.code, a.body)
	}
	return a.Results[0]["connection_uuid"].(string)
}

// judge is the key with which more than the key is judged.
func (h *harness) judge(o operation) string {
	if text, _ := o.c.Get(o.at.At("description")); strings.Contains(fmt.Sprint(text), "For the operator's key.") {
		return h.admin
	}
	return h.key
}

// hook is the ID of a webhook of the harness's own key.
func (h *harness) hook() string {
	h.t.Helper()
	list := h.hooks.List(func(string) bool { return true })
	if len(list) == 0 {
		a := h.want(201, "POST", "/api/webhooks", `{"url":"https://example.org/hook"}`, bearer(h.key))
		return a.Results[0]["webhook_id"].(string)
	}
	return list[0].ID
}

// bodyOf is a body with the fields given, in order.
func bodyOf(fields map[string]string) string {
	var members []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		members = append(members, fmt.Sprintf("%q:%s", name, fields[name]))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// required are the fields without which the operation is refused, with sound
// values.
func (o operation) required(t *testing.T) map[string]string {
	fields := map[string]string{}
	list, _ := o.c.Get(o.schema.At("required"))
	names, _ := list.([]any)
	for _, name := range names {
		value, ok := sound[name.(string)]
		if !ok {
			t.Fatalf("%s %s: no sound value for %s is known here", o.method, o.target, name)
		}
		fields[name.(string)] = value
	}
	return fields
}

// with is a body that would do, but for one field.
func (o operation) with(t *testing.T, name, value string) string {
	fields := o.required(t)
	if value == "" {
		delete(fields, name)
	} else {
		fields[name] = value
	}
	return bodyOf(fields)
}

var strangeValues = map[string]string{
	"null": "null", "true": "true", "zero": "0", "minus": "-1", "fraction": "1.5", "exponent": "1e400", "huge number": "1" + strings.Repeat("0", 400),
	"empty": `""`, "text": `"x"`, "long text": `"` + strings.Repeat("x", 200_000) + `"`, "array": "[]", "object": "{}",
	"deep": strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "deeper": strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000),
	"many": "[" + strings.Repeat("1,", 100_000) + "1]",
	"NUL":  `"\u0000"`, "surrogate": `"\ud800"`, "right to left": "\"\u202eabc\"", "combining": `"` + strings.Repeat("é", 500) + `"`,
	"not a character": `"\uffff"`, "newline": `"a\nb"`, "template": `"${jndi:ldap://x}"`, "quote": `"' OR 1=1 --"`, "path": `"../../etc/passwd"`,
}

var strangeBodies = map[string]string{
	"nothing of JSON": "duration=1", "cut short": `{"a":`, "two": "{}{}", "array": "[{}]", "null": "null", "number": "1", "text": `"x"`,
	"bad UTF-8": "{\"user_id\":\"\xff\xfe\"}", "bad UTF-8 name": "{\"\xff\":1}", "BOM": "\ufeff{}", "UTF-16": "{\x00}\x00", "NUL": "\x00",
	"extra field": `{"colour":"red"}`, "case": `{"User_id":"abc123"}`, "__proto__": `{"__proto__":{"admin":true}}`, "empty name": `{"":1}`,
	"duplicate": `{"api_key":null,"api_key":null}`, "escaped duplicate": `{"api_key":null,"\u0061pi_key":null}`,
	"many fields":    "{" + manyFields(1000) + "}",
	"deep":           strings.Repeat("[", 100_000),
	"10 MiB":         `{"user_id":"` + strings.Repeat("x", 10<<20) + `"}`,
	"10 MiB of void": strings.Repeat(" ", 10<<20),
}

var strangeNames = []string{
	"%00", "%ff", "%2e%2e%2f", "..", "%2F", "'%20OR%201=1", "%E2%80%AE", "conga_", strings.Repeat("x", 20_000), "*", "{id}", "%0d%0aX-Evil:1", "00000000-0000-0000-0000-000000000000",
}

var strangeQueries = []string{
	"page=-1", "page=%zz", "page=1e9", "page=9999999999999999999999", "per_page=0", "per_page=100000", "colour=red", "page=1&page=1", "project_id=%ff",
	"project_id=%00", ";", "&&&=", "project_id=" + strings.Repeat("x", 10_000), strings.Repeat("a=1&", 2000),
}

// attacks are requests that the document does not allow.
func (o operation) attacks(t *testing.T) (out []attack) {
	add := func(name, target, body string, headers ...header) {
		out = append(out, attack{name, o.method, target, body, headers})
	}
	if o.schema != "" {
		for name, body := range strangeBodies {
			add("body: "+name, o.target, body)
		}
		for field := range o.fields {
			for name, value := range strangeValues {
				_, p := o.c.Get(o.schema.At("properties", field))
				refused := slices.Contains(alwaysRefused, name) && !slices.Contains(anyText, field)
				if o.c.ValidText(p, value) == nil && !refused {
					continue // strange, but allowed
				}
				add(field+": "+name, o.target, o.with(t, field, value))
			}
		}
		for field, value := range o.required(t) {
			add("without "+field, o.target, o.with(t, field, ""))
			whole := bodyOf(o.required(t))
			add(field+" twice", o.target, fmt.Sprintf(`{%q:%s,%s`, field, value, whole[1:]))
			add(field+" twice, disguised", o.target, fmt.Sprintf(`{"\\u%04x%s":%s,%s`, field[0], field[1:], value, whole[1:]))
			add(field+" in capitals", o.target, strings.Replace(whole, field, strings.ToUpper(field), 1))
		}
		for name, more := range map[string]string{"one member more": `"colour":"red"`, "our own member": `"_admin":true`, "a number more": `"":1e999`} {
			fields := strings.TrimPrefix(bodyOf(o.required(t)), "{")
			add(name, o.target, "{"+more+map[bool]string{true: "", false: ","}[fields == "}"]+fields)
		}
		add("wrong media type", o.target, bodyOf(o.required(t)), header{"Content-Type", "text/xml"})
		add("compressed", o.target, bodyOf(o.required(t)), header{"Content-Encoding", "gzip"})
	}
	if o.named != "" {
		for _, name := range strangeNames {
			body := ""
			if o.schema != "" {
				body = bodyOf(o.required(t))
			}
			add("address: "+name, strings.Replace(o.named, "{}", name, 1), body)
		}
	}
	return out
}

// alwaysRefused are values that a schema may allow as text, and which no field
// of ours takes but those of anyText.
var (
	alwaysRefused = []string{"NUL", "surrogate", "newline", "right to left", "not a character"}
	anyText       = []string{"api_key", "password", "uuid", "connection_uuid", "created_at", "reason", "path", "in_use", "connections", "_links"}
)

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
		for _, a := range op.attacks(t) {
			n++
			got := h.do(a.method, a.target, a.body, append(a.headers, bearer(key))...)
			if got.code < 400 || got.code > 499 {
				t.Errorf("%s %s, %s: %d %.300s", a.method, a.target, a.name, got.code, got.body)
			}
			if len(got.body) > 64<<10 {
				t.Errorf("%s %s, %s: an answer of %d bytes", a.method, a.target, a.name, len(got.body))
			}
		}
		if after := h.dump(lasting...); after != before {
			t.Fatalf("%s %s changed something:\n%s\nbecame\n%s", op.method, op.target, before, after)
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
		params, _ := op.c.Get(op.at.At("parameters"))
		if op.method != "GET" || params == nil {
			continue
		}
		for _, q := range strangeQueries {
			u := &url.URL{Path: op.target, RawQuery: q}
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

// TestSlowBodies: who sends half of a body and then nothing is let go.
func TestSlowBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t)
		before := h.dump(lasting...)
		l := newPipeListener()
		server := httpapi.NewServer(h.api, nil, slogDiscard)
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
		if op.schema == "" || len(op.required(t)) == 0 {
			continue // an empty body is a good one
		}
		before := h.dump(lasting...)
		for i := range 200 {
			body, _ := json.Marshal(randomValue(uint64(i)*7919+13, 4))
			if c.ValidText(op.whole, string(body)) == nil {
				continue
			}
			if a := h.do(op.method, op.target, string(body), bearer(h.key)); a.code < 400 || a.code > 499 {
				t.Errorf("%s %s %s: %d", op.method, op.target, body, a.code)
			}
		}
		if h.dump(lasting...) != before {
			t.Fatalf("%s %s changed something", op.method, op.target)
		}
	}
}

// randomValue is JSON that a seed decides about; it often has fields of ours.
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
