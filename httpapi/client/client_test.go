package client

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testKey = "conga_test"

// serve starts a server with h and returns a client of it.
func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	c, err := New(Config{BaseURL: s.URL, Key: testKey, Fingerprint: Fingerprint(s.Certificate())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// answer writes the envelope.
func answer(w http.ResponseWriter, status int, results string, messages ...string) {
	if messages == nil {
		messages = []string{}
	}
	code := 0
	if status >= 300 {
		code = status
	}
	w.WriteHeader(status)
	errs, _ := json.Marshal(messages)
	fmt.Fprintf(w, `{"status":%d,"results":%s,"errors":%s}`, code, results, errs)
}

// details is the document's example.
const details = `{"allocation_id":"a1","start_time":1429206574,"end_time":1429210174,"state":"active",
	"bandwidth":null,"user_id":"abc123","project_id":"projectB","src_ip":"192.127.1.10","src_port":null,
	"dst_ip":"192.127.1.11","dst_port":null,"duration":3600,"_links":{"self":{"href":"/api/v1/allocations/a1"}}}`

func of[T any](v T) *T { return &v }

// Every call sends what the document says, and reads what it says comes back.
func TestCalls(t *testing.T) {
	full := Allocation{
		ID: "a1", StartTime: of(int64(1429206574)), EndTime: of(int64(1429210174)), State: Active, UserID: "abc123",
		ProjectID: "projectB", SrcIP: "192.127.1.10", DstIP: "192.127.1.11", Duration: of(int64(3600)),
	}
	key := Key{APIKey: "conga_new", StartTime: 1, EndTime: 2, UserID: "u", ProjectID: "p"}
	const keyJSON = `{"api_key":"conga_new","start_time":1,"end_time":2,"user_id":"u","project_id":"p"}`
	for _, test := range []struct {
		name, method, target, body string // what must arrive
		anonymous                  bool
		status                     int
		results                    string // what is answered
		do                         func(context.Context, *Client) (any, error)
		want                       any
	}{
		{"login", "POST", "/api/v1/auth", `{"user_id":"u","project_id":"p","password":"secret"}`, true, 201, "[" + keyJSON + "]",
			func(ctx context.Context, c *Client) (any, error) {
				return c.Login(ctx, Credentials{UserID: "u", ProjectID: "p", Password: "secret"})
			}, key},
		{"status", "GET", "/api/v1/auth/" + testKey, "", false, 200, "[" + keyJSON + "]",
			func(ctx context.Context, c *Client) (any, error) { return c.Status(ctx) }, key},
		{"allocate", "POST", "/api/v1/allocations",
			`{"project_id":"projectB","src_ip":"192.127.1.10","dst_ip":"192.127.1.11","dst_port":3030,"duration":3600}`, false, 201,
			`[{"allocation_id":"a1","state":"pending"}]`,
			func(ctx context.Context, c *Client) (any, error) {
				return c.Allocate(ctx, Request{ProjectID: "projectB", SrcIP: "192.127.1.10", DstIP: "192.127.1.11", DstPort: "3030", Duration: 3600})
			}, Allocation{ID: "a1", State: Pending}},
		{"show", "GET", "/api/v1/allocations/a1", "", false, 200, "[" + details + "]",
			func(ctx context.Context, c *Client) (any, error) { return c.Show(ctx, "a1") }, full},
		{"update", "POST", "/api/v1/allocations/a1", `{"dst_ip":"192.127.1.22","duration":7200}`, false, 200, "[" + details + "]",
			func(ctx context.Context, c *Client) (any, error) {
				return c.Update(ctx, "a1", Change{DstIP: of("192.127.1.22"), Duration: of(int64(7200))})
			}, full},
		{"release", "DELETE", "/api/v1/allocations/a1%2F..%2Fb", "", false, 200, `[{"allocation_id":"a1"}]`,
			func(ctx context.Context, c *Client) (any, error) { return nil, c.Release(ctx, "a1/../b") }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				authorization := "Bearer " + testKey
				if test.anonymous {
					authorization = ""
				}
				if r.Method != test.method || r.RequestURI != test.target || string(body) != test.body || r.Header.Get("Authorization") != authorization {
					t.Errorf("got %s %s %s %s", r.Method, r.RequestURI, body, r.Header.Get("Authorization"))
				}
				if has := r.Header.Get("Idempotency-Key") != ""; has != (test.name == "allocate" || test.name == "release") {
					t.Errorf("Idempotency-Key: %t", has)
				}
				answer(w, test.status, test.results)
			})
			got, err := test.do(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A change says nothing of what stays, and null of what is taken back.
func TestChange(t *testing.T) {
	for want, change := range map[string]Change{
		`{}`:                   {},
		`{"start_time":"now"}`: {StartIn: of(int64(0))},
		`{"start_time":"+90"}`: {StartIn: of(int64(90))},
		`{"bandwidth":null,"dst_port":null,"src_port":null,"start_time":null}`: {
			SrcPort: of(Ports("")), DstPort: of(Ports("")), Bandwidth: of(uint64(0)), StartTime: of(int64(0))},
		`{"bandwidth":1,"dst_ip":"b","dst_port":2,"duration":3,"project_id":"p","protocol":"any","src_ip":"a","src_port":4,"start_time":5}`: {
			ProjectID: of("p"), SrcIP: of("a"), SrcPort: of(Ports("4")), DstIP: of("b"), DstPort: of(Ports("2")),
			Protocol: of("any"), Duration: of(int64(3)), Bandwidth: of(uint64(1)), StartTime: of(int64(5))},
	} {
		got, err := json.Marshal(change)
		if err != nil || string(got) != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
}

// A list follows the links of its pages, and no further than the server.
func TestListPages(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("project_id") != "p&q" {
			t.Errorf("project %q", r.URL.Query().Get("project_id"))
		}
		switch page := r.URL.Query().Get("page"); page {
		case "":
			if r.URL.Query().Get("per_page") != "1000" {
				t.Errorf("asked for %s", r.RequestURI)
			}
			w.Header().Set("Link", `</api/v1/allocations?page=2&project_id=p%26q>; rel="next", </api/v1/allocations?page=3>; rel="last"`)
			answer(w, 200, `[{"allocation_id":"1"},{"allocation_id":"2"}]`)
		case "2":
			w.Header().Set("Link", `<https://`+r.Host+`/api/v1/allocations?page=3&project_id=p%26q>; rel="next"`)
			answer(w, 200, `[{"allocation_id":"2"},{"allocation_id":"3"}]`) // one more has come in before
		case "3": // in a circle
			w.Header().Set("Link", `<https://`+r.Host+`/api/v1/allocations?page=3&project_id=p%26q>; rel="next"`)
			answer(w, 200, `[]`)
		}
	})
	var ids []string
	for a, err := range c.List(t.Context(), "p&q", "") {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, a.ID)
	}
	if diff := cmp.Diff([]string{"1", "2", "3"}, ids); diff != "" {
		t.Error(diff)
	}
	for a := range c.List(t.Context(), "p&q", "") { // stopping early is allowed
		if a.ID != "1" {
			t.Error(a.ID)
		}
		break
	}
}

// A link to another server is not followed: it would be given the key.
func TestListForeignLink(t *testing.T) {
	var stolen atomic.Bool
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen.Store(true) }))
	defer thief.Close()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("state") != "pending" {
			t.Errorf("asked for %s", r.RequestURI)
		}
		w.Header().Set("Link", `<`+thief.URL+`/api/v1/allocations?state=pending>; rel="next"`)
		answer(w, 200, `[{"allocation_id":"1"}]`)
	})
	for _, err := range c.List(t.Context(), "", Pending) {
		if err != nil { // our own server's address, which the proxy in front may not know
			t.Error(err)
		}
	}
	if stolen.Load() {
		t.Error("the key went elsewhere")
	}
}

