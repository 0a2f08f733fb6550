package httpapi_test

import (
	"strings"
	"testing"
	"time"

	"conga/allocator/store"
	"conga/httpapi"
	"conga/httpapi/auth"
	"conga/httpapi/auth/authtest"
)

// withChosenNames returns a harness whose issuer lets people choose their
// names.
func withChosenNames(t *testing.T) (*harness, func(subject, name string) string) {
	i := authtest.NewIssuer(t)
	h := newHarness(t, func(c *httpapi.Config) {
		o, err := auth.NewOIDC(auth.OIDCConfig{
			Issuer: i.URL, ClientID: "conga", UserClaim: "preferred_username", Roots: i.Roots, Now: c.Now, Log: c.Log,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(o.Close)
		c.Tokens = o
	})
	return h, func(subject, name string) string {
		token := i.Token(map[string]any{
			"sub": subject, "preferred_username": name, "aud": "conga", "exp": h.clock().Add(time.Hour).Unix(),
		})
		suite.secret(token)
		return token
	}
}

// directory has xyz987 as a member without a password, whose subject may be
// fixed, besides abc123 who has one.
func (h *harness) directory(subject string, members ...string) {
	h.t.Helper()
	h.must(h.dir.Update(auth.StaticConfig{
		Projects:          []auth.Project{{ID: "projectB", Members: append(members, "abc123", "xyz987")}},
		Users:             []auth.User{{ID: "abc123", Password: passwordHash}, {ID: "xyz987", Subject: subject}},
		AllowPasswordless: true,
	}))
}

const byToken = `{"project_id":"projectB"}`

// TestChosenNames: a user does not become another by choosing the same name.
func TestChosenNames(t *testing.T) {
	h, token := withChosenNames(t)
	h.directory("")
	key := h.want(200, "POST", "/api/auth", byToken, bearer(token("alice", "xyz987"))).Results[0]["api_key"].(string)
	suite.secret(key)
	bad := h.want(401, "POST", "/api/auth", byToken, bearer("a.b.c"))
	for name, claimed := range map[string]string{"the first one's": "xyz987", "one with a password": "abc123"} {
		a := h.want(401, "POST", "/api/auth", byToken, bearer(token("mallory", claimed)))
		if a.body != bad.body || a.header.Get("WWW-Authenticate") != bad.header.Get("WWW-Authenticate") {
			t.Errorf("%s: %v %s, and for a token that is none %s", name, a.header, a.body, bad.body)
		}
	}
	h.want(200, "POST", "/api/auth", byToken, bearer(token("alice", "xyz987")))
	h.want(200, "GET", "/api/allocations", "", bearer(key))

	// A user that is no member gets no name either.
	h.want(403, "POST", "/api/auth", byToken, bearer(token("mallory", "late")))
	h.directory("", "late")
	h.want(200, "POST", "/api/auth", byToken, bearer(token("bob", "late")))
	if n := h.disk.Len(store.Names); n != 2 {
		t.Errorf("%d names are held", n)
	}

	got := strings.Join(h.trail(""), "\n")
	for _, want := range []string{
		`key.issue done 200 by xyz987/projectB: token of subject "alice"`,
		`key.issue refused 401 by xyz987/projectB: unauthorized (token), token of subject "mallory", who does not hold the name`,
		`key.issue refused 401 by abc123/projectB: unauthorized (token), token of subject "mallory", who does not hold the name`,
		`key.issue refused 403 by <nil>/<nil>: forbidden (project_id), token of subject "mallory"`,
		`key.issue refused 401 by <nil>/<nil>: unauthorized (token)` + "\n",
	} {
		if !strings.Contains(got+"\n", want) {
			t.Errorf("the trail has not %s:\n%s", want, got)
		}
	}
}

// TestNamedSubject: the configuration decides which subject holds a name, at
// once, also if another came first.
func TestNamedSubject(t *testing.T) {
	h, token := withChosenNames(t)
	h.directory("")
	first := h.want(200, "POST", "/api/auth", byToken, bearer(token("mallory", "xyz987"))).Results[0]["api_key"].(string)
	bare := h.want(200, "POST", "/api/auth", `{"user_id":"xyz987","project_id":"projectB"}`).Results[0]["api_key"].(string)
	suite.secret(first)
	suite.secret(bare)
	h.directory("alice")
	h.want(401, "GET", "/api/allocations", "", bearer(first))
	h.want(404, "POST", "/api/auth/"+first, `{"user_id":"xyz987","project_id":"projectB"}`)
	h.want(401, "POST", "/api/auth", byToken, bearer(token("mallory", "xyz987")))
	h.want(401, "POST", "/api/auth", `{"user_id":"xyz987","project_id":"projectB"}`) // not by the name alone any more
	h.want(200, "GET", "/api/allocations", "", bearer(bare))
	h.want(200, "POST", "/api/auth", byToken, bearer(token("alice", "xyz987")))
	h.directory("") // and so it stays
	h.want(401, "GET", "/api/allocations", "", bearer(first))
	h.want(401, "POST", "/api/auth", byToken, bearer(token("mallory", "xyz987")))
	h.want(200, "POST", "/api/auth", byToken, bearer(token("alice", "xyz987")))
}
