package auth_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conga/httpapi/auth"
)

const cheapSum = "x59UGLuAwBDnzRfVUBQJ7zA6GJrOY5gZkOVPda70TuA"

// cheap is the hash of "correct horse" at the least cost there is.
const cheap = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$" + cheapSum

func newDirectory(t *testing.T, passwordless bool) *auth.Static {
	t.Helper()
	d, err := auth.NewStatic(auth.StaticConfig{
		Projects: []auth.Project{
			{ID: "projectB", Members: []string{"abc123", "xyz987"}},
			{ID: "project B", Members: []string{"xyz987"}},
		},
		Users:             []auth.User{{ID: "abc123", Password: cheap}, {ID: "loner", Password: cheap}, {ID: "bare"}},
		AllowPasswordless: passwordless,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAuthenticate(t *testing.T) {
	const right = "correct horse"
	for _, c := range []struct {
		name                    string
		passwordless            bool
		user, project, password string
		want                    error
	}{
		{"right password", false, "abc123", "projectB", right, nil},
		{"wrong password", false, "abc123", "projectB", "hunter2", auth.ErrCredentials},
		{"no password", false, "abc123", "projectB", "", auth.ErrCredentials},
		{"huge password", false, "abc123", "projectB", strings.Repeat("x", 5000), auth.ErrCredentials},
		{"unknown user", false, "nobody", "projectB", right, auth.ErrCredentials},
		{"user without a password", false, "xyz987", "projectB", "", auth.ErrCredentials},
		{"listed user without a password", false, "bare", "projectB", "", auth.ErrCredentials},
		{"not a member", false, "loner", "projectB", right, auth.ErrNotMember},
		{"no such project", false, "abc123", "projectX", right, auth.ErrNotMember},
		{"wrong password, no such project", false, "abc123", "projectX", "hunter2", auth.ErrCredentials},

		{"passwordless member", true, "xyz987", "projectB", "", nil},
		{"passwordless with a password", true, "xyz987", "projectB", "whatever", nil},
		{"passwordless, not a member", true, "bare", "projectB", "", auth.ErrNotMember},
		{"passwordless, unknown user", true, "nobody", "projectB", "", auth.ErrCredentials},
		{"a password is not waived", true, "abc123", "projectB", "", auth.ErrCredentials},
		{"a password still serves", true, "abc123", "projectB", right, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := newDirectory(t, c.passwordless).Authenticate(t.Context(), c.user, c.project, c.password)
			if !errors.Is(err, c.want) {
				t.Errorf("error is %v, want %v", err, c.want)
			}
			if err != nil && c.password != "" && strings.Contains(err.Error(), c.password) {
				t.Error("the error repeats the password")
			}
		})
	}
}

func TestDirectoryChecksItsConfiguration(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  auth.StaticConfig
		want string
	}{
		"plain password": {auth.StaticConfig{Users: []auth.User{{ID: "a", Password: "hunter2"}}}, "users[0].password of a"},
		"argon2i":        {auth.StaticConfig{Users: []auth.User{{ID: "a", Password: strings.Replace(cheap, "argon2id", "argon2i", 1)}}}, "argon2id"},
		"version":        {auth.StaticConfig{Users: []auth.User{{ID: "a", Password: strings.Replace(cheap, "v=19", "v=16", 1)}}}, "version 19"},
		"memory":         {auth.StaticConfig{Users: []auth.User{{ID: "a", Password: strings.Replace(cheap, "m=8", "m=99999999", 1)}}}, "out of bounds"},
		"no passes":      {auth.StaticConfig{Users: []auth.User{{ID: "a", Password: strings.Replace(cheap, "t=1", "t=0", 1)}}}, "out of bounds"},
		"no threads":     {auth.StaticConfig{Users: []auth.User{{ID: "a", Password: strings.Replace(cheap, "p=1", "p=0", 1)}}}, "out of bounds"},
		"cost order":     {auth.StaticConfig{Users: []auth.User{{ID: "a", Password: strings.Replace(cheap, "m=8,t=1", "t=1,m=8", 1)}}}, "m=…,t=…,p=…"},
		"salt":           {auth.StaticConfig{Users: []auth.User{{ID: "a", Password: strings.Replace(cheap, "c29tZXNhbHQ", "c2", 1)}}}, "salt"},
		"hash":           {auth.StaticConfig{Users: []auth.User{{ID: "a", Password: cheap[:len(cheap)-30]}}}, "hash"},
		"twice":          {auth.StaticConfig{Users: []auth.User{{ID: "a"}, {ID: "a"}}}, "users[1].id: a is listed twice"},
		"project twice":  {auth.StaticConfig{Projects: []auth.Project{{ID: "p"}, {ID: "p"}}}, "projects[1].id: p is listed twice"},
		"no user name":   {auth.StaticConfig{Users: []auth.User{{}}}, "users[0].id"},
		"no member name": {auth.StaticConfig{Projects: []auth.Project{{ID: "p", Members: []string{"a\n"}}}}, "projects[0].members[0]"},
		"no project":     {auth.StaticConfig{Projects: []auth.Project{{ID: " p"}}}, "projects[0].id"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := auth.NewStatic(c.cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want it to contain %q", err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), cheapSum)) {
				t.Error("the error repeats the password")
			}
		})
	}
}

