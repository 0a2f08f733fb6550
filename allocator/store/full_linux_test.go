package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// mountSmall mounts a disk of a few megabytes, and reports whether it could.
func mountSmall(t *testing.T, dir string) bool {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
		return false
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return true
}

// TestReadOnlyDisk takes the right to write from the file that bbolt has open,
// as a disk does that the system makes read-only.
func TestReadOnlyDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "conga.db")
	b, err := OpenBolt(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	b.pause = time.Millisecond
	put := func(i int) error {
		return b.Commit(t.Context(), Op{Bucket: Allocations, Key: fmt.Sprint(i), Value: []byte("v")})
	}
	if err := put(1); err != nil {
		t.Fatal(err)
	}
	fd := fileOf(t, path)
	writable, err := syscall.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	readOnly, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Dup3(int(readOnly.Fd()), fd, syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	readOnly.Close()
	for range 5 {
		if err := put(2); !errors.Is(err, ErrUnwritable) {
			t.Errorf("error is %v", err)
		}
	}
	if value, err := b.Get(t.Context(), Allocations, "1"); err != nil || string(value) != "v" {
		t.Errorf("%q, error %v", value, err)
	}
	if err := syscall.Dup3(writable, fd, syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	syscall.Close(writable)
	recovers(t, b)
	if err := put(3); err != nil {
		t.Errorf("once it is writable: %v", err)
	}
}

// fileOf returns the descriptor that bbolt has of the file, the first of those
// that are open.
func fileOf(t *testing.T, path string) int {
	t.Helper()
	for fd := 3; fd < 1024; fd++ {
		if name, err := os.Readlink(fmt.Sprint("/proc/self/fd/", fd)); err == nil && name == path {
			return fd
		}
	}
	t.Fatal("the file is not open")
	return -1
}
