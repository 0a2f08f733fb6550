package httpapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"conga/httpapi"
	"conga/httpapi/auth"
)

// TestKeyMatrix asks for every resource with every sort of key.
func TestKeyMatrix(t *testing.T) {
	h := newHarness(t)
	expired := h.issue("abc123", "projectB")
	h.advance(auth.TTL)
	deleted := h.issue("abc123", "projectB")
	h.must(h.keys.Delete(t.Context(), deleted, "abc123", "projectB"))
	own, foreign := h.issue("abc123", "projectB"), h.issue("xyz987", "project B")
	h.key = own
	id := h.create("")

	one := "/api/allocations/" + id
	requests := []struct{ method, target, body string }{
		{"GET", "/api/allocations", ""},
		{"HEAD", "/api/allocations", ""},
		{"GET", one, ""},
		{"HEAD", one, ""},
		{"PATCH", one, `{"duration":7000}`},
		{"POST", one, `{"duration":7100}`},
		{"PUT", one, "{" + good + "}"},
		{"POST", "/api/allocations", with("dst_ip", `"192.127.1.45"`)},
		{"DELETE", one, ""},
	}
	codes := []struct {
		name, key string
		want      []int // in the order of requests
	}{
		{"none", "", []int{401, 401, 401, 401, 401, 401, 401, 401, 401}},
		{"nonsense", "conga_x", []int{401, 401, 401, 401, 401, 401, 401, 401, 401}},
		{"unknown", auth.NewSecret(), []int{401, 401, 401, 401, 401, 401, 401, 401, 401}},
		{"expired", expired, []int{401, 401, 401, 401, 401, 401, 401, 401, 401}},
		{"deleted", deleted, []int{401, 401, 401, 401, 401, 401, 401, 401, 401}},
		{"other project", foreign, []int{200, 200, 404, 404, 404, 404, 403, 403, 404}},
		{"own", own, []int{200, 200, 200, 200, 200, 200, 200, 201, 200}},
	}
	for _, c := range codes {
		show, challenge := bearer(c.key), `Bearer realm="conga", error="invalid_token"`
		if c.key == "" {
			show, challenge = header{"Authorization", ""}, `Bearer realm="conga"`
		}
		for i, r := range requests {
			before := fmt.Sprint(h.all())
			a := h.want(c.want[i], r.method, r.target, r.body, show)
			if a.code >= 400 && fmt.Sprint(h.all()) != before {
				t.Errorf("%s: %s %s changed something", c.name, r.method, r.target)
			}
			if got := a.header.Get("WWW-Authenticate"); a.code == 401 && got != challenge {
				t.Errorf("%s: %s %s has WWW-Authenticate %q", c.name, r.method, r.target, got)
			}
			if a.code != 200 && strings.Contains(a.body, "192.127") {
				t.Errorf("%s: %s %s tells of the allocation: %s", c.name, r.method, r.target, a.body)
			}
		}
	}
	if n := len(h.want(200, "GET", "/api/allocations", "", bearer(foreign)).Results); n != 0 {
		t.Errorf("the other project sees %d allocations", n)
	}
}

// TestForeignIsLikeAbsent: what another project has looks like what does not
// exist.
func TestForeignIsLikeAbsent(t *testing.T) {
	h := newHarness(t)
	id := h.create("")
	for _, method := range []string{"GET", "POST", "PATCH", "DELETE"} {
		a := h.want(404, method, "/api/allocations/"+id, "", bearer(h.foreign))
		b := h.want(404, method, "/api/allocations/00000000-0000-0000-0000-000000000000", "", bearer(h.foreign))
		if a.body != b.body {
			t.Errorf("%s: %s and %s", method, a.body, b.body)
		}
	}
}

func TestAdminSeesAll(t *testing.T) {
	h := newHarness(t)
	id := h.create("")
	h.want(201, "POST", "/api/allocations", strings.ReplaceAll(with("dst_ip", `"192.127.1.22"`), "projectB", "project B"), bearer(h.foreign))
	if n := len(h.want(200, "GET", "/api/allocations", "", bearer(h.admin)).Results); n != 2 {
		t.Errorf("the operator sees %d allocations, want 2", n)
	}
	if n := len(h.want(200, "GET", "/api/allocations", `{"project_id":"project B"}`, bearer(h.admin)).Results); n != 1 {
		t.Errorf("the operator sees %d allocations of one project, want 1", n)
	}
	h.want(422, "GET", "/api/allocations", `{"project_id":"projectX"}`, bearer(h.admin))
	h.want(200, "GET", "/api/allocations/"+id, "", bearer(h.admin))
	a := h.want(200, "PATCH", "/api/allocations/"+id, `{"project_id":"project B"}`, bearer(h.admin))
	if a.Results[0]["project_id"] != "project B" {
		t.Errorf("moved to %v", a.Results[0]["project_id"])
	}
	h.want(404, "GET", "/api/allocations/"+id, "", bearer(h.key))
	h.want(404, "GET", "/api/auth/"+h.admin, "") // not a key of a user
	a = h.want(201, "POST", "/api/allocations", `{"user_id":"abc123",`+strings.ReplaceAll(good, "1.10", "1.40")+`}`, bearer(h.admin))
	if d := h.want(200, "GET", a.header.Get("Location"), "", bearer(h.key)).Results[0]; d["user_id"] != "abc123" {
		t.Errorf("made for %v", d["user_id"])
	}
	h.want(403, "POST", "/api/allocations", `{"user_id":"nobody",`+good+`}`, bearer(h.admin))
}

