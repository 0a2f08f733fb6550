package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"conga/allocator/store"
	"conga/httpapi"
)

// page is the header of a request that a page of ours makes.
var page = header{"Conga-Page", "1"}

// credentials are those of abc123.
const credentials = `{"user_id":"abc123","project_id":"projectB","password":"` + password + `"}`

// signIn begins a session and returns the cookie that the browser has then.
func (h *harness) signIn(target, body string, headers ...header) *http.Cookie {
	h.t.Helper()
	a := h.want(200, "POST", target, body, headers...)
	c := setCookie(h.t, a)
	suite.secret(c.Value)
	if strings.Contains(a.body, c.Value) {
		h.t.Errorf("the answer has the key: %s", a.body)
	}
	return c
}

// setCookie returns the one cookie that the answer sets.
func setCookie(t testing.TB, a answer) *http.Cookie {
	t.Helper()
	set := a.header.Values("Set-Cookie")
	if len(set) != 1 {
		t.Fatalf("the cookies are %q", set)
	}
	c, err := http.ParseSetCookie(set[0])
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// shows returns the header with which a browser shows a cookie.
func shows(c *http.Cookie) header { return header{"Cookie", c.Name + "=" + c.Value} }

// TestSession: a session is a key in a cookie, which counts as one in a header
// until its user signs out.
func TestSession(t *testing.T) {
	h := newHarness(t)
	mine := h.create("")
	c := h.signIn("/api/v1/session", credentials)
	if c.Name != "conga" || !c.HttpOnly || c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 0 {
		t.Errorf("without TLS the cookie is %v", c)
	}
	one := h.want(200, "GET", "/api/v1/session", "", shows(c)).Results[0]
	if one["role"] != "user" || one["user_id"] != "abc123" || one["project_id"] != "projectB" || one["end_time"] == nil {
		t.Errorf("the session is %v", one)
	}
	h.want(200, "GET", "/api/v1/allocations/"+mine, "", shows(c))
	h.want(200, "PATCH", "/api/v1/allocations/"+mine, `{"duration":7000}`, shows(c), page)
	h.want(400, "PATCH", "/api/v1/allocations/"+mine, `{"duration":7000,"api_key":"`+h.foreign+`"}`, shows(c), page)
	if a := h.want(200, "GET", "/api/v1/session", "", shows(c), bearer(h.admin)); a.Results[0]["role"] != "admin" {
		t.Errorf("a header counts before a cookie, and shows %s", a.body)
	}
	h.want(400, "GET", "/api/v1/session", "", header{"Cookie", "conga=a; conga=b"})

	gone := setCookie(t, h.want(200, "DELETE", "/api/v1/session", "", shows(c), page))
	if gone.Name != c.Name || gone.Value != "" || gone.MaxAge >= 0 {
		t.Errorf("signing out sets %v", gone)
	}
	if _, err := h.keys.Lookup(c.Value); err == nil {
		t.Error("the key lives on")
	}
	a := h.want(401, "GET", "/api/v1/allocations", "", shows(c))
	if !strings.Contains(a.body, "sign in again") || setCookie(t, a).MaxAge >= 0 {
		t.Errorf("an ended session: %s %v", a.body, a.header)
	}
	h.want(200, "DELETE", "/api/v1/session", "", shows(c), page)
	h.want(200, "DELETE", "/api/v1/session", "")
	if none := h.want(200, "GET", "/api/v1/session", ""); len(none.Results) != 0 {
		t.Errorf("without a session there is %s", none.body)
	}
}

// TestSessionExpires: it ends with its key, in the middle of whatever is done.
// TestSignOutWithoutADisk: a browser forgets its session also if the key cannot
// be ended, which the answer says; the key may be ended later.
func TestSignOutWithoutADisk(t *testing.T) {
	h := newHarness(t, withAll)
	c := h.signIn("/api/session", credentials)
	h.disk.Fail(fmt.Errorf("store: commit: %w: no space left on device", store.ErrUnwritable))
	a := h.do("DELETE", "/api/session", "", shows(c), page)
	if gone := setCookie(t, a); a.code != 503 || gone.MaxAge >= 0 || gone.Value != "" {
		t.Errorf("%d %v: %s", a.code, gone, a.body)
	}
	h.disk.Fail(nil)
	h.want(200, "DELETE", "/api/session", "", shows(c), page)
}

func TestSessionExpires(t *testing.T) {
	h := newHarness(t)
	c := h.signIn("/api/session", credentials)
	h.want(200, "GET", "/api/allocations", "", shows(c))
	h.advance(48 * time.Hour)
	if a := h.want(401, "POST", "/api/allocations", "{"+good+"}", shows(c), page); !strings.Contains(a.body, "session: it has ended; sign in again") {
		t.Errorf("it says %s", a.body)
	}
}

// TestSessionOverTLS: there, or behind a proxy that speaks it for us, the
// cookie has the prefix by which no other site can set it, and only that name
// counts.
func TestSessionOverTLS(t *testing.T) {
	for _, origin := range []string{"", "https://conga.example"} {
		h := newHarness(t, func(c *httpapi.Config) { c.Origin = origin })
		target := "https://conga.example/api/session"
		if origin != "" {
			target = "/api/session"
		}
		c := h.signIn(target, credentials)
		if c.Name != "__Host-conga" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("the cookie is %v", c)
		}
		h.want(200, "GET", target, "", shows(c))
		if a := h.do("GET", target, "", header{"Cookie", "conga=" + c.Value}); !strings.Contains(a.body, `"results":[]`) {
			t.Errorf("a cookie that another site can set: %d %s", a.code, a.body)
		}
	}
}

