package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"conga/httpapi/httpapitest"
	"conga/httpapi/webhook"
)

// A wireClient is one user of a running congad. It does not use the client
// package, so that tests see what is on the wire.
type wireClient struct {
	t    *testing.T
	p    *running
	http *http.Client
	key  string
}

func (p *running) rest(key string) *wireClient {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	p.t.Cleanup(transport.CloseIdleConnections)
	return &wireClient{t: p.t, p: p, http: &http.Client{Transport: p.checked(transport)}, key: key}
}

// checked returns a transport that checks every answer of next against the
// OpenAPI document.
func (p *running) checked(next http.RoundTripper) http.RoundTripper {
	p.t.Helper()
	contract, err := httpapitest.Load()
	if err != nil {
		p.t.Fatal(err)
	}
	return contract.Transport(next, func(err error) { p.t.Error(err) })
}

// do makes a request and returns its answer; the caller reads and closes it.
func (r *wireClient) do(method, path, body string, header ...string) *http.Response {
	r.t.Helper()
	url := r.p.until("listening for users")["url"].(string) + "/api/v1" + path
	request, err := http.NewRequestWithContext(r.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+r.key)
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := r.http.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	return response
}

// text does as do and reads the answer, which must end.
func (r *wireClient) text(code int, method, path, body string, header ...string) (string, http.Header) {
	r.t.Helper()
	response := r.do(method, path, body, header...)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != code {
		r.t.Fatalf("%s %s: %d, want %d (%v): %s", method, path, response.StatusCode, code, err, text)
	}
	return string(text), response.Header
}

// Answers to idempotent requests, the audit log and webhooks survive kill -9,
// and an ordered stop does not wait for open streams of events.
func TestServices(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "conga.yaml")
	writeConfig(t, file, fmt.Sprintf(testConfig, filepath.Join(dir, "data"), "127.0.0.1:0")+"webhooks: {allow_private: true}\n")
	delivered := make(chan *http.Request, 100)
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		delivered <- r
	}))
	defer target.Close()

	p := start(t, file)
	key, err := p.login().Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	user := p.rest(key.APIKey)
	made, _ := user.text(201, "POST", "/webhooks", `{"url":"`+target.URL+`"}`)
	var hook struct {
		Results []struct{ Secret string }
	}
	if err := json.Unmarshal([]byte(made), &hook); err != nil {
		t.Fatal(err)
	}
	ask := `{"project_id":"projectB","src_ip":"192.127.1.10","dst_ip":"192.127.1.11","duration":3600}`
	first, _ := user.text(201, "POST", "/allocations", ask, "Idempotency-Key", "k")
	await(t, delivered, "allocation.changed", hook.Results[0].Secret)

	p.Stop(syscall.SIGKILL)
	p = start(t, file)
	user = p.rest(key.APIKey)
	again, header := user.text(201, "POST", "/allocations", ask, "Idempotency-Key", "k")
	if again != first || header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("after kill -9: %v %s, want %s", header, again, first)
	}
	user.text(422, "POST", "/allocations", strings.Replace(ask, "3600", "7200", 1), "Idempotency-Key", "k")
	await(t, delivered, "reset", hook.Results[0].Secret)

	admin, err := os.ReadFile(filepath.Join(dir, "data", "admin.key"))
	if err != nil {
		t.Fatal(err)
	}
	operator := p.rest(strings.TrimSpace(string(admin)))
	log, _ := operator.text(200, "GET", "/audit", "")
	for _, action := range []string{"key.issue", "webhook.create", "allocation.create", `"refused","status":422`} {
		if !strings.Contains(log, action) {
			t.Errorf("%s is not in the audit log: %s", action, log)
		}
	}
	stream := operator.do("GET", "/events", "")
	defer stream.Body.Close()
	lines := bufio.NewScanner(stream.Body)
	if !lines.Scan() || lines.Text() != ": heartbeat" {
		t.Errorf("the stream begins with %q", lines.Text())
	}
	begun := time.Now()
	if code := p.Stop(syscall.SIGTERM); code != 0 || time.Since(begun) > drain/2 {
		t.Errorf("exit code %d after %v with an open stream", code, time.Since(begun))
	}
	for lines.Scan() {
	}
	for _, secret := range []string{key.APIKey, hook.Results[0].Secret, strings.TrimSpace(string(admin)), target.URL} {
		if strings.Contains(p.Text(), secret) {
			t.Errorf("%.6s… is in the log", secret)
		}
	}
}

