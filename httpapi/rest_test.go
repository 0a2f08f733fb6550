package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"conga/allocator"
	"conga/controller/topology"
	"conga/httpapi"
	"conga/openflow"
)

// TestEveryAnswerIsAnEnvelope, also where there is no resource.
func TestEveryAnswerIsAnEnvelope(t *testing.T) {
	h := newHarness(t)
	for _, c := range []struct {
		code           int
		method, target string
	}{
		{404, "GET", "/api/"},
		{404, "GET", "/api/v2/allocations"},
		{404, "GET", "/api/allocations/"},
		{404, "GET", "/api/auth/"},
		{404, "GET", "/api/nothing"},
		{405, "GET", "/api/auth"},
		{405, "PUT", "/api/allocations"},
		{405, "DELETE", "/api/allocations"},
		{405, "BREW", "/api/allocations"},
		{401, "GET", "/api/allocations"},
	} {
		a := h.want(c.code, c.method, c.target, "")
		if len(a.Errors) != 1 || a.Errors[0] == "" || !strings.Contains(a.body, `"results":[]`) {
			t.Errorf("%s %s: %s", c.method, c.target, a.body)
		}
		if c.code == 405 && a.header.Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", c.method, c.target)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	h := newHarness(t)
	for _, c := range []struct{ accept, good, bad string }{
		{"", "application/json", "application/json"},
		{"*/*", "application/json", "application/json"},
		{"application/json", "application/json", "application/json"},
		{"text/html", "application/json", "application/json"},
		{"application/vnd.conga+json; version=1.0", "application/vnd.conga+json; version=1.0", "application/vnd.conga+json; version=1.0"},
		{"application/vnd.conga+json", "application/vnd.conga+json; version=1.0", "application/vnd.conga+json; version=1.0"},
		{"application/vnd.conga+json; version=2.0", "application/json", "application/json"},
		{"application/problem+json", "application/json", "application/problem+json"},
		{"application/json, application/problem+json;q=0.5", "application/json", "application/problem+json"},
		{"application/problem+json;q=0", "application/json", "application/json"},
	} {
		accept := header{"Accept", c.accept}
		if got := h.do("GET", "/api/allocations", "", bearer(h.key), accept).header.Get("Content-Type"); got != c.good {
			t.Errorf("Accept %q: a result is %s, want %s", c.accept, got, c.good)
		}
		if got := h.do("GET", "/api/nothing", "", accept).header.Get("Content-Type"); got != c.bad {
			t.Errorf("Accept %q: an error is %s, want %s", c.accept, got, c.bad)
		}
	}
}

func TestProblemDetails(t *testing.T) {
	h := newHarness(t)
	a := h.do("POST", "/api/allocations", `{"duration":0}`, bearer(h.key),
		header{"Accept", "application/problem+json"}, header{"X-Request-Id", "req-7"})
	var p map[string]any
	h.must(json.Unmarshal([]byte(a.body), &p))
	if a.code != 422 || p["status"] != 422.0 || p["type"] != "urn:conga:problem:unprocessable-entity" ||
		p["title"] != "Unprocessable Entity" || p["instance"] != "urn:conga:request:req-7" ||
		!strings.Contains(fmt.Sprint(p["detail"]), "src_ip: is required") || len(p["errors"].([]any)) != 4 {
		t.Errorf("problem is %s", a.body)
	}
}

func TestRequestIDs(t *testing.T) {
	h := newHarness(t)
	id := func(sent string) string {
		return h.do("GET", "/api/nothing", "", header{"X-Request-Id", sent}).header.Get("X-Request-Id")
	}
	if got := id("abc-1.2:3_4"); got != "abc-1.2:3_4" {
		t.Errorf("ours became %q", got)
	}
	made := map[string]bool{}
	for _, bad := range []string{"", "a b", "a\nb", strings.Repeat("x", 129), `a"b`, h.key} {
		got := id(bad)
		if got == bad || len(got) < 20 || made[got] {
			t.Errorf("%q became %q", bad, got)
		}
		made[got] = true
	}
}

func TestSecurityHeaders(t *testing.T) {
	h := newHarness(t)
	for _, target := range []string{"/api/allocations", "/api/nothing", "/healthz", "/"} {
		a := h.do("GET", target, "")
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
			"Strict-Transport-Security": "", // not over plain HTTP
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", target, name, got, want)
			}
		}
	}
}

// panicking panics where the allocator would be asked.
type panicking struct{ httpapi.Allocations }

func (panicking) Step(context.Context, allocator.Filter, allocator.Walk, int) (allocator.Stretch, error) {
	panic("broken, with conga_secretsecret inside")
}

func TestPanic(t *testing.T) {
	h := newHarness(t, func(c *httpapi.Config) { c.Allocations = panicking{c.Allocations} })
	a := h.want(500, "GET", "/api/allocations", "", bearer(h.key))
	if strings.Contains(a.body, "broken") || len(a.Errors) != 1 {
		t.Errorf("the answer is %s", a.body)
	}
	log := h.log.String()
	if !strings.Contains(log, "broken") || !strings.Contains(log, "rest_test.go") || strings.Contains(log, "secretsecret") {
		t.Errorf("the log is %s", log)
	}
	h.want(201, "POST", "/api/allocations", "{"+good+"}", bearer(h.key)) // and life goes on
}