func TestUpdateReplacesAllOrNothing(t *testing.T) {
	d := newDirectory(t, false)
	if err := d.Update(auth.StaticConfig{Users: []auth.User{{ID: "a", Password: "x"}}}); err == nil || !d.Member("abc123", "projectB") {
		t.Errorf("a bad update: error %v, member %v", err, d.Member("abc123", "projectB"))
	}
	if err := d.Update(auth.StaticConfig{Projects: []auth.Project{{ID: "projectB", Members: []string{"xyz987"}}}}); err != nil {
		t.Fatal(err)
	}
	if d.Member("abc123", "projectB") || !d.Member("xyz987", "projectB") || d.Project("project B") || !d.Project("projectB") {
		t.Error("the update was not taken over")
	}
}

func TestHashPassword(t *testing.T) {
	h, err := auth.HashPassword("hunter2")
	if err != nil {
		t.Fatal(err)
	}
	again, err := auth.HashPassword("hunter2")
	if err != nil || h == again {
		t.Errorf("two hashes are the same, error %v", err)
	}
	d, err := auth.NewStatic(auth.StaticConfig{
		Projects: []auth.Project{{ID: "p", Members: []string{"a"}}},
		Users:    []auth.User{{ID: "a", Password: h}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Authenticate(t.Context(), "a", "p", "hunter2"); err != nil {
		t.Errorf("the right password: %v", err)
	}
	if err := d.Authenticate(t.Context(), "a", "p", "hunter3"); !errors.Is(err, auth.ErrCredentials) {
		t.Errorf("a wrong password: %v", err)
	}
	for _, bad := range []string{"", strings.Repeat("x", 1025)} {
		if _, err := auth.HashPassword(bad); err == nil {
			t.Errorf("a password of %d bytes was hashed", len(bad))
		}
	}
}

func TestAuthenticateEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// A free processor may be taken first; either answer is right, none hangs.
	err := newDirectory(t, false).Authenticate(ctx, "abc123", "projectB", "correct horse")
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func TestValidName(t *testing.T) {
	for name, want := range map[string]bool{
		"abc123": true, "project B": true, "müller@access-ci.org": true, strings.Repeat("x", 128): true,
		"": false, " a": false, "a ": false, "a\x00": false, "a\n": false, "a\xff": false, "\ufffd": false,
		"a\u202eb": false, strings.Repeat("x", 129): false,
	} {
		if got := auth.ValidName(name); got != want {
			t.Errorf("ValidName(%q) = %v", name, got)
		}
	}
}

func TestAdminKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.key")
	made, created, err := auth.AdminKey(path)
	if err != nil || !created {
		t.Fatalf("created %v, error %v", created, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
	read, created, err := auth.AdminKey(path)
	if err != nil || created || read != made {
		t.Errorf("read again: created %v, same %v, error %v", created, read == made, err)
	}
	text, err := os.ReadFile(path)
	if err != nil || auth.HashSecret(strings.TrimSpace(string(text))) != made {
		t.Errorf("the file does not hold the key, error %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := auth.AdminKey(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that others can read: %v", err)
	}
	if err := errors.Join(os.WriteFile(path, []byte("hunter2"), 0o600), os.Chmod(path, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := auth.AdminKey(path); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a file without a key: %v", err)
	}
}

// TestUnknownUserCostsAsMuch: refusing a stranger does the same work as
// refusing a wrong password.
func TestUnknownUserCostsAsMuch(t *testing.T) {
	d := newDirectory(t, false)
	if m, passes, threads := auth.DecoyCost(d); m != 8 || passes != 1 || threads != 1 {
		t.Errorf("a stranger costs m=%d,t=%d,p=%d; the users m=8,t=1,p=1", m, passes, threads)
	}
}
