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
// cut, and the switches hold what they must. It does so while peers attack it
// in every way at once, and a switch comes back meanwhile.
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
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for name, figures := range map[string][]string{
		"cut":              {"clear-s", "pending", "needless"},
		"hostile/together": {"back-s", "peak-MiB", "log-MiB/min"},
	} {
		var out, log bytes.Buffer
		args := []string{"-congad", program, "-run", name, "-n", "1", "-divide", "200", "-limit", "1m", "-v"}
		ok, err := measure(ctx, args, &out, &log)
		if err != nil || !ok {
			t.Fatalf("%v\n%s%s", err, &out, &log)
		}
		for _, want := range figures {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s is not there:\n%s", want, &out)
			}
		}
	}
}