// Webhooks of users that the configuration does not name get their events too:
// those of a user of the HTTP directory, and the admin's.
func TestWebhooksOfOthers(t *testing.T) {
	dir := t.TempDir()
	directory := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/visitor/elsewhere" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"is_active":true}`)
	}))
	defer directory.Close()
	delivered := map[string]chan *http.Request{"/user": make(chan *http.Request, 100), "/admin": make(chan *http.Request, 100)}
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		delivered[r.URL.Path] <- r
	}))
	defer target.Close()
	file := filepath.Join(dir, "conga.yaml")
	text := fmt.Sprintf(testConfig, filepath.Join(dir, "data"), "127.0.0.1:0")
	text = strings.Replace(text, "directory:", "directory:\n  http: "+directory.URL+"/{user}/{project}", 1)
	writeConfig(t, file, text+"webhooks: {allow_private: true}\n")
	p := start(t, file)
	adminKey, err := os.ReadFile(filepath.Join(dir, "data", "admin.key"))
	if err != nil {
		t.Fatal(err)
	}
	given, _ := p.rest("").text(200, "POST", "/auth", `{"user_id":"visitor","project_id":"elsewhere"}`)
	user, admin := p.rest(aKey.FindString(given)), p.rest(strings.TrimSpace(string(adminKey)))
	secrets := map[string]string{}
	for path, r := range map[string]*wireClient{"/user": user, "/admin": admin} {
		made, _ := r.text(201, "POST", "/webhooks", `{"url":"`+target.URL+path+`","project_id":"elsewhere"}`)
		var hook struct {
			Results []struct{ Secret string }
		}
		if err := json.Unmarshal([]byte(made), &hook); err != nil {
			t.Fatal(err)
		}
		secrets[path] = hook.Results[0].Secret
	}
	user.text(201, "POST", "/allocations", `{"project_id":"elsewhere","src_ip":"192.127.1.10","dst_ip":"192.127.1.11","duration":3600}`)
	for path, secret := range secrets {
		await(t, delivered[path], "allocation.changed", secret)
	}
	if code := p.Stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// await waits for a delivery and checks its signature.
func await(t *testing.T, delivered <-chan *http.Request, event, secret string) {
	t.Helper()
	for {
		select {
		case r := <-delivered:
			body, _ := io.ReadAll(r.Body)
			want := webhook.Sign(secret, r.Header.Get(webhook.HeaderTimestamp), body)
			if got := r.Header.Get(webhook.HeaderSignature); got != want {
				t.Errorf("signature %s, want %s", got, want)
			}
			if r.Header.Get(webhook.HeaderEvent) == event {
				return
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s is never delivered", event)
		}
	}
}

// The addresses that the HTTP directory names are no other project's from the
// first answer on.
func TestAddressesOfTheHTTPDirectory(t *testing.T) {
	dir := t.TempDir()
	directory := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/visitor/elsewhere":
			_, _ = io.WriteString(w, `{"is_active":true,"addresses":["192.127.1.0/24"]}`)
		case "/stranger/another":
			_, _ = io.WriteString(w, `{"is_active":true}`)
		default:
			http.NotFound(w, r)
		}
	}))
	defer directory.Close()
	file := filepath.Join(dir, "conga.yaml")
	text := fmt.Sprintf(testConfig, filepath.Join(dir, "data"), "127.0.0.1:0")
	writeConfig(t, file, strings.Replace(text, "directory:", "directory:\n  http: "+directory.URL+"/{user}/{project}", 1))
	p := start(t, file)
	login := func(user, project string) *wireClient {
		given, _ := p.rest("").text(200, "POST", "/auth", `{"user_id":"`+user+`","project_id":"`+project+`"}`)
		return p.rest(aKey.FindString(given))
	}
	const path = `"src_ip":"192.127.1.10","dst_ip":"192.127.1.11","duration":60,"protocol":"udp","src_port":`
	stranger := login("stranger", "another")
	stranger.text(201, "POST", "/allocations", `{"project_id":"another",`+path+`1}`)
	visitor := login("visitor", "elsewhere")
	if refused, _ := stranger.text(403, "POST", "/allocations", `{"project_id":"another",`+path+`2}`); !strings.Contains(refused, "belongs to another project") {
		t.Error(refused)
	}
	visitor.text(201, "POST", "/allocations", `{"project_id":"elsewhere",`+path+`3}`)
	if code := p.Stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
