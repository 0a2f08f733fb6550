package allocator

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"unique"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
)

// drawFewPorts draws any ports, one or several, that often have some in common
// with others.
func drawFewPorts(t *rapid.T, side string) path.Ports {
	return rapid.SampledFrom([]path.Ports{
		{}, {}, path.Port(1), path.Port(2), path.PortsOf(path.PortRange{First: 1, Last: 2}),
		path.PortsOf(path.PortRange{First: 2, Last: 2}, path.PortRange{First: 4, Last: 4}),
	}).Draw(t, side)
}

// drawPair draws two hosts or prefixes, which often have some in common with
// others.
func drawPair(t *rapid.T) (low, high path.Prefix) {
	if rapid.Bool().Draw(t, "hosts") {
		hosts := []netip.Addr{host(1, 1), host(1, 2), netip.MustParseAddr("fd00::1"), netip.MustParseAddr("fd00::2"), netip.MustParseAddr("fd00::3")}
		ends := rapid.SampledFrom([][2]int{{0, 1}, {2, 3}, {3, 4}, {2, 4}}).Draw(t, "of hosts")
		return path.Host(hosts[ends[0]]), path.Host(hosts[ends[1]])
	}
	first := [2]netip.Addr{host(1, 0), host(2, 0)}
	step := 1
	if rapid.IntRange(0, 2).Draw(t, "of IPv6") == 0 {
		first, step = [2]netip.Addr{netip.MustParseAddr("fd00::"), netip.MustParseAddr("fd01::")}, path.Step6
	}
	side := func(first netip.Addr) path.Prefix {
		b := first.AsSlice()
		b[len(b)-1] += byte(rapid.IntRange(0, 3).Draw(t, "host"))
		addr, _ := netip.AddrFromSlice(b)
		return path.PrefixOf(netip.PrefixFrom(addr, addr.BitLen()-step*rapid.IntRange(0, 3).Draw(t, "wider")))
	}
	return side(first[0]), side(first[1])
}

// TestKeyCalendarAgainstPaper reserves traffic of a few hosts and prefixes and
// compares with a list.
func TestKeyCalendarAgainstPaper(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newKeyCalendar()
		var held []reservation[ownedKey]
		draw := func() reservation[ownedKey] {
			low, high := drawPair(t)
			k := path.FlowKey{Src: low, Dst: high, Proto: rapid.SampledFrom([]uint8{0, 6, 17}).Draw(t, "proto")}
			k.SrcPort, k.DstPort = drawFewPorts(t, "src"), drawFewPorts(t, "dst")
			if rapid.Bool().Draw(t, "reversed") {
				k = k.Reverse()
			}
			start := secondsRange(0, 60).Draw(t, "start")
			w := Window{start, start + secondsRange(1, 9).Draw(t, "length")}
			if rapid.IntRange(0, 20).Draw(t, "late") == 0 {
				w.Start, w.End = w.Start+math.MaxUint32, w.End+math.MaxUint32
			}
			by := keyOwner{unique.Make(rapid.SampledFrom([]string{"p", "q"}).Draw(t, "project")), rapid.Bool().Draw(t, "rated")}
			return reservation[ownedKey]{ownedKey{canonical(k), by}, w, 1}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(held) > 0 && rapid.IntRange(0, 3).Draw(t, "remove") == 0 {
				i := rapid.IntRange(0, len(held)-1).Draw(t, "which")
				b.remove(held[i])
				held = slices.Delete(held, i, i+1)
			} else {
				held = append(held, draw())
				b.add(held[len(held)-1])
			}
			x, owners := draw(), rapid.SampledFrom([]string{"", "p", "q", "pq"}).Draw(t, "owners")
			owns := func(project unique.Handle[string], between hosts) bool {
				if low, high := path.Narrower(x.on.Src, between[0]), path.Narrower(x.on.Dst, between[1]); low != between[0] || high != between[1] {
					t.Fatalf("it is asked who owns %v, of which %v has more", between, x.on)
				}
				return strings.Contains(owners, project.Value())
			}
			paper := calendar[ownedKey]{}
			rivals := map[ownedKey]bool{}
			corners := map[ownedKey]bool{}
			for _, y := range held {
				paper.add(y)
				if paperBlocks(y.on, x.on, owns) {
					rivals[y.on] = true
				} else if _, ok := x.on.Corner(y.on.FlowKey); ok && x.on.by.project == y.on.by.project {
					corners[y.on] = true
				}
			}
			for k := range corners {
				shared := map[ownedKey]bool{}
				for _, y := range held {
					if _, ok := k.Corner(y.on.FlowKey); ok && k.by.project == y.on.by.project {
						shared[y.on] = true
					}
				}
				if len(corners) > path.MaxCorners || len(shared) >= path.MaxCorners {
					rivals[k] = true
				}
			}
			if got, want := b.fit(x.on, x.window), paper.fit(x.on, x.window, 0); got != want {
				t.Fatalf("%v fits at %d, want %d", x, got, want)
			}
			if got, want := b.taken(x.on, x.window), paper.peak(x.on, x.window) > bitrate.Rate(0); got != want {
				t.Fatalf("%v taken: %v", x, got)
			}
			for _, k := range b.conflicting(x.on, owns) {
				if !rivals[k] {
					t.Fatalf("%v is no rival of %v", k, x.on)
				}
				delete(rivals, k)
			}
			if len(rivals) != 0 {
				t.Fatalf("%v are rivals of %v, too", rivals, x.on)
			}
		}
		for _, x := range held {
			b.remove(x)
		}
		if b.size() != 0 {
			t.Fatalf("left: %+v", b)
		}
	})
}

