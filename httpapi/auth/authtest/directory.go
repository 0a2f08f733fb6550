package authtest

import (
	"crypto/tls"
	"net/http"
	"sync"
	"testing"
)

// Directory is an HTTP directory at /users/{user}/projects/{project}.
type Directory struct {
	URL   string // with {user} and {project}
	Roots *tls.Config

	mu     sync.Mutex
	answer http.HandlerFunc
	asked  []string
}

// NewDirectory starts a directory that knows no users; it ends with the test.
func NewDirectory(t testing.TB) *Directory {
	t.Helper()
	d := &Directory{answer: http.NotFound}
	s, roots := server(t, d)
	d.URL, d.Roots = s.URL+"/users/{user}/projects/{project}", roots
	return d
}

// Answer sets what the directory does from now on.
func (d *Directory) Answer(h http.HandlerFunc) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer = h
}

// Says has the directory answer 200 with body.
func (d *Directory) Says(body string) {
	d.Answer(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
}

// Asked returns the addresses that were asked for, as they came over the wire.
func (d *Directory) Asked() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.asked...)
}

// ServeHTTP implements [http.Handler].
func (d *Directory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	d.asked = append(d.asked, r.RequestURI)
	answer := d.answer
	d.mu.Unlock()
	answer(w, r)
}
