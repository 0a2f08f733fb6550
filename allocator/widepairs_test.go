package allocator

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/controller/path"
)

// TestPairsThatMeet compares what a pair meets with a look at all pairs.
func TestPairsThatMeet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		side := func(first byte) path.Prefix {
			bits := rapid.SampledFrom([]int{8, 16, 20, 23, 24, 30, 31, 32, 32}).Draw(t, "bits")
			addr := netip.AddrFrom4([4]byte{first, rapid.Byte().Draw(t, "second") & 1, rapid.Byte().Draw(t, "third") & 3, rapid.Byte().Draw(t, "fourth") & 7})
			return path.PrefixOf(netip.PrefixFrom(addr, bits))
		}
		pair := func() hosts { return hosts{side(10), side(11)} }
		w, all := newWidePairs(), map[hosts]bool{}
		for range rapid.IntRange(1, 60).Draw(t, "pairs") {
			h := pair()
			if !h.wide() {
				continue
			}
			if all[h] = !all[h]; all[h] {
				w.set(h, traffic{first: flow{used: true}})
			} else {
				delete(all, h)
				w.set(h, traffic{})
			}
		}
		h := pair()
		var want []hosts
		for o := range all {
			if o != h && o[0].Meets(h[0]) && o[1].Meets(h[1]) && narrownessOf(o) <= narrownessOf(h) {
				want = append(want, o)
			}
		}
		got := w.meeting(h)
		order := func(a, b hosts) int {
			if a[0].Less(b[0]) || a[0] == b[0] && a[1].Less(b[1]) {
				return -1
			}
			return 1
		}
		slices.SortFunc(want, order)
		slices.SortFunc(got, order)
		if !slices.Equal(got, want) {
			t.Fatalf("%v meets %v, not %v, of %d", h, want, got, len(all))
		}
		for o := range all {
			w.set(o, traffic{})
		}
		if len(w.traffic)+len(w.across) > 0 || w.lengths != [2][129]int{} {
			t.Fatal("something is left")
		}
	})
}

// TestPrefixSet compares a set of many prefixes with a list.
func TestPrefixSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s prefixSet
		var list []path.Prefix
		at := func(n int) path.Prefix { return path.Host(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)})) }
		order := rapid.Permutation(numbers(3*prefixBlock)).Draw(t, "order")
		for _, n := range order {
			s.add(at(n))
		}
		kept := rapid.IntRange(0, len(order)).Draw(t, "kept")
		for _, n := range order[kept:] {
			s.remove(at(n))
		}
		for _, n := range slices.Sorted(slices.Values(order[:kept])) {
			list = append(list, at(n))
		}
		for _, whole := range []path.Prefix{at(0).Widen(16), at(rapid.IntRange(0, 1023).Draw(t, "whole")).Widen(rapid.IntRange(22, 32).Draw(t, "bits"))} {
			var got, want []path.Prefix
			s.within(whole, func(p path.Prefix) { got = append(got, p) })
			for _, p := range list {
				if whole.Covers(p) {
					want = append(want, p)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("within %s are %v, not %v", whole, got, want)
			}
		}
	})
}

func numbers(n int) (list []int) {
	for i := range n {
		list = append(list, i)
	}
	return list
}

// BenchmarkCrosswise looks for what is in the way of a pair of prefixes where
// 10,000 narrower and wider ones are reserved, of which it meets one, and
// compares it with 100.
func BenchmarkCrosswise(b *testing.B) {
	ratio(b, func(n int) func() {
		w := newWidePairs()
		wide := path.Host(netip.AddrFrom4([4]byte{10, 0, 0, 0})).Widen(8)
		for i := range n {
			w.set(hosts{wide, path.Host(netip.AddrFrom4([4]byte{11, 1, byte(i >> 8), byte(i)}))}, traffic{first: flow{used: true}})
		}
		h := hosts{wide.Widen(8), path.Host(netip.AddrFrom4([4]byte{11, 1, 0, 0})).Widen(31)}
		h[0] = path.Host(netip.AddrFrom4([4]byte{10, 1, 0, 0})).Widen(16)
		return func() {
			if len(w.meeting(h)) != 2 {
				b.Fatal(w.meeting(h))
			}
		}
	})
}