// The same holds for a redirection.
func TestRedirect(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stolen" {
			t.Error("the redirection was followed")
		}
		http.Redirect(w, r, "/stolen", http.StatusTemporaryRedirect)
	})
	_, err := c.Show(t.Context(), "a1")
	if e, ok := errors.AsType[*Error](err); !ok || e.Status != 307 {
		t.Errorf("got %v", err)
	}
}

func TestErrors(t *testing.T) {
	for _, test := range []struct {
		status int
		body   string
		want   string
		typed  bool
	}{
		{409, `{"status":409,"results":[],"errors":["link 1->2 is full until 12:00","ask for less"]}`, "show: link 1->2 is full until 12:00; ask for less", true},
		{500, `oops`, "show: the server answered 500 Internal Server Error", true},
		{200, `{"status":7,"results":[],"errors":["odd"]}`, "show: odd", true},
		{200, `<html>`, "show: the answer is not one of CONGA's: invalid character '<' looking for beginning of value", false},
		{200, `{"status":0,"results":[],"errors":[]}`, "show: the server gave 0 results where one was due", false},
		{200, `{"status":0,"results":[7],"errors":[]}`, "show: the answer is not one of CONGA's: json: cannot unmarshal number into Go value of type client.Allocation", false},
		{200, strings.Repeat(" ", maxAnswer+1), "show: server: the answer is larger than 8388608 bytes", false},
	} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Request-Id", "r1")
			w.WriteHeader(test.status)
			io.WriteString(w, test.body)
		})
		c.retries = 0
		_, err := c.Show(t.Context(), "a1")
		if err == nil || err.Error() != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
		if e, ok := errors.AsType[*Error](err); ok != test.typed || ok && (e.Status != test.status || e.RequestID != "r1") {
			t.Errorf("%T %+v", err, err)
		}
	}
}

