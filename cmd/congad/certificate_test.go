package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conga/cmd/internal/config"
)

// TestCertificateHosts: where users reach the API, by the configuration.
func TestCertificateHosts(t *testing.T) {
	own := func() []string { return []string{"192.0.2.1", "2001:db8::1"} }
	for _, c := range []struct {
		listen, url string
		want        string
	}{
		{"127.0.0.1:8443", "", "127.0.0.1"},
		{"[2001:db8::7]:8443", "", "2001:db8::7"},
		{"conga.example:8443", "https://www.example:444", "conga.example www.example"},
		{"0.0.0.0:8443", "", "192.0.2.1 2001:db8::1"},
		{"[::]:8443", "", "192.0.2.1 2001:db8::1"},
		{":8443", "https://[2001:db8::9]", "192.0.2.1 2001:db8::1 2001:db8::9"},
	} {
		got := certificateHosts(config.API{Listen: c.listen, URL: c.url}, own)
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s, %q: %v, want %s", c.listen, c.url, got, c.want)
		}
	}
	for _, text := range ownAddresses() {
		if ip := net.ParseIP(text); ip == nil || ip.IsMulticast() || ip.IsLinkLocalUnicast() {
			t.Errorf("%s is among the machine's own", text)
		}
	}
}

// TestCertificateOfDaemon: the certificate made at the first start is for the
// proxy's name too.
func TestCertificateOfDaemon(t *testing.T) {
	dir := t.TempDir()
	file, data := filepath.Join(dir, "conga.yaml"), filepath.Join(dir, "data")
	text := strings.Replace(fmt.Sprintf(testConfig, data, "127.0.0.1:0"), `"127.0.0.1:0"}`,
		`"127.0.0.1:0", url: "https://conga.example.org"}`, 1)
	writeConfig(t, file, text)
	start(t, file)
	raw, err := os.ReadFile(filepath.Join(data, "api.crt"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(raw)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil || !slices.Contains(cert.DNSNames, "conga.example.org") {
		t.Fatalf("it is not for the host of api.url: %v", err)
	}
}