func TestHealth(t *testing.T) {
	var broken error
	h := newHarness(t, func(c *httpapi.Config) {
		c.Ready = []httpapi.Check{
			{Name: "store", Ready: func(context.Context) error { return nil }},
			{Name: "scheduler", Ready: func(context.Context) error { return broken }},
		}
	})
	if a := h.do("GET", "/healthz", ""); a.code != 200 {
		t.Errorf("healthz: %d", a.code)
	}
	if a := h.do("GET", "/readyz", ""); a.code != 200 || !strings.Contains(a.body, `"network","ready":true`) {
		t.Errorf("readyz: %d %s", a.code, a.body)
	}
	broken = errors.New("has not recovered yet")
	a := h.do("GET", "/readyz", "", bearer(h.admin))
	if a.code != 503 || !strings.Contains(a.body, `{"name":"scheduler","ready":false,"reason":"has not recovered yet"}`) ||
		!strings.Contains(a.body, `{"name":"store","ready":true}`) {
		t.Errorf("readyz: %d %s", a.code, a.body)
	}
	limited := &topology.Snapshot{Switches: map[openflow.DPID]topology.Switch{2: {DPID: 2, Limitations: []string{"It has no meters."}}}}
	for i := range 100 {
		limited.Switches[openflow.DPID(3+i)] = topology.Switch{DPID: openflow.DPID(3 + i), Limitations: []string{"It has one table."}}
	}
	h = newHarness(t, func(c *httpapi.Config) { c.Snapshot = func() *topology.Snapshot { return limited } })
	a = h.do("GET", "/readyz", "", bearer(h.admin))
	if a.code != 200 || !strings.Contains(a.body, `"limitations":["Switch 0000000000000002: It has no meters.",`) || !strings.Contains(a.body, "There are more") {
		t.Errorf("readyz with limited switches: %d %s", a.code, a.body)
	}
	if a := h.do("GET", "/healthz", ""); a.code != 200 {
		t.Errorf("healthz while unready: %d", a.code)
	}
	h = newHarness(t, func(c *httpapi.Config) { c.Snapshot = func() *topology.Snapshot { return nil } })
	if a := h.do("GET", "/readyz", ""); a.code != 503 || !strings.Contains(a.body, `"network","ready":false`) {
		t.Errorf("readyz without a snapshot: %d %s", a.code, a.body)
	}
	if a := h.do("GET", "/metrics", ""); a.code != 404 {
		t.Errorf("metrics without a handler: %d", a.code)
	}
}

func TestMetricsHandlerIsServed(t *testing.T) {
	h := newHarness(t, func(c *httpapi.Config) {
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			fmt.Fprintln(w, "conga_up 1")
		})
	})
	if a := h.do("GET", "/metrics", "", bearer(h.admin)); a.code != 200 || a.body != "conga_up 1\n" {
		t.Errorf("metrics: %d %q", a.code, a.body)
	}
}

// TestObservations come with labels from bounded sets.
func TestObservations(t *testing.T) {
	h := newHarness(t)
	id := h.create("")
	h.seen = nil
	h.do("GET", "/api/v1/allocations/"+id, "", bearer(h.key))
	h.do("GET", "/api/auth/"+h.key, "")
	h.do("GET", "/api", "")
	h.do("GET", "/api/v1", "")
	h.do("GET", "/api/v11", "")
	h.do("GET", "/any/thing", "")
	h.do("BREW", "/api/allocations", "")
	var got []string
	for _, o := range h.seen {
		got = append(got, fmt.Sprint(o.Route, " ", o.Method, " ", o.Code))
	}
	want := "[/api/allocations/:id GET 200 /api/auth/:key GET 200 /api GET 200 /api GET 200 none GET 404 none GET 404 none OTHER 405]"
	if fmt.Sprint(got) != want {
		t.Errorf("observed %v, want %s", got, want)
	}
}

func TestNewNeedsItsParts(t *testing.T) {
	if _, err := httpapi.New(httpapi.Config{}); err == nil {
		t.Error("an API without parts was made")
	}
}

// instant admits everything at once and keeps nothing.
type instant struct{ httpapi.Allocations }

func (instant) Create(_ context.Context, r allocator.Request, _ ...allocator.Along) (allocator.Allocation, error) {
	return allocator.Allocation{ID: "00000000-0000-0000-0000-000000000000", State: allocator.Pending, Request: r}, nil
}

// BenchmarkCreate measures what the API adds to POST /allocations, beside the
// least that Gin can do with the same request: no admission, no disk, no
// sockets.
func BenchmarkCreate(b *testing.B) {
	h := newHarness(b, func(c *httpapi.Config) {
		c.Allocations, c.Log, c.Observe = instant{}, nil, nil
	})
	gin.SetMode(gin.ReleaseMode)
	bare := gin.New()
	bare.POST("/api/allocations", func(c *gin.Context) {
		var body map[string]any
		if err := c.BindJSON(&body); err != nil {
			b.Error(err)
		}
		c.JSON(http.StatusCreated, gin.H{"status": 0, "results": []gin.H{{"allocation_id": "x", "state": "pending"}}, "errors": []string{}})
	})
	body := fmt.Sprintf(`{"api_key":"%s",%s,"src_port":4321,"dst_port":3030}`, h.key, good)
	for name, handler := range map[string]http.Handler{"conga": h.api, "bare-gin": bare} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest("POST", "/api/allocations", strings.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				if w.Code != http.StatusCreated {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