// A busy server is asked again after the time that it names, with the same
// idempotency key, and in the end its refusal is what comes back.
func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var keys []string
		var times []time.Duration
		began := time.Now()
		busyFor := 2
		c := &Client{base: mustBase(t), retries: 2, http: &http.Client{Transport: roundTripper(func(r *http.Request) *http.Response {
			keys = append(keys, r.Header.Get("Idempotency-Key"))
			times = append(times, time.Since(began))
			w := httptest.NewRecorder()
			if len(keys) <= busyFor {
				w.Header().Set("Retry-After", "3")
				answer(w, http.StatusTooManyRequests, "[]", "too many")
			} else {
				answer(w, http.StatusCreated, `[{"allocation_id":"a1","state":"pending"}]`)
			}
			return w.Result()
		})}}
		if _, err := c.Allocate(t.Context(), Request{}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]time.Duration{0, 3 * time.Second, 6 * time.Second}, times); diff != "" {
			t.Error(diff)
		}
		if keys[0] == "" || keys[0] != keys[1] || keys[1] != keys[2] {
			t.Errorf("idempotency keys %q", keys)
		}

		keys, busyFor = nil, 10
		_, err := c.Allocate(t.Context(), Request{})
		if e, ok := errors.AsType[*Error](err); !ok || e.Status != 429 || e.RetryAfter != 3*time.Second || len(keys) != 3 {
			t.Errorf("got %v after %d attempts", err, len(keys))
		}

		// A caller without the time gets the refusal at once.
		keys = nil
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		_, err = c.Allocate(ctx, Request{})
		if e, ok := errors.AsType[*Error](err); !ok || e.Status != 429 || len(keys) != 1 || time.Since(began) != 0 {
			t.Errorf("got %v after %d attempts and %v", err, len(keys), time.Since(began))
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "99999999999": 0,
		"Fri, 02 Jan 2026 03:04:35 GMT": 30 * time.Second, "Fri, 02 Jan 2026 03:04:00 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
	for attempt := range 40 {
		if d := backoff(attempt, 0); d <= 0 || d > maxPause {
			t.Errorf("attempt %d waits %v", attempt, d)
		}
	}
}

type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if w := f(r); w != nil {
		return w, nil
	}
	return nil, errors.New("connection refused")
}

// scripted returns a client whose n-th attempt, from 0, is answered by f; nil
// is a broken connection.
func scripted(t *testing.T, f func(n int, r *http.Request) *http.Response) (c *Client, attempts *int) {
	n := 0
	return &Client{base: mustBase(t), retries: 3, http: &http.Client{Transport: roundTripper(func(r *http.Request) *http.Response {
		n++
		return f(n-1, r)
	})}}, &n
}

// answered returns a whole answer.
func answered(status int, results string, retryAfter string) *http.Response {
	w := httptest.NewRecorder()
	if retryAfter != "" {
		w.Header().Set("Retry-After", retryAfter)
	}
	answer(w, status, results, "no")
	return w.Result()
}

