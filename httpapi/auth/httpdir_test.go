package auth_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"conga/httpapi/auth"
	"conga/httpapi/auth/authtest"
)

func newHTTP(t *testing.T, d *authtest.Directory, c *clock) *auth.HTTP {
	t.Helper()
	h, err := auth.NewHTTP(auth.HTTPConfig{URL: d.URL, Roots: d.Roots, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func TestHTTPDirectoryAnswers(t *testing.T) {
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); _, _ = w.Write([]byte(body)) }
	}
	const yes, no, unknown = "yes", "no", "unknown"
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"active":           {status(200, `{"is_active": true, "name": "J. Doe"}`), yes},
		"not active":       {status(200, `{"is_active": false}`), no},
		"not there":        {status(404, `{"is_active": true}`), no},
		"nothing said":     {status(200, `{}`), unknown},
		"null":             {status(200, `{"is_active": null}`), unknown},
		"a word":           {status(200, `{"is_active": "true"}`), unknown},
		"a number":         {status(200, `{"is_active": 1}`), unknown},
		"no JSON":          {status(200, `yes`), unknown},
		"two values":       {status(200, `{"is_active": true} {}`), unknown},
		"empty":            {status(200, ``), unknown},
		"more than asked":  {status(200, `{"is_active": true, "is_manager": null, "addresses": null}`), yes},
		"a manager":        {status(200, `{"is_active": true, "is_manager": "yes"}`), unknown},
		"one address":      {status(200, `{"is_active": true, "addresses": "192.0.2.1"}`), unknown},
		"bits behind":      {status(200, `{"is_active": true, "addresses": ["192.0.2.0/24", "192.0.2.1/24"]}`), unknown},
		"IPv4 as IPv6":     {status(200, `{"is_active": true, "addresses": ["::ffff:192.0.2.1"]}`), unknown},
		"a zone":           {status(200, `{"is_active": true, "addresses": ["fe80::1%eth0"]}`), unknown},
		"a MAC with dots":  {status(200, `{"is_active": true, "addresses": ["0200.0000.0001"]}`), unknown},
		"no address":       {status(200, `{"is_active": true, "addresses": [null]}`), unknown},
		"many addresses":   {status(200, `{"is_active": true, "addresses": ["`+strings.Repeat(`::1","`, 256)+`::1"]}`), unknown},
		"no's addresses":   {status(200, `{"is_active": false, "addresses": ["x"]}`), no},
		"broken":           {status(500, `{"is_active": true}`), unknown},
		"not for us":       {status(403, `{"is_active": true}`), unknown},
		"elsewhere":        {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, unknown},
		"endless":          {status(200, `{"is_active": true, "x": "`+strings.Repeat("x", 1<<20)+`"}`), unknown},
		"hangs up":         {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, unknown},
		"a created member": {status(201, `{"is_active": true}`), unknown},
	} {
		t.Run(name, func(t *testing.T) {
			d := authtest.NewDirectory(t)
			d.Answer(test.answer)
			err := newHTTP(t, d, newClock()).Admit(t.Context(), "abc123", "projectB")
			got := map[bool]string{true: unknown}[isUnavailable(err)]
			if err == nil {
				got = yes
			} else if errors.Is(err, auth.ErrNotMember) {
				got = no
			}
			if got != test.want {
				t.Errorf("%v, want %s", err, test.want)
			}
			if err != nil && (strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "abc123")) {
				t.Errorf("it tells too much: %v", err)
			}
		})
	}
}

// TestHTTPDirectoryRemembers: each answer for its time, and a yes through an
// outage.
func TestHTTPDirectoryRemembers(t *testing.T) {
	d, c := authtest.NewDirectory(t), newClock()
	h := newHTTP(t, d, c)
	admit := func() error { return h.Admit(t.Context(), "abc123", "projectB") }
	asked := 0
	expect := func(when string, more int, ok func(error) bool) {
		t.Helper()
		if err := admit(); !ok(err) {
			t.Errorf("%s: %v", when, err)
		}
		if asked += more; len(d.Asked()) != asked {
			t.Errorf("%s: asked %d times, want %d", when, len(d.Asked()), asked)
			asked = len(d.Asked())
		}
	}
	yes := func(err error) bool { return err == nil }
	no := func(err error) bool { return errors.Is(err, auth.ErrNotMember) }

	expect("a stranger", 1, no)
	d.Says(`{"is_active": true}`)
	c.advance(9 * time.Second)
	expect("just after", 0, no)
	c.advance(time.Second)
	expect("admitted", 1, yes)
	c.advance(59 * time.Second)
	expect("in the first minute", 0, yes)

	d.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	c.advance(time.Second)
	expect("an outage", 1, yes)
	expect("and right after", 0, yes)
	c.advance(10 * time.Minute)
	expect("a long outage", 1, yes)
	c.advance(5 * time.Minute)
	expect("too long an outage", 1, isUnavailable)
	c.advance(time.Second)
	expect("and right after", 0, isUnavailable)
	if err := h.Admit(t.Context(), "xyz987", "projectB"); !isUnavailable(err) {
		t.Errorf("a stranger in an outage: %v", err)
	}
	asked++
	d.Says(`{"is_active": false}`)
	c.advance(2 * time.Second)
	expect("back, but gone", 1, no)
}

