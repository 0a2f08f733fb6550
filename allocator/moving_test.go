package allocator

import (
	"strings"
	"testing"

	"conga/bitrate"
)

// TestMoving: what has begun tells why it is to have another circuit until that
// is confirmed, and what has lost its path why that is.
func TestMoving(t *testing.T) {
	w, direct, around := ring(t)
	id := w.create(ask(1, 1, 2, 1, 5, 1000)).ID
	expect := func(when, begins string) {
		t.Helper()
		v := w.get(id)
		if got := v.Moving(); (got == "") != (begins == "") || !strings.HasPrefix(got, begins) {
			t.Errorf("%s: %q, want %q", when, got, begins)
		}
	}
	expect("before its start", "")
	w.work()
	expect("active", "")
	w.update(id, Change{Bandwidth: new(bitrate.Rate(4))})
	expect("changed", "it was changed")
	w.work()
	w.change(cut(direct))
	w.plan()
	expect("cut", "link "+direct.String()+" ")
	w.update(id, Change{Bandwidth: new(bitrate.Rate(3))})
	expect("cut, then changed", "link "+direct.String()+" ")
	w.work()
	expect("moved", "")
	w.change(cut(around))
	w.work()
	expect("cut again", "link ")
	w.pass(1000)
	expect("complete", "")
}
