package auth

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"conga/openflow"
)

// owns returns a project with prefixes and MAC addresses of its own.
func owns(t *testing.T, id string, list ...string) Project {
	t.Helper()
	p := Project{ID: id}
	for _, s := range list {
		if mac, err := openflow.ParseMAC(s); err == nil {
			p.Addresses = append(p.Addresses, Owned{MAC: mac})
		} else {
			p.Addresses = append(p.Addresses, Owned{Prefix: netip.MustParsePrefix(s)})
		}
	}
	return p
}

// alone returns the prefix of one address.
func alone(addr string) netip.Prefix {
	a := netip.MustParseAddr(addr)
	return netip.PrefixFrom(a, a.BitLen())
}

func TestConsent(t *testing.T) {
	projects := []Project{
		owns(t, "a", "10.0.0.0/24", "2001:db8:a::/48"),
		owns(t, "b", "10.0.1.0/24", "10.0.0.7/32", "02:00:00:00:00:0b"),
		owns(t, "c", "10.0.1.0/24"), // the same as b's
		owns(t, "none"),
	}
	const said = "192.0.2.9" // by the host itself
	all := append([]Project{owns(t, "greedy", "0.0.0.0/0", "::/0")}, projects...)
	book := func(m [6]byte) []netip.Addr {
		if m[5] == 0x0b {
			return []netip.Addr{netip.MustParseAddr("10.0.0.99"), netip.MustParseAddr("10.0.0.7"), netip.MustParseAddr(said)}
		}
		return nil
	}
	const a1, a2, b1, b2, of, free, free2 = "10.0.0.1", "10.0.0.2", "10.0.1.1", "10.0.0.99", "10.0.0.7", "192.0.2.1", "192.0.2.2"
	for _, tc := range []struct {
		projects               []Project
		project, src, dst      string
		either, source, both   string // the field that is refused; "": allowed
		eitherDefault, comment string
	}{
		{projects, "a", a1, a2, "", "", "", "", "both its own"},
		{projects, "b", a1, a2, "src_ip", "src_ip", "src_ip", "src_ip", "neither"},
		{projects, "none", a1, a2, "src_ip", "src_ip", "src_ip", "src_ip", "it owns nothing"},
		{projects, "b", a1, b1, "", "src_ip", "src_ip", "", "the destination is its own"},
		{projects, "b", b1, a1, "", "dst_ip", "dst_ip", "", "the source is its own"},
		{projects, "b", free, a1, "dst_ip", "dst_ip", "dst_ip", "dst_ip", "an address of no project consents to nothing"},
		{projects, "b", a1, free, "src_ip", "src_ip", "src_ip", "src_ip", "either way round"},
		{projects, "a", free, a1, "", "", "", "", "the only owner"},
		{projects, "none", free, free2, "", "", "", "", "open to all"},
		{projects, "c", b1, b1, "", "", "", "", "owned by both"},
		{projects, "a", of, free, "src_ip", "src_ip", "src_ip", "src_ip", "a longer prefix inside its own"},
		{projects, "b", of, free, "", "", "", "", "the longer prefix"},
		{projects, "b", b2, free, "src_ip", "src_ip", "src_ip", "src_ip", "a host that says it has an address of another's prefix"},
		{projects, "a", b2, free, "", "", "", "", "which that one keeps"},
		{projects, "b", said, free, "", "", "", "", "a host's address in no prefix"},
		{projects, "a", said, free, "src_ip", "src_ip", "src_ip", "src_ip", "which is no other's"},
		{all, "greedy", said, free, "", "", "", "", "but the prefix of all addresses has it"},
		{projects, "a", "2001:db8:a::1", "2001:db8:b::1", "", "", "", "", "IPv6"},
		{projects, "b", "2001:db8:a::1", "2001:db8:b::1", "src_ip", "src_ip", "src_ip", "src_ip", "IPv6 of another"},
		{projects, "b", "::ffff:10.0.0.1", free, "src_ip", "src_ip", "src_ip", "src_ip", "IPv4 as IPv6"},
		{all, "greedy", a1, b1, "src_ip", "src_ip", "src_ip", "src_ip", "the prefix of all addresses opens no other"},
		{all, "greedy", free, free2, "", "", "", "", "but what is left"},
		{all, "none", free, free2, "src_ip", "src_ip", "src_ip", "src_ip", "which is not open then"},
		{[]Project{owns(t, "a"), owns(t, "b")}, "b", a1, a2, "", "", "", "", "no project names addresses"},
	} {
		for consent, want := range map[Consent]string{ConsentEither: tc.either, ConsentSource: tc.source, ConsentBoth: tc.both, "": tc.eitherDefault} {
			src, dst := alone(tc.src), alone(tc.dst)
			err := NewOwners(consent, tc.projects).Judge(tc.project, src, dst, book)
			if back := NewOwners(consent, tc.projects).Judge(tc.project, dst, src, book); (back != nil) != (err != nil) {
				t.Errorf("%s, %s: %v, but with the ends swapped %v", tc.comment, consent, err, back)
			}
			for n := range len(tc.projects) + 1 { // some of them from another source
				both := NewOwners(consent, tc.projects[:n]).With(NewOwners("", tc.projects[n:]))
				if got := both.Judge(tc.project, src, dst, book); fmt.Sprint(got) != fmt.Sprint(err) {
					t.Errorf("%s, %s, %d here and the others elsewhere: %v, want %v", tc.comment, consent, n, got, err)
				}
			}
			refusal, refused := errors.AsType[*ConsentError](err)
			if err != nil && !refused || refused != (want != "") || refused && refusal.Field != want {
				t.Errorf("%s, %s: %s for %s to %s: %v, want %q", tc.comment, consent, tc.project, tc.src, tc.dst, err, want)
			}
			if refused && (!strings.Contains(err.Error(), "belongs to another project") || strings.Contains(err.Error(), "/")) {
				t.Errorf("%v", err)
			}
		}
	}
}

