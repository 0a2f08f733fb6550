package httpapi_test

import (
	"bufio"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conga/httpapi"
	"conga/httpapi/auth"
	"conga/httpapi/serve"
)

// TestHeaders: every answer, whatever it is about, makes browsers careful, and
// none lets another origin in.
func TestHeaders(t *testing.T) {
	h := newHarness(t)
	for _, r := range []struct{ method, target string }{
		{"GET", "/healthz"}, {"GET", "/readyz"}, {"GET", "/api/allocations"}, {"HEAD", "/api/allocations"}, {"GET", "/nowhere"},
		{"PUT", "/api/allocations"}, {"POST", "/api/auth"}, {"OPTIONS", "/api/allocations"}, {"OPTIONS", "/api/auth"}, {"TRACE", "/api/auth"},
	} {
		for _, origin := range []string{"", "https://evil.example", "null"} {
			a := h.do(r.method, r.target, "", bearer(h.key), header{"Origin", origin},
				header{"Access-Control-Request-Method", "GET"}, header{"Access-Control-Request-Headers", "authorization"})
			for name, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
				"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
			} {
				if got := a.header.Get(name); got != want {
					t.Errorf("%s %s: %s is %q", r.method, r.target, name, got)
				}
			}
			for name := range a.header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s %s: %s", r.method, r.target, name)
				}
			}
			if (r.method == "OPTIONS" || r.method == "TRACE") && a.code != 405 {
				t.Errorf("%s %s: %d", r.method, r.target, a.code)
			}
		}
	}
}

// served serves the API on a socket and returns its address.
func served(t *testing.T, h *harness, cfg *tls.Config, adjust func(*http.Server)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	h.must(err)
	s := serve.NewServer(h.api, cfg, slog.New(slog.DiscardHandler))
	if adjust != nil {
		adjust(s)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if cfg != nil {
			_ = s.ServeTLS(l, "", "")
		} else {
			_ = s.Serve(l)
		}
	}()
	t.Cleanup(func() { s.Close(); <-done })
	return l.Addr().String()
}

