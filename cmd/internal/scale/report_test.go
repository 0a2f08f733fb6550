//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"conga/cmd/internal/figures"
)

// Both daemons are measured, in turn, and the ratio and the bound are printed.
func TestReport(t *testing.T) {
	values := []float64{10, 30, 20, 50, 60, 70}
	s := scenario{name: "one", old: true, worst: []string{"s"}, run: func(_ context.Context, r *run) error {
		r.figure("s", values[0])
		values = values[1:]
		return nil
	}}
	r := newReport(options{n: 3, oldN: 3}, io.Discard)
	r.repeat(t.Context(), s, build{prefix: oldPrefix})
	r.repeat(t.Context(), s, build{})
	bounds, err := figures.ParseBounds("one s <= 2 x old:one")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := r.print(&out, bounds); err != nil {
		t.Fatal(err)
	}
	want := `old:one  20  s        -      -
old:one  30  worst-s  -      -
one      60  s        <= 40  FAILS
one      70  worst-s  -      -
one s: 3 of the old
one worst-s: 2.33 of the old
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
	r.markdown = true
	out.Reset()
	if err := r.print(&out, bounds); err != nil || !strings.Contains(out.String(), "| one | s | 60 | 3 | <= 40 | FAILS |") {
		t.Errorf("%v\n%s", err, &out)
	}
}

// A scenario that does not complete is printed, and not retried for ever.
func TestFailure(t *testing.T) {
	tries := 0
	s := scenario{name: "bad", least: 10, run: func(context.Context, *run) error { tries++; return errors.New("too late") }}
	r := newReport(options{n: usual}, io.Discard)
	r.repeat(t.Context(), s, build{})
	r.repeat(t.Context(), s, build{prefix: oldPrefix}) // not for the old one
	var out bytes.Buffer
	if err := r.print(&out, nil); err != nil || tries != 2 || out.String() != strings.Repeat("FAILED bad: too late\n", 2) {
		t.Errorf("%d tries, %v\n%s", tries, err, &out)
	}
}

// Every bound is one of an existing scenario, and the flags are understood.
func TestBounds(t *testing.T) {
	bounds, err := figures.ParseBounds(boundsText)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, s := range scenarios {
		names[s.name] = true
	}
	for f := range bounds {
		if !names[f.Name] {
			t.Errorf("there is no scenario %s", f.Name)
		}
	}
	for _, args := range [][]string{{"-n", "0"}, {"-divide", "0"}, {"word"}, {"-nonsense"}, {"-profile", "x", "-congad", "y"}} {
		if _, err := parseFlags(args, io.Discard); err == nil {
			t.Errorf("%q is understood", args)
		}
	}
	if got := choose("request/1,lost"); len(got) != 3 {
		t.Errorf("chosen: %d scenarios", len(got))
	}
}

func TestParseSweeps(t *testing.T) {
	got, err := parseSweeps(`{"controller": "congad", "pairs": 992, "lost": 1, "cpu_s": 0.05}
{"controller": "other", "pairs": 992, "lost": 0, "cpu_s": 0.5}
`)
	want := []sweep{{"congad", 992, 1, 0.05}, {"other", 992, 0, 0.5}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, bad := range []string{"", "x", `{"controller": "congad"}`} {
		if _, err := parseSweeps(bad); err == nil {
			t.Errorf("%q is taken for sweeps", bad)
		}
	}
}
