package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conga/allocator/store"
	"conga/httpapi"
)

// backupOf serves a text as the backup.
func backupOf(text string) func(context.Context) (io.ReadCloser, int64, error) {
	return func(context.Context) (io.ReadCloser, int64, error) {
		return io.NopCloser(strings.NewReader(text)), int64(len(text)), nil
	}
}

// TestBackupIsServed whole, and a disk that has no room for it is a refusal.
func TestBackupIsServed(t *testing.T) {
	text := strings.Repeat("page", 100_000)
	h := newHarness(t, func(c *httpapi.Config) { c.Backup = backupOf(text) })
	a := h.do("GET", "/backup", "", bearer(h.admin))
	if a.code != 200 || a.body != text || a.header.Get("Content-Length") != fmt.Sprint(len(text)) || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d bytes, %v", len(a.body), a.header)
	}
	if a := h.do("HEAD", "/backup", "", bearer(h.admin)); a.code != 200 || a.body != "" || a.header.Get("Content-Length") != fmt.Sprint(len(text)) {
		t.Errorf("HEAD: %v", a.header)
	}

	h = newHarness(t, func(c *httpapi.Config) {
		c.Backup = func(context.Context) (io.ReadCloser, int64, error) {
			return nil, 0, fmt.Errorf("%w: %w", store.ErrUnwritable, errors.New("no space left on device"))
		}
	})
	if a := h.do("GET", "/backup", "", bearer(h.admin)); a.code != 503 || !strings.Contains(a.body, "disk") {
		t.Errorf("on a full disk: %d %s", a.code, a.body)
	}
	if a := newHarness(t).do("GET", "/backup", ""); a.code != 404 {
		t.Errorf("without a backup: %d", a.code)
	}
}

// TestBackupTakesItsTime: a copy that takes longer than the server has for a
// request is sent whole, over HTTP/1 and HTTP/2, and so is a refusal.
func TestBackupTakesItsTime(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			text := strings.Repeat("page", 100_000)
			full := false
			l := newLive(t, func(c *httpapi.Config) {
				c.Backup = func(ctx context.Context) (io.ReadCloser, int64, error) {
					select {
					case <-ctx.Done():
						return nil, 0, ctx.Err()
					case <-time.After(10 * time.Minute):
					}
					if full {
						return nil, 0, fmt.Errorf("%w: %w", store.ErrUnwritable, errors.New("no space left on device"))
					}
					return backupOf(text)(ctx)
				}
			})
			defer l.stop()
			only := new(http.Protocols)
			only.SetHTTP1(!http2)
			only.SetUnencryptedHTTP2(http2)
			transport := &http.Transport{Protocols: only, DialContext: func(context.Context, string, string) (net.Conn, error) { return l.listener.dial(), nil }}
			defer transport.CloseIdleConnections()
			for code, want := range map[int]string{200: text, 503: "disk"} {
				full = code == 503
				request, err := http.NewRequestWithContext(t.Context(), "GET", "http://x/backup", nil)
				l.must(err)
				request.Header.Set("Authorization", "Bearer "+l.admin)
				a, err := transport.RoundTrip(request)
				l.must(err)
				body, err := io.ReadAll(a.Body)
				if err != nil || a.StatusCode != code || !strings.Contains(string(body), want) {
					t.Errorf("%s %s, %d bytes, %v", a.Proto, a.Status, len(body), err)
				}
				a.Body.Close()
				synctest.Wait() // for the handler's end
			}
		})
	}
}

// TestOneBackupAtATime: a second one is refused, with a sentence that says what
// to do, until the first one is closed.
func TestOneBackupAtATime(t *testing.T) {
	var h *harness
	copies := 0
	h = newHarness(t, func(c *httpapi.Config) {
		c.Backup = func(ctx context.Context) (io.ReadCloser, int64, error) {
			if copies++; copies == 1 {
				for _, method := range []string{"GET", "HEAD"} {
					a := h.do(method, "/backup", "", bearer(h.admin))
					if a.code != 503 || a.header.Get("Retry-After") != "60" || method == "GET" && !strings.Contains(a.body, "try again when that one has ended") {
						t.Errorf("%s beside another: %d %v %s", method, a.code, a.header, a.body)
					}
				}
			}
			return backupOf("a store")(ctx)
		}
	})
	for range 2 {
		if a := h.do("GET", "/backup", "", bearer(h.admin)); a.code != 200 || a.body != "a store" {
			t.Errorf("%d %s", a.code, a.body)
		}
	}
	if copies != 2 {
		t.Errorf("%d copies were made, want 2", copies)
	}
}
