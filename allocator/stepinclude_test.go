package allocator

import (
	"strings"
	"testing"

	"conga/bitrate"
	"conga/openflow"
)

// TestStepsByWayOfASwitch: a volume that needs steps is carried by way of the
// switch that it asks for, also a distant one, among more ways than can be
// looked at; and is refused where no path crosses that.
func TestStepsByWayOfASwitch(t *testing.T) {
	const side = 10
	w := newWorld(t, side*side+1, 10)
	for i := range openflow.DPID(side * side) {
		if i%side != 0 {
			w.cable(i, i+1, 10)
		}
		if i >= side {
			w.cable(i-side+1, i+1, 10)
		}
	}
	w.cable(side*side, side*side+1, 10) // leads nowhere else
	w.open()
	w.create(ask(1, 1, 1, 2, 9, 100))
	for _, x := range []struct{ include, refusal string }{
		{"0000000000000064", ""}, // the opposite corner
		{"0000000000000005", ""},
		{"0000000000000065", "no path from 10.0.1.1 to 10.0.2.1 crosses 0000000000000065"},
		{"00000000000000ff", "no path from 10.0.1.1 to 10.0.2.1 crosses 00000000000000ff"},
		{"0000000000000064,0000000000000065", "crosses"},
	} {
		r := ask(1, 1, 2, 1, 0, 0)
		r.Include = Elements(x.include)
		r.Volume, r.Deadline = 137, w.now+200
		v, err := w.a.Create(bg, r)
		if x.refusal != "" {
			if err == nil || !strings.Contains(err.Error(), x.refusal) {
				t.Errorf("%s: %v, want %q", x.include, err, x.refusal)
			}
			continue
		}
		if err != nil || len(v.Profile) != 2 || v.Profile[1].Rate != bitrate.Rate(10) {
			t.Fatalf("%s: %+v, %v", x.include, v.Profile, err)
		}
		if err := w.a.Release(bg, v.ID, 0); err != nil {
			t.Fatal(err)
		}
	}
}
