package allocator

import (
	"testing"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// What is spare is looked at for all scavengers once a second, and in between
// only when one of them has to give way: not at each request, nor at each
// snapshot of a network that is as it was.
func TestSpareIsLookedAtSeldom(t *testing.T) {
	w := newWorld(t, 2, 1000)
	w.cable(1, 2, 1000)
	w.open()
	w.tells = true
	var ids []string
	for i := range 10 {
		r := scavenger(1, 1, 2, 1, 1, 20, 1000)
		r.Key.Proto, r.Key.SrcPort, r.Key.DstPort = path.ProtoTCP, path.Port(uint16(i+1)), path.Port(80)
		ids = append(ids, w.create(r).ID)
	}
	w.pass(3)
	expect := func(rate bitrate.Rate, reason string) {
		t.Helper()
		for _, id := range ids {
			w.expectRate(id, Active, rate, reason)
		}
	}
	expect(20, "")
	during := func(what string, most uint64, f func()) {
		t.Helper()
		before := w.a.spare.looked
		if f(); w.a.spare.looked-before > most {
			t.Errorf("%s: looked %d times, want %d at most", what, w.a.spare.looked-before, most)
		}
	}
	during("many requests", 0, func() {
		for range 50 {
			v := w.create(ask(1, 2, 2, 2, 30, 100))
			w.work()
			w.expect(v.ID, Active, span(3, 103))
			if err := w.a.Release(bg, v.ID, 0); err != nil {
				t.Fatal(err)
			}
			w.work()
		}
	})
	during("many snapshots", 0, func() {
		for range 50 {
			w.change(func(*topology.Snapshot) {})
			w.work()
		}
	})
	during("seconds", 20, func() { w.pass(20) })
	during("one that takes their room", 3, func() {
		v := w.create(ask(1, 3, 2, 3, 900, 10))
		w.work()
		w.expect(v.ID, Active, span(23, 33))
	})
	expect(10, "has 10 of at most 20")
	during("one that ends", 15, func() { w.pass(12) })
	expect(20, "")
}
