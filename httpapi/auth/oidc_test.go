package auth_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"conga/httpapi/auth"
	"conga/httpapi/auth/authtest"
)

func newOIDC(t *testing.T, i *authtest.Issuer, c *clock, claim string) *auth.OIDC {
	t.Helper()
	o, err := auth.NewOIDC(auth.OIDCConfig{Issuer: i.URL, ClientID: "conga", UserClaim: claim, Roots: i.Roots, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// good returns the claims of a valid token with some changed.
func good(c *clock, change map[string]any) map[string]any {
	claims := map[string]any{
		"sub": "jdoe@access-ci.org", "aud": "conga", "exp": c.t.Add(time.Hour).Unix(), "iat": c.t.Unix(),
		"email": "jdoe@example.org", "eppn": "jdoe@psc.edu",
	}
	for k, v := range change {
		claims[k] = v
	}
	return claims
}

func TestTokens(t *testing.T) {
	i, c := authtest.NewIssuer(t), newClock()
	other := authtest.NewIssuer(t)
	o := newOIDC(t, i, c, "")
	unix := func(d time.Duration) int64 { return c.t.Add(d).Unix() }
	type claims = map[string]any
	for name, test := range map[string]struct {
		token string
		good  bool
	}{
		"good":                       {i.Token(good(c, nil)), true},
		"for several, given to us":   {i.Token(good(c, claims{"aud": []string{"x", "conga"}, "azp": "conga"})), true},
		"with a nonce of somebody's": {i.Token(good(c, claims{"nonce": "n"})), true},
		"in its last second":         {i.Token(good(c, claims{"exp": unix(0)})), true},
		"expired":                    {i.Token(good(c, claims{"exp": unix(-time.Second)})), false},
		"without an end":             {i.Token(good(c, claims{"exp": nil})), false},
		"not yet valid":              {i.Token(good(c, claims{"nbf": unix(time.Hour)})), false},
		"for another":                {i.Token(good(c, claims{"aud": "x"})), false},
		"for nobody":                 {i.Token(good(c, claims{"aud": nil})), false},
		"for several":                {i.Token(good(c, claims{"aud": []string{"x", "conga"}})), false},
		"given to another":           {i.Token(good(c, claims{"azp": "x"})), false},
		"of another issuer":          {i.Token(good(c, claims{"iss": "https://issuer.example"})), false},
		"signed by another":          {other.Token(good(c, claims{"iss": i.URL})), false},
		"without a subject":          {i.Token(good(c, claims{"sub": nil})), false},
		"a subject that is a number": {i.Token(good(c, claims{"sub": 7})), false},
		"a subject that is no name":  {i.Token(good(c, claims{"sub": "a\nb"})), false},
		"a logout token":             {i.Token(good(c, claims{"events": claims{"http://schemas.openid.net/event/backchannel-logout": claims{}}})), false},
		"with events of nothing":     {i.Token(good(c, claims{"events": ""})), false},
		"unsigned":                   {i.Signed(claims{"alg": "none"}, good(c, nil)), false},
		"another algorithm":          {i.Signed(claims{"alg": "HS256", "kid": "1"}, good(c, nil)), false},
		"an unknown key":             {i.Signed(claims{"alg": "ES256", "kid": "x"}, good(c, nil)), false},
		"empty":                      {"", false},
		"nonsense":                   {"a.b.c", false},
		"two parts":                  {"a.b", false},
		"a key of ours":              {auth.NewSecret(), false},
		"huge":                       {strings.Repeat("a", 20_000) + ".b.c", false},
		"cut":                        {strings.TrimRight(i.Token(good(c, nil)), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"), false},
	} {
		t.Run(name, func(t *testing.T) {
			who, err := o.Verify(t.Context(), test.token)
			want := auth.Identity{User: "jdoe@access-ci.org", Issuer: i.URL, Subject: "jdoe@access-ci.org"}
			if test.good && (err != nil || who != want) {
				t.Errorf("%+v, %v", who, err)
			}
			if !test.good && (!errors.Is(err, auth.ErrToken) || who != auth.Identity{}) {
				t.Errorf("%+v, %v", who, err)
			}
		})
	}
}

// TestUserClaim: another claim may be the name, but issuer and subject stay the
// identity.
func TestUserClaim(t *testing.T) {
	i, c := authtest.NewIssuer(t), newClock()
	o := newOIDC(t, i, c, "eppn")
	who, err := o.Verify(t.Context(), i.Token(good(c, nil)))
	if err != nil || who.User != "jdoe@psc.edu" || who.String() != i.URL+"#jdoe@access-ci.org" {
		t.Errorf("%+v, %v", who, err)
	}
	if _, err := o.Verify(t.Context(), i.Token(good(c, map[string]any{"eppn": nil}))); !errors.Is(err, auth.ErrToken) {
		t.Error("a token without the claim:", err)
	}
}

// TestIssuerDown: no user gets in, each refusal says why, and the issuer is
// left alone; once it is back, users get in again.
func TestIssuerDown(t *testing.T) {
	i, c := authtest.NewIssuer(t), newClock()
	o := newOIDC(t, i, c, "")
	token := i.Token(good(c, nil))
	i.Down.Store(true)
	for range 5 {
		_, err := o.Verify(t.Context(), token)
		if down, ok := errors.AsType[*auth.UnavailableError](err); !ok || strings.Contains(down.Error(), i.URL) {
			t.Fatal("while it is down:", err)
		}
	}
	if n := i.Requests.Load(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	i.Down.Store(false)
	c.advance(5 * time.Second)
	if _, err := o.Verify(t.Context(), token); err != nil {
		t.Error("after it is back:", err)
	}

	// Keys that are known go on to serve.
	i.Down.Store(true)
	if _, err := o.Verify(t.Context(), token); err != nil {
		t.Error("with the keys at hand:", err)
	}
	i.Rotate()
	rotated := i.Token(good(c, nil))
	for n := range 10 {
		if _, err := o.Verify(t.Context(), rotated); !isUnavailable(err) {
			t.Errorf("a key that cannot be fetched, %d: %v", n, err)
		}
	}
	i.Down.Store(false)
	c.advance(10 * time.Second)
	if _, err := o.Verify(t.Context(), rotated); err != nil {
		t.Error("with the new key:", err)
	}
	if _, err := o.Verify(t.Context(), token); !errors.Is(err, auth.ErrToken) {
		t.Error("with the old key:", err)
	}
}

// TestIssuerWithoutKeys answers, but with something else: that is no proof
// against a token, however often it is shown.
func TestIssuerWithoutKeys(t *testing.T) {
	for name, text := range map[string]string{
		"a page": "<html>maintenance</html>", "nothing": " ", "an empty object": "{}", "no keys": `{"keys":[]}`,
		"null": `{"keys":null}`, "a list": `["keys"]`, "a text for a key": `{"keys":["x"]}`,
		"half a key": `{"keys":[{"kty":"EC","crv":"P-256","kid":"1","alg":"ES256"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			i, c := authtest.NewIssuer(t), newClock()
			o := newOIDC(t, i, c, "")
			token := i.Token(good(c, nil))
			i.Keys.Store(text)
			for range 10 {
				if _, err := o.Verify(t.Context(), token); !isUnavailable(err) || strings.Contains(errors.Unwrap(err).Error(), "maintenance") {
					t.Fatal("with", text, "for keys:", err)
				}
				c.advance(time.Second)
			}
			i.Keys.Store("")
			c.advance(10 * time.Second)
			if _, err := o.Verify(t.Context(), token); err != nil {
				t.Error("with its keys:", err)
			}
			i.Keys.Store(text)
			if _, err := o.Verify(t.Context(), token); err != nil {
				t.Error("with the keys at hand:", err)
			}
		})
	}
}

// TestTokensAtOnce: all wait for the one question about the issuer's keys, also
// for new ones, and none is taken for forged meanwhile.
func TestTokensAtOnce(t *testing.T) {
	i, c := authtest.NewIssuer(t), newClock()
	o := newOIDC(t, i, c, "")
	for range 2 {
		token := i.Token(good(c, nil))
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, err := o.Verify(t.Context(), token); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		i.Rotate()
	}
	if n := i.Requests.Load(); n != 3 {
		t.Errorf("the issuer was asked %d times, want once about itself and twice for keys", n)
	}
}

func isUnavailable(err error) bool {
	_, ok := errors.AsType[*auth.UnavailableError](err)
	return ok
}

// TestForgedTokensDoNotFloodTheIssuer: each names an unknown key.
func TestForgedTokensDoNotFloodTheIssuer(t *testing.T) {
	i, c := authtest.NewIssuer(t), newClock()
	o := newOIDC(t, i, c, "")
	for n := range 100 {
		forged := i.Signed(map[string]any{"alg": "ES256", "kid": fmt.Sprint("x", n)}, good(c, nil))
		if _, err := o.Verify(t.Context(), forged); !errors.Is(err, auth.ErrToken) {
			t.Fatal(err)
		}
	}
	if n := i.Requests.Load(); n > 5 {
		t.Errorf("the issuer was asked %d times", n)
	}
	if _, err := o.Verify(t.Context(), i.Token(good(c, nil))); err != nil {
		t.Error("a good token meanwhile:", err)
	}
}

func TestOIDCChecksItsConfiguration(t *testing.T) {
	for _, test := range []struct{ issuer, client, claim, field string }{
		{"http://issuer.example", "c", "sub", "issuer"}, {"issuer.example", "c", "sub", "issuer"},
		{"https://u@issuer.example", "c", "sub", "issuer"}, {"https://issuer.example?x", "c", "sub", "issuer"},
		{"https://issuer.example", "", "sub", "client_id"}, {"https://issuer.example", "c", "email", "user_claim"},
		{"https://issuer.example", "c", "Email", "user_claim"}, {"https://issuer.example", "c", "phone_number", "user_claim"},
		{"https://issuer.example", "c", "name", "user_claim"}, {"https://issuer.example", "c", "nickName", "user_claim"},
		{"https://issuer.example", "c", "given_name", "user_claim"}, {"https://issuer.example", "c", "profile", "user_claim"},
		{"https://issuer.example", "c", "preferred_username", ""},
		{"https://issuer.example", "c", "sub", ""}, {"http://127.0.0.1:5556/dex", "c", "", ""},
	} {
		cfg := auth.OIDCConfig{Issuer: test.issuer, ClientID: test.client, UserClaim: test.claim}
		field, _ := auth.CheckOIDC(cfg)
		if _, err := auth.NewOIDC(cfg); field != test.field || (err == nil) != (field == "") {
			t.Errorf("%+v: %q, %v", test, field, err)
		}
	}
}
