package httpapi_test

import (
	"fmt"
	"testing"
	"time"

	"conga/httpapi"
	"conga/httpapi/auth"
	"conga/httpapi/auth/authtest"
)

// withDirectory returns a harness with a directory over HTTP behind the
// configured one, where abc123 has a password and every member needs one.
func withDirectory(t *testing.T) (*harness, *authtest.Directory) {
	d := authtest.NewDirectory(t)
	h := newHarness(t, func(c *httpapi.Config) {
		static, err := auth.NewStatic(auth.StaticConfig{
			Projects: []auth.Project{{ID: "projectB", Members: []string{"abc123"}}},
			Users:    []auth.User{{ID: "abc123", Password: passwordHash}},
		})
		if err != nil {
			t.Fatal(err)
		}
		known, err := auth.NewHTTP(auth.HTTPConfig{URL: d.URL, Roots: d.Roots, Now: c.Now, Log: c.Log})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(known.Close)
		c.Directory = auth.NewChain(static, known)
	})
	return h, d
}

// TestFailedLoginsAskNoDirectory: what a stranger says must not reach the
// directory, and is in the audit log only if it names a member who is known
// already.
func TestFailedLoginsAskNoDirectory(t *testing.T) {
	h, d := withDirectory(t)
	d.Says(`{"is_active": true}`)
	ask := func(user, project, password string) string {
		return fmt.Sprintf(`{"user_id":%q,"project_id":%q,"password":%q}`, user, project, password)
	}
	try := func(user, project string) {
		t.Helper()
		h.advance(5 * time.Minute) // past every lock-out, and past what an answer is fresh for
		h.want(401, "POST", "/api/auth", ask(user, project, "wrong"))
	}
	try("abc123", "projectB")
	try("abc123", "elsewhere")
	try("visitor", "elsewhere")
	try("visitor", "projectB")
	if asked := d.Asked(); len(asked) > 0 {
		t.Errorf("the directory was asked %q", asked)
	}
	h.want(200, "POST", "/api/auth", ask("abc123", "elsewhere", password))
	try("abc123", "elsewhere")
	if asked := d.Asked(); len(asked) != 1 {
		t.Errorf("the directory was asked %q", asked)
	}
	want := []string{
		"key.issue refused 401 by abc123/projectB: unauthorized",
		"key.issue refused 401 by <nil>/<nil>: unauthorized",
		"key.issue refused 401 by <nil>/<nil>: unauthorized",
		"key.issue refused 401 by <nil>/<nil>: unauthorized",
		"key.issue done 200 by abc123/elsewhere: <nil>",
		"key.issue refused 401 by abc123/elsewhere: unauthorized",
	}
	if got := h.trail(""); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the trail is %q", got)
	}
}

// TestNamesDoNotClimb in the directory's address, however right the password
// is.
func TestNamesDoNotClimb(t *testing.T) {
	h, d := withDirectory(t)
	d.Says(`{"is_active": true}`)
	for _, project := range []string{"x/../../../alice/projects/secret", `x\\..\\secret`, "/", "..", "."} {
		h.want(403, "POST", "/api/auth", `{"user_id":"abc123","project_id":"`+project+`","password":"`+password+`"}`)
	}
	if asked := d.Asked(); len(asked) > 0 {
		t.Errorf("the directory was asked %q", asked)
	}
}
