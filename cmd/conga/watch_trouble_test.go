//go:build unix

package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"conga/cmd/internal/eventually"
	"conga/httpapi/client"
)

// watcherOf returns a watcher of a server that has no events and answers
// requests for allocations with f.
func watcherOf(t *testing.T, f func(w http.ResponseWriter, path string)) (w *watcher, out, messages *buffer, url string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path := strings.TrimPrefix(r.URL.Path, "/api/v1"); strings.HasPrefix(path, "/allocations") {
			f(w, path)
			return
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(s.Close)
	c, err := client.New(client.Config{BaseURL: s.URL, Key: "conga_x", Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	out, messages = &buffer{}, &buffer{}
	return &watcher{app: &app{out: out, err: messages, output: "table"}, s: caller{Client: c}, project: "p", interval: time.Millisecond}, out, messages, s.URL
}

// TestWatchConfirms: an allocation that is missing in a list because its pages
// have shifted does not count as released.
func TestWatchConfirms(t *testing.T) {
	var looks atomic.Int32
	w, out, _, _ := watcherOf(t, func(w http.ResponseWriter, path string) {
		const a1, a2 = `{"allocation_id":"a-1","state":"active"}`, `{"allocation_id":"a-2","state":"active"}`
		switch n := looks.Load(); {
		case path == "/allocations/a-2" && n < 3:
			fmt.Fprintf(w, `{"results":[%s]}`, a2)
		case path != "/allocations":
			w.WriteHeader(http.StatusNotFound)
		case n == 0:
			fmt.Fprintf(w, `{"results":[%s,%s]}`, a1, a2)
		default:
			fmt.Fprintf(w, `{"results":[%s]}`, a1)
		}
	})
	for range 4 {
		if _, err := w.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if looks.Add(1) < 4 && strings.Contains(out.String(), "released") {
			t.Fatalf("look %d shows %q", looks.Load(), out)
		}
	}
	if n := strings.Count(out.String(), "a-2  released"); n != 1 {
		t.Errorf("it shows %q", out)
	}
}

// TestWatchBearsFaults of a proxy, says so once, and goes on.
func TestWatchBearsFaults(t *testing.T) {
	var looks atomic.Int32
	w, out, messages, _ := watcherOf(t, func(w http.ResponseWriter, _ string) {
		switch n := looks.Add(1); {
		case n == 1:
			fmt.Fprint(w, `{"results":[]}`)
		case n < 5:
			w.WriteHeader(http.StatusBadGateway)
		default:
			fmt.Fprint(w, `{"results":[{"allocation_id":"a-1","state":"active"}]}`)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.watch(ctx) }()
	eventually.True(t, "it shows what is there again", func() bool { return strings.Contains(out.String(), "a-1  active") })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if want := "conga: list: the server answered 502 Bad Gateway; trying again\n"; messages.String() != want {
		t.Errorf("it says %q", messages)
	}
}

// TestWatchWithoutReader: conga watch ends without a message.
func TestWatchWithoutReader(t *testing.T) {
	_, _, _, url := watcherOf(t, func(w http.ResponseWriter, _ string) { fmt.Fprint(w, `{"results":[{"allocation_id":"a-1"}]}`) })
	nobody, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	var stderr buffer
	c := exec.Command("conga", "watch", "--server", url)
	c.Env = append(os.Environ(), "CONGA_KEY=conga_x", "CONGA_PROJECT=p", "XDG_CONFIG_HOME="+t.TempDir())
	c.Stdout, c.Stderr = stdout, &stderr
	_ = c.Run()
	stdout.Close()
	if code := c.ProcessState.ExitCode(); code != 141 || stderr.String() != "" {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}
