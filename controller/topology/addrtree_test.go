package topology

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/openflow"
)

func pid(dpid openflow.DPID, port uint32) PortID {
	return PortID{DPID: dpid, Port: openflow.PortNo(port)}
}

// TestLocateAllAgainstEach compares where a prefix is with where each of its
// addresses is, as hosts come, move and go and with some attachments.
func TestLocateAllAgainstEach(t *testing.T) {
	apart := 0
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.SampledFrom([]netip.Addr{netip.MustParseAddr("10.0.0.240"), netip.MustParseAddr("2001:db8::f0")}).Draw(t, "family")
		addrOf := func(n int) netip.Addr {
			b := first.AsSlice()
			b[len(b)-1] += byte(n)
			a, _ := netip.AddrFromSlice(b)
			return a
		}
		drawPrefix := func(name string) netip.Prefix {
			longest := first.BitLen()
			p, _ := addrOf(rapid.IntRange(0, 15).Draw(t, name)).Prefix(rapid.IntRange(longest-5, longest).Draw(t, name+" length"))
			return p
		}
		drawPort := func(name string) PortID { return pid(1, uint32(rapid.IntRange(1, 3).Draw(t, name))) }
		var cfg Config
		for range rapid.IntRange(0, 2).Draw(t, "attachments") {
			cfg.Attachments = append(cfg.Attachments, Attachment{Prefix: drawPrefix("attachment"), At: drawPort("attached to")})
		}
		cfg = cfg.withDefaults()
		s := &Snapshot{Attachments: cfg.Attachments}
		kept := &Snapshot{Attachments: cfg.Attachments, located: newPrefixTable(cfg.Attachments), unplaced: &addrTree{}}
		for range rapid.IntRange(0, 20).Draw(t, "changes") {
			addr := addrOf(rapid.IntRange(0, 15).Draw(t, "host"))
			a := Attachment{Prefix: netip.PrefixFrom(addr, addr.BitLen()), At: drawPort("port")}
			tree := *kept.unplaced
			if rapid.IntRange(0, 2).Draw(t, "gone") == 0 {
				s.Addrs, tree = s.Addrs.Without(addr), tree.without(addr)
			} else {
				s.Addrs = s.Addrs.With(addr, a)
				if _, placed := kept.located.find(addr); !placed {
					tree = tree.with(a)
				}
			}
			kept.Addrs, kept.unplaced = s.Addrs, &tree
		}
		p := drawPrefix("asked")
		ports := map[PortID]bool{}
		of := map[netip.Addr]PortID{}
		for addr := p.Addr(); p.Contains(addr); addr = addr.Next() {
			if at, ok := s.Locate(addr); ok {
				ports[at], of[addr] = true, at
			}
			if !addr.Next().IsValid() {
				break
			}
		}
		from := drawPort("from")
		for name, s := range map[string]*Snapshot{"looked through": s, "kept": kept} {
			w := s.LocateAll(p)
			list := s.Apart(p, from, 100)
			if most := rapid.IntRange(0, len(list)).Draw(t, "most"); !slices.Equal(s.Apart(p, from, most), list[:most]) {
				t.Fatalf("%s: of %v %v are the first %d", name, list, s.Apart(p, from, most), most)
			}
			_, covered := newPrefixTable(cfg.Attachments).covering(p)
			for addr, at := range of {
				listed := slices.ContainsFunc(list, func(a Attachment) bool { return a.At == at && a.Prefix.Contains(addr) })
				if listed && at == from || !listed && at != from && !covered {
					t.Fatalf("%s: %s is at %v, and of those away from %v: %t", name, addr, at, from, listed)
				}
			}
			if w.Known() != (len(ports) > 0) || w.Several() != (len(ports) > 1) {
				t.Fatalf("%s: %v is at %+v, and its hosts at %v", name, p, w, of)
			}
			for _, one := range []Attachment{w.First, w.Other} {
				if one.Prefix.IsValid() && !ports[one.At] {
					t.Fatalf("%s: %v of %v is at no port of %v", name, one, p, of)
				}
			}
			if w.Several() {
				apart++
				if w.First.At == w.Other.At || w.Away(w.First.At) != w.Other || w.Away(w.Other.At) != w.First {
					t.Fatalf("%s: %v is at %+v", name, p, w)
				}
			}
		}
	})
	if apart == 0 {
		t.Error("no prefix was at several ports")
	}
}

// The tree becomes empty again, and old trees stay as they were.
func TestAddrTreeIsImmutable(t *testing.T) {
	at := func(text string, port uint32) Attachment {
		addr := netip.MustParseAddr(text)
		return Attachment{Prefix: netip.PrefixFrom(addr, addr.BitLen()), At: pid(1, port)}
	}
	one := addrTree{}.with(at("10.0.0.1", 1))
	two := one.with(at("10.0.0.2", 2)).with(at("2001:db8::1", 3))
	whole := netip.MustParsePrefix("10.0.0.0/24")
	if w := one.in(whole); w.Several() || w.First.At != pid(1, 1) {
		t.Errorf("%+v", w)
	}
	if w := two.in(whole); !w.Several() || w.Other.At != pid(1, 2) {
		t.Errorf("%+v", w)
	}
	if w := two.in(netip.MustParsePrefix("2001:db8::/64")); w.Several() || w.First.At != pid(1, 3) {
		t.Errorf("%+v", w)
	}
	left := two
	for _, text := range []string{"10.0.0.9", "10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::1"} {
		left = left.without(netip.MustParseAddr(text))
	}
	if left != (addrTree{}) {
		t.Errorf("left: %+v", left)
	}
	if moved := two.with(at("10.0.0.2", 1)); moved.in(whole).Several() || !two.in(whole).Several() {
		t.Error("a host that has moved is where it was, or was where it is")
	}
}
