package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPositionsAsMapping: both forms mean the same, with aliases too.
func TestPositionsAsMapping(t *testing.T) {
	list := `network: {positions: [{dpid: "1", x: 10, y: 20.5}, {dpid: "0x2", x: 10, y: 20.5}, {dpid: "3", x: -1, y: 0}]}`
	want, err := read("list", []byte(list), Overrides{}, Overrides{})
	if err != nil || len(want.Network.Positions) != 3 {
		t.Fatalf("%v, %v", want.Network.Positions, err)
	}
	mapping := `
network:
  positions:
    1: &both [10, 20.5]
    "0x2": *both
    "0000000000000003": {x: -1, y: 0}
`
	got, err := read("mapping", []byte(mapping), Overrides{}, Overrides{})
	if diff := cmp.Diff(want.Network.Positions, got.Network.Positions); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

// TestPositionsOfOneNumber: a value that is no position is told where its key
// is.
func TestPositionsOfOneNumber(t *testing.T) {
	for _, value := range []string{"[1]", "[1, 2, 3]", "5", "", "far away"} {
		_, err := read("f", []byte("network:\n  positions:\n    7: "+value+"\n"), Overrides{}, Overrides{})
		const says = "f:3:5: write [120, 40] for x and y, or {latitude: 40.42, longitude: -86.92}"
		if err == nil || err.Error() != says {
			t.Errorf("%q: %v", value, err)
		}
	}
}
