package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"conga/httpapi"
	"conga/httpapi/auth"
	"conga/httpapi/auth/authtest"
)

// A signingIn is a server whose users sign in at an issuer.
type signingIn struct {
	*harness
	issuer *authtest.Issuer
}

func newSigningIn(t *testing.T, adjust ...func(*httpapi.Config)) *signingIn {
	t.Helper()
	i := authtest.NewIssuer(t)
	h := newHarness(t, append(adjust, func(c *httpapi.Config) {
		o, err := auth.NewOIDC(auth.OIDCConfig{Issuer: i.URL, ClientID: "conga", UserClaim: "name_here", Roots: i.Roots, Now: c.Now, Log: c.Log})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(o.Close)
		c.Tokens, c.SignIns = o, o
	})...)
	return &signingIn{h, i}
}

// claims returns those of a token for a user.
func (s *signingIn) claims(user string) map[string]any {
	return map[string]any{"sub": "subject of " + user, "name_here": user, "aud": "conga", "exp": s.clock().Add(time.Hour).Unix(), "iat": s.clock().Unix()}
}

// begin begins a sign-in and returns where it leads and the browser's cookie.
func (s *signingIn) begin() (address string, c *http.Cookie) {
	s.t.Helper()
	a := s.want(200, "POST", "/api/v1/session/oidc", `{"project_id":"projectB"}`, page)
	c = setCookie(s.t, a)
	suite.secret(c.Value)
	return a.Results[0]["authorization_url"].(string), c
}

// returned returns the body that the page posts when the browser is back.
func returned(back *url.URL) string {
	text, _ := json.Marshal(map[string]string{"code": back.Query().Get("code"), "state": back.Query().Get("state")})
	return string(text)
}

// TestSignInAtIssuer has a user come back from the issuer and get a session,
// once.
func TestSignInAtIssuer(t *testing.T) {
	s := newSigningIn(t)
	one := s.want(200, "GET", "/api/v1/session/oidc", "").Results[0]
	if one["issuer"] != s.issuer.URL || one["client_id"] != "conga" || !strings.HasSuffix(one["redirect_uri"].(string), "/") {
		t.Errorf("the issuer is %v", one)
	}
	address, c := s.begin()
	if c.Name != "conga-signin" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.MaxAge != 600 {
		t.Errorf("the cookie is %v", c)
	}
	back := s.issuer.Approve(address, s.claims("xyz987"))
	if got := back.Scheme + "://" + back.Host + back.Path; got != one["redirect_uri"] {
		t.Errorf("the browser is sent to %s, not %s", got, one["redirect_uri"])
	}
	a := s.want(200, "POST", "/api/v1/session", returned(back), shows(c), page)
	if got := a.Results[0]; got["role"] != "user" || got["user_id"] != "xyz987" || got["project_id"] != "projectB" {
		t.Errorf("the session is %v", got)
	}
	cookies := map[string]*http.Cookie{}
	for _, text := range a.header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(text)
		s.must(err)
		if c.Value != "" {
			suite.secret(c.Value)
		}
		cookies[c.Name] = c
	}
	if gone := cookies["conga-signin"]; gone == nil || gone.MaxAge >= 0 || gone.Value != "" {
		t.Errorf("the sign-in is kept: %v", gone)
	}
	s.want(200, "GET", "/api/v1/allocations", "", shows(cookies["conga"]))

	// With what is the browser's, the same code opens nothing again.
	if a := s.want(401, "POST", "/api/v1/session", returned(back), shows(c), page); !strings.Contains(a.body, "code: ") || strings.Contains(a.body, "too much") {
		t.Error(a.body)
	}
}

