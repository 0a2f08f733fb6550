package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestTrustedProxy: what a proxy in front says of its client is believed where
// the configuration names the proxy.
func TestTrustedProxy(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "conga.yaml")
	config := strings.Replace(testConfig, `"127.0.0.1:0"}`, `"127.0.0.1:0", plaintext: true, trusted_proxies: [127.0.0.0/8]}`, 1)
	writeConfig(t, file, fmt.Sprintf(config, filepath.Join(dir, "data"), "127.0.0.1:0"))
	p := start(t, file)
	r, err := http.NewRequestWithContext(t.Context(), "GET", p.until("listening for users")["url"].(string)+"/api/allocations", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Forwarded-For", "1.2.3.4, 203.0.113.9")
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: p.checked(transport)}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if client := p.until("request")["client"]; answer.StatusCode != 401 || client != "203.0.113.9" {
		t.Errorf("%s, by %v", answer.Status, client)
	}
}