// TestForgedRequests: what another site's page makes a browser send, with the
// cookie that it has, is refused and changes nothing.
func TestForgedRequests(t *testing.T) {
	h := newHarness(t)
	mine := h.create("")
	c := h.signIn("/api/session", credentials)
	at := "/api/v1/allocations"
	for _, forged := range [][]header{
		{},
		{{"Sec-Fetch-Site", "same-origin"}},
		{{"Sec-Fetch-Site", "cross-site"}, page},
		{{"Sec-Fetch-Site", "same-site"}, page},
		{{"Origin", "https://evil.example"}, page},
		{{"Origin", "null"}, page},
		{{"Origin", "http://example.com:8080"}, page},
		{{"Sec-Fetch-Site", "cross-site"}, page, {"Content-Type", "text/plain"}},
	} {
		with := append(forged, shows(c))
		before := h.stored()
		h.want(403, "POST", at, "{"+good+"}", with...)
		h.want(403, "PATCH", at+"/"+mine, `{"duration":9}`, with...)
		h.want(403, "DELETE", at+"/"+mine, "", with...)
		h.want(403, "DELETE", "/api/session", "", with...)
		if h.stored() != before || h.all()[0].Duration != 3600 {
			t.Errorf("%v: something has changed", forged)
		}
	}
	for _, site := range []string{"cross-site", "same-site"} {
		h.want(403, "GET", at, "", header{"Sec-Fetch-Site", site}, shows(c))
		h.want(403, "POST", "/api/session", credentials, header{"Sec-Fetch-Site", site})
	}
	h.want(403, "POST", "/api/session", credentials, header{"Origin", "https://evil.example"})
	// What a page of ours sends is no forgery, and a header needs no page.
	h.want(200, "PATCH", at+"/"+mine, `{"duration":3000}`, header{"Origin", host}, header{"Sec-Fetch-Site", "same-origin"}, page, shows(c))
	h.want(200, "PATCH", at+"/"+mine, `{"duration":3001}`, header{"Origin", "https://else.example"}, bearer(h.key))
	h.want(200, "DELETE", "/api/session", "", header{"Origin", host}, page, shows(c))
}

// TestSessionOfOperators: their keys stay their own, whatever the browser does;
// a user's key is not taken.
func TestSessionOfOperators(t *testing.T) {
	h := newHarness(t)
	operator, _, err := h.keys.IssueOperator(t.Context(), "watcher", time.Hour)
	h.must(err)
	suite.secret(operator)
	for key, role := range map[string]string{operator: "operator", h.admin: "admin"} {
		c := h.signIn("/api/session", `{"api_key":"`+key+`"}`)
		if one := h.want(200, "GET", "/api/session", "", shows(c)).Results[0]; one["role"] != role || one["project_id"] != nil {
			t.Errorf("%s: %v", role, one)
		}
		h.want(200, "GET", "/api/switches", "", shows(c))
		h.want(200, "DELETE", "/api/session", "", shows(c), page)
		if _, err := h.keys.Lookup(key); err != nil {
			t.Errorf("signing out has ended the %s's key: %v", role, err)
		}
	}
	h.want(422, "POST", "/api/session", `{"api_key":"`+h.key+`"}`)
	h.want(422, "POST", "/api/session", `{"api_key":"`+operator+`","user_id":"abc123"}`)
	h.want(422, "POST", "/api/session", `{"api_key":"`+operator+`","colour":"red"}`)
	h.want(401, "POST", "/api/session", `{"api_key":"conga_none"}`)
}

// TestSessionsAreGuarded: passwords and keys cannot be guessed faster there
// than at POST /auth; what is wrong at one counts at the other.
func TestSessionsAreGuarded(t *testing.T) {
	h := newHarness(t)
	wrong := strings.Replace(credentials, password, "hunter2", 1)
	for i := range 5 {
		h.want(401, "POST", []string{"/api/session", "/api/auth"}[i%2], wrong)
	}
	h.want(429, "POST", "/api/session", credentials)
	h.want(429, "POST", "/api/auth", credentials)
	for range 5 {
		h.want(401, "POST", "/api/session", `{"api_key":"conga_none"}`)
	}
	h.want(429, "POST", "/api/session", `{"api_key":"`+h.admin+`"}`)
}

// TestSessionReadsEvents: the stream ends when its reader signs out.
func TestSessionReadsEvents(t *testing.T) {
	h := newHarness(t)
	c := h.signIn("/api/session", credentials)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan int, 1)
	reading := make(chan struct{})
	go func() {
		w := &startRecorder{started: reading}
		r, _ := http.NewRequestWithContext(ctx, "GET", "/api/events", nil)
		r.Header.Set("Cookie", c.Name+"="+c.Value)
		h.bare.ServeHTTP(w, r)
		ended <- w.code
	}()
	<-reading
	h.want(200, "DELETE", "/api/session", "", shows(c), page)
	if code := <-ended; code != 200 || ctx.Err() != nil {
		t.Errorf("the stream ended with %d, %v", code, ctx.Err())
	}
}

// A startRecorder says when an answer has begun.
type startRecorder struct {
	started chan struct{}
	header  http.Header
	code    int
}

func (w *startRecorder) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}

func (w *startRecorder) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
		close(w.started)
	}
}

func (w *startRecorder) Write(p []byte) (int, error) { w.WriteHeader(200); return len(p), nil }

func (w *startRecorder) Flush() {}

func (w *startRecorder) SetWriteDeadline(time.Time) error { return nil }