// TestLimits: what is too long is refused, and what is too slow is cut off. The
// times are shortened; that the real ones are set is TestServer's.
func TestLimits(t *testing.T) {
	h := newHarness(t)
	addr := served(t, h, nil, func(s *http.Server) {
		s.ReadHeaderTimeout, s.ReadTimeout = 100*time.Millisecond, 200*time.Millisecond
	})
	for name, test := range map[string]struct {
		send string
		want string // status, or "" for a cut without one
	}{
		"long headers":    {"GET /api/allocations HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "431"},
		"a long address":  {"GET /" + strings.Repeat("x", 64<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", "431"},
		"slow headers":    {"GET /api/allocations HTTP/1.1\r\nHost: x\r\nX-Slow: ", ""},
		"a slow body":     {"POST /api/auth HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", "400"},
		"a body too long": {"POST /api/auth HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10485760\r\n\r\n{", "413"},
		"two lengths":     {"POST /api/auth HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "400"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", addr)
			h.must(err)
			defer c.Close()
			h.must(c.SetDeadline(time.Now().Add(10 * time.Second)))
			// A server that answers early may close before it has read all.
			go func() { _, _ = io.WriteString(c, test.send) }()
			line, err := bufio.NewReader(c).ReadString('\n')
			switch {
			case test.want == "431" && line == "" && err != nil: // what was not read has cost the answer
			case test.want == "" && strings.Contains(line, " 408 "), test.want == "" && line == "" && err == io.EOF:
			case test.want == "" || !strings.Contains(line, " "+test.want+" "):
				t.Errorf("%q, %v", line, err)
			}
		})
	}
}

// TestTLSVersions: 1.3 where both can, 1.2 with good ciphers only, nothing
// older.
func TestTLSVersions(t *testing.T) {
	h := newHarness(t)
	pair, err := serve.ReadPair(serve.TLSFiles{Dir: t.TempDir()})
	h.must(err)
	addr := served(t, h, serve.NewCertificate(pair).TLS(), nil)
	dial := func(c *tls.Config) (uint16, error) {
		c.InsecureSkipVerify = true
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", addr, c)
		if err != nil {
			return 0, err
		}
		defer conn.Close()
		return conn.ConnectionState().Version, nil
	}
	for name, test := range map[string]struct {
		cfg  *tls.Config
		want uint16
	}{
		"both":          {&tls.Config{}, tls.VersionTLS13},
		"at most 1.2":   {&tls.Config{MaxVersion: tls.VersionTLS12}, tls.VersionTLS12},
		"at most 1.1":   {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, 0},
		"a weak cipher": {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, 0},
		"no secrecy":    {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}, 0},
	} {
		if got, err := dial(test.cfg); got != test.want || (err == nil) != (test.want != 0) {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
}

// TestCertificateIsExchanged while connections are open.
func TestCertificateIsExchanged(t *testing.T) {
	h := newHarness(t)
	one, two := t.TempDir(), t.TempDir()
	first, err := serve.ReadPair(serve.TLSFiles{Dir: one})
	h.must(err)
	second, err := serve.ReadPair(serve.TLSFiles{Dir: two})
	h.must(err)
	c := serve.NewCertificate(first)
	addr := served(t, h, c.TLS(), nil)
	client := func(p *serve.Pair) *http.Client {
		tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
			if shown := fingerprint(s.PeerCertificates[0]); shown != p.Fingerprint {
				return fmt.Errorf("shown %s", shown)
			}
			return nil
		}}}
		t.Cleanup(tr.CloseIdleConnections)
		return &http.Client{Transport: tr}
	}
	get := func(c *http.Client) error {
		a, err := c.Get("https://" + addr + "/healthz")
		if err == nil {
			_, _ = io.Copy(io.Discard, a.Body)
			a.Body.Close()
		}
		return err
	}
	old := client(first)
	h.must(get(old))
	if !c.Use(second) || c.Use(second) {
		t.Error("it does not tell whether the certificate is another")
	}
	h.must(get(old)) // the connection goes on
	h.must(get(client(second)))
	if err := get(client(first)); err == nil {
		t.Error("a new connection is shown the old certificate")
	}
	h.must(os.WriteFile(filepath.Join(one, "api.crt"), []byte("nonsense"), 0o600))
	if _, err := serve.ReadPair(serve.TLSFiles{Dir: one}); err == nil {
		t.Error("nonsense is a certificate")
	}
}

func fingerprint(c *x509.Certificate) string {
	text := fmt.Sprintf("%X", sha256.Sum256(c.Raw))
	var pairs []string
	for i := 0; i < len(text); i += 2 {
		pairs = append(pairs, text[i:i+2])
	}
	return strings.Join(pairs, ":")
}

// TestLockOutEndsByTheClock: each further wrong password costs twice as long,
// the right one does not help before, and clears the account after.
func TestLockOutEndsByTheClock(t *testing.T) {
	h := newHarness(t, func(c *httpapi.Config) {
		c.Guard = auth.NewGuard(auth.GuardConfig{Rate: 1000, Burst: 1000, Now: c.Now})
	})
	guess := `{"user_id":"abc123","project_id":"projectB","password":"wrong"}`
	right := `{"user_id":"abc123","project_id":"projectB","password":"` + password + `"}`
	for range 4 {
		h.want(401, "POST", "/api/auth", guess)
	}
	for _, wait := range []time.Duration{2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
		h.want(401, "POST", "/api/auth", guess)
		h.advance(wait*time.Second - time.Second)
		if a := h.want(429, "POST", "/api/auth", right); a.header.Get("Retry-After") != "1" {
			t.Errorf("a second before the end of %d s: %s", wait, a.header.Get("Retry-After"))
		}
		h.advance(time.Second)
	}
	h.want(200, "POST", "/api/auth", right)
	for range 4 {
		h.want(401, "POST", "/api/auth", guess)
	}
	h.want(200, "POST", "/api/auth", right)
	// A client that has done nothing for a while starts anew.
	for range 6 {
		h.do("POST", "/api/auth", guess)
	}
	h.advance(11 * time.Minute)
	for range 4 {
		h.want(401, "POST", "/api/auth", guess)
	}
	h.want(200, "POST", "/api/auth", right)
}
