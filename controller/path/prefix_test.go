package path_test

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"conga/controller/path"
)

func TestParsePrefix(t *testing.T) {
	for _, tc := range []struct{ text, want, problem string }{
		{"192.127.1.10", "192.127.1.10", ""},
		{"192.127.1.10/32", "192.127.1.10", ""},
		{"::ffff:192.127.1.10", "192.127.1.10", ""},
		{"192.127.1.0/24", "192.127.1.0/24", ""},
		{"10.0.0.0/8", "10.0.0.0/8", ""},
		{"2001:db8::1", "2001:db8::1", ""},
		{"2001:db8::1/128", "2001:db8::1", ""},
		{"2001:DB8:1:0::/64", "2001:db8:1::/64", ""},
		{"2001:db8::/32", "2001:db8::/32", ""},
		{"2001:db8::a0/124", "2001:db8::a0/124", ""},
		{"192.127.1.10/24", "", "192.127.1.10/24 names a host within the prefix; write 192.127.1.0/24, or 192.127.1.10 for that host alone"},
		{"2001:db8::1/64", "", "write 2001:db8::/64, or 2001:db8::1 for that host alone"},
		{"9.0.0.0/33", "", "must be an IP address, or a prefix such as"},
		{"h1", "", "must be an IP address, or a prefix such as"},
		{"", "", "must be an IP address, or a prefix such as"},
		{"/24", "", "must be an IP address, or a prefix such as"},
		{"fe80::1%eth0", "", "has a zone"},
		{"fe80::%eth0/64", "", "must be an IP address, or a prefix such as"},
	} {
		p, err := path.ParsePrefix(tc.text)
		switch {
		case tc.problem != "":
			if err == nil || !strings.Contains(err.Error(), tc.problem) {
				t.Errorf("%q: %v, want %q", tc.text, err, tc.problem)
			}
			continue
		case err != nil || p.String() != tc.want || p.Problem() != "":
			t.Errorf("%q: %v, %v, %q", tc.text, p, err, p.Problem())
		}
		text, err := json.Marshal(path.FlowKey{Src: p})
		var back path.FlowKey
		if err != nil || json.Unmarshal(text, &back) != nil || back.Src != p || back.Dst != (path.Prefix{}) {
			t.Errorf("%s is written as %s and read as %v: %v", p, text, back, err)
		}
	}
}

func TestPrefixProblems(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.0/7":       "10.0.0.0/7 is wider than /8",
		"0.0.0.0/0":        "wider than /8",
		"2001::/31":        "wider than /32",
		"2001:db8::/63":    "no multiple of 4, as it must be with IPv6; name 2001:db8::/60,",
		"2001:db8::2/127":  "name 2001:db8::/124",
		"224.0.0.0/8":      "224.0.0.0/8 has addresses that are no host's",
		"127.0.0.0/8":      "has addresses that are no host's",
		"0.0.0.0/8":        "has addresses that are no host's",
		"255.255.255.0/24": "has addresses that are no host's",
		"ff02::/64":        "has addresses that are no host's",
		"::/64":            "has addresses that are no host's",
		"224.0.0.1":        "the address of a group",
		"0.0.0.0":          "no host's address",
		"127.0.0.1":        "loopback",
	} {
		p, err := path.ParsePrefix(text)
		if err != nil || !strings.Contains(p.Problem(), want) {
			t.Errorf("%s: %v, %q, want %q", text, err, p.Problem(), want)
		}
	}
	if p := (path.Prefix{}); p.Problem() == "" || p.IsValid() || p.IsHost() || p.String() != "" {
		t.Errorf("no prefix is %q", p)
	}
}

// TestPrefixOfMappedAddresses: IPv4 in IPv6 is IPv4, as far as the prefix is
// within that.
func TestPrefixOfMappedAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"::ffff:10.0.0.0/104": "10.0.0.0/8", "::ffff:10.0.0.1/128": "10.0.0.1", "::ffff:0.0.0.0/96": "0.0.0.0/0", "2001:db8::/32": "2001:db8::/32",
	} {
		if got := path.PrefixOf(netip.MustParsePrefix(text)).String(); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	if got, err := (path.Prefix{}).AppendText([]byte("from ")); err != nil || string(got) != "from " {
		t.Errorf("no prefix is appended as %q, %v", got, err)
	}
}

