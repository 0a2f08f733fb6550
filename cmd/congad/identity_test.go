package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"crypto/tls"

	"conga/cmd/internal/eventually"
	"conga/httpapi/auth"
	"conga/httpapi/auth/authtest"
)

// A browser speaks to the daemon as curl does.
type browser struct {
	t    *testing.T
	url  string
	http *http.Client
}

func (p *running) browser() *browser {
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	return &browser{p.t, p.until("listening for users")["url"].(string), &http.Client{Transport: p.checked(tr)}}
}

// send makes a request and returns its answer, which must have the code.
func (b *browser) send(code int, method, path, body, bearer string) (string, *tls.ConnectionState) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	a, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != code {
		b.t.Fatalf("%s: %d, want %d, %v: %s", method, a.StatusCode, code, err, text)
	}
	return string(text), a.TLS
}

var (
	aKey = regexp.MustCompile(auth.Prefix + `[A-Za-z0-9_-]{43}`)
	// aKeyAlone leaves out longer words, such as a metric's name.
	aKeyAlone = regexp.MustCompile(aKey.String() + `(?:[^A-Za-z0-9_-]|$)`)
)

const identityConfig = `
directory:
  projects: [{id: projectB, members: [abc123, jdoe@access-ci.org]}]
  users: [{id: abc123, password: "%s"}]
  http: https://127.0.0.1:1/users/{user}/projects/{project}
  oidc: {issuer: "%s", client_id: conga}
`

// TestIdentity logs in in every way, and then looks for the secrets in all that
// the daemon writes: its log, its files, and its metrics.
func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	issuer := authtest.NewIssuer(t)
	issuer.Down.Store(true) // the daemon starts without it
	roots := filepath.Join(dir, "roots.pem")
	writeConfig(t, roots, string(issuer.PEM))
	t.Setenv("SSL_CERT_FILE", roots)
	const password = "a secret that nobody types"
	hash, err := auth.HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	file, data := filepath.Join(dir, "conga.yaml"), filepath.Join(dir, "data")
	base, _, _ := strings.Cut(fmt.Sprintf(testConfig, data, "127.0.0.1:0"), "directory:")
	writeConfig(t, file, base+fmt.Sprintf(identityConfig, hash, issuer.URL)+"log: {format: json, level: debug}\n")
	p := start(t, file)
	b := p.browser()

	secrets := []string{password, "not the password"}
	token := issuer.Token(map[string]any{"sub": "jdoe@access-ci.org", "aud": "conga", "exp": time.Now().Add(time.Hour).Unix()})
	secrets = append(secrets, token)
	byToken := `{"project_id":"projectB"}`
	b.send(503, "POST", "/api/auth", byToken, token)
	issuer.Down.Store(false)
	eventually.True(t, "the issuer is asked again", func() bool {
		r, _ := http.NewRequestWithContext(t.Context(), "POST", b.url+"/api/auth", strings.NewReader(byToken))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		a, err := b.http.Do(r)
		if err != nil {
			return false
		}
		defer a.Body.Close()
		text, _ := io.ReadAll(a.Body)
		secrets = append(secrets, aKey.FindString(string(text)))
		time.Sleep(100 * time.Millisecond)
		return a.StatusCode == 200
	})
	text, _ := b.send(200, "POST", "/api/auth", `{"user_id":"abc123","project_id":"projectB","password":"`+password+`"}`, "")
	key := aKey.FindString(text)
	b.send(401, "POST", "/api/auth", `{"user_id":"abc123","project_id":"projectB","password":"not the password"}`, "")
	b.send(503, "POST", "/api/auth", `{"user_id":"abc123","project_id":"elsewhere","password":"`+password+`"}`, "") // no such directory
	adminKey, err := os.ReadFile(filepath.Join(data, "admin.key"))
	if err != nil {
		t.Fatal(err)
	}
	admin := strings.TrimSpace(string(adminKey))
	text, _ = b.send(201, "POST", "/api/operators", `{"name":"watcher"}`, admin)
	operator := aKey.FindString(text)
	secrets = append(secrets, key, admin, operator)
	b.send(200, "GET", "/api/allocations", `{"api_key":"`+key+`"}`, "")
	b.send(200, "GET", "/api/allocations", "", operator)
	b.send(403, "POST", "/api/allocations", "{}", operator)
	b.send(200, "GET", "/api/auth/"+key, "", "")
	b.send(404, "GET", "/api/auth/"+key+"/x", "", "")
	b.send(401, "GET", "/api/allocations?api_key="+key, "", "")
	b.send(404, "GET", "/"+key, "", "")
	metrics, before := b.send(200, "GET", "/metrics", "", "")

	// A new certificate in the old one's files takes effect at SIGHUP.
	if err := os.Remove(filepath.Join(data, "api.crt")); err != nil {
		t.Fatal(err)
	}
	p.Signal(syscall.SIGHUP)
	p.until("certificate exchanged")
	_, after := b.send(200, "GET", "/api/allocations", "", key)
	if bytes.Equal(before.PeerCertificates[0].Raw, after.PeerCertificates[0].Raw) {
		t.Error("after a hangup the old certificate is shown")
	}
	if code := p.Stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	left := map[string]string{"the metrics": metrics, "the log": p.Text()}
	for _, name := range []string{"conga.db", "api.crt", "api.key"} {
		content, err := os.ReadFile(filepath.Join(data, name))
		if err != nil {
			t.Fatal(err)
		}
		left[name] = string(content)
	}
	for where, content := range left {
		if len(content) < 100 {
			t.Errorf("%s: only %d bytes", where, len(content))
		}
		for _, secret := range secrets {
			if secret != "" && strings.Contains(content, strings.TrimPrefix(secret, auth.Prefix)) {
				t.Errorf("a secret of %d bytes is in %s", len(secret), where)
			}
		}
		if aKeyAlone.MatchString(content) {
			t.Errorf("a key is in %s", where)
		}
	}
}
