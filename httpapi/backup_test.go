package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

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
