package path

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestCoveringAgainstAll: of any prefixes those that have one of some addresses
// are among what an index is asked for, each once.
func TestCoveringAgainstAll(t *testing.T) {
	addr := rapid.Custom(func(t *rapid.T) netip.Addr {
		if n := byte(rapid.IntRange(0, 7).Draw(t, "n")); rapid.Bool().Draw(t, "IPv4") {
			return netip.AddrFrom4([4]byte{10, n, 0, n})
		} else {
			return netip.AddrFrom16([16]byte{0x20, 1, 6: n, 15: n})
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		var lengths PrefixLengths
		var all []Prefix
		for range rapid.IntRange(0, 8).Draw(t, "prefixes") {
			p := Host(addr.Draw(t, "of"))
			p = p.Widen(p.Bits() - 4*rapid.IntRange(0, 4).Draw(t, "wider"))
			lengths.Note(p)
			all = append(all, p)
		}
		addrs := rapid.SliceOfN(addr, 0, 4).Draw(t, "addresses")
		list := lengths.Covering(addrs)
		once := map[Prefix]bool{}
		for _, p := range list {
			if once[p] && !p.IsHost() {
				t.Fatalf("of %v %v is asked for twice", addrs, p)
			}
			once[p] = true
		}
		for _, p := range all {
			has := slices.ContainsFunc(addrs, p.Contains)
			if got := slices.Contains(list, p); got != has {
				t.Fatalf("of %v %v is asked for: %v", addrs, p, got)
			}
		}
	})
}
