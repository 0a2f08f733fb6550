package controller

import (
	"net/netip"
	"slices"
	"testing"

	"conga/controller/path"
	"conga/openflow/ofswitch"
)

// A circuit between prefixes carries what their hosts send each other, in both
// directions, whole and in fragments, and nothing else. Hosts in it that have
// a circuit of their own keep their packets, and so do narrower prefixes.
func TestCircuitsOfPrefixes(t *testing.T) {
	inBubble(t, ofswitch.Diamond, Config{}, func(l *lab) {
		l.settled(4, 4)
		l.pingAll()
		l.acquainted()
		addrs := func(texts ...string) (list []netip.Addr) {
			for _, text := range texts {
				list = append(list, netip.MustParseAddr(text))
			}
			return list
		}
		side := func(text string) path.Prefix {
			p, err := path.ParsePrefix(text)
			if err != nil {
				l.Fatal(err)
			}
			return p
		}
		for _, tc := range []struct {
			src, dst, wideSrc, wideDst string
			near, far, there, beyond   []netip.Addr
		}{{
			src: "10.77.0.32/28", dst: "10.78.0.0/16", wideSrc: "10.77.0.0/24", wideDst: "10.78.0.0/15",
			near: addrs("10.77.0.32", "10.77.0.40", "10.77.0.47"), far: addrs("10.77.0.31", "10.77.0.48"),
			there: addrs("10.78.0.1", "10.78.255.254"), beyond: addrs("10.79.0.1", "10.77.255.254"),
		}, {
			src: "fd77::20/124", dst: "fd78:0:0:4::/64", wideSrc: "fd77::/64", wideDst: "fd78::/32",
			near: addrs("fd77::20", "fd77::2f"), far: addrs("fd77::1f", "fd77::30"),
			there: addrs("fd78:0:0:4::1", "fd78:0:0:4:ffff::"), beyond: addrs("fd78:0:0:5::1", "fd78:0:0:3:ffff::"),
		}} {
			c := l.circuit("a", 7, "h1", "h2", 0)
			c.Path = otherWay(l, c.Path)
			c.Key = path.FlowKey{Src: side(tc.src), Dst: side(tc.dst), Proto: path.ProtoUDP, DstPort: path.Port(9)}
			carries := func(when string, want func(from, to netip.Addr) bool) {
				l.Helper()
				for _, from := range slices.Concat(tc.near, tc.far) {
					for _, to := range slices.Concat(tc.there, tc.beyond) {
						l.followsOnly(when, c, from, to, want(from, to))
					}
				}
			}
			within := func(from, to netip.Addr) bool { return slices.Contains(tc.near, from) && slices.Contains(tc.there, to) }
			beside := func(id string, k path.FlowKey, when string, want func(from, to netip.Addr) bool) {
				l.Helper()
				o := c
				o.ID, o.Handle, o.Path, o.Key = id, uint32(id[0]), otherWay(l, c.Path), k
				if err := l.install(o); err != nil {
					l.Fatal(err)
				}
				carries(when, want)
				if err := l.Remove(l.Context(), id); err != nil {
					l.Fatal(err)
				}
			}
			carries("before it", func(netip.Addr, netip.Addr) bool { return false })
			if err := l.install(c); err != nil {
				l.Fatal(err)
			}
			carries("alone", within)
			one := tc.there[0]
			beside("b", path.FlowKey{Src: c.Key.Src, Dst: path.Host(one)}, "beside one for a host", func(from, to netip.Addr) bool { return within(from, to) && to != one })
			beside("c", path.FlowKey{Src: side(tc.wideDst), Dst: side(tc.wideSrc), Proto: path.ProtoUDP, SrcPort: path.Port(9)}, "beside a wider one", within)
			if err := l.Remove(l.Context(), "a"); err != nil {
				l.Fatal(err)
			}
			carries("after it", func(netip.Addr, netip.Addr) bool { return false })
		}
	})
}

// followsOnly checks whether what hosts behind h1 and h2 send each other takes
// the way of a circuit through a diamond: a datagram, a fragment, and the one
// back.
func (l *lab) followsOnly(when string, c path.Circuit, from, to netip.Addr, want bool) {
	l.Helper()
	h1, h2 := l.net.Host("h1"), l.net.Host("h2")
	forth := ofswitch.Datagram{
		SrcMAC: h1.MAC(), DstMAC: h2.MAC(), Src: netip.AddrPortFrom(from, 8), Dst: netip.AddrPortFrom(to, 9), Payload: make([]byte, 64),
	}
	back := forth
	back.SrcMAC, back.DstMAC, back.Src, back.Dst = forth.DstMAC, forth.SrcMAC, forth.Dst, forth.Src
	for _, x := range []struct {
		what, host string
		frame      []byte
	}{
		{"a datagram", "h1", forth.UDP()}, {"a fragment", "h1", fragment(forth.UDP(), true)},
		{"a datagram back", "h2", back.UDP()}, {"a fragment back", "h2", fragment(back.UDP(), true)},
	} {
		if by := l.through(x.host, x.frame); len(by) != 3 || (by[1] == c.Path[1].DPID) != want {
			l.Errorf("%s: %s between %s and %s comes through switches %v; of the circuit: %t", when, x.what, from, to, by, want)
		}
	}
}
