package main

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestProfiles: they are where the configuration says, and for no client that
// names another host.
func TestProfiles(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "conga.yaml")
	writeConfig(t, file, fmt.Sprintf(testConfig, filepath.Join(dir, "data"), "127.0.0.1:0")+"debug: {listen: \"127.0.0.1:0\"}\n")
	p := start(t, file)
	url := p.until("listening for debugging")["url"].(string)
	get := func(path, host string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), "GET", url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			r.Host = host
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(text)
	}
	if code, text := get("goroutine?debug=1", ""); code != 200 || !strings.Contains(text, "serveDebugging") {
		t.Errorf("%d: %.200s", code, text)
	}
	for host, want := range map[string]int{"localhost": 200, "[::1]:6060": 200, "conga.example": 403, "192.0.2.1:80": 403} {
		if code, text := get("", host); code != want {
			t.Errorf("%s: %d, want %d: %.200s", host, code, want, text)
		}
	}
	if code := p.Stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
