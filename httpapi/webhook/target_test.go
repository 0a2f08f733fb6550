package webhook

import (
	"net/netip"
	"strings"
	"testing"
)

func TestPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "2606:4700::1111": true, "172.32.0.1": true, "100.128.0.1": true,
		"127.0.0.1": false, "127.8.9.1": false, "10.0.0.1": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false,
		"0.0.0.0": false, "0.1.2.3": false, "100.64.0.1": false, "192.0.0.8": false, "198.18.0.1": false, "224.0.0.1": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fd12::1": false, "ff02::1": false, "fec0::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:8.8.8.8": true, "::127.0.0.1": false,
		"64:ff9b::7f00:1": false, "2002:7f00:1::": false, "2001:db8::1": false, "2001::1": false,
		// Stateless translation, NAT64, 6to4, Teredo, and unassigned addresses.
		"::ffff:0:127.0.0.1": false, "::ffff:0:8.8.8.8": false, "64:ff9b:1::1": false, "64:ff9b::8.8.8.8": false,
		"2002:808:808::1": false, "2001:0:808:808::1": false, "3ffe::1": false, "3fff::1": false, "100::1": false, "5f00::1": false,
		"1fff:ffff::1": false, "4000::1": false, "8000::1": false, "e000::1": false, "::2": false,
		"2000::1": true, "2400:cb00::1": true, "2a00:1450:4001::1": true, "3ffd::1": true,
		// ISATAP: as public as the address inside.
		"2600::5efe:10.0.0.1": false, "2600::5efe:127.0.0.1": false, "2600::200:5efe:192.168.1.1": false, "2600:0:0:7::5efe:169.254.169.254": false,
		"2600::5efe:8.8.8.8": true, "2600::200:5efe:8.8.8.8": true, "fe80::5efe:8.8.8.8": false,
		"2600::5eff:10.0.0.1": true, "2600::100:5efe:10.0.0.1": true, "2600::1:5efe:a00:1": true, "2600:5efe:a00:1::1": true,
	} {
		if got := Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is public: %v", text, got)
		}
	}
	if Public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

// TestRemedy: where a target is only not allowed here, the refusal says what
// setting allows it.
func TestRemedy(t *testing.T) {
	for url, want := range map[string]bool{
		"http://example.org/": true, "https://10.1.2.3/": true, "http://10.1.2.3/": true, "ftp://example.org/": false,
	} {
		err := checkURL(url, false)
		if err == nil || strings.Contains(err.Error(), "webhooks: {allow_private: true}") != want {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestCheckURL(t *testing.T) {
	for _, c := range []struct {
		url                string
		public, everything bool
	}{
		{"https://example.org/hook?x=1", true, true},
		{"https://example.org:8443", true, true},
		{"https://[2606:4700::1111]/", true, true},
		{"http://example.org/", false, true},
		{"https://localhost/", false, true},
		{"https://LOCALHOST.:1/", false, true},
		{"https://a.localhost/", false, true},
		{"https://127.0.0.1/", false, true},
		{"https://10.1.2.3:80/", false, true},
		{"https://[::1]/", false, true},
		{"https://[::ffff:169.254.169.254]/", false, true},
		{"https://[fe80::1%25eth0]/", false, true},
		{"https://[::ffff:0:7f00:1]/", false, true},
		{"https://[2600::5efe:a00:1]/", false, true},
		{"ftp://example.org/", false, false},
		{"file:///etc/passwd", false, false},
		{"gopher://example.org/", false, false},
		{"example.org/hook", false, false},
		{"//example.org", false, false},
		{"https:example.org", false, false},
		{"https://", false, false},
		{"https://:443/", false, false},
		{"https://user:password@example.org/", false, false},
		{"https://example.org/#x", false, false},
		{"https://example.org:0/", false, false},
		{"https://example.org:99999/", false, false},
		{"https://example.org/\x00", false, false},
		{"https://exa mple.org/", false, false},
		{"", false, false},
		{"https://example.org/" + strings.Repeat("x", maxURL), false, false},
	} {
		if err := checkURL(c.url, false); (err == nil) != c.public {
			t.Errorf("%.80q: %v", c.url, err)
		}
		if err := checkURL(c.url, true); (err == nil) != c.everything {
			t.Errorf("%.80q with private targets: %v", c.url, err)
		}
	}
}
