package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"conga/cmd/internal/eventually"
	"conga/httpapi/client"
)

// TestWatchFollowsEvents: with an interval of an hour only an event can have
// signalled the change.
func TestWatchFollowsEvents(t *testing.T) {
	srv := newServer(t, t.Cleanup)
	srv.fake.have("events")
	key, _, err := srv.keys.Issue(t.Context(), "abc123", "projectB")
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Config{BaseURL: srv.URL, Key: key, Fingerprint: client.Fingerprint(srv.Certificate())})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	request := client.Request{ProjectID: "projectB", SrcIP: "192.127.1.10", DstIP: "192.127.1.51", Duration: 60}
	if _, err := c.Allocate(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	var out buffer
	w := &watcher{app: &app{out: &out, err: &bytes.Buffer{}, output: "table"}, s: caller{Client: c}, project: "projectB", interval: time.Hour}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.watch(ctx) }()
	// The first request, and the one when the stream is open.
	eventually.True(t, "it looks twice", func() bool { return srv.fake.count("GET /api/v1/allocations?per_page=1000&project_id=projectB") >= 2 })
	if _, err := c.Allocate(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	if err := c.Release(t.Context(), "a-1"); err != nil {
		t.Fatal(err)
	}
	srv.fake.happen()
	eventually.True(t, "it shows what has changed", func() bool { return strings.Contains(out.String(), "a-1  complete  192.127.1.10 -> 192.127.1.51") })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "a-1  pending  192.127.1.10 -> 192.127.1.51") || !strings.Contains(lines[1]+lines[2], "a-2  pending") ||
		!strings.Contains(out.String(), "released by abc123") {
		t.Errorf("it shows %q", lines)
	}
}

// TestWatchDrawsOver on a terminal: the whole table, each time.
func TestWatchDrawsOver(t *testing.T) {
	var out bytes.Buffer
	w := &watcher{app: &app{out: &out, output: "table"}, screen: true}
	if err := w.show([]client.Allocation{{ID: "a-1", State: client.Active, UserID: "u\x1b[2J"}}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if !strings.HasPrefix(text, "\x1b[H\x1b[2J") || !strings.Contains(text, "a-1  active") || strings.Count(text, "\x1b") != 2 {
		t.Errorf("%q", text)
	}
}

// TestWatchOfUse: counters that change make no new line in a format that does
// not show them.
func TestWatchOfUse(t *testing.T) {
	one, two, yes := 1, 2, true
	for format, want := range map[string]int{formatTable: 1, formatWide: 1, formatName: 1, formatJSON: 2} {
		var out bytes.Buffer
		w := &watcher{app: &app{out: &out, output: format}}
		for _, al := range []client.Allocation{{ID: "a-1", Connections: &one}, {ID: "a-1", Connections: &two, InUse: &yes}} {
			if err := w.show([]client.Allocation{al}); err != nil {
				t.Fatal(err)
			}
			w.shown = map[string]client.Allocation{al.ID: al}
		}
		if got := strings.Count(out.String(), "\n"); got != want {
			t.Errorf("%s: %d lines, want %d: %s", format, got, want, out.String())
		}
	}
}