// TestLostMembership: a key does not outlive its user's membership.
func TestLostMembership(t *testing.T) {
	h := newHarness(t)
	h.must(h.dir.Update(auth.StaticConfig{Projects: []auth.Project{{ID: "projectB", Members: []string{"xyz987"}}}}))
	h.want(403, "GET", "/api/allocations", "", bearer(h.key))
	h.want(403, "POST", "/api/auth/"+h.key, docKeyRequest)
}

func TestWhereTheKeyMayBe(t *testing.T) {
	h := newHarness(t)
	inBody := `{"api_key":"` + h.key + `"}`
	other := h.issue("xyz987", "projectB")
	h.want(200, "GET", "/api/allocations", inBody)
	h.want(200, "GET", "/api/allocations", "", bearer(h.key))
	h.want(200, "GET", "/api/allocations", "", header{"Authorization", "bearer " + h.key})
	h.want(200, "GET", "/api/allocations", "", header{"X-API-Key", h.key})
	h.want(200, "GET", "/api/allocations", inBody, bearer(h.key), header{"X-API-Key", h.key})
	h.want(400, "GET", "/api/allocations", inBody, bearer(other))
	h.want(400, "GET", "/api/allocations", "", bearer(h.key), header{"X-API-Key", other})
	h.want(400, "GET", "/api/allocations", `{"api_key":5}`)
	h.want(401, "GET", "/api/allocations", `{"api_key":null}`)
	h.want(401, "GET", "/api/allocations", `{"api_key":""}`)
	h.want(401, "GET", "/api/allocations", "", header{"Authorization", "Basic " + h.key})
	a := h.want(401, "GET", "/api/allocations?api_key="+h.key, "")
	if !strings.Contains(a.Errors[0], "not taken from the query") || strings.Contains(a.body, h.key) {
		t.Errorf("errors are %q", a.Errors)
	}
	h.want(422, "GET", "/api/allocations?api_key="+h.key, "", bearer(h.key))
}

func TestRequestKeyErrors(t *testing.T) {
	h := newHarness(t)
	for _, c := range []struct {
		body string
		code int
		says string
	}{
		{`{"user_id":"abc123","project_id":"projectB","password":"wrong"}`, 401, "user_id or password is wrong"},
		{`{"user_id":"abc123","project_id":"projectB"}`, 401, "user_id or password is wrong"},
		{`{"user_id":"nobody","project_id":"projectB","password":"x"}`, 401, "user_id or password is wrong"},
		{`{"user_id":"abc123","project_id":"project B","password":"` + password + `"}`, 403, "project_id: "},
		{`{"user_id":"abc123","project_id":"nowhere","password":"` + password + `"}`, 403, "project_id: "},
		{`{"user_id":"abc123"}`, 422, "project_id: is required"},
		{`{"project_id":"projectB"}`, 422, "user_id: is required"},
		{``, 422, "user_id: is required"},
		{`{"user_id":"abc123","project_id":"projectB","passwort":"x"}`, 422, "passwort: is not a field"},
		{`{"user_id":7,"project_id":"projectB"}`, 400, "user_id: must be a string"},
		{`{"user_id":"abc123","project_id":"projectB","password":7}`, 400, "password: must be a string"},
		{`[]`, 400, "body: must be a JSON object"},
	} {
		a := h.want(c.code, "POST", "/api/auth", c.body)
		if got := a.header.Get("WWW-Authenticate"); c.code == 401 && got != `Bearer realm="conga"` {
			t.Errorf("%s: WWW-Authenticate is %q", c.body, got)
		}
		if !strings.Contains(strings.Join(a.Errors, "\n"), c.says) {
			t.Errorf("%s: errors are %q, want %q", c.body, a.Errors, c.says)
		}
	}
}

