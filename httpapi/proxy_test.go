package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"conga/httpapi"
)

// proxied returns a host and two networks of proxies that are trusted.
func proxied(c *httpapi.Config) {
	c.TrustedProxies = []netip.Prefix{
		netip.MustParsePrefix("10.0.0.5/32"), netip.MustParsePrefix("10.7.0.0/16"), netip.MustParsePrefix("2001:db8:1::/64"),
	}
}

// TestClientAddress: the access log and the audit log have the address of the
// client.
func TestClientAddress(t *testing.T) {
	h := newHarness(t, proxied)
	for _, c := range []struct {
		name, conn string
		forwarded  []string
		want       string // "": the connection's other end
	}{
		{"no proxy", "198.51.100.1:7", nil, ""},
		{"a stranger's word", "198.51.100.1:7", []string{"203.0.113.9"}, ""},
		{"a stranger in a proxy's name", "198.51.100.1:7", []string{"10.0.0.5"}, ""},
		{"a client", "10.0.0.5:7", []string{"203.0.113.9"}, "203.0.113.9"},
		{"a client's word", "10.0.0.5:7", []string{"1.2.3.4, 203.0.113.9"}, "203.0.113.9"},
		{"a client's word in a header of its own", "10.0.0.5:7", []string{"1.2.3.4", "203.0.113.9"}, "203.0.113.9"},
		{"a client's nonsense", "10.0.0.5:7", []string{"<script>,,203.0.113.9"}, "203.0.113.9"},
		{"a client in a proxy's name", "10.0.0.5:7", []string{"10.7.0.1, 203.0.113.9"}, "203.0.113.9"},
		{"two proxies", "10.0.0.5:7", []string{"203.0.113.9, 10.7.0.1"}, "203.0.113.9"},
		{"two proxies and a client's word", "10.0.0.5:7", []string{"1.2.3.4, 203.0.113.9 ,10.7.0.1"}, "203.0.113.9"},
		{"a stranger's proxy", "10.0.0.5:7", []string{"203.0.113.9, 10.8.0.1"}, "10.8.0.1"},
		{"a proxy's own request", "10.0.0.5:7", []string{"10.7.0.1"}, "10.7.0.1"},
		{"IPv6", "[2001:db8:1::5]:7", []string{"2001:db8:9::1"}, "2001:db8:9::1"},
		{"with a zone", "10.0.0.5:7", []string{"fe80::1%eth0"}, "fe80::1"},
		{"with a port", "10.0.0.5:7", []string{"203.0.113.9:4711"}, "203.0.113.9"},
		{"IPv6 with a port", "10.0.0.5:7", []string{"[2001:db8:9::1]:4711"}, "2001:db8:9::1"},
		{"mapped", "[::ffff:10.0.0.5]:7", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"nothing said", "10.0.0.5:7", nil, ""},
		{"empty", "10.0.0.5:7", []string{""}, ""},
		{"a name", "10.0.0.5:7", []string{"203.0.113.9, client.example"}, ""},
		{"unknown", "10.0.0.5:7", []string{"unknown"}, ""},
		{"nonsense behind a proxy", "10.0.0.5:7", []string{"203.0.113.9, x, 10.7.0.1"}, ""},
		{"no address at all", "nowhere", []string{"203.0.113.9"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.t = t
			h.log.Reset()
			var headers []header
			for _, f := range c.forwarded {
				headers = append(headers, header{"X-Forwarded-For", f})
			}
			headers = append(headers, header{"X-Real-IP", "1.1.1.1"}, header{"Forwarded", "for=1.1.1.1"})
			if code := h.from(c.conn, "POST", "/api/allocations", "{}", headers...); code != 401 {
				t.Fatal(code)
			}
			var line struct{ Client string }
			h.must(json.Unmarshal(h.log.Bytes(), &line))
			wantLine, wantRecord := c.want, c.want
			if c.want == "" {
				wantLine = c.conn
				if ap, err := netip.ParseAddrPort(c.conn); err == nil {
					wantRecord = ap.Addr().String()
				} else {
					wantRecord = "invalid IP"
				}
			}
			if line.Client != wantLine {
				t.Errorf("the access log has %q, want %q", line.Client, wantLine)
			}
			record := h.want(200, "GET", "/api/audit?per_page=1", "", bearer(h.admin)).Results[0]
			if record["address"] != wantRecord {
				t.Errorf("the audit log has %q, want %q", record["address"], wantRecord)
			}
		})
	}
}

// TestLockoutsBehindAProxy: each client has its own. Without trust in the proxy
// all of them have one.
func TestLockoutsBehindAProxy(t *testing.T) {
	login := `{"user_id":"abc123","project_id":"projectB","password":%q}`
	for _, trusted := range []bool{true, false} {
		h := newHarness(t, func(c *httpapi.Config) {
			if trusted {
				proxied(c)
			}
		})
		try := func(client, password string) int {
			return h.from("10.0.0.5:7", "POST", "/api/auth", fmt.Sprintf(login, password), header{"X-Forwarded-For", client})
		}
		for range 5 {
			if code := try("1.1.1.1, 198.51.100.7", "wrong"); code != 401 {
				t.Fatal(code)
			}
		}
		if code := try("2.2.2.2, 198.51.100.7", password); code != 429 {
			t.Errorf("trusted %v: who has failed too often, under another name: %d", trusted, code)
		}
		if code, want := try("203.0.113.5", password), map[bool]int{true: 200, false: 429}[trusted]; code != want {
			t.Errorf("trusted %v: another client: %d, want %d", trusted, code, want)
		}
	}
}

// TestKeylessBehindAProxy: a rule is for the client's address, which a trusted
// proxy alone can tell, and never for the proxy's own.
func TestKeylessBehindAProxy(t *testing.T) {
	h := newHarness(t, proxied, func(c *httpapi.Config) {
		c.Keyless = []httpapi.Keyless{{From: netip.MustParsePrefix("10.0.0.0/8"), Project: "projectB"}}
	})
	body := "[" + between("192.127.1.10", 1, "192.127.1.11", 2) + "]"
	for _, c := range []struct {
		conn, forwarded string
		code            int
	}{
		{"10.80.0.1:7", "", 200},
		{"10.80.0.1:7", "203.0.113.9", 200}, // no proxy: its word does not count against it either
		{"10.0.0.5:7", "10.80.0.1", 200},
		{"10.0.0.5:7", "203.0.113.9", 401},
		{"10.0.0.5:7", "10.80.0.1, 203.0.113.9", 401},
		{"10.0.0.5:7", "", 401},
		{"10.0.0.5:7", "nonsense", 401},
		{"10.0.0.5:7", "10.7.0.1", 401},
		{"203.0.113.9:7", "10.80.0.1", 401},
		{"203.0.113.9:7", "10.80.0.1, 10.0.0.5", 401},
	} {
		if code := h.from(c.conn, "POST", "/connections", body, header{"X-Forwarded-For", c.forwarded}); code != c.code {
			t.Errorf("%s for %q: %d, want %d", c.conn, c.forwarded, code, c.code)
		}
	}
	if strings.Contains(h.log.String(), "panic") {
		t.Error(h.log)
	}
}
