package main

import (
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTrustedProxy: a proxy's word on its client is believed if the
// configuration names the proxy.
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

// TestConnectionsOfATrustedProxy: the limit of one address does not apply to a
// trusted proxy.
func TestConnectionsOfATrustedProxy(t *testing.T) {
	for trusted, want := range map[string]bool{"[127.0.0.0/8]": true, "[192.0.2.0/24]": false} {
		dir := t.TempDir()
		file := filepath.Join(dir, "conga.yaml")
		config := strings.Replace(testConfig, `"127.0.0.1:0"}`,
			`"127.0.0.1:0", plaintext: true, max_connections_per_address: 1, trusted_proxies: `+trusted+"}", 1)
		writeConfig(t, file, fmt.Sprintf(config, filepath.Join(dir, "data"), "127.0.0.1:0"))
		addr := strings.TrimPrefix(start(t, file).until("listening for users")["url"].(string), "http://")
		var second net.Conn
		for range 2 {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			second = c
		}
		// A connection beyond the limit may be closed before the request, so
		// that writing to it fails; reading tells in any case.
		_, _ = fmt.Fprint(second, "GET /healthz HTTP/1.1\r\nHost: conga\r\n\r\n")
		_ = second.SetReadDeadline(time.Now().Add(30 * time.Second))
		if _, err := second.Read(make([]byte, 1)); (err == nil) != want {
			t.Errorf("proxies %s: a second connection is served: %v", trusted, err)
		}
	}
}