func TestKeyResourceErrors(t *testing.T) {
	h := newHarness(t)
	for _, method := range []string{"POST", "DELETE"} {
		h.want(404, method, "/api/auth/"+auth.NewSecret(), docKeyRequest)
		h.want(404, method, "/api/auth/nonsense", docKeyRequest)
		h.want(403, method, "/api/auth/"+h.key, `{"user_id":"xyz987","project_id":"projectB"}`)
		h.want(403, method, "/api/auth/"+h.key, `{"user_id":"abc123","project_id":"project B"}`)
		h.want(422, method, "/api/auth/"+h.key, `{"user_id":"abc123"}`)
		h.want(422, method, "/api/auth/"+h.key, ``)
		h.want(400, method, "/api/auth/"+h.key, `{"user_id":1,"project_id":"projectB"}`)
		h.want(405, "PUT", "/api/auth/"+h.key, docKeyRequest)
	}
	h.want(404, "GET", "/api/auth/"+auth.NewSecret(), "")
	h.want(200, "HEAD", "/api/auth/"+h.key, "")
	h.advance(auth.TTL)
	h.want(404, "GET", "/api/auth/"+h.key, "")
	h.want(404, "POST", "/api/auth/"+h.key, docKeyRequest)
}

func TestGuessingIsSlowedDown(t *testing.T) {
	h := newHarness(t)
	guess := `{"user_id":"abc123","project_id":"projectB","password":"wrong"}`
	right := `{"user_id":"abc123","project_id":"projectB","password":"` + password + `"}`
	for range 5 {
		h.want(401, "POST", "/api/auth", guess)
	}
	a := h.want(429, "POST", "/api/auth", right) // locked out, whatever is said
	if a.header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After is %q", a.header.Get("Retry-After"))
	}
	h.want(200, "POST", "/api/auth", `{"user_id":"xyz987","project_id":"projectB"}`)
	h.advance(2 * time.Second)
	h.want(200, "POST", "/api/auth", right)
}

func TestAskingTooOftenIsRefused(t *testing.T) {
	h := newHarness(t, func(c *httpapi.Config) {
		c.Guard = auth.NewGuard(auth.GuardConfig{Rate: 0.1, Burst: 3, Now: c.Now})
	})
	ask := `{"user_id":"xyz987","project_id":"projectB"}`
	for range 3 {
		h.want(200, "POST", "/api/auth", ask)
	}
	a := h.want(429, "POST", "/api/auth", ask)
	if a.header.Get("Retry-After") != "10" || !strings.Contains(a.Errors[0], "try again in 10 s") {
		t.Errorf("Retry-After is %q, errors %q", a.header.Get("Retry-After"), a.Errors)
	}
	h.advance(10 * time.Second)
	h.want(200, "POST", "/api/auth", ask)
}

// TestSecretsAreNotLogged runs into everything that logs, at the most talkative
// level, and looks for secrets.
func TestSecretsAreNotLogged(t *testing.T) {
	h := newHarness(t)
	made := h.want(200, "POST", "/api/auth", `{"user_id":"abc123","project_id":"projectB","password":"`+password+`"}`)
	key := made.Results[0]["api_key"].(string)
	h.want(200, "GET", "/api/auth/"+key, "")
	h.want(200, "GET", "/api/v1/auth/"+key, "")
	h.want(200, "POST", "/api/auth/"+key, docKeyRequest)
	h.want(404, "GET", "/api/auth/"+key+"/more", "")
	h.want(404, "GET", "/api//auth/hunter2", "")
	h.want(401, "GET", "/api/keys/"+key, "")
	h.want(404, "GET", "/api/webhooks/x/whsec_hunter2", "")
	h.want(404, "GET", "/api/allocations/eyJodW50ZXIy.x.y/z", "", header{"X-Request-Id", "whsec_hunter2"})
	h.want(404, "GET", "/api/allocations/"+key, "", bearer(key))
	h.want(401, "GET", "/api/allocations?api_key="+key, "")
	h.want(200, "GET", "/api/allocations", `{"api_key":"`+key+`"}`, header{"X-Request-Id", key})
	h.want(200, "DELETE", "/api/auth/"+key, docKeyRequest)
	h.want(401, "POST", "/api/auth", `{"user_id":"abc123","project_id":"projectB","password":"hunter2"}`)
	log := h.log.String()
	for what, secret := range map[string]string{"a key": key[6:], "a right password": password, "a wrong password": "hunter2", "a token": "eyJodW"} {
		if i := strings.Index(log, secret); i >= 0 {
			t.Errorf("%s is in the log: %s", what, log[max(0, i-200):i])
		}
	}
	lines := strings.Count(log, "\n")
	if lines < 11 {
		t.Errorf("only %d requests were logged", lines)
	}
	for line := range strings.Lines(log) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry["msg"] != "request" || entry["request_id"] == "" {
			t.Errorf("log line %s", line)
		}
	}
}
