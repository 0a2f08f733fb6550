package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestGuideHasEveryRoom: the table in CONTRIBUTING.md has a row for every room,
// and none for one that has gone. Its figures are of when it was written.
func TestGuideHasEveryRoom(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	rooms, err := read(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"all"}
	for _, r := range rooms {
		want = append(want, r.path)
	}
	text, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n| room ")
	var got []string
	for line := range strings.Lines(table) {
		if name, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " "); ok && strings.HasPrefix(line, "| ") {
			got = append(got, name)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the table has %q, want %q; make measures MEASURESFLAGS=-table prints one", got, want)
	}
}