func mustBase(t *testing.T) *url.URL {
	t.Helper()
	u, err := parseBase("https://conga.example", false)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Wait reports each change once, bears a restart of the server, and ends.
func TestWait(t *testing.T) {
	show := func(state, reason string) *http.Response {
		w := httptest.NewRecorder()
		answer(w, 200, fmt.Sprintf(`[{"allocation_id":"a1","state":%q,"reason":%q}]`, state, reason))
		return w.Result()
	}
	refuse := func(status int) *http.Response {
		w := httptest.NewRecorder()
		answer(w, status, "[]", "no")
		return w.Result()
	}
	for _, test := range []struct {
		name   string
		answer func(n int, since time.Duration) *http.Response
		want   []string // progress
		err    func(error) bool
	}{
		{"active", func(n int, _ time.Duration) *http.Response {
			return [...]*http.Response{show("pending", "no path"), show("pending", "no path"), show("pending", "installing"), show("active", "")}[n]
		}, []string{"pending no path", "pending installing", "active "}, func(err error) bool { return err == nil }},
		{"restart", func(n int, since time.Duration) *http.Response {
			switch {
			case n == 0:
				return show("pending", "")
			case since < 50*time.Second:
				return nil
			}
			return show("active", "")
		}, []string{"pending ", "active "}, func(err error) bool { return err == nil }},
		{"gone", func(int, time.Duration) *http.Response { return nil }, nil,
			func(err error) bool { return err != nil && strings.Contains(err.Error(), "connection refused") }},
		{"ended", func(int, time.Duration) *http.Response { return show("complete", "no path was found in time") },
			[]string{"complete no path was found in time"}, func(err error) bool { return errors.Is(err, ErrEnded) }},
		{"absent", func(int, time.Duration) *http.Response { return refuse(404) }, nil,
			func(err error) bool { e, ok := errors.AsType[*Error](err); return ok && e.Status == 404 }},
		{"deadline", func(int, time.Duration) *http.Response { return show("pending", "") }, []string{"pending "},
			func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, began := 0, time.Now()
				c := &Client{base: mustBase(t), retries: 2, http: &http.Client{Transport: roundTripper(func(*http.Request) *http.Response {
					n++
					return test.answer(n-1, time.Since(began))
				})}}
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				var got []string
				_, err := c.Wait(ctx, "a1", Active, func(a Allocation) { got = append(got, string(a.State)+" "+text(a.Reason)) })
				if !test.err(err) {
					t.Errorf("error %v", err)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// What is trusted: a pin, an authority file, or nothing.
func TestTrust(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, 200, "["+details+"]") }))
	defer s.Close()
	s.Config.ErrorLog = nil
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	pin := Fingerprint(s.Certificate())
	other := strings.Repeat("00:", 31) + "00"
	for _, test := range []struct {
		name string
		cfg  Config
		ok   bool
	}{
		{"stranger", Config{}, false},
		{"pinned", Config{Fingerprint: pin}, true},
		{"pinned, other spelling", Config{Fingerprint: "sha256:" + strings.ToLower(strings.ReplaceAll(pin, ":", ""))}, true},
		{"pinned to another", Config{Fingerprint: other}, false},
		{"pinned to another, insecure", Config{Fingerprint: other, Insecure: true}, false},
		{"authority", Config{CAFile: ca}, true},
		{"insecure", Config{Insecure: true}, true},
	} {
		test.cfg.BaseURL = s.URL
		c, err := New(test.cfg)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Show(t.Context(), "a1")
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
		if strings.HasPrefix(test.name, "pinned to another") && !errors.Is(err, ErrFingerprint) {
			t.Errorf("%s: %v", test.name, err)
		}
		c.Close()
	}
	cert, trusted, err := Certificate(t.Context(), s.URL)
	if err != nil || trusted || Fingerprint(cert) != pin {
		t.Errorf("asked for its certificate: %v %t", err, trusted)
	}
}

func TestNewRefuses(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []Config{
		{}, {BaseURL: "conga.example"}, {BaseURL: "ftp://conga.example"}, {BaseURL: "https://u:p@conga.example"},
		{BaseURL: "https://conga.example/?a=b"}, {BaseURL: "http://conga.example"},
		{BaseURL: "https://conga.example", Fingerprint: "ab"}, {BaseURL: "https://conga.example", CAFile: empty},
		{BaseURL: "https://conga.example", CAFile: "/absent"},
	} {
		if _, err := New(c); err == nil || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, base := range []string{"http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://conga.example/"} {
		if _, err := New(Config{BaseURL: base}); err != nil {
			t.Error(err)
		}
	}
}

// No error shows the key, not even that of a call with the key in its path.
func TestKeyStaysSecret(t *testing.T) {
	c, err := New(Config{BaseURL: "https://127.0.0.1:1", Key: testKey, Timeout: time.Second, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Status(t.Context())
	if err == nil || strings.Contains(err.Error(), testKey) {
		t.Errorf("got %v", err)
	}
}
