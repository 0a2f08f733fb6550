package trespass

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"conga/cmd/internal/eventually"
)

// An asker is a client of the daemon, with a key.
type asker struct {
	*lab
	key  string
	http *http.Client
}

// fields are members of JSON.
type fields = map[string]any

// An answer is a response that was read.
type answer struct {
	code   int
	header http.Header
	body   string
	fields
}

// requesters counts the addresses that clients have had: requests for keys are
// limited by address.
var requesters atomic.Uint32

// asker returns one with a key, or without.
func (l *lab) asker(key string) *asker {
	n := requesters.Add(1)
	local := &net.TCPAddr{IP: net.IPv4(127, 2, byte(n>>8), byte(n))}
	transport := &http.Transport{
		DialContext:     (&net.Dialer{LocalAddr: local}).DialContext,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true,
	}
	l.Cleanup(transport.CloseIdleConnections)
	return &asker{l, key, &http.Client{Transport: transport, Timeout: time.Minute}}
}

// boss returns one with the admin's key.
func (l *lab) boss() *asker { return l.asker(l.admin) }

// login returns a user with a new key in a project.
func (l *lab) login(user, project string) *asker {
	l.Helper()
	a := l.asker("")
	got := a.ask("POST", "/api/auth", fields{"user_id": user, "project_id": project})
	if got.code != 200 {
		l.fault("user %s gets no key: %d %s", user, got.code, got.body)
	}
	a.key = got.text("api_key")
	return a
}

// ask makes a request; headers are names and values in turn.
func (a *asker) ask(method, path string, body fields, headers ...string) *answer {
	a.Helper()
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			a.Fatal(err)
		}
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequest(method, a.url+path, content)
	if err != nil {
		a.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if a.key != "" {
		r.Header.Set("Authorization", "Bearer "+a.key)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := a.http.Do(r)
	if err != nil {
		a.fault("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		a.fault("%s %s: %v", method, path, err)
	}
	got := &answer{code: response.StatusCode, header: response.Header, body: string(text)}
	_ = json.Unmarshal(text, &got.fields)
	return got
}

// list returns the results of an answer.
func (got *answer) list() (out []fields) {
	results, _ := got.fields["results"].([]any)
	for _, one := range results {
		out = append(out, one.(fields))
	}
	return out
}

// first returns a member of the first result, nil if there is none.
func (got *answer) first(name string) any {
	if list := got.list(); len(list) > 0 {
		return list[0][name]
	}
	return nil
}

func (got *answer) text(name string) string {
	s, _ := got.first(name).(string)
	return s
}

func (got *answer) number(name string) float64 {
	n, _ := got.first(name).(float64)
	return n
}

// results returns the results of a list.
func (a *asker) results(path string) []fields {
	a.Helper()
	return a.ask("GET", path, nil).list()
}

// body returns a request between two hosts of the network.
func (l *lab) body(project, from, to string, duration int, more fields) fields {
	f := fields{"project_id": project, "src_ip": l.network.Host(from).Addr().String(), "dst_ip": l.network.Host(to).Addr().String(), "duration": duration}
	for name, value := range more {
		f[name] = value
	}
	return f
}

// create makes an allocation, which must be admitted, and returns its ID.
func (a *asker) create(body fields) string {
	a.Helper()
	got := a.ask("POST", "/api/allocations", body)
	if got.code != 201 {
		a.fault("POST %v: %d %s", body, got.code, got.body)
	}
	return got.text("allocation_id")
}

// details returns an allocation.
func (a *asker) details(id string) *answer {
	a.Helper()
	return a.ask("GET", "/api/allocations/"+id, nil)
}

// until waits for an allocation to be in a state.
func (a *asker) until(id, state string) *answer {
	a.Helper()
	var got *answer
	if !eventually.Try(func() bool { got = a.details(id); return got.text("state") == state }) {
		a.fault("an allocation is never %s: %s", state, got.body)
	}
	return got
}

// active makes an allocation and waits until it is active.
func (a *asker) active(body fields) string {
	a.Helper()
	id := a.create(body)
	a.until(id, "active")
	return id
}

// want makes a request, which must have this status.
func (a *asker) want(code int, method, path string, body fields, headers ...string) *answer {
	a.Helper()
	got := a.ask(method, path, body, headers...)
	if got.code != code {
		a.fault("%s %s %v: %d and not %d: %s", method, path, body, got.code, code, got.body)
	}
	return got
}

// after returns the UNIX time so many seconds from now.
func after(seconds float64) int64 {
	return time.Now().Add(time.Duration(seconds * float64(time.Second))).Unix()
}

// within reports whether ok reports true within so long.
func (l *lab) within(d time.Duration, ok func() bool) bool {
	for deadline := time.Now().Add(d); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// eventually waits for what must happen.
func (l *lab) eventually(what string, ok func() bool) {
	l.Helper()
	if !eventually.Try(ok) {
		l.fault("it never happens that %s", what)
	}
}

func percent(part, of uint64) string {
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(max(of, 1)))
}