// The configuration's own address counts more than what a host says.
func TestOwnersOfAClaimedAddress(t *testing.T) {
	o := NewOwners("", []Project{owns(t, "a", "10.0.0.0/31"), owns(t, "b", "02:00:00:00:00:0b")})
	book := func([6]byte) []netip.Addr {
		return []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")}
	}
	for addr, want := range map[string]string{"10.0.0.1": "a", "10.0.0.2": "b", "10.0.0.3": ""} {
		for _, project := range []string{"a", "b"} {
			if got := o.Owns(project, alone(addr), book); got != (project == want) {
				t.Errorf("%s owns %s: %t", project, addr, got)
			}
		}
	}
	if o.Owns("b", alone("10.0.0.2"), nil) {
		t.Error("a host of which nothing is known has an address")
	}
}

// TestConsentOfPrefixes compares what is said of prefixes with what is said of
// each pair of their addresses.
func TestConsentOfPrefixes(t *testing.T) {
	verdicts := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		drawAddr := func(name string) netip.Addr {
			return netip.AddrFrom4([4]byte{10, 0, 0, byte(rapid.IntRange(0, 15).Draw(t, name))})
		}
		drawPrefix := func(name string, widest int) netip.Prefix {
			p, _ := drawAddr(name).Prefix(rapid.IntRange(widest, 32).Draw(t, name+" length"))
			return p
		}
		hosts := map[[6]byte][]netip.Addr{{5: 1}: {drawAddr("host")}, {5: 2}: {drawAddr("another"), drawAddr("its other")}}
		book := func(mac [6]byte) []netip.Addr { return hosts[mac] }
		projects := []Project{{ID: "p"}, {ID: "q"}, {ID: "r"}}
		for range rapid.IntRange(1, 6).Draw(t, "owned") {
			p := &projects[rapid.IntRange(0, 2).Draw(t, "by")]
			if rapid.IntRange(0, 3).Draw(t, "a host") == 0 {
				p.Addresses = append(p.Addresses, Owned{MAC: [6]byte{5: byte(rapid.IntRange(1, 2).Draw(t, "mac"))}})
			} else {
				p.Addresses = append(p.Addresses, Owned{Prefix: drawPrefix("prefix", 27)})
			}
		}
		n := rapid.IntRange(0, 3).Draw(t, "from the first source")
		o := NewOwners(rapid.SampledFrom([]Consent{ConsentEither, ConsentSource, ConsentBoth, ""}).Draw(t, "consent"), projects[:n]).With(NewOwners("", projects[n:]))
		src, dst := drawPrefix("source", 28), drawPrefix("destination", 28)
		may, owns := true, o.Any()
		for a := src.Addr(); src.Contains(a); a = a.Next() {
			owns = owns && slices.Contains(o.of(a, book), "p")
			for b := dst.Addr(); dst.Contains(b); b = b.Next() {
				may = may && o.Judge("p", netip.PrefixFrom(a, 32), netip.PrefixFrom(b, 32), book) == nil
			}
		}
		if got := o.Owns("p", src, book); got != owns {
			t.Fatalf("%s is the project's: %t, want %t", src, got, owns)
		}
		err := o.Judge("p", src, dst, book)
		if (err == nil) != may {
			t.Fatalf("%s to %s: %v, and of each two addresses: %t", src, dst, err, may)
		}
		verdicts[may]++
		for _, p := range projects {
			for _, x := range p.Addresses {
				if s := x.Prefix.String(); err != nil && s != src.String() && s != dst.String() && strings.Contains(err.Error(), s) {
					t.Fatalf("%v says what another owns", err)
				}
			}
		}
	})
	if verdicts[true] == 0 || verdicts[false] == 0 {
		t.Errorf("%v", verdicts)
	}
}
