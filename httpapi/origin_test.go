package httpapi_test

import (
	"crypto/tls"
	"net/http/httptest"
	"strings"
	"testing"

	"conga/httpapi"
)

// TestOrigin: links to pages begin with what the client calls us, unless the
// configuration says better; and a strange host gets none.
func TestOrigin(t *testing.T) {
	for _, c := range []struct {
		configured, host string
		tls              bool
		want             string
	}{
		{"", "conga.example:8443", true, "<https://conga.example:8443/api/allocations?"},
		{"", "[2001:db8::1]:80", false, "<http://[2001:db8::1]:80/api/allocations?"},
		{"https://conga.example", "10.0.0.1:8080", false, "<https://conga.example/api/allocations?"},
		{"", `evil>; rel="next", <https://evil.example`, true, "</api/allocations?"},
		{"", "", true, "</api/allocations?"},
	} {
		h := newHarness(t, func(cfg *httpapi.Config) { cfg.Origin = c.configured })
		r := httptest.NewRequest("GET", "/api/allocations", nil)
		r.Host = c.host
		if r.Header.Set("Authorization", "Bearer "+h.key); c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		w := httptest.NewRecorder()
		h.api.ServeHTTP(w, r)
		if got := w.Header().Get("Link"); !strings.HasPrefix(got, c.want) || w.Code != 200 {
			t.Errorf("%q, host %q: %d, Link is %s", c.configured, c.host, w.Code, got)
		}
	}
}

// TestNamesWithASlash: such a project has an address, which its link gives.
func TestNamesWithASlash(t *testing.T) {
	h := newHarness(t, func(cfg *httpapi.Config) {
		cfg.Projects = func() []httpapi.Project { return []httpapi.Project{{ID: "a/b c%"}} }
	})
	one := h.want(200, "GET", "/api/v1/projects", "", bearer(h.admin)).Results[0]
	self := one["_links"].(map[string]any)["self"].(map[string]any)["href"].(string)
	if again := h.want(200, "GET", self, "", bearer(h.admin)); again.Results[0]["project_id"] != "a/b c%" {
		t.Errorf("%s is %s", self, again.body)
	}
}
