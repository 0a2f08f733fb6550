package stats

import (
	"net/netip"
	"testing"

	"conga/controller/path"
	"conga/openflow"
)

// Entries of a prefix are told apart by its length, as those of a host within
// it are of another circuit.
func TestDirectionOfPrefixes(t *testing.T) {
	side := func(text string) path.Prefix {
		p, err := path.ParsePrefix(text)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	match := func(src, dst path.Prefix) openflow.Match {
		if src.Is4() {
			return openflow.Match{openflow.IPv4SrcPrefix(src.Net()), openflow.IPv4DstPrefix(dst.Net())}
		}
		return openflow.Match{openflow.IPv6SrcPrefix(src.Net()), openflow.IPv6DstPrefix(dst.Net())}
	}
	for _, k := range []path.FlowKey{
		{Src: side("10.1.0.0/24"), Dst: side("10.2.0.1")},
		{Src: side("10.1.0.1"), Dst: side("10.2.0.0/16")},
		{Src: side("2001:db8::/64"), Dst: side("2001:db8:1::/48")},
		{Src: side("10.1.0.1"), Dst: side("10.2.0.1")},
	} {
		if way, ok := directionOf(k, match(k.Src, k.Dst)); !ok || way != forward {
			t.Errorf("%v: %d, %t", k, way, ok)
		}
		if way, ok := directionOf(k, match(k.Dst, k.Src)); !ok || way != reverse {
			t.Errorf("%v, back: %d, %t", k, way, ok)
		}
		wider := k.Src.Widen(k.Src.Bits() - 1)
		if way, ok := directionOf(k, match(wider, k.Dst)); ok {
			t.Errorf("%v, from %v: %d", k, wider, way)
		}
	}
	odd := openflow.Match{openflow.IPv4SrcMasked(netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("255.0.0.255")), openflow.IPv4Dst(netip.MustParseAddr("10.2.0.1"))}
	if way, ok := directionOf(path.FlowKey{Dst: side("10.2.0.1")}, odd); ok {
		t.Errorf("a mask that is of no prefix: %d", way)
	}
	if way, ok := directionOf(path.FlowKey{Src: side("10.1.0.1"), Dst: side("10.2.0.1")}, openflow.Match{openflow.IPv4Dst(netip.MustParseAddr("10.2.0.1"))}); ok {
		t.Errorf("no source: %d", way)
	}
}