// paperBlocks reports whether blockedBy does, said in another way.
func paperBlocks(had, asks ownedKey, owns owning) bool {
	same, narrower := hostsOf(had.FlowKey) == hostsOf(asks.FlowKey), asks.Narrowness() > had.Narrowness()
	if had.by.project == asks.by.project {
		gives := func(k path.FlowKey) [3]bool {
			return [3]bool{k.Proto != 0, k.SrcPort != path.Ports{}, k.DstPort != path.Ports{}}
		}
		return same && had.Meets(asks.FlowKey) && gives(had.FlowKey) == gives(asks.FlowKey)
	}
	loses := had.Meets(asks.FlowKey) && (narrower || same && had.Specificity() <= asks.Specificity())
	if addresses := (path.FlowKey{Src: had.Src, Dst: had.Dst}); narrower && addresses.Meets(asks.FlowKey) && fragmented(had) && fragmented(asks) {
		loses = true
	}
	if !loses {
		return false
	}
	both := hosts{path.Narrower(had.Src, asks.Src), path.Narrower(had.Dst, asks.Dst)}
	gives := !had.by.rated && !owns(had.by.project, both)
	takes := asks.by.rated && owns(asks.by.project, both)
	return !gives || !takes
}

// fragmented reports whether a key has entries for fragments of its own.
func fragmented(k ownedKey) bool {
	return k.Proto != path.ProtoTCP && (k.Ported() || k.Proto != 0 && !k.Src.Is4())
}

// size returns how many pairs of hosts and prefixes have traffic reserved, or
// are on an index.
func (b *keyCalendar) size() int {
	n := len(b.four) + len(b.six) + len(b.wide.traffic) + len(b.wide.across)
	for _, lengths := range b.wide.lengths {
		for _, pairs := range lengths {
			n += pairs
		}
	}
	return n
}

// TestKeyCalendarOfManyWindows: of one sort of traffic there may be more
// windows than are looked through, in any order, and what fits between them is
// found.
func TestKeyCalendarOfManyWindows(t *testing.T) {
	k := ownedKeyOf(&Request{Key: key(host(1, 1), host(1, 2))})
	for _, first := range []int{0, 5, 29} {
		b := newKeyCalendar()
		add := func(i int) {
			b.add(reservation[ownedKey]{k, Window{Seconds(10 * i), Seconds(10*i + 8)}, 1})
		}
		add(first)
		for i := range 30 {
			if i != first {
				add(i)
			}
		}
		for length, want := range map[Seconds]Seconds{1: 8, 2: 8, 3: 298, 100: 298} {
			if got := b.fit(k, Window{0, length}); got != want {
				t.Errorf("%d s fit at %d, want %d", length, got, want)
			}
		}
		for _, at := range []Seconds{7, 8, 9, 10, 57, 58, 60, 297, 298} {
			if got, want := b.taken(k, Window{at, at + 1}), at%10 < 8 && at < 298; got != want {
				t.Errorf("second %d is taken: %v", at, got)
			}
		}
	}
}
