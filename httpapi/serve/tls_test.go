package serve

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSelfSignedPair(t *testing.T) {
	dir := t.TempDir()
	cfg, fingerprint, err := LoadTLS(TLSFiles{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	_, again, err := LoadTLS(TLSFiles{Dir: dir})
	if err != nil || again != fingerprint {
		t.Errorf("a second start: fingerprint %s became %s, error %v", fingerprint, again, err)
	}
	sum := sha256.Sum256(cfg.Certificates[0].Certificate[0])
	if plain := strings.ToLower(strings.ReplaceAll(fingerprint, ":", "")); plain != fmt.Sprintf("%x", sum) {
		t.Errorf("fingerprint is %s", fingerprint)
	}
	if info, err := os.Stat(filepath.Join(dir, "api.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v, error %v", info.Mode(), err)
	}
	cert, err := x509.ParseCertificate(cfg.Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"localhost", "127.0.0.1", "::1", host} {
		if err := cert.VerifyHostname(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if cfg.MinVersion != tls.VersionTLS12 || cert.PublicKeyAlgorithm != x509.ECDSA {
		t.Errorf("least version %x, key %v", cfg.MinVersion, cert.PublicKeyAlgorithm)
	}
}

// TestSelfSignedHosts: a pair that is made is for the hosts that it is asked to
// be for; one that is there stays, since clients have its fingerprint.
func TestSelfSignedHosts(t *testing.T) {
	load := func(dir string, hosts ...string) (*x509.Certificate, string) {
		t.Helper()
		cfg, fingerprint, err := LoadTLS(TLSFiles{Dir: dir, Hosts: hosts})
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(cfg.Certificates[0].Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return cert, fingerprint
	}
	dir := t.TempDir()
	cert, before := load(dir, "Conga.example.org", "192.0.2.7", "::ffff:192.0.2.8", "2001:db8::7", "fe80::1%eth0",
		"192.0.2.7", "LOCALHOST", "", "b\u00fccher.example", "a name")
	for _, name := range []string{"conga.example.org", "192.0.2.7", "192.0.2.8", "2001:db8::7", "fe80::1", "localhost", "127.0.0.1", "::1"} {
		if err := cert.VerifyHostname(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(cert.IPAddresses) != 6 {
		t.Errorf("addresses are %v, want each once", cert.IPAddresses)
	}
	cert, after := load(dir, "other.example.org")
	if after != before || cert.VerifyHostname("other.example.org") == nil {
		t.Errorf("another certificate was made for another host: %v", cert.DNSNames)
	}
}

func TestLoadTLSErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	nonsense := write("x.pem", "nonsense")
	for name, files := range map[string]TLSFiles{
		"a certificate alone": {Cert: nonsense},
		"a key alone":         {Key: nonsense},
		"nonsense":            {Cert: nonsense, Key: nonsense},
		"absent":              {Cert: filepath.Join(dir, "no"), Key: filepath.Join(dir, "no")},
		"no folder":           {Dir: filepath.Join(dir, "no")},
	} {
		if _, _, err := LoadTLS(files); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	write("api.crt", "nonsense")
	if _, _, err := LoadTLS(TLSFiles{Dir: dir}); err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("a damaged certificate: %v", err)
	}
}
