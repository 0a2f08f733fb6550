package httpapi_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"conga/httpapi"
	"conga/web"
)

// TestPage: browsers get the page, with its headers in place of ours, and
// programs what they always got.
func TestPage(t *testing.T) {
	built, err := web.Of(fstest.MapFS{
		"index.html":         {Data: []byte("<!doctype html><title>CONGA</title>")},
		"assets/index-1a.js": {Data: []byte("export {}")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, there := range []bool{true, false} {
		h := newHarness(t, func(c *httpapi.Config) {
			if there {
				c.Page = built
			}
		})
		for _, c := range []struct {
			method, address, accept string
			want                    int
		}{
			{"GET", "/", "text/html,application/xhtml+xml,*/*;q=0.8", 200},
			{"HEAD", "/", "text/html", 200},
			{"GET", "/assets/index-1a.js", "*/*", 200},
			{"GET", "/", "*/*", 404},
			{"GET", "/", "application/json", 404},
			{"GET", "/", "", 404},
			{"GET", "/index.html", "text/html", 404},
			{"GET", "/assets/", "text/html", 404},
			{"GET", "/assets/../index.html", "text/html", 404},
			{"POST", "/", "text/html", 404},
			{"DELETE", "/assets/index-1a.js", "text/html", 404},
		} {
			r := httptest.NewRequest(c.method, c.address, nil)
			r.Header.Set("Accept", c.accept)
			w := httptest.NewRecorder()
			h.bare.ServeHTTP(w, r)
			want := c.want
			if !there {
				want = 404
			}
			policy := w.Header().Get("Content-Security-Policy")
			if w.Code != want || (want == 200) != strings.Contains(policy, "script-src 'self'") || !strings.Contains(policy, "frame-ancestors 'none'") {
				t.Errorf("%s %s for %q: %d, policy %s", c.method, c.address, c.accept, w.Code, policy)
			}
			if want == 404 && !strings.Contains(w.Body.String(), "there is nothing at this address") && c.method != "HEAD" {
				t.Errorf("%s %s for %q: %s", c.method, c.address, c.accept, w.Body)
			}
		}
	}
}
