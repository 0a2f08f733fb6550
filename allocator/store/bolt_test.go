package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"conga/allocator/store"
	"conga/allocator/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openBolt(t *testing.T, dir string) store.Store {
	t.Helper()
	s, err := store.OpenBolt(filepath.Join(dir, "conga.db"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBoltConforms(t *testing.T) {
	storetest.Run(t, openBolt)
}

func TestBoltFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "conga.db")
	for range 2 {
		s, err := store.OpenBolt(path)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode is %v, error %v", info.Mode(), err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o644); err != nil { // as after a copy without cp -p
			t.Fatal(err)
		}
	}
}

func TestBoltRefusesASecondProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "conga.db")
	s, err := store.OpenBolt(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = store.OpenBolt(path)
	if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), "another congad is using "+path) {
		t.Errorf("error is %v", err)
	}
}

func TestBoltRefusesWhatIsNoStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "conga.db")
	for _, content := range []string{"not a store", strings.Repeat("not a store at all ", 2000)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := store.OpenBolt(path); err == nil {
			t.Errorf("%d bytes of text were opened: %v", len(content), s.Close())
		} else if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), path) {
			t.Errorf("error is %v", err)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != content {
			t.Errorf("the file was changed (error %v)", err)
		}
	}
	if _, err := store.OpenBolt(filepath.Join(t.TempDir(), "no", "conga.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error without a folder is %v", err)
	}
}
