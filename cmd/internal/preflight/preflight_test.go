package preflight

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conga/cmd/internal/config"
	"conga/httpapi/auth"
	"conga/httpapi/auth/authtest"
)

func TestRefused(t *testing.T) {
	warning, wrong := Finding{Key: "a.b", Text: "is odd", Warning: true}, Finding{Key: "a.c", Text: "is wrong"}
	if err := Refused([]Finding{warning}); err != nil {
		t.Errorf("a warning refuses: %v", err)
	}
	err := Refused([]Finding{wrong, warning, wrong})
	if r, ok := errors.AsType[Refusal](err); !ok || len(r) != 2 || err.Error() != "a.c: is wrong\na.c: is wrong" {
		t.Errorf("refused with %v", err)
	}
	if got := Warnings([]Finding{wrong, warning}); len(got) != 1 || got[0].String() != "warning: a.b: is odd" {
		t.Errorf("warnings are %v", got)
	}
}

// TestDataDirectory: what can be wrong with a data directory. That it makes
// nothing shows in that one which is absent stays so.
func TestDataDirectory(t *testing.T) {
	f := newFolder(t)
	dir := filepath.Join(f.dir, "data")
	expect(t, "absent", Data(dir))
	expect(t, "below an absent one", Data(filepath.Join(dir, "below")))
	expect(t, "below a file", Data(filepath.Join(f.write("file", nil), "data", "below")), "data: ... is no directory")
	expect(t, "a file", Data(filepath.Join(f.dir, "file")), "data: ... is no directory")
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("%s was made (%v)", dir, err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	expect(t, "new", Data(dir))
	for mode, want := range map[os.FileMode]string{
		0o755: "warning: data: ... look into", 0o710: "warning: data: ... look into",
		0o770: "warning: data: ... exchange", 0o777: "warning: data: ... exchange",
	} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		expect(t, mode.String(), Data(dir), want)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, "admin.key")
	if _, _, err := auth.AdminKey(key); err != nil {
		t.Fatal(err)
	}
	expect(t, "with a key", Data(dir))
	if err := os.Chmod(key, 0o640); err != nil {
		t.Fatal(err)
	}
	expect(t, "with an open key", Data(dir), "data: ... read by others")
}

// TestRights: what this user may not do. Root may all, so that what the system
// says is put in its place.
func TestRights(t *testing.T) {
	f := newFolder(t)
	store := f.write("conga.db", nil)
	refusing := func(path string) *data {
		return &data{access: func(at string) error {
			if at == path {
				return os.ErrPermission
			}
			return nil
		}}
	}
	for path, want := range map[string]string{
		f.dir: "data: this user may not write to " + f.dir,
		store: "data: this user may not read and write " + store,
	} {
		d := refusing(path)
		d.check(f.dir)
		expect(t, path, d.list, want)
	}
	d := refusing(f.dir)
	d.check(filepath.Join(f.dir, "a", "b"))
	expect(t, "absent", d.list, "data: ... may not make it in "+f.dir)
}

// TestSecrets: a configuration with secrets that every user may read is warned
// of.
func TestSecrets(t *testing.T) {
	f := newFolder(t)
	file := f.write("conga.yaml", nil)
	secret := config.Default()
	secret.Directory.OIDC.ClientSecret = "a secret"
	secret.Directory.Users = []config.User{{ID: "abc123"}, {ID: "xyz987", Password: "a hash"}, {ID: "qrs456", Password: "a hash"}}
	expect(t, "private", File(file, secret))
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	found := File(file, secret)
	expect(t, "open", found, "warning: directory.oidc.client_secret: ... chmod", "warning: directory.users[1].password: ... chmod")
	for _, f := range found {
		if strings.Contains(f.Text, "a secret") || strings.Contains(f.Text, "a hash") {
			t.Errorf("it shows the secret: %v", f)
		}
	}
	expect(t, "open, without secrets", File(file, config.Default()))
}

// TestServers: an issuer and a directory that answer, and that do not.
func TestServers(t *testing.T) {
	issuer, directory := authtest.NewIssuer(t), authtest.NewDirectory(t)
	roots := issuer.Roots.Clone()
	d := config.Default().Directory
	expect(t, "none", Servers(t.Context(), d, nil))
	d.OIDC.Issuer, d.OIDC.ClientID = issuer.URL, "conga"
	expect(t, "an issuer", Servers(t.Context(), d, roots))
	issuer.Down.Store(true)
	expect(t, "down", Servers(t.Context(), d, roots), "warning: directory.oidc.issuer: "+issuer.URL+" ... 503")
	d.OIDC.Issuer = "https://127.0.0.1:1"
	expect(t, "no issuer", Servers(t.Context(), d, roots), "warning: directory.oidc.issuer: ... refused")

	d.OIDC.Issuer, d.HTTP = "", directory.URL
	expect(t, "a directory", Servers(t.Context(), d, directory.Roots))
	if asked := directory.Asked(); len(asked) != 1 || asked[0] != "/" {
		t.Errorf("the directory was asked %q: no user is to be asked for", asked)
	}
	directory.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	expect(t, "a directory that wants more", Servers(t.Context(), d, directory.Roots))
	expect(t, "not trusted", Servers(t.Context(), d, nil), "warning: directory.http: ... certificate")
	d.HTTP = "https://127.0.0.1:1/{user}/{project}"
	expect(t, "no directory", Servers(t.Context(), d, nil), "warning: directory.http: ... refused")
}
