package auth_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"conga/httpapi/auth"
	"conga/httpapi/auth/authtest"
)

// TestHTTPDirectoryAddresses: what an answer names is the project's until
// another names others, however long its members are silent.
func TestHTTPDirectoryAddresses(t *testing.T) {
	d, c, log := authtest.NewDirectory(t), newClock(), new(bytes.Buffer)
	h, err := auth.NewHTTP(auth.HTTPConfig{URL: d.URL, Roots: d.Roots, Now: c.now, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	book := func(mac [6]byte) []netip.Addr {
		if mac == [6]byte{2, 0, 0, 0, 0, 1} {
			return []netip.Addr{netip.MustParseAddr("198.51.100.1")}
		}
		return nil
	}
	asked := 0
	expect := func(when, user, project, says string, more int, owned ...string) {
		t.Helper()
		d.Says(says)
		_ = h.Admit(t.Context(), user, project)
		if asked += more; len(d.Asked()) != asked {
			t.Errorf("%s: asked %d times, want %d", when, len(d.Asked()), asked)
		}
		var got []string
		for _, p := range []string{"p", "q"} {
			for _, addr := range []string{"192.0.2.1", "192.0.2.200", "2001:db8::1", "198.51.100.1"} {
				alone := netip.MustParseAddr(addr)
				if h.Owners().Owns(p, netip.PrefixFrom(alone, alone.BitLen()), book) {
					got = append(got, p+" "+addr)
				}
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(owned) {
			t.Errorf("%s: %q, want %q", when, got, owned)
		}
	}
	const first, second = `{"is_active": true, "addresses": ["192.0.2.0/25", "2001:db8::1", "02-00-00-00-00-01"]}`, `{"is_active": true, "addresses": ["192.0.2.128/25"]}`
	of := []string{"p 192.0.2.1", "p 2001:db8::1", "p 198.51.100.1"}
	if h.Owners().Any() {
		t.Error("something is owned before anything is asked")
	}
	expect("no member", "a", "p", `{"is_active": false, "addresses": ["192.0.2.1"]}`, 1)
	expect("a member", "b", "p", first, 1, of...)
	expect("in the first minute", "b", "p", second, 0, of...)
	c.advance(24 * time.Hour)
	expect("a word about membership alone", "b", "p", `{"is_active": true}`, 1, of...)
	c.advance(time.Minute)
	expect("an address that is none", "b", "p", `{"is_active": true, "addresses": ["secret"]}`, 1, of...)
	if got := log.String(); strings.Count(got, "addresses[0] is neither a prefix nor a MAC address") != 1 || strings.Contains(got, "secret") {
		t.Errorf("the log is %s", got)
	}
	c.advance(time.Minute)
	expect("an outage", "b", "p", ``, 1, of...)
	expect("another project", "b", "q", second, 1, append(of, "q 192.0.2.200")...)
	expect("another member", "c", "p", second, 1, "p 192.0.2.200", "q 192.0.2.200")
	expect("none any more", "d", "p", `{"is_active": true, "addresses": []}`, 1, "q 192.0.2.200")
}

// TestHTTPDirectoryAddressesAreBounded: an answer that brings too many, of all
// projects together, is none.
func TestHTTPDirectoryAddressesAreBounded(t *testing.T) {
	d, c := authtest.NewDirectory(t), newClock()
	h := newHTTP(t, d, c)
	says := func(n int) {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf(`"10.0.0.%d"`, i)
		}
		d.Says(`{"is_active": true, "addresses": [` + strings.Join(list, ",") + `]}`)
	}
	says(250)
	for i := range 40 {
		if err := h.Admit(t.Context(), "u", fmt.Sprint("p", i)); err != nil {
			t.Fatal(err)
		}
	}
	last := netip.MustParsePrefix("10.0.0.249/32")
	if err := h.Admit(t.Context(), "u", "q"); !isUnavailable(err) || h.Owners().Owns("q", last, nil) || !h.Owners().Owns("p39", last, nil) {
		t.Errorf("10,250 addresses: %v", err)
	}
	says(249)
	if err := h.Admit(t.Context(), "v", "p0"); err != nil || h.Owners().Owns("p0", last, nil) {
		t.Errorf("fewer: %v", err)
	}
	says(1)
	c.advance(time.Minute)
	if err := h.Admit(t.Context(), "u", "q"); err != nil {
		t.Errorf("what fits: %v", err)
	}
}

// TestHTTPDirectoryManagers: a user that the directory calls a manager is one
// while the answer counts.
func TestHTTPDirectoryManagers(t *testing.T) {
	d, c := authtest.NewDirectory(t), newClock()
	chain := auth.NewChain(newDirectory(t, true), newHTTP(t, d, c))
	manages := func(when string, want bool) {
		t.Helper()
		err := chain.Admit(t.Context(), "boss", "outside")
		if got := chain.Manages("boss", "outside"); got != want {
			t.Errorf("%s: %t, %v", when, got, err)
		}
		if chain.Manages("boss", "projectB") || chain.Manages("abc123", "outside") {
			t.Errorf("%s: another manages, or elsewhere", when)
		}
	}
	d.Says(`{"is_active": true}`)
	manages("a member", false)
	d.Says(`{"is_active": true, "is_manager": true}`)
	manages("just after", false)
	c.advance(time.Minute)
	manages("a manager", true)
	d.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	c.advance(14 * time.Minute)
	manages("an outage", true)
	c.advance(time.Minute)
	manages("too long an outage", false)
	d.Says(`{"is_active": true, "is_manager": true}`)
	c.advance(time.Minute)
	manages("back", true)
	d.Says(`{"is_active": false, "is_manager": true}`)
	c.advance(time.Minute)
	manages("a member no more", false)
}
