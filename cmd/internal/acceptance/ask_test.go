package acceptance

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"conga/cmd/internal/eventually"
)

// An asker makes requests with one key, or without, in one test. It checks
// every answer against the OpenAPI document.
type asker struct {
	*world
	t    testing.TB
	key  string // sent as a bearer token; "": none
	http *http.Client
}

// keyless returns an asker without a key.
func (w *world) keyless(t testing.TB) *asker {
	t.Helper()
	return w.over(t, true)
}

// over returns an asker without a key, over HTTP/2 or 1.1.
func (w *world) over(t testing.TB, http2 bool) *asker {
	t.Helper()
	transport := w.transport(http2)
	t.Cleanup(transport.CloseIdleConnections)
	checked := w.contract.Transport(transport, func(err error) { t.Error(err) })
	return &asker{world: w, t: t, http: &http.Client{Transport: checked, Timeout: time.Minute}}
}

// user returns an asker with a new key of a user's in a project.
func (w *world) user(t testing.TB, user, project string) *asker {
	t.Helper()
	a := w.keyless(t)
	a.key = a.newKey(user, project)
	return a
}

// operator returns an asker with the admin's key.
func (w *world) operator(t testing.TB) *asker {
	t.Helper()
	a := w.keyless(t)
	a.key = w.admin
	return a
}

// newKey requests a key and returns it.
func (a *asker) newKey(user, project string) string {
	a.t.Helper()
	return a.want(200, "POST", "/api/auth", fmt.Sprintf(`{"user_id":%q,"project_id":%q}`, user, project)).text("api_key")
}

// An answer is a response that was read.
type answer struct {
	t      testing.TB
	code   int
	proto  string
	header http.Header
	body   string

	Status  int              `json:"status"`
	Results []map[string]any `json:"results"`
	Errors  []string         `json:"errors"`
}

// text returns a member of the first result.
func (a *answer) text(name string) string {
	a.t.Helper()
	if len(a.Results) == 0 {
		a.t.Fatalf("no results in %d %s", a.code, a.body)
	}
	s, ok := a.Results[0][name].(string)
	if !ok {
		a.t.Fatalf("%s is no text in %s", name, a.body)
	}
	return s
}

// ask makes a request with a body of JSON, or without one for "". Headers are
// given as name and value in turn; an empty value removes one.
func (a *asker) ask(method, path, body string, headers ...string) *answer {
	a.t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r, err := http.NewRequest(method, a.url+path, content) // without the test's context: cleanup makes requests, too
	if err != nil {
		a.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if a.key != "" {
		r.Header.Set("Authorization", "Bearer "+a.key)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	response, err := a.http.Do(r)
	if err != nil {
		a.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	got := &answer{t: a.t, code: response.StatusCode, proto: response.Proto, header: response.Header, body: string(text)}
	if strings.HasPrefix(path, "/api") && method != http.MethodHead && strings.Contains(got.header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(text, got); err != nil {
			a.t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	for _, one := range got.Results {
		if key, ok := one["api_key"].(string); ok {
			a.keep(key, "a key")
		}
		if secret, ok := one["secret"].(string); ok {
			a.keep(secret, "a webhook's secret")
		}
	}
	a.instead(r, path, body, got)
	return got
}

// want makes a request whose answer must have this status.
func (a *asker) want(code int, method, path, body string, headers ...string) *answer {
	a.t.Helper()
	got := a.ask(method, path, body, headers...)
	if got.code != code {
		a.t.Fatalf("%s %s %s: %d, want %d: %s", method, path, body, got.code, code, got.body)
	}
	return got
}

// refused makes a request that must be refused with this status and a sentence
// about that field.
func (a *asker) refused(code int, field, method, path, body string, headers ...string) {
	a.t.Helper()
	got := a.want(code, method, path, body, headers...)
	if method != http.MethodHead && (got.Status != code || !strings.Contains(strings.Join(got.Errors, "\n")+"\n", field)) {
		a.t.Errorf("%s %s %s: the answer does not speak of %s: %s", method, path, body, field, got.body)
	}
}

// sound returns valid members of a request for an allocation, by name.
func sound() map[string]any {
	return map[string]any{
		"project_id": "projectB", "src_ip": "192.127.1.10", "dst_ip": "192.127.1.11", "duration": 3600,
	}
}

// with returns fields as JSON with one member set to a value, or left out if
// the value is absent.
func with(fields map[string]any, name string, value any) string {
	if fields[name] = value; value == absent {
		delete(fields, name)
	}
	text, err := json.Marshal(fields)
	if err != nil {
		panic(err) // plain values always encode
	}
	return string(text)
}

// absent stands for no value.
var absent = new(int)

// create makes an allocation, which the end of the test deletes, and returns
// its ID.
func (a *asker) create(body string) string {
	a.t.Helper()
	id := a.want(201, "POST", "/api/allocations", body).text("allocation_id")
	a.cleared(id)
	return id
}

// cleared has the allocation deleted at the end of the test, if it still
// exists: it is released, and then taken out of the history.
func (a *asker) cleared(id string) {
	a.t.Cleanup(func() { a.delete(id); a.delete(id) })
}

// delete sends a DELETE as the admin, whatever comes of it.
func (a *asker) delete(id string) {
	r, err := http.NewRequest("DELETE", a.url+"/api/allocations/"+id, nil)
	if err != nil {
		return
	}
	r.Header.Set("Authorization", "Bearer "+a.admin)
	transport := a.transport(true)
	defer transport.CloseIdleConnections()
	if response, err := (&http.Client{Transport: transport}).Do(r); err == nil {
		response.Body.Close()
	}
}

// details returns an allocation's members.
func (a *asker) details(id string) map[string]any {
	a.t.Helper()
	return a.want(200, "GET", "/api/allocations/"+id, "").Results[0]
}

// until waits for an allocation to be in a state, and returns its details.
func (a *asker) until(id, state string) map[string]any {
	a.t.Helper()
	var d map[string]any
	eventually.True(a.t, "the allocation is "+state, func() bool {
		d = a.details(id)
		return d["state"] == state
	})
	return d
}

// active makes an allocation and waits until it is active.
func (a *asker) active(body string) string {
	a.t.Helper()
	id := a.create(body)
	a.until(id, "active")
	return id
}
