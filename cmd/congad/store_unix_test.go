//go:build unix

package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestStoreIsPipe: a pipe in place of the store is refused; nothing waits for a
// writer.
func TestStoreIsPipe(t *testing.T) {
	data := t.TempDir()
	pipe := filepath.Join(data, "conga.db")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"store", "check", pipe}, {"store", "export", "--from", pipe, "-"},
		{"--data", data, "--api", "127.0.0.1:0", "--openflow", "127.0.0.1:0"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		cmd := exec.CommandContext(ctx, "congad", args...)
		said, err := cmd.CombinedOutput()
		cancel()
		if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(string(said), "is no regular file") {
			t.Errorf("%v: exit code %d, error %v: %s", args, code, err, said)
		}
	}
}
