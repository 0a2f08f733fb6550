package httpapi_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"conga/httpapi"
)

// TestWatchers: the metrics, and why a part is not ready, are shown to
// operators, and to the machine itself unless it only forwards.
func TestWatchers(t *testing.T) {
	h := newHarness(t, withAll, func(c *httpapi.Config) {
		c.Ready = []httpapi.Check{{Name: "store", Ready: func(context.Context) error { return errors.New("disk 7 is full") }}}
	})
	watcher, _, err := h.keys.IssueOperator(t.Context(), "watcher", time.Hour)
	h.must(err)
	const away, here, here6 = "192.0.2.1:1", "127.0.0.1:1", "[::1]:1"
	for _, c := range []struct {
		name, from string
		headers    []header
		code       int // of /metrics; 200 also tells reasons
	}{
		{"a stranger", away, nil, 401},
		{"a stranger with a bad key", away, []header{bearer("conga_x")}, 401},
		{"a stranger with two keys", away, []header{bearer(h.admin), {"X-API-Key", watcher}}, 400},
		{"a user", away, []header{bearer(h.key)}, 403},
		{"an operator", away, []header{bearer(watcher)}, 200},
		{"an operator with X-API-Key", away, []header{{"X-API-Key", watcher}}, 200},
		{"the admin", away, []header{bearer(h.admin)}, 200},
		{"the machine", here, nil, 200},
		{"the machine over IPv6", here6, nil, 200},
		{"the machine, mapped", "[::ffff:127.0.0.1]:1", nil, 200},
		{"a stranger who says it is the machine", away, []header{{"X-Forwarded-For", "127.0.0.1"}}, 401},
		{"somebody behind a proxy", here, []header{{"X-Forwarded-For", "192.0.2.1"}}, 401},
		{"somebody behind a proxy who says nothing", here, []header{{"X-Forwarded-For", ""}}, 401},
		{"somebody behind a modern proxy", here, []header{{"Forwarded", "for=127.0.0.1"}}, 401},
		{"somebody behind some other", here, []header{{"x-real-ip", "127.0.0.1"}}, 401},
		{"an operator behind a proxy", here, []header{{"X-Forwarded-For", "192.0.2.1"}, bearer(watcher)}, 200},
		{"nowhere", "nowhere", nil, 401},
	} {
		ask := func(target string) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), "GET", target, nil)
			r.RemoteAddr = c.from
			for _, kv := range c.headers {
				r.Header.Add(kv[0], kv[1])
			}
			w := httptest.NewRecorder()
			h.api.ServeHTTP(w, r)
			return w
		}
		if w := ask("/metrics"); w.Code != c.code || c.code == 401 && w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: metrics: %d %v %s", c.name, w.Code, w.Header(), w.Body)
		}
		w := ask("/readyz")
		if w.Code != 503 || !strings.Contains(w.Body.String(), `{"name":"store","ready":false`) {
			t.Errorf("%s: readyz: %d %s", c.name, w.Code, w.Body)
		}
		if told := strings.Contains(w.Body.String(), "disk 7"); told != (c.code == 200) {
			t.Errorf("%s: told why: %t", c.name, told)
		}
		if w := ask("/healthz"); w.Code != 200 {
			t.Errorf("%s: healthz: %d", c.name, w.Code)
		}
	}
}

// TestReadinessInABrowser: the session of an operator, and that of no user, is
// told why a part is not ready.
func TestReadinessInABrowser(t *testing.T) {
	h := newHarness(t, func(c *httpapi.Config) {
		c.Ready = []httpapi.Check{{Name: "store", Ready: func(context.Context) error { return errors.New("the disk is full") }}}
	})
	user := h.signIn("/api/v1/session", credentials)
	admin := h.signIn("/api/v1/session", `{"api_key":"`+h.admin+`"}`)
	for name, c := range map[string]struct {
		headers []header
		told    bool
	}{
		"nobody": {}, "a user": {headers: []header{shows(user)}}, "the admin": {headers: []header{shows(admin)}, told: true},
		"another site's page": {headers: []header{shows(admin), {"Sec-Fetch-Site", "cross-site"}}},
	} {
		if a := h.do("GET", "/readyz", "", c.headers...); a.code != 503 || strings.Contains(a.body, "the disk is full") != c.told {
			t.Errorf("%s: %d %s", name, a.code, a.body)
		}
	}
}
