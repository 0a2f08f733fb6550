package httpapi_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"conga/allocator/store"
	"conga/httpapi"
	"conga/httpapi/connections"
)

// from sends a request from an address.
func (h *harness) from(addr, method, target, body string, headers ...header) int {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), method, target, strings.NewReader(body))
	r.RemoteAddr = addr
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, kv := range headers {
		r.Header.Add(kv[0], kv[1])
	}
	w := httptest.NewRecorder()
	h.api.ServeHTTP(w, r)
	return w.Code
}

// TestKeyless: hosts that the operator has named, at one address, no further
// than they were let, and in the name of their project only.
func TestKeyless(t *testing.T) {
	h := newHarness(t, func(c *httpapi.Config) {
		c.Keyless = []httpapi.Keyless{
			{From: netip.MustParsePrefix("10.0.0.0/8"), Project: "projectB"},
			{From: netip.MustParsePrefix("10.1.0.0/16"), Project: "project B", Read: true},
			{From: netip.MustParsePrefix("10.2.0.0/16"), Project: "projectB", Read: true},
			{From: netip.MustParsePrefix("2001:db8::/32"), Project: "projectB"},
			{From: netip.MustParsePrefix("10.9.0.0/16"), Project: "dissolved"},
		}
	})
	body := "[" + between("192.127.1.10", 1, "192.127.1.11", 2) + "]"
	wrapped := func(more string) string { return "{" + more + `"connections":` + body + "}" }
	for _, c := range []struct {
		name, addr, method, target, body string
		code                             int
		project                          string // of the one connection there is then
		headers                          []header
	}{
		{"may report", "10.0.0.1:1", "POST", "/connections", body, 200, "projectB", nil},
		{"may report over IPv6", "[2001:db8::7]:1", "POST", "/connections", body, 200, "projectB", nil},
		{"may report, mapped", "[::ffff:10.0.0.1]:1", "POST", "/connections", body, 200, "projectB", nil},
		{"may not read", "10.0.0.1:1", "GET", "/connections", "", 401, "", nil},
		{"may read", "10.2.0.1:1", "GET", "/connections", "", 200, "", nil},
		{"may read heads", "10.2.0.1:1", "HEAD", "/connections", "", 200, "", nil},
		{"the narrowest rule counts", "10.1.0.1:1", "POST", "/connections", body, 200, "project B", nil},
		{"not named", "192.0.2.1:1", "POST", "/connections", body, 401, "", nil},
		{"no address", "nowhere", "POST", "/connections", body, 401, "", nil},
		{"not below /api", "10.2.0.1:1", "POST", "/api/connections", body, 401, "", nil},
		{"not below /api/v1", "10.2.0.1:1", "GET", "/api/v1/connections", "", 401, "", nil},
		{"no allocations", "10.2.0.1:1", "GET", "/api/allocations", "", 401, "", nil},
		{"not for another project", "10.0.0.1:1", "POST", "/connections?project_id=project+B", body, 403, "", nil},
		{"not for another project, in the body", "10.0.0.1:1", "POST", "/connections", wrapped(`"project_id":"project B",`), 403, "", nil},
		{"reads no other project", "10.2.0.1:1", "GET", "/connections?project_id=project+B", "", 403, "", nil},
		{"no such project any more", "10.9.0.1:1", "POST", "/connections", body, 403, "", nil},
		{"a bad key is bad here too", "10.0.0.1:1", "POST", "/connections", body, 401, "", []header{bearer("conga_x")}},
		{"in the body", "10.0.0.1:1", "POST", "/connections", wrapped(`"api_key":"conga_x",`), 401, "", nil},
		{"in the query", "10.0.0.1:1", "POST", "/connections?api_key=" + h.foreign, body, 401, "", nil},
		{"a good key goes before the rule", "10.0.0.1:1", "POST", "/connections", body, 200, "project B", []header{bearer(h.foreign)}},
		{"whatever a proxy says of itself", "192.0.2.1:1", "POST", "/connections", body, 401, "", []header{{"X-Forwarded-For", "10.0.0.1"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.t = t
			h.advance(connections.DefaultKeep)
			if code := h.from(c.addr, c.method, c.target, c.body, c.headers...); code != c.code {
				t.Errorf("%d, want %d", code, c.code)
			}
			list, _ := h.reports.List(connections.Query{}, 0, -1)
			if c.project == "" && len(list) > 0 || c.project != "" && (len(list) != 1 || list[0].Project != c.project) {
				t.Errorf("there is %v, want one of %q", list, c.project)
			}
		})
	}
}

// TestReportFailures checks failures of the registry and its store.
func TestReportFailures(t *testing.T) {
	h := newHarness(t, func(c *httpapi.Config) {
		var err error
		if c.Connections, err = connections.Open(t.Context(), connections.Config{Store: broken{}, PerProject: 1}); err != nil {
			t.Fatal(err)
		}
	})
	a := h.want(500, "POST", "/api/connections", "["+conn("", "protocol", "")+"]", bearer(h.key))
	if strings.Contains(a.body, "fire") || !strings.Contains(h.log.String(), "on fire") {
		t.Errorf("answer %s, log %s", a.body, h.log)
	}
	if got := h.covalence(500, "["+conn("", "protocol", "")+"]", bearer(h.key)); strings.Contains(got.Error, "fire") {
		t.Error(got.Error)
	}
	a = h.want(429, "POST", "/api/connections", "["+conn("source", "port", "1")+","+conn("source", "port", "2")+"]", bearer(h.key))
	if a.header.Get("Retry-After") == "" || !strings.Contains(a.Errors[0], "may have 1") {
		t.Errorf("%v %q", a.header, a.Errors)
	}
}

// broken is a store that takes nothing.
type broken struct{ store.Store }

func (broken) Scan(context.Context, store.Bucket, func(string, []byte) error) error { return nil }
func (broken) Commit(context.Context, ...store.Op) error                            { return errors.New("disk on fire") }

// TestWithoutReports: a daemon that keeps none has no such addresses.
func TestWithoutReports(t *testing.T) {
	h := newHarness(t, func(c *httpapi.Config) { c.Connections = nil })
	h.want(404, "GET", "/api/connections", "", bearer(h.key))
	if a := h.do("POST", "/connections", "[]", bearer(h.key)); a.code != 404 {
		t.Errorf("%d", a.code)
	}
	id := h.create("")
	h.settle()
	one := h.want(200, "GET", "/api/allocations/"+id, "", bearer(h.key)).Results[0]
	if one["in_use"] != nil || one["connections"] != nil {
		t.Errorf("details are %v", one)
	}
	a := h.want(422, "POST", "/api/allocations", `{"project_id":"projectB","duration":60,"connection_uuid":"x"}`, bearer(h.key))
	if !strings.Contains(strings.Join(a.Errors, "\n"), "connection_uuid: is not a field") {
		t.Errorf("errors are %q", a.Errors)
	}
}
