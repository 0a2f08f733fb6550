package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVanishedStore: whatever a daemon has left beside its store tells that
// there was one, and what it has not made tells nothing.
func TestVanishedStore(t *testing.T) {
	_, left := used(t)
	copied, err := os.ReadFile(storeFile(left))
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile(filepath.Join(left, "api.crt"))
	if err != nil {
		t.Fatal(err)
	}
	const absent = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
	for _, c := range []struct {
		name, content, want string
	}{
		{"admin.key", "", "admin.key"}, {"api.key", "", ""}, {"api.crt", "nonsense", ""}, {"api.crt", string(own), "api.crt"},
		{"conga.db.sunday", string(copied), "conga.db.sunday"}, {"history/tracks", "", "history"},
		{"api.crt", absent, ""}, {"notes", "", ""}, {"conga.yaml", "data: .", ""},
	} {
		data := t.TempDir()
		file := filepath.Join(data, c.name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(c.content), 0o600)); err != nil {
			t.Fatal(err)
		}
		for _, lack := range []string{"gone", "empty"} {
			if lack == "empty" {
				if err := os.WriteFile(storeFile(data), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := checkNew(data, false)
			if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, errVanished) || !strings.Contains(err.Error(), lack+", but "+c.want+" is beside it")) {
				t.Errorf("beside %s a store that is %s: %v", c.name, lack, err)
			}
			if err := checkNew(data, true); err != nil {
				t.Errorf("beside %s a store that is %s cannot begin anew: %v", c.name, lack, err)
			}
		}
	}
}