// TestSignInIsAttacked has sign-ins that are another's, old, forged or refused.
func TestSignInIsAttacked(t *testing.T) {
	s := newSigningIn(t)
	address, c := s.begin()
	other, otherCookie := s.begin()
	good := returned(s.issuer.Approve(address, s.claims("xyz987")))
	var text struct{ Code, State string }
	s.must(json.Unmarshal([]byte(good), &text))
	swapped := `{"code":"` + text.Code + `","state":"` + otherState(t, other) + `"}`
	for name, test := range map[string]struct {
		status int
		body   string
		cookie *http.Cookie
		says   string
	}{
		"no cookie":         {422, good, &http.Cookie{Name: "conga-signin"}, "state: "},
		"another's browser": {422, good, otherCookie, "state: "},
		"another's code":    {401, swapped, otherCookie, "code: "},
		"another state":     {422, `{"code":"x","state":"guessed"}`, c, "state: "},
		"no state":          {422, `{"code":"x"}`, c, "state: "},
		"no code":           {401, `{"state":"` + text.State + `"}`, c, "code: "},
		"a guessed code":    {401, `{"code":"code-77","state":"` + text.State + `"}`, c, "code: "},
		"a forged cookie":   {422, good, &http.Cookie{Name: "conga-signin", Value: strings.Repeat("A", len(c.Value))}, "state: "},
		"a name beside it":  {422, strings.Replace(good, "{", `{"user_id":"abc123",`, 1), c, "code: "},
		"a project beside":  {422, strings.Replace(good, "{", `{"project_id":"project B",`, 1), c, "code: "},
		"another redirect":  {422, strings.Replace(good, "{", `{"redirect_uri":"https://evil.example/",`, 1), c, "redirect_uri"},
	} {
		s.advance(20 * time.Second) // a client that fails has to wait
		if a := s.want(test.status, "POST", "/api/v1/session", test.body, shows(test.cookie), page); !strings.Contains(a.body, test.says) {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	s.want(403, "POST", "/api/v1/session", good, shows(c), header{"Origin", "https://evil.example"})
	s.want(403, "POST", "/api/v1/session/oidc", `{"project_id":"projectB"}`, header{"Sec-Fetch-Site", "cross-site"})
	s.want(422, "POST", "/api/v1/session/oidc", `{"project_id":""}`)
}

// otherState returns the state in an authorization request.
func otherState(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("state")
}

// TestSignInIsRefused: no session is opened by a token that proves nothing, for
// a user who is no member, while the issuer is down, or after ten minutes.
func TestSignInIsRefused(t *testing.T) {
	s := newSigningIn(t)
	try := func(status int, says string, claims map[string]any) {
		t.Helper()
		s.advance(time.Minute) // a client that fails has to wait
		address, c := s.begin()
		back := s.issuer.Approve(address, claims)
		if a := s.want(status, "POST", "/api/v1/session", returned(back), shows(c), page); !strings.Contains(a.body, says) {
			t.Errorf("%v: %s", claims, a.body)
		}
	}
	with := func(name string, value any) map[string]any {
		claims := s.claims("xyz987")
		claims[name] = value
		return claims
	}
	try(401, "code: ", with("nonce", "of another sign-in"))
	try(401, "code: ", with("nonce", nil))
	try(401, "token: ", with("aud", "another"))
	try(401, "token: ", with("exp", s.clock().Unix()-1))
	try(401, "token: ", with("iss", "https://issuer.example"))
	try(401, "token: ", s.claims("abc123")) // a user with a password
	try(403, "not a member", s.claims("nobody-here"))

	s.advance(time.Minute)
	address, c := s.begin()
	back := s.issuer.Approve(address, s.claims("xyz987"))
	s.issuer.Down.Store(true)
	if a := s.want(503, "POST", "/api/v1/session", returned(back), shows(c), page); !strings.Contains(a.body, "try again later") {
		t.Error(a.body)
	}
	s.issuer.Down.Store(false)
	s.advance(time.Minute)
	address, c = s.begin()
	back = s.issuer.Approve(address, s.claims("xyz987"))
	s.advance(10 * time.Minute)
	if a := s.want(422, "POST", "/api/v1/session", returned(back), shows(c), page); !strings.Contains(a.body, "ten minutes") {
		t.Error(a.body)
	}
}

// TestSignInAfterAnOutage: that the issuer cannot be asked is no guess, for
// which users would have to wait when it can.
func TestSignInAfterAnOutage(t *testing.T) {
	s := newSigningIn(t)
	attempt := func(down bool, status int) {
		t.Helper()
		s.advance(time.Second)
		address, c := s.begin()
		back := s.issuer.Approve(address, s.claims("xyz987"))
		s.issuer.Down.Store(down)
		s.want(status, "POST", "/api/v1/session", returned(back), shows(c), page)
		s.issuer.Down.Store(false)
	}
	for range 10 {
		attempt(true, 503)
	}
	attempt(false, 200)
}

// TestCodeOfNothing: null beside a name and a password is no code.
func TestCodeOfNothing(t *testing.T) {
	s := newSigningIn(t)
	s.want(200, "POST", "/api/v1/session", `{"user_id":"abc123","project_id":"projectB","password":"`+password+`","code":null,"state":null}`, page)
}

// TestSignInLeadsHome has the issuer told the address that is configured,
// whatever host a request names.
func TestSignInLeadsHome(t *testing.T) {
	s := newSigningIn(t, func(c *httpapi.Config) { c.Origin = "https://conga.example" })
	a := s.want(200, "POST", "/api/v1/session/oidc", `{"project_id":"projectB"}`, header{"Host", "evil.example"}, header{"X-Forwarded-Host", "evil.example"})
	u, err := url.Parse(a.Results[0]["authorization_url"].(string))
	s.must(err)
	if got := u.Query().Get("redirect_uri"); got != "https://conga.example/" {
		t.Errorf("the issuer is told %s", got)
	}
	if c := setCookie(t, a); c.Name != "__Host-conga-signin" || !c.Secure {
		t.Errorf("behind TLS the cookie is %v", c)
	}
}

// TestNoIssuer has a server without one say so.
func TestNoIssuer(t *testing.T) {
	h := newHarness(t)
	if a := h.want(200, "GET", "/api/v1/session/oidc", ""); len(a.Results) != 0 {
		t.Error(a.body)
	}
	if a := h.want(422, "POST", "/api/v1/session/oidc", `{"project_id":"projectB"}`); !strings.Contains(a.body, "password") || len(a.header.Values("Set-Cookie")) != 0 {
		t.Error(a.body)
	}
	h.want(422, "POST", "/api/v1/session", `{"code":"x","state":"y"}`)
}