// TestHTTPDirectoryIsAskedOnce, however many wait, and not by those who cannot
// be.
func TestHTTPDirectoryIsAskedOnce(t *testing.T) {
	d := authtest.NewDirectory(t)
	h := newHTTP(t, d, newClock())
	release := make(chan struct{})
	d.Answer(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		_, _ = w.Write([]byte(`{"is_active": true}`))
	})
	gone, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := h.Admit(gone, "a b", "c;d?e#f"); !errors.Is(err, context.Canceled) {
			t.Errorf("who has hung up: %v", err)
		}
	})
	for range 20 {
		wg.Go(func() {
			if err := h.Admit(t.Context(), "a b", "c;d?e#f"); err != nil {
				t.Error(err)
			}
		})
	}
	leave()
	close(release)
	wg.Wait()
	if asked := d.Asked(); len(asked) != 1 || asked[0] != "/users/a%20b/projects/c%3Bd%3Fe%23f" {
		t.Errorf("asked %q", asked)
	}
	for _, bad := range []string{"", ".", "..", "a/b", `a\b`, "../admin", "/", "a\n", strings.Repeat("x", 200)} {
		if err := h.Admit(t.Context(), bad, "p"); !errors.Is(err, auth.ErrNotMember) {
			t.Errorf("%q: %v", bad, err)
		}
		if err := h.Admit(t.Context(), "u", bad); !errors.Is(err, auth.ErrNotMember) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if n := len(d.Asked()); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestHTTPDirectoryWantsTLS(t *testing.T) {
	d := authtest.NewDirectory(t)
	stranger, err := auth.NewHTTP(auth.HTTPConfig{URL: d.URL}) // trusts the system's authorities only
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if err := stranger.Admit(t.Context(), "u", "p"); !isUnavailable(err) || len(d.Asked()) != 0 {
		t.Errorf("%v, asked %q", err, d.Asked())
	}
	for url, good := range map[string]bool{
		"https://dir.example/u/{user}/p/{project}":      true,
		"https://dir.example/?u={user}&p={project}":     true,
		"http://127.0.0.1:80/{user}/{project}":          true,
		"http://dir.example/u/{user}/p/{project}":       false,
		"https://dir.example/u/{user}":                  false,
		"https://dir.example/u/{user}/{user}/{project}": false,
		"https://dir.example/{user}/{project}/{x}":      false,
		"https://{user}.example/{project}":              false,
		"https://a:b@dir.example/u/{user}/p/{project}":  false,
		"https://dir.example/u/{user}/p/{project}#x":    false,
		"dir.example/{user}/{project}":                  false,
		"/users/{user}/projects/{project}":              false,
		"ftp://dir.example/{user}/{project}":            false,
		"https://dir.example\n/users/{user}/{project}":  false,
	} {
		if err := auth.CheckHTTP(url); (err == nil) != good {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestChain(t *testing.T) {
	d, c := authtest.NewDirectory(t), newClock()
	d.Answer(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/users/abc123/projects/outside", "/users/visitor/projects/outside":
			_, _ = w.Write([]byte(`{"is_active": true}`))
		case "/users/abc123/projects/down":
			w.WriteHeader(500)
		default:
			http.NotFound(w, r)
		}
	})
	const right = "correct horse"
	for _, test := range []struct {
		passwordless            bool
		user, project, password string
		want                    error
		down                    bool
	}{
		{user: "abc123", project: "projectB", password: right},
		{user: "abc123", project: "outside", password: right},
		{user: "abc123", project: "outside", password: "wrong", want: auth.ErrCredentials},
		{user: "abc123", project: "nowhere", password: right, want: auth.ErrNotMember},
		{user: "abc123", project: "down", password: right, down: true},
		{user: "abc123", project: "down", password: "wrong", want: auth.ErrCredentials},
		{user: "visitor", project: "outside", want: auth.ErrCredentials}, // a member, but nothing proves them
		{passwordless: true, user: "visitor", project: "outside"},
		{passwordless: true, user: "visitor", project: "projectB", want: auth.ErrCredentials},
		{passwordless: true, user: "xyz987", project: "projectB"},
		{passwordless: true, user: "xyz987", project: "outside", want: auth.ErrNotMember},
		{passwordless: true, user: "abc123", project: "outside", want: auth.ErrCredentials}, // a password is not waived
	} {
		chain := auth.NewChain(newDirectory(t, test.passwordless), newHTTP(t, d, c))
		err := chain.Authenticate(t.Context(), test.user, test.project, test.password)
		if test.down != isUnavailable(err) || !test.down && !errors.Is(err, test.want) {
			t.Errorf("%+v: %v", test, err)
		}
	}
	chain := auth.NewChain(newDirectory(t, false), newHTTP(t, d, c))
	if !chain.Member("abc123", "outside") || !chain.Member("xyz987", "projectB") || chain.Member("xyz987", "outside") || chain.Member("abc123", "down") {
		t.Error("membership is wrong")
	}
	if !chain.Project("outside") || chain.Project("a\n") || chain.Project("../outside") {
		t.Error("a project of the directory's cannot be named, or one that cannot be can")
	}
}
