package flow

import (
	"fmt"
	"slices"
	"testing"

	"conga/bitrate"
	"conga/controller/purpose"
	"conga/openflow"
)

func TestStepsAreInOrder(t *testing.T) {
	n := square(t, threeTables)
	plain := Compile(n, 1)
	c := forth("a", 7, 40*bitrate.Mbps)
	n.Circuits = append(n.Circuits, c)
	busy := Compile(n, 1)
	kind := func(s Step) string {
		switch {
		case s.Meter != nil:
			return "meter in"
		case s.MeterID != 0:
			return "meter out"
		}
		out := "in"
		if s.Removes != nil {
			out = "out"
		}
		if ofCircuit(s.name()) {
			return "circuit " + out
		}
		return "entry " + out
	}
	for name, c := range map[string]struct {
		from, to *State
		want     []string
	}{
		"begin": {plain, busy, []string{"meter in", "circuit in", "entry in"}},
		"end":   {busy, plain, []string{"circuit out", "entry in", "meter out"}},
		"clear": {busy, NewState(), []string{"circuit out", "entry out", "meter out"}},
		"right": {busy, busy, nil},
	} {
		r := NewReconciler(c.to.Whole(), 1)
		tell(r, c.from)
		var got []string
		for steps := soon(r, 1000); len(steps) > 0; steps = soon(r, 1000) {
			var kinds []string
			for _, s := range steps {
				kinds = append(kinds, kind(s))
			}
			got = append(got, slices.Compact(kinds)...)
			r.Landed(nil)
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %q; want %q", name, got, c.want)
		}
	}
}

// BenchmarkReconcile measures the cost of a patch of one entry in a switch that
// holds many.
func BenchmarkReconcile(b *testing.B) {
	st := Compile(grid(20, 10), 45)
	r := NewReconciler(st.Whole(), 1)
	r.Begin()
	for len(soon(r, 1<<20)) > 0 {
		r.Landed(nil)
	}
	one := newRule(purpose.Forward, tableForwarding, prioHost, openflow.Match{openflow.EthDst(host(99))}, through(0, openflow.Output(1, 0))...)
	generation := uint64(1)
	b.ReportAllocs()
	for b.Loop() {
		for _, want := range []*Rule{one, nil} {
			generation++
			r.Want(Patch{Rules: map[openflow.EntryKey]*Rule{one.Key(): want}}, generation, generation)
			soon(r, 100)
			r.Landed(nil)
			if _, all := r.Confirmed(); all != generation {
				b.Fatal("not confirmed")
			}
		}
	}
}
