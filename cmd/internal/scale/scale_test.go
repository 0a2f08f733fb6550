//go:build linux

package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"
)

// A daemon with nine switches gets allocations, moves those over a link that is
// cut, and the switches hold what they must.
func TestSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the daemon")
	}
	root, err := sourceTree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	program, err := buildAt(t.Context(), root, t.TempDir(), "congad", false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var out, log bytes.Buffer
	args := []string{"-congad", program, "-run", "cut", "-n", "1", "-divide", "200", "-limit", "1m", "-v"}
	ok, err := measure(ctx, args, &out, &log)
	if err != nil || !ok {
		t.Fatalf("%v\n%s%s", err, &out, &log)
	}
	for _, want := range []string{"clear-s", "pending", "needless"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not there:\n%s", want, &out)
		}
	}
}
