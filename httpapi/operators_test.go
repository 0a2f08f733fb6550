package httpapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"conga/httpapi"
	"conga/httpapi/auth"
	"conga/httpapi/auth/authtest"
)

// TestOperatorsKeys goes through the life of one.
func TestOperatorsKeys(t *testing.T) {
	h := newHarness(t)
	made := h.want(201, "POST", "/api/v1/operators", `{"name":"grafana","duration":3600}`, bearer(h.admin))
	key := made.Results[0]["api_key"].(string)
	suite.secret(key)
	if made.header.Get("Location") != "/api/v1/operators/grafana" || made.Results[0]["role"] != "operator" {
		t.Errorf("made %v", made.Results)
	}
	if ttl := made.Results[0]["end_time"].(float64) - made.Results[0]["start_time"].(float64); ttl != 3600 {
		t.Errorf("it lives %v s", ttl)
	}
	h.want(409, "POST", "/api/operators", `{"name":"grafana"}`, bearer(h.admin))
	h.want(201, "POST", "/api/operators", `{"name":"another","api_key":"`+h.admin+`"}`)
	list := h.want(200, "GET", "/api/operators", "", bearer(h.admin))
	if len(list.Results) != 2 || list.Results[0]["name"] != "another" || strings.Contains(list.body, "conga_") {
		t.Errorf("listed: %s", list.body)
	}
	one := h.want(200, "GET", "/api/operators?per_page=1&page=2", "", bearer(h.admin))
	if len(one.Results) != 1 || one.Results[0]["name"] != "grafana" || !strings.Contains(one.header.Get("Link"), `rel="prev"`) {
		t.Errorf("second page: %s", one.body)
	}

	// It sees every project, and nothing of it opens an address under /auth.
	id := h.create("")
	h.want(201, "POST", "/api/allocations", strings.ReplaceAll(with("dst_ip", `"192.127.1.22"`), "projectB", "project B"), bearer(h.foreign))
	if n := len(h.want(200, "GET", "/api/allocations", "", bearer(key)).Results); n != 2 {
		t.Errorf("it sees %d allocations, want 2", n)
	}
	if n := len(h.want(200, "GET", "/api/allocations?project_id=projectB", "", bearer(key)).Results); n != 1 {
		t.Errorf("it sees %d allocations of one project, want 1", n)
	}
	h.want(200, "GET", "/api/allocations/"+id, "", bearer(key))
	for _, method := range []string{"POST", "PATCH", "PUT", "DELETE"} {
		a := h.want(403, method, "/api/allocations/"+id, "", bearer(key))
		if !strings.Contains(a.Errors[0], "changes nothing") {
			t.Errorf("%s: %q", method, a.Errors)
		}
	}
	h.want(404, "GET", "/api/auth/"+key, "")
	h.want(404, "DELETE", "/api/auth/"+key, `{"user_id":"grafana","project_id":"projectB"}`)

	h.advance(time.Hour)
	h.want(401, "GET", "/api/allocations", "", bearer(key))
	h.want(404, "GET", "/api/operators/grafana", "", bearer(h.admin))
	h.want(201, "POST", "/api/operators", `{"name":"grafana"}`, bearer(h.admin)) // the name is free again
	again, err := auth.OpenKeys(t.Context(), auth.KeysConfig{Store: h.disk, Now: h.clock})
	h.must(err)
	if n := len(again.Operators()); n != 2 {
		t.Errorf("%d operators' keys after a restart, want 2", n)
	}
	h.want(200, "DELETE", "/api/operators/grafana", "", bearer(h.admin))
	h.want(404, "DELETE", "/api/operators/grafana", "", bearer(h.admin))
	if _, err := h.keys.Purge(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestOperatorsRenewed: the same key ends later, or sooner, and a restart
// knows.
func TestOperatorsRenewed(t *testing.T) {
	h := newHarness(t)
	key := h.want(201, "POST", "/api/operators", `{"name":"grafana","duration":60}`, bearer(h.admin)).Results[0]["api_key"].(string)
	suite.secret(key)
	h.advance(59 * time.Second)
	a := h.want(200, "PATCH", "/api/operators/grafana", `{"duration":31622400}`, bearer(h.admin))
	if a.Results[0]["end_time"] != float64(h.clock().Add(auth.MaxOperatorTTL).Unix()) || strings.Contains(a.body, "conga_") {
		t.Errorf("renewed: %s", a.body)
	}
	for body, code := range map[string]int{
		`{}`: 422, `{"duration":null}`: 422, `{"duration":0}`: 422, `{"duration":31622401}`: 422, `{"duration":"1h"}`: 400, `{"duration":60,"name":"x"}`: 422,
	} {
		h.want(code, "PATCH", "/api/operators/grafana", body, bearer(h.admin))
	}
	h.want(404, "PATCH", "/api/operators/nobody", `{"duration":60}`, bearer(h.admin))
	h.want(403, "PATCH", "/api/operators/grafana", `{"duration":60}`, bearer(key))
	h.disk.Fail(errors.New("disk full"))
	h.want(500, "PATCH", "/api/operators/grafana", `{"duration":1}`, bearer(h.admin))
	h.disk.Fail(nil)
	h.advance(30 * 24 * time.Hour)
	h.want(200, "GET", "/api/allocations", "", bearer(key))
	again, err := auth.OpenKeys(t.Context(), auth.KeysConfig{Store: h.disk, Now: h.clock})
	h.must(err)
	if _, err := again.Lookup(key); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	h.want(200, "PATCH", "/api/operators/grafana", `{"duration":5}`, bearer(h.admin))
	h.advance(5 * time.Second)
	h.want(401, "GET", "/api/allocations", "", bearer(key))
	h.want(404, "PATCH", "/api/operators/grafana", `{"duration":60}`, bearer(h.admin))
	if got := strings.Count(strings.Join(h.trail("?actor=admin"), "\n"), "operator.renew done 200"); got != 2 {
		t.Errorf("%d renewals are recorded, want 2", got)
	}
}

func TestOperatorsErrors(t *testing.T) {
	h := newHarness(t)
	for body, code := range map[string]int{
		`{}`: 422, `{"name":""}`: 422, `{"name":"a/b"}`: 422, `{"name":"a b"}`: 422, `{"name":".."}`: 422, `{"name":7}`: 400,
		`{"name":"` + strings.Repeat("x", 65) + `"}`: 422, `{"name":"a","duration":0}`: 422, `{"name":"a","duration":99999999}`: 422,
		`{"name":"a","duration":"1h"}`: 400, `{"name":"a","role":"admin"}`: 422,
	} {
		h.want(code, "POST", "/api/operators", body, bearer(h.admin))
	}
	h.want(422, "GET", "/api/operators?project_id=x", "", bearer(h.admin))
	h.want(422, "GET", "/api/operators", `{"name":"a"}`, bearer(h.admin))
	for i := range 100 {
		h.want(201, "POST", "/api/operators", fmt.Sprintf(`{"name":"o%d"}`, i), bearer(h.admin))
	}
	h.want(429, "POST", "/api/operators", `{"name":"onemore"}`, bearer(h.admin))
	h.disk.Fail(errors.New("disk full"))
	h.want(500, "DELETE", "/api/operators/o1", "", bearer(h.admin))
	h.disk.Fail(nil)
	h.want(200, "GET", "/api/operators/o1", "", bearer(h.admin))
}

// withTokens returns a harness that takes tokens of an issuer.
func withTokens(t *testing.T) (*harness, *authtest.Issuer, func(map[string]any) string) {
	i := authtest.NewIssuer(t)
	h := newHarness(t, func(c *httpapi.Config) {
		o, err := auth.NewOIDC(auth.OIDCConfig{Issuer: i.URL, ClientID: "conga", Roots: i.Roots, Now: c.Now, Log: c.Log})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(o.Close)
		c.Tokens = o
	})
	h.must(h.dir.Update(auth.StaticConfig{
		Projects: []auth.Project{
			{ID: "projectB", Members: []string{"abc123", "xyz987"}},
			{ID: "project B", Members: []string{"xyz987"}},
		},
		Users: []auth.User{{ID: "abc123", Password: passwordHash, Subject: "abc123"}},
	}))
	return h, i, func(change map[string]any) string {
		claims := map[string]any{"sub": "abc123", "aud": "conga", "exp": h.clock().Add(time.Hour).Unix()}
		for k, v := range change {
			claims[k] = v
		}
		token := i.Token(claims)
		suite.secret(token)
		return token
	}
}

func TestKeysForTokens(t *testing.T) {
	h, i, token := withTokens(t)
	good := token(nil)
	for _, c := range []struct {
		name, body string
		headers    []header
		code       int
	}{
		{"as a bearer", `{"project_id":"projectB"}`, []header{bearer(good)}, 200},
		{"in the body", `{"project_id":"projectB","token":"` + good + `"}`, nil, 200},
		{"with the user's name", docKeyRequest, []header{bearer(good)}, 200},
		{"with another's name", `{"user_id":"xyz987","project_id":"projectB"}`, []header{bearer(good)}, 401},
		{"with another's name and no password", `{"user_id":"xyz987","project_id":"projectB","token":"x.y.z"}`, nil, 401},
		{"of another project", `{"project_id":"project B"}`, []header{bearer(good)}, 403},
		{"of no project", `{"project_id":"nowhere"}`, []header{bearer(good)}, 403},
		{"of nobody here", `{"project_id":"projectB"}`, []header{bearer(token(map[string]any{"sub": "nobody"}))}, 403},
		{"expired", `{"project_id":"projectB"}`, []header{bearer(token(map[string]any{"exp": 1}))}, 401},
		{"for another", `{"project_id":"projectB"}`, []header{bearer(token(map[string]any{"aud": "x"}))}, 401},
		{"a key of ours is no token", `{"project_id":"projectB"}`, []header{bearer(h.key)}, 422},
		{"and does not stand for a password", docKeyRequest, []header{bearer(h.key)}, 401},
		{"a number", `{"project_id":"projectB","token":7}`, nil, 400},
		{"no project named", `{}`, []header{bearer(good)}, 422},
		{"empty", `{"project_id":"projectB","user_id":"abc123","token":""}`, nil, 401},
	} {
		a := h.want(c.code, "POST", "/api/auth", c.body, c.headers...)
		if c.code != 200 {
			continue
		}
		key := a.Results[0]["api_key"].(string)
		suite.secret(key)
		if a.Results[0]["user_id"] != "abc123" {
			t.Errorf("%s: given to %v", c.name, a.Results[0]["user_id"])
		}
		h.want(200, "GET", "/api/allocations", "", bearer(key))
		if k, err := h.keys.Lookup(key); err != nil || k.Subject != i.URL+"#abc123" {
			t.Errorf("%s: the key is for %q, %v", c.name, k.Subject, err)
		}
	}
	plain := newHarness(t)
	plain.want(422, "POST", "/api/auth", `{"project_id":"projectB"}`, bearer(good))
}

// TestIssuerDown: 503, and how long to wait; passwords go on.
func TestIssuerDown(t *testing.T) {
	h, i, token := withTokens(t)
	i.Down.Store(true)
	a := h.want(503, "POST", "/api/auth", `{"project_id":"projectB"}`, bearer(token(nil)))
	if a.header.Get("Retry-After") == "" || !strings.Contains(a.Errors[0], "issuer cannot be asked") || strings.Contains(a.body, i.URL) {
		t.Errorf("%v %s", a.header, a.body)
	}
	h.want(200, "POST", "/api/auth", `{"user_id":"abc123","project_id":"projectB","password":"`+password+`"}`)
	h.want(200, "GET", "/api/allocations", "", bearer(h.key))
}

// TestForgedTokensAreSlowedDown as wrong passwords are.
func TestForgedTokensAreSlowedDown(t *testing.T) {
	h, _, token := withTokens(t)
	for range 5 {
		h.want(401, "POST", "/api/auth", `{"project_id":"projectB"}`, bearer("a.b.c"))
	}
	h.want(429, "POST", "/api/auth", `{"project_id":"projectB"}`, bearer(token(nil)))
	h.advance(2 * time.Second)
	h.want(200, "POST", "/api/auth", `{"project_id":"projectB"}`, bearer(token(nil)))
}

// TestHTTPDirectory: a membership known elsewhere, while it is known.
func TestHTTPDirectory(t *testing.T) {
	d := authtest.NewDirectory(t)
	d.Says(`{"is_active": true}`)
	h := newHarness(t, func(c *httpapi.Config) {
		known, err := auth.NewHTTP(auth.HTTPConfig{URL: d.URL, Roots: d.Roots, Now: c.Now, Log: c.Log})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(known.Close)
		c.Directory = auth.NewChain(c.Directory.(*auth.Static), known)
	})
	ask := `{"user_id":"visitor","project_id":"elsewhere"}` // without a password, which the harness allows
	key := h.want(200, "POST", "/api/auth", ask).Results[0]["api_key"].(string)
	h.want(200, "GET", "/api/allocations", "", bearer(key))
	d.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	h.advance(10 * time.Minute)
	h.want(200, "GET", "/api/allocations", "", bearer(key))
	h.advance(6 * time.Minute)
	a := h.want(503, "GET", "/api/allocations", "", bearer(key))
	if a.header.Get("Retry-After") == "" || strings.Contains(a.body, "127.0.0.1") {
		t.Errorf("%v %s", a.header, a.body)
	}
	h.want(503, "POST", "/api/auth", ask)
	h.want(200, "GET", "/api/allocations", "", bearer(h.key)) // whom the configuration knows needs no answer
	d.Answer(http.NotFound)
	h.advance(5 * time.Second)
	h.want(403, "GET", "/api/allocations", "", bearer(key))
	h.want(403, "POST", "/api/auth/"+key, ask)
}
