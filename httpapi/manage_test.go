package httpapi_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"conga/httpapi"
	"conga/httpapi/auth"
	"conga/httpapi/auth/authtest"
)

// A colleague's allocation is changed and released by the project's managers
// and the admin only, unless the project lets all members do so, and it is told
// by which user.
func TestManagers(t *testing.T) {
	h := newHarness(t)
	project := auth.Project{ID: "projectB", Members: []string{"abc123", "xyz987"}, Managers: []string{"boss"}}
	put := func(p auth.Project) {
		h.must(h.dir.Update(auth.StaticConfig{Projects: []auth.Project{p}, AllowPasswordless: true}))
	}
	put(project)
	colleague, boss := h.issue("xyz987", "projectB"), h.issue("boss", "projectB")
	id := h.create("")
	at := "/api/allocations/" + id
	changedBy := func() any {
		return h.want(200, "GET", at, "", bearer(h.key)).Results[0]["changed_by"]
	}

	for _, method := range []string{"POST", "PATCH", "DELETE"} {
		body := map[string]string{"POST": `{"duration":60}`, "PATCH": `{"lease":60}`}[method]
		if a := h.want(403, method, at, body, bearer(colleague)); !strings.Contains(a.body, "it is abc123's; its user, a manager of the project or the admin") {
			t.Error(a.body)
		}
	}
	h.want(200, "PATCH", at, `{"duration":3000}`, bearer(h.key))
	if by := changedBy(); by != nil {
		t.Errorf("changed by %v, want null for its own user", by)
	}
	h.want(200, "PATCH", at, `{"duration":2000}`, bearer(boss))
	if by := changedBy(); by != "boss" {
		t.Errorf("changed by %v, want boss", by)
	}
	h.want(200, "PATCH", at, `{"lease":60}`, bearer(h.admin))
	h.want(200, "PATCH", at, `{"duration":2100}`, bearer(h.admin))
	if by := changedBy(); by != "admin" {
		t.Errorf("changed by %v, want admin", by)
	}
	h.settle()
	if by := changedBy(); by != "admin" {
		t.Errorf("changed by %v once active, want admin", by)
	}
	reader, err := h.events.Read("test", func(string) bool { return true })
	h.must(err)
	defer reader.Close()
	project.AllRelease = true
	put(project)
	h.want(200, "DELETE", at, "", bearer(colleague))
	told := false
	for _, e := range reader.Take().Events {
		text, err := e.JSON()
		h.must(err)
		told = told || e.Type == "allocation.changed" && strings.Contains(string(text), `"changed_by":"xyz987"`) &&
			strings.Contains(string(text), `"state":"complete"`) && strings.Contains(string(text), `"reason":"released by xyz987"`)
	}
	if !told {
		t.Error("the event does not say who released it")
	}
	// The owner finds it and its reason, also when its circuits are out.
	for range 2 {
		one := h.want(200, "GET", at, "", bearer(h.key)).Results[0]
		if one["state"] != "complete" || one["reason"] != "released by xyz987" || changedBy() != "xyz987" {
			t.Errorf("released: %v", one)
		}
		ids := h.want(200, "GET", "/api/allocations?project_id=projectB&state=complete", "", bearer(h.key)).Results
		if len(ids) != 1 || ids[0]["reason"] != "released by xyz987" {
			t.Errorf("complete are %v", ids)
		}
		h.settle()
	}
	if n := len(h.alloc.Live("")); n != 0 {
		t.Errorf("%d allocations are left", n)
	}
}

// TestHTTPDirectoryOwnersAndManagers: the directory's word on a project's
// managers and addresses counts as that of the configuration does.
func TestHTTPDirectoryOwnersAndManagers(t *testing.T) {
	d := authtest.NewDirectory(t)
	d.Answer(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/users/boss/projects/elsewhere":
			_, _ = io.WriteString(w, `{"is_active": true, "is_manager": true, "addresses": ["192.127.1.10"]}`)
		case "/users/visitor/projects/elsewhere", "/users/other/projects/elsewhere":
			_, _ = io.WriteString(w, `{"is_active": true}`)
		default:
			http.NotFound(w, r)
		}
	})
	h := newHarness(t, func(c *httpapi.Config) {
		known, err := auth.NewHTTP(auth.HTTPConfig{URL: d.URL, Roots: d.Roots, Now: c.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(known.Close)
		c.Directory = auth.NewChain(c.Directory.(*auth.Static), known)
		static := owners(auth.ConsentEither) // in which 192.127.1.10 is projectB's
		c.Owners = func() *auth.Owners { return static.With(known.Owners()) }
	})
	body := func(project, src string) string {
		return `{"project_id":"` + project + `","src_ip":"` + src + `","dst_ip":"192.127.1.40","duration":60}`
	}
	visitor, other, boss := h.issue("visitor", "elsewhere"), h.issue("other", "elsewhere"), h.issue("boss", "elsewhere")
	h.want(403, "POST", "/api/allocations", body("elsewhere", "192.127.1.10"), bearer(visitor))
	h.want(200, "GET", "/api/allocations", "", bearer(boss)) // has the directory asked, which names the addresses
	at := "/api/allocations/" + h.want(201, "POST", "/api/allocations", body("elsewhere", "192.127.1.10"), bearer(visitor)).Results[0]["allocation_id"].(string)
	h.want(403, "POST", "/api/allocations", body("elsewhere", "192.127.1.22"), bearer(visitor))
	h.want(403, "DELETE", at, "", bearer(other))
	h.want(200, "DELETE", at, "", bearer(boss))
	h.want(201, "POST", "/api/allocations", body("projectB", "192.127.1.10"), bearer(h.key)) // it owns the address, too
}

// A new allocation is the key's user's, whichever way it is asked for, and
// another member's only for a manager, the admin, and a project that has all
// members do what managers do.
func TestInWhoseName(t *testing.T) {
	h := newHarness(t)
	project := auth.Project{ID: "projectB", Members: []string{"abc123", "xyz987"}, Managers: []string{"boss"}}
	put := func() {
		h.must(h.dir.Update(auth.StaticConfig{Projects: []auth.Project{project}, AllowPasswordless: true}))
	}
	put()
	boss := h.issue("boss", "projectB")
	ask := func(code int, key, path, user string) answer {
		t.Helper()
		body := with("user_id", strconv.Quote(user))
		if path == "/api/series" {
			path, body = "/api/allocations", strings.TrimSuffix(body, "}")+`,"start_time":1429293600,"recurrence":{"rrule":"FREQ=DAILY;COUNT=2"}}`
		}
		a := h.want(code, "POST", path, body, bearer(key))
		if code == 403 && !strings.HasPrefix(a.Errors[0], "user_id: ") {
			t.Errorf("%s: %v", path, a.Errors)
		}
		return a
	}
	for _, path := range []string{"/api/allocations", "/api/allocations?validate=true", "/api/series"} {
		ask(403, h.key, path, "xyz987")
		ask(403, h.key, path, "stranger") // whose name is not told from a member's
		ask(403, boss, path, "stranger")
	}
	for _, key := range []string{boss, h.admin} {
		made := ask(201, key, "/api/allocations", "xyz987").header.Get("Location")
		if got := h.want(200, "GET", made, "", bearer(h.key)).Results[0]["user_id"]; got != "xyz987" {
			t.Errorf("made for %v", got)
		}
		h.want(200, "DELETE", made, "", bearer(key))
	}
	project.AllRelease = true
	put()
	ask(201, h.key, "/api/allocations", "xyz987")
}
