package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPlaces: the text of each place of the interface is there, once. What the
// allocator has is checked when the command runs.
func TestPlaces(t *testing.T) {
	for _, p := range places {
		if !strings.HasPrefix(p.file, "httpapi/") {
			continue
		}
		text, err := os.ReadFile(filepath.Join("../../..", p.file))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), p.from); n != 1 {
			t.Errorf("%s: %s has %d times %q", p.what, p.file, n, p.from)
		}
	}
}

// TestForget: a place at which the attribute cannot be removed is an error, and the
// file is left as it was.
func TestForget(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.go")
	if err := os.WriteFile(file, []byte("a a"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"a", "b"} {
		if _, err := forget(context.Background(), dir, place{"x", "x.go", from, ""}); err == nil {
			t.Errorf("%q is removed", from)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "a a" {
		t.Errorf("the file is %q, %v", text, err)
	}
}

// TestFirstFailure reads what go test prints.
func TestFirstFailure(t *testing.T) {
	for out, want := range map[string]string{
		"": "the build",
		"--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/lease (0.00s)\n        a_test.go:1: x\n--- FAIL: TestB (0.00s)\n": "TestA/lease",
		"# x\nhttpapi/x.go:5:36: undefined: y\nFAIL\tx [build failed]\n":                                                "the build: httpapi/x.go:5:36: undefined: y",
	} {
		if got := firstFailure([]byte(out)); got != want {
			t.Errorf("%q: %s, want %s", out, got, want)
		}
	}
}
