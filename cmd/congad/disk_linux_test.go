package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestReadOnlyDisk: a daemon whose data directory is on a disk that is mounted
// for reading says what to do, with an exit code of its own, whether there is a
// store or not, and whether the directory is there; afterwards it starts.
func TestReadOnlyDisk(t *testing.T) {
	dir := t.TempDir()
	disk := filepath.Join(dir, "data")
	file, fresh := filepath.Join(dir, "conga.yaml"), filepath.Join(dir, "fresh.yaml")
	writeConfig(t, file, fmt.Sprintf(testConfig, disk, "127.0.0.1:0"))
	writeConfig(t, fresh, fmt.Sprintf(testConfig, filepath.Join(disk, "new"), "127.0.0.1:0"))
	if err := smallDisk(t, disk); err != nil {
		t.Logf("no disk can be mounted: %v", err)
		return
	}
	refused := func(what, file string) {
		t.Helper()
		code, _, said := congad(t, "--config", file)
		for _, words := range []string{"read-only file system", "congad needs to write to " + disk, "mounted for writing"} {
			if code != 4 || !strings.Contains(said, words) || strings.Count(said, "\n") != 1 {
				t.Errorf("%s: exit code %d, and not %q: %s", what, code, words, said)
			}
		}
	}
	mount := func(flags uintptr) {
		t.Helper()
		if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	mount(syscall.MS_RDONLY)
	refused("no store", file)
	refused("no directory", fresh)
	mount(0)
	p := start(t, file)
	p.login()
	if code := p.Stop(syscall.SIGTERM); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	mount(syscall.MS_RDONLY)
	refused("a store", file)
	mount(0)
	p = start(t, file)
	p.login()
	if code := p.Stop(syscall.SIGTERM); code != 0 {
		t.Fatalf("exit code %d", code)
	}
}

// smallDisk mounts a disk of a few megabytes.
func smallDisk(t *testing.T, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m,mode=700"); err != nil {
		return err
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return nil
}
