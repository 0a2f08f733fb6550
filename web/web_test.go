package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

var built = fstest.MapFS{
	".keep":               {},
	"index.html":          {Data: []byte("<!doctype html>")},
	"assets/index-1a.js":  {Data: []byte("export {}")},
	"assets/index-1a.css": {Data: []byte("a{}")},
}

func get(p *Page, method, address, have string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, address, nil)
	r.Header.Set("If-None-Match", have)
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

func TestPage(t *testing.T) {
	p, err := Of(built)
	if err != nil || !p.Whole() {
		t.Fatal(p, err)
	}
	for _, c := range []struct {
		address, kind, cache string
	}{
		{"/", "text/html; charset=utf-8", "no-cache"},
		{"/assets/index-1a.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"/assets/index-1a.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable"},
	} {
		w := get(p, "GET", c.address, "")
		h := w.Header()
		if !p.Has(c.address) || w.Code != 200 || h.Get("Content-Type") != c.kind || h.Get("Cache-Control") != c.cache || w.Body.Len() == 0 {
			t.Errorf("%s: %d %v", c.address, w.Code, h)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: %v", c.address, h)
		}
		for _, have := range []string{h.Get("ETag"), `"other", ` + h.Get("ETag"), "*"} {
			if again := get(p, "GET", c.address, have); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
				t.Errorf("%s for who has %s: %d", c.address, have, again.Code)
			}
		}
		if again := get(p, "GET", c.address, `"other"`); again.Code != 200 {
			t.Errorf("%s for who has another: %d", c.address, again.Code)
		}
		if head := get(p, "HEAD", c.address, ""); head.Code != 200 || head.Body.Len() > 0 {
			t.Errorf("HEAD %s: %d, %d bytes", c.address, head.Code, head.Body.Len())
		}
	}
	for _, address := range []string{"/index.html", "/.keep", "/assets", "/assets/none.js", "//", "/../index.html"} {
		if w := get(p, "GET", address, ""); p.Has(address) || w.Code != 404 {
			t.Errorf("%s: %d", address, w.Code)
		}
	}
}

// TestPolicy: nothing of another origin, nothing inline, no frames.
func TestPolicy(t *testing.T) {
	for _, part := range strings.Split(policy, "; ") {
		name, sources, _ := strings.Cut(part, " ")
		for source := range strings.FieldsSeq(sources) {
			if source != "'none'" && source != "'self'" && (source != "data:" || name != "img-src") {
				t.Errorf("%s lets in %s", name, source)
			}
		}
	}
}

// TestMissingPage: what was not built says how to get it.
func TestMissingPage(t *testing.T) {
	p, err := Of(fstest.MapFS{".keep": {}})
	if err != nil || p.Whole() {
		t.Fatal(p, err)
	}
	w := get(p, "GET", "/", "")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "make build") || strings.Contains(w.Body.String(), "<style") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if _, err := New(); err != nil {
		t.Error(err)
	}
}
