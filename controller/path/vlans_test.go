package path_test

import (
	"net/netip"
	"testing"

	"conga/controller/path"
	"conga/controller/topology"
)

// TestVLANsOfTwoEnds: they matter where both are known and differ.
func TestVLANsOfTwoEnds(t *testing.T) {
	s := &topology.Snapshot{Attachments: []topology.Attachment{
		{Prefix: netip.MustParsePrefix("10.0.0.1/32"), VLAN: 10},
		{Prefix: netip.MustParsePrefix("10.0.0.2/32"), VLAN: 20},
		{Prefix: netip.MustParsePrefix("10.0.0.3/32"), VLAN: 10},
		{Prefix: netip.MustParsePrefix("10.0.0.4/32")},
	}}
	for _, tc := range []struct {
		src, dst string
		want     path.VLANs
	}{
		{"10.0.0.1", "10.0.0.2", path.VLANs{Src: 10, Dst: 20}},
		{"10.0.0.2", "10.0.0.1", path.VLANs{Src: 20, Dst: 10}},
		{"10.0.0.1", "10.0.0.3", path.VLANs{}},
		{"10.0.0.1", "10.0.0.4", path.VLANs{}},
		{"10.0.0.4", "10.0.0.1", path.VLANs{}},
		{"10.0.0.4", "10.0.0.9", path.VLANs{}},
	} {
		got := keyOf(tc.src, tc.dst).VLANs(s)
		if got != tc.want || got.Reverse() != keyOf(tc.dst, tc.src).VLANs(s) {
			t.Errorf("%s -> %s: %v, want %v", tc.src, tc.dst, got, tc.want)
		}
	}
}

// keyOf returns the key of all that goes between two hosts.
func keyOf(src, dst string) path.FlowKey {
	return path.FlowKey{Src: path.Host(netip.MustParseAddr(src)), Dst: path.Host(netip.MustParseAddr(dst))}
}
