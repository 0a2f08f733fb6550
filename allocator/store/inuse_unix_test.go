//go:build unix

package store

import (
	"path/filepath"
	"testing"
)

// TestInUse: a store is in use while it is open, and looking changes nothing.
func TestInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "conga.db")
	look := func(want bool) {
		t.Helper()
		if used, err := InUse(path); used != want || err != nil {
			t.Errorf("in use %v, error %v", used, err)
		}
	}
	look(false)
	b, err := OpenBolt(path)
	if err != nil {
		t.Fatal(err)
	}
	look(true)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	look(false)
	look(false)
	if _, err := InUse(filepath.Dir(path)); err == nil {
		t.Error("a directory is taken for a store")
	}
}