// TestNoPrefixAsText: no text is no prefix, whatever there was.
func TestNoPrefixAsText(t *testing.T) {
	p := path.Host(a)
	if err := p.UnmarshalText(nil); err != nil || p != (path.Prefix{}) {
		t.Errorf("%v, %v", p, err)
	}
	if err := p.UnmarshalText([]byte("h1")); err == nil {
		t.Errorf("h1 is %v", p)
	}
}

// TestPrefixesInOrder: by the lowest address, the wider one first.
func TestPrefixesInOrder(t *testing.T) {
	var list []path.Prefix
	for _, text := range []string{"9.0.0.0/8", "10.0.0.0/8", "10.0.0.0/16", "10.0.0.0", "10.0.0.1", "2001:db8::/32", "2001:db8::/64"} {
		p, err := path.ParsePrefix(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	for i, p := range list {
		for j, o := range list {
			if p.Less(o) != (i < j) || p.Equal(o) != (i == j) {
				t.Errorf("%s before %s: %v", p, o, p.Less(o))
			}
		}
	}
}

// lengthsOf returns the lengths that prefixes may have.
func lengthsOf(four bool) (all []int) {
	if four {
		for n := path.Widest4; n <= 32; n++ {
			all = append(all, n)
		}
		return all
	}
	for n := path.Widest6; n <= 128; n += path.Step6 {
		all = append(all, n)
	}
	return all
}

// Any two lengths have a narrowness of their own, with less where a side is
// wider, and where there are more pairs of hosts; both directions have the
// same.
func TestNarrowness(t *testing.T) {
	for _, four := range []bool{true, false} {
		low, high := netip.MustParseAddr("2001:db8::"), netip.MustParseAddr("3001:db8::")
		if four {
			low, high = netip.MustParseAddr("10.0.0.0"), netip.MustParseAddr("11.0.0.0")
		}
		of := map[[2]int]int{}
		seen := map[int]bool{}
		for _, a := range lengthsOf(four) {
			for _, b := range lengthsOf(four) {
				k := path.FlowKey{Src: path.PrefixOf(netip.PrefixFrom(low, a)), Dst: path.PrefixOf(netip.PrefixFrom(high, b))}
				n := k.Narrowness()
				if n < 0 || n > path.MaxNarrowness || seen[n] || k.Reverse().Narrowness() != n || k.Precedence() != 4*n {
					t.Fatalf("/%d and /%d: %d", a, b, n)
				}
				seen[n], of[[2]int{a, b}] = true, n
			}
		}
		for x, n := range of {
			for y, m := range of {
				if sum, other := x[0]+x[1], y[0]+y[1]; sum < other && n >= m || sum == other && x[0] < y[0] && n >= m {
					t.Fatalf("%v: %d, %v: %d", x, n, y, m)
				}
			}
		}
		if len(seen) != path.MaxNarrowness+1 {
			t.Errorf("%d of %d", len(seen), path.MaxNarrowness+1)
		}
	}
}

// drawKey draws a key between prefixes of eight hosts: of two halves of one.
func drawKey(t *rapid.T, name string) path.FlowKey {
	length := rapid.SampledFrom([]int{29, 29, 29, 29, 29, 30, 31}).Draw(t, name+" whole length")
	half := 1 << (31 - length)
	first := rapid.IntRange(0, 7).Draw(t, name+" first") &^ (2*half - 1)
	side := func(side string, first int) path.Prefix {
		host := netip.AddrFrom4([4]byte{10, 0, 0, byte(first + rapid.IntRange(0, half-1).Draw(t, name+side))})
		return path.PrefixOf(netip.PrefixFrom(host, rapid.IntRange(length+1, 32).Draw(t, name+side+" length")))
	}
	k := path.FlowKey{Src: side(" low", first), Dst: side(" high", first+half)}
	if rapid.Bool().Draw(t, name+" from high") {
		k = k.Reverse()
	}
	k.Proto = rapid.SampledFrom([]uint8{0, 0, 0, path.ProtoTCP, path.ProtoUDP}).Draw(t, name+" protocol")
	k.DstPort = rapid.SampledFrom(somePorts).Draw(t, name+" ports")
	return k
}

// within returns which packets a key is about: all pairs of eight hosts, with
// each of two protocols and a few destination ports.
func within(k path.FlowKey) (in [8 * 8 * 2 * 4]bool) {
	for i := range in {
		host := func(n int) path.Prefix { return path.Host(netip.AddrFrom4([4]byte{10, 0, 0, byte(n % 8)})) }
		packet := path.FlowKey{Src: host(i), Dst: host(i / 8), Proto: []uint8{path.ProtoTCP, path.ProtoUDP}[i/64%2], DstPort: path.Port(uint16(i/128) + 1)}
		about := func(k path.FlowKey) bool {
			return k.Src.Contains(packet.Src.Addr()) && k.Dst.Contains(packet.Dst.Addr()) && (k.Proto == 0 || k.Proto == packet.Proto) && has(k.DstPort, packet.DstPort)
		}
		back := k.Reverse()
		back.DstPort, back.SrcPort = k.DstPort, k.SrcPort // the ports of a packet back are not told apart here
		in[i] = about(k) || about(back)
	}
	return in
}

// TestPrefixesAgainstPackets compares what keys say of each other with the
// packets that they are about.
func TestPrefixesAgainstPackets(t *testing.T) {
	met, across := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		k, o := drawKey(t, "one"), drawKey(t, "other")
		if rapid.Bool().Draw(t, "no ports") {
			k.DstPort, o.DstPort = path.Ports{}, path.Ports{}
		} else if k.Src.Less(k.Dst) != o.Src.Less(o.Dst) {
			o.Src, o.Dst = o.Dst, o.Src // so that the ports are those of the same side
		}
		if rapid.Bool().Draw(t, "the other way") {
			o = o.Reverse()
		}
		forth := o
		if k.Src.Less(k.Dst) != o.Src.Less(o.Dst) {
			forth = o.Reverse()
		}
		a, b := within(k), within(forth)
		shared, inside := false, true
		for i := range a {
			shared = shared || a[i] && b[i]
			inside = inside && (a[i] || !b[i])
		}
		same := k.Src == forth.Src && k.Dst == forth.Dst
		if got := k.Meets(o); got != shared {
			t.Fatalf("%v and %v meet: %t, want %t", k, o, got, shared)
		}
		if shared {
			if met++; !same && k.Narrowness() == o.Narrowness() {
				t.Fatalf("none of %v and %v is narrower", k, o)
			}
			if k.Src.Covers(forth.Src) && k.Dst.Covers(forth.Dst) && !same && k.Narrowness() > o.Narrowness() {
				t.Fatalf("%v is narrower than %v", k, o)
			}
			if k.Src.Covers(forth.Src) && forth.Dst.Covers(k.Dst) && k.Src != forth.Src && k.Dst != forth.Dst ||
				forth.Src.Covers(k.Src) && k.Dst.Covers(forth.Dst) && k.Src != forth.Src && k.Dst != forth.Dst {
				across++
			}
		}
		if k.Covers(o) && !inside {
			t.Fatalf("%v covers %v", k, o)
		}
		if inside && shared && forth.Proto != 0 && !k.Covers(o) {
			t.Fatalf("%v does not cover %v", k, o)
		}
		gives := func(k path.FlowKey) [3]bool { return [3]bool{k.Proto != 0, !k.SrcPort.Any(), !k.DstPort.Any()} }
		if got, want := k.Conflicts(o), shared && same && gives(k) == gives(forth); got != want {
			t.Fatalf("%v and %v conflict: %t, want %t", k, o, got, want)
		}
		corner, ok := k.Corner(o)
		if want := shared && same && k.Specificity() == o.Specificity() && gives(k) != gives(forth); ok != want || ok && (corner.Src != k.Src || corner.Dst != k.Dst) {
			t.Fatalf("%v and %v share the corner %v: %t, want %t", k, o, corner, ok, want)
		}
	})
	if met == 0 || across == 0 && !testing.Short() {
		t.Errorf("%d keys met, %d of them crosswise", met, across)
	}
}
